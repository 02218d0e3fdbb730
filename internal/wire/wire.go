// Package wire is the JSON that a Dify plugin and its host exchange, and nothing else: no I/O, no goroutines,
// no policy. It depends on the standard library only.
//
// Both directions are newline-delimited JSON objects. The host sends [Inbound] objects: a request, or the answer
// to a call that the plugin made back into Dify. The plugin sends events: heartbeats, log lines, and session
// messages, each of which belongs to one request and is named after its session id:
//
//	{"event":"session","session_id":"S1","data":{"type":"stream","data":{...}}}   a result
//	{"event":"session","session_id":"S1","data":{"type":"error","data":{...}}}    the request failed
//	{"event":"session","session_id":"S1","data":{"type":"invoke","data":{...}}}   a call back into Dify
//	{"event":"session","session_id":"S1","data":{"type":"end","data":{}}}         the request is over
//
// The encoders in this package return whole lines, the final newline included, because a line must reach the
// host in one write.
package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// DefaultMaxLine is the longest line in bytes, without its newline, that a host with default settings reads. One
// byte more and the host kills the plugin's process.
const DefaultMaxLine = 5_242_880 - 1

// Values of Inbound.Event.
const (
	EventRequest = "request"
	EventReply   = "backwards_response"
)

// Values of Event.Event.
const (
	EventHeartbeat = "heartbeat"
	EventLog       = "log"
	EventSession   = "session"
	EventError     = "error"
)

// Values of SessionMessage.Type.
const (
	SessionStream = "stream"
	SessionEnd    = "end"
	SessionError  = "error"
	SessionInvoke = "invoke"
)

// Inbound is one line from the host.
type Inbound struct {
	SessionID      string          `json:"session_id"`
	ConversationID *string         `json:"conversation_id"`
	MessageID      *string         `json:"message_id"`
	AppID          *string         `json:"app_id"`
	EndpointID     *string         `json:"endpoint_id"`
	Context        json.RawMessage `json:"context,omitempty"`
	Event          string          `json:"event"`
	Data           json.RawMessage `json:"data"`
}

// Request is the data of a request: what is asked of which part of the plugin. Which fields are set depends on
// Type and Action. Numbers inside maps are [json.Number], so that large integers keep every digit.
type Request struct {
	Type           string         `json:"type"`
	Action         string         `json:"action"`
	UserID         string         `json:"user_id,omitempty"`
	Provider       string         `json:"provider,omitempty"`
	Credentials    map[string]any `json:"credentials"`
	CredentialType string         `json:"credential_type,omitempty"`

	// Tools.
	Tool           string         `json:"tool,omitempty"`
	ToolParameters map[string]any `json:"tool_parameters,omitempty"`

	// Options of dynamic-select parameters: ProviderAction is the tool, Parameter the parameter's name.
	ProviderAction string `json:"provider_action,omitempty"`
	Parameter      string `json:"parameter,omitempty"`

	// Data sources. Drive is the request of an online drive.
	Datasource string        `json:"datasource,omitempty"`
	Drive      *DriveRequest `json:"request,omitempty"`
}

// Types and actions of requests that a plugin of tools or of an online drive receives.
const (
	TypeTool             = "tool"
	TypeDatasource       = "datasource"
	TypeDynamicParameter = "dynamic_parameter"

	ActionInvokeTool           = "invoke_tool"
	ActionValidateTool         = "validate_tool_credentials"
	ActionRuntimeParameters    = "get_tool_runtime_parameters"
	ActionFetchOptions         = "fetch_parameter_options"
	ActionValidateDatasource   = "validate_datasource_credentials"
	ActionBrowseDrive          = "invoke_online_drive_browse_files"
	ActionDownloadDrive        = "invoke_online_drive_download_file"
	CredentialTypeAPIKey       = "api-key"
	CredentialTypeOAuth        = "oauth2"
	CredentialTypeUnauthorized = "unauthorized"
)

// DriveRequest asks an online drive for one page of a folder, or for one file (ID).
type DriveRequest struct {
	Bucket         *string        `json:"bucket"`
	Prefix         *string        `json:"prefix,omitempty"`
	MaxKeys        json.Number    `json:"max_keys,omitempty"`
	NextParameters map[string]any `json:"next_page_parameters,omitempty"`
	ID             string         `json:"id,omitempty"`
}

// DecodeInbound reads one line from the host. On error the session id is set as far as it could be read, so that
// the fault can be reported to its session; the error never quotes the line, which holds credentials.
func DecodeInbound(line []byte) (Inbound, error) {
	var in Inbound
	if err := json.Unmarshal(line, &in); err != nil {
		var id struct {
			SessionID string `json:"session_id"`
		}
		_ = json.Unmarshal(line, &id) // best effort: a wrong type elsewhere leaves the id readable
		return Inbound{SessionID: id.SessionID}, fmt.Errorf("read the host's line: %w", describe(err))
	}
	switch in.Event {
	case EventRequest, EventReply:
	default:
		return in, errors.New("read the host's line: its event is neither request nor backwards_response")
	}
	if in.SessionID == "" {
		return in, errors.New("read the host's line: it has no session_id")
	}
	return in, nil
}

// DecodeRequest reads the data of a request.
func DecodeRequest(data json.RawMessage) (Request, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var req Request
	if err := dec.Decode(&req); err != nil {
		return Request{}, fmt.Errorf("read the request: %w", describe(err))
	}
	if req.Type == "" || req.Action == "" {
		return req, errors.New("read the request: type or action is missing")
	}
	return req, nil
}

// describe turns an error of encoding/json into one that holds no part of the input.
func describe(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("not valid JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("field %q holds the wrong type of value: %s", kind.Field, jsonKind(kind.Value))
	default:
		return errors.New("not a complete JSON object")
	}
}

// jsonKind keeps the first word of "number 12.5": the rest is the user's value.
func jsonKind(value string) string {
	kind, _, _ := strings.Cut(value, " ")
	return kind
}

// Event is one line from the plugin, as the host decodes it.
type Event struct {
	Event     string          `json:"event"`
	SessionID *string         `json:"session_id"`
	Data      json.RawMessage `json:"data"`
}

// SessionMessage is the data of a session event.
type SessionMessage struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

// Log is the data of a log event. Timestamp is in seconds since 1970.
type Log struct {
	Level     string  `json:"level"`
	Message   string  `json:"message"`
	Timestamp float64 `json:"timestamp"`
}

// Error is the data of a session's error. The host swallows an error whose Args is not an object of at most
// [MaxErrorArgs] keys, and the failed call then looks like an empty success; [ErrorLine] sees to both.
type Error struct {
	Type    string         `json:"error_type"`
	Message string         `json:"message"`
	Args    map[string]any `json:"args"`
}

// MaxErrorArgs is the largest number of keys that the host accepts in Error.Args.
const MaxErrorArgs = 10

// Message is a result of a tool or of a drive's download.
type Message struct {
	Type    string          `json:"type"`
	Message json.RawMessage `json:"message"`
	Meta    map[string]any  `json:"meta"`
}

// Types of messages.
const (
	MessageText               = "text"
	MessageJSON               = "json"
	MessageLink               = "link"
	MessageImage              = "image"
	MessageImageLink          = "image_link"
	MessageBinaryLink         = "binary_link"
	MessageBlob               = "blob"
	MessageBlobChunk          = "blob_chunk"
	MessageVariable           = "variable"
	MessageLog                = "log"
	MessageRetrieverResources = "retriever_resources"
	MessageFile               = "file"
)

// Bodies of messages, by type: Text serves text, link, image, image_link and binary_link.
type (
	// Text is the body of text, link, image, image_link and binary_link messages.
	Text struct {
		Text string `json:"text"`
	}
	// JSON is the body of a json message: an object or an array.
	JSON struct {
		Object any `json:"json_object"`
	}
	// Blob is the body of a blob message; encoding/json writes the bytes as standard base64 with padding.
	Blob struct {
		Blob []byte `json:"blob"`
	}
	// BlobChunk is a piece of a file. The last piece of a file is empty and has End set.
	BlobChunk struct {
		ID          string `json:"id"`
		Sequence    int    `json:"sequence"`
		TotalLength int64  `json:"total_length"`
		Blob        []byte `json:"blob"`
		End         bool   `json:"end"`
	}
	// Variable is a named output. The values of a streamed variable are strings, joined by the host.
	Variable struct {
		Name   string `json:"variable_name"`
		Value  any    `json:"variable_value"`
		Stream bool   `json:"stream"`
	}
	// LogNode is one node of the tree of steps that Dify shows beside a run.
	LogNode struct {
		ID       string         `json:"id"`
		Label    string         `json:"label"`
		ParentID *string        `json:"parent_id"`
		Error    *string        `json:"error"`
		Status   string         `json:"status"`
		Data     map[string]any `json:"data"`
		Metadata map[string]any `json:"metadata"`
	}
	// RetrieverResources is the body of a retriever_resources message.
	RetrieverResources struct {
		Resources []any  `json:"retriever_resources"`
		Context   string `json:"context"`
	}
)

// ChunkSize is the number of raw bytes that a blob_chunk carries; Dify refuses more.
const ChunkSize = 8192

// Invoke is a call back into Dify.
type Invoke struct {
	Type    string `json:"type"`
	ID      string `json:"backwards_request_id"`
	Request any    `json:"request"`
}

// Reply is one answer to an Invoke. Event is response, error or end; Message is the error's text.
type Reply struct {
	ID      string          `json:"backwards_request_id"`
	Event   string          `json:"event"`
	Message string          `json:"message"`
	Data    json.RawMessage `json:"data"`
}

// Values of Reply.Event. An end follows also after an error.
const (
	ReplyResponse = "response"
	ReplyError    = "error"
	ReplyEnd      = "end"
)

// DecodeReply reads the data of a backwards_response.
func DecodeReply(data json.RawMessage) (Reply, error) {
	var r Reply
	if err := json.Unmarshal(data, &r); err != nil {
		return Reply{}, fmt.Errorf("read an answer from Dify: %w", describe(err))
	}
	if r.ID == "" {
		return Reply{}, errors.New("read an answer from Dify: it has no backwards_request_id")
	}
	return r, nil
}

type outEvent struct {
	Event     string  `json:"event"`
	SessionID *string `json:"session_id"`
	Data      any     `json:"data"`
}

type outSession struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// HeartbeatLine tells the host that the plugin is ready and alive.
func HeartbeatLine() []byte {
	return []byte(`{"event":"heartbeat","session_id":null,"data":{}}` + "\n")
}

// LogLine is a line in the host's own log; no user sees it.
func LogLine(level, message string, at time.Time) []byte {
	line, _ := encode(outEvent{Event: EventLog, Data: Log{level, message, float64(at.UnixMicro()) / 1e6}}) // plain strings and a finite number always encode
	return line
}

// FaultLine reports a line that belongs to no session. The daemon ignores it; other hosts end the call.
func FaultLine(message string) []byte {
	line, _ := encode(outEvent{Event: EventError, Data: map[string]string{"error": message}})
	return line
}

// StreamLine is one result of a session. The error says why payload has no JSON form.
func StreamLine(session string, payload any) ([]byte, error) {
	return sessionLine(session, SessionStream, payload)
}

// InvokeLine is a call back into Dify on behalf of a session.
func InvokeLine(session string, call Invoke) ([]byte, error) {
	return sessionLine(session, SessionInvoke, call)
}

// EndLine ends a session. The host waits for it until its own timeout, whatever came before.
func EndLine(session string) []byte {
	line, _ := sessionLine(session, SessionEnd, struct{}{})
	return line
}

// ErrorLine fails a session; an [EndLine] must follow. Args beyond what the host accepts are left out, the
// description last, and Args that have no JSON form are replaced by none: a failure always arrives.
func ErrorLine(session string, e Error) []byte {
	e.Args = acceptableArgs(e.Args)
	line, err := sessionLine(session, SessionError, e)
	if err != nil {
		e.Args = map[string]any{}
		line, _ = sessionLine(session, SessionError, e)
	}
	return line
}

func acceptableArgs(args map[string]any) map[string]any {
	kept := make(map[string]any, min(len(args), MaxErrorArgs))
	names := make([]string, 0, len(args))
	for name := range args {
		names = append(names, name)
	}
	slices.Sort(names)
	if i := slices.Index(names, "description"); i > 0 {
		names = slices.Insert(slices.Delete(names, i, i+1), 0, "description")
	}
	for _, name := range names[:min(len(names), MaxErrorArgs)] {
		kept[name] = args[name]
	}
	return kept
}

// BlobFrame returns what stands before and after the base64 text in the line of a blob message, so that a file
// can be encoded straight into its line.
func BlobFrame(session string, meta map[string]any) (before, after []byte, err error) {
	line, err := StreamLine(session, struct {
		Type    string         `json:"type"`
		Message Blob           `json:"message"`
		Meta    map[string]any `json:"meta"`
	}{MessageBlob, Blob{[]byte{}}, meta})
	if err != nil {
		return nil, nil, err
	}
	const mark = `"message":{"blob":"`
	i := bytes.Index(line, []byte(mark)) // the session id before it is a JSON string and cannot hold the bare mark
	if i < 0 {
		return nil, nil, errors.New("frame a blob: no place for the bytes")
	}
	i += len(mark)
	return line[:i:i], line[i:], nil
}

func sessionLine(session, kind string, data any) ([]byte, error) {
	return encode(outEvent{Event: EventSession, SessionID: &session, Data: outSession{kind, data}})
}

// encode appends the newline that ends a line and leaves <, > and & as they are. JSON that was made elsewhere may hold
// bytes that are not UTF-8, which strict readers refuse; they are replaced as encoding/json replaces its own.
func encode(v any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write a line: %w", err)
	}
	if line := buf.Bytes(); !utf8.Valid(line) {
		return bytes.ToValidUTF8(line, []byte("\uFFFD")), nil
	}
	return buf.Bytes(), nil
}
