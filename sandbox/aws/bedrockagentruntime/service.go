package bedrockagentruntime

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// defaultResults is how many passages are found where the request does not say.
const defaultResults = 5

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	mu         sync.Mutex
	bases      []KnowledgeBase
	guardrails []Guardrail
	answer     func(Question) Answer
	sessions   map[string]int // how many questions each has had, by region, account and ID
}

// New makes a service without knowledge bases. Its models answer with the question.
func New() *Service { return &Service{answer: echo, sessions: map[string]int{}} }

// Add adds a knowledge base, or replaces the one of its region, account and ID.
func (s *Service) Add(k KnowledgeBase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bases = slices.DeleteFunc(s.bases, func(other KnowledgeBase) bool {
		return other.ID == k.ID && other.Region == k.Region && other.AccountID == k.AccountID
	})
	s.bases = append(s.bases, k)
}

// AddGuardrail adds a guardrail.
func (s *Service) AddGuardrail(g Guardrail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guardrails = append(s.guardrails, g)
}

// Answer sets what models answer.
func (s *Service) Answer(with func(Question) Answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = with
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

var retrievePath = regexp.MustCompile(`^/knowledgebases/([^/]+)/retrieve$`)

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	path := r.URL.EscapedPath()
	parts := retrievePath.FindStringSubmatch(path)
	switch {
	case r.Method == http.MethodPost && path == "/retrieveAndGenerate":
		return aws.Operation{Name: "RetrieveAndGenerate"}, nil
	case r.Method == http.MethodPost && parts != nil:
		return aws.Operation{Name: "Retrieve", Resource: arn(r.Region, r.AccountID, parts[1])}, nil
	}
	return aws.Operation{}, &aws.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no such operation."}
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return &aws.Error{Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaTypeException", Message: "The content type " + kind + " is not application/json."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Operation.Name == "RetrieveAndGenerate" {
		return s.generate(w, r)
	}
	return s.retrieve(w, r, retrievePath.FindStringSubmatch(r.URL.EscapedPath())[1])
}

// retrieve needs the lock.
func (s *Service) retrieve(w http.ResponseWriter, r *aws.Request, id string) *aws.Error {
	var in retrieveRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	wrong := in.check(r.Region)
	wrong.when(!idPattern.MatchString(id), "knowledgeBaseId does not satisfy its pattern")
	if len(wrong) > 0 {
		return invalid(wrong)
	}
	base, failed := s.base(r, id)
	if failed != nil {
		return failed
	}
	vector, failed := base.search(in.Configuration)
	if failed != nil {
		return failed
	}
	action, failed := s.guard(in.Guardrail, *in.Query.Text)
	if failed != nil {
		return failed
	}
	found, next, failed := base.find(vector, in.NextToken)
	if failed != nil {
		return failed
	}
	results := []any{}
	if action != "INTERVENED" {
		for _, d := range found {
			results = append(results, d.shown(false))
		}
	}
	write(w, map[string]any{"retrievalResults": results}, map[string]string{"nextToken": next, "guardrailAction": action})
	return nil
}

// base needs the lock.
func (s *Service) base(r *aws.Request, id string) (KnowledgeBase, *aws.Error) {
	i := slices.IndexFunc(s.bases, func(k KnowledgeBase) bool { return k.ID == id && k.Region == r.Region && k.AccountID == r.AccountID })
	if i < 0 {
		return KnowledgeBase{}, &aws.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "Knowledge Base with id " + id + " does not exist"}
	}
	return s.bases[i], nil
}

// search is how the knowledge base is to be searched.
func (k KnowledgeBase) search(r *retrieval) (vectorSearch, *aws.Error) {
	var v vectorSearch
	switch {
	case r == nil:
	case r.Vector != nil:
		v = *r.Vector
	case r.Managed != nil:
		v = vectorSearch{Number: r.Managed.Number, Filter: r.Managed.Filter, Reranking: r.Managed.Reranking}
	}
	if k.NoSearchType && v.SearchType != nil {
		return v, invalid(faults{"the knowledge base does not support overrideSearchType"})
	}
	return v, nil
}

// find finds a page of documents. A model that sorts them turns them around and leaves the last ones out.
func (k KnowledgeBase) find(v vectorSearch, token *string) (found []Document, next string, failed *aws.Error) {
	for _, d := range k.Documents {
		if v.Filter == nil || v.Filter.passes(d.Metadata) {
			found = append(found, d)
		}
	}
	from := 0
	if token != nil {
		if from, failed = readToken(*token, len(found)); failed != nil {
			return nil, "", failed
		}
	}
	number := defaultResults
	if v.Number != nil {
		number = *v.Number
	}
	to := min(from+number, len(found))
	if to < len(found) {
		next = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "passages %d", to))
	}
	found = slices.Clone(found[from:to])
	if v.Reranking != nil && v.Reranking.Bedrock != nil {
		slices.Reverse(found)
		if n := v.Reranking.Bedrock.Number; n != nil {
			found = found[:min(*n, len(found))]
		}
	}
	return found, next, nil
}

func readToken(token string, documents int) (int, *aws.Error) {
	text, err := base64.StdEncoding.DecodeString(token)
	position, ours := strings.CutPrefix(string(text), "passages ")
	from, numberErr := strconv.Atoi(position)
	if err != nil || !ours || numberErr != nil || from < 0 || from > documents {
		return 0, invalid(faults{"the provided nextToken is invalid"})
	}
	return from, nil
}

// guard applies a guardrail to a text. It needs the lock.
func (s *Service) guard(g *guardrailConfiguration, text string) (action string, failed *aws.Error) {
	if g == nil {
		return "", nil
	}
	i := slices.IndexFunc(s.guardrails, func(known Guardrail) bool { return known.ID == g.ID && known.Version == g.Version })
	switch {
	case i < 0:
		return "", invalid(faults{"the guardrail identifier or version provided in the request does not exist"})
	case strings.Contains(text, s.guardrails[i].Word):
		return "INTERVENED", nil
	}
	return "NONE", nil
}

// generate needs the lock.
func (s *Service) generate(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var in generateRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if wrong := in.check(r.Region); len(wrong) > 0 {
		return invalid(wrong)
	}
	q := Question{Text: *in.Input.Text}
	var guardrail *guardrailConfiguration
	if external := in.Configuration.External; external != nil {
		q.ModelARN = external.Model
		guardrail = external.Generation.guardrail()
	}
	if base := in.Configuration.Base; base != nil {
		var failed *aws.Error
		if q.Documents, failed = s.documents(r, base); failed != nil {
			return failed
		}
		q.ModelARN = base.Model
		guardrail = base.Generation.guardrail()
	}
	action, failed := s.guard(guardrail, q.Text)
	if failed != nil {
		return failed
	}
	if q.Session, q.Turn, failed = s.session(r, in.SessionID); failed != nil {
		return failed
	}
	a := Answer{Text: "Sorry, the guardrail has stopped this."}
	if action != "INTERVENED" {
		a = s.answer(q)
	}
	write(w, map[string]any{"output": map[string]any{"text": a.Text}, "citations": a.cited()}, map[string]string{"sessionId": q.Session, "guardrailAction": action})
	return nil
}

func (g *generation) guardrail() *guardrailConfiguration {
	if g == nil {
		return nil
	}
	return g.Guardrail
}

// documents are what a knowledge base has for a question. It needs the lock.
func (s *Service) documents(r *aws.Request, in *baseConfiguration) ([]Document, *aws.Error) {
	base, failed := s.base(r, in.ID)
	if failed != nil {
		return nil, failed
	}
	vector, failed := base.search(in.Retrieval)
	if failed != nil {
		return nil, failed
	}
	found, _, failed := base.find(vector, nil)
	return found, failed
}

// session begins a session or goes on with one. It needs the lock.
func (s *Service) session(r *aws.Request, given *string) (id string, turn int, failed *aws.Error) {
	id = rand.Text()
	if given != nil {
		id = *given
	}
	key := r.Region + " " + r.AccountID + " " + id
	if _, known := s.sessions[key]; given != nil && !known {
		return "", 0, invalid(faults{"Session with Id " + id + " is not valid. Please check and try again."})
	}
	s.sessions[key]++
	return id, s.sessions[key], nil
}

// cited are the citations as the API shows them.
func (a Answer) cited() []any {
	citations := []any{}
	for _, c := range a.Citations {
		references := []any{}
		for _, d := range c.Documents {
			references = append(references, d.shown(true))
		}
		citations = append(citations, map[string]any{
			"generatedResponsePart": map[string]any{"textResponsePart": map[string]any{
				"text": c.Text, "span": map[string]int{"start": 0, "end": max(len([]rune(c.Text))-1, 0)},
			}},
			"retrievedReferences": references,
		})
	}
	return citations
}

// write answers with an object, to which those of the texts are added that are not empty.
func write(w http.ResponseWriter, object map[string]any, texts map[string]string) {
	for name, text := range texts {
		if text != "" {
			object[name] = text
		}
	}
	body, err := json.Marshal(object)
	if err != nil {
		body = nil // documents of tests can be written
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // the client may have gone
}

func invalid(wrong faults) *aws.Error {
	return &aws.Error{
		Status: http.StatusBadRequest, Code: "ValidationException",
		Message: fmt.Sprintf("%d validation error(s) detected: %s", len(wrong), strings.Join(wrong, "; ")),
	}
}
