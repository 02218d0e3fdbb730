package plugin

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// minSecret is the shortest value in bytes that is looked for: shorter ones stand in any text by chance.
const minSecret = 6

// redactor removes secrets from what leaves the process as a log line or an error.
type redactor struct {
	mu      sync.Mutex // a call that hangs may be answered for before its parameters are read
	secrets []string
}

func newRedactor(secrets []string) *redactor {
	r := &redactor{}
	r.add(secrets...)
	return r
}

// add takes more secrets.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		if s = strings.TrimSpace(s); len(s) >= minSecret {
			r.secrets = append(r.secrets, s)
		}
	}
}

// Parts of URLs of any scheme that may be secret: what stands before an @ in the host, and the query, where signatures
// stand.
var (
	urlUser  = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^\s/"'?#]*@`)
	urlQuery = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://[^\s"'?#]*\?)[^\s"']*`)
)

// clean replaces secrets by [redacted] and takes users and queries out of URLs.
func (r *redactor) clean(text string) string {
	text = r.cutSecrets(text)
	text = urlUser.ReplaceAllString(text, "$1")
	return urlQuery.ReplaceAllString(text, "$1[redacted]")
}

// cutSecrets replaces each stretch of text that secrets cover. They may overlap: to replace one after the other would
// leave the end of the second.
func (r *redactor) cutSecrets(text string) string {
	r.mu.Lock()
	secrets := r.secrets // only ever appended to
	r.mu.Unlock()
	var found [][2]int
	for _, secret := range secrets {
		for at, next := 0, 0; next >= 0; at += next + 1 {
			if next = strings.Index(text[at:], secret); next >= 0 {
				found = append(found, [2]int{at + next, at + next + len(secret)})
			}
		}
	}
	slices.SortFunc(found, func(a, b [2]int) int { return a[0] - b[0] })
	var out strings.Builder
	end := 0
	for i, f := range found {
		if i == 0 || f[0] > end {
			out.WriteString(text[end:f[0]])
			out.WriteString("[redacted]")
		}
		end = max(end, f[1])
	}
	out.WriteString(text[end:])
	return out.String()
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
