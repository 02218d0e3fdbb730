// Package lambda holds the tools that run AWS Lambda functions: [Invoke] runs any function, [Translate] and [ConvertYAML]
// run functions with an agreed form of request and response.
//
// # Once
//
// A function does something in the world, and running it a second time does it a second time. So a request is sent at
// most once: nothing is tried again, however long the answer takes and however the connection ends. Where the answer is
// lost after the request may have reached AWS, the error says so, and leaves it to the user to look before running the
// function again.
//
// # Failure
//
// A function that fails, by an exception or by its time limit, fails the tool. The error carries what the function said
// about it, and the end of its log where that was asked for.
//
// # Responses
//
// A response is delivered as it was received. One that is no UTF-8 text, or is too long for one message to Dify, becomes
// a file.
package lambda
