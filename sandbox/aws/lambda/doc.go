// Package lambda is a stand-in for AWS Lambda: the operation Invoke, as strict as the real one, for functions that are
// written in Go.
//
//	functions := lambda.New()
//	functions.Add(lambda.Function{Region: "us-east-1", AccountID: "123456789012", Name: "greet",
//		Run: func(ctx context.Context, e lambda.Event) lambda.Result {
//			return lambda.Returns(map[string]string{"hello": "world"})
//		}})
//	cloud.Register("lambda", functions)
//
// It checks names, ARNs, versions and aliases, invocation types, the client context and the sizes of requests and
// responses, and answers with Lambda's own status codes, headers and errors: X-Amz-Function-Error, X-Amz-Log-Result,
// X-Amz-Executed-Version, TooManyRequestsException with its reason and its Retry-After.
//
// [Service.Invocations] lists every run of a function, also of those whose answer never arrived: it is how a test finds
// out that a function was run twice.
package lambda
