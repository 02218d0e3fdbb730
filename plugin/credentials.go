package plugin

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Credentials are what a user saved for the plugin's provider. They print as their names only, never as their
// values, whatever they are formatted with.
type Credentials struct {
	// The values stand behind a function, because package fmt asks the unexported fields of somebody's struct for no
	// method: it would print a map, and prints a function as an address. Nil means none.
	values func() map[string]any
}

// NewCredentials makes credentials from values, mostly for tests.
func NewCredentials(values map[string]any) Credentials {
	return credentialsOf(maps.Clone(values))
}

func credentialsOf(values map[string]any) Credentials {
	return Credentials{values: func() map[string]any { return values }}
}

func (c Credentials) all() map[string]any {
	if c.values == nil {
		return nil
	}
	return c.values()
}

// Get returns the named field as text, or "" where it is blank or missing. White space around it, which comes with
// copying and pasting, is removed.
func (c Credentials) Get(name string) string {
	switch v := c.all()[name].(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	default:
		return ""
	}
}

// Bool reports whether the named field is true. Blank, "false", "no" and "0" are false.
func (c Credentials) Bool(name string) bool {
	on, err := parseBool(c.Get(name))
	return err == nil && on
}

// Names returns the names of the fields that are not blank, sorted.
func (c Credentials) Names() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(c.all())) {
		if c.Get(name) != "" {
			names = append(names, name)
		}
	}
	return names
}

// String lists the names of the fields that are set.
func (c Credentials) String() string { return "credentials(" + strings.Join(c.Names(), ", ") + ")" }

// GoString is String, so that %#v shows no value either.
func (c Credentials) GoString() string { return c.String() }

// LogValue is String for package log/slog.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON writes the names of the fields that are set.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.String()) }
