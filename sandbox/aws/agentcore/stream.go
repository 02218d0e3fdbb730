package agentcore

import (
	"context"
	"encoding/json"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// Event is one message of the stream that answers an invocation: a result, or an exception, which ends it.
type Event struct {
	// Content are blocks in the form of the API, such as {"type": "text", "text": "hello"}. Bytes are base64.
	Content []map[string]any
	// Structured is the structured content, or nil.
	Structured map[string]any
	// IsError is left out of the answer where it is false.
	IsError bool
	// Exception is an error code such as throttlingException, and Message its message. The rest is then not sent.
	Exception, Message string
}

// Printed is the result of a program that printed something and ended with 0.
func Printed(stdout string) Event { return Exited(stdout, "", 0) }

// Exited is the result of a program that has ended.
func Exited(stdout, stderr string, code int) Event {
	text := stdout
	if code != 0 {
		text = stderr
	}
	return Event{
		Content: []map[string]any{{"type": "text", "text": text}}, IsError: code != 0,
		Structured: map[string]any{"stdout": stdout, "stderr": stderr, "exitCode": code, "executionTime": 12.5},
	}
}

// Refused is the result of a tool that could not be run at all.
func Refused(text string) Event {
	return Event{Content: []map[string]any{{"type": "text", "text": text}}, IsError: true}
}

// Echo is a program that prints its code or its command.
func Echo(_ context.Context, in Invocation) []Event { return []Event{Printed(in.Code + in.Command)} }

// invokeRequest is the body of InvokeCodeInterpreter.
type invokeRequest struct {
	Name      string     `json:"name"`
	Arguments *arguments `json:"arguments"`
}

type arguments struct {
	Code         *string  `json:"code"`
	Language     *string  `json:"language"`
	ClearContext *bool    `json:"clearContext"`
	Command      *string  `json:"command"`
	Paths        []string `json:"paths"`
	Content      []struct {
		Path string  `json:"path"`
		Text *string `json:"text"`
		Blob []byte  `json:"blob"`
	} `json:"content"`
}

func (s *Service) invoke(w http.ResponseWriter, r *aws.Request, interpreter string) *aws.Error {
	var in invokeRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	session, failed := s.session(r, interpreter, r.Header.Get("X-Amzn-Code-Interpreter-Session-Id"))
	if failed != nil {
		return failed
	}
	invocation, failed := in.read(session)
	if failed != nil {
		return failed
	}
	s.mu.Lock()
	s.invoked = append(s.invoked, invocation)
	program := s.program
	s.mu.Unlock()
	var events []Event
	switch in.Name {
	case "writeFiles":
		events = in.write(session)
	case "readFiles":
		events = []Event{readFiles(session, in.Arguments.Paths)}
	default:
		events = program(r.Context(), invocation)
	}
	w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	w.Header().Set("X-Amzn-Code-Interpreter-Session-Id", session.ID)
	w.WriteHeader(http.StatusOK)
	send(w, events)
	return nil
}

// read demands the arguments that a tool needs.
func (in invokeRequest) read(session *Session) (Invocation, *aws.Error) {
	made := Invocation{Session: session, Tool: in.Name}
	if in.Arguments == nil {
		return made, invalid("The value at 'arguments' must not be null.")
	}
	a := in.Arguments
	switch in.Name {
	case "executeCode":
		if a.Code == nil || a.Language == nil {
			return made, invalid("executeCode needs 'code' and 'language'.")
		}
		if l := *a.Language; l != "python" && l != "javascript" && l != "typescript" {
			return made, invalid("The value '%s' at 'language' must be one of python, javascript, typescript.", l)
		}
		made.Code, made.Language = *a.Code, *a.Language
	case "executeCommand":
		if a.Command == nil {
			return made, invalid("executeCommand needs 'command'.")
		}
		made.Command = *a.Command
	case "writeFiles":
		if len(a.Content) == 0 {
			return made, invalid("writeFiles needs 'content'.")
		}
		for _, file := range a.Content {
			made.Paths = append(made.Paths, file.Path)
		}
	case "readFiles":
		if len(a.Paths) == 0 {
			return made, invalid("readFiles needs 'paths'.")
		}
		made.Paths = a.Paths
	default:
		return made, invalid("The value '%s' at 'name' is not a tool of the sandbox.", in.Name)
	}
	return made, nil
}

// write puts files into the working directory of a session. A path outside of it is refused.
func (in invokeRequest) write(session *Session) []Event {
	for _, file := range in.Arguments.Content {
		if file.Path == "" || path.IsAbs(file.Path) || strings.HasPrefix(path.Clean(file.Path), "..") {
			return []Event{Refused("Invalid path: " + file.Path)}
		}
	}
	for _, file := range in.Arguments.Content {
		content := file.Blob
		if file.Text != nil {
			content = []byte(*file.Text)
		}
		session.Put(file.Path, content)
	}
	return []Event{{Content: []map[string]any{{"type": "text", "text": "Successfully wrote all files"}}}}
}

func readFiles(session *Session, paths []string) Event {
	var read Event
	for _, name := range paths {
		content, ok := session.read(name)
		if !ok {
			return Refused("File not found: " + name)
		}
		resource := map[string]any{"type": "blob", "uri": "file:///" + name, "mimeType": "application/octet-stream", "blob": content}
		if utf8.Valid(content) {
			resource = map[string]any{"type": "text", "uri": "file:///" + name, "mimeType": "text/plain", "text": string(content)}
		}
		read.Content = append(read.Content, map[string]any{"type": "resource", "resource": resource})
	}
	return read
}

// send writes each event as a message of its own.
func send(w http.ResponseWriter, events []Event) {
	encoder := eventstream.NewEncoder()
	for _, e := range events {
		if encoder.Encode(w, e.message()) != nil {
			return // the client has gone
		}
		_ = http.NewResponseController(w).Flush() // a test without a connection cannot
	}
}

func (e Event) message() eventstream.Message {
	var m eventstream.Message
	set := func(name, text string) { m.Headers.Set(name, eventstream.StringValue(text)) }
	set(":content-type", "application/json")
	body := map[string]any{"message": e.Message}
	if e.Exception != "" {
		set(eventstreamapi.MessageTypeHeader, eventstreamapi.ExceptionMessageType)
		set(eventstreamapi.ExceptionTypeHeader, e.Exception)
	} else {
		set(eventstreamapi.MessageTypeHeader, eventstreamapi.EventMessageType)
		set(eventstreamapi.EventTypeHeader, "result")
		body = e.body()
	}
	payload, err := json.Marshal(body)
	if err != nil {
		payload = nil // texts, numbers and maps of them can always be written
	}
	m.Payload = payload
	return m
}

func (e Event) body() map[string]any {
	content := e.Content
	if content == nil {
		content = []map[string]any{}
	}
	body := map[string]any{"content": content}
	if e.Structured != nil {
		body["structuredContent"] = e.Structured
	}
	if e.IsError {
		body["isError"] = true
	}
	return body
}
