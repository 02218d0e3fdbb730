package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
)

// defaultRecordLimit is how many requests, and how many refusals, a sandbox
// remembers unless [RecordLimit] says otherwise.
const defaultRecordLimit = 4096

// Request is what the sandbox remembers of a request that reached a handler.
// Bodies are not kept.
type Request struct {
	// Sequence numbers the requests of one sandbox from 1, in the order in
	// which their headers were read.
	Sequence int
	// Host is the host that the tunnel was opened to, in lower case and
	// without a port.
	Host   string
	Method string
	// Path is the path as it was sent, percent-encoding included; RawQuery is
	// the query as it was sent, without the question mark.
	Path     string
	RawQuery string
	// HeaderNames are the canonical names of the request's headers, sorted.
	// Host is among them, as every HTTP/1.1 request has it.
	HeaderNames []string
	// Authorization is the header of that name, which tests of signatures
	// look into. It is the only header value that is kept.
	Authorization string
}

// recorder remembers the latest requests and refusals, up to a limit of each.
type recorder struct {
	limit int

	mu       sync.Mutex
	sequence int
	requests []Request
	refused  []string
}

func (rec *recorder) request(host string, r *http.Request) {
	names := []string{"Host"}
	for name := range r.Header {
		names = append(names, name)
	}
	slices.Sort(names)

	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.sequence++
	rec.requests = appendBounded(rec.requests, rec.limit, Request{
		Sequence:      rec.sequence,
		Host:          host,
		Method:        r.Method,
		Path:          r.URL.EscapedPath(),
		RawQuery:      r.URL.RawQuery,
		HeaderNames:   names,
		Authorization: r.Header.Get("Authorization"),
	})
}

func (rec *recorder) refuse(method, target, reason string) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.refused = appendBounded(rec.refused, rec.limit, fmt.Sprintf("%s %s: %s", method, target, reason))
}

func (rec *recorder) seen() []Request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.requests)
}

func (rec *recorder) refusals() []string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return slices.Clone(rec.refused)
}

// appendBounded appends an entry and forgets the oldest one beyond the limit.
func appendBounded[T any](entries []T, limit int, entry T) []T {
	entries = append(entries, entry)
	if extra := len(entries) - limit; extra > 0 {
		entries = slices.Delete(entries, 0, extra)
	}
	return entries
}
