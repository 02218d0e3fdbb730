// Package bedrockruntime is a stand-in for the runtime of Amazon Bedrock: InvokeModel, StartAsyncInvoke, GetAsyncInvoke
// and ApplyGuardrail, as strict as the real ones.
//
//	runtime := bedrockruntime.New()
//	cloud.Register("bedrock-runtime", runtime)
//
// # Models
//
// A [Model] answers the bodies that InvokeModel gets. [New] offers Amazon Titan's and Cohere's models for embeddings and
// Amazon Nova Canvas in every region; [Service.AddModel] adds others or replaces one. Models that work asynchronously are
// those of Amazon Nova Reel, which write what they make into an object store. Every body is held against what the
// documentation of its model says: which members there are, which are required, their types, lengths, ranges and
// choices, how large an image may be. What does not fit is refused in Bedrock's own words.
//
// A model is reached by its ID, by the ID of an inference profile (us.amazon.nova-canvas-v1:0) and by the ARN of either.
//
// # Embeddings
//
// Vectors are made from words: texts that share words are near each other, and the same text has the same vector in
// every run. [TextVector] and [ImageVector] are what the models answer with.
package bedrockruntime
