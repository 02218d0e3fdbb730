package manifest

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// A breach breaks one rule in a plugin that is otherwise good.
type breach struct {
	name string
	// file is where old is replaced by new.
	file, old, new string
	// at is a text on the line that the fault must name; "" stands for the
	// first line of new, or of what follows what has been removed.
	at string
	// want is the field and the message of the only fault.
	want string
	// in is the file of the fault when it is another one.
	in string
}

func TestEachRuleReportsItsBreach(t *testing.T) {
	t.Run("tool", func(t *testing.T) {
		runBreaches(t, "tool.txtar", manifestBreaches(), toolProviderBreaches(), toolBreaches(), endpointBreaches(), structureBreaches())
	})
	t.Run("datasource", func(t *testing.T) {
		runBreaches(t, "datasource.txtar", datasourceBreaches())
	})
}

func runBreaches(t *testing.T, base string, tables ...[]breach) {
	for _, table := range tables {
		for _, b := range table {
			t.Run(b.name, func(t *testing.T) {
				fsys := files(t, base)
				edit(t, fsys, b.file, b.old, b.new)
				_, err := Load(fsys)
				if diff := cmp.Diff([]string{b.fault(t, fsys)}, lines(err)); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func (b breach) fault(t *testing.T, fsys fstest.MapFS) string {
	t.Helper()
	file, at := b.file, b.at
	if b.in != "" {
		file = b.in
	}
	if at == "" {
		at = strings.TrimLeft(b.new, "\n")
	}
	return fmt.Sprintf("%s:%d: %s", file, lineOf(t, fsys, file, at), b.want)
}

const long = "0123456789012345678901234567890123456789012345678901234567890123456789" // 70 characters

func manifestBreaches() []breach {
	const f = "manifest.yaml"
	return []breach{
		{name: "version has four parts", file: f, old: "version: 0.0.1\ntype", new: "version: 1.2.3.4\ntype", want: `version: must be three numbers of at most four digits, like 0.0.1 or 1.2.3-beta, not "1.2.3.4"`},
		{name: "version has a number of five digits", file: f, old: "version: 0.0.1\ntype", new: "version: 0.0.10000\ntype", want: `version: must be three numbers of at most four digits, like 0.0.1 or 1.2.3-beta, not "0.0.10000"`},
		{name: "version is missing", file: f, old: "version: 0.0.1\ntype", new: "type", want: `version: is required`},
		{name: "type is a bundle", file: f, old: "type: plugin", new: "type: bundle", want: `type: must be one of plugin, not "bundle"`},
		{name: "author has capitals", file: f, old: "author: acme", new: "author: Acme", want: `author: must be 1 to 64 of a-z 0-9 _ -, not "Acme"`},
		{name: "author has 70 characters", file: f, old: "author: acme", new: "author: a" + long[1:], want: `author: must be 1 to 64 of a-z 0-9 _ -, not "a` + long[1:60] + `..."`},
		{name: "author is a UUID", file: f, old: "author: acme", new: "author: 1b0f0d5e-0c5c-4b6f-9f0a-6d7f0d8c7a11", want: `author: must not be a UUID; the host keeps those for plugins that are being debugged`},
		{name: "author is empty", file: f, old: "author: acme", new: `author: ""`, want: `author: must not be empty`},
		{name: "name has a dot", file: f, old: "name: weather", new: "name: weather.app", want: `name: must be 1 to 128 of a-z 0-9 _ -, not "weather.app"`},
		{name: "name is a list", file: f, old: "name: weather", new: "name: [weather]", want: `name: must be text, not a list`},
		{name: "name is null", file: f, old: "name: weather", new: "name: ~", want: `name: is required`},
		{name: "label is plain text", file: f, old: "label:\n  en_US: Weather\n  zh_Hans: 天气\n  ja_JP: 天気\n  pt_BR: Clima\n", new: "label: Weather\n", want: `label: must be a mapping of keys to values, not text`},
		{name: "label lacks en_US", file: f, old: "  en_US: Weather\n", new: "", at: "label:", want: `label.en_US: is required`},
		{name: "label has an empty en_US", file: f, old: "en_US: Weather\n", new: "en_US: ''\n", want: `label.en_US: must not be empty`},
		{name: "label in English has 1024 characters", file: f, old: "en_US: Weather\n", new: "en_US: " + strings.Repeat("é", 1024) + "\n", want: `label.en_US: must have at most 1023 characters, not 1024`},
		{name: "label in Japanese has 1024 characters", file: f, old: "ja_JP: 天気\n", new: "ja_JP: " + strings.Repeat("天", 1024) + "\n", want: `label.ja_JP: must have at most 1023 characters, not 1024`},
		{name: "label is in a language that the host lacks", file: f, old: "  zh_Hans: 天气", new: "  de_DE: Wetter", want: `label.de_DE: is unknown to the host, which would drop it silently; known here are en_US, zh_Hans, ja_JP, pt_BR`},
		{name: "description is missing", file: f, old: "description:\n  en_US: Looks out of the window\n", new: "", at: "version", want: `description: is required`},
		{name: "icon is missing", file: f, old: "icon: icon.svg\n", new: "", at: "version", want: `icon: is required`},
		{name: "icon does not exist", file: f, old: "icon: icon.svg", new: "icon: sun.svg", want: `icon: the file "_assets/sun.svg" does not exist; icons belong into _assets`},
		{name: "icon leads out of the assets", file: f, old: "icon: icon.svg", new: "icon: ../PRIVACY.md", want: `icon: leads out of the plugin's root: "../PRIVACY.md"`},
		{name: "dark icon does not exist", file: f, old: "icon_dark: dark.svg", new: "icon_dark: moon.svg", want: `icon_dark: the file "_assets/moon.svg" does not exist; icons belong into _assets`},
		{name: "icon is a folder", file: f, old: "icon: icon.svg", new: "icon: .", want: `icon: must be a plain path without . and .. and empty names, like provider/weather.yaml, not "."`},
		{name: "created_at is missing", file: f, old: "created_at: 2025-09-05T10:00:00.000000+08:00\n", new: "", at: "version", want: `created_at: is required`},
		{name: "created_at has no zone", file: f, old: "10:00:00.000000+08:00", new: "10:00:00.000000", want: `created_at: must be a time with its zone, like 2025-09-05T10:00:00+08:00, not "2025-09-05T10:00:00.000000"`},
		{name: "created_at is a date", file: f, old: "2025-09-05T10:00:00.000000+08:00", new: "2025-09-05", want: `created_at: must be a time with its zone, like 2025-09-05T10:00:00+08:00, not "2025-09-05"`},
		{name: "created_at is the zero time", file: f, old: "2025-09-05T10:00:00.000000+08:00", new: "0001-01-01T00:00:00Z", want: `created_at: must be a time with its zone, like 2025-09-05T10:00:00+08:00, not "0001-01-01T00:00:00Z"`},
		{name: "memory is zero", file: f, old: "memory: 268435456", new: "memory: 0", want: `resource.memory: must be at least 1, not 0`},
		{name: "memory is missing", file: f, old: "  memory: 268435456\n", new: "", at: "resource:", want: `resource.memory: is required`},
		{name: "memory is text", file: f, old: "memory: 268435456", new: `memory: "268435456"`, want: `resource.memory: must be a whole number, without quotes, not "268435456"`},
		{name: "memory is a fraction", file: f, old: "memory: 268435456", new: `memory: 2.5`, want: `resource.memory: must be a whole number, without quotes, not "2.5"`},
		{name: "a permission is unknown", file: f, old: "    node:\n", new: "    nodes:\n", want: `resource.permission.nodes: is unknown to the host, which would drop it silently; known here are tool, model, node, endpoint, app, storage`},
		{name: "a permission is neither on nor off", file: f, old: "llm: true", new: `llm: "true"`, want: `resource.permission.model.llm: must be true or false, without quotes, not "true"`},
		{name: "storage is below 1 KiB", file: f, old: "size: 1048576", new: "size: 1023", want: `resource.permission.storage.size: must be from 1024 to 1073741824, not 1023`},
		{name: "storage is above 1 GiB", file: f, old: "size: 1048576", new: "size: 1073741825", want: `resource.permission.storage.size: must be from 1024 to 1073741824, not 1073741825`},
		{name: "storage is off and has no size", file: f, old: "      enabled: true\n      size: 1048576\n", new: "      enabled: false\n", at: "storage:", want: `resource.permission.storage.size: is required even when storage is off; write size: 1048576 or remove storage`},
		{name: "no provider is named", file: f, old: "plugins:\n  tools:\n    - provider/weather.yaml\n  endpoints:\n    - group/hooks.yaml\n", new: "plugins: {}\n", want: `plugins: names no provider; list one file under tools, datasources or endpoints`},
		{name: "models are declared", file: f, old: "  endpoints:\n    - group/hooks.yaml\n", new: "  models: []\n", want: `plugins.models: declares a kind of provider that this SDK does not build; use tools, datasources or endpoints`},
		{name: "the provider's file is missing", file: f, old: "provider/weather.yaml", new: "provider/wetter.yaml", want: `plugins.tools[0]: the file "provider/wetter.yaml" does not exist`},
		{name: "the provider's file is absolute", file: f, old: "provider/weather.yaml", new: "/provider/weather.yaml", want: `plugins.tools[0]: must be a path relative to the plugin's root with / between names, not "/provider/weather.yaml"`},
		{name: "the provider's file has backslashes", file: f, old: "provider/weather.yaml", new: `provider\weather.yaml`, want: `plugins.tools[0]: must be a path relative to the plugin's root with / between names, not "provider\\weather.yaml"`},
		{name: "the provider's file leads out of the root", file: f, old: "provider/weather.yaml", new: "provider/../../weather.yaml", want: `plugins.tools[0]: leads out of the plugin's root: "provider/../../weather.yaml"`},
		{name: "the provider's path is roundabout", file: f, old: "provider/weather.yaml", new: "./provider/weather.yaml", want: `plugins.tools[0]: must be a plain path without . and .. and empty names, like provider/weather.yaml, not "./provider/weather.yaml"`},
		{name: "the provider's file is a folder", file: f, old: "provider/weather.yaml", new: "provider", want: `plugins.tools[0]: "provider" is not a regular file`},
		{name: "tools are not a list", file: f, old: "  endpoints:\n    - group/hooks.yaml\n", new: "  endpoints: group/hooks.yaml\n", want: `plugins.endpoints: must be a list, not text`},
		{name: "the format's version is bad", file: f, old: "meta:\n  version: 0.0.1", new: "meta:\n  version: v1", at: "version: v1", want: `meta.version: must be three numbers of at most four digits, like 0.0.1 or 1.2.3-beta, not "v1"`},
		{name: "an architecture is unknown", file: f, old: "- arm64", new: "- riscv", want: `meta.arch[1]: must be one of amd64, arm64, not "riscv"`},
		{name: "no architecture is named", file: f, old: "arch:\n    - amd64\n    - arm64\n", new: "arch: []\n", want: `meta.arch: must not be empty`},
		{name: "an architecture is empty", file: f, old: "- arm64", new: `- ""`, want: `meta.arch[1]: must not be empty`},
		{name: "the runner is Go", file: f, old: "language: python", new: "language: go", want: `meta.runner.language: must be one of python, not "go"`},
		{name: "the runner has no version", file: f, old: "    version: \"3.12\"\n", new: "", at: "runner:", want: `meta.runner.version: is required`},
		{name: "the runner's version is too long", file: f, old: `"3.12"`, new: long + long, want: `meta.runner.version: must have at most 128 characters, not 140`},
		{name: "the entrypoint is missing", file: f, old: "    entrypoint: main\n", new: "", at: "runner:", want: `meta.runner.entrypoint: is required`},
		{name: "the entrypoint is too long", file: f, old: "entrypoint: main", new: "entrypoint: " + long + long + long + long, want: `meta.runner.entrypoint: must have at most 256 characters, not 280`},
		{name: "the Dify version is no version", file: f, old: "minimum_dify_version: 1.9.0", new: "minimum_dify_version: latest", want: `meta.minimum_dify_version: must be a version of Dify, like 1.9.0, not "latest"`},
		{name: "a tag is unknown", file: f, old: "  - utilities", new: "  - storage", want: `tags[1]: must be one of search, image, videos, weather, finance, design, travel, social, news, medical, productivity, education, business, entertainment, utilities, agent, rag, other, trigger, not "storage"`},
		{name: "the privacy policy is missing", file: f, old: "privacy: PRIVACY.md", new: "privacy: privacy.md", want: `privacy: the file "privacy.md" does not exist; add the file or name the policy's URL`},
		{name: "the privacy policy is outside", file: f, old: "privacy: PRIVACY.md", new: "privacy: ../PRIVACY.md", want: `privacy: leads out of the plugin's root: "../PRIVACY.md"`},
		{name: "the repository is no URL", file: f, old: "repo: https://github.com/acme/weather", new: "repo: acme/weather", want: `repo: must be a URL, like https://github.com/acme/weather, not "acme/weather"`},
		{name: "a key is unknown", file: f, old: "verified: false", new: "homepage: https://acme.example", want: `homepage: is unknown to the host, which would drop it silently; known here are version, type, author, name, label, description, icon, icon_dark, created_at, resource, plugins, meta, tags, privacy, repo, verified`},
	}
}

func toolProviderBreaches() []breach {
	const f = "provider/weather.yaml"
	return []breach{
		{name: "provider author is missing", file: f, old: "  author: acme\n", new: "", at: "identity:", want: `identity.author: is required`},
		{name: "provider name has a slash", file: f, old: "name: weather", new: "name: acme/weather", want: `identity.name: must consist of a-z A-Z 0-9 _ -, not be "acme/weather"`},
		{name: "provider label is missing", file: f, old: "  label:\n    en_US: Weather\n", new: "", at: "identity:", want: `identity.label: is required`},
		{name: "provider description lacks English", file: f, old: "    en_US: Looks out of the window\n", new: "    ja_JP: 天気\n", at: "description:", want: `identity.description.en_US: is required`},
		{name: "provider icon is missing", file: f, old: "  icon: icon.svg\n", new: "", at: "identity:", want: `identity.icon: is required`},
		{name: "provider icon does not exist", file: f, old: "icon: icon.svg", new: "icon: sun.svg", want: `identity.icon: the file "_assets/sun.svg" does not exist; icons belong into _assets`},
		{name: "provider dark icon does not exist", file: f, old: "icon_dark: dark.svg", new: "icon_dark: moon.svg", want: `identity.icon_dark: the file "_assets/moon.svg" does not exist; icons belong into _assets`},
		{name: "provider has a tag that only manifests have", file: f, old: "    - weather\n", new: "    - agent\n", want: `identity.tags[0]: must be one of search, image, videos, weather, finance, design, travel, social, news, medical, productivity, education, business, entertainment, utilities, rag, other, not "agent"`},
		{name: "credential type is unknown", file: f, old: "type: secret-input", new: "type: any", want: `credentials_for_provider.api_key.type: must be one of secret-input, text-input, select, boolean, model-selector, app-selector, array[tools], not "any"`},
		{name: "credential type is missing", file: f, old: "    type: secret-input\n", new: "", at: "api_key:", want: `credentials_for_provider.api_key.type: is required`},
		{name: "credential label is missing", file: f, old: "    label:\n      en_US: API key\n", new: "", at: "api_key:", want: `credentials_for_provider.api_key.label: is required`},
		{name: "credential help lacks English", file: f, old: "      en_US: Ask the weather office\n", new: "      pt_BR: Pergunte\n", at: "help:", want: `credentials_for_provider.api_key.help.en_US: is required`},
		{name: "credential is shown conditionally", file: f, old: "    url: https://weather.example/keys\n", new: "    show_on: []\n", want: `credentials_for_provider.api_key.show_on: is dropped by the host: credentials are always shown`},
		{name: "credential is null", file: f, old: "  verbose:\n    type: boolean\n    default: false\n    label:\n      en_US: Verbose\n", new: "  verbose:\n", want: `credentials_for_provider.verbose: must be a mapping of keys to values, not empty`},
		{name: "credential select has no options", file: f, old: "    options:\n      - value: north\n        label:\n          en_US: North\n      - value: south\n        label:\n          en_US: South\n", new: "", at: "region:", want: `credentials_for_provider.region.options: is required for a select`},
		{name: "credential default is not among the options", file: f, old: "default: north", new: "default: west", want: `credentials_for_provider.region.default: must be among the options, and "west" is not`},
		{name: "credential default is a list", file: f, old: "default: north", new: "default: [north]", want: `credentials_for_provider.region.default: must be a single value, not a list`},
		{name: "credential default has the wrong type", file: f, old: "default: false", new: "default: 'false'", want: `credentials_for_provider.verbose.default: must be true or false, without quotes, not "false"`},
		{name: "credential option is too long", file: f, old: "- value: south", new: "- value: " + long + long, want: `credentials_for_provider.region.options[1].value: must have at most 127 characters, not 140`},
		{name: "credential options are too many", file: f, old: "    options:\n", new: "    options:\n" + manyOptions(126), at: "options:", want: `credentials_for_provider.region.options: must be at most 127, not 128`},
		{name: "credential option has an icon", file: f, old: "- value: south\n", new: "- value: south\n        icon: s.svg\n", at: "icon: s.svg", want: `credentials_for_provider.region.options[1].icon: is dropped by the host: options of credentials have no icon`},
		{name: "credential has a scope that its type lacks", file: f, old: "    type: boolean\n", new: "    type: boolean\n    scope: all\n", at: "scope: all", want: `credentials_for_provider.verbose.scope: is refused by the host on type boolean; only app-selector, model-selector and any have a scope`},
		{name: "credential scope is misspelt in one place", file: f, old: "scope: llm&vision", new: "scope: llm&visions", want: `credentials_for_provider.judge.scope: must be one of llm, text-embedding, rerank, tts, speech2text, moderation, vision, document, tool-call, not "visions"`},
		{name: "credentials are given under both keys", file: f, old: "credentials_for_provider:\n", new: "credentials_schema:\n  - name: token\n    type: text-input\n    label: {en_US: Token}\ncredentials_for_provider:\n", at: "credentials_for_provider:", want: `credentials_for_provider: is dropped by the host, which reads credentials_schema; keep one of the two`},
		{name: "client credential has no name", file: f, old: "    - name: client_id\n      type", new: "    - type", want: `oauth_schema.client_schema[0].name: is required`},
		{name: "client credentials share a name", file: f, old: "  credentials_schema:\n", new: "    - name: client_id\n      type: text-input\n      label: {en_US: Again}\n  credentials_schema:\n", want: `oauth_schema.client_schema.client_id.name: is "client_id" again, as on line 47; it must be unique`},
		{name: "OAuth credentials are a mapping", file: f, old: "  credentials_schema:\n    - name: access_token\n      type: secret-input\n      label:\n        en_US: Token\n", new: "  credentials_schema:\n    access_token: {}\n", want: `oauth_schema.credentials_schema: must be a list, not a mapping`},
		{name: "provider has no tools", file: f, old: "tools:\n  - tools/forecast.yaml\n  - tools/alarm.yaml\n", new: "tools: []\n", want: `tools: must not be empty`},
		{name: "provider lacks the key tools", file: f, old: "tools:\n  - tools/forecast.yaml\n  - tools/alarm.yaml\n", new: "", at: "identity:", want: `tools: is required: a list of the tools' files`},
		{name: "tool file is missing", file: f, old: "tools/alarm.yaml", new: "tools/storm.yaml", want: `tools[1]: the file "tools/storm.yaml" does not exist`},
		{name: "tool file is outside", file: f, old: "tools/alarm.yaml", new: "../alarm.yaml", want: `tools[1]: leads out of the plugin's root: "../alarm.yaml"`},
		{name: "tool file is listed twice", file: f, old: "  - tools/alarm.yaml\n", new: "  - tools/alarm.yaml\n  - tools/forecast.yaml\n", at: "- tools/forecast.yaml\nextra", want: `tools[2]: mentions the file "tools/forecast.yaml" again; mention it once`},
		{name: "provider has help", file: f, old: "extra:\n", new: "help: {en_US: Help}\nextra:\n", want: `help: is unknown to the host, which would drop it silently; known here are identity, credentials_schema, credentials_for_provider, oauth_schema, tools, extra`},
	}
}

func datasourceBreaches() []breach {
	const p, d = "provider/shelf.yaml", "datasources/shelf.yaml"
	return []breach{
		{name: "provider author is missing", file: p, old: "identity:\n  author: acme\n", new: "identity:\n", at: "identity:", want: `identity.author: is required`},
		{name: "provider name has a blank", file: p, old: "name: shelf", new: "name: my shelf", want: `identity.name: must consist of a-z A-Z 0-9 _ -, not be "my shelf"`},
		{name: "provider description is missing", file: p, old: "  description:\n    en_US: Files on a shelf\n", new: "", at: "identity:", want: `identity.description: is required`},
		{name: "provider icon is missing", file: p, old: "  icon: icon.svg\n", new: "", at: "identity:", want: `identity.icon: is required`},
		{name: "provider has a dark icon", file: p, old: "  icon: icon.svg\n", new: "  icon: icon.svg\n  icon_dark: icon.svg\n", at: "icon_dark", want: `identity.icon_dark: is dropped by the host: a datasource has one icon`},
		{name: "provider has a tag that only tools have", file: p, old: "[utilities]", new: "[rag]", at: "tags:", want: `identity.tags[0]: must be one of search, image, videos, weather, finance, design, travel, social, news, medical, productivity, education, business, entertainment, utilities, other, not "rag"`},
		{name: "provider type is unknown", file: p, old: "provider_type: online_document", new: "provider_type: drive", want: `provider_type: must be one of website_crawl, online_document, online_drive, not "drive"`},
		{name: "provider type is missing", file: p, old: "provider_type: online_document\n", new: "", at: "identity:", want: `provider_type: is required`},
		{name: "credentials stand under the key for tools", file: p, old: "credentials_schema:\n", new: "credentials_for_provider:\n", want: `credentials_for_provider: is dropped by the host, which knows it for tools only; call it credentials_schema`},
		{name: "credential has no name", file: p, old: "  - name: shelf_id\n    type", new: "  - type", want: `credentials_schema[0].name: is required`},
		{name: "credential has an empty name", file: p, old: "  - name: shelf_id\n    type: text-input\n    required: true\n    label:\n      en_US: Shelf\n", new: "  \"\": {type: text-input, label: {en_US: Shelf}}\n", at: `"":`, want: `credentials_schema."": has a name that does not have 1 to 1023 characters`},
		{name: "provider has help", file: p, old: "provider_type", new: "help: {en_US: Help}\nprovider_type", want: `help: is dropped by the host: put help on a credential`},
		{name: "provider has no datasources", file: p, old: "datasources:\n  - datasources/shelf.yaml\n  - identity:\n      author: acme\n      name: cellar\n      label:\n        en_US: Cellar\n    description:\n      en_US: Everything below\n    parameters: []\n", new: "datasources: []\n", want: `datasources: must not be empty`},
		{name: "datasource name is taken", file: p, old: "name: cellar", new: "name: shelf", at: "name: shelf\n      label", want: `datasources[1].identity.name: is "shelf", the name in "datasources/shelf.yaml" as well; it must be unique`},
		{name: "datasource file is missing", file: p, old: "datasources/shelf.yaml", new: "datasources/board.yaml", want: `datasources[0]: the file "datasources/board.yaml" does not exist`},
		{name: "datasource has no parameters", file: p, old: "    parameters: []\n", new: "", at: "- identity:", want: `datasources[1].parameters: is required; write parameters: [] when there are none`},
		{name: "datasource parameters are null", file: p, old: "parameters: []\n", new: "parameters:\n", at: "    parameters:", want: `datasources[1].parameters: is required; write parameters: [] when there are none`},
		{name: "datasource has a tool's description", file: d, old: "description:\n  en_US: All books\n", new: "description:\n  en_US: All books\n  llm: All books\n", at: "llm:", want: `description.llm: is unknown to the host, which would drop it silently; known here are en_US, zh_Hans, ja_JP, pt_BR`},
		{name: "datasource icon does not exist", file: d, old: "icon: icon.svg", new: "icon: book.svg", want: `identity.icon: the file "_assets/book.svg" does not exist; icons belong into _assets`},
		{name: "parameter type is for tools", file: d, old: "    type: number\n    default: 2\n", new: "    type: file\n", want: `parameters.depth.type: must be one of string, number, boolean, select, secret-input, not "file"`},
		{name: "parameter name is taken", file: d, old: "name: order", new: "name: depth", at: "name: depth\n    type: select", want: `parameters.depth.name: is "depth" again, as on line 10; it must be unique`},
		{name: "parameter description is missing", file: d, old: "    description:\n      en_US: How many rows\n", new: "", at: "- name: depth", want: `parameters.depth.description: is required`},
		{name: "parameter has a form", file: d, old: "    required: true\n", new: "    form: form\n", want: `parameters.depth.form: is unknown to the host, which would drop it silently; known here are name, label, description, type, required, auto_generate, template, default, min, max, precision, options`},
		{name: "parameter has a scope", file: d, old: "    required: true\n", new: "    scope: all\n", want: `parameters.depth.scope: is refused by the host on every parameter of a datasource`},
		{name: "parameter is shown conditionally", file: d, old: "    required: true\n", new: "    show_on: []\n", want: `parameters.depth.show_on: is dropped by the host: parameters are always shown`},
		{name: "parameter has a placeholder", file: d, old: "    required: true\n", new: "    placeholder: {en_US: x}\n", want: `parameters.depth.placeholder: is dropped by the host: say it in description`},
		{name: "default is above the maximum", file: d, old: "default: 2", new: "default: 6", want: `parameters.depth.default: must not be greater than max, 5`},
		{name: "default is a list", file: d, old: "default: title", new: "default: [title]", want: `parameters.order.default: must be a single value, not a list`},
		{name: "default is not among the options", file: d, old: "default: title", new: "default: author", want: `parameters.order.default: must be among the options, and "author" is not`},
		{name: "outputs are not of an object", file: d, old: "  type: object\n", new: "  type: string\n", want: `output_schema.type: must be object`},
	}
}

func manyOptions(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "      - {value: o%d, label: {en_US: O}}\n", i)
	}
	return b.String()
}

func toolBreaches() []breach {
	const f = "tools/forecast.yaml"
	return []breach{
		{name: "tool name has a blank", file: f, old: "name: forecast", new: "name: fore cast", want: `identity.name: must consist of a-z A-Z 0-9 _ -, not be "fore cast"`},
		{name: "tool name is taken by another tool", file: f, old: "name: forecast", new: "name: storm_alarm", in: "tools/alarm.yaml", at: "name: storm_alarm", want: `identity.name: is "storm_alarm", the name in "tools/forecast.yaml" as well; it must be unique`},
		{name: "tool author is missing", file: f, old: "  author: acme\n", new: "", at: "identity:", want: `identity.author: is required`},
		{name: "tool label is missing", file: f, old: "  label:\n    en_US: Forecast\n", new: "", at: "identity:", want: `identity.label: is required`},
		{name: "tool has an icon", file: f, old: "  author: acme\n", new: "  author: acme\n  icon: icon.svg\n", at: "icon: icon.svg", want: `identity.icon: is dropped by the host: a tool shows its provider's icon`},
		{name: "tool has no description for people", file: f, old: "  human:\n    en_US: Tells the weather of the next days\n", new: "", at: "description:", want: `description.human: is required`},
		{name: "tool has no description for models", file: f, old: "  llm: Tells the weather of the next days in a city.\n", new: "", at: "description:", want: `description.llm: is required`},
		{name: "tool has an input schema", file: f, old: "extra:\n", new: "input_schema: {}\nextra:\n", want: `input_schema: is dropped by the host: parameters are the only inputs`},
		{name: "parameters are a mapping", file: "tools/alarm.yaml", old: "description:\n", new: "parameters: {city: {}}\ndescription:\n", want: `parameters: must be a list, not a mapping`},
		{name: "parameter has no name", file: f, old: "  - name: photo\n    type", new: "  - type", at: "- type: file", want: `parameters[6].name: is required`},
		{name: "parameter name is too long", file: f, old: "name: photo", new: "name: " + strings.Repeat("p", 1024), want: `parameters[6].name: must have at most 1023 characters, not 1024`},
		{name: "parameter name is taken", file: f, old: "name: days", new: "name: city", at: "name: city\n    type: number", want: `parameters.city.name: is "city" again, as on line 11; it must be unique`},
		{name: "parameter label is missing", file: f, old: "    label:\n      en_US: City\n", new: "", at: "- name: city", want: `parameters.city.label: is required`},
		{name: "parameter description is missing", file: f, old: "    human_description:\n      en_US: Where\n", new: "", at: "- name: city", want: `parameters.city.human_description: is required`},
		{name: "parameter type is unknown", file: f, old: "type: string", new: "type: text", want: `parameters.city.type: must be one of string, number, boolean, select, secret-input, file, files, app-selector, model-selector, any, dynamic-select, array, object, checkbox, date, date-range, not "text"`},
		{name: "parameter form is unknown", file: f, old: "form: llm", new: "form: user", want: `parameters.city.form: must be one of llm, form, schema, not "user"`},
		{name: "parameter form is missing", file: f, old: "    form: llm\n", new: "", at: "- name: city", want: `parameters.city.form: is required`},
		{name: "parameter is required by a word", file: f, old: "required: true", new: "required: always", want: `parameters.city.required: must be true or false, without quotes, not "always"`},
		{name: "parameter is shown conditionally", file: f, old: "    llm_description: Name of the city\n", new: "    show_on: []\n", want: `parameters.city.show_on: is dropped by the host: parameters are always shown`},
		{name: "parameter has a placeholder", file: f, old: "    llm_description: Name of the city\n", new: "    placeholder: {en_US: Paris}\n", want: `parameters.city.placeholder: is dropped by the host: say it in human_description`},
		{name: "parameter has an input schema", file: f, old: "    llm_description: Name of the city\n", new: "    input_schema: {}\n", want: `parameters.city.input_schema: is dropped by the host: declare the inputs as parameters`},
		{name: "minimum exceeds the maximum", file: f, old: "    default: 3\n    min: 1\n", new: "    min: 15\n", want: `parameters.days.min: must not be greater than max, 14`},
		{name: "minimum is text", file: f, old: "min: 1\n", new: "min: '1'\n", want: `parameters.days.min: must be a number, without quotes, not "1"`},
		{name: "maximum is infinite", file: f, old: "max: 14", new: "max: .inf", want: `parameters.days.max: must be a finite number`},
		{name: "default is below the minimum", file: f, old: "default: 3", new: "default: 0.5", want: `parameters.days.default: must not be less than min, 1`},
		{name: "default is above the maximum", file: f, old: "default: 3", new: "default: 15", want: `parameters.days.default: must not be greater than max, 14`},
		{name: "default of a number is text", file: f, old: "default: 3", new: `default: "3"`, want: `parameters.days.default: must be a number, without quotes, not "3"`},
		{name: "default of a number is no number", file: f, old: "default: 3", new: `default: .nan`, want: `parameters.days.default: must be a finite number`},
		{name: "default of a boolean is text", file: f, old: "default: false", new: `default: "no"`, want: `parameters.nearby.default: must be true or false, without quotes, not "no"`},
		{name: "default of a text is a number", file: f, old: "    type: string\n", new: "    type: string\n    default: 7\n", at: "default: 7", want: `parameters.city.default: must be text, in quotes where needed, not "7"`},
		{name: "default of a text is a date", file: f, old: "    type: string\n", new: "    type: string\n    default: 2025-01-01\n", at: "default: 2025", want: `parameters.city.default: is read as a date, not as text; write it in quotes`},
		{name: "default of a file is a path", file: f, old: "    type: file\n", new: "    type: file\n    default: sky.png\n", at: "default: sky", want: `parameters.photo.default: must be left out, a file has no default, not "sky.png"`},
		{name: "default is not among the options", file: f, old: "default: celsius", new: "default: rankine", want: `parameters.unit.default: must be among the options, and "rankine" is not`},
		{name: "default of a select is a number", file: f, old: "default: celsius", new: "default: 1", want: `parameters.unit.default: must be text, in quotes where needed, not "1"`},
		{name: "default of several is a single one", file: f, old: "    default:\n      - wind\n", new: "    default: wind\n", want: `parameters.details.default: must be a list of texts, because of multiple: true, not "wind"`},
		{name: "default of a single one is a list", file: f, old: "    multiple: true\n", new: "", at: "default:\n      - wind", want: `parameters.details.default: must be text, in quotes where needed, not a list`},
		{name: "several values in a number", file: f, old: "    precision: 0\n", new: "    multiple: true\n", want: `parameters.days.multiple: is only for select and dynamic-select, not for "number"`},
		{name: "precision is negative", file: f, old: "precision: 0", new: "precision: -1", want: `parameters.days.precision: must be from 0 to 2147483647, not -1`},
		{name: "option has no value", file: f, old: "      - value: kelvin\n        label:\n", new: "      - label:\n", at: "- label:\n          en_US: Kelvin", want: `parameters.unit.options[1].value: is required; an empty choice cannot be declared`},
		{name: "option is empty", file: f, old: "value: kelvin", new: `value: ""`, want: `parameters.unit.options[1].value: must not be empty; an empty choice cannot be declared`},
		{name: "option is there twice", file: f, old: "value: kelvin", new: `value: celsius`, at: "value: celsius\n        label:\n          en_US: Kelvin", want: `parameters.unit.options[1].value: is "celsius" again, as on line 40; it must be unique`},
		{name: "option has no label", file: f, old: "        label:\n          en_US: Kelvin\n", new: "", at: "- value: kelvin", want: `parameters.unit.options[1].label: is required`},
		{name: "option is shown conditionally", file: f, old: "        icon: c.svg\n", new: "        show_on: []\n", want: `parameters.unit.options[0].show_on: is dropped by the host: options are always shown`},
		{name: "scope is on a type without one", file: f, old: "    type: string\n", new: "    type: string\n    scope: all\n", at: "scope: all", want: `parameters.city.scope: is refused by the host on type string; only app-selector, model-selector and any have a scope`},
		{name: "scope of a model is unknown", file: f, old: "scope: llm", new: "scope: all", want: `parameters.model.scope: must be one of llm, text-embedding, rerank, tts, speech2text, moderation, vision, document, tool-call, not "all"`},
		{name: "scope is empty", file: f, old: "scope: llm", new: `scope: ""`, want: `parameters.model.scope: must be one of llm, text-embedding, rerank, tts, speech2text, moderation, vision, document, tool-call, not ""`},
		{name: "auto_generate is of an unknown type", file: f, old: "type: prompt_instruction", new: "type: magic", want: `parameters.note.auto_generate.type: must be one of prompt_instruction, not "magic"`},
		{name: "template is neither on nor off", file: f, old: "    template:\n      enabled: true\n", new: "    template:\n      enabled: 1\n", at: "enabled: 1", want: `parameters.note.template.enabled: must be true or false, without quotes, not "1"`},
		{name: "outputs are a list", file: f, old: "output_schema:\n  type: object\n  properties:\n    temperature:\n      type: number\n      minimum: -90\n", new: "output_schema: []\n", want: `output_schema: must be a mapping, the JSON schema of an object, not a list`},
		{name: "outputs are not of an object", file: f, old: "  type: object\n", new: "  type: array\n", want: `output_schema.type: must be object`},
		{name: "outputs have no type", file: f, old: "  type: object\n", new: "", at: "output_schema:", want: `output_schema.type: must be object`},
		{name: "outputs have no properties", file: f, old: "  properties:\n    temperature:\n      type: number\n      minimum: -90\n", new: "", at: "output_schema:", want: `output_schema.properties: is required: a mapping of output names to their JSON schemas`},
		{name: "properties of outputs are a list", file: f, old: "  properties:\n    temperature:\n      type: number\n      minimum: -90\n", new: "  properties: []\n", want: `output_schema.properties: must be a mapping of output names to their JSON schemas, not a list`},
		{name: "output is called text", file: f, old: "    temperature:\n", new: "    text:\n", want: `output_schema.properties.text: is the name of an output that every tool has; choose another`},
		{name: "output is called json", file: f, old: "    temperature:\n", new: "    json:\n", want: `output_schema.properties.json: is the name of an output that every tool has; choose another`},
		{name: "output is called files", file: f, old: "    temperature:\n", new: "    files:\n", want: `output_schema.properties.files: is the name of an output that every tool has; choose another`},
		{name: "output schema holds no finite number", file: f, old: "minimum: -90", new: "minimum: -.inf", want: `output_schema.properties.temperature.minimum: must be a finite number`},
		{name: "runtime parameters are neither on nor off", file: f, old: "has_runtime_parameters: true", new: "has_runtime_parameters: maybe", want: `has_runtime_parameters: must be true or false, without quotes, not "maybe"`},
	}
}

func endpointBreaches() []breach {
	const f = "group/hooks.yaml"
	return []breach{
		{name: "settings are a mapping", file: f, old: "settings:\n  - name: secret\n    type: secret-input\n    required: true\n    label:\n      en_US: Secret\n", new: "settings: {secret: {}}\n", want: `settings: must be a list, not a mapping`},
		{name: "group has no endpoints", file: f, old: "endpoints:\n  - hooks/push.yaml\n  - path: /ping\n    method: GET\n", new: "endpoints: []\n", want: `endpoints: must not be empty`},
		{name: "endpoint method is unknown", file: f, old: "method: GET", new: "method: PATCH", want: `endpoints[1].method: must be one of HEAD, GET, POST, PUT, DELETE, OPTIONS, not "PATCH"`},
		{name: "endpoint has no path", file: "hooks/push.yaml", old: "path: /push/<station>\n", new: "", at: "method", want: `path: is required`},
		{name: "endpoint file is missing", file: f, old: "hooks/push.yaml", new: "hooks/pull.yaml", want: `endpoints[0]: the file "hooks/pull.yaml" does not exist`},
		{name: "endpoint is hidden by a word", file: "hooks/push.yaml", old: "hidden: true", new: "hidden: yes please", want: `hidden: must be true or false, without quotes, not "yes please"`},
	}
}

func structureBreaches() []breach {
	const f = "tools/alarm.yaml"
	return []breach{
		{name: "a key appears twice", file: f, old: "  llm: Warns of storms.\n", new: "  llm: Warns of storms.\n  llm: Warns.\n", at: "llm: Warns.\n", want: `description.llm: appears twice, first on line 9; remove one`},
		{name: "keys are merged", file: f, old: "    en_US: Storm alarm\n", new: "    en_US: Storm alarm\n    <<: {ja_JP: 嵐}\n", at: "<<", want: `identity.label."<<": is a merge key; merge keys are not read, write the keys out`},
		{name: "a key is a list", file: f, old: "    en_US: Storm alarm\n", new: "    en_US: Storm alarm\n    ? [a]\n    : b\n", at: "? [a]", want: `identity.label: has a key that is not plain text`},
	}
}

func TestAFileThatIsNoMappingIsOneFault(t *testing.T) {
	deep := "extra: " + strings.Repeat("[", 100) + strings.Repeat("]", 100) + "\n"
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "tools/alarm.yaml:1: is empty; it must be a mapping of keys to values"},
		{"only a comment", "# nothing\n", "tools/alarm.yaml:1: is empty; it must be a mapping of keys to values"},
		{"null", "~\n", "tools/alarm.yaml:1: must be a mapping of keys to values, not empty"},
		{"a list", "- a\n- b\n", "tools/alarm.yaml:1: must be a mapping of keys to values, not a list"},
		{"text", "\n\nhello\n", "tools/alarm.yaml:3: must be a mapping of keys to values, not text"},
		{"not YAML", "a: 1\nb: [\n", "tools/alarm.yaml:2: is not valid YAML: did not find expected node content"},
		{"an alias of nothing", "a: *b\n", "tools/alarm.yaml:1: is not valid YAML: unknown anchor 'b' referenced"},
		{"not UTF-8", "a: 1\nb: \xff\n", "tools/alarm.yaml:2: is not UTF-8 text; save it as UTF-8"},
		{"UTF-16", "\xff\xfea\x00", "tools/alarm.yaml:1: is not UTF-8 text; save it as UTF-8"},
		{"control characters", "a: \x01\n", "tools/alarm.yaml:1: is not valid YAML: control characters are not allowed"},
		{"two documents", "a: 1\n---\nb: 2\n", "tools/alarm.yaml:2: is not valid YAML: a second document starts, and only the first is read; remove the ---"},
	} {
		t.Run(c.name, func(t *testing.T) {
			fsys := files(t, "tool.txtar")
			fsys["tools/alarm.yaml"] = &fstest.MapFile{Data: []byte(c.text)}
			_, err := Load(fsys)
			if diff := cmp.Diff([]string{c.want}, lines(err)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("nested without end", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		fsys["tools/alarm.yaml"].Data = append(fsys["tools/alarm.yaml"].Data, deep...)
		want := "tools/alarm.yaml:10: extra" + strings.Repeat("[0]", 63) + ": is nested deeper than 64 levels"
		_, err := Load(fsys)
		if diff := cmp.Diff([]string{want}, lines(err)); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
}

func TestLimits(t *testing.T) {
	t.Run("a file of more than 1 MiB is not read", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		fsys["tools/alarm.yaml"].Data = append(fsys["tools/alarm.yaml"].Data, make([]byte, maxFileSize)...)
		_, err := Load(fsys)
		want := []string{`provider/weather.yaml:58: tools[1]: the file "tools/alarm.yaml" is larger than 1048576 bytes, the limit for a declaration`}
		if diff := cmp.Diff(want, lines(err)); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
	t.Run("declarations of more than 16 MiB together are not read", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		r := newReader(fsys)
		r.size = maxTotalSize
		for _, name := range []string{Root, "provider/weather.yaml", "tools/forecast.yaml"} {
			r.size -= int64(len(fsys[name].Data))
		}
		_, err := load(r)
		want := []string{
			`manifest.yaml:41: plugins.endpoints[0]: the file "group/hooks.yaml" is not read: the declarations are larger than 16777216 bytes together`,
			`provider/weather.yaml:58: tools[1]: the file "tools/alarm.yaml" is not read: the declarations are larger than 16777216 bytes together`,
		}
		if diff := cmp.Diff(want, lines(err)); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
	t.Run("a thousand faults are enough", func(t *testing.T) {
		fsys := files(t, "tool.txtar")
		var b strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&b, "k%d:\n", i)
		}
		fsys["tools/alarm.yaml"].Data = append(fsys["tools/alarm.yaml"].Data, b.String()...)
		_, err := Load(fsys)
		faults := faultsOf(t, err)
		if len(faults) != maxFaults+1 {
			t.Fatalf("got %d faults", len(faults))
		}
		if got, want := faults[maxFaults].Message, "2000 more faults are not shown; mend these first"; got != want {
			t.Errorf("the last fault says %q, want %q", got, want)
		}
	})
}

func TestASymbolicLinkIsNotPacked(t *testing.T) {
	for _, link := range []string{"tools", "tools/alarm.yaml"} {
		t.Run(link, func(t *testing.T) {
			fsys := files(t, "tool.txtar")
			target := "../elsewhere/" + link
			fsys["elsewhere/tools/alarm.yaml"] = fsys["tools/alarm.yaml"]
			fsys["elsewhere/tools/forecast.yaml"] = fsys["tools/forecast.yaml"]
			if link == "tools" {
				target = "elsewhere/tools"
				delete(fsys, "tools/alarm.yaml")
				delete(fsys, "tools/forecast.yaml")
			}
			fsys[link] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
			_, err := Load(fsys)
			want := fmt.Sprintf(`provider/weather.yaml:58: tools[1]: %q is a symbolic link, which a package cannot hold`, link)
			if got := lines(err); len(got) == 0 || got[len(got)-1] != want {
				t.Errorf("got %q, want the last to be %q", got, want)
			}
		})
	}
}
