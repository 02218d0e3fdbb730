// Package meteor computes METEOR, which compares the words of a translation with those of a reference by their form,
// their stem and their meaning, and looks at how far their order agrees (S. Banerjee and A. Lavie, METEOR, 2005; A. Lavie
// and A. Agarwal, Meteor, 2007).
//
// It is the score of meteor_score in NLTK 3.8, with what is particular there: words are paired from the end of the text
// on, and their synonyms are those of their stems instead of those of the words.
package meteor

import (
	"slices"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/numeric"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/porter"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/pytext"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/wordnet"
)

// The parameters of the score. What is rounded here is rounded in Python, too.
const (
	precisionWeight = 0.9                 // alpha
	recallWeight    = 0.09999999999999998 // 1 - alpha
	penaltyWeight   = 0.5                 // gamma; beta is 3
)

// Score is the score of a translation, between 0 and 1, against the reference that it comes closest to. Texts are lists
// of words; case does not matter.
func Score(translation []string, references [][]string) float64 {
	best := 0.0
	for _, reference := range references {
		best = max(best, score(lower(translation), lower(reference)))
	}
	return best
}

func lower(words []string) []string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = pytext.Lower(word)
	}
	return all
}

func score(translation, reference []string) float64 {
	pairs := align(translation, reference)
	if len(pairs) == 0 {
		return 0
	}
	matches := float64(len(pairs))
	precision, recall := matches/float64(len(translation)), matches/float64(len(reference))
	mean := float64(precision*recall) / (float64(precisionWeight*precision) + float64(recallWeight*recall))
	penalty := float64(penaltyWeight * numeric.Cube(float64(chunks(pairs))/matches))
	return (1 - penalty) * mean
}

// A pair are the places of two words that were found to be alike.
type pair struct{ translation, reference int }

// chunks is how many pieces of the translation are found in the reference in the same order, without a gap.
func chunks(pairs []pair) int {
	count := 1
	for i := 1; i < len(pairs); i++ {
		if pairs[i].translation != pairs[i-1].translation+1 || pairs[i].reference != pairs[i-1].reference+1 {
			count++
		}
	}
	return count
}

// left are words that have no partner yet, with their places.
type left struct {
	words  []string
	places []int
}

func allLeft(words []string) left {
	places := make([]int, len(words))
	for i := range places {
		places[i] = i
	}
	return left{words, places}
}

// align pairs words: equal ones first, then those with equal stems, then synonyms. The pairs are in the order of the
// translation.
func align(translation, reference []string) []pair {
	ours, theirs := allLeft(translation), allLeft(reference)
	var pairs []pair
	pairs, ours, theirs = match(pairs, ours, theirs, same)
	ours.stem()
	theirs.stem()
	pairs, ours, theirs = match(pairs, ours, theirs, same)
	pairs, _, _ = match(pairs, ours, theirs, synonym)
	slices.SortFunc(pairs, func(a, b pair) int { return a.translation - b.translation })
	return pairs
}

func (l *left) stem() {
	stems := make([]string, len(l.words))
	for i, word := range l.words {
		stems[i] = porter.Stem(word)
	}
	l.words = stems
}

// places are where each of the words that are left stands in a list, the last place at the end.
type places map[string][]int

// last is the last place of a word, or -1.
func (p places) last(word string) int {
	if all := p[word]; len(all) > 0 {
		return all[len(all)-1]
	}
	return -1
}

// same is the last place of a word.
func same(word string, among places) (string, int) { return word, among.last(word) }

// synonym is the last place of any synonym of a word, and which one it is.
func synonym(word string, among places) (string, int) {
	best, found := -1, ""
	for other := range wordnet.Synonyms(word) {
		if at := among.last(other); at > best {
			best, found = at, other
		}
	}
	return found, best
}

// match gives each of our words, from the last to the first, the last of their words that the rule allows and that is
// still free. It returns all pairs and what is left on both sides.
func match(pairs []pair, ours, theirs left, rule func(string, places) (string, int)) ([]pair, left, left) {
	free := places{}
	for i, word := range theirs.words {
		free[word] = append(free[word], i)
	}
	taken, paired := make([]bool, len(theirs.words)), make([]bool, len(ours.words))
	for i := len(ours.words) - 1; i >= 0; i-- {
		word, at := rule(ours.words[i], free)
		if at < 0 {
			continue
		}
		free[word] = free[word][:len(free[word])-1]
		taken[at], paired[i] = true, true
		pairs = append(pairs, pair{ours.places[i], theirs.places[at]})
	}
	return pairs, ours.without(paired), theirs.without(taken)
}

func (l left) without(gone []bool) left {
	var rest left
	for i, word := range l.words {
		if !gone[i] {
			rest.words, rest.places = append(rest.words, word), append(rest.places, l.places[i])
		}
	}
	return rest
}
