package manifest

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A List is a slice that encodes to JSON as [] when it is nil: the host and
// the console refuse null where they expect a list.
type List[T any] []T

// MarshalJSON implements [json.Marshaler].
func (l List[T]) MarshalJSON() ([]byte, error) {
	if l == nil {
		return []byte("[]"), nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // whoever encodes the whole decides
	err := encoder.Encode([]T(l))
	return b.Bytes(), err
}

// A record is a declared object. Its table has one line for each key that the
// host knows; any other key is a fault, because the host drops it silently.
type record interface{ fields() []field }

// A verifier is a record with rules that concern more than one key. verify
// runs after all keys have been read.
type verifier interface{ verify(m mapping) }

// fieldTable is a record made of a table alone. It serves objects whose keys
// depend on where they stand.
type fieldTable func() []field

func (t fieldTable) fields() []field { return t() }

// A field is one line of a record's table.
type field struct {
	key      string
	required bool
	read     func(value) // nil: the key is known and left alone
	note     string      // what to write when a required key is missing
	refusal  string      // why the key must not be used
}

// must is a key that has to be there with a value: null and "" do not count.
func must(key string, read func(value)) field { return field{key: key, required: true, read: read} }

// may is a key that can be left out, which null does too.
func may(key string, read func(value)) field { return field{key: key, read: read} }

// ignored is a key that belongs to somebody else.
func ignored(key string) field { return field{key: key} }

// refused is a key that authors expect to work and that does not.
func refused(key, why string) field { return field{key: key, refusal: why} }

// or adds what to write instead of leaving a required key out.
func (f field) or(note string) field {
	f.note = note
	return f
}

// into reads a mapping into a record by the record's table.
func (v value) into(dst record) mapping {
	m := v.mapping()
	if !v.is(yaml.MappingNode, "a mapping of keys to values") {
		return m
	}
	table := dst.fields()
	for _, f := range table {
		f.apply(m)
	}
	for _, key := range m.keys {
		m.judgeKey(key, table)
	}
	if d, ok := dst.(verifier); ok {
		d.verify(m)
	}
	return m
}

// judgeKey reports a key that the table does not have or refuses.
func (m mapping) judgeKey(key *yaml.Node, table []field) {
	at := m.child(nil, key, keyLabel(key.Value))
	i := slices.IndexFunc(table, func(f field) bool { return f.key == key.Value })
	switch {
	case i < 0:
		at.faultf("is unknown to the host, which would drop it silently; known here are %s", knownKeys(table))
	case table[i].refusal != "":
		at.faultf("%s", table[i].refusal)
	}
}

func knownKeys(table []field) string {
	var known []string
	for _, f := range table {
		if f.refusal == "" {
			known = append(known, f.key)
		}
	}
	return strings.Join(known, ", ")
}

func (f field) apply(m mapping) {
	entry := m.entries[f.key]
	switch {
	case f.required && !m.has(f.key):
		m.at(f.key).faultf("is required%s", f.note)
	case f.required && entry.node.Kind == yaml.ScalarNode && entry.node.Value == "":
		entry.faultf("must not be empty%s", f.note)
	case f.read != nil && m.has(f.key):
		f.read(entry)
	}
}

// The functions below make the read column of a table: each returns a function
// that stores a value where dst points, or reports why it cannot.

func text(dst *string, checks ...check) func(value) {
	return func(v value) {
		s, ok := v.text()
		if !ok {
			return
		}
		*dst = s
		if s == "" {
			return
		}
		for _, complaint := range checks {
			if message := complaint(s); message != "" {
				v.faultf("%s", message)
			}
		}
	}
}

func texts(dst *List[string], checks ...check) func(value) {
	return func(v value) {
		if !v.is(yaml.SequenceNode, "a list") {
			return
		}
		for _, item := range v.items() {
			var s string
			if text(&s, checks...)(item); s == "" && item.node.ShortTag() == "!!str" {
				item.faultf("must not be empty")
			}
			*dst = append(*dst, s)
		}
	}
}

// filled reads a list that must have elements.
func filled(read func(value)) func(value) {
	return func(v value) {
		if read(v); v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0 {
			v.faultf("must not be empty")
		}
	}
}

func boolean(dst *bool) func(value) {
	return func(v value) {
		if v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!bool" && v.node.Decode(dst) == nil {
			return
		}
		if v.node.Kind != yaml.AliasNode {
			v.faultf("must be true or false, without quotes, not %s", v.written())
		}
	}
}

// written shows a scalar as it stands in the file, and the kind of the rest.
func (v value) written() string {
	if v.node.Kind == yaml.ScalarNode {
		return quoted(v.node.Value)
	}
	return v.kind()
}

// integer reads a whole number from low to high.
func integer(dst *int64, low, high int64) func(value) {
	return func(v value) {
		if v.node.Kind == yaml.AliasNode {
			return
		}
		var n int64
		whole := v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!int" && v.node.Decode(&n) == nil
		switch {
		case !whole:
			v.faultf("must be a whole number, without quotes, not %s", v.written())
		case n < low && high == math.MaxInt64:
			v.faultf("must be at least %d, not %d", low, n)
		case n < low || n > high:
			v.faultf("must be from %d to %d, not %d", low, high, n)
		default:
			*dst = n
		}
	}
}

// precision reads a number of decimal places.
func precision(dst **int) func(value) {
	return func(v value) {
		n := int64(-1)
		if integer(&n, 0, math.MaxInt32)(v); n >= 0 {
			places := int(n)
			*dst = &places
		}
	}
}

func number(dst **float64) func(value) {
	return func(v value) {
		if v.node.Kind == yaml.AliasNode {
			return
		}
		var f float64
		tag := v.node.ShortTag()
		if v.node.Kind != yaml.ScalarNode || tag != "!!int" && tag != "!!float" || v.node.Decode(&f) != nil {
			v.faultf("must be a number, without quotes, not %s", v.written())
			return
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			v.faultf("must be a finite number")
			return
		}
		*dst = &f
	}
}

// instant reads an RFC 3339 time. It reads the text and not YAML's notion of a
// date, which would accept a date without a zone and guess the zone.
func instant(dst *time.Time) func(value) {
	return func(v value) {
		s, ok := v.text()
		if !ok {
			return
		}
		var t time.Time
		if err := t.UnmarshalText([]byte(s)); err != nil || t.IsZero() {
			v.faultf("must be a time with its zone, like 2025-09-05T10:00:00+08:00, not %s", quoted(s))
			return
		}
		*dst = t
	}
}

// anything reads a value of any type.
func anything(dst *any) func(value) {
	return func(v value) {
		if x, ok := v.plain(); ok {
			*dst = x
		}
	}
}

// scalar reads a value of any type but lists and mappings.
func scalar(dst *any) func(value) {
	return func(v value) {
		if v.is(yaml.ScalarNode, "a single value") {
			anything(dst)(v)
		}
	}
}

func object(dst record) func(value) { return func(v value) { v.into(dst) } }

// pointer reads an object that may be absent.
func pointer[T any, P interface {
	*T
	record
}](dst **T,
) func(value) {
	return func(v value) {
		*dst = new(T)
		v.into(P(*dst))
	}
}

// objects reads a list of objects.
func objects[T any, P interface {
	*T
	record
}](dst *List[T],
) func(value) {
	return func(v value) {
		if !v.is(yaml.SequenceNode, "a list") {
			return
		}
		for _, item := range v.items() {
			var x T
			item.into(P(&x))
			*dst = append(*dst, x)
		}
	}
}

// unique reports elements of the list v that carry the same key twice.
func unique(v value, key string) {
	first := make(map[string]int)
	for _, item := range v.items() {
		m := item.mapping()
		name, at := m.textAt(key), m.at(key)
		if name == "" {
			continue
		}
		if line, seen := first[name]; seen {
			at.faultf("is %s again, as on line %d; it must be unique", quoted(name), line)
			continue
		}
		first[name] = at.line
	}
}
