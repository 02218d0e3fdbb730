package stepfunctions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// The limits of Step Functions: "Step Functions service quotas" in its Developer Guide, and StartExecution in its API
// reference.
const (
	maxInput = 256 << 10 // bytes
	maxName  = 80        // characters
	maxTrace = 256       // characters
)

// document is the JSON that a parameter holds. Text is taken as it is, to the last digit; a model may also give the
// value itself. Nothing is {}.
func document(value any) (string, error) {
	if value == nil {
		return "{}", nil
	}
	text, ok := value.(string)
	if !ok {
		written, err := param.Encode(value)
		if err != nil {
			return "", err
		}
		text = string(written)
	}
	return text, checkDocument(text)
}

func checkDocument(text string) error {
	var raw json.RawMessage
	err := json.Unmarshal([]byte(text), &raw)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("is not JSON (%w, at byte %d): names and texts stand in double quotes, and nothing may be missing at the end", syntax, syntax.Offset)
	case err != nil:
		return fmt.Errorf("is not JSON: %w", err)
	case len(text) > maxInput:
		return fmt.Errorf("has %d bytes, and Step Functions takes at most %d: store the data, in S3 for example, and pass its location", len(text), maxInput)
	}
	return checkNames(raw)
}

// checkNames refuses a name that an object has twice: one of its values would be lost without a word.
func checkNames(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	levels := []level{{}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("is not JSON: %w", err)
		}
		switch token {
		case json.Delim('}'), json.Delim(']'):
			levels = levels[:len(levels)-1]
			continue
		}
		if name, twice := levels[len(levels)-1].next(token); twice {
			return fmt.Errorf("has the name %q twice in one object: leave one of them out", param.ClipTo(name, 60))
		}
		if delim, ok := token.(json.Delim); ok {
			levels = append(levels, level{object: delim == '{', names: map[string]bool{}})
		}
	}
}

// level is an array or an object that is being read.
type level struct {
	object bool
	value  bool // what follows is the value of a name
	names  map[string]bool
}

// next reads a token and reports whether it is a name that was there before.
func (l *level) next(token json.Token) (name string, twice bool) {
	name, isText := token.(string)
	isName := l.object && !l.value && isText
	l.value = isName
	if !isName {
		return "", false
	}
	twice = l.names[name]
	l.names[name] = true
	return name, twice
}

// checkName follows the rules for names in the API reference of StartExecution.
func checkName(name string) error {
	if utf8.RuneCountInString(name) > maxName {
		return fmt.Errorf("has %d characters, and a name has at most %d", utf8.RuneCountInString(name), maxName)
	}
	if i := strings.IndexFunc(name, isForbidden); i >= 0 {
		r, _ := utf8.DecodeRuneInString(name[i:])
		return fmt.Errorf("is %q, and a name must not contain %q: letters, digits, - and _ are always right", param.Clip(name), r)
	}
	return nil
}

func isForbidden(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || slices.Contains([]rune{0xFFFE, 0xFFFF, 0x10FFFF}, r) ||
		strings.ContainsRune("<>{}[]?*\"#%\\^|~`$&,;:/", r)
}

func checkTrace(header string) error {
	switch {
	case strings.ContainsFunc(header, func(r rune) bool { return r > unicode.MaxASCII }):
		return fmt.Errorf("is %q, and may hold ASCII characters only, as in Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", param.Clip(header))
	case len(header) > maxTrace:
		return fmt.Errorf("has %d characters, and has at most %d", len(header), maxTrace)
	}
	return nil
}

// checkTags refuses tags. The empty forms of them stand in workflows that work.
func checkTags(value any) error {
	text, isText := value.(string)
	if isText {
		text = strings.Join(strings.Fields(text), "")
	}
	list, isList := value.([]any)
	object, isObject := value.(map[string]any)
	if value == nil || isText && slices.Contains([]string{"{}", "[]", "null"}, text) || isList && len(list) == 0 || isObject && len(object) == 0 {
		return nil
	}
	return errors.New("must be left blank: AWS gives tags to state machines, and StartExecution takes none. Tag the state machine in the " +
		"Step Functions console, or put what the tags say into input_json")
}
