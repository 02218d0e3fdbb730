package fetch

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// origin is scheme, host and port, in canonical form.
type origin struct {
	scheme string
	host   string
	port   uint16
}

// target is a URL with one meaning: its scheme is http or https, its host and
// port are in canonical form, and it has no user information and no fragment.
type target struct {
	*url.URL
	origin origin
}

// parseTarget reads an absolute URL. Its errors never quote the input, because
// a URL that cannot be read may hold a password anywhere.
func parseTarget(raw string) (target, error) {
	raw = strings.TrimSpace(raw)
	if err := checkBackslashes(raw); err != nil {
		return target{}, err
	}
	u, err := url.Parse(raw)
	if err != nil {
		return target{}, &Error{Kind: Invalid, Reason: "this is not a URL that can be read; write https://host/path, with special characters percent-encoded"}
	}
	return canonicalTarget(u)
}

// canonicalTarget checks u and returns it in canonical form; u is not changed.
func canonicalTarget(u *url.URL) (target, error) {
	if u.Scheme != "http" && u.Scheme != "https" {
		return target{}, &Error{Kind: Invalid, Reason: "only http and https URLs can be used; write https://host/path"}
	}
	if u.User != nil {
		return target{}, &Error{
			Kind: Refused, URL: printable(u), Host: u.Hostname(),
			Reason: "refused: the URL carries a user name or password, which is never sent; remove the part before the @",
		}
	}
	where, err := originOf(u)
	if err != nil {
		return target{}, &Error{Kind: Invalid, URL: printable(u), Reason: "this URL cannot be used: " + err.Error(), Err: err}
	}
	canonical := *u
	canonical.Fragment, canonical.RawFragment = "", ""
	canonical.RawQuery = escapeQuery(u.RawQuery)
	canonical.Host = where.host
	switch ipv6 := strings.Contains(where.host, ":"); {
	case u.Port() != "":
		canonical.Host = net.JoinHostPort(where.host, strconv.Itoa(int(where.port)))
	case ipv6:
		canonical.Host = "[" + where.host + "]"
	}
	return target{URL: &canonical, origin: where}, nil
}

// originOf returns the origin of an http or https URL.
func originOf(u *url.URL) (origin, error) {
	host, err := canonicalHost(u.Hostname())
	if err != nil {
		return origin{}, err
	}
	where := origin{scheme: u.Scheme, host: host, port: 443}
	if u.Scheme == "http" {
		where.port = 80
	}
	if typed := u.Port(); typed != "" {
		where.port, err = parsePort(typed)
	}
	return where, err
}

// checkBackslashes refuses backslashes before the query: browsers read them as
// slashes and other programs do not, so two programs would see two hosts.
func checkBackslashes(raw string) error {
	beforeQuery, _, _ := strings.Cut(raw, "?")
	if strings.Contains(beforeQuery, `\`) {
		return &Error{Kind: Invalid, Reason: `the URL has a backslash; write / instead, or %5C if the path really contains one`}
	}
	return nil
}

// escapeQuery percent-encodes the bytes of a query that a request line cannot
// carry, as browsers do: a blank would end the address there. All other bytes
// stay, because the query may be signed.
func escapeQuery(query string) string {
	var escaped strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&escaped, "%%%02X", c)
		} else {
			escaped.WriteByte(c)
		}
	}
	return escaped.String()
}
