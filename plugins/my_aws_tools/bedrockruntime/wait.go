package bedrockruntime

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// firstPause lies between the first two looks at a video; each further pause is half as long again, up to longestPause.
// A video of six seconds takes a minute and a half.
const (
	firstPause   = 3 * time.Second
	longestPause = 15 * time.Second
)

// look looks at a video once.
func (c client) look(ctx context.Context, of invocation) (*bedrockruntime.GetAsyncInvokeOutput, error) {
	out, err := c.runtime.GetAsyncInvoke(ctx, &bedrockruntime.GetAsyncInvokeInput{InvocationArn: aws.String(of.arn)})
	if err == nil {
		return out, nil
	}
	return nil, waitError(c.explain(err, "look at the video "+of.arn, "bedrock:GetAsyncInvoke", of.arn, map[string]account.Fault{
		"ValidationException": {Kind: plugin.BadRequest, Text: "AWS does not know it in {region} in this account: check invocation_arn{said}"},
	}), of)
}

// await looks at a video until it is done.
func (c client) await(ctx context.Context, call *plugin.Call, of invocation, found *bedrockruntime.GetAsyncInvokeOutput) (*bedrockruntime.GetAsyncInvokeOutput, error) {
	began := time.Now()
	for pause := firstPause; found.Status == types.AsyncInvokeStatusInProgress; pause = min(pause*3/2, longestPause) {
		call.Progress(ctx, "waiting for "+of.arn, int64(time.Since(began).Seconds()), 0)
		if err := smithytime.SleepWithContext(ctx, pause+rand.N(pause/5)); err != nil {
			return nil, waitError(err, of)
		}
		var err error
		if found, err = c.look(ctx, of); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// waitError says how to pick up a video that was not handed over.
func waitError(err error, of invocation) error {
	if isOver(err) {
		return plugin.Errorf(plugin.Unavailable, "the video %s was not there within the time that Dify gives a tool. It goes on being made: to pick it up, run this tool "+
			"again with invocation_arn %s and async switched off", of.arn, of.arn)
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The video is not affected: to pick it up, run this tool again with invocation_arn %s", err, of.arn)
}
