package meteor_test

import (
	"math"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/meteor"
)

func score(translation string, references ...string) float64 {
	var words [][]string
	for _, reference := range references {
		words = append(words, strings.Fields(reference))
	}
	return meteor.Score(strings.Fields(translation), words)
}

// penalised is the score of a translation of which all words were found, in chunks.
func penalised(chunks, words float64) float64 { return 1 - 0.5*math.Pow(chunks/words, 3) }

func TestScores(t *testing.T) {
	for name, c := range map[string]struct{ got, want float64 }{
		"the same":                    {score("a b c d", "a b c d"), penalised(1, 4)},
		"case does not count":         {score("A b C d", "a B c D"), penalised(1, 4)},
		"one word":                    {score("猫", "猫"), 0.5},
		"another order":               {score("c d a b", "a b c d"), penalised(2, 4)},
		"stems":                       {score("cats jumped", "cat jumping"), penalised(1, 2)},
		"synonyms":                    {score("sea noon", "ocean midday"), penalised(1, 2)},
		"synonyms of stems only":      {score("purchases", "buys"), 0}, // the stem purchas is no word
		"nothing in common":           {score("a b", "c d"), 0},
		"no words":                    {score("", "a"), 0},
		"no words in the reference":   {score("a", ""), 0},
		"the best reference":          {score("a b", "c d", "a b"), penalised(1, 2)},
		"precision has nine tenths":   {score("a x", "a"), 0.5 * 0.5 * 1 / (0.9*0.5 + 0.1*1)},
		"words are used once":         {score("a a", "a"), 0.5 * 0.5 * 1 / (0.9*0.5 + 0.1*1)},
		"pairs are made from the end": {score("a b a", "b a"), penalised(1, 2) * (2.0 / 3) / (0.9*2.0/3 + 0.1)},
		"equal words come first":      {score("sea ocean", "ocean sea"), penalised(2, 2)},
		"an example of NLTK's": {
			score("It is a guide to action which ensures that the military always obeys the commands of the party", "It is a guide to action that ensures that the military will forever heed Party commands"),
			0.6944444444444445,
		},
	} {
		if math.Abs(c.got-c.want) > 1e-12*c.want {
			t.Errorf("%s: %v, want %v", name, c.got, c.want)
		}
	}
}

func TestLongTextsDoNotTakeTheSquareOfTheirLength(t *testing.T) {
	// A search through all pairs would take minutes, and the test its time limit.
	words := strings.Fields(strings.Repeat("house sea start unfindable ", 10_000))
	other := strings.Fields(strings.Repeat("home ocean begin 找不到 ", 10_000))
	if got := meteor.Score(words, [][]string{other}); got < 0.4 {
		t.Errorf("got %v", got)
	}
}

func FuzzScore(f *testing.F) {
	f.Add("houses on the sea", "a home by the ocean")
	f.Fuzz(func(t *testing.T, translation, reference string) {
		if got := score(translation, reference); !(got >= 0 && got <= 1) {
			t.Errorf("%q against %q scores %v", translation, reference, got)
		}
	})
}
