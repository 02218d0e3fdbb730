package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Message is one result of a call.
type Message struct {
	// Type is text, json, link, image, image_link, binary_link, blob, variable, log, retriever_resources or file.
	// Chunks arrive as the blob that they make up. Actions that answer with something else, such as the check of
	// credentials, have "".
	Type string
	// Body is the message's own object, or the whole answer where Type is "". It is nil for a file made of chunks.
	Body json.RawMessage
	// Meta is what stands beside the body; numbers in it are [json.Number]. It may be nil.
	Meta map[string]any
	// File is the content of a blob, or of a link to a file that was uploaded to the [Backend]; otherwise nil.
	File *File
}

// Text is the text of a text, link, image, image_link or binary_link message, and "" for others.
func (m Message) Text() string {
	var body wire.Text
	if !hasText(m.Type) || json.Unmarshal(m.Body, &body) != nil {
		return ""
	}
	return body.Text
}

// JSON is the value of a json message, and nil for others.
func (m Message) JSON() json.RawMessage {
	var body struct {
		Object json.RawMessage `json:"json_object"`
	}
	if m.Type != wire.MessageJSON || json.Unmarshal(m.Body, &body) != nil {
		return nil
	}
	return body.Object
}

// Variable is one value, or with Stream one piece of the value, of a named output.
type Variable struct {
	Name   string
	Value  json.RawMessage
	Stream bool
}

// Variable is the content of a variable message; ok is false for others.
func (m Message) Variable() (v Variable, ok bool) {
	var body struct {
		Name   string          `json:"variable_name"`
		Value  json.RawMessage `json:"variable_value"`
		Stream bool            `json:"stream"`
	}
	if m.Type != wire.MessageVariable || json.Unmarshal(m.Body, &body) != nil {
		return Variable{}, false
	}
	return Variable(body), true
}

// Step is one node of the tree of steps that Dify shows beside a run.
type Step struct {
	ID       string
	Parent   string // "" at the root
	Label    string
	Status   string // start, success or error
	Error    string
	Data     json.RawMessage
	Metadata json.RawMessage // may be nil
}

// Step is the content of a log message; ok is false for others.
func (m Message) Step() (step Step, ok bool) {
	var body struct {
		ID       string          `json:"id"`
		Parent   string          `json:"parent_id"`
		Label    string          `json:"label"`
		Status   string          `json:"status"`
		Error    string          `json:"error"`
		Data     json.RawMessage `json:"data"`
		Metadata json.RawMessage `json:"metadata"`
	}
	if m.Type != wire.MessageLog || json.Unmarshal(m.Body, &body) != nil {
		return Step{}, false
	}
	return Step(body), true
}

func hasText(kind string) bool {
	switch kind {
	case wire.MessageText, wire.MessageLink, wire.MessageImage, wire.MessageImageLink, wire.MessageBinaryLink:
		return true
	default:
		return false
	}
}

// decodeMessage reads a message by the daemon's rules for its frame and Dify's for its body.
func decodeMessage(payload []byte) (Message, error) {
	var frame struct {
		Type    string          `json:"type"`
		Message json.RawMessage `json:"message"`
		Meta    json.RawMessage `json:"meta"`
	}
	if err := json.Unmarshal(payload, &frame); err != nil {
		return Message{}, fmt.Errorf("a message must be an object {type, message, meta}: %s", excerpt(payload))
	}
	check := bodyCheck(frame.Type)
	if check == nil {
		return Message{}, fmt.Errorf("the message type %q is not one that Dify knows", frame.Type)
	}
	if !isObject(frame.Message) {
		return Message{}, fmt.Errorf("the message of type %s needs an object as its message: %s", frame.Type, excerpt(frame.Message))
	}
	m := Message{Type: frame.Type, Body: frame.Message}
	if !isNull(frame.Meta) {
		dec := json.NewDecoder(bytes.NewReader(frame.Meta))
		dec.UseNumber()
		if err := dec.Decode(&m.Meta); err != nil {
			return Message{}, fmt.Errorf("the meta of a message of type %s must be an object or null: %s", frame.Type, excerpt(frame.Meta))
		}
	}
	if err := check(frame.Message); err != nil {
		return Message{}, fmt.Errorf("the message of type %s is not as Dify expects it: %w", frame.Type, err)
	}
	return m, nil
}

// bodyCheck returns the rule for the body of a type of message, or nil when there is no such type.
func bodyCheck(kind string) func(body json.RawMessage) error {
	switch kind {
	case wire.MessageText, wire.MessageLink, wire.MessageImage, wire.MessageImageLink, wire.MessageBinaryLink:
		return checkText
	case wire.MessageJSON:
		return checkJSON
	case wire.MessageBlob:
		return checkBlob
	case wire.MessageBlobChunk:
		return func(body json.RawMessage) error { _, err := decodeChunk(body); return err }
	case wire.MessageVariable:
		return checkVariable
	case wire.MessageLog:
		return checkStep
	case wire.MessageRetrieverResources:
		return checkResources
	case wire.MessageFile:
		return func(json.RawMessage) error { return nil }
	default:
		return nil
	}
}

func checkText(body json.RawMessage) error {
	var b struct {
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Text == nil {
		return errors.New("text must be a string")
	}
	return nil
}

func checkJSON(body json.RawMessage) error {
	var b struct {
		Object json.RawMessage `json:"json_object"`
	}
	if err := json.Unmarshal(body, &b); err != nil || !isObject(b.Object) && !isArray(b.Object) {
		return errors.New("json_object must be an object or an array")
	}
	return nil
}

func checkBlob(body json.RawMessage) error {
	var b struct {
		Blob *[]byte `json:"blob"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Blob == nil {
		return errors.New("blob must be standard base64 with padding")
	}
	return nil
}

func checkVariable(body json.RawMessage) error {
	var b struct {
		Name   *string         `json:"variable_name"`
		Value  json.RawMessage `json:"variable_value"`
		Stream bool            `json:"stream"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Name == nil || *b.Name == "" {
		return errors.New("variable_name must be a string that is not empty, and stream a boolean")
	}
	if b.Value == nil {
		return fmt.Errorf("variable_value of %q is missing; null is a value", *b.Name)
	}
	if slices.Contains([]string{"text", "json", "files"}, *b.Name) {
		return fmt.Errorf("the output name %q is taken by Dify", *b.Name)
	}
	if b.Stream && b.Value[0] != '"' {
		return fmt.Errorf("a piece of the streamed output %q must be a string", *b.Name)
	}
	return nil
}

func checkStep(body json.RawMessage) error {
	var b struct {
		ID       *string         `json:"id"`
		Label    *string         `json:"label"`
		Parent   *string         `json:"parent_id"`
		Error    *string         `json:"error"`
		Status   string          `json:"status"`
		Data     json.RawMessage `json:"data"`
		Metadata map[string]any  `json:"metadata"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.ID == nil || b.Label == nil {
		return errors.New("id and label must be strings, parent_id and error strings or null, metadata an object or null")
	}
	if !slices.Contains([]string{"start", "success", "error"}, b.Status) {
		return fmt.Errorf("status must be start, success or error, not %q", b.Status)
	}
	if !isObject(b.Data) {
		return errors.New("data must be an object")
	}
	return nil
}

func checkResources(body json.RawMessage) error {
	var b struct {
		Resources []map[string]any `json:"retriever_resources"`
		Context   *string          `json:"context"`
	}
	if err := json.Unmarshal(body, &b); err != nil || b.Resources == nil || b.Context == nil {
		return errors.New("retriever_resources must be an array of objects, and context a string")
	}
	return nil
}

func decodeChunk(body json.RawMessage) (wire.BlobChunk, error) {
	var b struct {
		ID       *string `json:"id"`
		Sequence *int    `json:"sequence"`
		Total    *int64  `json:"total_length"`
		Blob     *[]byte `json:"blob"`
		End      *bool   `json:"end"`
	}
	err := json.Unmarshal(body, &b)
	if err != nil || b.ID == nil || b.Sequence == nil || b.Total == nil || b.Blob == nil || b.End == nil {
		return wire.BlobChunk{}, errors.New("a chunk needs id (string), sequence and total_length (integers), blob (base64) and end (boolean)")
	}
	return wire.BlobChunk{ID: *b.ID, Sequence: *b.Sequence, TotalLength: *b.Total, Blob: *b.Blob, End: *b.End}, nil
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }
func isArray(raw json.RawMessage) bool  { return len(raw) > 0 && raw[0] == '[' }

// readAll is the content of a file in memory.
func readAll(open func() (io.ReadCloser, error)) ([]byte, error) {
	body, err := open()
	if err != nil {
		return nil, err
	}
	defer body.Close()
	return io.ReadAll(body)
}
