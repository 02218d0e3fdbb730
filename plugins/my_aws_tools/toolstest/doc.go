// Package toolstest runs the tools of this plugin in tests, against AWS in the sandbox.
//
//	func TestOperateReadsAnObject(t *testing.T) {
//		cloud := toolstest.Start(t)
//		cloud.Register("s3", s3standin.New())
//		tools := cloud.Run(t, plugin.Tool("s3_operator", s3.Operate))
//		result := tools.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://documents/a.txt"})
//		...
//		failed := tools.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://documents/none.txt"})
//		// failed.Type is the kind, failed.Message the sentence that the user reads
//	}
//
// The tools are served over the plugin's protocol, as Dify does it, and reach AWS under its real host names through
// the sandbox's proxy, which the environment of the test names. Nothing leaves the machine. Because the environment
// belongs to the process, tests that use this package cannot run in parallel with each other; [AWS.Run] makes clients
// that try again without waiting.
//
// Tests of what takes minutes run in a bubble of testing/synctest, on a cloud of [StartInBubble].
//
// Every success is checked to set exactly the outputs that the tool's output_schema declares.
package toolstest
