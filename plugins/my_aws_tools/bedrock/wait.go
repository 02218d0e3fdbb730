package bedrock

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// firstPause lies between the first two looks at a job; each further pause is half as long again, up to
	// longestPause.
	firstPause   = 2 * time.Second
	longestPause = 15 * time.Second
	// settling is how long AWS may not know a job that it has just started.
	settling = 30 * time.Second
)

// await looks at a job until it has ended. fresh says that this call has started it.
func (c ingestionClient) await(ctx context.Context, call *plugin.Call, id string, fresh bool) (job, error) {
	began := time.Now()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		found, err := c.get(ctx, id)
		switch {
		case err == nil && found.hasEnded():
			return found, nil
		case err == nil:
		case fresh && account.Code(err) == "ResourceNotFoundException" && time.Since(began) < settling:
		default:
			return job{}, c.waitError(c.getError(err, id), id)
		}
		call.Progress(ctx, "waiting for the ingestion job "+id, int64(time.Since(began).Seconds()), 0)
		if err := smithytime.SleepWithContext(ctx, pause+rand.N(pause/5)); err != nil {
			return job{}, c.waitError(err, id)
		}
	}
}

// waitError says how to pick a job up that was not waited for to its end.
func (c ingestionClient) waitError(err error, id string) error {
	advice := "to pick it up, run this tool again with the same knowledge_base_id and data_source_id, wait_for_completion, and ingestion_job_id " + id
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return plugin.Errorf(plugin.Unavailable, "the ingestion job %s of the data source %s has not ended within the time that Dify gives a tool. It goes on: %s",
			id, c.source, advice)
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The ingestion job is not affected: %s", err, advice)
}
