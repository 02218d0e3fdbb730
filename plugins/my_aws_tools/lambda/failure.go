package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// explain says what became of a request that was not answered with a response. sent says whether Lambda may have got
// it.
func (i invocation) explain(err error, acct *account.Account, sent bool) error {
	explained := account.Error(err, account.Operation{
		Doing:    "invoke the Lambda function " + i.function.text,
		Service:  "Lambda",
		Action:   "lambda:InvokeFunction",
		Resource: i.function.arn(acct),
		Region:   i.function.in(acct),
		Faults:   faults(err),
	})
	switch {
	case !sent || refused(err):
		return explained
	case errors.Is(explained, context.DeadlineExceeded):
		return plugin.Errorf(plugin.Unavailable, "the Lambda function %s did not answer within the time that Dify gives a tool. It may still "+
			"be running, and was not invoked a second time: look at its log. For work that takes long choose the invocation type Event, "+
			"or have the operator raise PLUGIN_MAX_EXECUTION_TIMEOUT", i.function.text)
	}
	return plugin.Errorf(plugin.KindOf(explained), "%w. The function may have run all the same, and was not invoked a second time: look at "+
		"its log before you run it again", explained)
}

// refused reports whether Lambda answered that it does not run the function. Of errors of its own, only those are
// certain whose reason is known.
func refused(err error) bool {
	if _, ok := faults(err)[account.Code(err)]; ok {
		return true
	}
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.Response != nil && answer.HTTPStatusCode() >= http.StatusMultipleChoices &&
		answer.HTTPStatusCode() < http.StatusInternalServerError
}

// faults are the errors of Invoke before the function runs, after the API reference of Lambda.
func faults(err error) map[string]account.Fault {
	table := map[string]account.Fault{"TooManyRequestsException": throttled(err)}
	for _, group := range []struct {
		kind  plugin.Kind
		text  string
		codes string
	}{
		{plugin.BadRequest, "there is no such function, version or alias in the region {region}: check lambda_name, the qualifier and aws_region{said}", "ResourceNotFoundException"},
		{plugin.BadRequest, "Lambda does not accept the payload: it must be JSON{said}", "InvalidRequestContentException UnsupportedMediaTypeException"},
		{plugin.BadRequest, "the payload is too large for Lambda: store the data, in S3 for example, and pass its location{said}", "RequestTooLargeException SerializedRequestEntityTooLargeException"},
		{plugin.BadRequest, "Lambda does not accept a parameter: check lambda_name, the qualifier and the client context{said}", "InvalidParameterValueException"},
		{plugin.BadRequest, "the function does not allow this now: look at it in the Lambda console{said}", "ResourceConflictException NoPublishedVersionException ModeNotSupportedException DurableExecutionAlreadyStartedException"},
		{plugin.BadRequest, "the code of the function cannot run: repair and deploy it in the Lambda console{said}", "InvalidRuntimeException InvalidZipFileException CodeArtifactUserFailedException CodeArtifactUserDeletedException"},
		{plugin.BadRequest, "Lambda has stopped a loop, in which the function runs itself through another service{said}", "RecursiveInvocationException"},
		{plugin.Authorization, "the KMS key of the function cannot be used: look at it in the KMS console, and at the permissions of the function's role{said}", "KMSAccessDeniedException KMSDisabledException KMSInvalidStateException KMSNotFoundException"},
		{plugin.Unavailable, "the network of the function is not set up as it should be: look at its VPC settings in the Lambda console, and at the permissions of its role{said}", "EC2AccessDeniedException EC2UnexpectedException InvalidSecurityGroupIDException InvalidSubnetIDException SubnetIPAddressLimitReachedException ENILimitReachedException"},
		{plugin.Unavailable, "the file system of the function cannot be used: look at it in the Lambda console{said}", "EFSIOException EFSMountConnectivityException EFSMountFailureException EFSMountTimeoutException S3FilesMountConnectivityException S3FilesMountFailureException S3FilesMountTimeoutException"},
		{plugin.Unavailable, "the snapshot from which the function starts is not usable: publish a new version{said}", "SnapStartException SnapStartTimeoutException SnapStartRegenerationFailureException"},
		{plugin.Unavailable, "the function is not ready yet: try again in a minute{said}", "ResourceNotReadyException ENINotReadyException SnapStartNotReadyException CodeArtifactUserPendingException"},
		{plugin.RateLimit, "the account has reached a quota of Lambda: try again in a minute, or raise the quota{said}", "EC2ThrottledException ServiceQuotaExceededException"},
	} {
		for code := range strings.FieldsSeq(group.codes) {
			table[code] = account.Fault{Kind: group.kind, Text: group.text}
		}
	}
	return table
}

// throttled says which limit was reached and when there is room again.
func throttled(err error) account.Fault {
	fault := account.Fault{Kind: plugin.RateLimit, Text: "Lambda asks for fewer requests at a time: try again in a minute{said}"}
	var answered *types.TooManyRequestsException
	if !errors.As(err, &answered) {
		return fault
	}
	when := "in a minute"
	if after := aws.ToString(answered.RetryAfterSeconds); after != "" {
		when = fmt.Sprintf("in %s seconds", param.ClipTo(after, 10))
	}
	fault.Text = reached(answered.Reason) + ": try again " + when + "{said}"
	return fault
}

func reached(reason types.ThrottleReason) string {
	switch reason {
	case types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded, types.ThrottleReasonReservedFunctionInvocationRateLimitExceeded:
		return "the function already runs as often as the concurrency that is reserved for it allows; raise that in the Lambda console if it is too low"
	case types.ThrottleReasonConcurrentInvocationLimitExceeded, types.ThrottleReasonFunctionInvocationRateLimitExceeded:
		return "as many functions already run in {region} as the quota of the account allows"
	case types.ThrottleReasonCallerRateLimitExceeded:
		return "these credentials call Lambda too often"
	}
	return "Lambda asks for fewer requests at a time"
}

// maxCause bounds in characters what an error repeats of a function's own words.
const maxCause = 2000

// failure is the error that a function has made while it ran, or nil.
func (i invocation) failure(out *lambda.InvokeOutput) error {
	if out.FunctionError == nil {
		return nil
	}
	text := fmt.Sprintf("the Lambda function %s has failed (%s): %s", i.function.text, param.ClipTo(*out.FunctionError, 60), cause(out.Payload))
	tail, err := logTail(out)
	switch {
	case !i.wantsLog():
		text += ". Switch include_logs on to see the end of its log"
	case err != nil || tail == nil:
		text += ". Lambda has sent no log that can be read"
	default:
		text += "\nThe end of its log:\n" + strings.TrimSpace(*tail)
	}
	return plugin.Errorf(plugin.Unavailable, "%s", text)
}

// cause is what a function's error object says: its type and its message. The stack is for the log.
func cause(payload []byte) string {
	var said struct {
		Type    any `json:"errorType"`
		Message any `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &said) != nil || said.Type == nil && said.Message == nil {
		text := strings.ToValidUTF8(strings.TrimSpace(string(payload)), "\uFFFD")
		if text == "" {
			return "it gave no reason"
		}
		return param.ClipTo(text, maxCause)
	}
	var parts []string
	for _, part := range []any{said.Type, said.Message} {
		if part != nil && part != "" {
			parts = append(parts, fmt.Sprint(part))
		}
	}
	return param.ClipTo(strings.Join(parts, ": "), maxCause)
}
