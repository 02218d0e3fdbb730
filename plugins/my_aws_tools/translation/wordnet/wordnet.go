// Package wordnet knows the synonyms of English words, from WordNet 3.0 of Princeton University, as the reader in NLTK
// 3.8 finds them (https://wordnet.princeton.edu, https://www.nltk.org).
//
// WordNet groups words of the same meaning into synsets. It holds base forms only, so that a word is looked up as it is
// and with its endings taken off, by the rules of WordNet's own program, morphy. What the words of all of these synsets
// are is worked out beforehand, by the program in generate: the tables list for each word the words that share a
// meaning with it. Expressions of several words, which WordNet joins by underscores, and names, which begin with a
// capital letter, are left out on both sides, since METEOR compares single words in lower case. LICENSE is WordNet's.
package wordnet

import (
	_ "embed" // for the tables
	"iter"
	"strings"
)

//go:generate go run ./generate

// The tables are parts of the program's file: nothing is read before it is looked at.
var (
	// lemmas are base forms, one a line, in order.
	//
	//go:embed lemmas.txt
	lemmaNames string
	//go:embed lemmas.index.bin
	lemmaIndex string
	//go:embed lemmas.bin
	lemmaRecords string

	// exceptions are irregular forms.
	//
	//go:embed exceptions.txt
	exceptionNames string
	//go:embed exceptions.index.bin
	exceptionIndex string
	//go:embed exceptions.bin
	exceptionRecords string
)

func lemmas() table     { return table{lemmaNames, lemmaIndex, lemmaRecords} }
func exceptions() table { return table{exceptionNames, exceptionIndex, exceptionRecords} }

// longest is more than the length of any word of WordNet, in bytes.
const longest = 80

// A rule of morphy replaces an ending.
type rule struct{ old, new string }

// rules are morphy's by part of speech. Adverbs have none.
var rules = [parts][]rule{
	noun:      {{"s", ""}, {"ses", "s"}, {"ves", "f"}, {"xes", "x"}, {"zes", "z"}, {"ches", "ch"}, {"shes", "sh"}, {"men", "man"}, {"ies", "y"}},
	verb:      {{"s", ""}, {"ies", "y"}, {"es", "e"}, {"es", ""}, {"ed", "e"}, {"ed", ""}, {"ing", "e"}, {"ing", ""}},
	adjective: {{"er", ""}, {"est", ""}, {"er", "e"}, {"est", "e"}},
}

// Synonyms yields the words that share a meaning with a word in lower case, as any part of speech. A word that WordNet
// has is mostly among its own synonyms, and some come several times.
func Synonyms(word string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for part := range parts {
			for _, list := range synonymsAs(word, part) {
				for id := range list.ids() {
					if !yield(lemmas().name(id)) {
						return
					}
				}
			}
		}
	}
}

// synonymsAs are the synonyms of a word as one part of speech: those of an exception alone where it is one, else of all
// base forms that one round of rules finds, else of those of the next round, and so on.
func synonymsAs(word string, part int) []list {
	if len(word) < longest {
		if record, id, ok := exceptions().find(word); ok {
			if found, ok := record.list(part, id); ok {
				return []list{found}
			}
		}
	}
	forms := apply(rules[part], []string{word})
	found := known(append([]string{word}, forms...), part)
	for len(found) == 0 && len(forms) > 0 {
		forms = apply(rules[part], forms)
		found = known(forms, part)
	}
	return found
}

// known are the synonyms of those forms that WordNet has as a part of speech.
func known(forms []string, part int) []list {
	var found []list
	for _, form := range forms {
		if len(form) >= longest {
			continue
		}
		if record, id, ok := lemmas().find(form); ok {
			if synonyms, ok := record.list(part, id); ok {
				found = append(found, synonyms)
			}
		}
	}
	return found
}

// apply replaces the endings of forms, by each rule that fits. A form that is too long for WordNet and that no rule
// fits any more is left out.
func apply(rules []rule, forms []string) []string {
	var changed []string
	for _, form := range forms {
		for _, r := range rules {
			if !strings.HasSuffix(form, r.old) {
				continue
			}
			stem := form[:len(form)-len(r.old)]
			switch {
			case strings.HasPrefix(r.old, r.new):
				changed = append(changed, form[:len(stem)+len(r.new)])
			case len(stem) < longest: // no rule takes off what these put on
				changed = append(changed, stem+r.new)
			}
		}
	}
	return changed
}
