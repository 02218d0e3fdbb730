// Package param reads the parameters of tools: it gathers what is wrong with them, so that a user corrects them once,
// before anything is sent to anybody.
package param

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// Problems are what is wrong with the parameters of one call. The zero value holds none.
type Problems []string

// Add notes an error about a parameter, whose text completes a sentence that begins with the parameter's name. Without
// an error it does nothing.
func (p *Problems) Add(parameter string, err error) {
	if err != nil {
		*p = append(*p, parameter+" "+err.Error())
	}
}

// Addf notes a sentence that begins with the parameter's name.
func (p *Problems) Addf(parameter, format string, args ...any) {
	*p = append(*p, parameter+" "+fmt.Sprintf(format, args...))
}

// Err refuses a call of a tool with everything that is wrong, as an error of the kind [plugin.BadRequest]. It is nil
// when nothing is.
func (p Problems) Err(tool string) error {
	switch len(p) {
	case 0:
		return nil
	case 1:
		return plugin.Errorf(plugin.BadRequest, "%s was not run: %s", tool, p[0])
	default:
		return plugin.Errorf(plugin.BadRequest, "%s was not run, %d parameters are wrong: %s", tool, len(p), strings.Join(p, "; "))
	}
}

// maxClip is how much of a value an error repeats, in characters.
const maxClip = 120

// Clip shortens what a user typed, for an error about it.
func Clip(text string) string { return ClipTo(text, maxClip) }

// ClipTo shortens what came from outside to a number of characters.
func ClipTo(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// JSON is the JSON that a parameter holds. Text is taken as it is, to the last digit; a model may also give the value
// itself. Nothing is nil. The error completes a sentence that begins with the parameter's name.
func JSON(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	if text, ok := value.(string); ok {
		return parse(text)
	}
	return Encode(value)
}

func parse(text string) (json.RawMessage, error) {
	var raw json.RawMessage
	err := json.Unmarshal([]byte(text), &raw)
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("is not JSON (%w, at byte %d): names and texts stand in double quotes, and nothing may be missing at the end", syntax, syntax.Offset)
	}
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	return raw, nil
}

// Encode writes a value as JSON, without the escapes that only web pages need.
func Encode(value any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}
