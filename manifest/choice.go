package manifest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An Option is one entry of a select.
type Option struct {
	// Value is what the plugin receives. It is always text.
	Value string `json:"value"`
	Label I18n   `json:"label"`
	// Icon is a URL or the name of a file; credentials have none.
	Icon string `json:"icon,omitempty"`
}

func (o *Option) fields() []field {
	return []field{
		must("value", text(&o.Value)).or("; an empty choice cannot be declared"),
		must("label", object(&o.Label)),
		may("icon", text(&o.Icon)),
		refused("show_on", "is dropped by the host: options are always shown"),
	}
}

// shapes says what a default must be, by the declared type of a parameter or a
// credential. Types that are not listed take any default.
var shapes = map[string]shape{
	"string":         textual,
	"secret-input":   textual,
	"text-input":     textual,
	"select":         textual,
	"dynamic-select": textual,
	"date":           textual,
	"number":         numeric,
	"boolean":        logical,
	"checkbox":       logical,
	"array":          {"a list", func(x any) bool { _, ok := x.([]any); return ok }},
	"object":         {"a mapping", func(x any) bool { _, ok := x.(map[string]any); return ok }},
	"file":           {"left out, a file has no default", func(any) bool { return false }},
	"files":          {"left out, files have no default", func(any) bool { return false }},
}

// A shape is a set of values.
type shape struct {
	name string
	has  func(any) bool
}

var (
	textual   = shape{"text, in quotes where needed", func(x any) bool { _, ok := x.(string); return ok }}
	logical   = shape{"true or false, without quotes", func(x any) bool { _, ok := x.(bool); return ok }}
	numeric   = shape{"a number, without quotes", func(x any) bool { _, ok := float(x); return ok }}
	textsOnly = shape{"a list of texts, because of multiple: true", func(x any) bool {
		list, ok := x.([]any)
		return ok && !slices.ContainsFunc(list, func(x any) bool { return !textual.has(x) })
	}}
)

func float(x any) (float64, bool) {
	switch n := x.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case uint64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// A choice is what parameters and credentials have in common: a type and the
// values that it allows.
type choice struct {
	kind     string
	preset   any // the default
	options  List[Option]
	multiple bool
	min, max *float64
}

// multiples are the types that can hold several options.
var multiples = []string{"select", "dynamic-select"}

func (c choice) verify(m mapping) {
	options := m.at("options")
	switch {
	case c.kind != "select":
	case !m.has("options"):
		options.faultf("is required for a select")
	case options.node.Kind == yaml.SequenceNode && len(options.node.Content) == 0:
		options.faultf("must not be empty for a select")
	}
	unique(options, "value")
	if c.min != nil && c.max != nil && *c.min > *c.max {
		m.at("min").faultf("must not be greater than max, %s", decimal(*c.max))
	}
	c.verifyDefault(m)
}

func (c choice) verifyDefault(m mapping) {
	if c.preset == nil {
		return
	}
	at := m.at("default")
	wanted, known := shapes[c.kind]
	if c.multiple && slices.Contains(multiples, c.kind) {
		wanted = textsOnly
	}
	if known && !wanted.has(c.preset) {
		at.faultf("must be %s, not %s", wanted.name, at.written())
		return
	}
	c.verifyListed(at)
	n, ok := float(c.preset)
	switch {
	case !ok:
	case c.min != nil && n < *c.min:
		at.faultf("must not be less than min, %s", decimal(*c.min))
	case c.max != nil && n > *c.max:
		at.faultf("must not be greater than max, %s", decimal(*c.max))
	}
}

// verifyListed reports a default that is none of the options.
func (c choice) verifyListed(at value) {
	if c.kind != "select" || len(c.options) == 0 {
		return
	}
	presets, several := c.preset.([]any)
	if !several {
		presets = []any{c.preset}
	}
	for _, preset := range presets {
		if !slices.ContainsFunc(c.options, func(o Option) bool { return o.Value == preset }) {
			at.faultf("must be among the options, and %s is not", quoted(shown(preset)))
		}
	}
}

func shown(x any) string {
	if s, ok := x.(string); ok {
		return s
	}
	encoded, _ := json.Marshal(x)
	return string(encoded)
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// scopes lists what a scope may name, by the type that it narrows. No other
// type has a scope.
var scopes = map[string][]string{
	"app-selector": {"all", "chat", "workflow", "completion"},
	"model-selector": {
		"llm", "text-embedding", "rerank", "tts", "speech2text", "moderation",
		"vision", "document", "tool-call",
	},
	"any": {
		"string", "number", "object",
		"array[number]", "array[string]", "array[object]", "array[file]",
	},
}

// verifyScope judges the scope of a parameter or credential of a known type.
// The host is content with one good word in a&b; a misspelt one only shows
// when a user misses a model.
func verifyScope(m mapping, kind, scope string, kinds []string) {
	if !m.has("scope") || !slices.Contains(kinds, kind) {
		return
	}
	at := m.at("scope")
	words, ok := scopes[kind]
	if !ok {
		at.faultf("is refused by the host on type %s; only app-selector, model-selector and any have a scope", kind)
		return
	}
	for word := range strings.SplitSeq(scope, "&") {
		if complaint := oneOf(words)(strings.TrimSpace(word)); complaint != "" {
			at.faultf("%s", complaint)
		}
	}
}

// AutoGenerate lets the console write a value with the help of a model.
type AutoGenerate struct {
	Type string `json:"type"`
}

func (a *AutoGenerate) fields() []field {
	return []field{must("type", text(&a.Type, oneOf([]string{"prompt_instruction"})))}
}

// Template lets a value refer to variables.
type Template struct {
	Enabled bool `json:"enabled"`
}

func (t *Template) fields() []field { return []field{may("enabled", boolean(&t.Enabled))} }

// outputSchema reads the declared outputs of a tool or datasource: a JSON
// schema of an object, whose properties become variables of the node.
func outputSchema(dst *map[string]any, taken ...string) func(value) {
	return func(v value) {
		if !v.is(yaml.MappingNode, "a mapping, the JSON schema of an object") {
			return
		}
		schema := v.mapping()
		if schema.textAt("type") != "object" {
			schema.at("type").faultf("must be object")
		}
		verifyProperties(schema, taken)
		if x, ok := v.plain(); ok {
			*dst, _ = x.(map[string]any)
		}
	}
}

func verifyProperties(schema mapping, taken []string) {
	if !schema.has("properties") {
		schema.at("properties").faultf("is required: a mapping of output names to their JSON schemas")
		return
	}
	if !schema.at("properties").is(yaml.MappingNode, "a mapping of output names to their JSON schemas") {
		return
	}
	properties := schema.at("properties").mapping()
	for _, key := range properties.keys {
		at := properties.child(nil, key, keyLabel(key.Value))
		if slices.Contains(taken, key.Value) {
			at.faultf("is the name of an output that every tool has; choose another")
		}
	}
}
