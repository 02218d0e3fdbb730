package sfn_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "123456789012"
	prefix  = "arn:aws:states:us-east-1:123456789012:"
	orders  = prefix + "stateMachine:orders"
	quick   = prefix + "stateMachine:quick"
)

// start starts Step Functions with the STANDARD state machine orders, whose executions run until they are finished, and
// the EXPRESS one quick, and returns a client of the SDK for it.
func start(t *testing.T) (*sfn.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, machines := aws.New(), sfn.New()
	transport := box.Transport()
	t.Cleanup(func() {
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
	cloud.Register("states", machines)
	cloud.Bind("sync-states.us-east-1.amazonaws.com", "states")
	machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: account, Name: "orders", Qualifiers: []string{"PROD"}, Takes: -1})
	machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: account, Name: "quick", Express: true})
	return machines, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: &http.Client{Transport: transport},
		Retryer: sdk.NopRetryer{},
	})
}

func TestAnExecutionRunsUntilItIsFinished(t *testing.T) {
	machines, c := start(t)
	begun, err := c.StartExecution(t.Context(), &client.StartExecutionInput{
		StateMachineArn: sdk.String(orders + ":PROD"), Name: sdk.String("e"), Input: sdk.String(`{"a":1}`), TraceHeader: sdk.String("Root=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *begun.ExecutionArn != prefix+"execution:orders:e" || time.Since(*begun.StartDate).Abs() > time.Minute {
		t.Errorf("%s was started at %v", *begun.ExecutionArn, begun.StartDate)
	}
	look := func() *client.DescribeExecutionOutput {
		out, err := c.DescribeExecution(t.Context(), &client.DescribeExecutionInput{ExecutionArn: begun.ExecutionArn})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := look()
	if out.Status != types.ExecutionStatusRunning || out.StopDate != nil || out.Output != nil || sdk.ToString(out.Name) != "e" ||
		sdk.ToString(out.Input) != `{"a":1}` || sdk.ToString(out.TraceHeader) != "Root=1" || sdk.ToString(out.StateMachineArn) != orders+":PROD" {
		t.Errorf("while it runs: %+v", out)
	}
	if !machines.Finish(*begun.ExecutionArn, sfn.Outcome{Output: "7"}) || machines.Finish(*begun.ExecutionArn, sfn.Outcome{}) {
		t.Error("an execution is finished once")
	}
	if out = look(); out.Status != types.ExecutionStatusSucceeded || sdk.ToString(out.Output) != "7" || out.StopDate == nil {
		t.Errorf("when it has ended: %+v", out)
	}
}

func TestAnExecutionThatFailsHasAnErrorAndNoOutput(t *testing.T) {
	machines, c := start(t)
	machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: account, Name: "broken", Run: func(json.RawMessage) sfn.Outcome {
		return sfn.Outcome{Status: "FAILED", Output: "1", Error: "Odd", Cause: "very"}
	}})
	begun, err := c.StartExecution(t.Context(), &client.StartExecutionInput{StateMachineArn: sdk.String(prefix + "stateMachine:broken")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeExecution(t.Context(), &client.DescribeExecutionInput{ExecutionArn: begun.ExecutionArn})
	if err != nil || out.Status != types.ExecutionStatusFailed || out.Output != nil || sdk.ToString(out.Error) != "Odd" || sdk.ToString(out.Cause) != "very" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestAnExpressStateMachineAnswersWithItsResult(t *testing.T) {
	_, c := start(t)
	for range 2 { // names of EXPRESS state machines may be used again
		out, err := c.StartSyncExecution(t.Context(), &client.StartSyncExecutionInput{StateMachineArn: sdk.String(quick), Name: sdk.String("e"), Input: sdk.String("[1]")})
		if err != nil {
			t.Fatal(err)
		}
		if out.Status != types.SyncExecutionStatusSucceeded || sdk.ToString(out.Output) != "[1]" || !strings.HasPrefix(*out.ExecutionArn, prefix+"express:quick:e:") {
			t.Errorf("%+v", out)
		}
	}
}

func TestANameIsUsedOnce(t *testing.T) {
	machines, c := start(t)
	in := &client.StartExecutionInput{StateMachineArn: sdk.String(orders), Name: sdk.String("e"), Input: sdk.String("1")}
	for range 2 {
		if _, err := c.StartExecution(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if len(machines.Executions()) != 1 {
		t.Errorf("%d executions", len(machines.Executions()))
	}
	in.Input = sdk.String("2")
	_, err := c.StartExecution(t.Context(), in)
	wantCode(t, "another input", err, "ExecutionAlreadyExists")
	machines.Finish(prefix+"execution:orders:e", sfn.Outcome{})
	in.Input = sdk.String("1")
	_, err = c.StartExecution(t.Context(), in)
	wantCode(t, "an execution that has ended", err, "ExecutionAlreadyExists")
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != code || answered.ErrorMessage() == "" {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfStepFunctions(t *testing.T) {
	machines, c := start(t)
	starting := func(change func(*client.StartExecutionInput)) error {
		in := &client.StartExecutionInput{StateMachineArn: sdk.String(orders)}
		change(in)
		_, err := c.StartExecution(t.Context(), in)
		return err
	}
	describing := func(arn string) error {
		_, err := c.DescribeExecution(t.Context(), &client.DescribeExecutionInput{ExecutionArn: sdk.String(arn)})
		return err
	}
	machine := func(arn string) error {
		return starting(func(in *client.StartExecutionInput) { in.StateMachineArn = sdk.String(arn) })
	}
	_, standardErr := c.StartSyncExecution(t.Context(), &client.StartSyncExecutionInput{StateMachineArn: sdk.String(orders)})
	for _, tt := range []struct {
		name string
		err  error
		code string
	}{
		{"a name", machine("orders"), "InvalidArn"},
		{"no ARN", machine(""), "ValidationException"},
		{"a long ARN", machine(orders + strings.Repeat("x", 256)), "ValidationException"},
		{"a map state", machine(orders + "/each"), "ValidationException"},
		{"an unknown state machine", machine(prefix + "stateMachine:bills"), "StateMachineDoesNotExist"},
		{"an unknown alias", machine(orders + ":TEST"), "StateMachineDoesNotExist"},
		{"another region", machine(strings.Replace(orders, "us-east-1", "eu-west-1", 1)), "StateMachineDoesNotExist"},
		{"an empty name", starting(func(in *client.StartExecutionInput) { in.Name = sdk.String("") }), "ValidationException"},
		{"an odd name", starting(func(in *client.StartExecutionInput) { in.Name = sdk.String("a b") }), "InvalidName"},
		{"a long name", starting(func(in *client.StartExecutionInput) { in.Name = sdk.String(strings.Repeat("n", 81)) }), "InvalidName"},
		{"no JSON", starting(func(in *client.StartExecutionInput) { in.Input = sdk.String("{") }), "InvalidExecutionInput"},
		{"a large input", starting(func(in *client.StartExecutionInput) { in.Input = sdk.String(strings.Repeat("1", 256<<10+1)) }), "ValidationException"},
		{"a long trace header", starting(func(in *client.StartExecutionInput) { in.TraceHeader = sdk.String(strings.Repeat("x", 257)) }), "ValidationException"},
		{"an odd trace header", starting(func(in *client.StartExecutionInput) { in.TraceHeader = sdk.String("é") }), "ValidationException"},
		{"a STANDARD state machine that is waited for", standardErr, "StateMachineTypeNotSupported"},
		{"an unknown execution", describing(prefix + "execution:orders:none"), "ExecutionDoesNotExist"},
		{"no execution", describing(""), "ValidationException"},
		{"a long execution", describing(prefix + "execution:orders:" + strings.Repeat("x", 256)), "ValidationException"},
		{"an EXPRESS execution", describing(prefix + "express:quick:e:1"), "InvalidArn"},
	} {
		wantCode(t, tt.name, tt.err, tt.code)
	}
	if started := machines.Executions(); len(started) != 0 {
		t.Errorf("refused requests have started %+v", started)
	}
}

func TestOnlyTheHostForItStartsAnExecutionThatIsWaitedFor(t *testing.T) {
	_, c := start(t)
	withoutPrefix := middleware.InitializeMiddlewareFunc("WithoutPrefix",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		})
	_, err := c.StartSyncExecution(t.Context(), &client.StartSyncExecutionInput{StateMachineArn: sdk.String(quick)}, func(o *client.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error { return stack.Initialize.Add(withoutPrefix, middleware.Before) })
	})
	wantCode(t, "the host of the other operations", err, "UnknownOperationException")
}
