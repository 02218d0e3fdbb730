package agentcore

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The names of the two hosts.
const (
	dataPlane    = "bedrock-agentcore"
	controlPlane = "bedrock-agentcore-control"
)

// Service is AgentCore with both of its hosts. Its methods may be called from any goroutine.
type Service struct {
	mu        sync.Mutex
	memories  []*Memory
	takes     time.Duration
	failure   string
	sessions  []*Session
	program   Program
	invoked   []Invocation
	customs   map[string]bool // code interpreters, by region, account and identifier
	others    map[string]aws.Service
	oldest    bool
	pageLimit int
	stuck     bool
}

// New makes a service with the code interpreter aws.codeinterpreter.v1 in every region and nothing else. Memories are
// ACTIVE as soon as they are created.
func New() *Service {
	return &Service{customs: map[string]bool{}, others: map[string]aws.Service{}, program: Echo}
}

// Register offers both hosts in a cloud.
func (s *Service) Register(cloud *aws.Cloud) {
	cloud.Register(dataPlane, plane{s, s.dataOperation})
	cloud.Register(controlPlane, plane{s, s.controlOperation})
}

// Handle gives another service the paths of bedrock-agentcore that begin with a prefix, such as /browsers.
func (s *Service) Handle(prefix string, other aws.Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.others[prefix] = other
}

// other finds who else serves a path.
func (s *Service) other(path string) aws.Service {
	s.mu.Lock()
	defer s.mu.Unlock()
	for prefix, service := range s.others {
		if path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/") {
			return service
		}
	}
	return nil
}

// operation is what a request asks for, and how it is done.
type operation struct {
	name string
	// resource is the end of the ARN that a policy names, such as memory/notes-0123456789; empty for anything.
	resource string
	serve    func(http.ResponseWriter, *aws.Request) *aws.Error
}

// plane is one host. It implements [aws.Service].
type plane struct {
	service *Service
	find    func(method string, path []string) (operation, bool)
}

// Protocol implements [aws.Service].
func (p plane) Protocol() aws.Protocol { return aws.RestJSON }

// Identify implements [aws.Service].
func (p plane) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	op, found := p.operation(r)
	if !found {
		if other := p.delegate(r); other != nil {
			return other.Identify(r)
		}
		return aws.Operation{}, &aws.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no such operation."}
	}
	resource := ""
	if op.resource != "" {
		resource = arn(r.Region, r.AccountID, op.resource)
	}
	return aws.Operation{Name: op.name, Resource: resource}, nil
}

// Serve implements [aws.Service].
func (p plane) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	op, found := p.operation(r)
	if !found {
		return p.delegate(r).Serve(w, r) // Identify has found it
	}
	if _, err := r.Bytes(); err != nil { // before it is refused: a server that answers before it has read breaks the connection
		return &aws.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "The body ended early: " + err.Error()}
	}
	return op.serve(w, r)
}

func (p plane) operation(r *aws.Request) (operation, bool) {
	var path []string
	for part := range strings.SplitSeq(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/") {
		text, err := url.PathUnescape(part)
		if err != nil {
			return operation{}, false
		}
		path = append(path, text)
	}
	return p.find(r.Method, path)
}

func (p plane) delegate(r *aws.Request) aws.Service {
	if r.Service != dataPlane {
		return nil
	}
	return p.service.other(r.URL.Path)
}

func (s *Service) dataOperation(method string, path []string) (operation, bool) {
	at := func(parts ...string) bool { return matches(path, parts) }
	switch {
	case method == http.MethodPost && at("memories", "*", "events"):
		return s.onMemory("CreateEvent", path[1], s.createEvent), true
	case method == http.MethodPost && at("memories", "*", "actor", "*", "sessions", "*"):
		return s.onMemory("ListEvents", path[1], func(w http.ResponseWriter, r *aws.Request, m *Memory) *aws.Error {
			return s.listEvents(w, r, m, path[3], path[5])
		}), true
	case method == http.MethodPost && at("memories", "*", "retrieve"):
		return s.onMemory("RetrieveMemoryRecords", path[1], s.retrieve), true
	case method == http.MethodPut && at("code-interpreters", "*", "sessions", "start"):
		return s.onInterpreter("StartCodeInterpreterSession", path[1], s.startSession), true
	case method == http.MethodPut && at("code-interpreters", "*", "sessions", "stop"):
		return s.onInterpreter("StopCodeInterpreterSession", path[1], s.stopSession), true
	case method == http.MethodPost && at("code-interpreters", "*", "tools", "invoke"):
		return s.onInterpreter("InvokeCodeInterpreter", path[1], s.invoke), true
	}
	return operation{}, false
}

func (s *Service) controlOperation(method string, path []string) (operation, bool) {
	switch {
	case method == http.MethodPost && matches(path, []string{"memories", "create"}):
		return operation{name: "CreateMemory", serve: s.createMemory}, true
	case method == http.MethodGet && matches(path, []string{"memories", "*", "details"}):
		return s.onMemory("GetMemory", path[1], s.getMemory), true
	}
	return operation{}, false
}

// matches compares a path with one in which * stands for any part but an empty one.
func matches(path, want []string) bool {
	if len(path) != len(want) {
		return false
	}
	for i, part := range want {
		if part != path[i] && (part != "*" || path[i] == "") {
			return false
		}
	}
	return true
}

func arn(region, accountID, resource string) string {
	partition := "aws"
	if strings.HasPrefix(region, "cn-") {
		partition = "aws-cn"
	}
	return fmt.Sprintf("arn:%s:bedrock-agentcore:%s:%s:%s", partition, region, accountID, resource)
}

// answer writes a body.
func answer(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		body = nil // texts, numbers and maps of them can always be written
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

// epoch is a time in bodies about memories: seconds, with milliseconds behind the point.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// iso is a time in bodies about sessions.
func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func invalid(format string, args ...any) *aws.Error {
	return &aws.Error{
		Status: http.StatusBadRequest, Code: "ValidationException", Message: fmt.Sprintf(format, args...),
		Details: [][2]string{{"reason", "FieldValidationFailed"}},
	}
}

func notFound(format string, args ...any) *aws.Error {
	return &aws.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: fmt.Sprintf(format, args...)}
}

// checkLength demands between least and most characters.
func checkLength(name, text string, least, most int) *aws.Error {
	if n := utf8.RuneCountInString(text); n < least || n > most {
		return invalid("The value at '%s' has %d characters, and must have %d to %d.", name, n, least, most)
	}
	return nil
}

// checkToken demands the form of tokens against a second execution.
func checkToken(token *string, least int) *aws.Error {
	if token == nil {
		return nil
	}
	return checkLength("clientToken", *token, least, 500)
}
