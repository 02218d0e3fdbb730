package pack

import (
	"fmt"
	"strings"
)

// Problems are the reasons for which a plugin cannot be packed, or a package
// cannot be installed. Each says what is wrong and what to do about it.
type Problems []string

// Error returns the problems, one per line.
func (ps Problems) Error() string { return strings.Join(ps, "\n") }

func (ps *Problems) addf(format string, args ...any) { *ps = append(*ps, fmt.Sprintf(format, args...)) }

// add adds an error. Errors that are joined, like the faults of declarations,
// stand on a line each; every line becomes a problem.
func (ps *Problems) add(err error) {
	if err != nil {
		*ps = append(*ps, strings.Split(err.Error(), "\n")...)
	}
}

// err returns the problems, or nil when there are none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}
