package bedrockagent

import (
	"cmp"
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
	"time"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The limits of the service.
const (
	defaultPage    = 10
	maxPage        = 1000
	maxToken       = 2048
	maxDescription = 200
)

// Service implements [aws.Service]. Its methods may be called from any goroutine.
type Service struct {
	mu    sync.Mutex
	bases []KnowledgeBase
	jobs  []*Job
}

// New makes a service without knowledge bases.
func New() *Service { return &Service{} }

// Add adds a knowledge base, or replaces the one of its region, account and ID. Lists are in the order of adding.
func (s *Service) Add(k KnowledgeBase) {
	k.DataSources = slices.Clone(k.DataSources)
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(other KnowledgeBase) bool { return other.ARN() == k.ARN() }
	if i := slices.IndexFunc(s.bases, same); i >= 0 {
		s.bases[i] = k
		return
	}
	s.bases = append(s.bases, k)
}

// Jobs are all ingestion jobs so far, in the order in which they were started.
func (s *Service) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Job
	for _, j := range s.jobs {
		all = append(all, *j)
	}
	return all
}

// Finish ends an ingestion job that runs. It reports whether there is one.
func (s *Service) Finish(id string, outcome Outcome) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.jobs, func(j *Job) bool { return j.ID == id && j.outcome == nil })
	if i < 0 {
		return false
	}
	outcome.Status = cmp.Or(outcome.Status, "COMPLETE")
	s.jobs[i].outcome, s.jobs[i].ends = &outcome, time.Now()
	return true
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

// address is what the path of a request names.
type address struct{ operation, base, source, job string }

var idPattern = regexp.MustCompile(`^[0-9a-zA-Z]{10}$`)

// readAddress reads method and path. Where the API writes a slash at the end of a path, it is a part of it.
func readAddress(method, path string) (address, bool) {
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	at := func(i int) string {
		if i < len(parts) {
			return parts[i]
		}
		return ""
	}
	a := address{base: at(1), source: at(3), job: at(5)}
	shape := fmt.Sprintf("%s %d %s/%s/%s", method, len(parts), at(0), at(2), at(4))
	switch {
	case shape == "POST 2 knowledgebases//" && a.base == "":
		a.operation = "ListKnowledgeBases"
	case shape == "POST 4 knowledgebases/datasources/" && a.source == "":
		a.operation = "ListDataSources"
	case shape == "PUT 6 knowledgebases/datasources/ingestionjobs" && a.job == "":
		a.operation = "StartIngestionJob"
	case shape == "GET 6 knowledgebases/datasources/ingestionjobs" && a.job != "":
		a.operation = "GetIngestionJob"
	}
	return a, a.operation != ""
}

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	a, ok := readAddress(r.Method, r.URL.EscapedPath())
	if !ok {
		return aws.Operation{}, &aws.Error{Status: http.StatusNotFound, Code: "UnknownOperationException", Message: "There is no such operation."}
	}
	op := aws.Operation{Name: a.operation}
	if a.base != "" {
		op.Resource = arn(r.Region, r.AccountID, a.base)
	}
	return op, nil
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	a, _ := readAddress(r.Method, r.URL.EscapedPath()) // Identify has read it
	if failed := a.check(r); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.operation == "ListKnowledgeBases" {
		return s.listBases(w, r)
	}
	i := slices.IndexFunc(s.bases, func(k KnowledgeBase) bool {
		return k.ID == a.base && k.Region == r.Region && k.AccountID == r.AccountID
	})
	if i < 0 {
		return notFound("Knowledge base with id " + a.base + " does not exist.")
	}
	if a.operation == "ListDataSources" {
		return listSources(w, r, s.bases[i])
	}
	return s.serveJobs(w, r, a, s.bases[i])
}

// check follows the constraints of the path and the headers.
func (a address) check(r *aws.Request) *aws.Error {
	for _, part := range []struct{ name, id string }{{"knowledgeBaseId", a.base}, {"dataSourceId", a.source}, {"ingestionJobId", a.job}} {
		if part.id != "" && !idPattern.MatchString(part.id) {
			return invalid(part.name, part.id, "Member must satisfy regular expression pattern: [0-9a-zA-Z]{10}")
		}
	}
	if r.URL.RawQuery != "" {
		return invalid("the query", r.URL.RawQuery, "There must be none")
	}
	if kind := r.Header.Get("Content-Type"); r.Method != http.MethodGet && kind != "application/json" {
		return &aws.Error{Status: http.StatusUnsupportedMediaType, Code: "UnsupportedMediaTypeException", Message: "The content type " + kind + " is not application/json."}
	}
	return nil
}

// listRequest is the body of both lists.
type listRequest struct {
	MaxResults *int    `json:"maxResults"`
	NextToken  *string `json:"nextToken"`
}

// cut reads a request and returns the part of a list of so many entries that it asks for. Tokens of one list are of no
// use in another.
func cut(r *aws.Request, list string, entries int) (from, to int, next string, failed *aws.Error) {
	var in listRequest
	if failed := r.JSON(&in); failed != nil {
		return 0, 0, "", failed
	}
	size := defaultPage
	if in.MaxResults != nil {
		size = *in.MaxResults
	}
	if size < 1 || size > maxPage {
		return 0, 0, "", invalid("maxResults", strconv.Itoa(size), "Member must be between 1 and 1000")
	}
	if in.NextToken != nil {
		if from, failed = readToken(*in.NextToken, list, entries); failed != nil {
			return 0, 0, "", failed
		}
	}
	to = min(from+size, entries)
	if to < entries {
		next = base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s %d", list, to))
	}
	return from, to, next, nil
}

func readToken(token, list string, entries int) (int, *aws.Error) {
	if token == "" || len(token) > maxToken || strings.ContainsAny(token, " \t\r\n") {
		return 0, invalid("nextToken", token, "Member must have length between 1 and 2048 and satisfy regular expression pattern: \\S*")
	}
	text, err := base64.StdEncoding.DecodeString(token)
	position, ours := strings.CutPrefix(string(text), list+" ")
	from, numberErr := strconv.Atoi(position)
	if err != nil || !ours || numberErr != nil || from < 0 || from > entries {
		return 0, &aws.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: "The provided nextToken is invalid."}
	}
	return from, nil
}

// listBases needs the lock.
func (s *Service) listBases(w http.ResponseWriter, r *aws.Request) *aws.Error {
	var mine []KnowledgeBase
	for _, k := range s.bases {
		if k.Region == r.Region && k.AccountID == r.AccountID {
			mine = append(mine, k)
		}
	}
	from, to, next, failed := cut(r, "bases", len(mine))
	if failed != nil {
		return failed
	}
	summaries := []any{}
	for _, k := range mine[from:to] {
		summaries = append(summaries, summary(map[string]string{
			"knowledgeBaseId": k.ID, "name": k.Name, "description": k.Description, "status": cmp.Or(k.Status, "ACTIVE"), "updatedAt": stamp(k.UpdatedAt),
		}))
	}
	return answerList(w, "knowledgeBaseSummaries", summaries, next)
}

func listSources(w http.ResponseWriter, r *aws.Request, k KnowledgeBase) *aws.Error {
	from, to, next, failed := cut(r, "sources of "+k.ID, len(k.DataSources))
	if failed != nil {
		return failed
	}
	summaries := []any{}
	for _, d := range k.DataSources[from:to] {
		summaries = append(summaries, summary(map[string]string{
			"knowledgeBaseId": k.ID, "dataSourceId": d.ID, "name": d.Name, "description": d.Description, "status": cmp.Or(d.Status, "AVAILABLE"),
			"updatedAt": stamp(d.UpdatedAt),
		}))
	}
	return answerList(w, "dataSourceSummaries", summaries, next)
}

// summary is an entry of a list, without a description that is empty.
func summary(entry map[string]string) map[string]string {
	if entry["description"] == "" {
		delete(entry, "description")
	}
	return entry
}

func answerList(w http.ResponseWriter, name string, summaries []any, next string) *aws.Error {
	object := map[string]any{name: summaries}
	if next != "" {
		object["nextToken"] = next
	}
	answer(w, http.StatusOK, object)
	return nil
}

// serveJobs needs the lock.
func (s *Service) serveJobs(w http.ResponseWriter, r *aws.Request, a address, k KnowledgeBase) *aws.Error {
	i := slices.IndexFunc(k.DataSources, func(d DataSource) bool { return d.ID == a.source })
	if i < 0 {
		return notFound("DataSource with id " + a.source + " in KnowledgeBase with id " + a.base + " does not exist.")
	}
	if a.operation == "StartIngestionJob" {
		return s.start(w, r, k, k.DataSources[i])
	}
	return s.get(w, r, a)
}

var clientTokenPattern = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}$`)

// start needs the lock.
func (s *Service) start(w http.ResponseWriter, r *aws.Request, k KnowledgeBase, d DataSource) *aws.Error {
	var in struct {
		ClientToken *string `json:"clientToken"`
		Description *string `json:"description"`
	}
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if t := in.ClientToken; t != nil && (len(*t) < 33 || len(*t) > 256 || !clientTokenPattern.MatchString(*t)) {
		return invalid("clientToken", *t, "Member must have length between 33 and 256 and satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}")
	}
	if t := in.Description; t != nil && (*t == "" || utf8.RuneCountInString(*t) > maxDescription) {
		return invalid("description", *t, "Member must have length between 1 and 200")
	}
	token := ""
	if in.ClientToken != nil {
		token = *in.ClientToken
	}
	if known := s.started(k, d, token); known != nil {
		answer(w, http.StatusAccepted, map[string]any{"ingestionJob": known.shown()})
		return nil
	}
	if busy := s.running(k, d); busy != nil {
		return &aws.Error{
			Status: http.StatusConflict, Code: "ConflictException",
			Message: fmt.Sprintf("Failed to start ingestion job: knowledge base %s has an ongoing ingestion job with id %s for data source %s.", k.ID, busy.ID, d.ID),
		}
	}
	j := &Job{
		ID: rand.Text()[:10], KnowledgeBaseID: k.ID, DataSourceID: d.ID, Region: k.Region, AccountID: k.AccountID, ClientToken: token,
		Started: time.Now(), end: d.Ends, lag: d.Lag,
	}
	j.end.Status = cmp.Or(j.end.Status, "COMPLETE")
	if in.Description != nil {
		j.Description = *in.Description
	}
	if d.Takes >= 0 {
		j.ends = j.Started.Add(d.Takes)
	}
	s.jobs = append(s.jobs, j)
	object := j.shown()
	object["status"] = "STARTING"
	answer(w, http.StatusAccepted, map[string]any{"ingestionJob": object})
	return nil
}

// started is the job that an earlier request with the same token has started. It needs the lock.
func (s *Service) started(k KnowledgeBase, d DataSource, token string) *Job {
	return s.find(func(j *Job) bool {
		return token != "" && j.ClientToken == token && j.of(k.Region, k.AccountID, k.ID, d.ID)
	})
}

// running is the job that the data source has now. It needs the lock.
func (s *Service) running(k KnowledgeBase, d DataSource) *Job {
	return s.find(func(j *Job) bool {
		j.settle(time.Now())
		return j.outcome == nil && j.of(k.Region, k.AccountID, k.ID, d.ID)
	})
}

func (s *Service) find(is func(*Job) bool) *Job {
	if i := slices.IndexFunc(s.jobs, is); i >= 0 {
		return s.jobs[i]
	}
	return nil
}

func (j *Job) of(region, account, base, source string) bool {
	return j.Region == region && j.AccountID == account && j.KnowledgeBaseID == base && j.DataSourceID == source
}

// get needs the lock.
func (s *Service) get(w http.ResponseWriter, r *aws.Request, a address) *aws.Error {
	if body, err := r.Bytes(); err != nil || len(body) > 0 {
		return invalid("the body", string(body), "There must be none")
	}
	j := s.find(func(j *Job) bool { return j.ID == a.job && j.of(r.Region, r.AccountID, a.base, a.source) })
	if j == nil || j.lag > 0 {
		if j != nil {
			j.lag--
		}
		return notFound("Ingestion job with id " + a.job + " does not exist.")
	}
	j.settle(time.Now())
	answer(w, http.StatusOK, map[string]any{"ingestionJob": j.shown()})
	return nil
}

func answer(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		body = nil // texts, numbers and maps of them can always be written
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}

func notFound(message string) *aws.Error {
	return &aws.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: message}
}

func invalid(name, value, constraint string) *aws.Error {
	return &aws.Error{
		Status: http.StatusBadRequest, Code: "ValidationException",
		Message: fmt.Sprintf("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, name, constraint),
	}
}
