package sfn

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The limits of Step Functions.
const (
	maxInput = 256 << 10 // bytes
	maxARN   = 256
	maxTrace = 256
)

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	mu         sync.Mutex
	machines   map[string]StateMachine // by ARN
	executions []*Execution
}

// New makes a service without state machines.
func New() *Service { return &Service{machines: map[string]StateMachine{}} }

// Add adds a state machine, or replaces the one of its name.
func (s *Service) Add(m StateMachine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.machines[m.ARN()] = m
}

// Executions are all executions so far, in the order in which they were started.
func (s *Service) Executions() []Execution {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Execution
	for _, e := range s.executions {
		all = append(all, *e)
	}
	return all
}

// Finish ends an execution that runs. It reports whether there is one.
func (s *Service) Finish(arn string, outcome Outcome) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(arn)
	if e == nil || e.outcome != nil {
		return false
	}
	outcome.Status = cmp.Or(outcome.Status, "SUCCEEDED")
	e.outcome, e.ends = &outcome, time.Now()
	return true
}

// find needs the lock.
func (s *Service) find(arn string) *Execution {
	i := slices.IndexFunc(s.executions, func(e *Execution) bool { return e.ARN == arn })
	if i < 0 {
		return nil
	}
	return s.executions[i]
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.JSON10 }

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	op, failed := r.Target()
	if failed != nil {
		return op, failed
	}
	isSync := op.Name == "StartSyncExecution"
	known := isSync || op.Name == "StartExecution" || op.Name == "DescribeExecution"
	wrongHost := isSync && strings.HasPrefix(r.Host, "states.") || !isSync && strings.HasPrefix(r.Host, "sync-states.")
	if !known || wrongHost || !strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSStepFunctions.") {
		return op, fail("UnknownOperationException", "There is no such operation at this host.")
	}
	var names struct {
		Machine   string `json:"stateMachineArn"`
		Execution string `json:"executionArn"`
	}
	body, err := r.Bytes()
	if err == nil {
		err = json.Unmarshal(body, &names)
	}
	if err != nil {
		return op, fail("SerializationException", err.Error())
	}
	op.Action, op.Resource = "states:"+op.Name, cmp.Or(names.Machine, names.Execution)
	return op, nil
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	switch r.Operation.Name {
	case "StartExecution":
		return s.start(w, r)
	case "StartSyncExecution":
		return s.startSync(w, r)
	default:
		return s.describe(w, r)
	}
}

// startRequest is the body of StartExecution and StartSyncExecution.
type startRequest struct {
	Machine      string  `json:"stateMachineArn"`
	Name         *string `json:"name"`
	Input        *string `json:"input"`
	TraceHeader  *string `json:"traceHeader"`
	IncludedData *string `json:"includedData"`
}

// readStart checks a request and finds its state machine.
func (s *Service) readStart(r *aws.Request) (startRequest, StateMachine, *aws.Error) {
	var in startRequest
	if failed := r.JSON(&in); failed != nil {
		return in, StateMachine{}, failed
	}
	if failed := in.check(); failed != nil {
		return in, StateMachine{}, failed
	}
	parts := machinePattern.FindStringSubmatch(in.Machine)
	if parts == nil {
		return in, StateMachine{}, fail("InvalidArn", "Invalid Arn: 'Resource type not valid in this context'")
	}
	qualifier := parts[4]
	s.mu.Lock()
	m, ok := s.machines[strings.TrimSuffix(in.Machine, ":"+qualifier)]
	s.mu.Unlock()
	if !ok || m.Region != r.Region || m.AccountID != r.AccountID || qualifier != "" && !slices.Contains(m.Qualifiers, qualifier) {
		return in, m, fail("StateMachineDoesNotExist", "State Machine Does Not Exist: '"+in.Machine+"'")
	}
	return in, m, nil
}

func (in startRequest) check() *aws.Error {
	switch {
	case in.Machine == "":
		return fail("ValidationException", "1 validation error detected: Value null at 'stateMachineArn' failed to satisfy constraint: Member must not be null")
	case len(in.Machine) > maxARN:
		return tooLong("stateMachineArn", maxARN)
	case labelPattern.MatchString(in.Machine):
		return fail("ValidationException", "State machine ARNs that are qualified with a label are not supported.")
	case in.Name != nil && *in.Name == "":
		return fail("ValidationException", "1 validation error detected: Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1")
	case in.Name != nil && !validName(*in.Name):
		return fail("InvalidName", "Invalid Name: '"+*in.Name+"'")
	case in.TraceHeader != nil && len(*in.TraceHeader) > maxTrace:
		return tooLong("traceHeader", maxTrace)
	case in.TraceHeader != nil && strings.ContainsFunc(*in.TraceHeader, func(r rune) bool { return r > '~' }):
		return fail("ValidationException", "1 validation error detected: Value at 'traceHeader' failed to satisfy constraint: Member must satisfy regular expression pattern: \\p{ASCII}*")
	case in.Input != nil && len(*in.Input) > maxInput:
		return tooLong("input", maxInput)
	case in.Input != nil && !json.Valid([]byte(*in.Input)):
		return fail("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Unexpected character'")
	}
	return nil
}

// execution makes the execution that a request asks for.
func (in startRequest) execution(m StateMachine) *Execution {
	name := rand.Text()
	if in.Name != nil {
		name = *in.Name
	}
	e := &Execution{
		ARN: m.executionARN(name, rand.Text()), Name: name, StateMachineARN: in.Machine, Input: json.RawMessage("{}"),
		Started: time.Now(), machine: m, lag: m.Lag,
	}
	if in.Input != nil {
		e.Input = json.RawMessage(*in.Input)
	}
	if in.TraceHeader != nil {
		e.TraceHeader = *in.TraceHeader
	}
	if m.Takes >= 0 {
		e.ends = e.Started.Add(m.Takes)
	}
	return e
}

func (s *Service) start(w http.ResponseWriter, r *aws.Request) *aws.Error {
	in, m, failed := s.readStart(r)
	if failed != nil {
		return failed
	}
	if in.IncludedData != nil {
		return fail("SerializationException", "unknown field includedData")
	}
	e := in.execution(m)
	s.mu.Lock()
	known := s.find(e.ARN)
	switch {
	case known == nil:
		s.executions = append(s.executions, e)
	default:
		known.end(time.Now())
		if known.outcome != nil || string(known.Input) != string(e.Input) {
			failed = fail("ExecutionAlreadyExists", "Execution Already Exists: '"+e.ARN+"'")
		}
		e = known
	}
	s.mu.Unlock()
	if failed != nil {
		return failed
	}
	answer(w, map[string]any{"executionArn": e.ARN, "startDate": epoch(e.Started)})
	return nil
}

func (s *Service) startSync(w http.ResponseWriter, r *aws.Request) *aws.Error {
	in, m, failed := s.readStart(r)
	if failed != nil {
		return failed
	}
	if !m.Express {
		return fail("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")
	}
	e := in.execution(m)
	s.mu.Lock()
	s.executions = append(s.executions, e)
	s.mu.Unlock()
	var over <-chan time.Time
	if m.Takes >= 0 {
		timer := time.NewTimer(m.Takes)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-r.Context().Done():
		return nil
	}
	answer(w, s.described(e))
	return nil
}

func (s *Service) describe(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in struct {
		Execution    string  `json:"executionArn"`
		IncludedData *string `json:"includedData"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	switch {
	case in.Execution == "":
		return fail("ValidationException", "1 validation error detected: Value null at 'executionArn' failed to satisfy constraint: Member must not be null")
	case len(in.Execution) > maxARN:
		return tooLong("executionArn", maxARN)
	case !executionPattern.MatchString(in.Execution):
		return fail("InvalidArn", "Invalid Arn: 'Resource type not valid in this context'")
	}
	s.mu.Lock()
	e := s.find(in.Execution)
	there := e != nil && e.lag == 0 && e.machine.Region == r.Region && e.machine.AccountID == r.AccountID
	if e != nil && e.lag > 0 {
		e.lag--
	}
	s.mu.Unlock()
	if !there {
		return fail("ExecutionDoesNotExist", "Execution Does Not Exist: '"+in.Execution+"'")
	}
	answer(w, s.described(e))
	return nil
}

// described is an execution as DescribeExecution and StartSyncExecution show it.
func (s *Service) described(e *Execution) map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.end(time.Now())
	shown := map[string]any{
		"executionArn": e.ARN, "stateMachineArn": e.StateMachineARN, "name": e.Name, "status": "RUNNING", "startDate": epoch(e.Started),
		"input": string(e.Input), "inputDetails": map[string]bool{"included": true},
	}
	if e.TraceHeader != "" {
		shown["traceHeader"] = e.TraceHeader
	}
	if e.outcome == nil {
		return shown
	}
	shown["status"], shown["stopDate"] = e.outcome.Status, epoch(e.ends)
	if e.outcome.Status == "SUCCEEDED" {
		shown["output"], shown["outputDetails"] = e.outcome.Output, map[string]bool{"included": true}
		return shown
	}
	for name, text := range map[string]string{"error": e.outcome.Error, "cause": e.outcome.Cause} {
		if text != "" {
			shown[name] = text
		}
	}
	return shown
}

// epoch is a time as the JSON protocols write it: seconds, with milliseconds behind the point.
func epoch(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

func answer(w http.ResponseWriter, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		body = nil // texts, numbers and maps of them can always be written
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_, _ = w.Write(body) // the client may have gone
}

func fail(code, message string) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: code, Message: message}
}

func tooLong(name string, most int) *aws.Error {
	return fail("ValidationException", fmt.Sprintf("1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", name, most))
}
