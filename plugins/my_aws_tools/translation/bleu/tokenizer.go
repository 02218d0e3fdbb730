package bleu

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/pytext"
)

// A Tokenizer says how text becomes the words that are compared. The names are those of sacreBLEU.
type Tokenizer string

const (
	// Tokenizer13a is the one of the campaigns of WMT, mteval-v13a: punctuation is split off, but not inside of numbers.
	Tokenizer13a Tokenizer = "13a"
	// TokenizerZh makes each Chinese character a word, and treats the rest as 13a does.
	TokenizerZh Tokenizer = "zh"
	// TokenizerChar makes each character a word.
	TokenizerChar Tokenizer = "char"
	// TokenizerIntl splits off all punctuation and all symbols that Unicode knows, as mteval-v14 does.
	TokenizerIntl Tokenizer = "intl"
	// TokenizerNone leaves the text as it is.
	TokenizerNone Tokenizer = "none"
)

// Tokenizers are all of them, the default first.
func Tokenizers() []Tokenizer {
	return []Tokenizer{Tokenizer13a, TokenizerZh, TokenizerChar, TokenizerIntl, TokenizerNone}
}

// Words are the words of a text.
func (t Tokenizer) Words(text string) []string {
	text = pytext.TrimRight(text)
	switch t {
	case TokenizerZh:
		return pytext.Fields(splitWestern(splitChinese(pytext.Trim(text))))
	case TokenizerChar:
		return characters(text)
	case TokenizerIntl:
		return pytext.Fields(splitInternational(text))
	case TokenizerNone:
		return pytext.Fields(text)
	default:
		return pytext.Fields(splitWestern(" " + withoutMarkup(text) + " "))
	}
}

// withoutMarkup joins lines and undoes what SGML, in which the texts of WMT came, does to text.
func withoutMarkup(text string) string {
	text = strings.ReplaceAll(text, "<skipped>", "")
	text = strings.ReplaceAll(text, "-\n", "")
	text = strings.ReplaceAll(text, "\n", " ")
	// One after the other: what one of these makes, the next may change again.
	for _, entity := range []struct{ code, sign string }{{"&quot;", `"`}, {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}} {
		text = strings.ReplaceAll(text, entity.code, entity.sign)
	}
	return text
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isPeriodOrComma(c byte) bool { return c == '.' || c == ',' }

// isSign reports whether 13a always splits a character of ASCII off: space and all signs, but for ' , - and the period.
func isSign(c byte) bool {
	return c >= ' ' && c <= '&' || c >= '(' && c <= '+' || c == '/' || c >= ':' && c <= '@' || c >= '[' && c <= '`' || c >= '{' && c <= '~'
}

// splitWestern puts spaces around punctuation, in the four rounds of mteval-v13a. In each, text that was looked at is not
// looked at again. All that matters is ASCII, so that bytes will do.
func splitWestern(text string) string {
	text = eachByte(text, func(to []byte, rest string) ([]byte, int) {
		if isSign(rest[0]) {
			return append(to, ' ', rest[0], ' '), 1
		}
		return append(to, rest[0]), 1
	})
	text = eachByte(text, func(to []byte, rest string) ([]byte, int) {
		if len(rest) > 1 && !isDigit(rest[0]) && isPeriodOrComma(rest[1]) {
			return append(to, rest[0], ' ', rest[1], ' '), 2
		}
		return append(to, rest[0]), 1
	})
	text = eachByte(text, func(to []byte, rest string) ([]byte, int) {
		if len(rest) > 1 && isPeriodOrComma(rest[0]) && !isDigit(rest[1]) {
			return append(to, ' ', rest[0], ' ', rest[1]), 2
		}
		return append(to, rest[0]), 1
	})
	return eachByte(text, func(to []byte, rest string) ([]byte, int) {
		if len(rest) > 1 && isDigit(rest[0]) && rest[1] == '-' {
			return append(to, rest[0], ' ', '-', ' '), 2
		}
		return append(to, rest[0]), 1
	})
}

// eachByte rewrites text from left to right: the function appends what becomes of the start of the rest, and says how
// much of it that was.
func eachByte(text string, rewrite func(to []byte, rest string) ([]byte, int)) string {
	made := make([]byte, 0, len(text)+len(text)/2)
	for text != "" {
		var used int
		made, used = rewrite(made, text)
		text = text[used:]
	}
	return string(made)
}

// isChinese reports whether sacreBLEU's tokenizer zh takes a character for a Chinese one. Two of its ranges are meant for
// characters beyond the basic plane and written in a way that makes them others; so from U+2001 to U+2A6D all counts as
// Chinese, typographic quotes and arrows included, and rare characters do not.
func isChinese(r rune) bool {
	switch {
	case r > 0x2000 && r <= 0x2a6d,
		r >= 0x2e80 && r <= 0x2fdf, r >= 0x2ff0 && r <= 0x303f, r >= 0x3100 && r <= 0x312f, r >= 0x31a0 && r <= 0x31bf,
		r >= 0x31c0 && r <= 0x31ef, r >= 0x3200 && r <= 0x4db5, r >= 0x4e00 && r <= 0x9fbb,
		r >= 0xf900 && r <= 0xfa2d, r >= 0xfa30 && r <= 0xfa6a, r >= 0xfa70 && r <= 0xfad9,
		r >= 0xfe10 && r <= 0xfe1f, r >= 0xfe30 && r <= 0xfe4f, r >= 0xff00 && r <= 0xffef:
		return true
	}
	return false
}

func splitChinese(text string) string {
	var split strings.Builder
	for _, r := range text {
		if isChinese(r) {
			split.WriteByte(' ')
			split.WriteRune(r)
			split.WriteByte(' ')
		} else {
			split.WriteRune(r)
		}
	}
	return split.String()
}

func characters(text string) []string {
	var all []string
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		if !pytext.IsSpace(r) {
			all = append(all, text[:size])
		}
		text = text[size:]
	}
	return all
}

// splitInternational puts spaces around punctuation and symbols, in the three rounds of mteval-v14.
func splitInternational(text string) string {
	text = eachRune(text, func(to *strings.Builder, here, next rune) int {
		if next >= 0 && !unicode.IsNumber(here) && unicode.IsPunct(next) {
			writeRunes(to, here, ' ', next, ' ')
			return 2
		}
		to.WriteRune(here)
		return 1
	})
	text = eachRune(text, func(to *strings.Builder, here, next rune) int {
		if next >= 0 && unicode.IsPunct(here) && !unicode.IsNumber(next) {
			writeRunes(to, ' ', here, ' ', next)
			return 2
		}
		to.WriteRune(here)
		return 1
	})
	return eachRune(text, func(to *strings.Builder, here, _ rune) int {
		if unicode.IsSymbol(here) {
			writeRunes(to, ' ', here, ' ')
		} else {
			to.WriteRune(here)
		}
		return 1
	})
}

func writeRunes(to *strings.Builder, runes ...rune) {
	for _, r := range runes {
		to.WriteRune(r)
	}
}

// eachRune is eachByte for characters. The function sees one and the next, which is -1 behind the end.
func eachRune(text string, rewrite func(to *strings.Builder, here, next rune) int) string {
	var made strings.Builder
	made.Grow(len(text) + len(text)/2)
	for text != "" {
		here, size := utf8.DecodeRuneInString(text)
		next, nextSize := rune(-1), 0
		if len(text) > size {
			next, nextSize = utf8.DecodeRuneInString(text[size:])
		}
		if rewrite(&made, here, next) == 2 {
			size += nextSize
		}
		text = text[size:]
	}
	return made.String()
}
