package plugin

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// ErrNotStored says that the plugin's storage has nothing under a key.
var ErrNotStored = errors.New("nothing is stored under this key")

// ask calls back into Dify for a single answer.
func (c *Call) ask(ctx context.Context, kind string, request, answer any) error {
	for reply, err := range c.session.Invoke(ctx, kind, request) {
		if err != nil {
			return backcallError(kind, err)
		}
		if reply.Event == wire.ReplyError {
			return refused(kind, reply.Message)
		}
		if err := json.Unmarshal(reply.Data, answer); err != nil {
			return Errorf(Unavailable, "Dify answered the call %q in a form that this plugin does not know; check that its version fits this Dify", kind)
		}
		return nil
	}
	return Errorf(Unavailable, "Dify ended the call %q without an answer; try again", kind)
}

// refused is an error that Dify reported. Its words are kept: they name what is missing.
func refused(kind, message string) error {
	if strings.Contains(message, "permission denied") {
		return Errorf(Authorization, "Dify refused the call %q: %s", kind, message)
	}
	return Errorf(Unavailable, "Dify could not serve the call %q: %s", kind, message)
}

// backcallError says what kept a call from its answer. A line that is too long is the plugin's own doing, the end of
// the session or of its context nobody's; everything else is the way to Dify.
func backcallError(kind string, err error) error {
	var long *transport.LineTooLongError
	switch {
	case errors.As(err, &long):
		return fmt.Errorf("call %q into Dify: %w", kind, sendError(err, "the plugin"))
	case errors.Is(err, transport.ErrEnded), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), KindOf(err) == Unavailable:
		return fmt.Errorf("call %q into Dify: %w", kind, err)
	default:
		return Errorf(Connection, "call %q into Dify: %w; check that the host reaches Dify's API service", kind, err)
	}
}

func (c *Call) invokeTool(ctx context.Context, in ToolRequest) iter.Seq2[Message, error] {
	request := map[string]any{
		"tool_type": in.Type, "provider": in.Provider, "tool": in.Tool, "tool_parameters": in.Parameters,
	}
	if in.Type == "" {
		request["tool_type"] = "builtin"
	}
	if in.Parameters == nil {
		request["tool_parameters"] = map[string]any{}
	}
	if in.CredentialID != "" {
		request["credential_id"] = in.CredentialID
	}
	return func(yield func(Message, error) bool) {
		for reply, err := range c.session.Invoke(ctx, "tool", request) {
			m, err := toolMessage(reply, err)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func toolMessage(reply wire.Reply, err error) (Message, error) {
	if err != nil {
		return Message{}, backcallError("tool", err)
	}
	if reply.Event == wire.ReplyError {
		return Message{}, refused("tool", reply.Message)
	}
	var m wire.Message
	dec := json.NewDecoder(bytes.NewReader(reply.Data))
	dec.UseNumber()
	if err := dec.Decode(&m); err != nil {
		return Message{}, Errorf(Unavailable, "Dify passed on a tool's message in a form that this plugin does not know")
	}
	return Message{Type: m.Type, Body: m.Message, Meta: m.Meta}, nil
}

func messageText(m Message) string {
	var body wire.Text
	if json.Unmarshal(m.Body, &body) != nil {
		return ""
	}
	return body.Text
}

// maxStorageKey is the longest key in bytes that Dify takes.
const maxStorageKey = 256

func checkStorageKey(key string) error {
	switch {
	case key == "":
		return Errorf(BadRequest, "a storage key must not be empty")
	case len(key) > maxStorageKey:
		return Errorf(BadRequest, "a storage key has at most %d bytes, this one has %d", maxStorageKey, len(key))
	case strings.Contains(key, ".."), strings.Contains(key, "//"), strings.Contains(key, `\`):
		return Errorf(BadRequest, `a storage key holds no "..", "//" or backslash: %s`, quote(key))
	default:
		return nil
	}
}

func (s Storage) ask(ctx context.Context, opt, key string, value []byte, answer any) error {
	if err := checkStorageKey(key); err != nil {
		return err
	}
	request := map[string]string{"opt": opt, "key": key}
	if opt == "set" {
		request["value"] = hex.EncodeToString(value)
	}
	return s.call.ask(ctx, "storage", request, answer)
}

func (s Storage) get(ctx context.Context, key string) ([]byte, error) {
	var answer struct {
		Data string `json:"data"`
	}
	if err := s.ask(ctx, "get", key, nil, &answer); err != nil {
		if strings.Contains(err.Error(), "load data failed") { // the host's only sign of a missing key
			return nil, fmt.Errorf("%w: %s", ErrNotStored, quote(key))
		}
		return nil, err
	}
	value, err := hex.DecodeString(answer.Data)
	if err != nil {
		return nil, Errorf(Unavailable, "Dify's storage returned something other than hexadecimal digits for key %s", quote(key))
	}
	return value, nil
}

func (s Storage) set(ctx context.Context, key string, value []byte) error {
	var answer struct{}
	return s.ask(ctx, "set", key, value, &answer)
}

func (s Storage) delete(ctx context.Context, key string) error {
	var answer struct{}
	return s.ask(ctx, "del", key, nil, &answer)
}

func (s Storage) exists(ctx context.Context, key string) (bool, error) {
	var answer struct {
		Data bool `json:"data"`
	}
	err := s.ask(ctx, "exist", key, nil, &answer)
	return answer.Data, err
}
