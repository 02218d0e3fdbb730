// Package ter computes TER, the share of words that one would have to change to make a translation equal to a reference,
// where moving a phrase is one change (M. Snover et al., A Study of Translation Edit Rate with Targeted Human Annotation,
// 2006). It is sacreBLEU 2.5.1's, which follows the program Tercom: case and the limits of its search are as there.
//
// The best phrase to move is searched for greedily, and the search ends after a thousand tries.
package ter

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/pytext"
)

// MaxWords is how many words a segment, or a reference, may have. The search takes up to a second for as many, and
// grows with them.
const MaxWords = 2000

// The limits of Tercom and of sacreBLEU.
const (
	maxShiftSize       = 10   // words of a phrase
	maxShiftDistance   = 50   // words that it is moved by
	maxShiftCandidates = 1000 // phrases and places that are tried
)

// ErrLong means that a segment has more than [MaxWords] words.
var ErrLong = errors.New("a segment is too long")

// Corpus adds up the changes of the segments of a corpus. The zero value is an empty corpus.
type Corpus struct{ edits, length float64 }

// Words are the words of a text: in lower case, between white space.
func Words(text string) []string { return pytext.Fields(pytext.Lower(text)) }

// Add adds a segment: a translation and its references, of which there has to be at least one, as lists of words. The
// least number of changes counts, and the mean of the lengths of the references. It is [ErrLong] where there are too
// many words, and the error of the context when that ends.
func (c *Corpus) Add(ctx context.Context, translation []string, references [][]string) error {
	least, length := -1, 0
	for _, reference := range references {
		if longest := max(len(translation), len(reference)); longest > MaxWords {
			return fmt.Errorf("%w: it has %d words, and this rate is computed for at most %d", ErrLong, longest, MaxWords)
		}
		edits, err := edits(ctx, translation, reference)
		if err != nil {
			return err
		}
		if least < 0 || edits < least {
			least = edits
		}
		length += len(reference)
	}
	c.edits += float64(least)
	c.length += float64(length) / float64(len(references))
	return nil
}

// Score is the rate of all segments together, in percent. 0 is best; it may be above 100.
func (c *Corpus) Score() float64 {
	switch {
	case c.length > 0:
		return 100 * (c.edits / c.length)
	case c.edits > 0:
		return 100
	default:
		return 0
	}
}

// edits counts the changes that make a translation equal to a reference: phrases are moved as long as that saves more
// than it costs, and what is left is replaced, put in or left out.
func edits(ctx context.Context, translation, reference []string) (int, error) {
	if len(reference) == 0 {
		return len(translation), nil
	}
	s := newSearch(translation, reference)
	moves := 0
	for {
		better, gain, err := s.bestShift(ctx)
		if err != nil {
			return 0, err
		}
		if s.tried >= maxShiftCandidates || gain <= 0 {
			return moves + s.distance.total(), nil
		}
		moves++
		s.translation = better
		s.distance.update(better)
	}
}

// A search holds a translation in its present order.
type search struct {
	translation, reference []int32
	distance               *distance
	// trial is a second table of distances, for orders that are tried.
	trial *distance
	tried int
}

// newSearch gives words numbers, which are faster to compare.
func newSearch(translation, reference []string) *search {
	known := map[string]int32{}
	number := func(words []string) []int32 {
		numbers := make([]int32, len(words))
		for i, word := range words {
			if _, ok := known[word]; !ok {
				known[word] = int32(len(known))
			}
			numbers[i] = known[word]
		}
		return numbers
	}
	s := &search{translation: number(translation), reference: number(reference)}
	s.distance = newDistance(len(translation), s.reference)
	s.distance.update(s.translation)
	s.trial = newDistance(len(translation), s.reference)
	return s
}

// A shift moves the words from a place on to another place. The greatest is the best.
type shift struct{ gain, size, from, to int }

func (s shift) above(other shift) bool {
	switch {
	case s.gain != other.gain:
		return s.gain > other.gain
	case s.size != other.size:
		return s.size > other.size
	case s.from != other.from:
		return s.from < other.from
	default:
		return s.to < other.to
	}
}

// bestShift returns the words after the best shift, and what it saves. Without any it saves nothing.
func (s *search) bestShift(ctx context.Context) ([]int32, int, error) {
	aligned := s.distance.alignment()
	var best shift
	found := false
	for from := range s.translation {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		for at := max(0, from-maxShiftDistance); at < min(len(s.reference), from+maxShiftDistance+1); at++ {
			for size := 1; size <= s.common(from, at); size++ {
				if aligned.worthwhile(from, at, size) {
					s.tryShifts(aligned, from, at, size, &best, &found)
				}
				if s.tried >= maxShiftCandidates {
					return s.shifted(best), best.gain, nil
				}
			}
		}
	}
	return s.shifted(best), best.gain, nil
}

// common is how many words from a place on are those of the reference from another place on.
func (s *search) common(from, at int) int {
	size := 0
	for size < maxShiftSize && from+size < len(s.translation) && at+size < len(s.reference) && s.translation[from+size] == s.reference[at+size] {
		size++
	}
	return size
}

// tryShifts tries the places for a phrase that its place in the reference is aligned with: before it, and behind each of
// its words.
func (s *search) tryShifts(aligned alignment, from, at, size int, best *shift, found *bool) {
	last := -1
	for offset := -1; offset < size; offset++ {
		to := 0
		if at+offset >= 0 {
			if at+offset >= len(aligned.places) {
				return
			}
			to = aligned.places[at+offset] + 1
		}
		if to == last {
			continue
		}
		last = to
		tried := shift{size: size, from: from, to: to}
		s.trial.follow(s.distance, s.shifted(tried))
		tried.gain = s.distance.total() - s.trial.total()
		s.tried++
		if !*found || tried.above(*best) {
			*best, *found = tried, true
		}
	}
}

// shifted are the words after a shift.
func (s *search) shifted(by shift) []int32 {
	words, end := s.translation, by.from+by.size
	made := make([]int32, 0, len(words))
	switch {
	case by.to < by.from:
		made = append(made, words[:by.to]...)
		made = append(made, words[by.from:end]...)
		made = append(made, words[by.to:by.from]...)
		return append(made, words[end:]...)
	case by.to > end:
		made = append(made, words[:by.from]...)
		made = append(made, words[end:by.to]...)
		made = append(made, words[by.from:end]...)
		return append(made, words[by.to:]...)
	default: // into the phrase itself: what follows it goes in front
		behind := min(by.size+by.to, len(words))
		made = append(made, words[:by.from]...)
		made = append(made, words[min(end, behind):behind]...)
		made = append(made, words[by.from:end]...)
		return append(made, words[behind:]...)
	}
}
