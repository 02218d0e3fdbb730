package stepfunctions

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// StartInput is the input of stepfunctions_start_execution.
type StartInput struct {
	account.Input
	StateMachineARN string `param:"state_machine_arn"`
	// ExecutionInput is JSON: usually as text, which is sent as it is.
	ExecutionInput any    `param:"input_json"`
	ExecutionName  string `param:"execution_name"`
	TraceHeader    string `param:"trace_header"`
	Tags           any    `param:"tags_json"`
	Wait           bool   `param:"wait_for_result"`
	ExecutionARN   string `param:"execution_arn"`
	Type           string `param:"state_machine_type"`
}

// Start starts an execution of a state machine, with {} as input where there is none, or looks at one that was started
// before: then nothing is started, and what only a start could use is not looked at.
//
// It sends a JSON object about the execution, and then a text: the ARN of the execution, or its output where the
// execution has ended. An execution that has failed, timed out or been aborted is a failure of the tool.
//
// tags_json is declared because it is in workflows that exist. It is refused unless it is empty: StartExecution takes no
// tags.
func Start(ctx context.Context, call *plugin.Call, in StartInput) error {
	request, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	found, err := request.perform(ctx, call, newClient(acct, request.machine.region))
	if err != nil {
		return err
	}
	if err := found.failure(); err != nil {
		return err
	}
	return found.send(call)
}

// request is what is asked for, checked.
type request struct {
	machine            machine
	input, name, trace string
	wait, express      bool
	// pickUp is an execution that was started before, or the zero one.
	pickUp execution
}

// read checks the parameters.
func (in StartInput) read() (request, error) {
	r := request{
		name: strings.TrimSpace(in.ExecutionName), trace: strings.TrimSpace(in.TraceHeader), wait: in.Wait, express: in.Type == "EXPRESS",
	}
	var wrong param.Problems
	var err error
	if r.machine, err = parseMachine(in.StateMachineARN); err == nil {
		err = r.machine.checkRegion(in.Region)
	}
	wrong.Add("state_machine_arn", err)
	r.pickUp, err = r.machine.execution(in.ExecutionARN)
	wrong.Add("execution_arn", err)
	r.input, err = document(in.ExecutionInput)
	wrong.Add("input_json", err)
	wrong.Add("execution_name", checkName(r.name))
	wrong.Add("trace_header", checkTrace(r.trace))
	wrong.Add("tags_json", checkTags(in.Tags))
	return r, wrong.Err("stepfunctions_start_execution")
}

// namedExecution is the ARN of the execution of a STANDARD state machine that a start with a name leads to.
func (r request) namedExecution() string {
	return r.machine.prefix + "execution:" + r.machine.name + ":" + r.name
}

// perform starts or picks up, and waits if that is wanted.
func (r request) perform(ctx context.Context, call *plugin.Call, c client) (state, error) {
	switch {
	case r.pickUp.arn != "" && r.wait:
		out, err := c.await(ctx, call, r.pickUp.arn, false)
		return described(r.machine, out), err
	case r.pickUp.arn != "":
		out, err := c.describe(ctx, r.pickUp.arn)
		return described(r.machine, out), c.describeError(err, r.pickUp.arn)
	case r.wait && r.express:
		out, err := c.startSync(ctx, r)
		return answered(r, out), err
	}
	out, err := c.start(ctx, r)
	if err != nil || !r.wait {
		return started(r, out), err
	}
	return r.result(ctx, call, c, aws.ToString(out.ExecutionArn))
}

// result waits for an execution that was just started.
func (r request) result(ctx context.Context, call *plugin.Call, c client, arn string) (state, error) {
	if e, ok := parseExecution(arn); ok && e.express {
		return state{}, plugin.Errorf(plugin.BadRequest, "the execution %s was started, but its state machine is an EXPRESS one, which AWS does not let "+
			"be looked up: its result is in its log in CloudWatch. To get the results of further executions, set state_machine_type to EXPRESS", arn)
	}
	out, err := c.await(ctx, call, arn, true)
	return described(r.machine, out), err
}
