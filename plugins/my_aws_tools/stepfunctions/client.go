package stepfunctions

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// maxAnswer bounds an answer in bytes: an input and an output of 256 KiB each, every character of which may be escaped.
const maxAnswer = 8 << 20

// client is Step Functions in one region.
type client struct {
	region string
	// looking repeats what failed, as the SDK does; starting does not.
	looking, starting *sfn.Client
	line              *account.Line
}

func newClient(acct *account.Account, region string) client {
	cfg := acct.Config(account.StepFunctions)
	cfg.Region = region
	c := client{region: region, line: account.NewLine(cfg.HTTPClient, "Step Functions", maxAnswer)}
	once := cfg.Copy()
	cfg.HTTPClient = account.NewLine(cfg.HTTPClient, "Step Functions", maxAnswer)
	c.looking = sfn.NewFromConfig(cfg)
	once.HTTPClient = c.line
	once.Retryer = account.Once(cfg.Retryer)
	c.starting = sfn.NewFromConfig(once, func(o *sfn.Options) {
		if acct.Endpoint(account.StepFunctions) != "" {
			o.APIOptions = append(o.APIOptions, keepHost)
		}
	})
	return c
}

// keepHost sends every operation to the host that a user has entered. The SDK would put sync- before it for
// StartSyncExecution, as AWS's own hosts have it.
func keepHost(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("KeepHost",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			return next.HandleInitialize(smithyhttp.DisableEndpointHostPrefix(ctx, true), in)
		}), middleware.Before)
}

// start starts an execution that is not waited for here.
func (c client) start(ctx context.Context, in request) (*sfn.StartExecutionOutput, error) {
	out, err := c.starting.StartExecution(ctx, &sfn.StartExecutionInput{
		StateMachineArn: aws.String(in.machine.arn), Input: aws.String(in.input), Name: optional(in.name), TraceHeader: optional(in.trace),
	})
	if err == nil && out.ExecutionArn == nil {
		err = errors.New("the answer names no execution")
	}
	return out, c.startError(err, in, "states:StartExecution")
}

// startSync starts an execution of an EXPRESS state machine and waits for its end.
func (c client) startSync(ctx context.Context, in request) (*sfn.StartSyncExecutionOutput, error) {
	out, err := c.starting.StartSyncExecution(ctx, &sfn.StartSyncExecutionInput{
		StateMachineArn: aws.String(in.machine.arn), Input: aws.String(in.input), Name: optional(in.name), TraceHeader: optional(in.trace),
	})
	if err == nil && (out.ExecutionArn == nil || out.Status == "") {
		err = errors.New("the answer does not say how the execution has ended")
	}
	return out, c.startError(err, in, "states:StartSyncExecution")
}

// startError says whether an execution may have been started although its start was not confirmed.
func (c client) startError(err error, in request, action string) error {
	if err == nil {
		return nil
	}
	explained := c.explain(err, "start an execution of the state machine "+in.machine.arn, action, in.machine.arn)
	if account.Code(err) != "" && plugin.KindOf(explained) != plugin.Unavailable || !c.line.Sent() {
		return explained
	}
	if isOver(explained) && action == "states:StartSyncExecution" {
		return plugin.Errorf(plugin.Unavailable, "an execution of the EXPRESS state machine %s has not ended within the time that Dify gives a tool. It may still be running, "+
			"for five minutes at most, and was not started a second time: its result will be in its log in CloudWatch", in.machine.arn)
	}
	advice := "look at the executions of the state machine before you run this again. With an execution_name, a STANDARD state machine starts an execution once"
	if in.name != "" && !in.express {
		advice = fmt.Sprintf("to find out, run this again with execution_arn %s", in.namedExecution())
	}
	return plugin.Errorf(plugin.KindOf(explained), "%w. The execution may have been started all the same, and the request was not repeated: %s", explained, advice)
}

// describe looks an execution up.
func (c client) describe(ctx context.Context, arn string) (*sfn.DescribeExecutionOutput, error) {
	return c.looking.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: aws.String(arn)})
}

func (c client) describeError(err error, arn string) error {
	return c.explain(err, "look up the execution "+arn, "states:DescribeExecution", arn)
}

// optional is nil for what was left out.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
