// Package ngram counts n-grams, the sequences of n words that stand next to each other in a text, on which most metrics
// for translations rest.
//
// A [Table] sorts the places of a text by the words that follow there. Places with the same n-gram are then neighbours,
// for every n at once, and memory grows with the length of the text alone, whatever it holds.
package ngram

import (
	"cmp"
	"slices"
	"sort"
)

// end stands behind each sequence. No n-gram goes across it.
const end = 0

// Words gives words their numbers, from 1 up. The zero value knows none.
type Words map[string]int32

// Numbers are the numbers of words, with the mark of an end behind them. Several of these one after the other are
// several sequences.
func (w Words) Numbers(words []string) []int32 {
	numbers := make([]int32, 0, len(words)+1)
	for _, word := range words {
		number, known := w[word]
		if !known {
			number = int32(len(w)) + 1
			w[word] = number
		}
		numbers = append(numbers, number)
	}
	return append(numbers, end)
}

// A Table holds the n-grams of a text up to an order, the greatest n.
type Table struct {
	text  []int32
	order int
	// places are the places of words, sorted by the words from there on.
	places []int32
}

// NewTable sorts the n-grams of a text that [Words.Numbers] made.
func NewTable(text []int32, order int) *Table {
	t := &Table{text: text, order: order, places: make([]int32, 0, len(text))}
	for place, number := range text {
		if number != end {
			t.places = append(t.places, int32(place))
		}
	}
	slices.SortFunc(t.places, func(a, b int32) int { return t.compare(a, t.text[b:], order) })
	return t
}

// compare compares up to n words at a place with other ones.
func (t *Table) compare(place int32, other []int32, n int) int {
	for i := range n {
		a := t.text[int(place)+i]
		if c := cmp.Compare(a, other[i]); c != 0 || a == end {
			return c
		}
	}
	return 0
}

// Total is how many n-grams there are.
func (t *Table) Total(n int) int {
	total := 0
	for run := 0; run <= len(t.text); run++ {
		length := 0
		for run < len(t.text) && t.text[run] != end {
			run, length = run+1, length+1
		}
		total += max(0, length-n+1)
	}
	return total
}

// Count is how often an n-gram occurs, whose length must not be above the order.
func (t *Table) Count(gram []int32) int {
	first := sort.Search(len(t.places), func(i int) bool { return t.compare(t.places[i], gram, len(gram)) >= 0 })
	return sort.Search(len(t.places)-first, func(i int) bool { return t.compare(t.places[first+i], gram, len(gram)) > 0 })
}

// A Gram is an n-gram of a table.
type Gram struct {
	Words []int32
	// Place is where it occurs first, and Count how often it occurs.
	Place, Count int
}

// Grams calls a function with each n-gram once.
func (t *Table) Grams(n int, yield func(Gram)) {
	for at := 0; at < len(t.places); {
		start := t.places[at]
		first, next := start, at+1
		for next < len(t.places) && t.compare(t.places[next], t.text[start:], n) == 0 {
			first = min(first, t.places[next])
			next++
		}
		if words := t.text[start : int(start)+min(n, len(t.text)-int(start))]; len(words) == n && !slices.Contains(words, end) {
			yield(Gram{Words: words, Place: int(first), Count: next - at})
		}
		at = next
	}
}
