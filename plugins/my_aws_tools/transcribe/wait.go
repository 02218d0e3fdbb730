package transcribe

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/transcribe/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/cloudplugins/difyplugin/plugin"
)

const (
	// firstPause lies between the first two looks at a job; each further pause is half as long again, up to longestPause.
	firstPause   = 2 * time.Second
	longestPause = 15 * time.Second
)

// await looks at the job until it has ended. What was looked at already is not looked at again.
func (w *work) await(ctx context.Context) error {
	began := time.Now()
	for pause := firstPause; ; pause = min(pause*3/2, longestPause) {
		if w.state == nil {
			state, err := w.client.look(ctx, w.job)
			if err != nil {
				return w.waitError(ctx, err)
			}
			w.state = state
		}
		if hasEnded(w.state.TranscriptionJobStatus) {
			return nil
		}
		w.state = nil
		w.call.Progress(ctx, "transcribing in the job "+w.job, int64(time.Since(began).Seconds()), 0)
		if err := smithytime.SleepWithContext(ctx, pause+rand.N(pause/5)); err != nil {
			return w.waitError(ctx, err)
		}
	}
}

func hasEnded(status types.TranscriptionJobStatus) bool {
	return status == types.TranscriptionJobStatusCompleted || status == types.TranscriptionJobStatusFailed
}

// waitError says how to pick the job up, which needs its media. When the user has given up, nobody will read that: then
// the media of a job whose name nobody has are removed.
func (w *work) waitError(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) && !w.pickUp {
		w.removeMedia(ctx)
		return w.withRemains(plugin.Errorf(plugin.Unavailable, "the transcription job %s was not waited for, because the call was cancelled", w.job))
	}
	if isOver(err) {
		err = plugin.Errorf(plugin.Unavailable, "the transcription job %s has not ended within the time that Dify gives a tool", w.job)
	}
	media := ""
	if w.media != "" {
		media = ", which also removes the media that were uploaded to " + w.media
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The job goes on: to pick it up, run this tool again with the same parameters and transcription_job_name %s%s", err, w.job, media)
}
