package ter_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/ter"
)

func score(t testing.TB, translation string, references ...string) float64 {
	t.Helper()
	var corpus ter.Corpus
	add(t, &corpus, translation, references...)
	return corpus.Score()
}

func add(t testing.TB, corpus *ter.Corpus, translation string, references ...string) {
	t.Helper()
	var words [][]string
	for _, reference := range references {
		words = append(words, ter.Words(reference))
	}
	if err := corpus.Add(t.Context(), ter.Words(translation), words); err != nil {
		t.Fatal(err)
	}
}

func TestScores(t *testing.T) {
	for name, c := range map[string]struct{ got, want float64 }{
		"the same":                         {score(t, "a b c d", "a b c d"), 0},
		"case does not count":              {score(t, "A b", "a B"), 0},
		"a word replaced":                  {score(t, "a b x d", "a b c d"), 25},
		"a word left out":                  {score(t, "a b d", "a b c d"), 25},
		"a word added":                     {score(t, "a b c x d", "a b c d"), 25},
		"a phrase moved is one change":     {score(t, "d e f a b c", "a b c d e f"), 100.0 / 6},
		"two phrases moved":                {score(t, "c d a b x g h e f", "a b c d x e f g h"), 200.0 / 9},
		"nothing in common":                {score(t, "x y", "a b c d"), 100},
		"longer than the reference":        {score(t, "x y z", "a"), 300},
		"nothing against something":        {score(t, "", "a b"), 100},
		"something against nothing":        {score(t, "a b", ""), 100},
		"nothing against nothing":          {score(t, "", ""), 0},
		"the best reference, mean length":  {score(t, "a b", "x y z w", "a c"), 100.0 / 3},
		"one with words and one without":   {score(t, "a", "", "a b"), 100},
		"a phrase moved into itself":       {score(t, "a a b a", "b a a a"), 25},
		"an example with a shift and more": {score(t, "this week the saudis denied information published in the new york times", "saudi arabia denied this week information published in the american new york times"), 400.0 / 13},
	} {
		if math.Abs(c.got-c.want) > 1e-12*c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestSegmentsOfACorpusAreAddedUp(t *testing.T) {
	var corpus ter.Corpus
	add(t, &corpus, "a b c", "a b c")
	add(t, &corpus, "x", "y")
	if got := corpus.Score(); got != 25 {
		t.Errorf("got %v", got)
	}
}

// The distance near the diagonal is the whole distance where texts are short.
func TestWithoutShiftsItIsTheEditDistance(t *testing.T) {
	words := rapid.SliceOfNDistinct(rapid.SampledFrom(strings.Split("a b c d e f g h i j k l", " ")), 1, 12, rapid.ID[string])
	rapid.Check(t, func(t *rapid.T) {
		one := words.Draw(t, "one")
		var other []string
		for i, word := range one { // no word moves
			switch rapid.IntRange(0, 3).Draw(t, "change") {
			case 0:
				other = append(other, strings.Repeat("x", i+1))
			case 1:
			default:
				other = append(other, word)
			}
		}
		if len(other) == 0 {
			return
		}
		var corpus ter.Corpus
		if err := corpus.Add(context.Background(), one, [][]string{other}); err != nil {
			t.Fatal(err)
		}
		want := 100 * float64(levenshtein(one, other)) / float64(len(other))
		if got := corpus.Score(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v against %v: %v, want %v", one, other, got, want)
		}
	})
}

func levenshtein(a, b []string) int {
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range a {
		here := []int{i + 1}
		for j := range b {
			cost := last[j]
			if a[i] != b[j] {
				cost++
			}
			here = append(here, min(cost, last[j+1]+1, here[j]+1))
		}
		last = here
	}
	return last[len(b)]
}

func TestLongSegmentsAreRefused(t *testing.T) {
	var corpus ter.Corpus
	long := strings.Fields(strings.Repeat("a ", ter.MaxWords+1))
	for _, err := range []error{
		corpus.Add(t.Context(), long, [][]string{{"a"}}),
		corpus.Add(t.Context(), []string{"a"}, [][]string{{"a"}, long}),
	} {
		if !errors.Is(err, ter.ErrLong) || !strings.Contains(err.Error(), "2001 words") {
			t.Errorf("the error is %v", err)
		}
	}
	if err := corpus.Add(t.Context(), long[1:], [][]string{long[1:]}); err != nil {
		t.Errorf("as many words as are allowed: %v", err)
	}
}

func TestALongSegmentNeedsLittleMemory(t *testing.T) {
	words := strings.Fields(strings.Repeat("a b c d ", ter.MaxWords/4))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var corpus ter.Corpus
	if err := corpus.Add(t.Context(), words, [][]string{words}); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	// Two tables of all distances would take 64 MB.
	if got := after.TotalAlloc - before.TotalAlloc; got > 8<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

func TestItEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var corpus ter.Corpus
	if err := corpus.Add(ctx, []string{"b", "a"}, [][]string{{"a", "b"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func FuzzScore(f *testing.F) {
	f.Add("a b c a b", "c b a a b")
	f.Fuzz(func(t *testing.T, translation, reference string) {
		one, other := ter.Words(translation), ter.Words(reference)
		if len(one) > 200 || len(other) > 200 {
			return
		}
		var corpus ter.Corpus
		if err := corpus.Add(t.Context(), one, [][]string{other}); err != nil {
			t.Fatal(err)
		}
		if got := corpus.Score(); !(got >= 0) {
			t.Errorf("%q against %q scores %v", translation, reference, got)
		}
	})
}

func BenchmarkLongestSegment(b *testing.B) {
	// Each half is a phrase to move, and each word is a candidate.
	half := strings.Fields(strings.Repeat("a b c d e f g h ", ter.MaxWords/16))
	one, other := append(append([]string{}, half...), half[3:]...), append(append([]string{}, half[5:]...), half...)
	b.ReportAllocs()
	for b.Loop() {
		var corpus ter.Corpus
		if err := corpus.Add(b.Context(), one, [][]string{other}); err != nil {
			b.Fatal(err)
		}
	}
}
