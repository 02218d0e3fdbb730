package manifest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxFaults bounds the report. Whoever has a thousand faults to mend is not
// helped by more, and a hostile file must not fill the memory.
const maxFaults = 1000

// A Fault is one thing that is wrong in a declaration.
type Fault struct {
	// File is the path of the declaration, relative to the plugin's root.
	File string
	// Line counts from 1. It is 0 when the file could not be read at all.
	Line int
	// Field is the way to the value, such as parameters.city.default. Elements
	// of a list go by their name, or by their index when they have none. It is
	// empty when the fault concerns the file as a whole.
	Field string
	// Message says what is wrong and what to write instead.
	Message string
}

// Error returns the fault as file:line: field: message.
func (f Fault) Error() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d", f.Line)
	}
	b.WriteString(": ")
	if f.Field != "" {
		b.WriteString(f.Field + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults are all faults of a plugin's declarations, sorted by file and line.
// At most 1000 are listed; a last one then tells how many were left out.
type Faults []Fault

// Error returns the faults, one per line.
func (fs Faults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// report gathers faults while the declarations are read.
type report struct {
	faults Faults
	unseen int
}

func (r *report) add(f Fault) {
	if !r.full() {
		r.faults = append(r.faults, f)
	}
}

// full reports whether the next fault is left out, and counts it if so.
func (r *report) full() bool {
	if len(r.faults) < maxFaults {
		return false
	}
	r.unseen++
	return true
}

// err returns the sorted faults, or nil when there are none.
func (r *report) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	sorted := slices.Clone(r.faults)
	slices.SortStableFunc(sorted, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	if r.unseen > 0 {
		last := sorted[len(sorted)-1]
		sorted = append(sorted, Fault{
			File: last.File, Line: last.Line,
			Message: fmt.Sprintf("%d more faults are not shown; mend these first", r.unseen),
		})
	}
	return sorted
}
