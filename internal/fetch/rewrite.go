package fetch

import (
	"net/url"
	"strings"
)

// difyOrigins are the addresses of Dify itself, as the operator wrote them
// into the environment.
type difyOrigins struct {
	files    base
	internal base
	inner    base
}

// base is a URL to which a path is appended.
type base struct {
	setting string // the environment variable that holds it
	set     bool
	target  target
	err     error // why a set value cannot be used
}

func newDifyOrigins(cfg Config) difyOrigins {
	return difyOrigins{
		files:    parseBase("FILES_URL", cfg.FilesURL),
		internal: parseBase("INTERNAL_FILES_URL", cfg.InternalFilesURL),
		inner:    parseBase("DIFY_INNER_API_URL", cfg.InnerAPIURL),
	}
}

// parseBase keeps the error of a value that cannot be used until somebody
// needs it: most plugins never do, and they should start.
func parseBase(setting, raw string) base {
	b := base{setting: setting, set: strings.TrimSpace(raw) != ""}
	if b.set {
		b.target, b.err = parseTarget(raw)
	}
	return b
}

func (b base) usable() bool { return b.set && b.err == nil }

// path returns the path of the base without its trailing slash.
func (b base) path() string { return strings.TrimSuffix(b.target.EscapedPath(), "/") }

// include reports whether where is one of Dify's origins: same scheme, same
// host, same port.
func (d difyOrigins) include(where origin) bool {
	for _, b := range []base{d.files, d.internal, d.inner} {
		if b.usable() && b.target.origin == where {
			return true
		}
	}
	return false
}

// filesPath is where Dify serves files, below FILES_URL.
const filesPath = "/files/"

// Rewrite returns the URL under which the plugin reaches a file of Dify. A
// relative "/files/..." URL, which Dify hands out when it does not know its own
// address, and a "/files/..." URL on FILES_URL go to INTERNAL_FILES_URL when
// that is set, because the public address often does not lead back from inside
// the operator's network. A relative URL goes to FILES_URL otherwise. Path and
// query stay byte for byte, because the query signs them. All other URLs are
// returned unchanged; they are checked when they are used.
//
// The error of a relative URL with neither setting names both settings.
func (c *Client) Rewrite(rawURL string) (string, error) {
	raw := strings.TrimSpace(rawURL)
	if strings.HasPrefix(raw, filesPath) {
		return c.origins.absolute(raw)
	}
	if !c.origins.internal.set || !c.origins.files.usable() {
		return raw, nil
	}
	u, err := parseTarget(raw)
	if err != nil || u.origin != c.origins.files.target.origin {
		return raw, nil // not on FILES_URL, or not readable: whoever uses it says so
	}
	path, below := strings.CutPrefix(u.EscapedPath(), c.origins.files.path())
	if !below || !strings.HasPrefix(path, filesPath) {
		return raw, nil
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return c.origins.absolute(path)
}

// absolute puts the internal address of Dify, or else the public one, in front
// of a path with its query.
func (d difyOrigins) absolute(path string) (string, error) {
	b := d.internal
	if !b.set {
		b = d.files
	}
	if !b.set {
		return "", &Error{Kind: Invalid, Reason: "the file has a relative URL, because Dify does not know its own address; " +
			"the operator sets FILES_URL, or INTERNAL_FILES_URL, to the address of Dify's API for Dify and for the plugin daemon"}
	}
	if b.err != nil {
		return "", &Error{Kind: Invalid, Reason: "the setting " + b.setting + " is not an http or https URL; the operator corrects it", Err: b.err}
	}
	where := url.URL{Scheme: b.target.Scheme, Host: b.target.Host}
	return where.String() + b.path() + path, nil
}
