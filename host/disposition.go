package host

import (
	"net/url"
	"strings"
)

// parseHeaderOptions splits a header such as form-data; name="file"; filename="a.txt" the way Werkzeug does, which
// reads the forms that Dify receives. In a quoted text, backslashes escape quotes and themselves, and %22 is a quote. A
// name that ends in an asterisk has a value with a charset, percent-encoded. The last of several values wins. Go's own
// parser reads some file names differently, and the file name is part of the signature.
func parseHeaderOptions(header string) (value string, options map[string]string) {
	value, rest, _ := strings.Cut(header, ";")
	options = map[string]string{}
	for rest != "" {
		rest = strings.TrimLeft(rest, " \t")
		name, raw, after := nextOption(rest)
		rest = after
		if name == "" {
			continue
		}
		if plain, extended := strings.CutSuffix(name, "*"); extended {
			name, raw = plain, decodeExtended(raw)
		}
		options[name] = unquote(raw)
	}
	return strings.TrimSpace(value), options
}

// nextOption takes one name=value off s and returns what stands after the next semicolon. The name is "" where there
// is no option.
func nextOption(s string) (name, raw, rest string) {
	n := tokenLength(s)
	if n == 0 || n == len(s) || s[n] != '=' {
		return "", "", afterSemicolon(s)
	}
	name, s = strings.ToLower(s[:n]), s[n+1:]
	size := tokenLength(s)
	if size == 0 {
		size = quotedLength(s)
	}
	if size == 0 {
		return "", "", afterSemicolon(s)
	}
	return name, s[:size], afterSemicolon(s[size:])
}

func afterSemicolon(s string) string {
	_, rest, _ := strings.Cut(s, ";")
	return rest
}

// tokenLength is the length of the token at the start of s.
func tokenLength(s string) int {
	for i := range len(s) {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_'
		if !letter && strings.IndexByte("!#$%&'*+-.^`|~", c) < 0 {
			return i
		}
	}
	return len(s)
}

// quotedLength is the length of the quoted text at the start of s with its quotes, or 0.
func quotedLength(s string) int {
	if s == "" || s[0] != '"' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '"'):
			i++
		case s[i] == '"':
			return i + 1
		}
	}
	return 0
}

func unquote(raw string) string {
	if len(raw) < 2 || raw[0] != '"' || raw[len(raw)-1] != '"' {
		return raw
	}
	raw = raw[1 : len(raw)-1]
	raw = strings.ReplaceAll(raw, `\\`, `\`)
	raw = strings.ReplaceAll(raw, `\"`, `"`)
	return strings.ReplaceAll(raw, "%22", `"`)
}

// decodeExtended decodes charset'language'percent-encoded text in ASCII or UTF-8. Other charsets stay as they are.
func decodeExtended(raw string) string {
	parts := strings.SplitN(raw, "'", 3)
	if len(parts) != 3 {
		return raw
	}
	switch strings.ToLower(parts[0]) {
	case "utf-8", "ascii", "us-ascii":
	default:
		return parts[2]
	}
	if decoded, err := url.PathUnescape(parts[2]); err == nil {
		return strings.ToValidUTF8(decoded, "�")
	}
	return parts[2]
}
