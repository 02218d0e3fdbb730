package manifest

// A DatasourceProvider is a set of datasources that share credentials.
type DatasourceProvider struct {
	Identity ProviderIdentity `json:"identity"`
	// Type is website_crawl, online_document or online_drive.
	Type        string           `json:"provider_type"`
	Credentials List[Credential] `json:"credentials_schema"`
	OAuth       *OAuth           `json:"oauth_schema,omitempty"`
	// Datasources are in the order of the declaration. ReadDatasourceProvider
	// fills in only those that stand in the provider's own file.
	Datasources List[*Datasource] `json:"datasources"`

	// File is the path of the provider's declaration.
	File string `json:"-"`
	// DatasourceFiles are the paths of the datasources that have files of
	// their own.
	DatasourceFiles []string `json:"-"`
}

var providerTypes = []string{"website_crawl", "online_document", "online_drive"}

func (p *DatasourceProvider) fields() []field {
	identity := p.Identity.table(datasourceTags,
		must("description", object(&p.Identity.Description)),
		refused("icon_dark", "is dropped by the host: a datasource has one icon"),
	)
	return []field{
		must("identity", object(identity)),
		must("provider_type", text(&p.Type, oneOf(providerTypes))),
		may("credentials_schema", credentials(&p.Credentials)),
		refused("credentials_for_provider", "is dropped by the host, which knows it for tools only; call it credentials_schema"),
		may("oauth_schema", pointer(&p.OAuth)),
		must("datasources", filled(p.readDatasources)).or(": a list of the datasources' files"),
		refused("help", "is dropped by the host: put help on a credential"),
		ignored("extra"),
	}
}

func (p *DatasourceProvider) readDatasources(v value) {
	p.DatasourceFiles = readParts(v, p.File, func(file string) (record, *Identity) {
		d := &Datasource{File: file}
		p.Datasources = append(p.Datasources, d)
		return d, &d.Identity
	})
}

// A Datasource is a place from which a knowledge base takes documents.
type Datasource struct {
	Identity    Identity                  `json:"identity"`
	Description I18n                      `json:"description"`
	Parameters  List[DatasourceParameter] `json:"parameters"`
	// OutputSchema is a JSON schema of an object, or nil.
	OutputSchema map[string]any `json:"output_schema,omitempty"`

	// File is the path of the declaration.
	File string `json:"-"`
}

func (d *Datasource) fields() []field {
	return []field{
		must("identity", object(d.Identity.table(may("icon", icon(&d.Identity.Icon))))),
		must("description", object(&d.Description)),
		must("parameters", objects(&d.Parameters)).or("; write parameters: [] when there are none"),
		may("output_schema", outputSchema(&d.OutputSchema)),
		ignored("extra"),
	}
}

func (d *Datasource) verify(m mapping) { unique(m.at("parameters"), "name") }

// A DatasourceParameter is one input of a website crawl or of an online
// document. An online drive gets none.
type DatasourceParameter struct {
	Name        string `json:"name"`
	Label       I18n   `json:"label"`
	Description I18n   `json:"description"`
	// Type is one of string, number, boolean, select and secret-input.
	Type         string        `json:"type"`
	Required     bool          `json:"required"`
	AutoGenerate *AutoGenerate `json:"auto_generate,omitempty"`
	Template     *Template     `json:"template,omitempty"`
	// Default is nil, a string, a bool or a number.
	Default any      `json:"default,omitempty"`
	Min     *float64 `json:"min,omitempty"`
	Max     *float64 `json:"max,omitempty"`
	// Precision is a number of decimal places.
	Precision *int         `json:"precision,omitempty"`
	Options   List[Option] `json:"options"`
}

var datasourceParameterTypes = []string{"string", "number", "boolean", "select", "secret-input"}

func (p *DatasourceParameter) fields() []field {
	return []field{
		must("name", text(&p.Name, atMost(1023))),
		must("label", object(&p.Label)),
		must("description", object(&p.Description)),
		must("type", text(&p.Type, oneOf(datasourceParameterTypes))),
		may("required", boolean(&p.Required)),
		may("auto_generate", pointer(&p.AutoGenerate)),
		may("template", pointer(&p.Template)),
		may("default", scalar(&p.Default)),
		may("min", number(&p.Min)),
		may("max", number(&p.Max)),
		may("precision", precision(&p.Precision)),
		may("options", objects(&p.Options)),
		refused("scope", "is refused by the host on every parameter of a datasource"),
		refused("show_on", "is dropped by the host: parameters are always shown"),
		refused("placeholder", "is dropped by the host: say it in description"),
	}
}

func (p *DatasourceParameter) verify(m mapping) {
	choice{kind: p.Type, preset: p.Default, options: p.Options, min: p.Min, max: p.Max}.verify(m)
}
