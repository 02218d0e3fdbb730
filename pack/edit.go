package pack

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A document is the text of a YAML file and what it says. Changes are made in
// the text, at the places that the parser reports, so that comments, order and
// layout stay as they are.
type document struct {
	file string
	text string
}

// root parses the text and returns the mapping at its root.
func (d *document) root() (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(strings.TrimPrefix(d.text, byteOrderMark)), &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", d.file, err)
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: is not a mapping", d.file)
	}
	return doc.Content[0], nil
}

const byteOrderMark = "\ufeff"

// set replaces the text at a path of keys. A number in the path is the index
// of an element. It does nothing where a part of the path is missing.
func (d *document) set(value string, at ...any) error {
	node, err := d.find(at)
	if node == nil || err != nil {
		return err
	}
	if node.Value == value {
		return nil
	}
	start, end, err := d.span(node)
	if err != nil {
		return d.cannotReplace(node, at, err)
	}
	written, err := yaml.Marshal(value)
	if err != nil {
		return d.cannotReplace(node, at, err)
	}
	changed := &document{d.file, d.text[:start] + strings.TrimSpace(string(written)) + d.text[end:]}
	if after, err := changed.find(at); err != nil || after == nil || after.Value != value {
		return d.cannotReplace(node, at, errors.New("the layout around it is not understood"))
	}
	d.text = changed.text
	return nil
}

func (d *document) cannotReplace(node *yaml.Node, at []any, err error) error {
	return fmt.Errorf("%s:%d: replacing %v: %w; write it as plain text on one line", d.file, node.Line, at, err)
}

// find returns the node at a path of keys and indexes, or nil.
func (d *document) find(at []any) (*yaml.Node, error) {
	node, err := d.root()
	if err != nil {
		return nil, err
	}
	for _, step := range at {
		switch step := step.(type) {
		case string:
			_, node = lookUp(node, step)
		case int:
			node = element(node, step)
		}
		if node == nil {
			return nil, nil
		}
	}
	return node, nil
}

func lookUp(mapping *yaml.Node, key string) (keyNode, value *yaml.Node) {
	if mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

func element(list *yaml.Node, index int) *yaml.Node {
	if list.Kind != yaml.SequenceNode || index >= len(list.Content) {
		return nil
	}
	return list.Content[index]
}

// span returns where a scalar stands in the text.
func (d *document) span(node *yaml.Node) (start, end int, err error) {
	start, err = d.offset(node)
	if err != nil {
		return 0, 0, err
	}
	rest := d.text[start:]
	switch {
	case node.Kind != yaml.ScalarNode:
		return 0, 0, errors.New("it is not a text")
	case node.Style == 0 && strings.HasPrefix(rest, node.Value):
		return start, start + len(node.Value), nil
	case node.Style == yaml.SingleQuotedStyle || node.Style == yaml.DoubleQuotedStyle:
		quoted := rest[:1] + node.Value + rest[:1]
		if strings.HasPrefix(rest, quoted) {
			return start, start + len(quoted), nil
		}
	}
	return 0, 0, errors.New("it is written in an unusual way")
}

// offset turns the line and column of a node, which counts characters, into an
// index of the text.
func (d *document) offset(node *yaml.Node) (int, error) {
	offset := lineOffset(d.text, node.Line)
	if node.Line == 1 && strings.HasPrefix(d.text, byteOrderMark) {
		offset += len(byteOrderMark)
	}
	for range node.Column - 1 {
		if offset >= len(d.text) {
			return 0, errors.New("it is not where the parser saw it")
		}
		_, size := utf8.DecodeRuneInString(d.text[offset:])
		offset += size
	}
	return offset, nil
}

// lineOffset returns where a line, counted from 1, begins.
func lineOffset(text string, line int) int {
	offset := 0
	for range line - 1 {
		next := strings.IndexByte(text[offset:], '\n')
		if next < 0 {
			return len(text)
		}
		offset += next + 1
	}
	return offset
}

// add puts a key with a text into the mapping at a path, on a line of its own, or replaces the text that the key has. It
// does nothing where a part of the path is missing.
func (d *document) add(key, value string, at ...any) error {
	path := append(slices.Clone(at), key)
	mapping, err := d.find(at)
	if mapping == nil || err != nil {
		return err
	}
	if keyNode, _ := lookUp(mapping, key); keyNode != nil {
		return d.set(value, path...)
	}
	refuse := func(why string) error {
		return fmt.Errorf("%s:%d: adding %v: %s; write every key on a line of its own", d.file, mapping.Line, path, why)
	}
	if mapping.Kind != yaml.MappingNode || mapping.Style == yaml.FlowStyle || len(mapping.Content) < 4 {
		return refuse("it is not a list of keys and values")
	}
	second := mapping.Content[2] // the first key may stand behind the dash of a list
	written, err := yaml.Marshal(map[string]string{key: value})
	if err != nil {
		return refuse(err.Error())
	}
	start := lineOffset(d.text, second.Line)
	changed := &document{d.file, d.text[:start] + strings.Repeat(" ", second.Column-1) + string(written) + d.text[start:]}
	if after, err := changed.find(path); err != nil || after == nil || after.Value != value {
		return refuse("the layout around it is not understood")
	}
	d.text = changed.text
	return nil
}

// remove takes a key at the root out of the document, with all that belongs to
// it. It does nothing where the key is missing.
func (d *document) remove(key string) error {
	root, err := d.root()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(root.Content, func(n *yaml.Node) bool { return n.Value == key && n.Column == 1 })
	if keyNode, _ := lookUp(root, key); keyNode == nil {
		return nil
	}
	if at < 0 || root.Style == yaml.FlowStyle {
		return fmt.Errorf("%s: removing %s: it does not begin a line; write it on lines of its own", d.file, key)
	}
	start, end := lineOffset(d.text, root.Content[at].Line), len(d.text)
	if at+2 < len(root.Content) {
		end = d.aboveComments(root.Content[at+2].Line)
	}
	changed := &document{d.file, d.text[:start] + d.text[end:]}
	after, err := changed.root()
	if err != nil {
		return fmt.Errorf("removing %s: %w", key, err)
	}
	if len(after.Content) != len(root.Content)-2 {
		return fmt.Errorf("%s: removing %s: the layout around it is not understood; write every key on a line of its own", d.file, key)
	}
	d.text = changed.text
	return nil
}

// aboveComments returns where the comments and blank lines begin that stand
// above a line, or where the line itself begins.
func (d *document) aboveComments(line int) int {
	offset := lineOffset(d.text, line)
	for line > 1 {
		line--
		above := lineOffset(d.text, line)
		if text := strings.TrimSpace(d.text[above:offset]); text != "" && d.text[above] != '#' {
			break
		}
		offset = above
	}
	return offset
}
