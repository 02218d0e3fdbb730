package nist_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/nist"
)

func add(corpus *nist.Corpus, translation string, references ...string) {
	var words [][]string
	for _, reference := range references {
		words = append(words, strings.Fields(reference))
	}
	corpus.Add(strings.Fields(translation), words)
}

func wantScore(t *testing.T, corpus *nist.Corpus, want float64) {
	t.Helper()
	got, err := corpus.Score()
	if err != nil || math.Abs(got-want) > 1e-12*want {
		t.Errorf("the score is %v, %v, want %v", got, err, want)
	}
}

func TestScores(t *testing.T) {
	const (
		one   = "It is a guide to action that ensures that the military will forever heed Party commands"
		two   = "It is the guiding principle which guarantees the military forces always being under the command of the Party"
		three = "It is the practical guide for the army always to heed the directions of the party"
	)
	// The examples in NLTK's documentation, whose exact values that library computed.
	var good, bad nist.Corpus
	add(&good, "It is a guide to action which ensures that the military always obeys the commands of the party", one, two, three)
	wantScore(t, &good, 3.3709935957649324)
	add(&bad, "It is to insure the troops forever hearing the activity guidebook that party direct", one, two, three)
	wantScore(t, &bad, 1.4619035460750134)
}

func TestRareWordsCountMore(t *testing.T) {
	var common, rare nist.Corpus
	add(&common, "a v w x y", "a a a a b")
	add(&rare, "b v w x y", "a a a a b")
	few, err1 := common.Score()
	many, err2 := rare.Score()
	if err1 != nil || err2 != nil || few >= many {
		t.Errorf("a common word scores %v, a rare one %v; %v, %v", few, many, err1, err2)
	}
}

func TestTwoThirdsOfTheWordsAreHalfTheScore(t *testing.T) {
	var short nist.Corpus
	add(&short, "a b c d e f", "a b c d e f g h i")
	wantScore(t, &short, math.Log2(9)/2)
}

func TestUndefinedScores(t *testing.T) {
	var empty, short, silent nist.Corpus
	if _, err := empty.Score(); !errors.Is(err, nist.ErrShort) {
		t.Errorf("no segment: %v", err)
	}
	add(&short, "a b c d", "a b c d e")
	if _, err := short.Score(); !errors.Is(err, nist.ErrShort) {
		t.Errorf("four words: %v", err)
	}
	add(&short, "a b c d e", "a b c d e")
	if _, err := short.Score(); err != nil {
		t.Errorf("one segment of five words: %v", err)
	}
	add(&silent, "a b c d e", "")
	if _, err := silent.Score(); !errors.Is(err, nist.ErrEmpty) {
		t.Errorf("no words in the reference: %v", err)
	}
}
