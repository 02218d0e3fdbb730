// Package nist computes the NIST score, which counts n-grams as BLEU does and gives those more weight that say more,
// because they are rarer in the references (G. Doddington, Automatic Evaluation of Machine Translation Quality Using
// N-gram Co-Occurrence Statistics, 2002). It is the score of corpus_nist in NLTK 3.8, with n-grams of up to five words.
package nist

import (
	"cmp"
	"errors"
	"slices"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/ngram"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/numeric"
)

// order is the length of the longest n-grams.
const order = 5

// What makes a score undefined.
var (
	// ErrShort means that no translation has five words, so that there are no n-grams of the longest kind to count.
	ErrShort = errors.New("no segment of the translation has at least 5 words, so that there are no sequences of 5 words to count")
	// ErrEmpty means that the references have no words.
	ErrEmpty = errors.New("the references have no words")
)

// A segment of a corpus, with its references, each as the numbers of its words.
type segment struct {
	translation []int32
	references  [][]int32
}

// Corpus gathers the segments of a corpus. The zero value is an empty one.
type Corpus struct {
	words    ngram.Words
	segments []segment
	// all are the references of all segments, one after the other, and size how many words these have.
	all  []int32
	size int
}

// Add adds a segment: a translation and its references, of which there has to be at least one, as lists of words.
func (c *Corpus) Add(translation []string, references [][]string) {
	if c.words == nil {
		c.words = ngram.Words{}
	}
	added := segment{translation: c.words.Numbers(translation)}
	for _, reference := range references {
		numbers := c.words.Numbers(reference)
		added.references = append(added.references, numbers)
		c.all = append(c.all, numbers...)
		c.size += len(reference)
	}
	c.segments = append(c.segments, added)
}

// length is how many words numbers stand for: all but the mark of the end.
func length(numbers []int32) int { return len(numbers) - 1 }

// Score is the score of all segments together. It has no upper bound. Where it is undefined it is [ErrShort] or
// [ErrEmpty].
func (c *Corpus) Score() (float64, error) {
	information := weights{ngram.NewTable(c.all, order), c.size}
	var found [order]float64
	var total [order]int
	ours, theirs := 0, 0
	for _, s := range c.segments {
		for n, best := range s.best(information) {
			found[n] += best.information
			total[n] += best.total
			ours += length(s.translation)
			theirs += best.length
		}
	}
	precision := 0.0
	for n := range order {
		if total[n] == 0 {
			return 0, ErrShort
		}
		precision += found[n] / float64(total[n])
	}
	if theirs == 0 {
		return 0, ErrEmpty
	}
	return precision * brevityPenalty(float64(ours)/float64(theirs)), nil
}

// weights are how much n-grams say: how surprising the last word is behind those before it.
type weights struct {
	references *ngram.Table
	size       int
}

func (w weights) of(gram []int32) float64 {
	context := w.size
	if len(gram) > 1 {
		context = w.references.Count(gram[:len(gram)-1])
	}
	return numeric.Log(float64(context)/float64(w.references.Count(gram))) / numeric.Log(2)
}

// overlap is what a translation has in common with one reference, in n-grams of one order.
type overlap struct {
	precision, information float64
	total                  int // of n-grams of the translation
	length                 int // of the reference, in words
}

func (o overlap) compare(other overlap) int {
	return cmp.Or(cmp.Compare(o.precision, other.precision), cmp.Compare(o.information, other.information), cmp.Compare(o.length, other.length))
}

// best are the best overlaps with any of the references, by order. It need not be the same reference for each.
func (s segment) best(information weights) [order]overlap {
	ours := ngram.NewTable(s.translation, order)
	var best [order]overlap
	for i, reference := range s.references {
		theirs := ngram.NewTable(reference, order)
		for n := range order {
			common := overlapping(ours, theirs, n+1, information)
			common.length = length(reference)
			if i == 0 || common.compare(best[n]) > 0 {
				best[n] = common
			}
		}
	}
	return best
}

// overlapping adds up in the order of the translation, since sums of rounded numbers depend on it.
func overlapping(ours, theirs *ngram.Table, n int, information weights) overlap {
	var common []ngram.Gram
	ours.Grams(n, func(gram ngram.Gram) {
		if count := min(gram.Count, theirs.Count(gram.Words)); count > 0 {
			common = append(common, ngram.Gram{Words: gram.Words, Place: gram.Place, Count: count})
		}
	})
	slices.SortFunc(common, func(a, b ngram.Gram) int { return a.Place - b.Place })
	var sum numeric.Sum
	for _, gram := range common {
		sum.Add(float64(information.of(gram.Words) * float64(gram.Count)))
	}
	result := overlap{information: sum.Value(), total: ours.Total(n)}
	if result.total > 0 {
		result.precision = result.information / float64(result.total)
	}
	return result
}

// brevityPenalty punishes translations that are shorter than their references: by half where they have two thirds of
// the words.
func brevityPenalty(ratio float64) float64 {
	if ratio <= 0 || ratio >= 1 {
		return max(min(ratio, 1), 0)
	}
	steps, log := numeric.Log(1.5), numeric.Log(ratio)
	beta := numeric.Log(0.5) / float64(steps*steps)
	return numeric.Exp(beta * float64(log*log))
}
