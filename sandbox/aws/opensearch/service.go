package opensearch

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// Service implements [aws.Service], for "es" and for "aoss". Its methods may be called from any goroutine.
type Service struct {
	mu      sync.Mutex
	indices map[string]Index // by host and name
}

// New makes a service without domains and collections.
func New() *Service { return &Service{indices: map[string]Index{}} }

// Add adds an index, or replaces the one of its name at its host.
func (s *Service) Add(x Index) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indices[x.Host+"/"+x.Name] = x
}

// Protocol implements [aws.Service].
func (s *Service) Protocol() aws.Protocol { return aws.RestJSON }

var searchPath = regexp.MustCompile(`^/([^/]+)/_search$`)

// Identify implements [aws.Service].
func (s *Service) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	if !searchPath.MatchString(r.URL.EscapedPath()) || r.Method != http.MethodPost && r.Method != http.MethodGet {
		return aws.Operation{}, &aws.Error{Status: http.StatusBadRequest, Code: "illegal_argument_exception", Message: "The stand-in knows searches only."}
	}
	name, _, _ := strings.Cut(hostOf(r), ".")
	if r.Service == "aoss" {
		return aws.Operation{Name: "Search", Action: "aoss:APIAccessAll", Resource: fmt.Sprintf("arn:aws:aoss:%s:%s:collection/%s", r.Region, r.AccountID, name)}, nil
	}
	method := map[string]string{http.MethodPost: "Post", http.MethodGet: "Get"}[r.Method]
	return aws.Operation{
		Name: "Search", Action: "es:ESHttp" + method,
		Resource: fmt.Sprintf("arn:aws:es:%s:%s:domain/%s%s", r.Region, r.AccountID, domainName(name), r.URL.EscapedPath()),
	}, nil
}

// domainName is the name in the host search-NAME-ID.
func domainName(label string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(label, "search-"), "vpc-")
	if end := strings.LastIndexByte(name, '-'); end > 0 {
		name = name[:end]
	}
	return name
}

func hostOf(r *aws.Request) string {
	host := strings.ToLower(r.Host)
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	return host
}

// Serve implements [aws.Service].
func (s *Service) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	if failed := s.search(w, r); failed != nil {
		failed.write(w, r)
	}
	return nil
}

func (s *Service) search(w http.ResponseWriter, r *aws.Request) *failure {
	body, err := r.Bytes()
	if err != nil {
		return parsing("the body ended early: %v", err)
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return &failure{Status: http.StatusNotAcceptable, Type: "media_type_header_exception", Reason: fmt.Sprintf("Content-Type header [%s] is not supported", r.Header.Get("Content-Type"))}
	}
	if r.Service == "aoss" && !fitsServerless(r, body) {
		return forbidden()
	}
	name, err := url.PathUnescape(searchPath.FindStringSubmatch(r.URL.EscapedPath())[1])
	if err != nil {
		return parsing("the name of the index cannot be read")
	}
	s.mu.Lock()
	x, ok := s.indices[hostOf(r)+"/"+name]
	s.mu.Unlock()
	switch {
	case x.Restricted && r.Service == "aoss":
		return forbidden()
	case x.Restricted:
		return &failure{Status: http.StatusForbidden, Type: "security_exception", Reason: "no permissions for [indices:data/read/search] and User [name=" + r.ARN + "]"}
	case !ok:
		return &failure{Status: http.StatusNotFound, Type: "index_not_found_exception", Reason: "no such index [" + name + "]"}
	}
	q, failed := x.read(body)
	if failed != nil {
		return failed
	}
	hits, failed := x.search(q)
	if failed != nil {
		return failed
	}
	writeJSON(w, http.StatusOK, x.answer(hits))
	return nil
}

// answer is what a search returns.
func (x Index) answer(hits []hit) map[string]any {
	shards := map[string]int{"total": 2, "successful": 2, "skipped": 0, "failed": 0}
	if x.Incomplete {
		shards["successful"], shards["failed"] = 1, 1
	}
	var best any
	if len(hits) > 0 {
		best = hits[0].Score
	}
	return map[string]any{
		"took": 3, "timed_out": x.TimedOut, "_shards": shards,
		"hits": map[string]any{"total": map[string]any{"value": len(hits), "relation": "eq"}, "max_score": best, "hits": hits},
	}
}

// fitsServerless reports whether a request is signed as OpenSearch Serverless wants it: with the hash of its body, and
// without its length.
func fitsServerless(r *aws.Request, body []byte) bool {
	sum := sha256.Sum256(body)
	_, signed, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	names := ";" + signed + ";"
	return r.Header.Get("X-Amz-Content-Sha256") == hex.EncodeToString(sum[:]) &&
		strings.Contains(names, ";x-amz-content-sha256;") && !strings.Contains(names, ";content-length;")
}

// failure is an error as OpenSearch writes it.
type failure struct {
	Status       int
	Type, Reason string
	// Cause and Why are what a shard said, where it was a shard.
	Cause, Why string
}

func parsing(format string, args ...any) *failure {
	return &failure{Status: http.StatusBadRequest, Type: "parsing_exception", Reason: fmt.Sprintf(format, args...)}
}

// forbidden is all that OpenSearch Serverless says about what is not allowed.
func forbidden() *failure {
	return &failure{Status: http.StatusForbidden, Type: "Forbidden", Reason: "403 Forbidden"}
}

func (f *failure) write(w http.ResponseWriter, r *aws.Request) {
	root := map[string]any{"type": f.Type, "reason": f.Reason}
	whole := map[string]any{"type": f.Type, "reason": f.Reason}
	if f.Why != "" {
		root = map[string]any{"type": f.Cause, "reason": f.Why}
		whole["failed_shards"] = []any{map[string]any{"shard": 0, "reason": root}}
	}
	if f.Type == "Forbidden" {
		writeJSON(w, f.Status, map[string]any{"status": f.Status, "request-id": r.ID, "error": whole})
		return
	}
	whole["root_cause"] = []any{root}
	writeJSON(w, f.Status, map[string]any{"error": whole, "status": f.Status})
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, nil
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}
