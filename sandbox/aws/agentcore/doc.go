// Package agentcore is a stand-in for Amazon Bedrock AgentCore: memories and code interpreters, as strict as the real
// service.
//
//	core := agentcore.New()
//	core.Register(cloud)
//	core.AddMemory(agentcore.Memory{Region: "us-east-1", AccountID: "123456789012", ID: "notes-0123456789"})
//	core.Program(func(ctx context.Context, in agentcore.Invocation) []agentcore.Event {
//		return []agentcore.Event{agentcore.Printed("hello\n")}
//	})
//
// AgentCore has two hosts. bedrock-agentcore-control makes and shows resources, here CreateMemory and GetMemory;
// bedrock-agentcore works with them: CreateEvent, ListEvents and RetrieveMemoryRecords on memories, and the sessions of
// code interpreters, whose programs are written in Go. Other parts of the same host have a place beside them, see
// [Service.Handle].
//
// Paths, required fields, types, patterns and ranges are those of the service's API model. A new memory is CREATING
// for as long as [Service.Creation] says. Events are listed newest first, in pages. The answer to InvokeCodeInterpreter
// is a real event stream, in which an exception may follow results.
package agentcore
