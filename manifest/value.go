package manifest

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A value is a YAML node that knows its place: the file and line where it
// stands and the way that leads to it.
type value struct {
	src    *source
	node   *yaml.Node
	line   int
	parent *value
	label  string // how the parent calls this value: ".key" or "[index]"
}

func (v value) faultf(format string, args ...any) {
	if v.src.full() {
		return
	}
	v.src.fault(v.line, v.path(), fmt.Sprintf(format, args...))
}

func (v value) path() string {
	var labels []string
	for at := &v; at.parent != nil; at = at.parent {
		labels = append(labels, at.label)
	}
	slices.Reverse(labels)
	return strings.TrimPrefix(strings.Join(labels, ""), ".")
}

// kind describes what the value is, for messages.
func (v value) kind() string {
	switch v.node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch v.node.ShortTag() {
	case "!!null":
		return "empty"
	case "!!str":
		return "text"
	case "!!bool":
		return "true or false"
	case "!!int", "!!float":
		return "a number"
	case "!!timestamp":
		return "a date"
	}
	return "a value tagged " + quoted(v.node.Tag)
}

func (v value) isNull() bool {
	return v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null"
}

// is reports whether the value is of a kind, and a fault when it is not. An
// alias stays silent: it has been reported by inspect.
func (v value) is(kind yaml.Kind, wanted string) bool {
	if v.node.Kind == kind {
		return true
	}
	if v.node.Kind != yaml.AliasNode {
		v.faultf("must be %s, not %s", wanted, v.kind())
	}
	return false
}

// child returns a value that stands in v. A fault about a container or about
// nothing is shown where its key stands, any other where the value stands.
func (v *value) child(key, node *yaml.Node, label string) value {
	line := node.Line
	if key != nil && (node.Kind != yaml.ScalarNode || node.ShortTag() == "!!null") {
		line = key.Line
	}
	return value{src: v.src, node: node, line: line, parent: v, label: label}
}

// items returns the elements of a list, none if v is no list.
func (v value) items() []value {
	if v.node == nil || v.node.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, node := range v.node.Content {
		items[i] = v.child(nil, node, itemLabel(node, i))
	}
	return items
}

// itemLabel calls an element by its name, so that a fault is found without
// counting; the index serves elements without a usable name.
func itemLabel(node *yaml.Node, index int) string {
	if node.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(node.Content); i += 2 {
			name := node.Content[i+1]
			if node.Content[i].Value == "name" && name.Kind == yaml.ScalarNode && plainKey.MatchString(name.Value) {
				return "." + name.Value
			}
		}
	}
	return "[" + strconv.Itoa(index) + "]"
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func keyLabel(key string) string {
	if plainKey.MatchString(key) {
		return "." + key
	}
	return "." + quoted(key)
}

// A mapping is a value with keys.
type mapping struct {
	value
	keys    []*yaml.Node // in the order of the file
	entries map[string]value
}

// mapping returns the entries of v, none if v is no mapping. Of a key that
// appears twice the first counts; inspect has reported the others.
func (v value) mapping() mapping {
	m := mapping{value: v, entries: make(map[string]value)}
	if v.node == nil || v.node.Kind != yaml.MappingNode {
		return m
	}
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			continue
		}
		if _, seen := m.entries[key.Value]; seen {
			continue
		}
		m.keys = append(m.keys, key)
		m.entries[key.Value] = m.child(key, v.node.Content[i+1], keyLabel(key.Value))
	}
	return m
}

// has reports whether a key is there with a value other than null.
func (m mapping) has(key string) bool {
	v, ok := m.entries[key]
	return ok && !v.isNull()
}

// at returns the value of a key. For a missing key it is a value without
// content that stands where the mapping stands, good for reporting a fault.
func (m mapping) at(key string) value {
	if v, ok := m.entries[key]; ok {
		return v
	}
	return value{src: m.src, line: m.line, parent: &m.value, label: keyLabel(key)}
}

// textAt returns the text of a key's scalar, "" when it has none.
func (m mapping) textAt(key string) string {
	if v, ok := m.entries[key]; ok && v.node.Kind == yaml.ScalarNode {
		return v.node.Value
	}
	return ""
}

// inspect reports what is wrong with the structure below v: keys that appear
// twice, aliases, and nesting without end. It cuts off what is nested too
// deep, so that no later reader has to care.
func (v value) inspect(depth int) {
	if depth > maxDepth {
		v.faultf("is nested deeper than %d levels", maxDepth)
		v.node.Content = nil
		return
	}
	switch v.node.Kind {
	case yaml.AliasNode:
		// Aliases let a small file unfold to gigabytes, and the line of a
		// fault inside one would belong to two places.
		v.faultf("is the alias *%s; aliases are not read, write the value out", clipped(v.node.Value))
	case yaml.SequenceNode:
		for _, item := range v.items() {
			item.inspect(depth + 1)
		}
	case yaml.MappingNode:
		v.inspectKeys(depth)
	}
}

func (v value) inspectKeys(depth int) {
	first := make(map[string]int)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		key := v.node.Content[i]
		at := v.child(nil, key, keyLabel(key.Value))
		switch line, seen := first[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			v.src.fault(key.Line, v.path(), "has a key that is not plain text")
			continue
		case key.ShortTag() == "!!merge":
			at.faultf("is a merge key; merge keys are not read, write the keys out")
		case seen:
			at.faultf("appears twice, first on line %d; remove one", line)
		}
		first[key.Value] = key.Line
		v.child(key, v.node.Content[i+1], keyLabel(key.Value)).inspect(depth + 1)
	}
}

// text returns the text of a scalar. The host keeps numbers and other plain
// words as they are written where it expects text, and so does this.
func (v value) text() (string, bool) {
	if !v.is(yaml.ScalarNode, "text") {
		return "", false
	}
	switch v.node.ShortTag() {
	case "!!str", "!!int", "!!float", "!!bool", "!!timestamp":
		return v.node.Value, true
	}
	v.faultf("must be text, not %s", v.kind())
	return "", false
}

// plain returns any value as the types of encoding/json know it: nil, bool,
// int, int64, uint64, float64, string, []any and map[string]any.
func (v value) plain() (any, bool) {
	switch v.node.Kind {
	case yaml.SequenceNode:
		return v.plainList()
	case yaml.MappingNode:
		return v.plainMap()
	case yaml.ScalarNode:
		return v.plainScalar()
	}
	return nil, false
}

func (v value) plainScalar() (any, bool) {
	switch v.node.ShortTag() {
	case "!!null":
		return nil, true
	case "!!str":
		return v.node.Value, true
	case "!!timestamp":
		v.faultf("is read as a date, not as text; write it in quotes")
		return nil, false
	case "!!bool", "!!int", "!!float":
		var x any
		if err := v.node.Decode(&x); err != nil {
			v.faultf("cannot be read as %s", v.kind())
			return nil, false
		}
		if f, ok := x.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
			v.faultf("must be a finite number")
			return nil, false
		}
		return x, true
	}
	v.faultf("must be a plain value, not %s", v.kind())
	return nil, false
}

func (v value) plainList() (any, bool) {
	list, good := make([]any, 0, len(v.node.Content)), true
	for _, item := range v.items() {
		x, ok := item.plain()
		list, good = append(list, x), good && ok
	}
	return list, good
}

func (v value) plainMap() (any, bool) {
	m, good := v.mapping(), true
	object := make(map[string]any, len(m.keys))
	for _, key := range m.keys {
		x, ok := m.entries[key.Value].plain()
		object[key.Value], good = x, good && ok
	}
	return object, good
}

// quoted shows a piece of a declaration in a message, shortened.
func quoted(s string) string { return strconv.Quote(clipped(s)) }

func clipped(s string) string {
	const longest = 60
	if r := []rune(s); len(r) > longest {
		return string(r[:longest]) + "..."
	}
	return s
}
