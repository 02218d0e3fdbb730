// Package host is the other end of a plugin's wire: it does what Dify's plugin daemon does. It starts a plugin,
// written in any language, as a child process, calls it, reads its answers as Dify would read them, and answers the
// calls that the plugin makes back into Dify.
//
//	p, err := host.Start(ctx, host.Command{Path: "./my_plugin", Env: os.Environ()}, host.Options{})
//	if err != nil {
//		return err // with the end of what the plugin wrote to standard error
//	}
//	defer p.Close()
//
//	result, err := p.Tool(ctx, host.Caller{Provider: "greeter"}, "greet", map[string]any{"name": "Ada"})
//	fmt.Println(result.Text)
//
// # Layers
//
// [Conn] is the protocol over any pair of a writer and a reader; a test can connect one to a plugin in the same
// process through [io.Pipe]. [Process] is a Conn to a child process. [Supervisor] keeps a process running: it starts
// another one after a crash, and calls wait for it. All three have the methods of [Actions], which are the calls that
// Dify makes, and a general Call that streams the messages of any action.
//
// [Dify] answers the calls that go the other way: storage, file uploads and other tools. It is one [Backend]; a test
// may bring its own.
//
// # Faithful, then strict
//
// The limits, timeouts and rules are those of the daemon and of Dify: a line that is too long kills the plugin, a
// plugin that is silent for two minutes is killed, chunks are put together in the order in which they arrive. Where
// the daemon drops a fault without a word, so that a call hangs or looks like an empty success, this package reports
// a [Violation], through Options.OnViolation and [Conn.Violations]. With Options.Strict a violation fails the call it
// belongs to, or Close when it belongs to none; that is the setting for a plugin's tests.
//
// One deviation is always on: when the plugin dies, the calls that are under way fail at once, with its exit status
// and the end of its standard error. The daemon lets them wait for their timeout.
package host
