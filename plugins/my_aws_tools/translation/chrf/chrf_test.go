package chrf_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/chrf"
)

func score(translation string, references ...string) float64 {
	var corpus chrf.Corpus
	corpus.Add(translation, references)
	return corpus.Score()
}

func TestScores(t *testing.T) {
	for name, c := range map[string]struct{ got, want float64 }{
		"the same":                   {score("hello", "hello"), 100},
		"nothing in common":          {score("abc", "xyz"), 0},
		"white space does not count": {score("a b\u3000c\x1f", "abc"), 100},
		"case counts":                {score("abc", "ABC"), 0},
		"too short for all orders":   {score("a", "a"), 100},
		"nothing":                    {score("", ""), 0},
		"nothing against something":  {score("", "abc"), 0},
		"something against nothing":  {score("abc", ""), 0},
		"the best reference":         {score("abc", "xyz", "abc"), 100},
		"characters beyond 65535":    {score("𠀀𠀁", "𠀀𠀁"), 100},
		"sentences":                  {score("The quick brown fox jumped", "The quick brown fox jumps"), 93.52893606252746},
	} {
		if math.Abs(c.got-c.want) > 1e-12*c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestSegmentsOfACorpusAreAddedUp(t *testing.T) {
	var corpus chrf.Corpus
	corpus.Add("abc", []string{"abc"})
	corpus.Add("x", []string{"y"})
	// One order of three has the precision and the recall 3/4, the other two have 1.
	want := 100 * (0.75 + 1 + 1) / 3
	if got := corpus.Score(); math.Abs(got-want) > 1e-12*want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func FuzzScore(f *testing.F) {
	f.Add("hello", "help")
	f.Add("\xff你", "你")
	f.Fuzz(func(t *testing.T, translation, reference string) {
		if got := score(translation, reference); !(got >= 0 && got <= 100+1e-9) {
			t.Errorf("%q against %q scores %v", translation, reference, got)
		}
	})
}

func TestATextIsLikeItselfAndScoresAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one, other := rapid.StringMatching(`[abc]{1,20}`).Draw(t, "one"), rapid.StringMatching(`[abc]{1,20}`).Draw(t, "other")
		if got := score(one, one); math.Abs(got-100) > 1e-9 {
			t.Errorf("%q against itself scores %v", one, got)
		}
		if got := score(one, other); got > 100+1e-9 {
			t.Errorf("%q against %q scores %v", one, other, got)
		}
	})
}
