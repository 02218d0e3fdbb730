package sagemaker

import (
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

// maxBody is the longest request and the longest answer in bytes: Body of InvokeEndpoint in the reference of the
// SageMaker Runtime API.
const maxBody = 6 << 20

// maxName is how many characters the name of an endpoint has at most.
const maxName = 63

// Invocation is one request that reached a model.
type Invocation struct {
	Endpoint, Region string
	Inference
}

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	mu          sync.Mutex
	endpoints   map[string]Endpoint // by ARN
	invocations []Invocation
}

// New makes a service without endpoints.
func New() *Service { return &Service{endpoints: map[string]Endpoint{}} }

// Add adds an endpoint, or replaces the one of its name.
func (s *Service) Add(e Endpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints[e.ARN()] = e
}

// Invocations are all requests that reached a model so far.
func (s *Service) Invocations() []Invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.invocations)
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

var (
	invokePath  = regexp.MustCompile(`^/endpoints/([^/]+)/invocations$`)
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9])*$`)
)

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	found := invokePath.FindStringSubmatch(r.URL.EscapedPath())
	if r.Method != http.MethodPost || found == nil {
		return aws.Operation{}, &aws.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no such operation."}
	}
	name, err := url.PathUnescape(found[1])
	if err != nil || !namePattern.MatchString(name) || len(name) > maxName {
		return aws.Operation{}, invalid(fmt.Sprintf("1 validation error detected: Value '%s' at 'endpointName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: ^[a-zA-Z0-9](-*[a-zA-Z0-9])*", name))
	}
	return aws.Operation{Name: "InvokeEndpoint", Resource: arn(r.Region, r.AccountID, name)}, nil
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	in, failed := read(r)
	if failed != nil {
		return failed
	}
	s.mu.Lock()
	e, ok := s.endpoints[r.Operation.Resource]
	s.mu.Unlock()
	switch {
	case !ok:
		_, name, _ := strings.Cut(r.Operation.Resource, ":endpoint/")
		return invalid(fmt.Sprintf("Endpoint %s of account %s not found.", name, r.AccountID))
	case e.Loading:
		return &aws.Error{Status: http.StatusTooManyRequests, Code: "ModelNotReadyException", Message: "Model is not ready for inference. Please wait and try again."}
	}
	s.mu.Lock()
	s.invocations = append(s.invocations, Invocation{Endpoint: e.Name, Region: e.Region, Inference: in})
	s.mu.Unlock()
	answer(w, e, e.run(r, in))
	return nil
}

func (e Endpoint) run(r *aws.Request, in Inference) Answer {
	if e.Model == nil {
		return Returns(map[string]any{})
	}
	return e.Model(r.Context(), in)
}

// read checks a request as SageMaker does.
func read(r *aws.Request) (Inference, *aws.Error) {
	body, err := r.Bytes()
	switch {
	case err != nil:
		return Inference{}, invalid("The body ended early: " + err.Error())
	case len(body) == 0:
		return Inference{}, invalid("1 validation error detected: Value at 'body' failed to satisfy constraint: Member must not be null")
	case len(body) > maxBody:
		return Inference{}, &aws.Error{
			Status: http.StatusRequestEntityTooLarge, Code: "ValidationError",
			Message: fmt.Sprintf("1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less than or equal to %d", maxBody),
		}
	}
	return Inference{Body: slices.Clone(body), ContentType: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept")}, nil
}

// answer sends what a model answered, or the error about it.
func answer(w http.ResponseWriter, e Endpoint, a Answer) {
	if len(a.Body) > maxBody {
		a = Fails(http.StatusInternalServerError, "The response is too large.")
	}
	if a.TimedOut || a.Status != 0 && a.Status != http.StatusOK {
		modelError(w, e, a)
		return
	}
	kind := a.ContentType
	if kind == "" {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.Body)))
	w.Header().Set("X-Amzn-Invoked-Production-Variant", "AllTraffic")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(a.Body) // the client may have gone
}

// modelError writes the error itself, because one of its members is a number.
func modelError(w http.ResponseWriter, e Endpoint, a Answer) {
	said := string(a.Body)
	if a.TimedOut {
		a.Status = 0
		said = "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
	}
	side := "server"
	if a.Status >= http.StatusBadRequest && a.Status < http.StatusInternalServerError {
		side = "client"
	}
	log := fmt.Sprintf("arn:%s:logs:%s:%s:log-group:/aws/sagemaker/Endpoints/%s", partition(e.Region), e.Region, e.AccountID, e.Name)
	body, err := json.Marshal(map[string]any{
		"ErrorCode": strings.ToUpper(side) + "_ERROR_FROM_MODEL", "LogStreamArn": log, "OriginalMessage": said, "OriginalStatusCode": a.Status,
		"Message": fmt.Sprintf("Received %s error (%d) from primary with message %q. See https://%s.console.aws.amazon.com/cloudwatch/home in account %s for more information.",
			side, a.Status, said, e.Region, e.AccountID),
	})
	if err != nil {
		body = nil // texts and a number can always be written
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Amzn-Errortype", "ModelError")
	w.WriteHeader(http.StatusFailedDependency)
	_, _ = w.Write(body) // the client may have gone
}

func invalid(message string) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: "ValidationError", Message: message}
}

func partition(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "aws-cn"
	}
	return "aws"
}
