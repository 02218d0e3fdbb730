package manifest

import (
	"math"
	"strings"
	"time"
)

// Root is the path of the file that starts a plugin's declarations.
const Root = "manifest.yaml"

// A Plugin is everything that a plugin declares. It encodes to JSON as its
// Manifest: providers are registered separately.
type Plugin struct {
	Manifest
	// Tools, Datasources and Endpoints are nil when the plugin has none. A
	// plugin with datasources has nothing else.
	Tools       *ToolProvider       `json:"-"`
	Datasources *DatasourceProvider `json:"-"`
	Endpoints   *EndpointGroup      `json:"-"`
}

// ProviderName returns the identity name of the plugin's provider, of tools or of datasources, and "" where it has
// neither.
func (p *Plugin) ProviderName() string {
	switch {
	case p.Tools != nil:
		return p.Tools.Identity.Name
	case p.Datasources != nil:
		return p.Datasources.Identity.Name
	}
	return ""
}

// A Manifest is the declaration of the plugin itself, manifest.yaml.
type Manifest struct {
	// Version is three numbers and an optional suffix, such as 1.2.3-beta.
	Version string `json:"version"`
	// Type is always plugin.
	Type        string       `json:"type"`
	Author      string       `json:"author"`
	Name        string       `json:"name"`
	Label       I18n         `json:"label"`
	Description I18n         `json:"description"`
	Icon        string       `json:"icon"`
	IconDark    string       `json:"icon_dark,omitempty"`
	CreatedAt   time.Time    `json:"created_at"`
	Resource    Resource     `json:"resource"`
	Providers   Providers    `json:"plugins"`
	Meta        Meta         `json:"meta"`
	Tags        List[string] `json:"tags"`
	// Privacy is the URL or the file of the privacy policy.
	Privacy string `json:"privacy,omitempty"`
	// Repo is the URL of the sources.
	Repo string `json:"repo,omitempty"`
	// Verified means nothing: the host decides by the package's signature.
	Verified bool `json:"verified"`
}

func (m *Manifest) fields() []field {
	return []field{
		must("version", text(&m.Version, isVersion)),
		must("type", text(&m.Type, oneOf([]string{"plugin"}))),
		must("author", text(&m.Author, isAuthor)),
		must("name", text(&m.Name, isPluginName)),
		must("label", object(&m.Label)),
		must("description", object(&m.Description)),
		must("icon", icon(&m.Icon, atMost(128))),
		may("icon_dark", icon(&m.IconDark, atMost(128))),
		must("created_at", instant(&m.CreatedAt)),
		must("resource", object(&m.Resource)),
		must("plugins", object(&m.Providers)),
		must("meta", object(&m.Meta)),
		may("tags", texts(&m.Tags, oneOf(tags))),
		may("privacy", privacy(&m.Privacy)),
		may("repo", text(&m.Repo, isURL)),
		may("verified", boolean(&m.Verified)),
	}
}

// A Resource is what a plugin needs and what it may call.
type Resource struct {
	// Memory is in bytes. The host shows it and does not enforce it.
	Memory     int64       `json:"memory"`
	Permission *Permission `json:"permission,omitempty"`
}

func (r *Resource) fields() []field {
	return []field{
		must("memory", integer(&r.Memory, 1, math.MaxInt64)),
		may("permission", pointer(&r.Permission)),
	}
}

// A Permission lists the calls back into Dify that a plugin may make. What is
// nil is not allowed.
type Permission struct {
	Tool     *Access        `json:"tool,omitempty"`
	Model    *ModelAccess   `json:"model,omitempty"`
	Node     *Access        `json:"node,omitempty"`
	Endpoint *Access        `json:"endpoint,omitempty"`
	App      *Access        `json:"app,omitempty"`
	Storage  *StorageAccess `json:"storage,omitempty"`
}

// AllowsTools reports whether the plugin may call other tools. It may be asked of nil.
func (p *Permission) AllowsTools() bool { return p != nil && p.Tool != nil && p.Tool.Enabled }

// StorageSize returns how many bytes the plugin may store in Dify, 0 where it may not. It may be asked of nil.
func (p *Permission) StorageSize() int64 {
	if p == nil || p.Storage == nil || !p.Storage.Enabled {
		return 0
	}
	return p.Storage.Size
}

func (p *Permission) fields() []field {
	return []field{
		may("tool", pointer(&p.Tool)),
		may("model", pointer(&p.Model)),
		may("node", pointer(&p.Node)),
		may("endpoint", pointer(&p.Endpoint)),
		may("app", pointer(&p.App)),
		may("storage", pointer(&p.Storage)),
	}
}

// Access allows a kind of call, or does not.
type Access struct {
	Enabled bool `json:"enabled"`
}

func (a *Access) fields() []field { return []field{may("enabled", boolean(&a.Enabled))} }

// ModelAccess allows calls of models, by kind of model.
type ModelAccess struct {
	Enabled       bool `json:"enabled"`
	LLM           bool `json:"llm"`
	TextEmbedding bool `json:"text_embedding"`
	Rerank        bool `json:"rerank"`
	TTS           bool `json:"tts"`
	Speech2Text   bool `json:"speech2text"`
	Moderation    bool `json:"moderation"`
}

func (a *ModelAccess) fields() []field {
	return []field{
		may("enabled", boolean(&a.Enabled)),
		may("llm", boolean(&a.LLM)),
		may("text_embedding", boolean(&a.TextEmbedding)),
		may("rerank", boolean(&a.Rerank)),
		may("tts", boolean(&a.TTS)),
		may("speech2text", boolean(&a.Speech2Text)),
		may("moderation", boolean(&a.Moderation)),
	}
}

// StorageAccess allows a plugin to store data in Dify.
type StorageAccess struct {
	Enabled bool `json:"enabled"`
	// Size is in bytes, from 1 KiB to 1 GiB.
	Size int64 `json:"size"`
}

func (a *StorageAccess) fields() []field {
	return []field{
		may("enabled", boolean(&a.Enabled)),
		must("size", integer(&a.Size, 1<<10, 1<<30)).or(" even when storage is off; write size: 1048576 or remove storage"),
	}
}

// Providers are the paths of the provider files, by kind.
type Providers struct {
	Tools       List[string] `json:"tools,omitempty"`
	Datasources List[string] `json:"datasources,omitempty"`
	Endpoints   List[string] `json:"endpoints,omitempty"`
}

func (p *Providers) fields() []field {
	const foreign = "declares a kind of provider that this SDK does not build; use tools, datasources or endpoints"
	short := atMost(128)
	return []field{
		may("tools", texts(&p.Tools, short, isFilePath)),
		may("datasources", texts(&p.Datasources, short, isFilePath)),
		may("endpoints", texts(&p.Endpoints, short, isFilePath)),
		refused("models", foreign),
		refused("agent_strategies", foreign),
		refused("triggers", foreign),
	}
}

// verify holds a package to one provider of each kind, because the host keeps
// the last one only, and to kinds that go together.
func (p *Providers) verify(m mapping) {
	var kinds []string
	for _, kind := range []string{"tools", "endpoints", "datasources", "models", "agent_strategies", "triggers"} {
		items := m.at(kind).items()
		if len(items) == 0 {
			continue
		}
		kinds = append(kinds, kind)
		if len(items) > 1 {
			items[1].faultf("is a second provider; the host keeps one of a kind, put all %s into one", kind)
		}
	}
	switch together := strings.Join(kinds, " and "); {
	case len(kinds) == 0:
		m.faultf("names no provider; list one file under tools, datasources or endpoints")
	case len(kinds) > 1 && together != "tools and endpoints":
		m.at(kinds[len(kinds)-1]).faultf("cannot be in one package: %s; only tools and endpoints can, make two packages", together)
	}
}

// Meta says how the plugin is started.
type Meta struct {
	// Version is the version of the manifest's format.
	Version string       `json:"version"`
	Arch    List[string] `json:"arch"`
	Runner  Runner       `json:"runner"`
	// MinimumDifyVersion is empty when every version will do.
	MinimumDifyVersion string `json:"minimum_dify_version,omitempty"`
}

func (m *Meta) fields() []field {
	return []field{
		must("version", text(&m.Version, isVersion)),
		must("arch", filled(texts(&m.Arch, oneOf([]string{"amd64", "arm64"})))),
		must("runner", object(&m.Runner)),
		may("minimum_dify_version", text(&m.MinimumDifyVersion, isDifyVersion)),
	}
}

// A Runner is the program that the host starts. The host can only start Python
// modules; a native plugin comes with a module that starts its binary.
type Runner struct {
	Language   string `json:"language"`
	Version    string `json:"version"`
	Entrypoint string `json:"entrypoint"`
}

func (r *Runner) fields() []field {
	return []field{
		must("language", text(&r.Language, oneOf([]string{"python"}))),
		must("version", text(&r.Version, atMost(128))),
		must("entrypoint", text(&r.Entrypoint, atMost(256))),
	}
}
