package plugin

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/manifest"
)

// agreeing is the input of a tool with a parameter of each type.
type agreeing struct {
	S    string           `param:"s"`
	N    int              `param:"n"`
	B    bool             `param:"b"`
	Sel  string           `param:"sel"`
	Sels []string         `param:"sels"`
	Sec  string           `param:"sec,secret"`
	F    *InputFile       `param:"f"`
	Fs   []InputFile      `param:"fs"`
	A    []any            `param:"a"`
	O    map[string]any   `param:"o"`
	Any  any              `param:"any"`
	Dyn  string           `param:"dyn"`
	App  map[string]any   `param:"app"`
	List []map[string]any `param:"list"`
	Date string           `param:"date"`
}

func agreeingTool() object {
	return toolOf("t",
		parameterOf("s", "string"), parameterOf("n", "number"), parameterOf("b", "boolean"), parameterOf("sel", "select", optionsOf("x")),
		parameterOf("sels", "select", optionsOf("x"), object{"multiple": true}), parameterOf("sec", "secret-input"), parameterOf("f", "file"),
		parameterOf("fs", "files"), parameterOf("a", "array"), parameterOf("o", "object"), parameterOf("any", "any"), parameterOf("dyn", "dynamic-select"),
		parameterOf("app", "app-selector"), parameterOf("list", "array"), parameterOf("date", "date"))
}

func doNothing[In any](context.Context, *Call, In) error { return nil }

func noOptions(context.Context, *Call) ([]Option, error) { return nil, nil }

// faults are the lines of what Check says of a plugin.
func faults(t *testing.T, folder fstest.MapFS, parts ...Part) []string {
	t.Helper()
	p, err := New(folder, parts...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		return strings.Split(err.Error(), "\n")
	}
	return nil
}

func TestCheckIsContentWhereAllAgrees(t *testing.T) {
	if got := faults(t, declare(t, agreeingTool()), Tool("t", doNothing[agreeing]), Options("t", "dyn", noOptions)); got != nil {
		t.Errorf("tools: %v", got)
	}
	if got := faults(t, declareDrive(t, "online_drive", "drive"), Drive("drive", scriptedDrive{})); got != nil {
		t.Errorf("a drive: %v", got)
	}
}

func TestCheckListsEveryDisagreement(t *testing.T) {
	type partly struct {
		S     int    `param:"s"`
		Extra string `param:"extra"`
	}
	tool := func(parameters ...object) fstest.MapFS { return declare(t, toolOf("t", parameters...)) }
	for name, c := range map[string]struct {
		folder fstest.MapFS
		parts  []Part
		want   []string
	}{
		"a tool without a function": {
			declare(t, toolOf("t"), toolOf("other")),
			[]Part{Tool("t", doNothing[struct{}])},
			[]string{`tools/other.yaml: tool "other" has no function`},
		},
		"a function without a tool": {
			tool(),
			[]Part{Tool("t", doNothing[struct{}]), Tool("ghost", doNothing[struct{}])},
			[]string{`tool "ghost" is not declared: add its file to the list of tools of the provider`},
		},
		"parameters and fields": {
			tool(parameterOf("s", "string"), parameterOf("lost", "string")),
			[]Part{Tool("t", doNothing[partly])},
			[]string{`tools/t.yaml: the function takes a parameter "extra" that is not declared`, `tools/t.yaml: parameter "lost" has no field in the function's input`},
		},
		"a field that cannot hold its parameter": {
			tool(parameterOf("s", "array"), parameterOf("extra", "select", optionsOf("a"), object{"multiple": true})),
			[]Part{Tool("t", doNothing[partly])},
			[]string{
				`tools/t.yaml: parameter "s" is a array, which a field of type int cannot hold`,
				`tools/t.yaml: parameter "extra" is a list of select, which a field of type string cannot hold`,
			},
		},
		"parameters made at run time": {
			func() fstest.MapFS {
				dynamic := toolOf("t")
				dynamic["has_runtime_parameters"] = true
				return declare(t, dynamic)
			}(),
			[]Part{Tool("t", doNothing[struct{}])},
			[]string{`tools/t.yaml: has_runtime_parameters is true, and this SDK serves none`},
		},
		"options": {
			tool(parameterOf("a", "dynamic-select"), parameterOf("b", "dynamic-select"), parameterOf("s", "string")),
			[]Part{
				Tool("t", doNothing[struct {
					A string `param:"a"`
					B string `param:"b"`
					S string `param:"s"`
				}]), Options("t", "s", noOptions), Options("x", "a", noOptions),
			},
			[]string{
				`parameter "a" of tool "t" is a dynamic-select without Options`, `parameter "b" of tool "t" is a dynamic-select without Options`,
				`Options("t", "s"): the tool declares no such dynamic-select`, `Options("x", "a"): the tool declares no such dynamic-select`,
			},
		},
		"a drive without a declaration": {
			tool(),
			[]Part{Tool("t", doNothing[struct{}]), Drive("drive", scriptedDrive{})},
			[]string{`drive "drive": the manifest names no datasource provider`},
		},
		"a declaration without a drive": {
			declareDrive(t, "online_drive", "drive"),
			[]Part{ToolCredentials(func(context.Context, Credentials) error { return nil })},
			[]string{`provider/test.yaml: no Drive is given for it`},
		},
		"a drive that is none": {
			declareDrive(t, "online_document", "drive"),
			[]Part{Drive("drive", scriptedDrive{})},
			[]string{`provider/test.yaml: provider_type is online_document, a Drive needs online_drive`},
		},
		"a drive of another name": {
			declareDrive(t, "online_drive", "other"),
			[]Part{Drive("drive", scriptedDrive{})},
			[]string{`drive "drive": no datasource of provider/test.yaml has this identity.name`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, faults(t, c.folder, c.parts...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckReportsWrongDeclarations(t *testing.T) {
	folder := declare(t, toolOf("t"))
	delete(folder, "_assets/icon.svg")
	if got := faults(t, folder, Tool("t", doNothing[struct{}])); len(got) == 0 || !strings.Contains(strings.Join(got, "\n"), "icon.svg") {
		t.Errorf("got %v", got)
	}
}

// One row a declared type: which fields can hold it.
func TestAFieldMustHoldWhatTheDeclarationAllows(t *testing.T) {
	fields := []struct {
		name string
		typ  reflect.Type
	}{
		{"text", reflect.TypeFor[string]()},
		{"int", reflect.TypeFor[int]()},
		{"float", reflect.TypeFor[float64]()},
		{"bool", reflect.TypeFor[bool]()},
		{"duration", durationType},
		{"texts", reflect.TypeFor[[]string]()},
		{"any", anyType},
		{"anys", reflect.TypeFor[[]any]()},
		{"object", objectType},
		{"objects", reflect.TypeFor[[]map[string]any]()},
		{"file", inputFileType},
		{"files", reflect.TypeFor[[]InputFile]()},
	}
	for _, c := range []struct {
		declared object
		holds    string
	}{
		{parameterOf("v", "string"), "text int float bool duration any anys"},
		{parameterOf("v", "secret-input"), "text int float bool duration any anys"},
		{parameterOf("v", "date"), "text int float bool duration any anys"},
		{parameterOf("v", "number"), "text int float duration any anys"},
		{parameterOf("v", "boolean"), "bool any anys"},
		{parameterOf("v", "checkbox"), "bool any anys"},
		{parameterOf("v", "select", optionsOf("a")), "text int float bool duration any anys"},
		{parameterOf("v", "select", optionsOf("a"), object{"multiple": true}), "texts any anys"},
		{parameterOf("v", "file"), "any anys file"},
		{parameterOf("v", "files"), "any anys files"},
		{parameterOf("v", "array"), "texts any anys objects"},
		{parameterOf("v", "object"), "any anys object"},
		{parameterOf("v", "app-selector"), "any anys object"},
		{parameterOf("v", "model-selector", object{"scope": "llm"}), "any anys object"},
		{parameterOf("v", "date-range"), "any anys object"},
		{parameterOf("v", "any"), "any anys"},
	} {
		tool, err := manifest.FindTool(declare(t, toolOf("t", c.declared)), "t")
		if err != nil {
			t.Fatal(err)
		}
		var held []string
		for _, f := range fields {
			if holds(f.typ, tool.Parameters[0]) {
				held = append(held, f.name)
			}
		}
		if got := strings.Join(held, " "); got != c.holds {
			t.Errorf("%v, multiple %v: held by %s, want %s", c.declared["type"], c.declared["multiple"], got, c.holds)
		}
	}
}

func TestNewRefusesPartsThatCannotBeServed(t *testing.T) {
	check := func(context.Context, Credentials) error { return nil }
	for name, c := range map[string]struct {
		parts []Part
		want  []string
	}{
		"none":          {nil, []string{"a plugin without parts can do nothing"}},
		"twins":         {[]Part{Tool("t", doNothing[struct{}]), Tool("t", doNothing[struct{}])}, []string{`Tool("t"): give exactly one function`}},
		"no function":   {[]Part{Tool[struct{}]("t", nil), ToolCredentials(nil), Options("t", "p", nil), Drive("d", nil)}, []string{`Tool("t")`, "ToolCredentials", `Options("t", "p")`, `Drive("d")`}},
		"two checks":    {[]Part{ToolCredentials(check), ToolCredentials(check)}, []string{"ToolCredentials: give exactly one check"}},
		"two drives":    {[]Part{Drive("a", scriptedDrive{}), Drive("b", scriptedDrive{})}, []string{`Drive("b"): give exactly one drive`}},
		"two lists":     {[]Part{Options("t", "p", noOptions), Options("t", "p", noOptions)}, []string{`Options("t", "p"): give exactly one function`}},
		"a wrong input": {[]Part{Tool("t", doNothing[struct{ A string }])}, []string{`Tool("t"): field A has no param tag`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(declareNothing, c.parts...)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error = %v, want %s", err, want)
				}
			}
		})
	}
}
