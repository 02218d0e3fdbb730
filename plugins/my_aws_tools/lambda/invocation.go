package lambda

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// The limits of Lambda, in bytes: "Lambda quotas" in the Lambda Developer Guide, and Invoke in the API reference.
const (
	// maxPayload is the longest payload for a function that is waited for, maxEvent for one that is not.
	maxPayload = 6 << 20
	maxEvent   = 1 << 20
	// maxClientContext is how long the client context may be in base64.
	maxClientContext = 3583
	// maxAnswer bounds an answer. Lambda's own end a little above 6 MiB.
	maxAnswer = 8 << 20
)

// invocation is one request to run a function.
type invocation struct {
	function  function
	qualifier string
	kind      types.InvocationType
	payload   []byte
	// clientContext is a JSON object, or nil.
	clientContext []byte
	// logs asks for the end of the function's log.
	logs bool
}

// check names what Lambda would refuse. lambda_name, aws_region and qualifier are checked where they are read.
func (i invocation) check(wrong *param.Problems, payload string) {
	limit, what := maxPayload, "a payload"
	if i.kind == types.InvocationTypeEvent {
		limit, what = maxEvent, "the payload of an Event"
	}
	if len(i.payload) > limit {
		wrong.Add(payload, fmt.Errorf("has %d bytes, and Lambda takes at most %d for %s: store the data, in S3 for example, and pass its location", len(i.payload), limit, what))
	}
	if i.clientContext == nil {
		return
	}
	if !isObject(i.clientContext) {
		wrong.Add("client_context_json", fmt.Errorf("must be a JSON object, such as {\"custom\": {\"key\": \"value\"}}"))
	}
	if size := base64.StdEncoding.EncodedLen(len(i.clientContext)); size > maxClientContext {
		wrong.Add("client_context_json", fmt.Errorf("has %d bytes in base64, and Lambda takes at most %d: put the data into the payload", size, maxClientContext))
	}
}

// send sends the request, once. An error that the function itself has made is in the output.
func (i invocation) send(ctx context.Context, acct *account.Account) (*lambda.InvokeOutput, error) {
	cfg := acct.Config(account.Lambda)
	cfg.Region = i.function.in(acct)
	line := account.NewLine(cfg.HTTPClient, "Lambda", maxAnswer)
	cfg.HTTPClient = line
	out, err := lambda.NewFromConfig(cfg, once).Invoke(ctx, i.input())
	if err != nil {
		return nil, i.explain(err, acct, line.Sent())
	}
	return out, i.failure(out)
}

// once makes a client send each request a single time. The SDK would repeat it when the connection breaks or when
// the service answers with an error of its own, and in both cases the function may be running already.
func once(o *lambda.Options) {
	o.Retryer = aws.NopRetryer{}
	o.RetryMaxAttempts = 1
}

func (i invocation) input() *lambda.InvokeInput {
	in := &lambda.InvokeInput{FunctionName: aws.String(i.function.text), InvocationType: i.kind, Payload: i.payload}
	if i.qualifier != "" {
		in.Qualifier = aws.String(i.qualifier)
	}
	if i.clientContext != nil {
		in.ClientContext = aws.String(base64.StdEncoding.EncodeToString(i.clientContext))
	}
	if i.wantsLog() {
		in.LogType = types.LogTypeTail
	}
	return in
}

// wantsLog reports whether the log is asked for: Lambda has it only of functions that it waits for.
func (i invocation) wantsLog() bool {
	return i.logs && i.kind == types.InvocationTypeRequestResponse
}

// logTail is the end of the function's log, at most 4 KiB, or nil where there is none. The cut may go through a
// character.
func logTail(out *lambda.InvokeOutput) (*string, error) {
	if out.LogResult == nil {
		return nil, nil
	}
	raw, err := base64.StdEncoding.DecodeString(*out.LogResult)
	if err != nil {
		return nil, fmt.Errorf("read the log that Lambda sent: %w", err)
	}
	return aws.String(strings.ToValidUTF8(string(raw), "\uFFFD")), nil
}
