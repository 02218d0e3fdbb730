package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Call is one request from Dify: who asks, and the way for results. It may be used from several goroutines, until
// the function that received it returns; what is sent after that is dropped with an error.
//
// The first result that could not be sent fails the call, also where the author did not look at the error.
type Call struct {
	// UserID is the Dify user on whose behalf the call is made; it may be empty.
	UserID string

	plugin      *Plugin
	session     *transport.Session
	part        string // the tool's or drive's name
	drive       bool
	credentials Credentials
	redactor    *redactor

	mu          sync.Mutex
	failure     error
	progressIDs map[string]string // by label
}

// Credentials are what the user saved for the provider.
func (c *Call) Credentials() Credentials { return c.credentials }

// Text sends a text. Dify joins all texts of a call in the order in which they were sent. Workflow variables hold
// 200 KiB by default: send long content as a file.
func (c *Call) Text(text string) error {
	return c.send(wire.MessageText, wire.Text{Text: text}, nil)
}

// JSON sends an object or an array: anything that encoding/json writes as one.
func (c *Call) JSON(value any) error {
	raw, err := encodeJSON(value)
	if err != nil {
		return c.failed(Errorf(Unavailable, "%s made a JSON result that cannot be written: %w", c.part, err))
	}
	if raw[0] != '{' && raw[0] != '[' {
		return c.failed(Errorf(Unavailable, "%s made a JSON result that is neither an object nor an array", c.part))
	}
	return c.send(wire.MessageJSON, wire.JSON{Object: raw}, nil)
}

// Variable sets an output of the tool's node. Declare it in the YAML's output_schema, so that it can be chosen in
// the workflow editor. A name sent twice keeps the last value. "text", "json" and "files" are taken by Dify.
func (c *Call) Variable(name string, value any) error {
	return c.variable(name, value, false)
}

// StreamVariable appends a piece of text to an output, which Dify shows as it grows. One name is either streamed or
// set, not both.
func (c *Call) StreamVariable(name, piece string) error {
	return c.variable(name, piece, true)
}

func (c *Call) variable(name string, value any, stream bool) error {
	switch name {
	case "":
		return c.failed(Errorf(Unavailable, "%s set an output without a name", c.part))
	case "text", "json", "files":
		return c.failed(Errorf(Unavailable, "%s set an output named %q, which Dify keeps for itself", c.part, name))
	}
	raw, err := encodeJSON(value)
	if err != nil {
		return c.failed(Errorf(Unavailable, "%s set output %q to a value that cannot be written as JSON: %w", c.part, name, err))
	}
	return c.send(wire.MessageVariable, wire.Variable{Name: name, Value: raw, Stream: stream}, nil)
}

// Link sends a URL as text.
func (c *Call) Link(url string) error { return c.send(wire.MessageLink, wire.Text{Text: url}, nil) }

// Image sends the URL of an image that Dify downloads, through its own proxy, and keeps. Send images that you have
// with File.
func (c *Call) Image(url string) error { return c.send(wire.MessageImage, wire.Text{Text: url}, nil) }

// ImageLink sends the URL of an image that is shown as it is, without a copy.
func (c *Call) ImageLink(url string) error {
	return c.send(wire.MessageImageLink, wire.Text{Text: url}, nil)
}

// RetrieverResource is a passage that an answer rests on. Empty fields are sent as null.
type RetrieverResource struct {
	Position       int            `json:"position"`
	DatasetID      *string        `json:"dataset_id"`
	DatasetName    *string        `json:"dataset_name"`
	DocumentID     *string        `json:"document_id"`
	DocumentName   *string        `json:"document_name"`
	DataSourceType *string        `json:"data_source_type"`
	SegmentID      *string        `json:"segment_id"`
	RetrieverFrom  *string        `json:"retriever_from"`
	Score          *float64       `json:"score"`
	Content        *string        `json:"content"`
	Metadata       map[string]any `json:"doc_metadata"`
}

// RetrieverResources sends the passages that an answer rests on, with their text as the model shall read it.
func (c *Call) RetrieverResources(passages []RetrieverResource, context string) error {
	resources := make([]any, len(passages))
	for i, p := range passages {
		resources[i] = p
	}
	return c.send(wire.MessageRetrieverResources, wire.RetrieverResources{Resources: resources, Context: context}, nil)
}

// Relay passes on a message that another tool sent, see [Call.InvokeTool].
func (c *Call) Relay(m Message) error { return c.send(m.Type, m.Body, m.Meta) }

// Logger writes to the host's own log, which operators read and users do not. Credentials, parameters marked secret
// and the queries of URLs are removed from it; keep content out of it all the same.
func (c *Call) Logger() *slog.Logger { return slog.New(logHandler{call: c}) }

// send is message for the exported methods: a failure is kept.
func (c *Call) send(kind string, body any, meta map[string]any) error {
	return c.failed(c.message(kind, body, meta))
}

func (c *Call) message(kind string, body any, meta map[string]any) error {
	err := c.session.Stream(struct {
		Type    string         `json:"type"`
		Message any            `json:"message"`
		Meta    map[string]any `json:"meta"`
	}{kind, body, meta})
	return sendError(err, c.part)
}

// failed keeps the first failure to send, so that a call whose result got lost does not pass for a success.
func (c *Call) failed(err error) error {
	if err == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
	}
	return err
}

func (c *Call) firstFailure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

func encodeJSON(value any) (json.RawMessage, error) {
	if raw, ok := value.(json.RawMessage); ok && len(raw) > 0 && json.Valid(raw) {
		return bytes.TrimSpace(raw), nil
	}
	return marshal(value)
}

// Progress reports how far a long piece of work is: done of total, both in any unit; total 0 when it is not known.
// It goes to the host's log, or, when the operator sets DIFYPLUGIN_PROGRESS=messages, to the user.
func (c *Call) Progress(ctx context.Context, label string, done, total int64) {
	c.progress(ctx, label, done, total)
}
