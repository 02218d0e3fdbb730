package host

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Backend answers the calls that a plugin makes back into Dify while it works on a call. [Dify] is one.
type Backend interface {
	// Invoke yields the answers, each of which is written as JSON. An error ends them, and its text is what the plugin
	// reads. The context ends with the session.
	Invoke(ctx context.Context, in Invocation) iter.Seq2[any, error]
}

// FileStore is what a [Backend] may also be: it knows the files that were uploaded to it. Path is the text of a link
// message, such as /files/tools/<id>.pdf; ok is false when it leads to none of them.
type FileStore interface {
	StoredFile(path string) (f *File, ok bool)
}

// Invocation is one call back into Dify.
type Invocation struct {
	// Type is storage, upload_file, tool and so on.
	Type string
	// Request is an object; its fields depend on Type.
	Request json.RawMessage
	// Session is the session on whose behalf the call is made, and Caller its caller.
	Session string
	Caller  Caller
}

// receiveInvoke starts the answer to a call back into Dify.
func (c *Conn) receiveInvoke(s *session, data json.RawMessage) {
	var call struct {
		Type    string          `json:"type"`
		ID      string          `json:"backwards_request_id"`
		Request json.RawMessage `json:"request"`
	}
	err := json.Unmarshal(data, &call)
	if err != nil || call.Type == "" || call.ID == "" || !isObject(call.Request) {
		v := c.violate(KindInvoke, s.id, "a call back into Dify needs a type, a backwards_request_id and an object as its request")
		c.settle(s, sessionAbandoned, item{err: v})
		return
	}
	in := Invocation{Type: call.Type, Request: call.Request, Session: s.id, Caller: s.request.Caller}
	c.background.Go(func() { c.answer(s, call.ID, in) })
}

// answer sends the answers of one call back into Dify, then its end, as long as the session lasts.
func (c *Conn) answer(s *session, id string, in Invocation) {
	form := replyForm(in.Type)
	for data, err := range c.invoke(s, in) {
		if err == nil {
			var raw json.RawMessage
			if raw, err = marshal(data); err == nil {
				c.reply(s, wire.Reply{ID: id, Event: wire.ReplyResponse, Message: form, Data: raw})
				continue
			}
		}
		c.reply(s, wire.Reply{ID: id, Event: wire.ReplyError, Message: err.Error()})
		break
	}
	c.reply(s, wire.Reply{ID: id, Event: wire.ReplyEnd})
}

func (c *Conn) invoke(s *session, in Invocation) iter.Seq2[any, error] {
	switch {
	case s.request.Type == "model":
		return failed("you can not invoke dify from model")
	case c.opts.Backend == nil:
		return failed("this host answers no calls back into Dify: it was started without a backend")
	default:
		return c.opts.Backend.Invoke(s.calls, in)
	}
}

func (c *Conn) reply(s *session, r wire.Reply) {
	line, err := replyLine(s.id, r)
	if err != nil || s.calls.Err() != nil {
		return // the session is over, and its plugin does not wait for this
	}
	_ = c.send(s.calls, line) // a plugin that is gone needs no answer
}

// replyForm is what the daemon calls the form of the answers.
func replyForm(kind string) string {
	switch kind {
	case "tool", "llm", "llm_structured_output", "tts", "app":
		return "stream"
	default:
		return "struct"
	}
}
