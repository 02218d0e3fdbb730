package transcribe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/transcribe/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// removing is how long each removal may take. It is done also when the time of the call is up: both together fit into
// what Dify still waits for after that.
const removing = 4 * time.Second

// work is one call on its way from media to text.
type work struct {
	request
	call    *plugin.Call
	account *account.Account
	client  client

	media   string // the address of the uploaded media; "" where there are none to be removed
	state   *types.TranscriptionJob
	remains []string // what could not be removed
}

// begin uploads the media and starts the job, or looks at one that was started before.
func (w *work) begin(ctx context.Context) error {
	if w.pickUp {
		state, err := w.client.look(ctx, w.job)
		if err != nil {
			return err
		}
		w.found(state)
		return nil
	}
	uri, err := w.place(ctx)
	if err != nil {
		return err
	}
	if err := w.client.start(ctx, w.request, uri); err != nil {
		w.removeMedia(ctx)
		return w.withRemains(err)
	}
	return nil
}

// found notes what a job is, and whether its media are this tool's to remove.
func (w *work) found(state *types.TranscriptionJob) {
	w.state = state
	if state.Media == nil {
		return
	}
	uri := aws.ToString(state.Media.MediaFileUri)
	if _, key, err := s3.ParseURI(uri); err == nil && isMediaOf(w.job, key) {
		w.media = uri
	}
}

// place puts the media into S3, unless they are there.
func (w *work) place(ctx context.Context) (uri string, err error) {
	if w.source.s3 != "" {
		return w.source.s3, nil
	}
	m, err := w.source.open(ctx, w.call)
	if err != nil {
		return "", err
	}
	defer m.close()
	bucket := w.openBucket(ctx, w.bucket)
	key := mediaKey(w.job, m.format)
	w.media = bucket.URI(key)
	if err := bucket.Write(ctx, key, m.format.mediaType(), m.content, m.size); err != nil {
		if kind := plugin.KindOf(err); !m.unreadable() && (kind == plugin.Connection || kind == plugin.Unavailable) {
			w.removeMedia(ctx) // S3 may have stored them, and its answer was lost
		}
		return "", w.withRemains(err)
	}
	return w.media, nil
}

func (w *work) openBucket(ctx context.Context, name string) *s3.Bucket {
	return s3.OpenBucket(ctx, w.account, name, w.call.Logger())
}

// deliver hands over the result of a job that has ended, and removes what is not needed any more: the media at once, the
// job when its text is in the hands of Dify.
func (w *work) deliver(ctx context.Context) error {
	w.removeMedia(ctx)
	if w.state.TranscriptionJobStatus == types.TranscriptionJobStatusFailed {
		w.removeJob(ctx)
		return w.withRemains(w.failure())
	}
	result, err := w.client.transcript(ctx, w.state)
	if err != nil {
		return w.withRemains(plugin.Errorf(plugin.KindOf(err), "%w. The transcription is done: to get its text, run this tool again with transcription_job_name %s", err, w.job))
	}
	if err := w.call.Text(result.text()); err != nil {
		return fmt.Errorf("send the transcript of the job %s: %w", w.job, err)
	}
	w.removeJob(ctx)
	return w.outputs(result).Send(w.call)
}

// maxReason bounds in characters what an error repeats of Transcribe's own words.
const maxReason = 1000

// failure is the error of a job that Transcribe could not do.
func (w *work) failure() error {
	why := aws.ToString(w.state.FailureReason)
	if why == "" {
		why = "it gave no reason"
	}
	if runes := []rune(why); len(runes) > maxReason {
		why = string(runes[:maxReason]) + "…"
	}
	return plugin.Errorf(plugin.BadRequest, "Transcribe could not transcribe the media, in the job %s: %s. Check that the media hold speech in the language that was "+
		"given, and that their format is what their name says (%s)", w.job, strings.TrimRight(why, ". "), readable)
}

// removeMedia removes what was uploaded.
func (w *work) removeMedia(ctx context.Context) {
	if w.media == "" {
		return
	}
	uri := w.media
	w.media = ""
	w.remove(ctx, uri, func(ctx context.Context) error {
		name, key, err := s3.ParseURI(uri)
		if err != nil {
			return err
		}
		return w.openBucket(ctx, name).Delete(ctx, key)
	})
}

// removeJob deletes a job that this tool has started, unless the user wants to keep it.
func (w *work) removeJob(ctx context.Context) {
	if w.keep || !strings.HasPrefix(w.job, ownJobs) {
		return
	}
	w.remove(ctx, "the transcription job "+w.job, func(ctx context.Context) error { return w.client.remove(ctx, w.job) })
}

// remove removes something, also when the call is over. What cannot be removed is noted and costs nothing else.
func (w *work) remove(ctx context.Context, what string, do func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removing)
	defer cancel()
	if err := do(ctx); err != nil {
		w.remains = append(w.remains, what)
		w.call.Logger().Warn("what was made for a transcription could not be removed", "left", what, "error", err)
	}
}

// withRemains adds to an error what is left behind.
func (w *work) withRemains(err error) error {
	if len(w.remains) == 0 {
		return err
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. What was made for it could not be removed, please do so: %s", err, strings.Join(w.remains, ", "))
}

// isOver reports whether the call has ended before a request was answered.
func isOver(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
