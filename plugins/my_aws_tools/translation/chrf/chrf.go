// Package chrf computes chrF, which compares the characters of a translation with those of a reference, by n-grams of one
// to six, and gives what the reference has twice the weight (M. Popović, chrF: character n-gram F-score for automatic MT
// evaluation, 2015). It is sacreBLEU 2.5.1's chrF2: white space does not count, and case does.
package chrf

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/pytext"
)

const (
	// order is the length of the longest n-grams, in characters.
	order = 6
	// recallWeight is beta squared.
	recallWeight = 4
)

// statistics are for each order how many n-grams the translation has, the reference, and both of them.
type statistics [order]struct{ ours, theirs, common int }

// Corpus adds up what the segments of a corpus have in common with their references. The zero value is an empty corpus.
type Corpus struct{ sum statistics }

// Add adds a segment: a translation and its references, of which there has to be at least one. The reference that comes
// closest to the translation counts. Memory for 40 bytes a character is needed meanwhile.
func (c *Corpus) Add(translation string, references []string) {
	ours := characters(translation)
	var best statistics
	bestScore := -1.0
	for _, reference := range references {
		found := compare(ours, characters(reference))
		if score := found.score(); score > bestScore {
			best, bestScore = found, score
		}
	}
	for n := range c.sum {
		c.sum[n].ours += best[n].ours
		c.sum[n].theirs += best[n].theirs
		c.sum[n].common += best[n].common
	}
}

// Score is the score of all segments together, from 0 to 100.
func (c *Corpus) Score() float64 { return c.sum.score() }

// characters are those of a text but for white space.
func characters(text string) []rune {
	all := make([]rune, 0, utf8.RuneCountInString(text))
	for _, r := range text {
		if !pytext.IsSpace(r) {
			all = append(all, r)
		}
	}
	return all
}

// A place are the six characters from one on, packed into 126 bits, and whose they are. What is behind the end is 0.
type place struct {
	high, low uint64 // three characters each
	ours      bool
}

// width is how many bits a character takes. One is added to it, so that none is 0.
const width = 21

func places(all []place, chars []rune, ours bool) []place {
	at := func(i int) uint64 {
		if i < len(chars) {
			return uint64(chars[i]) + 1
		}
		return 0
	}
	for i := range chars {
		all = append(all, place{
			high: at(i)<<(2*width) | at(i+1)<<width | at(i+2),
			low:  at(i+3)<<(2*width) | at(i+4)<<width | at(i+5),
			ours: ours,
		})
	}
	return all
}

// first are the first n characters of a place. It is false where the text ends before.
func (p place) first(n int) (place, bool) {
	if n <= 3 {
		p.high >>= (3 - n) * width
		return place{high: p.high}, p.high&(1<<width-1) != 0
	}
	p.low >>= (6 - n) * width
	return place{high: p.high, low: p.low}, p.low&(1<<width-1) != 0
}

// compare counts n-grams. When all places of both texts are sorted by what follows there, those of the same n-gram are
// neighbours, for each n.
func compare(ours, theirs []rune) statistics {
	all := make([]place, 0, len(ours)+len(theirs))
	all = places(places(all, ours, true), theirs, false)
	slices.SortFunc(all, func(a, b place) int { return cmp.Or(cmp.Compare(a.high, b.high), cmp.Compare(a.low, b.low)) })
	var found statistics
	for n := range found {
		found[n].theirs = max(0, len(theirs)-n)
		if found[n].theirs > 0 { // sacreBLEU counts no n-grams that no reference could have
			found[n].ours = max(0, len(ours)-n)
		}
		found[n].common = common(all, n+1)
	}
	return found
}

// common is how many n-grams two texts share.
func common(all []place, n int) int {
	sum, ours, theirs := 0, 0, 0
	var last place
	for _, p := range all {
		gram, whole := p.first(n)
		if !whole {
			continue
		}
		if gram != last {
			sum += min(ours, theirs)
			last, ours, theirs = gram, 0, 0
		}
		if p.ours {
			ours++
		} else {
			theirs++
		}
	}
	return sum + min(ours, theirs)
}

// score is the F-score of the means of precision and recall, over those orders that both texts are long enough for.
func (s statistics) score() float64 {
	precision, recall, orders := 0.0, 0.0, 0.0
	for _, n := range s {
		if n.ours > 0 && n.theirs > 0 {
			precision += float64(n.common) / float64(n.ours)
			recall += float64(n.common) / float64(n.theirs)
			orders++
		}
	}
	if precision+recall == 0 {
		return 0
	}
	precision, recall = precision/orders, recall/orders
	product := (1 + recallWeight) * precision * recall
	return 100 * (product / (float64(recallWeight*precision) + recall))
}
