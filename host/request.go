package host

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Caller is on whose behalf a call is made, and with which credentials.
type Caller struct {
	// UserID is the Dify user; it may be empty.
	UserID string
	// Provider is the name of the plugin's provider. The daemon requires it.
	Provider string
	// Credentials are what the user saved for the provider. Nil is sent as null.
	Credentials map[string]any
	// CredentialType is api-key, oauth2 or unauthorized; it may be empty.
	CredentialType string
	// Context is passed on as it is. Nil is sent as null.
	Context map[string]any
	// Ids of what the call belongs to; empty ones are sent as null.
	ConversationID, MessageID, AppID, EndpointID string
}

// Request is a call of any action.
type Request struct {
	Caller
	// Type and Action choose what is called, for example tool and invoke_tool.
	Type, Action string
	// Fields are what the action takes beside what Caller holds.
	Fields map[string]any
}

// check refuses what the daemon refuses before a plugin sees it.
func (r Request) check() error {
	if r.Type == "" || r.Action == "" {
		return fmt.Errorf("call %s %s: a request needs a type and an action", r.Type, r.Action)
	}
	data := r.data()
	for _, name := range requiredFields(r.Action) {
		if v, ok := data[name]; !ok || v == "" || v == nil {
			return fmt.Errorf("call %s: the daemon refuses this request before the plugin sees it, because %s is empty", r.Action, name)
		}
	}
	return nil
}

func requiredFields(action string) []string {
	switch action {
	case wire.ActionInvokeTool, wire.ActionRuntimeParameters:
		return []string{"provider", "tool"}
	case wire.ActionValidateTool, wire.ActionValidateDatasource:
		return []string{"provider"}
	case wire.ActionFetchOptions:
		return []string{"provider", "provider_action", "parameter"}
	case wire.ActionBrowseDrive, wire.ActionDownloadDrive:
		return []string{"provider", "datasource", "request"}
	default:
		return nil
	}
}

func (r Request) data() map[string]any {
	data := maps.Clone(r.Fields)
	if data == nil {
		data = map[string]any{}
	}
	data["type"], data["action"], data["user_id"] = r.Type, r.Action, r.UserID
	data["credentials"] = r.Credentials
	if r.Provider != "" {
		data["provider"] = r.Provider
	}
	if r.CredentialType != "" {
		data["credential_type"] = r.CredentialType
	}
	return data
}

// line is the request as the daemon sends it: the keys of data in alphabetical order, absent ids as null.
func (r Request) line(session string) ([]byte, error) {
	data, err := marshal(r.data())
	if err != nil {
		return nil, fmt.Errorf("call %s: write the request as JSON: %w", r.Action, err)
	}
	context, err := marshal(r.Context)
	if err != nil {
		return nil, fmt.Errorf("call %s: write the context as JSON: %w", r.Action, err)
	}
	return inboundLine(wire.Inbound{
		SessionID:      session,
		ConversationID: orNull(r.ConversationID), MessageID: orNull(r.MessageID),
		AppID: orNull(r.AppID), EndpointID: orNull(r.EndpointID),
		Context: context, Event: wire.EventRequest, Data: data,
	})
}

// replyLine is one answer to a call that the plugin made.
func replyLine(session string, reply wire.Reply) ([]byte, error) {
	data, err := marshal(reply)
	if err != nil {
		return nil, err
	}
	return inboundLine(wire.Inbound{SessionID: session, Context: json.RawMessage("null"), Event: wire.EventReply, Data: data})
}

func inboundLine(in wire.Inbound) ([]byte, error) {
	line, err := marshal(in)
	return append(line, '\n'), err
}

func marshal(v any) (json.RawMessage, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func orNull(id string) *string {
	if id == "" {
		return nil
	}
	return &id
}

// newUUID is a random UUID, version 4.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
