package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// FuzzLoad feeds Load three files of a plugin. It must never panic. What it
// returns is either a plugin whose JSON, written out as YAML, is a plugin with
// the same JSON; or faults whose lines lie within the files they name.
func FuzzLoad(f *testing.F) {
	base := files(f, "tool.txtar")
	manifest, provider, tool := base[Root].Data, base["provider/weather.yaml"].Data, base["tools/forecast.yaml"].Data
	swap := func(data []byte, old, replacement string) []byte {
		if !bytes.Contains(data, []byte(old)) {
			f.Fatalf("no %q in the seed", old)
		}
		return bytes.Replace(data, []byte(old), []byte(replacement), 1)
	}
	f.Add(manifest, provider, tool)
	for _, m := range [][]byte{
		nil,
		[]byte("\xef\xbb\xbf"),
		slices.Concat([]byte("\xef\xbb\xbf"), manifest),
		[]byte("- a\n- b\n"),
		[]byte("--- \n...\n---\n"),
		swap(manifest, "type: plugin", "type: plugin\ntype: bundle"),
		swap(manifest, "author: acme", "author: &a acme\nrepo: *a"),
		swap(manifest, "2025-09-05T10:00:00.000000+08:00", "2025-09-05"),
		swap(manifest, "provider/weather.yaml", "../provider/weather.yaml"),
		swap(manifest, "provider/weather.yaml", "manifest.yaml"),
		swap(manifest, "268435456", "0x7fffffffffffffff"),
		swap(manifest, "en_US: Weather", `en_US: "W\u0000\x85\u2028"`),
		swap(manifest, "name: weather", "name: \xff\xfe"),
		bytes.ReplaceAll(manifest, []byte("\n"), []byte("\r")),
	} {
		f.Add(m, provider, tool)
	}
	for _, p := range [][]byte{
		swap(provider, "  - tools/alarm.yaml", "  - tools/forecast.yaml"),
		swap(provider, "  api_key:", "  \"a\\n\\tb\":"),
		swap(provider, "default: north", "default: {north: [south]}"),
		swap(provider, "credentials_for_provider:", "credentials_schema: ~\ncredentials_for_provider:"),
		swap(provider, "  verbose:\n", "  <<: {a: b}\n  verbose:\n"),
		[]byte("tools: [{identity: {name: x}}, [], ~, 1, {}]\n"),
	} {
		f.Add(manifest, p, tool)
	}
	for _, t := range [][]byte{
		swap(tool, "minimum: -90", "minimum: "+strings.Repeat("[", 50)+strings.Repeat("]", 50)),
		swap(tool, "minimum: -90", strings.Repeat("{a: ", 200)),
		swap(tool, "minimum: -90", "? "+strings.Repeat("k", 2000)+"\n      : 1e3"),
		swap(tool, "default: 3", "default: .nan"),
		swap(tool, "default: 3", "default: 9007199254740993"),
		swap(tool, "default: celsius", "default: !!binary aGk="),
		swap(tool, "default: false", "default: !custom {a: 1}"),
		swap(tool, "    options:\n", "    options: &o\n      - *o\n"),
		[]byte("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]\n"),
		[]byte("? [a, b]\n: {c: d}\n"),
	} {
		f.Add(manifest, provider, t)
	}
	f.Fuzz(func(t *testing.T, manifest, provider, tool []byte) {
		fsys := files(t, "tool.txtar")
		fsys[Root].Data = manifest
		fsys["provider/weather.yaml"].Data = provider
		fsys["tools/forecast.yaml"].Data = tool
		p, err := Load(fsys)
		if err != nil {
			checkFaults(t, fsys, p, err)
			return
		}
		again, err := Load(rewritten(t, fsys, p))
		if err != nil {
			t.Fatalf("the JSON of a good plugin is a bad one: %v", err)
		}
		if diff := cmp.Diff(jsonOf(t, p), jsonOf(t, again)); diff != "" {
			t.Errorf("JSON after a round trip (-want +got):\n%s", diff)
		}
	})
}

func checkFaults(t *testing.T, fsys fstest.MapFS, p *Plugin, err error) {
	t.Helper()
	var faults Faults
	if !errors.As(err, &faults) || len(faults) == 0 || p != nil {
		t.Fatalf("got the plugin %v and a %T: %v", p, err, err)
	}
	for i, fault := range faults {
		f, ok := fsys[fault.File]
		switch {
		case !ok:
			t.Errorf("the fault %q names no file", fault)
		case fault.Line < 1 || fault.Line > 1+bytes.Count(f.Data, []byte("\n")):
			t.Errorf("the fault %q has a line outside of its file", fault)
		case fault.Message == "" || strings.ContainsAny(fault.Error(), "\n\r"):
			t.Errorf("the fault %q is not one line of text", fault)
		case i > 0 && (fault.File < faults[i-1].File || fault.File == faults[i-1].File && fault.Line < faults[i-1].Line):
			t.Errorf("the fault %q comes after %q", fault, faults[i-1])
		}
	}
}

// jsonOf returns all JSON that the host gets of a plugin.
func jsonOf(t *testing.T, p *Plugin) string {
	t.Helper()
	encoded, err := json.Marshal([]any{p, p.Tools, p.Datasources, p.Endpoints})
	if err != nil {
		t.Fatalf("a good plugin has no JSON: %v", err)
	}
	return string(encoded)
}

// rewritten returns a plugin whose declarations are the JSON of p, as YAML.
func rewritten(t *testing.T, fsys fstest.MapFS, p *Plugin) fstest.MapFS {
	t.Helper()
	write := func(file string, v any) {
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s has no JSON: %v", file, err)
		}
		fsys[file] = &fstest.MapFile{Data: yamlOf(t, encoded)}
	}
	write(Root, p)
	if p.Tools != nil {
		write(p.Tools.File, map[string]any{
			"identity":           p.Tools.Identity,
			"credentials_schema": p.Tools.Credentials,
			"oauth_schema":       p.Tools.OAuth,
			"tools":              parts(p.Tools.Tools, func(x *Tool) string { return x.File }, p.Tools.File, write),
		})
	}
	if p.Datasources != nil {
		write(p.Datasources.File, map[string]any{
			"identity":           p.Datasources.Identity,
			"provider_type":      p.Datasources.Type,
			"credentials_schema": p.Datasources.Credentials,
			"oauth_schema":       p.Datasources.OAuth,
			"datasources":        parts(p.Datasources.Datasources, func(x *Datasource) string { return x.File }, p.Datasources.File, write),
		})
	}
	if p.Endpoints != nil {
		write(p.Endpoints.File, p.Endpoints)
	}
	return fsys
}

// parts writes the parts that have files of their own to those files.
func parts[T any](list []T, fileOf func(T) string, provider string, write func(string, any)) (elements []any) {
	for _, part := range list {
		if file := fileOf(part); file != provider {
			write(file, part)
			elements = append(elements, file)
			continue
		}
		elements = append(elements, part)
	}
	return elements
}

// yamlOf rewrites JSON as YAML with every text in quotes.
func yamlOf(t *testing.T, encoded []byte) []byte {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(nodeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func nodeOf(v any) *yaml.Node {
	quoted := func(s string) *yaml.Node {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: s}
	}
	switch v := v.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for key, x := range v {
			node.Content = append(node.Content, quoted(key), nodeOf(x))
		}
		return node
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for _, x := range v {
			node.Content = append(node.Content, nodeOf(x))
		}
		return node
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
	case bool:
		node := &yaml.Node{}
		node.SetString("false")
		if v {
			node.SetString("true")
		}
		node.Tag = "!!bool"
		return node
	case string:
		return quoted(v)
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}
