package manifest

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// A ToolProvider is a set of tools that share credentials.
type ToolProvider struct {
	Identity    ProviderIdentity `json:"identity"`
	Credentials List[Credential] `json:"credentials_schema"`
	OAuth       *OAuth           `json:"oauth_schema,omitempty"`
	// Tools are in the order of the declaration. ReadToolProvider fills in
	// only those that stand in the provider's own file.
	Tools List[*Tool] `json:"tools"`

	// File is the path of the provider's declaration.
	File string `json:"-"`
	// ToolFiles are the paths of the tools that have files of their own.
	ToolFiles []string `json:"-"`
}

func (p *ToolProvider) fields() []field {
	identity := p.Identity.table(toolTags,
		may("description", object(&p.Identity.Description)),
		may("icon_dark", icon(&p.Identity.IconDark)),
	)
	return []field{
		must("identity", object(identity)),
		may("credentials_schema", credentials(&p.Credentials)),
		may("credentials_for_provider", p.otherCredentials),
		may("oauth_schema", pointer(&p.OAuth)),
		must("tools", filled(p.readTools)).or(": a list of the tools' files"),
		ignored("extra"),
	}
}

// otherCredentials reads the usual key of the credentials. The host reads it
// only when the other key holds none.
func (p *ToolProvider) otherCredentials(v value) {
	var found List[Credential]
	credentials(&found)(v)
	if len(p.Credentials) == 0 {
		p.Credentials = found
		return
	}
	v.faultf("is dropped by the host, which reads credentials_schema; keep one of the two")
}

func (p *ToolProvider) readTools(v value) {
	p.ToolFiles = readParts(v, p.File, func(file string) (record, *Identity) {
		t := &Tool{File: file}
		p.Tools = append(p.Tools, t)
		return t, &t.Identity
	})
}

// readParts reads the list of a provider's tools or datasources. An element is
// the path of a file or stands there itself; add makes room for one. Files are
// only followed in a whole check. It returns the paths.
func readParts(v value, provider string, add func(file string) (record, *Identity)) (files []string) {
	if !v.is(yaml.SequenceNode, "a list of files") {
		return nil
	}
	names := make(map[string]string)
	for _, item := range v.items() {
		at, file := item, provider
		if item.node.Kind != yaml.MappingNode {
			var ok bool
			if file, ok = item.filePath(); !ok {
				continue
			}
			files = append(files, file)
			if at, ok = item.follow(file); !ok {
				continue
			}
		}
		part, id := add(file)
		verifyPartName(at.into(part), id.Name, file, names)
	}
	return files
}

// verifyPartName reports a name that another part of the provider has: a
// request could only ever reach one of them.
func verifyPartName(m mapping, name, file string, names map[string]string) {
	if name == "" {
		return
	}
	if other, seen := names[name]; seen {
		m.at("identity").mapping().at("name").faultf("is %s, the name in %s as well; it must be unique", quoted(name), quoted(other))
		return
	}
	names[name] = file
}

// An Identity says who a tool or a datasource is. Name is what requests carry.
type Identity struct {
	Author string `json:"author"`
	Name   string `json:"name"`
	Label  I18n   `json:"label"`
	// Icon is empty for tools, which show their provider's icon.
	Icon string `json:"icon,omitempty"`
}

func (id *Identity) table(more ...field) fieldTable {
	return func() []field {
		return append([]field{
			must("author", text(&id.Author)),
			must("name", text(&id.Name, isIdentityName)),
			must("label", object(&id.Label)),
		}, more...)
	}
}

// A Tool is one action that an agent or a workflow can call.
type Tool struct {
	Identity    Identity        `json:"identity"`
	Description ToolDescription `json:"description"`
	Parameters  List[Parameter] `json:"parameters"`
	// OutputSchema is a JSON schema of an object, nil when the tool declares
	// no outputs of its own. It holds the types of encoding/json, and ints.
	OutputSchema map[string]any `json:"output_schema,omitempty"`
	// HasRuntimeParameters makes the host ask for more parameters when the
	// tool is placed.
	HasRuntimeParameters bool `json:"has_runtime_parameters"`

	// File is the path of the declaration.
	File string `json:"-"`
}

func (t *Tool) fields() []field {
	return []field{
		must("identity", object(t.Identity.table(
			refused("icon", "is dropped by the host: a tool shows its provider's icon"),
		))),
		must("description", object(&t.Description)),
		may("parameters", objects(&t.Parameters)),
		may("output_schema", outputSchema(&t.OutputSchema, "text", "json", "files")),
		may("has_runtime_parameters", boolean(&t.HasRuntimeParameters)),
		refused("input_schema", "is dropped by the host: parameters are the only inputs"),
		ignored("extra"),
	}
}

func (t *Tool) verify(m mapping) { unique(m.at("parameters"), "name") }

// A ToolDescription describes a tool to people and to models.
type ToolDescription struct {
	Human I18n   `json:"human"`
	LLM   string `json:"llm"`
}

func (d *ToolDescription) fields() []field {
	return []field{
		must("human", object(&d.Human)),
		must("llm", text(&d.LLM)),
	}
}

// A Parameter is one input of a tool.
type Parameter struct {
	Name             string `json:"name"`
	Label            I18n   `json:"label"`
	HumanDescription I18n   `json:"human_description"`
	// Type is one of string, number, boolean, select, secret-input, file,
	// files, app-selector, model-selector, any, dynamic-select, array, object,
	// checkbox, date and date-range.
	Type string `json:"type"`
	// Scope narrows an app-selector, a model-selector or any.
	Scope string `json:"scope,omitempty"`
	// Form says who fills the parameter in: llm a model or a workflow, form a
	// person before the run, schema a person when adding the tool.
	Form           string        `json:"form"`
	LLMDescription string        `json:"llm_description"`
	Required       bool          `json:"required"`
	AutoGenerate   *AutoGenerate `json:"auto_generate,omitempty"`
	Template       *Template     `json:"template,omitempty"`
	// Default is nil or fits Type; numbers are int, int64, uint64 or float64.
	Default any      `json:"default,omitempty"`
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	// Precision is a number of decimal places.
	Precision *int `json:"precision,omitempty"`
	// Multiple lets a select or dynamic-select hold a list.
	Multiple bool         `json:"multiple"`
	Options  List[Option] `json:"options"`
}

var (
	parameterTypes = []string{
		"string", "number", "boolean", "select", "secret-input", "file", "files",
		"app-selector", "model-selector", "any", "dynamic-select", "array",
		"object", "checkbox", "date", "date-range",
	}
	parameterForms = []string{"llm", "form", "schema"}
)

func (p *Parameter) fields() []field {
	return []field{
		must("name", text(&p.Name, atMost(1023))),
		must("label", object(&p.Label)),
		must("human_description", object(&p.HumanDescription)),
		must("type", text(&p.Type, oneOf(parameterTypes))),
		may("scope", text(&p.Scope)),
		must("form", text(&p.Form, oneOf(parameterForms))),
		may("llm_description", text(&p.LLMDescription)),
		may("required", boolean(&p.Required)),
		may("auto_generate", pointer(&p.AutoGenerate)),
		may("template", pointer(&p.Template)),
		may("default", anything(&p.Default)),
		may("min", number(&p.Min)),
		may("max", number(&p.Max)),
		may("precision", precision(&p.Precision)),
		may("multiple", boolean(&p.Multiple)),
		may("options", objects(&p.Options)),
		refused("show_on", "is dropped by the host: parameters are always shown"),
		refused("placeholder", "is dropped by the host: say it in human_description"),
		refused("input_schema", "is dropped by the host: declare the inputs as parameters"),
	}
}

func (p *Parameter) verify(m mapping) {
	verifyScope(m, p.Type, p.Scope, parameterTypes)
	if p.Multiple && slices.Contains(parameterTypes, p.Type) && !slices.Contains(multiples, p.Type) {
		m.at("multiple").faultf("is only for select and dynamic-select, not for %s", quoted(p.Type))
	}
	choice{
		kind: p.Type, preset: p.Default, options: p.Options, multiple: p.Multiple,
		min: p.Min, max: p.Max,
	}.verify(m)
}
