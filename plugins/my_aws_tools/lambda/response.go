package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxMessage is how long a response may be as a JSON string, in bytes, to be sent as text. A line to Dify holds 5 MiB.
const maxMessage = 4 << 20

// response is what a function has returned, in the form in which it is delivered.
type response struct {
	// text is what the user reads.
	text string
	// raw is the JSON that was received, and nil where it is none, or too long.
	raw json.RawMessage
	// file holds what does not fit into a text.
	file *plugin.File
}

// newResponse sorts out what a function has returned. show makes the text of what is JSON; nil leaves it as it is.
func newResponse(f function, payload []byte, show func([]byte) (string, error)) (response, error) {
	if !utf8.Valid(payload) {
		return inFile(f, payload, ".bin", http.DetectContentType(payload)), nil
	}
	isJSON := json.Valid(payload)
	r := response{text: string(payload)}
	if isJSON && show != nil {
		var err error
		if r.text, err = show(payload); err != nil {
			return response{}, plugin.Errorf(plugin.Unavailable, "the response of the Lambda function %s cannot be shown: %w", f.text, err)
		}
	}
	switch {
	case tooLong(r.text) && isJSON:
		return inFile(f, payload, ".json", "application/json"), nil
	case tooLong(r.text):
		return inFile(f, payload, ".txt", "text/plain"), nil
	case isJSON:
		r.raw = payload
	}
	return r, nil
}

func tooLong(text string) bool {
	if len(text) <= maxMessage/6 { // an escape has at most six bytes
		return false
	}
	encoded, err := param.Encode(text)
	return err != nil || len(encoded) > maxMessage
}

func inFile(f function, content []byte, extension, mimeType string) response {
	if bare, _, err := mime.ParseMediaType(mimeType); err == nil {
		mimeType = bare
	}
	file := plugin.Bytes(f.name+"-response"+extension, mimeType, content)
	return response{
		text: fmt.Sprintf("The response of the Lambda function %s has %d bytes and is in the file %s.", f.name, len(content), file.Name),
		file: &file,
	}
}

// send sends the file, if there is one, and the text.
func (r response) send(ctx context.Context, call *plugin.Call) error {
	if r.file != nil {
		if err := call.File(ctx, *r.file); err != nil {
			return err
		}
	}
	return call.Text(r.text)
}

// setOutputs sets the outputs that all tools of the package have: the text, where it is the response, and its JSON,
// where that is an object.
func (r response) setOutputs(call *plugin.Call) error {
	var text, object any
	if r.file == nil {
		text = r.text
	}
	if isObject(r.raw) {
		object = r.raw
	}
	return setOutputs(call, []output{{"response_text", text}, {"response_json", object}})
}

// output is an output of a tool's node.
type output struct {
	name  string
	value any
}

func setOutputs(call *plugin.Call, outputs []output) error {
	for _, o := range outputs {
		if err := call.Variable(o.name, o.value); err != nil {
			return err
		}
	}
	return nil
}
