// Package jieba splits Chinese text into words, as jieba 0.42.1 does (https://github.com/fxsjy/jieba, its accurate mode
// with the hidden Markov model). Every token is the same.
//
// Text is cut in three steps. First into runs of Chinese characters, Latin letters, digits and a few signs on one side,
// and all else on the other, of which each character is a token. Then each run into words of a dictionary, along the
// most probable of all ways. Finally, single characters in a row, which no word of the dictionary covers, are put
// together by a hidden Markov model that knows at which places of words characters like to stand.
//
// The dictionary and the model are tables inside of the program, made from those of jieba by the program in generate;
// LICENSE is jieba's.
package jieba

import (
	"strings"
	"unicode/utf8"
)

//go:generate go run ./generate

// Cut splits text into tokens. Together they are the text again: white space is a token for each of its characters, but
// for a carriage return with a line feed, which are one. Time and memory grow with the length of the text.
func Cut(text string) []string {
	var tokens []string
	for text != "" {
		length := run(text, inBlock)
		if length > 0 {
			tokens = cutBlock(tokens, text[:length])
		} else {
			length = separatorLength(text)
			tokens = append(tokens, text[:length])
		}
		text = text[length:]
	}
	return tokens
}

// run is how many bytes of text have a property from its start on.
func run(text string, has func(rune) bool) int {
	if at := strings.IndexFunc(text, func(r rune) bool { return !has(r) }); at >= 0 {
		return at
	}
	return len(text)
}

// separatorLength is the length of the token at the start of text that is in no block.
func separatorLength(text string) int {
	if strings.HasPrefix(text, "\r\n") {
		return 2
	}
	_, size := utf8.DecodeRuneInString(text)
	return size
}

func isChinese(r rune) bool { return r >= 0x4e00 && r <= 0x9fd5 }

func isLetterOrDigit(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || isDigit(r)
}

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// inBlock reports whether the dictionary may know words with a character.
func inBlock(r rune) bool {
	return isChinese(r) || isLetterOrDigit(r) || r < utf8.RuneSelf && strings.ContainsRune("+#&._%-", r)
}

// cutBlock appends the tokens of a block.
func cutBlock(tokens []string, block string) []string {
	single := 0 // bytes of single characters before at
	at := 0
	for size := range bestWords(block) {
		if utf8.RuneCountInString(block[at:at+size]) == 1 {
			single += size
		} else {
			tokens = cutSingles(tokens, block[at-single:at])
			tokens = append(tokens, block[at:at+size])
			single = 0
		}
		at += size
	}
	return cutSingles(tokens, block[at-single:at])
}

// cutSingles appends the tokens of characters that stood alone on the best way: as they are if they are a word
// together, which is less probable than its characters, and as the model puts them together otherwise.
func cutSingles(tokens []string, text string) []string {
	switch {
	case text == "":
		return tokens
	case utf8.RuneCountInString(text) == 1:
		return append(tokens, text)
	case isWord(text):
		for _, char := range text {
			tokens = append(tokens, string(char))
		}
		return tokens
	}
	return cutUnknown(tokens, text)
}

func isWord(text string) bool {
	found := allWords()
	for _, char := range text {
		if found = found.starting(char); found.empty() {
			return false
		}
	}
	_, whole := found.weight()
	return whole
}

// bestWords yields the lengths in bytes of the words on the most probable way through a block. Of two ways with the same
// probability it takes the one with the longer word at their first difference.
func bestWords(block string) func(yield func(int) bool) {
	chars := []rune(block)
	type step struct {
		weight float64 // of the best way from here to the end
		length int32   // in characters, of its first word
	}
	best := make([]step, len(chars)+1)
	for at := len(chars) - 1; at >= 0; at-- {
		// The word of one character is there also where the dictionary has none or only longer ones.
		choice := step{length: 0}
		found := allWords()
		for end := at; end < len(chars); end++ {
			if found = found.starting(chars[end]); found.empty() {
				break
			}
			weight, whole := found.weight()
			if !whole {
				continue
			}
			if weight += best[end+1].weight; choice.length == 0 || weight >= choice.weight {
				choice = step{weight, int32(end + 1 - at)}
			}
		}
		if choice.length == 0 {
			choice = step{unknownWeight() + best[at+1].weight, 1}
		}
		best[at] = choice
	}
	return func(yield func(int) bool) {
		for at := 0; at < len(chars); {
			size := 0
			for range best[at].length {
				size += utf8.RuneLen(chars[at])
				at++
			}
			if !yield(size) {
				return
			}
		}
	}
}

// cutUnknown appends the tokens of text that is not in the dictionary: Chinese by the model, numbers and Latin words
// whole, and what is between them.
func cutUnknown(tokens []string, text string) []string {
	for text != "" {
		length := run(text, isChinese)
		if length > 0 {
			tokens = cutByModel(tokens, text[:length])
		} else {
			length = run(text, func(r rune) bool { return !isChinese(r) })
			tokens = cutLatin(tokens, text[:length])
		}
		text = text[length:]
	}
	return tokens
}

// cutLatin appends Latin words and numbers, with a decimal fraction and a percent sign behind them, and the text that
// stands between two of these.
func cutLatin(tokens []string, text string) []string {
	for text != "" {
		length := latinLength(text)
		if length == 0 {
			length = run(text, func(r rune) bool { return !isLetterOrDigit(r) })
		}
		tokens = append(tokens, text[:length])
		text = text[length:]
	}
	return tokens
}

// latinLength is the length of the word or number at the start of text.
func latinLength(text string) int {
	length := run(text, isLetterOrDigit)
	if length == 0 {
		return 0
	}
	if rest := text[length:]; strings.HasPrefix(rest, ".") {
		if digits := run(rest[1:], isDigit); digits > 0 {
			length += 1 + digits
		}
	}
	if strings.HasPrefix(text[length:], "%") {
		length++
	}
	return length
}
