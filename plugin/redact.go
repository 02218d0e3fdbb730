package plugin

import (
	"regexp"
	"slices"
	"strings"
)

// minSecret is the shortest value in bytes that is looked for: shorter ones stand in any text by chance.
const minSecret = 6

// redactor removes secrets from what leaves the process as a log line or an error.
type redactor struct {
	secrets []string // longest first, so that a secret that contains another goes whole
}

func newRedactor(secrets []string) *redactor {
	r := &redactor{}
	r.add(secrets...)
	return r
}

// add takes more secrets. It must not be called while clean may run.
func (r *redactor) add(secrets ...string) {
	for _, s := range secrets {
		if s = strings.TrimSpace(s); len(s) >= minSecret {
			r.secrets = append(r.secrets, s)
		}
	}
	slices.SortFunc(r.secrets, func(a, b string) int { return len(b) - len(a) })
}

// urlQuery finds the query of a URL, where signatures stand, and what stands before an @ in its host.
var urlQuery = regexp.MustCompile(`(https?://)(?:[^\s/"'@]*@)?([^\s"'?#]*)\?[^\s"']*`)

// clean replaces secrets by [redacted] and cuts the queries off URLs.
func (r *redactor) clean(text string) string {
	for _, secret := range r.secrets {
		text = strings.ReplaceAll(text, secret, "[redacted]")
	}
	return urlQuery.ReplaceAllString(text, "$1$2?[redacted]")
}

// secretValues are the values of the credentials that the declarations call secret, or of all where the
// declarations cannot be read.
func (p *Plugin) secretValues(credentials map[string]any) []string {
	if len(credentials) == 0 {
		return nil
	}
	p.secretsOnce.Do(func() { p.secrets = secretFields(p.declarations) })
	var values []string
	for name, value := range credentials {
		if text, ok := value.(string); ok && (p.secrets == nil || p.secrets[name]) {
			values = append(values, text)
		}
	}
	return values
}
