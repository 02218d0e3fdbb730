// Package pytext reads text as Python does, where Go does it otherwise: what white space is, and how letters become
// lower case. The definitions of the metrics are programs in Python, so that their scores depend on it.
//
// Text is UTF-8 and every index counts bytes. Both languages know the letters of Unicode 15.
package pytext

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// IsSpace reports whether Python's str.isspace holds for a character: white space of Unicode, and the four separators
// of ASCII, which Go does not count among it.
func IsSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// Fields splits text around white space, as str.split without arguments.
func Fields(text string) []string { return strings.FieldsFunc(text, IsSpace) }

// TrimRight removes white space at the end, as str.rstrip.
func TrimRight(text string) string { return strings.TrimRightFunc(text, IsSpace) }

// Trim removes white space at both ends, as str.strip.
func Trim(text string) string { return strings.TrimFunc(text, IsSpace) }

// Lower is text in lower case, as str.lower: letter by letter, but for the Greek sigma, which has another form at the
// end of a word, and the Turkish dotted I, which becomes two characters.
func Lower(text string) string {
	if isLowerASCII(text) {
		return text
	}
	var lower strings.Builder
	lower.Grow(len(text))
	for at, r := range text {
		switch {
		case r == 'Σ' && endsWord(text, at):
			lower.WriteRune('ς')
		case r == 'İ':
			lower.WriteString("i\u0307")
		default:
			lower.WriteRune(unicode.ToLower(r))
		}
	}
	return lower.String()
}

func isLowerASCII(text string) bool {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf || 'A' <= c && c <= 'Z' {
			return false
		}
	}
	return true
}

// endsWord reports whether the sigma at an index is the last letter of a word of more than one letter. What has no case
// and stands inside of words, such as accents and apostrophes, is looked past.
func endsWord(text string, at int) bool {
	before, after := text[:at], text[at+len("Σ"):]
	before = strings.TrimRightFunc(before, ignoresCase)
	after = strings.TrimLeftFunc(after, ignoresCase)
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	return before != "" && hasCase(last) && (after == "" || !hasCase(next))
}

// hasCase is the property Cased of Unicode.
func hasCase(r rune) bool {
	return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt, unicode.Other_Lowercase, unicode.Other_Uppercase)
}

// insideWords are the characters that Unicode lets stand in the middle of a word, beside those of whole categories.
const insideWords = "'.:·\u0387\u055f\u05f4‘’․‧︓﹒﹕＇．："

// ignoresCase is the property Case_Ignorable of Unicode.
func ignoresCase(r rune) bool {
	return unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) || strings.ContainsRune(insideWords, r)
}
