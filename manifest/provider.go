package manifest

import (
	"slices"

	"go.yaml.in/yaml/v3"
)

// I18n is a text in the languages of the console. EnUS is always there and
// stands in for the others. Each text has fewer than 1024 characters.
type I18n struct {
	EnUS   string `json:"en_US"`
	ZhHans string `json:"zh_Hans,omitempty"`
	JaJP   string `json:"ja_JP,omitempty"`
	PtBR   string `json:"pt_BR,omitempty"`
}

func (t *I18n) fields() []field {
	short := atMost(1023)
	return []field{
		must("en_US", text(&t.EnUS, short)),
		may("zh_Hans", text(&t.ZhHans, short)),
		may("ja_JP", text(&t.JaJP, short)),
		may("pt_BR", text(&t.PtBR, short)),
	}
}

// A ProviderIdentity says who a provider is. Name is the provider of requests.
type ProviderIdentity struct {
	Author      string       `json:"author"`
	Name        string       `json:"name"`
	Label       I18n         `json:"label"`
	Description I18n         `json:"description"`
	Icon        string       `json:"icon"`
	IconDark    string       `json:"icon_dark,omitempty"`
	Tags        List[string] `json:"tags"`
}

func (id *ProviderIdentity) table(tags []string, more ...field) fieldTable {
	return func() []field {
		return append([]field{
			must("author", text(&id.Author)),
			must("name", text(&id.Name, isIdentityName)),
			must("label", object(&id.Label)),
			must("icon", icon(&id.Icon)),
			may("tags", texts(&id.Tags, oneOf(tags))),
		}, more...)
	}
}

// tags are the tags of a manifest.
var tags = []string{
	"search", "image", "videos", "weather", "finance", "design", "travel",
	"social", "news", "medical", "productivity", "education", "business",
	"entertainment", "utilities", "agent", "rag", "other", "trigger",
}

// The console's lists for providers are shorter than the one for manifests; a
// provider with another tag is not shown at all.
var (
	toolTags       = without(tags, "agent", "trigger")
	datasourceTags = without(toolTags, "rag")
)

func without(words []string, removed ...string) []string {
	return slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(removed, w) })
}

// A Credential is one value that a user, or for OAuth an administrator, has to
// enter before a provider can be used.
type Credential struct {
	// Name is the key under which a request carries the value.
	Name string `json:"name"`
	// Type is one of secret-input, text-input, select, boolean,
	// model-selector, app-selector and array[tools]. There is no number.
	Type     string `json:"type"`
	Scope    string `json:"scope,omitempty"`
	Required bool   `json:"required"`
	// Default is nil, a string, a bool or a number.
	Default     any          `json:"default,omitempty"`
	Options     List[Option] `json:"options"`
	Multiple    bool         `json:"multiple"`
	Label       I18n         `json:"label"`
	Help        *I18n        `json:"help,omitempty"`
	URL         string       `json:"url,omitempty"`
	Placeholder *I18n        `json:"placeholder,omitempty"`
}

var credentialTypes = []string{
	"secret-input", "text-input", "select", "boolean", "model-selector",
	"app-selector", "array[tools]",
}

// maxCredentialOptions and maxCredentialValue are the host's limits for the
// options of a credential; parameters have none.
const (
	maxCredentialOptions = 127
	maxCredentialValue   = 127
)

func (c *Credential) fields() []field {
	return append(c.namelessFields(), must("name", text(&c.Name, atMost(1023))))
}

// namelessFields is the table of a credential whose name is its key.
func (c *Credential) namelessFields() []field {
	return []field{
		must("type", text(&c.Type, oneOf(credentialTypes))),
		may("scope", text(&c.Scope)),
		may("required", boolean(&c.Required)),
		may("default", scalar(&c.Default)),
		may("options", objects(&c.Options)),
		may("multiple", boolean(&c.Multiple)),
		must("label", object(&c.Label)),
		may("help", pointer(&c.Help)),
		may("url", text(&c.URL)),
		may("placeholder", pointer(&c.Placeholder)),
		refused("show_on", "is dropped by the host: credentials are always shown"),
	}
}

func (c *Credential) verify(m mapping) {
	verifyScope(m, c.Type, c.Scope, credentialTypes)
	choice{kind: c.Type, preset: c.Default, options: c.Options}.verify(m)
	c.verifyOptions(m.at("options"))
}

func (c *Credential) verifyOptions(options value) {
	if n := len(c.Options); n > maxCredentialOptions {
		options.faultf("must be at most %d, not %d", maxCredentialOptions, n)
	}
	for _, item := range options.items() {
		option := item.mapping()
		if option.has("icon") {
			option.at("icon").faultf("is dropped by the host: options of credentials have no icon")
		}
		if complaint := atMost(maxCredentialValue)(option.textAt("value")); complaint != "" {
			option.at("value").faultf("%s", complaint)
		}
	}
}

// keyedCredential is a credential in a mapping: its key is its name.
type keyedCredential struct{ *Credential }

func (c keyedCredential) fields() []field { return c.namelessFields() }

// credentialList reads credentials that the host takes as a list only.
func credentialList(dst *List[Credential]) func(value) {
	return func(v value) {
		objects(dst)(v)
		unique(v, "name")
	}
}

// credentials reads credentials as a list, or as a mapping from their names.
func credentials(dst *List[Credential]) func(value) {
	return func(v value) {
		if v.node.Kind != yaml.MappingNode {
			credentialList(dst)(v)
			return
		}
		m := v.mapping()
		for _, key := range m.keys {
			c := Credential{Name: key.Value}
			if complaint := atMost(1023)(c.Name); complaint != "" || c.Name == "" {
				m.entries[key.Value].faultf("has a name that does not have 1 to 1023 characters")
			}
			m.entries[key.Value].into(keyedCredential{&c})
			*dst = append(*dst, c)
		}
	}
}

// OAuth declares the values of an authorization by OAuth.
type OAuth struct {
	// Client is what an administrator enters once, such as client_id.
	Client List[Credential] `json:"client_schema"`
	// Credentials is what an authorization yields, such as access_token.
	Credentials List[Credential] `json:"credentials_schema"`
}

func (o *OAuth) fields() []field {
	return []field{
		may("client_schema", credentialList(&o.Client)),
		may("credentials_schema", credentialList(&o.Credentials)),
	}
}
