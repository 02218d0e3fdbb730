package wordnet

import (
	"iter"
	"sort"
	"strings"
)

// The parts of speech, in the order of the bits of a record.
const (
	noun = iota
	verb
	adjective
	adverb

	parts
)

// group is how many words share an entry of an index.
const group = 16

// A table finds the record of a word.
type table struct {
	// names are the words, one a line, in the order of their bytes. The number of its line, from 0 on, is a word's id.
	names string
	// index says for each group of words where its names and its records begin, in four bytes each, little-endian.
	index string
	// records stand one after the other, each behind its length.
	records string
}

// A record holds for each part of speech that a word is, by the bits of its first byte, how many synonyms there are and
// the differences between their ids, the first of them to the id of the word itself.
type record string

// uvarint reads a number of seven bits a byte and returns the rest of the text.
func uvarint(text string) (int, string) {
	number, shift := 0, 0
	for i := range len(text) {
		number |= int(text[i]&0x7f) << shift
		if text[i] < 0x80 {
			return number, text[i+1:]
		}
		shift += 7
	}
	return number, ""
}

// begin is where a group begins: its names with offset 0, its records with 4.
func (t table) begin(number, offset int) int {
	at := number*8 + offset
	return int(t.index[at]) | int(t.index[at+1])<<8 | int(t.index[at+2])<<16 | int(t.index[at+3])<<24
}

// find returns the record of a word and its id.
func (t table) find(word string) (record, int, bool) {
	groups := len(t.index) / 8
	number := sort.Search(groups, func(i int) bool {
		first, _, _ := strings.Cut(t.names[t.begin(i, 0):], "\n")
		return first > word
	}) - 1
	if number < 0 {
		return "", 0, false
	}
	names, records := t.names[t.begin(number, 0):], t.records[t.begin(number, 4):]
	for i := range group {
		name, rest, more := strings.Cut(names, "\n")
		length, content := uvarint(records)
		if name == word {
			return record(content[:length]), number*group + i, true
		}
		if !more || name > word {
			break
		}
		names, records = rest, content[length:]
	}
	return "", 0, false
}

// name is the word with an id.
func (t table) name(id int) string {
	names := t.names[t.begin(id/group, 0):]
	for range id % group {
		_, names, _ = strings.Cut(names, "\n")
	}
	name, _, _ := strings.Cut(names, "\n")
	return name
}

// A list is what a record says about one part of speech.
type list struct {
	count   int
	encoded string
	self    int
}

// list finds a part of speech in the record of the word with an id. It is false where the word is not one.
func (r record) list(part, id int) (list, bool) {
	kinds, rest := r[0], string(r[1:])
	for p := range parts {
		if kinds&(1<<p) == 0 {
			continue
		}
		count, encoded := uvarint(rest)
		if p == part {
			return list{count, encoded, id}, true
		}
		rest = encoded
		for range count {
			_, rest = uvarint(rest)
		}
	}
	return list{}, false
}

// ids are the ids of the synonyms, from low to high.
func (l list) ids() iter.Seq[int] {
	return func(yield func(int) bool) {
		rest, id := l.encoded, l.self
		for i := range l.count {
			var step int
			step, rest = uvarint(rest)
			if i == 0 { // the first may be lower: the lowest bit is the sign
				step = step>>1 ^ -(step & 1)
			}
			id += step
			if !yield(id) {
				return
			}
		}
	}
}
