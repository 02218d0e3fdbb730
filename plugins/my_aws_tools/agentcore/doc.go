// Package agentcore holds the tools over memories and code interpreters of Amazon Bedrock AgentCore: [Remember] writes
// and reads conversations, [Search] finds what a memory has extracted from them, and [Interpret] runs code and commands
// in a sandbox at AWS.
//
// # What is created
//
// Nothing stays behind that the user has not asked for. A memory is created by one thing only: a record without a
// memory_id. Reading and searching never create one. A session of a code interpreter that a call has started is stopped
// at its end, also when the call fails or is cancelled, unless keep_session is set; the code interpreter itself is the
// one that every account has.
//
// # Once
//
// Code does something in the world. A request to run it is sent again only where AWS has answered that it was
// throttled, and never because an answer was late or lost. Requests that create something carry a token, by which AWS
// itself tells a repetition.
package agentcore
