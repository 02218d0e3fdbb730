package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// routes maps host patterns to handlers. An exact host wins over a wildcard, a
// longer wildcard over a shorter one.
type routes struct {
	mu       sync.RWMutex
	exact    map[string]http.Handler
	suffixes map[string]http.Handler // "*.example.com" is kept as ".example.com"
}

func newRoutes() *routes {
	return &routes{
		exact:    make(map[string]http.Handler),
		suffixes: make(map[string]http.Handler),
	}
}

func (rt *routes) add(pattern string, h http.Handler) error {
	if h == nil {
		return fmt.Errorf("sandbox: no handler given for host pattern %q", pattern)
	}
	host := normalHost(pattern)
	suffix, wildcard := strings.CutPrefix(host, "*")
	if err := checkPattern(suffix, wildcard); err != nil {
		return fmt.Errorf("sandbox: host pattern %q: %w", pattern, err)
	}

	rt.mu.Lock()
	defer rt.mu.Unlock()
	if wildcard {
		rt.suffixes[suffix] = h
		return nil
	}
	rt.exact[host] = h
	return nil
}

func checkPattern(rest string, wildcard bool) error {
	switch {
	case strings.Contains(rest, "*"):
		return errors.New("a star is only allowed as the first label, as in *.example.com")
	case wildcard && (len(rest) < 2 || rest[0] != '.'):
		return errors.New("a wildcard is written *.example.com")
	case rest == "":
		return errors.New("the host is empty")
	case strings.ContainsAny(rest, "/:@ "):
		return errors.New("write a bare host name without scheme, port or path")
	}
	return nil
}

// find returns the handler for a host, or nil.
func (rt *routes) find(host string) http.Handler {
	rt.mu.RLock()
	defer rt.mu.RUnlock()
	if h, ok := rt.exact[host]; ok {
		return h
	}
	for i := range host {
		if i == 0 || host[i] != '.' {
			continue
		}
		if h, ok := rt.suffixes[host[i:]]; ok {
			return h
		}
	}
	return nil
}

// normalHost brings a host name to the form in which hosts are compared.
func normalHost(host string) string {
	return strings.TrimSuffix(strings.ToLower(host), ".")
}
