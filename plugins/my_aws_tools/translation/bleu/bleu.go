// Package bleu computes BLEU, which counts how many n-grams of a translation are in its references (K. Papineni et al.,
// BLEU: a Method for Automatic Evaluation of Machine Translation, 2002), as sacreBLEU 2.5.1 does (M. Post, A Call for
// Clarity in Reporting BLEU Scores, 2018).
//
// N-grams go up to four words. An order without any match is smoothed as in NIST's mteval (sacreBLEU's "exp").
package bleu

import (
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/ngram"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/numeric"
)

// order is the length of the longest n-grams.
const order = 4

// Corpus adds up what the segments of a corpus have in common with their references. The zero value is an empty corpus.
type Corpus struct {
	// EffectiveOrder leaves out the orders that are longer than all translations together. Without it, as is usual for
	// a corpus, a translation of less than four words has the score 0.
	EffectiveOrder bool

	correct, total      [order]int
	length, closestSize int
}

// Add adds a segment: a translation and its references, of which there has to be at least one, as lists of words.
func (c *Corpus) Add(translation []string, references [][]string) {
	words := ngram.Words{}
	ours := ngram.NewTable(words.Numbers(translation), order)
	theirs := make([]*ngram.Table, len(references))
	for i, reference := range references {
		theirs[i] = ngram.NewTable(words.Numbers(reference), order)
	}
	c.length += len(translation)
	c.closestSize += closest(len(translation), references)
	for n := range order {
		c.total[n] += ours.Total(n + 1)
		ours.Grams(n+1, func(gram ngram.Gram) {
			most := 0
			for _, table := range theirs {
				most = max(most, table.Count(gram.Words))
			}
			c.correct[n] += min(gram.Count, most)
		})
	}
}

// closest is the length of the reference that differs least from that of the translation, the shorter of two.
func closest(length int, references [][]string) int {
	best := len(references[0])
	for _, reference := range references {
		difference, least := distance(length, len(reference)), distance(length, best)
		if difference < least || difference == least && len(reference) < best {
			best = len(reference)
		}
	}
	return best
}

func distance(a, b int) int { return max(a-b, b-a) }

// Score is the score of all segments together, from 0 to 100, or a little more by rounding.
func (c *Corpus) Score() float64 {
	if c.correct == [order]int{} {
		return 0
	}
	// What sacreBLEU takes for the logarithm of zero.
	const logOfZero = -9999999999
	logs := [order]float64{logOfZero, logOfZero, logOfZero, logOfZero}
	orders, smoothing := order, 1.0
	for n := range order {
		if c.total[n] == 0 {
			break
		}
		if c.EffectiveOrder {
			orders = n + 1
		}
		precision := 100 * float64(c.correct[n]) / float64(c.total[n])
		if c.correct[n] == 0 {
			smoothing *= 2
			precision = 100 / float64(smoothing*float64(c.total[n]))
		}
		logs[n] = numeric.Log(precision)
	}
	var sum numeric.Sum
	for _, log := range logs[:orders] {
		sum.Add(log)
	}
	return c.brevityPenalty() * numeric.Exp(sum.Value()/float64(orders))
}

// brevityPenalty punishes translations that are shorter than their references.
func (c *Corpus) brevityPenalty() float64 {
	if c.length >= c.closestSize {
		return 1
	}
	return numeric.Exp(1 - float64(c.closestSize)/float64(c.length))
}
