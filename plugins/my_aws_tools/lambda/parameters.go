package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// wrongs gathers what is wrong with the parameters of a call, so that a user corrects them once.
type wrongs []string

// add notes what is wrong with a parameter. Without an error it does nothing.
func (w *wrongs) add(parameter string, err error) {
	if err != nil {
		*w = append(*w, parameter+" "+err.Error())
	}
}

// err is the error that refuses the call, or nil when nothing is wrong.
func (w wrongs) err(tool string) error {
	if len(w) == 0 {
		return nil
	}
	return plugin.Errorf(plugin.BadRequest, "%s was not run: %s", tool, strings.Join(w, "; "))
}

// document is the JSON that a parameter holds. Text is taken as it is, to the last digit; a model may also give the
// value itself. Nothing is nil.
func document(value any) (json.RawMessage, error) {
	if value == nil {
		return nil, nil
	}
	if text, ok := value.(string); ok {
		return parseDocument(text)
	}
	return encode(value)
}

func parseDocument(text string) (json.RawMessage, error) {
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

// encode writes a value as JSON, without the escapes that only web pages need.
func encode(value any) (json.RawMessage, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, fmt.Errorf("cannot be written as JSON: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func isObject(raw []byte) bool {
	trimmed := bytes.TrimSpace(raw)
	return len(trimmed) > 0 && trimmed[0] == '{'
}

// checkLanguage demands a language: what is not blank is the function's to understand.
func checkLanguage(code string) error {
	if code == "" {
		return errors.New("is required: write the code of a language, such as en or zh")
	}
	return nil
}
