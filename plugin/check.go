package plugin

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/cloudplugins/difyplugin/manifest"
)

// Check compares the declarations with the parts: a tool without a function, a parameter without a field, a type that
// cannot hold what the YAML declares. The error lists every disagreement, and every fault of the declarations
// themselves, one a line.
func (p *Plugin) Check() error {
	declared, err := manifest.Load(p.declarations)
	if err != nil {
		return err
	}
	c := &checker{plugin: p}
	c.drive(declared.Datasources)
	c.tools(declared.Tools)
	c.options(declared.Tools)
	return errors.Join(c.faults...)
}

type checker struct {
	plugin *Plugin
	faults []error
}

func (c *checker) faultf(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

func (c *checker) drive(provider *manifest.DatasourceProvider) {
	name := c.plugin.driveName
	switch {
	case provider == nil && c.plugin.drive != nil:
		c.faultf("drive %q: the manifest names no datasource provider", name)
	case provider != nil && c.plugin.drive == nil:
		c.faultf("%s: no Drive is given for it", provider.File)
	case provider != nil && provider.Type != "online_drive":
		c.faultf("%s: provider_type is %s, a Drive needs online_drive", provider.File, provider.Type)
	case provider != nil && !slices.ContainsFunc(provider.Datasources, func(d *manifest.Datasource) bool { return d.Identity.Name == name }):
		c.faultf("drive %q: no datasource of %s has this identity.name", name, provider.File)
	}
}

func (c *checker) tools(provider *manifest.ToolProvider) {
	declared := declaredTools(provider)
	for _, name := range slices.Sorted(maps.Keys(declared)) {
		t := c.plugin.tools[name]
		if t == nil {
			c.faultf("%s: tool %q has no function", declared[name].File, name)
			continue
		}
		c.parameters(declared[name], t)
	}
	for _, name := range slices.Sorted(maps.Keys(c.plugin.tools)) {
		if declared[name] == nil {
			c.faultf("tool %q is not declared: add its file to the list of tools of the provider", name)
		}
	}
}

func declaredTools(provider *manifest.ToolProvider) map[string]*manifest.Tool {
	tools := map[string]*manifest.Tool{}
	if provider != nil {
		for _, t := range provider.Tools {
			tools[t.Identity.Name] = t
		}
	}
	return tools
}

func (c *checker) parameters(declared *manifest.Tool, t *tool) {
	for _, f := range t.fields {
		i := slices.IndexFunc(declared.Parameters, func(p manifest.Parameter) bool { return p.Name == f.name })
		if i < 0 {
			c.faultf("%s: the function takes a parameter %q that is not declared", declared.File, f.name)
			continue
		}
		if p := declared.Parameters[i]; !holds(f.typ, p) {
			c.faultf("%s: parameter %q is a %s, which a field of type %s cannot hold", declared.File, f.name, declaredType(p), f.typ)
		}
	}
	for _, p := range declared.Parameters {
		if !slices.ContainsFunc(t.fields, func(f field) bool { return f.name == p.Name }) {
			c.faultf("%s: parameter %q has no field in the function's input", declared.File, p.Name)
		}
	}
	if declared.HasRuntimeParameters {
		c.faultf("%s: has_runtime_parameters is true, and this SDK serves none", declared.File)
	}
}

func declaredType(p manifest.Parameter) string {
	if p.Multiple {
		return "list of " + p.Type
	}
	return p.Type
}

// holds reports whether a field can hold every value that the declared type allows. Numbers may also be received as
// text, and text as whatever the author parses it into.
func holds(t reflect.Type, p manifest.Parameter) bool {
	list := t.Kind() == reflect.Slice
	if list {
		t = t.Elem()
	}
	if t == anyType {
		return true
	}
	isFile := t == inputFileType
	switch p.Type {
	case "file":
		return isFile && !list
	case "files":
		return isFile && list
	case "array":
		return list && !isFile
	case "object", "app-selector", "model-selector", "date-range":
		return t == objectType && !list
	case "any":
		return false // only the type any takes anything
	case "boolean", "checkbox":
		return t.Kind() == reflect.Bool && !list
	case "select", "dynamic-select":
		return list == p.Multiple && !isFile && t != objectType
	case "number":
		return !list && !isFile && t != objectType && t.Kind() != reflect.Bool
	default:
		return !list && !isFile && t != objectType
	}
}

func (c *checker) options(provider *manifest.ToolProvider) {
	declared := map[optionsKey]bool{}
	for name, t := range declaredTools(provider) {
		for _, p := range t.Parameters {
			if p.Type == "dynamic-select" {
				declared[optionsKey{name, p.Name}] = true
			}
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(declared), optionsKey.compare) {
		if c.plugin.options[key] == nil {
			c.faultf("parameter %q of tool %q is a dynamic-select without Options", key.parameter, key.tool)
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(c.plugin.options), optionsKey.compare) {
		if !declared[key] {
			c.faultf("Options(%q, %q): the tool declares no such dynamic-select", key.tool, key.parameter)
		}
	}
}
