// Package plugin is a Go SDK for Dify plugins: all that the author of a plugin imports.
//
// A plugin is a folder of declarations in YAML, which tell Dify the names, parameters and labels, and a Go program
// that does the work. The program hands both to [Main]:
//
//	//go:embed manifest.yaml provider tools all:_assets
//	var declarations embed.FS
//
//	type GreetInput struct {
//		Name  string `param:"name"`
//		Times int    `param:"times"`
//	}
//
//	func Greet(ctx context.Context, call *plugin.Call, in GreetInput) error {
//		return call.Text(strings.Repeat("Hello, "+in.Name+"!\n", in.Times))
//	}
//
//	func main() {
//		plugin.Main(declarations, plugin.Tool("greet", Greet))
//	}
//
// # Parts
//
// What a plugin can do is a list of parts: [Tool] for a tool, [ToolCredentials] for the check that runs when a user
// saves credentials, [Options] for the choices of a dynamic-select parameter, [Drive] for an online drive. Dify
// allows tools or a drive in one plugin, not both.
//
// # Input
//
// A tool's input is a struct. Each field names the parameter it receives in a `param` tag; the YAML declares its
// type, its default, its options and whether it is required. Before the tool runs, the SDK has applied them all, and a
// call with wrong parameters is refused with every fault named at once. Blank means absent: null, "" and a missing
// value all give the default. Numbers may arrive as text, integers as 3.0; both are understood.
//
//	string, bool, int, int64, float64      the plain kinds
//	*T                                     nil when absent and without a default
//	time.Duration                          with a unit: `param:"expiry,unit=s"` (ms, s, m, h)
//	[]T, map[string]any, any               arrays, objects, anything; numbers inside are json.Number
//	plugin.InputFile, []plugin.InputFile   files, opened as streams
//	an embedded struct                     parameters that several tools share
//
// Two options change how text is read. `param:"body,literal"` is for content that is stored or sent as it is: there ""
// is a value, not an absence. `param:"token,secret"` keeps the value out of every log line and error.
//
// # Output
//
// [Call] sends results: [Call.Text], [Call.JSON], [Call.Variable], [Call.Link], [Call.Image], [Call.File] and so on.
// They may be called from several goroutines and arrive in the order of the calls. A file travels by whichever way its
// size allows; the author opens it and the SDK does the rest, without holding it in memory or on disk. A file that
// cannot be sent fails the call, unless it was only offered: [Call.OfferFile].
//
// # Failure
//
// A tool that cannot do its work returns an error. [Errorf] gives it one of the kinds that Dify knows. The text is
// what the user reads: say what happened, to what, and what to do about it. A panic, an exceeded time limit and a
// result that the host would not accept become such errors too; nothing a tool does ends the process.
//
// # Time and place
//
// One process serves every user of every workspace at once, and each call runs in its own goroutine. Keep nothing in
// package variables that belongs to a caller: credentials come with each call and go with it. The context of a call
// ends 15 seconds before the host gives up on it; what waits must wait on the context. Standard output belongs to the
// protocol: print nothing there, use [Call.Logger].
//
// To try a plugin in a test, see package plugintest.
package plugin
