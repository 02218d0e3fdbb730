// Package bedrockagentruntime is a stand-in for the part of Amazon Bedrock that asks knowledge bases: Retrieve and
// RetrieveAndGenerate, as strict as the real ones, over documents that are written in Go.
//
//	bases := bedrockagentruntime.New()
//	bases.Add(bedrockagentruntime.KnowledgeBase{
//		Region: "us-east-1", AccountID: "123456789012", ID: "KB12345678",
//		Documents: []bedrockagentruntime.Document{bedrockagentruntime.Text("Cats sleep.", "s3://documents/cats.txt", nil)},
//	})
//	cloud.Register("bedrock-agent-runtime", bases)
//
// Every document is found by every query, in the order of the knowledge base, if it passes the filter. A model that
// sorts what was found turns it around. The answer to a question is [Service.Answer]'s. Sessions and guardrails are
// remembered and applied.
package bedrockagentruntime
