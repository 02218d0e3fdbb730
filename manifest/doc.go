// Package manifest reads the declarations of a Dify plugin and checks them.
//
// A plugin describes itself in YAML. The file manifest.yaml at the root says
// who wrote the plugin, what it may do and which provider file belongs to it.
// The provider file says which credentials a user has to enter and lists one
// file per tool or datasource. A tool's file names its parameters:
//
//	manifest.yaml
//	provider/weather.yaml      named by manifest.yaml: plugins.tools
//	tools/forecast.yaml        named by provider/weather.yaml: tools
//	_assets/icon.svg           named by both: icon
//
// All paths inside these files start at the root, wherever the file that
// mentions them lies.
//
// # Checking
//
// The host reads these files several times with different strictness: an
// upload accepts almost everything, a debug connection and the web console do
// not, and keys that nobody knows vanish without a word. [Load] therefore
// applies the strictest reading of all, adds the mistakes that the host
// swallows, and reports every fault in one go, each with its file, line and
// field:
//
//	tools/forecast.yaml:14: parameters.days.default: must be a number, without quotes, not "three"
//
// # Reading while the plugin runs
//
// A running plugin has no use for the whole check. [ReadManifest],
// [ReadToolProvider], [ReadTool] and their siblings read one file, and
// [FindTool] finds the file of a tool by the name that a request carries.
// Each applies the rules that concern that file alone and opens no icon.
//
// # JSON
//
// The types encode to the JSON that the host expects from a plugin that
// registers itself over a debug connection: [Manifest] (and so [Plugin]) is
// the manifest declaration, [ToolProvider], [DatasourceProvider] and
// [EndpointGroup] are the elements of the provider declarations, with tools,
// datasources and endpoints as objects inside. Lists are never null.
//
// # Adding a rule
//
// Every declared object has a table, its method fields, with one line per
// key. What a single value must look like stands in that line; what several
// values owe each other stands in the object's method verify.
package manifest
