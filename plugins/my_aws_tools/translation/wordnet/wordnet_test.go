package wordnet_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/wordnet"
)

func synonyms(word string) []string {
	return slices.Compact(slices.Sorted(wordnet.Synonyms(word)))
}

func TestSynonymsShareAMeaning(t *testing.T) {
	for name, c := range map[string]struct {
		word string
		want string
	}{
		"a noun":                                     {"physician", "doc doctor medico physician"},
		"all parts of speech":                        {"huge", "huge immense vast"},
		"a verb with its ending":                     {"purchases", "buy leverage purchase"},
		"a stem that is no word has none":            {"purchas", ""},
		"a noun that ends in -ies":                   {"oceans", "ocean sea"},
		"an irregular form":                          {"mice", "mouse shiner"},
		"an irregular form that is a word, too":      {"axes", "ax axe axis bloc"},
		"an adjective that is compared":              {"dizziest", "airheaded dizzy empty-headed featherbrained giddy light-headed lightheaded silly vertiginous woozy"},
		"a name is found, and the search ends there": {"adamses", ""},
		"a word that WordNet does not have":          {"qwertyish", ""},
		"Chinese":                                    {"猫", ""},
		"nothing":                                    {"", ""},
		"an expression of several words":             {"ice_cream", ""},
		"a plural of a plural is looked for, too":    {"seasss", "ocean sea"},
		"the last word in the table":                 {"zymurgy", "zymology zymurgy"},
		"the first word in the table":                {"'hood", "'hood"},
		"a word behind all":                          {"zzz", ""},
		"a word before all":                          {"!", ""},
		"rules run on where one round finds nothing": {"churchess", "church"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(strings.Fields(c.want), append([]string{}, synonyms(c.word)...)); diff != "" {
				t.Errorf("synonyms of %q: -want +got\n%s", c.word, diff)
			}
		})
	}
}

func TestLongWordsEndSoon(t *testing.T) {
	for _, ending := range []string{"s", "es", "ses", "ies", "ed", "ing", "er", "est", "men", "ves", "shes", "sses"} {
		if got := synonyms(strings.Repeat(ending, 20_000)); len(got) > 30 {
			t.Errorf("%d synonyms of many %q", len(got), ending)
		}
	}
}

func TestASearchForSynonymsCanBeLeft(t *testing.T) {
	for range wordnet.Synonyms("break") {
		return
	}
	t.Error("break has no synonyms")
}

func FuzzSynonyms(f *testing.F) {
	f.Add("houses")
	f.Add("\xff\n")
	f.Fuzz(func(t *testing.T, word string) {
		for synonym := range wordnet.Synonyms(word) {
			if synonym == "" || strings.ContainsAny(synonym, "_\n") {
				t.Errorf("%q is a synonym of %q", synonym, word)
			}
		}
	})
}

func BenchmarkSynonyms(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for range wordnet.Synonyms("houses") {
		}
	}
}
