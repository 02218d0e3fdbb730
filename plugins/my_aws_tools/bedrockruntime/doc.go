// Package bedrockruntime holds the tools over the runtime of Amazon Bedrock: guardrails that judge texts, images of Amazon
// Nova Canvas and videos of Amazon Nova Reel.
//
// # Paid for once
//
// An image costs money whether anybody sees it or not. A request for images is sent again only where AWS has answered
// that it was not performed, and never because an answer was late or lost. What a model has made is handed over even
// when it could not be stored. A video is started with a token by which AWS recognises a request that it has had before.
//
// # Images
//
// Images come out of S3 or as files of Dify's. They are looked at before a model is asked: a model refuses wrong ones
// too, but later and in fewer words. Pictures are decoded one at a time, whoever asks, because a small file can hold a
// large picture.
//
// # Videos
//
// AWS writes a video into the user's bucket. It is handed over as a stream, never whole in memory. A video that is not
// done within the time of a call goes on, and its ARN picks it up.
package bedrockruntime
