package jieba

import "unicode/utf8"

// The states of a character in the hidden Markov model, in the order in which jieba prefers them where two are as
// probable as each other: the last one wins.
const (
	begin = iota
	end
	middle
	single

	states
)

// never is jieba's logarithm of a probability of zero.
const never = -3.14e100

// The logarithms of the probabilities of states at the start of a text, and behind each other. They are those of
// jieba's finalseg; what is left out there does not happen.
const (
	startWithWord   = -0.26268660809250016
	startWithSingle = -1.4652633398537678

	beginToEnd     = -0.510825623765990
	beginToMiddle  = -0.916290731874155
	endToBegin     = -0.5897149736854513
	endToSingle    = -0.8085250474669937
	middleToEnd    = -0.33344856811948514
	middleToMiddle = -1.2603623820268226
	singleToBegin  = -0.7211965654669841
	singleToSingle = -0.6658631448798212
)

// A column holds, for the characters up to one of them, the probability of the best way into each state, and the state
// before it on that way.
type column struct {
	weight [states]float64
	before [states]int8
}

// into sets the better of two ways into a state. The second one has the state that wins a tie.
func (c *column) into(state int, emitted float64, last column, from1 int, weight1 float64, from2 int, weight2 float64) {
	first, second := (last.weight[from1]+weight1)+emitted, (last.weight[from2]+weight2)+emitted
	if first > second {
		c.weight[state], c.before[state] = first, int8(from1)
	} else {
		c.weight[state], c.before[state] = second, int8(from2)
	}
}

// mostProbable are the states of Chinese characters on the most probable way through all of them (A. Viterbi, Error
// bounds for convolutional codes, 1967).
func mostProbable(chars []rune) []int8 {
	columns := make([]column, len(chars))
	emitted := emission(chars[0])
	columns[0].weight = [states]float64{startWithWord + emitted[begin], never + emitted[end], never + emitted[middle], startWithSingle + emitted[single]}
	for i := 1; i < len(chars); i++ {
		emitted, last, here := emission(chars[i]), columns[i-1], &columns[i]
		here.into(begin, emitted[begin], last, end, endToBegin, single, singleToBegin)
		here.into(end, emitted[end], last, begin, beginToEnd, middle, middleToEnd)
		here.into(middle, emitted[middle], last, begin, beginToMiddle, middle, middleToMiddle)
		here.into(single, emitted[single], last, end, endToSingle, single, singleToSingle)
	}
	final := columns[len(columns)-1].weight
	state := int8(single)
	if final[end] > final[single] {
		state = end
	}
	path := make([]int8, len(chars))
	for i := len(chars) - 1; i >= 0; i-- {
		path[i] = state
		state = columns[i].before[state]
	}
	return path
}

// cutByModel appends the words of Chinese characters as the model sees them.
func cutByModel(tokens []string, text string) []string {
	path := mostProbable([]rune(text))
	start, at, next := 0, 0, 0 // of the word, of the character, behind the last word
	for _, state := range path {
		_, size := utf8.DecodeRuneInString(text[at:])
		switch state {
		case begin:
			start = at
		case end:
			next = at + size
			tokens = append(tokens, text[start:next])
		case single:
			next = at + size
			tokens = append(tokens, text[at:next])
		}
		at += size
	}
	if next < len(text) {
		tokens = append(tokens, text[next:])
	}
	return tokens
}
