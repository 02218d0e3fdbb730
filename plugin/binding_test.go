package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/manifest"
)

// bindTo binds parameters, given as the JSON that the host sends, to an input struct. declared are the declarations of
// the parameters, as maps.
func bindTo[In any](t testing.TB, params string, declared ...object) (In, error) {
	t.Helper()
	var in In
	fields, err := inputFields(reflect.TypeFor[In]())
	if err != nil {
		t.Fatal(err)
	}
	tool, err := manifest.FindTool(declare(t, toolOf("sample", declared...)), "sample")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := parseJSON(params)
	if err != nil {
		t.Fatal(err)
	}
	values, _ := parsed.(map[string]any)
	b := &binding{fields: fields, declared: tool, params: values}
	return in, b.into(reflect.ValueOf(&in).Elem())
}

// pointers tells nil, which an absent value leaves, from a zero that was given.
type (
	textInput struct {
		V *string `param:"v"`
	}
	literalInput struct {
		V *string `param:"v,literal"`
	}
	intInput struct {
		V *int64 `param:"v"`
	}
	floatInput struct {
		V *float64 `param:"v"`
	}
	boolInput struct {
		V *bool `param:"v"`
	}
	textsInput struct {
		V []string `param:"v"`
	}
	intsInput struct {
		V []int `param:"v"`
	}
	anysInput struct {
		V []any `param:"v"`
	}
	anyInput struct {
		V any `param:"v"`
	}
	literalAnyInput struct {
		V any `param:"v,literal"`
	}
	objectInput struct {
		V map[string]any `param:"v"`
	}
	objectsInput struct {
		V []map[string]any `param:"v"`
	}
	secondsInput struct {
		V *time.Duration `param:"v,unit=s"`
	}
	fileInput struct {
		V *InputFile `param:"v"`
	}
	filesInput struct {
		V []InputFile `param:"v"`
	}
)

// value is the V of an input struct, "absent" where it is nil.
func value[In any](t *testing.T, params string, declared ...object) (any, error) {
	t.Helper()
	in, err := bindTo[In](t, params, declared...)
	v := reflect.ValueOf(in).FieldByName("V")
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return "absent", err
		}
		return v.Elem().Interface(), err
	case reflect.Slice, reflect.Map, reflect.Interface:
		if v.IsNil() {
			return "absent", err
		}
	}
	return v.Interface(), err
}

func TestBinding(t *testing.T) {
	type try func(t *testing.T, params string, declared ...object) (any, error)
	const absent = "absent"
	const big = int64(1) << 60
	kinds := []struct {
		name string
		try  try
		kind string
		want map[string]any // by value in JSON; an error by the beginning of its sentence
	}{
		{"text", value[textInput], "string", map[string]any{
			`null`: absent, `""`: absent, `" "`: " ", `"abc"`: "abc", `" x "`: " x ", `3`: "3", `3.0`: "3.0", `true`: "true",
			`1152921504606846976`: "1152921504606846976", `[]`: fail("must be text, it is an array"), `{}`: fail("must be text, it is an object"),
		}},
		{"literal text", value[literalInput], "string", map[string]any{`null`: absent, `""`: "", `" "`: " ", `"abc"`: "abc"}},
		{"a whole number", value[intInput], "number", map[string]any{
			`null`: absent, `""`: absent, `" "`: absent, `"3"`: int64(3), `" 3 "`: int64(3), `3`: int64(3), `3.0`: int64(3), `"3.0"`: int64(3), `3e2`: int64(300), `"-7"`: int64(-7),
			`1152921504606846976`: big, `"1152921504606846977"`: big + 1, `9007199254740993.0`: fail("must be a whole number"),
			`3.5`: fail(`must be a whole number, it is "3.5"`), `"abc"`: fail(`must be a whole number, it is "abc"`), `true`: fail("must be a whole number, it is true or false"),
			`[3]`: fail("must be a whole number, it is an array"), `{}`: fail("must be a whole number, it is an object"),
			`9223372036854775808`: fail("must be a whole number"), `1e400`: fail("must be a whole number"), `"NaN"`: fail("must be a whole number"), `"Inf"`: fail("must be a whole number"),
		}},
		{"a number", value[floatInput], "number", map[string]any{
			`null`: absent, `""`: absent, `"\t"`: absent, `3`: 3.0, `"2.5"`: 2.5, `" 2.5 "`: 2.5, `3e2`: 300.0, `-0.5`: -0.5,
			`"abc"`: fail(`must be a number, it is "abc"`), `true`: fail("must be a number, it is true or false"), `"NaN"`: fail("must be a number"), `1e400`: fail("must be a number"),
			`[]`: fail("must be a number, it is an array"),
		}},
		{"true or false", value[boolInput], "boolean", map[string]any{
			`null`: absent, `""`: absent, `" "`: absent, `true`: true, `false`: false, `"true"`: true, `"True"`: true, `" yes "`: true, `"on"`: true, `1`: true, `1.0`: true, `"1"`: true,
			`"false"`: false, `"no"`: false, `"0"`: false, `0`: false, `0.0`: false, `"off"`: false,
			`"abc"`: fail(`must be true or false, it is "abc"`), `2`: fail(`must be true or false, it is "2"`), `[]`: fail("must be true or false, it is an array"),
		}},
		{"a duration", value[secondsInput], "number", map[string]any{
			`null`: absent, `""`: absent, `3`: 3 * time.Second, `"2.5"`: 2500 * time.Millisecond, `0`: time.Duration(0), `-1`: -time.Second,
			`1e300`: fail("is too large"), `9223372037`: fail("is too large"), `"soon"`: fail("must be a number"),
		}},
		{"texts", value[textsInput], "array", map[string]any{
			`null`: absent, `""`: absent, `[]`: []string{}, `["a",3]`: []string{"a", "3"}, `"[\"a\", \"b\"]"`: []string{"a", "b"}, `"one"`: []string{"one"}, `7`: []string{"7"},
			`"[1"`: fail("must be an array, it is text that is not JSON"), `["a",null]`: fail("holds nothing at place 2"), `[["a"]]`: fail("at place 1: must be text, it is an array"),
			`{"a":1}`: fail("at place 1: must be text, it is an object"), `"[1] [2]"`: fail("must be an array, it is text that is not JSON"),
		}},
		{"whole numbers", value[intsInput], "array", map[string]any{
			`[1,"2",3.0]`: []int{1, 2, 3}, `5`: []int{5}, `"[1,2]"`: []int{1, 2}, `[1,""]`: fail("at place 2: must be a whole number"), `[1.5]`: fail("at place 1: must be a whole number"),
		}},
		{"anything in a list", value[anysInput], "array", map[string]any{
			`[1,null,"",{"a":[2]}]`: []any{json.Number("1"), nil, "", map[string]any{"a": []any{json.Number("2")}}}, `"x"`: []any{"x"},
		}},
		{"anything", value[anyInput], "any", map[string]any{
			`null`: absent, `""`: absent, `9007199254740993`: json.Number("9007199254740993"), `"[1]"`: "[1]", `{"a":null}`: map[string]any{"a": nil}, `false`: false,
		}},
		{"anything literal", value[literalAnyInput], "any", map[string]any{`null`: absent, `""`: "", `" "`: " "}},
		{"an object", value[objectInput], "object", map[string]any{
			`null`: absent, `""`: absent, `{}`: map[string]any{}, `{"n":9007199254740993}`: map[string]any{"n": json.Number("9007199254740993")},
			`"{\"n\": 9007199254740993}"`: map[string]any{"n": json.Number("9007199254740993")},
			`"{"`:                         fail("must be an object, it is text that is not JSON"), `"[]"`: fail("must be an object, it is an array"), `[]`: fail("must be an object, it is an array"),
		}},
		{"objects", value[objectsInput], "array", map[string]any{
			`[{"a":1},"{\"b\":2}"]`: []map[string]any{{"a": json.Number("1")}, {"b": json.Number("2")}}, `{"a":1}`: []map[string]any{{"a": json.Number("1")}},
		}},
		{"a file", value[fileInput], "file", map[string]any{
			`null`: absent, `""`: absent,
			`{"dify_model_identity":"__dify__file__","mime_type":"application/pdf","filename":"dir/a.pdf","extension":".pdf","size":1234,"type":"document","url":"http://x/a"}`: InputFile{
				Name: "a.pdf", Type: "application/pdf", Kind: "document", Size: 1234, url: "http://x/a",
			},
			`{"url":"http://x/a"}`:   InputFile{Size: -1, url: "http://x/a"},
			`[{"url":"http://x/a"}]`: InputFile{Size: -1, url: "http://x/a"},
			`{"url":"u","mime_type":null,"filename":null,"size":null,"type":null}`: InputFile{Size: -1, url: "u"},
			`{"url":"u","size":-4}`:          InputFile{Size: -1, url: "u"},
			`{"filename":"a.pdf"}`:           fail("is a file without a url"),
			`{"url":null}`:                   fail("is a file without a url"),
			`"http://x/a"`:                   fail("must be a file, it is text"),
			`[{"url":"u"},{"url":"second"}]`: fail("must be a file, it is an array"),
		}},
		{"files", value[filesInput], "files", map[string]any{
			`null`: absent, `[]`: []InputFile{}, `{"url":"u"}`: []InputFile{{Size: -1, url: "u"}}, `[{"url":"u"},{"url":"v"}]`: []InputFile{{Size: -1, url: "u"}, {Size: -1, url: "v"}},
			`[{}]`: fail("at place 1: is a file without a url"),
		}},
	}
	for _, k := range kinds {
		for given, want := range k.want {
			t.Run(k.name+" from "+given, func(t *testing.T) {
				got, err := k.try(t, `{"v":`+given+`}`, parameterOf("v", k.kind))
				if wanted, isFault := want.(fail); isFault {
					if err == nil || !strings.HasPrefix(err.Error(), "sample was not run: v "+string(wanted)) {
						t.Errorf("error = %v, want %s", err, wanted)
					}
					if KindOf(err) != BadRequest {
						t.Errorf("kind = %s", KindOf(err))
					}
					return
				}
				if diff := cmp.Diff(want, got, cmpopts.EquateComparable(), cmp.AllowUnexported(InputFile{})); err != nil || diff != "" {
					t.Errorf("error %v, (-want +got):\n%s", err, diff)
				}
			})
		}
	}
}

// fail is the beginning of an error that is wanted.
type fail string

func TestBindingAppliesTheDefaults(t *testing.T) {
	type input struct {
		Int   int            `param:"int"`
		Float float64        `param:"float"`
		Big   int64          `param:"big"`
		Bool  bool           `param:"bool"`
		Text  string         `param:"text"`
		List  []string       `param:"list"`
		Map   map[string]any `param:"map"`
		Wait  time.Duration  `param:"wait,unit=ms"`
		Any   any            `param:"any"`
	}
	declared := []object{
		parameterOf("int", "number", object{"default": 3}), parameterOf("float", "number", object{"default": 2.5}),
		parameterOf("big", "number", object{"default": int64(1)<<60 + 1}), parameterOf("bool", "boolean", object{"default": true}),
		parameterOf("text", "string", object{"default": "hi"}), parameterOf("list", "array", object{"default": []any{"a", 2}}),
		parameterOf("map", "object", object{"default": object{"n": 5, "deep": []any{1.5}}}), parameterOf("wait", "number", object{"default": 1500}),
		parameterOf("any", "any", object{"default": 7}),
	}
	want := input{
		3, 2.5, 1<<60 + 1, true, "hi",
		[]string{"a", "2"},
		map[string]any{"n": json.Number("5"), "deep": []any{json.Number("1.5")}},
		1500 * time.Millisecond, json.Number("7"),
	}
	for name, params := range map[string]string{
		"nothing given": `null`, "nulls given": `{"int":null,"text":null,"list":null}`, "blanks given": `{"int":"","float":" ","bool":"","text":"","map":"","wait":"","any":""}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := bindTo[input](t, params, declared...)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("error %v, (-want +got):\n%s", err, diff)
			}
		})
	}
	t.Run("all given", func(t *testing.T) {
		got, err := bindTo[input](t, `{"int":0,"float":0,"big":0,"bool":false,"text":" ","list":[],"map":{},"wait":0,"any":false}`, declared...)
		want := input{Text: " ", List: []string{}, Map: map[string]any{}, Any: false}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("error %v, (-want +got):\n%s", err, diff)
		}
	})
}

func TestBindingOfChoicesAndRanges(t *testing.T) {
	type input struct {
		Mode  string   `param:"mode"`
		Modes []string `param:"modes"`
		N     int      `param:"n"`
		Low   float64  `param:"low"`
		High  int      `param:"high"`
	}
	declared := []object{
		parameterOf("mode", "select", optionsOf("fast", "slow")), parameterOf("modes", "select", optionsOf("a", "b"), object{"multiple": true}),
		parameterOf("n", "number", object{"min": 1, "max": 10}), parameterOf("low", "number", object{"min": 0.5}), parameterOf("high", "number", object{"max": 9}),
	}
	for params, want := range map[string]any{
		`{"mode":" fast ","modes":["a"," b"],"n":10,"low":0.5,"high":9}`: input{"fast", []string{"a", "b"}, 10, 0.5, 9},
		`{"modes":"b","n":"1.0"}`: input{Modes: []string{"b"}, N: 1},
		`{"mode":"quick"}`:        fail(`mode must be one of fast, slow, it is "quick"`),
		`{"mode":"Fast"}`:         fail(`mode must be one of fast, slow, it is "Fast"`),
		`{"modes":["a","c"]}`:     fail(`modes at place 2: must be one of a, b, it is "c"`),
		`{"n":0}`:                 fail(`n must be from 1 to 10, it is 0`),
		`{"n":11}`:                fail(`n must be from 1 to 10, it is 11`),
		`{"low":0.4}`:             fail(`low must be at least 0.5, it is 0.4`),
		`{"high":10}`:             fail(`high must be at most 9, it is 10`),
	} {
		t.Run(params, func(t *testing.T) {
			got, err := bindTo[input](t, params, declared...)
			if wanted, isFault := want.(fail); isFault {
				if err == nil || err.Error() != "sample was not run: "+string(wanted) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if diff := cmp.Diff(want, any(got)); err != nil || diff != "" {
				t.Errorf("error %v, (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestBindingNamesEveryFaultAtOnce(t *testing.T) {
	type shared struct {
		Region string `param:"region"`
	}
	type input struct {
		shared
		N    int    `param:"n"`
		On   bool   `param:"on"`
		Kept string `param:"kept"`
	}
	_, err := bindTo[input](t, `{"n":"x","on":"perhaps","kept":"fine","extra":1}`,
		parameterOf("region", "string", object{"required": true}), parameterOf("n", "number"), parameterOf("on", "boolean"), parameterOf("kept", "string"))
	want := `sample was not run, 3 parameters are wrong: region is required; n must be a whole number, it is "x"; on must be true or false, it is "perhaps"`
	if err == nil || err.Error() != want {
		t.Errorf("error = %v\n want %s", err, want)
	}
}

func TestARequiredParameterMayBeEmptyContentButNotBlank(t *testing.T) {
	required := parameterOf("v", "string", object{"required": true})
	if got, err := value[literalInput](t, `{"v":""}`, required); err != nil || got != "" {
		t.Errorf("literal: %v, %v", got, err)
	}
	if _, err := value[textInput](t, `{"v":""}`, required); err == nil || !strings.HasSuffix(err.Error(), "v is required") {
		t.Errorf("plain: %v", err)
	}
}

func TestBindingFillsEmbeddedStructs(t *testing.T) {
	type deep struct {
		Key string `param:"key"`
	}
	type Shared struct {
		deep
		Region string `param:"region"`
	}
	type input struct {
		Shared
		N int `param:"n"`
	}
	got, err := bindTo[input](t, `{"key":"k","region":"r","n":1}`, parameterOf("key", "string"), parameterOf("region", "string"), parameterOf("n", "number"))
	if err != nil || got.Key != "k" || got.Region != "r" || got.N != 1 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestBindingNeverEchoesASecret(t *testing.T) {
	type tagged struct {
		Pin int `param:"pin,secret"`
	}
	type declaredSecret struct {
		Token bool `param:"token"`
	}
	long := strings.Repeat("s3cret", 20)
	for _, secret := range []string{"12x", long, "tab\tand \"quote\" s3cret"} {
		given, _ := json.Marshal(secret)
		_, err := bindTo[tagged](t, `{"pin":`+string(given)+`}`, parameterOf("pin", "string"))
		checkSecret(t, err, secret)
		_, err = bindTo[declaredSecret](t, `{"token":`+string(given)+`}`, parameterOf("token", "secret-input"))
		checkSecret(t, err, secret)
	}
}

func checkSecret(t *testing.T, err error, secret string) {
	t.Helper()
	if err == nil || strings.Contains(err.Error(), secret[:3]) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error = %v, want one without the secret", err)
	}
}

func TestLongValuesAreCutInErrors(t *testing.T) {
	_, err := bindTo[intInput](t, `{"v":"`+strings.Repeat("存", 100)+`"}`, parameterOf("v", "number"))
	if err == nil || len(err.Error()) > 150 || !strings.Contains(err.Error(), "存存") || !strings.HasSuffix(err.Error(), "…") || strings.Contains(err.Error(), `\x`) {
		t.Errorf("error = %v", err)
	}
}

// everyKind has a field of every type that can receive a parameter.
type everyKind struct {
	Text    string            `param:"text"`
	Literal string            `param:"literal,literal"`
	Int     int               `param:"int"`
	Int64   *int64            `param:"int64"`
	Float   float64           `param:"float"`
	Bool    *bool             `param:"bool"`
	Any     any               `param:"any"`
	Object  map[string]any    `param:"object"`
	Objects *[]map[string]any `param:"objects"`
	Wait    time.Duration     `param:"wait,unit=h"`
	File    InputFile         `param:"file"`
	Files   []InputFile       `param:"files"`
	Texts   []string          `param:"texts"`
	Ints    []int             `param:"ints"`
	Floats  []float64         `param:"floats"`
	Bools   []bool            `param:"bools"`
	Anys    []any             `param:"anys"`
	Select  string            `param:"select"`
	Selects []string          `param:"selects"`
}

// kindNames are the parameters of everyKind.
var kindNames = []string{
	"text", "literal", "int", "int64", "float", "bool", "any", "object", "objects", "wait", "file", "files", "texts", "ints", "floats", "bools", "anys", "select", "selects",
}

var parameterKinds = []string{
	"string", "number", "boolean", "select", "secret-input", "file", "files", "app-selector", "model-selector", "any", "dynamic-select", "array", "object", "checkbox", "date", "date-range",
}

// bindAny binds a value to every parameter of everyKind, all declared as kind. It checks what must hold of any result.
func bindAny(t interface {
	Fatalf(format string, args ...any)
}, kind string, given any, low, high *float64,
) {
	fields, err := inputFields(reflect.TypeFor[everyKind]())
	if err != nil {
		t.Fatalf("%v", err)
	}
	tool := &manifest.Tool{Identity: manifest.Identity{Name: "sample"}}
	params := map[string]any{}
	for _, name := range kindNames {
		p := manifest.Parameter{Name: name, Type: kind, Min: low, Max: high}
		if kind == "select" {
			p.Options = manifest.List[manifest.Option]{{Value: "a"}, {Value: "b"}}
		}
		tool.Parameters = append(tool.Parameters, p)
		params[name] = given
	}
	for _, f := range fields {
		var in everyKind
		one := &binding{fields: []field{f}, declared: tool, params: params}
		err := one.into(reflect.ValueOf(&in).Elem())
		if err != nil {
			if !strings.Contains(err.Error(), f.name) || KindOf(err) != BadRequest {
				t.Fatalf("an error that does not name %s: %v", f.name, err)
			}
			continue
		}
		if kind == "select" && in.Select != "" && in.Select != "a" && in.Select != "b" {
			t.Fatalf("a select took %q", in.Select)
		}
		for _, n := range append([]int{in.Int}, in.Ints...) {
			if n != 0 && (low != nil && float64(n) < *low || high != nil && float64(n) > *high) {
				t.Fatalf("%d is outside of the range", n)
			}
		}
		for _, n := range append([]float64{in.Float}, in.Floats...) {
			if n != 0 && (low != nil && n < *low || high != nil && n > *high) || math.IsNaN(n) || math.IsInf(n, 0) {
				t.Fatalf("%v is outside of the range", n)
			}
		}
	}
}

func TestBindingNeverPanics(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom(parameterKinds).Draw(t, "kind")
		given := anyJSON(2).Draw(t, "given")
		low, high := rapid.Float64Range(-100, 0).Draw(t, "low"), rapid.Float64Range(0, 1e6).Draw(t, "high")
		bindAny(t, kind, given, &low, &high)
		bindAny(t, kind, given, nil, nil)
	})
}

// anyJSON draws a value as it comes from the host.
func anyJSON(depth int) *rapid.Generator[any] {
	leaves := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Just[any](true), rapid.Just[any](""), rapid.Just[any](" "), rapid.Just[any]("[1,2]"), rapid.Just[any](`{"url":"u"}`),
		rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int64(), func(n int64) any { return json.Number(fmt.Sprint(n)) }),
		rapid.Map(rapid.Float64(), func(n float64) any { return json.Number(fmt.Sprint(n)) }),
		rapid.Map(rapid.Float64(), func(n float64) any { return fmt.Sprint(n) }),
	}
	if depth > 0 {
		inner := anyJSON(depth - 1)
		leaves = append(leaves,
			rapid.Map(rapid.SliceOfN(inner, 0, 3), func(list []any) any { return list }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"url", "size", "a"}), inner, 0, 3), func(m map[string]any) any { return m }))
	}
	return rapid.OneOf(leaves...)
}

// FuzzBinding holds the binding to this: whatever the host sends for whatever is declared, it never panics; it gives
// an error that names the parameter, or values that are among the declared options and within the declared range.
func FuzzBinding(f *testing.F) {
	values := []string{
		`null`, `""`, `" "`, `"abc"`, `3`, `3.0`, `"3.0"`, `3e2`, `1152921504606846976`, `1e400`, `-0`, `true`, `"false"`, `"no"`, `[]`, `[1,"2",null]`, `"[1,2]"`, `"["`, `{}`,
		`{"url":"u","size":1e99}`, `[{"url":"u"}]`, `"a"`, `" b "`, `["a","b"]`, `[["a"]]`, `"{\"a\":1}"`, `"0x10"`, `"1_000"`, `"NaN"`, `"\ud800"`, `9223372036854775807`,
	}
	for i, value := range values {
		f.Add(i%len(parameterKinds), value, -1.5, 10.0)
	}
	f.Fuzz(func(t *testing.T, kind int, value string, low, high float64) {
		given, err := parseJSON(value)
		if err != nil || math.IsNaN(low) || math.IsNaN(high) {
			return
		}
		bindAny(t, parameterKinds[uint(kind)%uint(len(parameterKinds))], given, &low, &high)
	})
}
