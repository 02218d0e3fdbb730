package ter

import "math"

// beamWidth is how far from the diagonal of the table distances are computed.
const beamWidth = 25

// unreachable is a distance above all others.
const unreachable = 1 << 30

// An operation is how a cell of the table is reached.
type operation uint8

const (
	none operation = iota // the cell is out of reach
	keep
	replace
	remove // a word of the translation
	insert // a word of the reference
)

type cell struct {
	cost int32
	by   operation
}

// A row holds the cells of one word of the translation from a column on; the other ones are out of reach.
type row struct {
	first int
	cells []cell
}

func (r row) at(column int) cell {
	if i := column - r.first; i >= 0 && i < len(r.cells) {
		return r.cells[i]
	}
	return cell{unreachable, none}
}

// distance is the table of edit distances (V. I. Levenshtein, 1965) between the starts of a translation and those of a
// reference, near the diagonal, so that memory grows with their length and not with its square.
type distance struct {
	reference   []int32
	translation []int32 // that the rows were computed for
	rows        []row   // one more than the translation has words
}

// newDistance makes the table for translations of one length. The shape of its rows depends on nothing else.
func newDistance(length int, reference []int32) *distance {
	d := &distance{reference: reference, rows: make([]row, length+1)}
	columns := len(reference) + 1
	d.rows[0] = row{cells: make([]cell, columns)}
	for j := range d.rows[0].cells {
		d.rows[0].cells[j] = cell{int32(j), insert}
	}
	ratio := 1.0
	if length > 0 {
		ratio = float64(len(reference)) / float64(length)
	}
	width := beamWidth
	if float64(width) < ratio/2 {
		width = int(math.Ceil(float64(ratio/2) + float64(width)))
	}
	for i := 1; i <= length; i++ {
		diagonal := int(math.Floor(float64(float64(i) * ratio)))
		first, behind := max(0, diagonal-width), min(columns, diagonal+width)
		if i == length {
			behind = columns
		}
		d.rows[i] = row{first, make([]cell, behind-first)}
	}
	return d
}

// update computes all rows anew.
func (d *distance) update(translation []int32) {
	d.translation = translation
	for i := 1; i < len(d.rows); i++ {
		d.compute(i)
	}
}

// follow computes the rows for a translation from its first word on that differs from that of another table. The rows
// before it are those of the other table, and are not copied.
func (d *distance) follow(other *distance, translation []int32) {
	d.translation = translation
	same := 0
	for same < len(translation) && translation[same] == other.translation[same] {
		same++
	}
	for i := same + 1; i < len(d.rows); i++ {
		before := d.rows[i-1]
		if i == same+1 {
			before = other.rows[same]
		}
		d.computeBehind(before, i)
	}
	if same == len(translation) {
		copy(d.rows[same].cells, other.rows[same].cells)
	}
}

func (d *distance) compute(i int) { d.computeBehind(d.rows[i-1], i) }

// computeBehind computes row i, which stands behind another one. Of operations that cost the same, keeping and replacing
// come first, then removing, then inserting.
func (d *distance) computeBehind(before row, i int) {
	here := d.rows[i]
	word := d.translation[i-1]
	left := cell{unreachable, none}
	for k := range here.cells {
		j := here.first + k
		best := cell{unreachable, none}
		if j == 0 {
			best = cell{before.at(0).cost + 1, remove}
		} else {
			diagonal := before.at(j - 1).cost
			if word == d.reference[j-1] {
				best = cheaper(best, diagonal, keep)
			} else {
				best = cheaper(best, diagonal+1, replace)
			}
			best = cheaper(best, before.at(j).cost+1, remove)
			best = cheaper(best, left.cost+1, insert)
		}
		here.cells[k], left = best, best
	}
}

func cheaper(than cell, cost int32, by operation) cell {
	if cost < than.cost {
		return cell{cost, by}
	}
	return than
}

// total is the distance between the whole texts.
func (d *distance) total() int { return int(d.rows[len(d.rows)-1].at(len(d.reference)).cost) }

// An alignment says what became of words.
type alignment struct {
	// places are for each word of the reference the last place in the translation up to it, or -1.
	places []int
	// wrongOurs and wrongTheirs count the words before each place that have no equal partner.
	wrongOurs, wrongTheirs []int
}

// alignment goes back from the last cell along the cheapest way.
func (d *distance) alignment() alignment {
	ours, theirs := len(d.rows)-1, len(d.reference)
	a := alignment{make([]int, theirs), make([]int, ours+1), make([]int, theirs+1)}
	for i, j := ours, theirs; i > 0 || j > 0; {
		switch by := d.rows[i].at(j).by; by {
		case keep, replace:
			a.places[j-1] = i - 1
			if by == replace {
				a.wrongOurs[i], a.wrongTheirs[j] = 1, 1
			}
			i, j = i-1, j-1
		case remove:
			a.wrongOurs[i] = 1
			i--
		default:
			a.places[j-1] = i - 1
			a.wrongTheirs[j] = 1
			j--
		}
	}
	sumUp(a.wrongOurs)
	sumUp(a.wrongTheirs)
	return a
}

func sumUp(counts []int) {
	for i := 1; i < len(counts); i++ {
		counts[i] += counts[i-1]
	}
}

// worthwhile reports whether a phrase can be moved with gain: something in it is wrong where it stands, something is
// wrong where it would go, and that is not in the phrase itself.
func (a alignment) worthwhile(from, at, size int) bool {
	return a.wrongOurs[from+size] > a.wrongOurs[from] &&
		a.wrongTheirs[at+size] > a.wrongTheirs[at] &&
		(a.places[at] < from || a.places[at] >= from+size)
}
