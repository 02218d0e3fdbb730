package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// readable writes JSON for readers: on one line, with a space behind commas and colons, and with characters in place of
// their \u escapes. Names keep their order and numbers their digits.
func readable(raw []byte) (string, error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var out bytes.Buffer
	levels := []level{{}}
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) && len(levels) == 1 {
			return out.String(), nil
		}
		if err != nil {
			return "", fmt.Errorf("read JSON: %w", err)
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			levels = levels[:len(levels)-1]
			out.WriteString(token.(json.Delim).String())
			continue
		}
		out.WriteString(levels[len(levels)-1].separator())
		if delim, ok := token.(json.Delim); ok {
			out.WriteString(delim.String())
			levels = append(levels, level{object: delim == '{'})
			continue
		}
		scalar, err := param.Encode(token)
		if err != nil {
			return "", err
		}
		out.Write(scalar)
	}
}

// level is an array or an object that is being written.
type level struct {
	object bool
	tokens int // names count as well
}

// separator is what stands before the next token.
func (l *level) separator() string {
	l.tokens++
	switch {
	case l.tokens == 1:
		return ""
	case l.object && l.tokens%2 == 0:
		return ": "
	}
	return ", "
}
