package lambda_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// start starts Lambda with a function f, and returns a client of the SDK for it.
func start(t *testing.T, run func(context.Context, lambda.Event) lambda.Result) (*lambda.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, functions := aws.New(), lambda.New()
	transport := box.Transport()
	t.Cleanup(func() {
		functions.Close()
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("lambda", functions)
	functions.Add(lambda.Function{
		Region: "us-east-1", AccountID: account, Name: "f", Versions: []string{"3"}, Aliases: map[string]string{"PROD": "3"}, Run: run,
	})
	return functions, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: &http.Client{Transport: transport},
		Retryer: sdk.NopRetryer{},
	})
}

func echo(_ context.Context, e lambda.Event) lambda.Result {
	return lambda.Result{Payload: e.Payload, Log: "ran " + e.Version}
}

func TestAFunctionIsRunAsItIsAskedTo(t *testing.T) {
	functions, c := start(t, echo)
	clientContext := base64.StdEncoding.EncodeToString([]byte(`{"custom":{}}`))
	ignored := []cmp.Option{cmpopts.IgnoreFields(client.InvokeOutput{}, "ResultMetadata"), cmpopts.IgnoreUnexported(client.InvokeOutput{})}
	for _, tt := range []struct {
		name string
		in   client.InvokeInput
		want client.InvokeOutput
	}{
		{
			"a response",
			client.InvokeInput{FunctionName: sdk.String("f"), Payload: []byte(`{"a":1}`)},
			client.InvokeOutput{StatusCode: 200, ExecutedVersion: sdk.String("$LATEST"), Payload: []byte(`{"a":1}`)},
		},
		{
			"an alias and the log",
			client.InvokeInput{FunctionName: sdk.String("f"), Qualifier: sdk.String("PROD"), LogType: types.LogTypeTail, ClientContext: &clientContext},
			client.InvokeOutput{StatusCode: 200, ExecutedVersion: sdk.String("3"), LogResult: sdk.String(base64.StdEncoding.EncodeToString([]byte("ran 3")))},
		},
		{
			"an ARN with a version",
			client.InvokeInput{FunctionName: sdk.String("arn:aws:lambda:us-east-1:123456789012:function:f:3"), Qualifier: sdk.String("3"), Payload: []byte("7")},
			client.InvokeOutput{StatusCode: 200, ExecutedVersion: sdk.String("3"), Payload: []byte("7")},
		},
		{
			"an event",
			client.InvokeInput{FunctionName: sdk.String("123456789012:function:f"), InvocationType: types.InvocationTypeEvent, ClientContext: &clientContext},
			client.InvokeOutput{StatusCode: 202},
		},
		{
			"a dry run",
			client.InvokeInput{FunctionName: sdk.String("f"), InvocationType: types.InvocationTypeDryRun},
			client.InvokeOutput{StatusCode: 204},
		},
	} {
		out, err := c.Invoke(t.Context(), &tt.in)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(&tt.want, out, ignored...); diff != "" {
			t.Errorf("%s differs (-want +got):\n%s", tt.name, diff)
		}
	}
	functions.Wait()
	want := []lambda.Invocation{
		{Function: "f", Region: "us-east-1", Version: "$LATEST", Type: "RequestResponse", Payload: json.RawMessage(`{"a":1}`)},
		{Function: "f", Region: "us-east-1", Version: "3", Type: "RequestResponse", ClientContext: json.RawMessage(`{"custom":{}}`)},
		{Function: "f", Region: "us-east-1", Version: "3", Type: "RequestResponse", Payload: json.RawMessage("7")},
		{Function: "f", Region: "us-east-1", Version: "$LATEST", Type: "Event"},
	}
	if diff := cmp.Diff(want, functions.Invocations(), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("the runs differ (-want +got):\n%s", diff)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfLambda(t *testing.T) {
	functions, c := start(t, echo)
	functions.Add(lambda.Function{
		Region: "us-east-1", AccountID: account, Name: "busy", Run: echo,
		Busy: &lambda.Busy{Reason: "ReservedFunctionConcurrentInvocationLimitExceeded", RetryAfter: "7"},
	})
	f := sdk.String("f")
	for _, tt := range []struct {
		name   string
		in     client.InvokeInput
		status int
		code   string
		words  string
	}{
		{"an unknown function", client.InvokeInput{FunctionName: sdk.String("g")}, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:us-east-1:123456789012:function:g"},
		{"an unknown alias", client.InvokeInput{FunctionName: sdk.String("f:TEST")}, 404, "ResourceNotFoundException", "function:f:TEST"},
		{"a function of another account", client.InvokeInput{FunctionName: sdk.String("210987654321:function:f")}, 404, "ResourceNotFoundException", "210987654321"},
		{"another region", client.InvokeInput{FunctionName: sdk.String("arn:aws:lambda:eu-west-1:123456789012:function:f")}, 404, "ResourceNotFoundException", "not reachable in this region"},
		{"an odd name", client.InvokeInput{FunctionName: sdk.String("a b")}, 400, "ValidationException", "functionName"},
		{"a long name", client.InvokeInput{FunctionName: sdk.String(strings.Repeat("n", 65))}, 400, "ValidationException", "functionName"},
		{"an odd qualifier", client.InvokeInput{FunctionName: f, Qualifier: sdk.String("a b")}, 400, "ValidationException", "qualifier"},
		{"two qualifiers", client.InvokeInput{FunctionName: sdk.String("f:PROD"), Qualifier: sdk.String("3")}, 400, "InvalidParameterValueException", "derived qualifier"},
		{"an odd type", client.InvokeInput{FunctionName: f, InvocationType: "Sometimes"}, 400, "ValidationException", "invocationType"},
		{"an odd log type", client.InvokeInput{FunctionName: f, LogType: "All"}, 400, "ValidationException", "logType"},
		{"no JSON", client.InvokeInput{FunctionName: f, Payload: []byte("{")}, 400, "InvalidRequestContentException", "Could not parse"},
		{"a large payload", client.InvokeInput{FunctionName: f, Payload: make([]byte, 6<<20+1)}, 413, "RequestTooLargeException", "6291456"},
		{"a large event", client.InvokeInput{FunctionName: f, InvocationType: types.InvocationTypeEvent, Payload: make([]byte, 1<<20+1)}, 413, "RequestTooLargeException", "1048576"},
		{"a context that is no base64", client.InvokeInput{FunctionName: f, ClientContext: sdk.String("{}")}, 400, "InvalidRequestContentException", "Client context"},
		{"a context that is no object", client.InvokeInput{FunctionName: f, ClientContext: sdk.String("bnVsbA==")}, 400, "InvalidRequestContentException", "Client context"},
		{"a large context", client.InvokeInput{FunctionName: f, ClientContext: sdk.String(base64.StdEncoding.EncodeToString([]byte(`{"a":"` + strings.Repeat("x", 2680) + `"}`)))}, 400, "InvalidParameterValueException", "3583"},
		{"a busy function", client.InvokeInput{FunctionName: sdk.String("busy")}, 429, "TooManyRequestsException", "Rate Exceeded"},
	} {
		_, err := c.Invoke(t.Context(), &tt.in)
		var answered smithy.APIError
		var status *smithyhttp.ResponseError
		if !errors.As(err, &answered) || !errors.As(err, &status) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if status.HTTPStatusCode() != tt.status || answered.ErrorCode() != tt.code || !strings.Contains(answered.ErrorMessage(), tt.words) {
			t.Errorf("%s: %d %s: %s", tt.name, status.HTTPStatusCode(), answered.ErrorCode(), answered.ErrorMessage())
		}
		var busy *types.TooManyRequestsException
		if errors.As(err, &busy) && (busy.Reason != "ReservedFunctionConcurrentInvocationLimitExceeded" || sdk.ToString(busy.RetryAfterSeconds) != "7") {
			t.Errorf("%s: %s, %v", tt.name, busy.Reason, busy.RetryAfterSeconds)
		}
	}
	if runs := functions.Invocations(); len(runs) != 0 {
		t.Errorf("refused requests have run %+v", runs)
	}
}

func TestAFunctionThatFailsIsAnsweredWithItsError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result lambda.Result
		kind   string
		words  string
	}{
		{"an exception", lambda.Fails("ValueError", "odd"), "Unhandled", `"errorType":"ValueError"`},
		{"its time limit", lambda.TimesOut(3), "Unhandled", "Task timed out after 3.00 seconds"},
		{"a response that is too large", lambda.Returns(strings.Repeat("x", 6<<20+99)), "Unhandled", "Function.ResponseSizeTooLarge"},
		{"a value that cannot be written", lambda.Returns(func() {}), "Unhandled", "Runtime.MarshalError"},
	} {
		_, c := start(t, func(context.Context, lambda.Event) lambda.Result { return tt.result })
		out, err := c.Invoke(t.Context(), &client.InvokeInput{FunctionName: sdk.String("f")})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if out.StatusCode != 200 || sdk.ToString(out.FunctionError) != tt.kind || !strings.Contains(string(out.Payload), tt.words) {
			t.Errorf("%s: %d %s %.200s", tt.name, out.StatusCode, sdk.ToString(out.FunctionError), out.Payload)
		}
	}
}

func TestOnlyTheEndOfTheLogIsSent(t *testing.T) {
	_, c := start(t, func(context.Context, lambda.Event) lambda.Result {
		return lambda.Result{Log: "beginning" + strings.Repeat("x", 4<<10)}
	})
	out, err := c.Invoke(t.Context(), &client.InvokeInput{FunctionName: sdk.String("f"), LogType: types.LogTypeTail})
	if err != nil {
		t.Fatal(err)
	}
	log, err := base64.StdEncoding.DecodeString(sdk.ToString(out.LogResult))
	if err != nil || string(log) != strings.Repeat("x", 4<<10) {
		t.Errorf("%d bytes, %v", len(log), err)
	}
}
