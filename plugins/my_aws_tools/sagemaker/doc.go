// Package sagemaker holds the tools that ask models behind endpoints of Amazon SageMaker: [DetectToxicity] judges a
// Chinese text, [Rerank] sorts texts by how well they answer a query, [Speak] turns a text into speech.
//
// The endpoints are the user's own, and what they take and answer is agreed between the tool and the model. Each tool
// checks all that it was given before it sends anything, because every request to an endpoint is paid for, and an
// answer of another form than the agreed one is an error that shows what came: it is never made into a result.
package sagemaker
