package bleu_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/bleu"
)

// score is the BLEU of one segment, whose words stand between spaces.
func score(effective bool, translation string, references ...string) float64 {
	corpus := bleu.Corpus{EffectiveOrder: effective}
	add(&corpus, translation, references...)
	return corpus.Score()
}

func add(corpus *bleu.Corpus, translation string, references ...string) {
	var words [][]string
	for _, reference := range references {
		words = append(words, strings.Fields(reference))
	}
	corpus.Add(strings.Fields(translation), words)
}

func wantScore(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-12*want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestScoresOfSegments(t *testing.T) {
	const the = "the the the the the the the"
	wantScore(t, "all is right", score(false, "a b c d", "a b c d"), 100.00000000000004)
	wantScore(t, "nothing is right", score(false, "a b c d", "e f g h"), 0)
	wantScore(t, "repeated words count as often as in the reference", score(false, the, "the cat is on the mat"), 7.809849842300641)
	wantScore(t, "and as often as in that reference where they are most", score(false, the, "the cat is on the mat", "the the the the"), score(false, the, "the the the the"))
	wantScore(t, "less than four words", score(false, "a b c", "a b c"), 0)
	wantScore(t, "less than four words with effective order", score(true, "a b c", "a b c"), 100.00000000000004)
	wantScore(t, "shorter than the reference", score(false, "a b c d", "a b c d e f g h"), 100*math.Exp(-1))
	wantScore(t, "no words", score(false, "", "a b c d"), 0)
	wantScore(t, "no words in the reference", score(false, "a b c d", ""), 0)
}

func TestTheReferenceOfTheClosestLengthCounts(t *testing.T) {
	// The second reference has as many words as the translation, so that it is not too short.
	wantScore(t, "closest", score(false, "a b c d", "a b c d e f g h", "x y z w"), 100.00000000000004)
	// Of two that are as close as each other it is the shorter one.
	wantScore(t, "shorter", score(false, "a b c d", "a b c d e", "x y z"), 100.00000000000004)
}

func TestSegmentsOfACorpusAreAddedUp(t *testing.T) {
	var corpus bleu.Corpus
	add(&corpus, "a b c d", "a b c d")
	add(&corpus, "e", "f")
	wantScore(t, "corpus", corpus.Score(), 100*math.Pow(4.0/5, 0.25))
}

func TestMoreReferencesNeverMakeATranslationOfTheSameLengthWorse(t *testing.T) {
	words := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 6, 6)
	rapid.Check(t, func(t *rapid.T) {
		join := func(name string) string { return strings.Join(words.Draw(t, name), " ") }
		translation, one, other := join("translation"), join("one"), join("other")
		if alone, both := score(false, translation, one), score(false, translation, one, other); both < alone {
			t.Errorf("%v with one reference, %v with two", alone, both)
		}
	})
}

func TestTokenizers(t *testing.T) {
	for _, c := range []struct {
		tokenizer  bleu.Tokenizer
		text, want string
	}{
		{"13a", `He said: "It's $1,234.56 (plus 5%)."`, `He said : " It's $ 1,234.56 ( plus 5 % ) . "`},
		{"13a", "2024-05-01, 3.", "2024 - 05 - 01 , 3 ."},
		{"13a", "a.b,c .5 5. ..", "a . b , c . 5 5 . . ."},
		{"13a", "trans-\nlation<skipped>\nnext", "translation next"},
		{"13a", "&amp;quot; &lt;&gt; &quot;", `& quot ; < > "`},
		{"13a", "你好，世界。end.", "你好，世界。end ."},
		{"13a", "猫.狗", "猫 . 狗"},
		{"13a", "a\u3000b\x1fc", "a b c"},
		{"zh", "你好，world. 5.0", "你 好 ， world . 5.0"},
		{"zh", "“a”→b𠀀c", "“ a ” → b𠀀c"},
		{"zh", "&amp; end.", "& amp ; end ."},
		{"char", " ab 你 ", "a b 你"},
		{"intl", "It's 1,234.5€ – «ok»!", "It ' s 1,234.5 € – « ok » !"},
		{"intl", "in 2024. Next", "in 2024 . Next"},
		{"intl", "in 2024.", "in 2024."},
		{"intl", "你好，世界。", "你好 ， 世界 。"},
		{"none", " It's  5%. ", "It's 5%."},
	} {
		if got := strings.Join(c.tokenizer.Words(c.text), " "); got != c.want {
			t.Errorf("%s makes of %q\n\t%q, want\n\t%q", c.tokenizer, c.text, got, c.want)
		}
	}
}

func FuzzTokenizers(f *testing.F) {
	f.Add("a.b,c &amp; 2024-05 你好，“x”\xff")
	f.Fuzz(func(t *testing.T, text string) {
		for _, tokenizer := range bleu.Tokenizers() {
			for _, word := range tokenizer.Words(text) {
				if word == "" || len(word) > 3*len(text) {
					t.Errorf("%s: %q is a word of %q", tokenizer, word, text)
				}
			}
		}
	})
}
