package jieba

import (
	_ "embed" // for the tables
	"math"
	"sort"
)

// The tables that generate writes. They are parts of the program's file: nothing is read before it is looked at, and
// what the system read it can forget again.
//
// All numbers are little-endian. Characters are those of the basic plane, two bytes each.
var (
	// letters are the words one after the other, in the order of their characters.
	//
	//go:embed words.bin
	letters string
	// lengths is a byte for each word: its length in characters.
	//
	//go:embed lengths.bin
	lengths string
	// starts is for each group of words where its letters begin, in characters: four bytes.
	//
	//go:embed starts.bin
	starts string
	// classes is two bytes for each word: its place among the weights.
	//
	//go:embed classes.bin
	classes string
	// weights are eight bytes each: log(frequency) - log(sum of all frequencies), as jieba computes it. The first is that
	// of a frequency of 1, which unknown words have.
	//
	//go:embed weights.bin
	weights string
	// emissions are for each character, in order: two bytes for itself, and eight each for the logarithms of its
	// probabilities at the beginning, at the end and in the middle of a word, and as a word.
	//
	//go:embed emissions.bin
	emissions string
)

const (
	// group is how many words share an entry of starts.
	group = 32
	// emissionSize is the size of an entry of emissions.
	emissionSize = 2 + 4*8
)

func uint16At(table string, at int) int { return int(table[at]) | int(table[at+1])<<8 }

func float64At(table string, at int) float64 {
	var bits uint64
	for i := 7; i >= 0; i-- {
		bits = bits<<8 | uint64(table[at+i])
	}
	return math.Float64frombits(bits)
}

// words are neighbours in the dictionary: those that begin with the same characters.
type words struct {
	first, next int
	// depth is how many characters they share.
	depth int
}

// allWords are those that begin with nothing.
func allWords() words { return words{0, len(lengths), 0} }

// starting are those of the words that go on with a character, which has to be one of the basic plane.
func (w words) starting(char rune) words {
	first := w.first + sort.Search(w.next-w.first, func(i int) bool { return charAt(w.first+i, w.depth) >= char })
	next := first + sort.Search(w.next-first, func(i int) bool { return charAt(first+i, w.depth) > char })
	return words{first, next, w.depth + 1}
}

func (w words) empty() bool { return w.first == w.next }

// weight is that of the word that is what they all begin with. It is false where there is none.
func (w words) weight() (float64, bool) {
	if w.empty() || int(lengths[w.first]) != w.depth {
		return 0, false
	}
	return float64At(weights, 8*uint16At(classes, 2*w.first)), true
}

// unknownWeight is the weight of what is not in the dictionary.
func unknownWeight() float64 { return float64At(weights, 0) }

// charAt is a character of a word, or -1 behind its end.
func charAt(word, at int) rune {
	if at >= int(lengths[word]) {
		return -1
	}
	begin := word / group * 4
	start := uint16At(starts, begin) | uint16At(starts, begin+2)<<16
	for before := word / group * group; before < word; before++ {
		start += int(lengths[before])
	}
	return rune(uint16At(letters, 2*(start+at)))
}

// emission are the logarithms of the probabilities of a character in each state.
func emission(char rune) [states]float64 {
	count := len(emissions) / emissionSize
	at := sort.Search(count, func(i int) bool { return rune(uint16At(emissions, i*emissionSize)) >= char })
	if at == count || rune(uint16At(emissions, at*emissionSize)) != char {
		return [states]float64{never, never, never, never}
	}
	var found [states]float64
	for state := range found {
		found[state] = float64At(emissions, at*emissionSize+2+8*state)
	}
	return found
}
