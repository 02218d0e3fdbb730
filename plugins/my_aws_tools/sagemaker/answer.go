package sagemaker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// unexpected is the error about an answer of another form than the tool and the model have agreed on.
func unexpected(endpoint string, why error) error {
	return plugin.Errorf(plugin.Unavailable, "the answer of the SageMaker endpoint %s cannot be used: %w. Check that sagemaker_endpoint is an endpoint for this tool", endpoint, why)
}

// notANumber is what Python writes for numbers that JSON does not know.
var notANumber = regexp.MustCompile(`(^|[\[,:\s])(NaN|-?Infinity)($|[\],}\s])`)

// decode reads an answer, with numbers to the last digit.
func decode(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("something follows its end")
		}
	}
	switch {
	case err == nil:
		return value, nil
	case len(bytes.TrimSpace(text)) == 0:
		return nil, errors.New("it is empty")
	case notANumber.Match(text):
		return nil, errors.New("it holds NaN or Infinity, which are not numbers of JSON")
	}
	return nil, fmt.Errorf("it is not JSON (%w): %s", err, shown(text))
}

// shown is the beginning of an answer on one line.
func shown(text []byte) string {
	return fmt.Sprintf("%q", param.Clip(strings.ToValidUTF8(string(text), "\uFFFD")))
}

// keysOf names the keys of an object for an error. Their values may be anything, signed URLs included, and are not
// repeated.
func keysOf(object map[string]any) string {
	if len(object) == 0 {
		return "it is an empty object"
	}
	return "it has the keys " + param.Clip(strings.Join(slices.Sorted(maps.Keys(object)), ", "))
}

// kindOf names the kind of a decoded value for an error.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
