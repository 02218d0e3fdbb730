package fetch

import (
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNameBytes is what common file systems take.
const maxNameBytes = 255

// fileName returns the name that a Content-Disposition header proposes
// (RFC 6266: filename* before filename), else the last part of a URL's path.
func fileName(disposition, urlPath string) string {
	if name := baseName(dispositionName(disposition)); name != "" {
		return name
	}
	if strings.HasSuffix(urlPath, "/") {
		return ""
	}
	return baseName(urlPath)
}

// dispositionName reads the header strictly, and where that fails takes the
// plain filename parameter as it stands: many servers forget the quotes around
// spaces and non-ASCII letters.
func dispositionName(header string) string {
	_, params, err := mime.ParseMediaType(header)
	if err == nil {
		return params["filename"]
	}
	for part := range strings.SplitSeq(header, ";") {
		key, value, found := strings.Cut(part, "=")
		if found && strings.EqualFold(strings.TrimSpace(key), "filename") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}

// baseName removes from a proposed name all that a file name must not have:
// directories of either slash, control characters, and the invisible
// characters that make evil.exe look like a picture.
func baseName(proposed string) string {
	name := path.Base(strings.ReplaceAll(strings.ToValidUTF8(proposed, "_"), `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return -1
		}
		return r
	}, name))
	switch name {
	case ".", "..", "/", "":
		return ""
	}
	return shorten(name)
}

// shorten cuts a long name before its extension, between characters.
func shorten(name string) string {
	if len(name) <= maxNameBytes {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 32 {
		ext = "" // not an extension, just a dot in a long name
	}
	cut := maxNameBytes - len(ext)
	for !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + ext
}
