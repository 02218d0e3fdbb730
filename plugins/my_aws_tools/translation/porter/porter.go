// Package porter takes the endings off English words: the algorithm of M. F. Porter (An algorithm for suffix stripping,
// Program 14, 1980) with the changes of NLTK 3.8, whose stems METEOR compares.
//
// Any text is a word: what is no vowel of English counts as a consonant.
package porter

import (
	"slices"
	"strings"
)

// Stem is the stem of a word in lower case. It need not be a word itself. Time grows with the length of the word.
func Stem(word string) string {
	if stem, ok := irregular(word); ok {
		return stem
	}
	if len([]rune(word)) <= 2 {
		return word
	}
	stem := plural(letters(word))
	stem = past(stem)
	stem = finalY(stem)
	stem = doubleSuffix(stem)
	stem = rewrite(stem, suffixes)
	stem = rewrite(stem, lastSuffixes)
	stem = finalE(stem)
	return string(finalL(stem))
}

// irregular are the words that the rules would spoil.
func irregular(word string) (string, bool) {
	switch word {
	case "sky", "skies":
		return "sky", true
	case "dying":
		return "die", true
	case "lying":
		return "lie", true
	case "tying":
		return "tie", true
	case "innings", "inning":
		return "inning", true
	case "outings", "outing":
		return "outing", true
	case "cannings", "canning":
		return "canning", true
	case "news", "howe", "proceed", "exceed", "succeed":
		return word, true
	}
	return "", false
}

// letters are a word whose ends change.
type letters []rune

func (w letters) endsWith(suffix string) bool {
	if len(w) < len(suffix) {
		return false
	}
	for i := range len(suffix) { // suffixes are ASCII
		if w[len(w)-len(suffix)+i] != rune(suffix[i]) {
			return false
		}
	}
	return true
}

// swap replaces the last letters.
func (w letters) swap(count int, suffix string) letters {
	return append(slices.Clip(w[:len(w)-count]), []rune(suffix)...)
}

// consonant reports whether a letter is a consonant: all are but a, e, i, o and u, and y behind a consonant.
func (w letters) consonant(at int) bool {
	if w[at] != 'y' {
		return !strings.ContainsRune("aeiou", w[at])
	}
	// Several y in a row take turns, beginning with what stands before them.
	first := at
	for first > 0 && w[first-1] == 'y' {
		first--
	}
	firstIsConsonant := first == 0 || !w.consonant(first-1)
	return firstIsConsonant == ((at-first)%2 == 0)
}

// measure is how often vowels are followed by consonants: the m in [C](VC)^m[V].
func (w letters) measure() int {
	count, afterVowel, consonant := 0, false, false
	for i, letter := range w {
		if letter == 'y' { // as in consonant, without looking back
			consonant = i == 0 || !consonant
		} else {
			consonant = !strings.ContainsRune("aeiou", letter)
		}
		if consonant && afterVowel {
			count++
		}
		afterVowel = !consonant
	}
	return count
}

func (w letters) hasVowel() bool {
	for i := range w {
		if !w.consonant(i) {
			return true
		}
	}
	return false
}

func (w letters) endsInDoubleConsonant() bool {
	last := len(w) - 1
	return last >= 1 && w[last] == w[last-1] && w.consonant(last)
}

// endsShort reports whether a word ends in consonant, vowel and consonant, such as -hop, where the last is none of w, x
// and y; or is no more than a vowel and a consonant, which NLTK adds.
func (w letters) endsShort() bool {
	last := len(w) - 1
	if last == 1 && !w.consonant(0) && w.consonant(1) {
		return true
	}
	return last >= 2 && w.consonant(last-2) && !w.consonant(last-1) && w.consonant(last) && !strings.ContainsRune("wxy", w[last])
}

// plural is step 1a.
func plural(w letters) letters {
	switch {
	case w.endsWith("ies") && len(w) == 4: // dies becomes die; NLTK adds this
		return w.swap(3, "ie")
	case w.endsWith("sses"), w.endsWith("ies"):
		return w.swap(2, "")
	case w.endsWith("ss"):
		return w
	case w.endsWith("s"):
		return w.swap(1, "")
	}
	return w
}

// past is step 1b: -eed, -ed and -ing.
func past(w letters) letters {
	switch {
	case w.endsWith("ied") && len(w) == 4: // NLTK adds this and the next
		return w.swap(3, "ie")
	case w.endsWith("ied"):
		return w.swap(3, "i")
	case w.endsWith("eed"):
		if w[:len(w)-3].measure() > 0 {
			return w.swap(1, "")
		}
		return w
	case w.endsWith("ed") && w[:len(w)-2].hasVowel():
		return mend(w[:len(w)-2])
	case w.endsWith("ing") && w[:len(w)-3].hasVowel():
		return mend(w[:len(w)-3])
	}
	return w
}

// mend gives back what -ed and -ing have changed in front of them.
func mend(w letters) letters {
	last := w[len(w)-1]
	doubled := !strings.ContainsRune("lsz", last)
	switch {
	case w.endsWith("at"), w.endsWith("bl"), w.endsWith("iz"):
		return w.swap(0, "e")
	case w.endsInDoubleConsonant():
		if doubled {
			return w.swap(1, "")
		}
		return w
	case w.endsWith("*d"):
		// NLTK marks the rule about double consonants by "*d", and takes it for an ending, too.
		return w.swap(2, "d")
	case w.measure() == 1 && w.endsShort():
		return w.swap(0, "e")
	}
	return w
}

// finalY is step 1c, in NLTK's form: y becomes i behind a consonant that is not the first letter.
func finalY(w letters) letters {
	if stem := len(w) - 1; w.endsWith("y") && stem > 1 && w.consonant(stem-1) {
		return w.swap(1, "i")
	}
	return w
}

// A suffix is taken off and replaced, where the word in front of it has a measure above least. measured is how many
// letters of the suffix count to that word.
type suffix struct {
	old, new        string
	least, measured int
}

// doubleSuffixes are those of step 2.
var doubleSuffixes = []suffix{
	{old: "ational", new: "ate"},
	{old: "tional", new: "tion"},
	{old: "enci", new: "ence"},
	{old: "anci", new: "ance"},
	{old: "izer", new: "ize"},
	{old: "bli", new: "ble"},
	{old: "alli", new: "al"},
	{old: "entli", new: "ent"},
	{old: "eli", new: "e"},
	{old: "ousli", new: "ous"},
	{old: "ization", new: "ize"},
	{old: "ation", new: "ate"},
	{old: "ator", new: "ate"},
	{old: "alism", new: "al"},
	{old: "iveness", new: "ive"},
	{old: "fulness", new: "ful"},
	{old: "ousness", new: "ous"},
	{old: "aliti", new: "al"},
	{old: "iviti", new: "ive"},
	{old: "biliti", new: "ble"},
	{old: "fulli", new: "ful"},
	{old: "logi", new: "log", measured: 1},
}

// suffixes are those of step 3.
var suffixes = []suffix{
	{old: "icate", new: "ic"},
	{old: "ative"},
	{old: "alize", new: "al"},
	{old: "iciti", new: "ic"},
	{old: "ical", new: "ic"},
	{old: "ful"},
	{old: "ness"},
}

// lastSuffixes are those of step 4. -ion is taken off behind s and t only, which stay.
var lastSuffixes = []suffix{
	{old: "al", least: 1},
	{old: "ance", least: 1},
	{old: "ence", least: 1},
	{old: "er", least: 1},
	{old: "ic", least: 1},
	{old: "able", least: 1},
	{old: "ible", least: 1},
	{old: "ant", least: 1},
	{old: "ement", least: 1},
	{old: "ment", least: 1},
	{old: "ent", least: 1},
	{old: "sion", new: "s", least: 1, measured: 1},
	{old: "tion", new: "t", least: 1, measured: 1},
	{old: "ou", least: 1},
	{old: "ism", least: 1},
	{old: "ate", least: 1},
	{old: "iti", least: 1},
	{old: "ous", least: 1},
	{old: "ive", least: 1},
	{old: "ize", least: 1},
}

// rewrite applies the first rule whose suffix a word ends in, or none if its condition does not hold.
func rewrite(w letters, rules []suffix) letters {
	for _, rule := range rules {
		if w.endsWith(rule.old) {
			if w[:len(w)-len(rule.old)+rule.measured].measure() > rule.least {
				return w.swap(len(rule.old), rule.new)
			}
			return w
		}
	}
	return w
}

// doubleSuffix is step 2. -alli is shortened first, and what is left may have another suffix, which NLTK adds.
func doubleSuffix(w letters) letters {
	for w.endsWith("alli") && w[:len(w)-4].measure() > 0 {
		w = w.swap(2, "")
	}
	return rewrite(w, doubleSuffixes)
}

// finalE is step 5a.
func finalE(w letters) letters {
	if !w.endsWith("e") {
		return w
	}
	stem := w[:len(w)-1]
	if m := stem.measure(); m > 1 || m == 1 && !stem.endsShort() {
		return stem
	}
	return w
}

// finalL is step 5b.
func finalL(w letters) letters {
	if w.endsWith("ll") && w[:len(w)-1].measure() > 1 {
		return w.swap(1, "")
	}
	return w
}
