package stepfunctions

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// firstPause lies between the first two looks at an execution; each further pause is half as long again, up to
	// longestPause.
	firstPause   = time.Second
	longestPause = 15 * time.Second
	// settling is how long AWS may not know an execution that it has just started: what it shows of executions is
	// eventually consistent.
	settling = 30 * time.Second
)

// await looks at an execution until it has ended. fresh says that this call has started it.
func (c client) await(ctx context.Context, call *plugin.Call, arn string, fresh bool) (*sfn.DescribeExecutionOutput, error) {
	began := time.Now()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		out, err := c.describe(ctx, arn)
		switch {
		case err == nil && hasEnded(out.Status):
			return out, nil
		case err == nil:
		case fresh && account.Code(err) == "ExecutionDoesNotExist" && time.Since(began) < settling:
		default:
			return nil, c.waitError(c.describeError(err, arn), arn)
		}
		call.Progress(ctx, "waiting for "+arn, int64(time.Since(began).Seconds()), 0)
		if err := smithytime.SleepWithContext(ctx, pause+rand.N(pause/5)); err != nil {
			return nil, c.waitError(err, arn)
		}
	}
}

// waitError says how to pick an execution up that was not waited for to its end.
func (c client) waitError(err error, arn string) error {
	if isOver(err) {
		return plugin.Errorf(plugin.Unavailable, "the execution %s has not ended within the time that Dify gives a tool. It goes on: to pick it up, "+
			"run this tool again with the same state_machine_arn, wait_for_result, and execution_arn %s", arn, arn)
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The execution is not affected: to pick it up, run this tool again with the same "+
		"state_machine_arn, wait_for_result, and execution_arn %s", err, arn)
}

// hasEnded reports whether a status is final. What is about to be redriven goes on.
func hasEnded(status types.ExecutionStatus) bool {
	switch status {
	case types.ExecutionStatusSucceeded, types.ExecutionStatusFailed, types.ExecutionStatusTimedOut, types.ExecutionStatusAborted:
		return true
	}
	return false
}
