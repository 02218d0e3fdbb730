package bedrockruntime

import (
	"encoding/json"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// Model is a model behind InvokeModel: it checks the body of a request and answers with what becomes the body of the
// answer as JSON. It may be called from any goroutine.
type Model func(body json.RawMessage) (answer any, failed *aws.Error)

// maxModelBody is the largest body of InvokeModel in bytes.
const maxModelBody = 25_000_000

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	store *s3.Store // where videos go

	mu         sync.Mutex
	models     map[string]Model
	guardrails map[string]Guardrail // by ARN
	reel       Reel
	jobs       []*job
}

// Option changes how [New] makes a service.
type Option func(*Service)

// New makes a service with the models of the package.
func New(opts ...Option) *Service {
	s := &Service{models: map[string]Model{NovaCanvas: Canvas{}.Answer}, guardrails: map[string]Guardrail{}}
	maps.Copy(s.models, embeddingModels())
	for _, opt := range opts {
		opt(s)
	}
	return s
}

// AddModel offers a model under an ID, such as amazon.nova-canvas-v1:0, in place of the one that has it.
func (s *Service) AddModel(id string, m Model) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models[id] = m
}

// RemoveModel makes a model unknown, as if it had been retired.
func (s *Service) RemoveModel(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.models, id)
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

// operations are the operations by method and path, in which {} is a part that is named in the request.
var operations = []struct{ method, path, name, action string }{
	{http.MethodPost, "/model/{}/invoke", "InvokeModel", "bedrock:InvokeModel"},
	{http.MethodPost, "/async-invoke", "StartAsyncInvoke", "bedrock:InvokeModel"},
	{http.MethodGet, "/async-invoke/{}", "GetAsyncInvoke", "bedrock:GetAsyncInvoke"},
	{http.MethodPost, "/guardrail/{}/version/{}/apply", "ApplyGuardrail", "bedrock:ApplyGuardrail"},
}

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	for _, op := range operations {
		parts, ok := matchPath(op.path, r.URL.EscapedPath())
		if !ok || r.Method != op.method {
			continue
		}
		return aws.Operation{Name: op.name, Action: op.action, Resource: resource(r, op.name, parts)}, nil
	}
	return aws.Operation{}, &aws.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no such operation."}
}

// matchPath compares a path with a pattern and returns the parts of it that the pattern leaves open.
func matchPath(pattern, path string) ([]string, bool) {
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, false
	}
	var open []string
	for i, part := range want {
		text, err := url.PathUnescape(got[i])
		switch {
		case err != nil:
			return nil, false
		case part == "{}":
			open = append(open, text)
		case part != text:
			return nil, false
		}
	}
	return open, true
}

// resource is the ARN that a policy names for a request.
func resource(r *aws.Request, operation string, parts []string) string {
	switch operation {
	case "InvokeModel":
		if at, ok := parseModel(parts[0]); ok {
			return at.arn(r.Region)
		}
	case "GetAsyncInvoke":
		return parts[0]
	case "ApplyGuardrail":
		arn, _ := guardrailOf(r, parts[0])
		return arn
	}
	return ""
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	parts := pathParts(r)
	switch r.Operation.Name {
	case "InvokeModel":
		return s.invokeModel(w, r, parts[0])
	case "StartAsyncInvoke":
		return s.startAsyncInvoke(w, r)
	case "GetAsyncInvoke":
		return s.getAsyncInvoke(w, r, parts[0])
	default: // Identify lets nothing else through
		return s.applyGuardrail(w, r, parts[0], parts[1])
	}
}

func pathParts(r *aws.Request) []string {
	for _, op := range operations {
		if parts, ok := matchPath(op.path, r.URL.EscapedPath()); ok && op.name == r.Operation.Name {
			return parts
		}
	}
	return nil
}

// The identifiers that the API reference allows for a model.
var (
	modelPattern   = regexp.MustCompile(`^([a-z0-9-]+[.][a-z0-9-]+(?:[.-][a-z0-9]+)*(?::[0-9]+)?)$`)
	modelARN       = regexp.MustCompile(`^arn:aws(?:-[a-z-]+)?:bedrock:([a-z0-9-]*):([0-9]{12})?:(foundation-model|inference-profile)/([a-zA-Z0-9.:-]+)$`)
	profilePattern = regexp.MustCompile(`^(us|eu|apac|us-gov|jp|au|global)\.`)
)

// model is a model as a request names it.
type model struct {
	id      string // without the prefix of an inference profile
	region  string // of an ARN, or ""
	profile bool
}

func parseModel(text string) (model, bool) {
	var at model
	if found := modelARN.FindStringSubmatch(text); found != nil {
		at.region, text = found[1], found[4]
	}
	if !modelPattern.MatchString(text) {
		return model{}, false
	}
	at.id = profilePattern.ReplaceAllString(text, "")
	at.profile = at.id != text
	return at, true
}

func (m model) arn(region string) string {
	return fmt.Sprintf("arn:%s:bedrock:%s::foundation-model/%s", partition(region), region, m.id)
}

func partition(region string) string {
	if strings.HasPrefix(region, "cn-") {
		return "aws-cn"
	}
	return "aws"
}

// find looks a model up.
func (s *Service) find(r *aws.Request, identifier string) (Model, *aws.Error) {
	at, ok := parseModel(identifier)
	s.mu.Lock()
	found := s.models[at.id]
	s.mu.Unlock()
	switch {
	case !ok:
		return nil, invalid("The provided model identifier is invalid.")
	case at.region != "" && at.region != r.Region:
		return nil, invalid("The ARN '%s' is invalid for the request region '%s'.", identifier, r.Region)
	case found == nil:
		return nil, &aws.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Could not resolve the foundation model from the provided model identifier."}
	}
	return found, nil
}

func (s *Service) invokeModel(w http.ResponseWriter, r *aws.Request, identifier string) *aws.Error {
	found, failed := s.find(r, identifier)
	if failed != nil {
		return failed
	}
	body, failed := readBody(r, maxModelBody)
	if failed != nil {
		return failed
	}
	if accept := r.Header.Get("Accept"); !slices.Contains([]string{"", "*/*", "application/json"}, accept) {
		return invalid("The Accept Header is not supported: %s", accept)
	}
	answer, failed := found(body)
	if failed != nil {
		return failed
	}
	w.Header().Set("X-Amzn-Bedrock-Invocation-Latency", "250")
	return writeJSON(w, http.StatusOK, answer)
}

// readBody reads a JSON body of at most so many bytes.
func readBody(r *aws.Request, most int) (json.RawMessage, *aws.Error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return nil, &aws.Error{Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaTypeException", Message: "The Content-Type must be application/json."}
	}
	body, err := r.Bytes()
	switch {
	case err != nil:
		return nil, invalid("The body ended early: %v", err)
	case len(body) > most:
		return nil, invalid("Value at 'body' failed to satisfy constraint: Member must have length less than or equal to %d", most)
	case !json.Valid(body):
		return nil, invalid("Malformed input request, please reformat your input and try again.")
	}
	return body, nil
}

func writeJSON(w http.ResponseWriter, status int, answer any) *aws.Error {
	body, err := json.Marshal(answer)
	if err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalServerException", Message: fmt.Sprintf("The answer cannot be written: %v", err)}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
	return nil
}
