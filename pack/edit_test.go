package pack

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSetReplacesOneTextAndNothingElse(t *testing.T) {
	tests := []struct {
		name, before, after string
	}{
		{"plain", "a: old # why\nb: 1\n", "a: new # why\nb: 1\n"},
		{"single quotes", "b: 1\na:   'old'   # why\n", "b: 1\na:   new   # why\n"},
		{"double quotes", "a: \"old\"\n", "a: new\n"},
		{"in a flow", "{b: 问, a: old, c: [1]}\n", "{b: 问, a: new, c: [1]}\n"},
		{"with an explicit document", "--- # top\na: old\n", "--- # top\na: new\n"},
		{"after a byte order mark", "\ufeffa: old\n", "\ufeffa: new\n"},
		{"lines of Windows", "b: 1\r\na: old\r\nc: 2\r\n", "b: 1\r\na: new\r\nc: 2\r\n"},
		{"on the next line", "a:\n  old\nb: 1\n", "a:\n  new\nb: 1\n"},
		{"without an end of line", "a: old", "a: new"},
		{"the same text", "a: 'new'\n", "a: 'new'\n"},
		{"missing", "b: 1\n", "b: 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &document{file: "x.yaml", text: test.before}
			if err := d.set("new", "a"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, d.text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSetFollowsKeysAndIndexes(t *testing.T) {
	d := &document{file: "x.yaml", text: "tools:\n  - a.yaml\n  - identity: {author: old}\n"}
	if err := d.set("new", "tools", 1, "identity", "author"); err != nil {
		t.Fatal(err)
	}
	if want := "tools:\n  - a.yaml\n  - identity: {author: new}\n"; d.text != want {
		t.Errorf("%q", d.text)
	}
	for _, at := range [][]any{{"tools", 0, "identity"}, {"tools", 7}, {"tools", "x"}} {
		if err := d.set("new", at...); err != nil {
			t.Errorf("%v: %v", at, err)
		}
	}
}

func TestSetQuotesWhatWouldBeNoText(t *testing.T) {
	for _, value := range []string{"123", "true", "null", "1e3", "2026-01-02", "-", "_"} {
		d := &document{file: "x.yaml", text: "a: old\n"}
		if err := d.set(value, "a"); err != nil {
			t.Errorf("%s: %v", value, err)
		}
		node, err := d.find([]any{"a"})
		if err != nil || node.ShortTag() != "!!str" || node.Value != value {
			t.Errorf("%s became %q: %v", value, d.text, err)
		}
	}
}

func TestSetRefusesWhatItCannotReplaceSafely(t *testing.T) {
	for name, text := range map[string]string{
		"a block":        "a: |\n  old\n",
		"a folded text":  "a: old\n  text\n",
		"an escape":      "a: \"\\x6fld\"\n",
		"a mapping":      "a: {b: old}\n",
		"a tag":          "a: !!str old\n",
		"not a mapping":  "- a\n",
		"not a document": "a: [\n",
	} {
		t.Run(name, func(t *testing.T) {
			d := &document{file: "x.yaml", text: text}
			err := d.set("new", "a")
			if err == nil || !strings.Contains(err.Error(), "x.yaml") {
				t.Errorf("error %v, text %q", err, d.text)
			}
			if d.text != text {
				t.Errorf("the text was changed to %q", d.text)
			}
		})
	}
}

func TestSetKeepsEveryOtherValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[a-z0-9_-]{1,12}`)
		quote := rapid.SampledFrom([]string{"", "'", `"`}).Draw(t, "quote")
		before := rapid.SampledFrom([]string{"", "# 注\n", "x: 'é: #'\n", "x: |\n  a: old\n"}).Draw(t, "before")
		after := rapid.SampledFrom([]string{"", " # note", "\ny: [a, old]", "\n\n# end"}).Draw(t, "after")
		old, value := "o"+word.Draw(t, "old"), word.Draw(t, "value")
		d := &document{file: "x.yaml", text: before + "a: " + quote + old + quote + after + "\n"}
		if err := d.set(value, "a"); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(d.text, before+"a: ") || !strings.HasSuffix(d.text, after+"\n") {
			t.Fatalf("changed too much: %q", d.text)
		}
		node, err := d.find([]any{"a"})
		if err != nil || node.Value != value {
			t.Fatalf("a is not %q in %q: %v", value, d.text, err)
		}
	})
}

func TestRemoveTakesAKeyWithAllThatBelongsToIt(t *testing.T) {
	tests := []struct {
		name, before, after string
	}{
		{"in the middle", "x: 1\na:\n  b:\n    # inner\n    c: 1\n\n# about y\ny: 2\n", "x: 1\n\n# about y\ny: 2\n"},
		{"at the end", "x: 1\na:\n- 1\n- 2\n", "x: 1\n"},
		{"at the start", "a: 1\nx: 1\n", "x: 1\n"},
		{"missing", "x:\n  a: 1\n", "x:\n  a: 1\n"},
		{"as the name of something else", "x: a\ny:\n  a: 1\na: 2\n", "x: a\ny:\n  a: 1\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &document{file: "x.yaml", text: test.before}
			if err := d.remove("a"); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, d.text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRemoveRefusesAFlow(t *testing.T) {
	d := &document{file: "x.yaml", text: "{a: 1, b: 2}\n"}
	if err := d.remove("a"); err == nil || !strings.Contains(err.Error(), "x.yaml: removing a") {
		t.Errorf("error %v, text %q", err, d.text)
	}
}

func TestAddPutsAKeyIntoAMapping(t *testing.T) {
	const parameters = "parameters:\n  - name: query # what\n    # of which type\n    type: string\n    label:\n      en_US: Query\n  - type: string\n    name: region\n    default: ''\n"
	tests := []struct {
		name, after string
		at          []any
	}{
		{"behind the first key", strings.Replace(parameters, "    type: string\n    label", "    default: \"1\"\n    type: string\n    label", 1), []any{"parameters", 0}},
		{"in the place of what it has", strings.Replace(parameters, "default: ''", "default: \"1\"", 1), []any{"parameters", 1}},
		{"nowhere, where the path ends", parameters, []any{"parameters", 2}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := &document{file: "x.yaml", text: parameters}
			if err := d.add("default", "1", test.at...); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, d.text); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAddRefusesALayoutThatItCannotChange(t *testing.T) {
	for _, text := range []string{"a: {b: 1, c: 2}\n", "a:\n  b: 1\n", "a: [b, c]\n", "a: b\n"} {
		d := &document{file: "x.yaml", text: text}
		if err := d.add("default", "1", "a"); err == nil || d.text != text {
			t.Errorf("%q became %q: %v", text, d.text, err)
		}
	}
}
