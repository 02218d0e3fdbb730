package browser_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

func TestSection3_2Bug9_AScriptReturnsWhatJSONCanHold(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	c.use(t, id, "browse_url", "url", s.page("/a", `<title>T</title><p id=p class="c">x</p>`))
	for _, tt := range []struct{ script, want, kind string }{
		{"1 + 1", "2", "number"},
		{"document.title", `"T"`, "string"},
		{"() => document.title", `"T"`, "string"},
		{"async () => { await null; return [1, 'a', null, true] }", `[1,"a",null,true]`, "array"},
		{"function f() { return {b: 1, a: {c: []}} }; f", `{"b":1,"a":{"c":[]}}`, "object"},
		{"new Promise(done => setTimeout(() => done('late'), 10))", `"late"`, "string"},
		{"await Promise.resolve(7)", "7", "number"},
		{"const x1 = 2; x1 * 3", "6", "number"},
		{"const x1 = 2; x1 * 4", "8", "number"},
		{"return document.title", `"T"`, "string"},
		{"const y = await Promise.resolve(1); return y + 1", "2", "number"},
		{"undefined", "null", "undefined"},
		{"null", "null", "null"},
		{"() => {}", "null", "undefined"},
		{"NaN", `"[NaN]"`, "number"},
		{"-Infinity", `"[-Infinity]"`, "number"},
		{"12345678901234567890n", `"[BigInt 12345678901234567890]"`, "bigint"},
		{"Symbol('s')", `"[Symbol(s)]"`, "symbol"},
		{"() => alert", `"[function alert]"`, "function"},
		{"class A {}", "null", "undefined"},
		{"(class A {})", `"[function A]"`, "function"},
		{"document.getElementById('p')", `"[node <p id=\"p\" class=\"c\"></p>]"`, "node"},
		{"document.querySelectorAll('p')", `["[node <p id=\"p\" class=\"c\"></p>]"]`, "array"},
		{"window", `"[window]"`, "object"},
		{"const cyclic = {a: 1}; cyclic.self = [cyclic]; cyclic", `{"a":1,"self":["[cyclic]"]}`, "object"},
		{"const twice = {}; [twice, twice]", `[{},{}]`, "array"},
		{"[1n, undefined, () => 1, NaN, Symbol()]", `["[BigInt 1]","[undefined]","[function without a name]","[NaN]","[Symbol()]"]`, "array"},
		{"new Map([['a', 1]])", `[["a",1]]`, "map"},
		{"new Set([1, 2])", `[1,2]`, "set"},
		{"new Date(0)", `"1970-01-01T00:00:00.000Z"`, "date"},
		{"/a/g", `"[RegExp /a/g]"`, "regexp"},
		{"new Error('odd')", `"[Error: odd]"`, "error"},
		{"new Uint8Array([1, 2])", `[1,2]`, "typedarray"},
		{"({get a() { throw 'no' }, b: 1})", `{"a":"[throws no]","b":1}`, "object"},
		{"({toJSON: () => ({x: 1n})})", `{"x":"[BigInt 1]"}`, "object"},
		{`"<\u2028>&"`, `"<\u2028>&"`, "string"},
	} {
		result := c.Succeed(t, browserTool, map[string]any{"action": "execute_script", "browser_session_id": id, "script": tt.script})
		var got, want any
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(result.Variables["result"], &got); err != nil {
			t.Fatalf("%s: %v", tt.script, err)
		}
		if diff := cmp.Diff(want, got); diff != "" || object(t, result)["result_type"] != tt.kind {
			t.Errorf("%s is a %v: %s", tt.script, object(t, result)["result_type"], diff)
		}
		if diff := cmp.Diff(want, object(t, result)["result"]); diff != "" {
			t.Errorf("%s: the JSON and the output differ: %s", tt.script, diff)
		}
	}
}

func TestSection3_2Bug11_AScriptThatFailsSaysWhy(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	c.use(t, id, "browse_url", "url", s.page("/a", "x"))
	for _, tt := range []struct{ script, words string }{
		{"throw new TypeError('odd thing')", "TypeError: odd thing"},
		{"() => { throw 'a text' }", `threw "a text"`},
		{"Promise.reject(new Error('later'))", "Error: later"},
		{"async () => { throw {code: 1} }", "Object"},
		{"none()", "ReferenceError: none is not defined"},
		{"1 +", "SyntaxError"},
		{"'x'.repeat(2 << 20)", "2097154 characters, and at most 1048576"},
		{"Array.from({length: 20}, () => 'x'.repeat(100000))", "characters, and at most 1048576"},
		{"() => new Promise(() => location.reload())", "the page went to another one while the script was running"},
	} {
		toolstest.WantFailure(t, c.refuse(t, id, "execute_script", "script", tt.script), plugin.BadRequest, tt.words)
	}
}

func TestSection3_2Bug10_TheEnvironmentOfTheProcessStaysAsItWas(t *testing.T) {
	c := newBrowsers(t)
	before := os.Environ()
	c.use(t, c.open(t), "extract_content")
	if diff := cmp.Diff(before, os.Environ()); diff != "" {
		t.Error(diff)
	}
}
