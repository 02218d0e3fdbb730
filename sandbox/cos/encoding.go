package cos

import (
	"fmt"
	"net/url"
	"strings"
)

// percentEncode escapes every byte of s but letters, digits and "-_.~" (the
// unreserved characters of RFC 3986) and those in keep.
func percentEncode(s, keep string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if unreserved(c) || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&0xf])
	}
	return b.String()
}

func unreserved(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	}
	return strings.IndexByte("-_.~", c) >= 0
}

// parameter is one key=value of a query string, decoded.
type parameter struct{ name, value string }

// parameters is a query string in the order in which it was sent.
type parameters []parameter

// parseParameters decodes a query string. It differs from [url.ParseQuery] in
// that a semicolon is an ordinary character, as presigned URLs may hold one.
func parseParameters(query string) (parameters, error) {
	var params parameters
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil {
			return nil, fmt.Errorf("query parameter %q: %w", rawName, err)
		}
		value, err := url.QueryUnescape(rawValue)
		if err != nil {
			return nil, fmt.Errorf("value of query parameter %q: %w", name, err)
		}
		params = append(params, parameter{name, value})
	}
	return params, nil
}

// get returns the first value of a parameter and whether it is there.
func (params parameters) get(name string) (string, bool) {
	for _, p := range params {
		if p.name == name {
			return p.value, true
		}
	}
	return "", false
}

func (params parameters) has(name string) bool {
	_, ok := params.get(name)
	return ok
}
