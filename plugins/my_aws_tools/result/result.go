// Package result writes what tools return in the forms that workflows rely on.
package result

import (
	"maps"
	"slices"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
)

// Outputs are the variables of a result by name.
type Outputs map[string]any

// Send sets each variable, in the order of their names.
func (o Outputs) Send(call *plugin.Call) error {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if err := call.Variable(name, o[name]); err != nil {
			return err
		}
	}
	return nil
}

// Time writes a time in UTC as Python's isoformat does: 2025-01-02T03:04:05+00:00, with six digits behind the seconds
// only where they are not zero. No time is null.
func Time(t *time.Time) any {
	if t == nil {
		return nil
	}
	if t.Nanosecond()/int(time.Microsecond) == 0 {
		return t.UTC().Format("2006-01-02T15:04:05+00:00")
	}
	return t.UTC().Format("2006-01-02T15:04:05.000000+00:00")
}

// OrNull is a text, or null where there is none.
func OrNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}
