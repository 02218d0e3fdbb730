package lambda

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The limits of Lambda in bytes.
const (
	maxRequest       = 6 << 20
	maxEvent         = 1 << 20
	maxResponse      = 6<<20 + 100
	maxClientContext = 3583
	logTail          = 4 << 10
)

// Invocation is one run of a function.
type Invocation struct {
	Function, Region, Version string
	// Type is RequestResponse or Event. A DryRun runs nothing.
	Type          string
	Payload       json.RawMessage
	ClientContext json.RawMessage
}

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	closing context.Context
	close   context.CancelFunc
	events  sync.WaitGroup

	mu          sync.Mutex
	functions   map[string]Function // by ARN
	invocations []Invocation
}

// New makes a service without functions.
func New() *Service {
	s := &Service{functions: map[string]Function{}}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Add adds a function, or replaces the one of its name.
func (s *Service) Add(f Function) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.functions[f.ARN()] = f
}

// Invocations are all runs of functions so far, in the order in which they began.
func (s *Service) Invocations() []Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invocations)
}

// Wait waits for the functions that run as an Event.
func (s *Service) Wait() { s.events.Wait() }

// Close ends the functions that run as an Event and waits for them.
func (s *Service) Close() {
	s.close()
	s.events.Wait()
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

var invokePath = regexp.MustCompile(`^/2015-03-31/functions/([^/]+)/invocations$`)

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	if r.Method != http.MethodPost || !invokePath.MatchString(r.URL.EscapedPath()) {
		return aws.Operation{}, &aws.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no such operation."}
	}
	at, failed := addressOf(r)
	if failed != nil {
		return aws.Operation{}, failed
	}
	return aws.Operation{Name: "Invoke", Action: "lambda:InvokeFunction", Resource: at.arn()}, nil
}

// addressOf reads which function a request is for. It need not exist.
func addressOf(r *aws.Request) (address, *aws.Error) {
	text, err := url.PathUnescape(invokePath.FindStringSubmatch(r.URL.EscapedPath())[1])
	if err != nil {
		return address{}, invalid("The function name cannot be read.")
	}
	at, ok := parseAddress(text)
	switch {
	case !ok:
		return address{}, validation(text, "functionName", namePattern.String())
	case at.region != "" && at.region != r.Region:
		return address{}, notFound(fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", at.region, r.Region))
	}
	at.region, at.account = r.Region, cmp.Or(at.account, r.AccountID)
	return at, nil
}

// request is an Invoke that is written as it must be.
type request struct {
	function Function
	version  string
	kind     string
	tail     bool
	event    Event
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	req, failed := s.read(r)
	if failed != nil {
		return failed
	}
	switch req.kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
		return nil
	case "Event":
		req.event.ClientContext = nil
		s.note(req)
		s.events.Go(func() { req.function.Run(s.closing, req.event) })
		w.WriteHeader(http.StatusAccepted)
		return nil
	}
	s.note(req)
	w.Header().Set("X-Amz-Executed-Version", req.version)
	answer(w, req, req.function.Run(r.Context(), req.event))
	return nil
}

func (s *Service) note(req request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.invocations = append(s.invocations, Invocation{
		Function: req.function.Name, Region: req.function.Region, Version: req.version, Type: req.kind,
		Payload: req.event.Payload, ClientContext: req.event.ClientContext,
	})
}

// answer sends the result of a function that was waited for.
func answer(w http.ResponseWriter, req request, result Result) {
	if len(result.Payload) > maxResponse {
		log := result.Log
		result = Fails("Function.ResponseSizeTooLarge", fmt.Sprintf("Response payload size exceeded maximum allowed payload size (%d bytes).", maxResponse))
		result.Log = log
	}
	if result.Error != "" {
		w.Header().Set("X-Amz-Function-Error", result.Error)
	}
	if req.tail {
		log := result.Log[max(0, len(result.Log)-logTail):]
		w.Header().Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString([]byte(log)))
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(result.Payload)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(result.Payload) // the client may have gone
}

// read checks a request as Lambda does.
func (s *Service) read(r *aws.Request) (request, *aws.Error) {
	at, failed := addressOf(r)
	if failed != nil {
		return request{}, failed
	}
	req := request{kind: cmp.Or(r.Header.Get("X-Amz-Invocation-Type"), "RequestResponse")}
	if !slices.Contains([]string{"RequestResponse", "Event", "DryRun"}, req.kind) {
		return request{}, validation(req.kind, "invocationType", "[Event, RequestResponse, DryRun]")
	}
	switch log := r.Header.Get("X-Amz-Log-Type"); log {
	case "", "None":
	case "Tail":
		req.tail = true
	default:
		return request{}, validation(log, "logType", "[None, Tail]")
	}
	if failed := s.find(at, r.URL.Query().Get("Qualifier"), &req); failed != nil {
		return request{}, failed
	}
	if failed := readPayload(r, &req); failed != nil {
		return request{}, failed
	}
	if failed := readContext(r, &req); failed != nil {
		return request{}, failed
	}
	if busy := req.function.Busy; busy != nil && req.kind != "DryRun" {
		return request{}, tooMany(*busy)
	}
	return req, nil
}

// find looks the function and its version up.
func (s *Service) find(at address, qualifier string, req *request) *aws.Error {
	switch {
	case qualifier != "" && (!qualifierPattern.MatchString(qualifier) || len(qualifier) > 128):
		return validation(qualifier, "qualifier", qualifierPattern.String())
	case qualifier != "" && at.qualifier != "" && qualifier != at.qualifier:
		return invalid("The derived qualifier from the function name does not match the specified qualifier.")
	}
	qualifier = cmp.Or(qualifier, at.qualifier)
	s.mu.Lock()
	f, ok := s.functions[at.arn()]
	s.mu.Unlock()
	version, published := f.version(qualifier)
	if !ok || !published {
		return notFound("Function not found: " + strings.TrimSuffix(at.arn()+":"+qualifier, ":"))
	}
	req.function, req.version, req.event.Version = f, version, version
	return nil
}

func readPayload(r *aws.Request, req *request) *aws.Error {
	body, err := r.Bytes()
	if err != nil {
		return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: "The body ended early: " + err.Error()}
	}
	switch {
	case req.kind == "Event" && len(body) > maxEvent:
		return tooLarge(fmt.Sprintf("%d byte payload is too large for the Event invocation type (limit %d bytes)", len(body), maxEvent))
	case len(body) > maxRequest:
		return tooLarge(fmt.Sprintf("Request must be smaller than %d bytes for the InvokeFunction operation", maxRequest))
	case len(body) > 0 && !json.Valid(body):
		return &aws.Error{
			Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: "Could not parse request body into json: Unexpected character",
			Details: [][2]string{{"Type", "User"}},
		}
	}
	req.event.Payload = slices.Clone(body)
	return nil
}

func readContext(r *aws.Request, req *request) *aws.Error {
	encoded := r.Header.Get("X-Amz-Client-Context")
	if encoded == "" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(encoded)
	var object map[string]any
	if err != nil || json.Unmarshal(raw, &object) != nil || object == nil {
		return &aws.Error{
			Status: http.StatusBadRequest, Code: "InvalidRequestContentException", Message: "Client context must be a valid Base64-encoded JSON object.",
			Details: [][2]string{{"Type", "User"}},
		}
	}
	if len(encoded) > maxClientContext {
		return invalid(fmt.Sprintf("The client context has %d bytes, and %d are allowed.", len(encoded), maxClientContext))
	}
	req.event.ClientContext = raw
	return nil
}

func invalid(message string) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidParameterValueException", Message: message, Details: [][2]string{{"Type", "User"}}}
}

func validation(value, name, must string) *aws.Error {
	return &aws.Error{
		Status: http.StatusBadRequest, Code: "ValidationException",
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy: %s", strings.TrimSpace(value), name, must),
	}
}

func notFound(message string) *aws.Error {
	return &aws.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: message, Details: [][2]string{{"Type", "User"}}}
}

func tooLarge(message string) *aws.Error {
	return &aws.Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestTooLargeException", Message: message, Details: [][2]string{{"Type", "User"}}}
}

func tooMany(busy Busy) *aws.Error {
	failed := &aws.Error{
		Status: http.StatusTooManyRequests, Code: "TooManyRequestsException", Message: "Rate Exceeded.",
		Details: [][2]string{{"Type", "User"}, {"Reason", busy.Reason}},
	}
	if busy.RetryAfter != "" {
		failed.Header = map[string]string{"Retry-After": busy.RetryAfter}
	}
	return failed
}
