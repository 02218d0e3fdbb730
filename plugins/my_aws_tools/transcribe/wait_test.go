package transcribe_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/transcribe"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

// bubble is Transcribe, S3 and the tool without a network, in which hours pass in no time.
type bubble struct {
	*toolstest.AWS
	*toolstest.Tools
	store *s3.Store
	jobs  *standin.Service
	began time.Time
}

// inBubble runs a test with the tool.
func inBubble(t *testing.T, test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{AWS: toolstest.StartInBubble(t), began: time.Now()}
		b.store, b.jobs = services(t, b.Cloud)
		b.Tools = b.Run(t, plugin.Tool(tool, transcribe.Transcribe))
		test(t, b)
	})
}

// takes makes all further jobs take a time.
func (b *bubble) takes(d time.Duration) {
	speech := talk()
	speech.Takes = d
	b.jobs.Hear(speech)
}

// wantText fails the test unless the tool returns a text.
func (b *bubble) wantText(t *testing.T, want string, parameters map[string]any) {
	t.Helper()
	if got := b.Succeed(t, tool, parameters).Text; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
}

func TestSection3_32Bug2_JobsAreLookedAtLessAndLessOften(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.takes(5 * time.Minute)
		b.wantText(t, dialogue, with())
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the text was there after %v", took)
		}
		least := 2 * time.Second
		pauses := b.Pauses("GetTranscriptionJob")
		for i, pause := range pauses {
			if pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v, and at least %v were due", i+2, pause, least)
			}
			least = min(least*3/2, 15*time.Second)
		}
		if len(pauses) < 10 || len(pauses) > 29 {
			t.Errorf("the job was looked at %d times", len(pauses)+1)
		}
	})
}

func TestSection3_32Bug2_AJobThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.takes(15 * time.Minute)
		failed := b.Fail(t, tool, with())
		job := b.jobs.Jobs()[0].Name
		toolstest.WantFailure(t, failed, plugin.Unavailable, "has not ended within the time", "run this tool again with the same parameters and transcription_job_name "+job)
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		b.wantText(t, dialogue, with("transcription_job_name", " "+job))
		if jobs := b.jobs.Jobs(); len(jobs) != 1 || !jobs[0].Deleted {
			t.Errorf("the jobs are %+v", jobs)
		}
	})
}

func TestMediaStayForAJobThatGoesOnAndAreRemovedByWhoPicksItUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		const job, key = "dify-EARLIER", "transcribe-files/dify-EARLIER.mp3"
		put(t, b.store, key)
		b.takes(15 * time.Minute)
		b.jobs.Add(toolstest.AccountID, job, "s3://"+bucket+"/"+key, true)
		toolstest.WantFailure(t, b.Fail(t, tool, with("transcription_job_name", job)), plugin.Unavailable, "transcription_job_name "+job, "removes the media that were uploaded to s3://"+bucket+"/"+key)
		toolstest.Same(t, "objects", []string{"call.mp3", key}, b.store.Keys(bucket))
		b.wantText(t, dialogue, with("transcription_job_name", job))
		toolstest.Same(t, "objects", []string{"call.mp3"}, b.store.Keys(bucket))
	})
}

func TestAJobOfSomebodyElsesIsReadAndLeftAlone(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		for name, uri := range map[string]string{
			"weekly":     call,
			"of-a-talk":  "s3://" + bucket + "/transcribe-files/of-a-talk.mp3",
			"dify-AGAIN": "s3://" + bucket + "/transcribe-files/dify-OTHER.mp3",
		} {
			put(t, b.store, strings.TrimPrefix(uri, "s3://"+bucket+"/"))
			b.jobs.Add(toolstest.AccountID, name, uri, false)
			result := b.Succeed(t, tool, with("transcription_job_name", name))
			if result.Text != "Hello, world. Hi." || toolstest.Output(t, result, "segments") != nil {
				t.Errorf("%s: %q", name, result.Text)
			}
		}
		toolstest.Same(t, "objects", []string{"call.mp3", "transcribe-files/dify-OTHER.mp3", "transcribe-files/of-a-talk.mp3"}, b.store.Keys(bucket))
		for _, job := range b.jobs.Jobs() {
			if ours := job.Name == "dify-AGAIN"; job.Deleted != ours {
				t.Errorf("%s: deleted %t", job.Name, job.Deleted)
			}
		}
	})
}

func TestAJobThatIsNotThereIsNotWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		toolstest.WantFailure(t, b.Fail(t, tool, with("transcription_job_name", "dify-NONE", "language_code", "not looked at", "s3_bucket_name", "x y")), plugin.BadRequest, "there is no such job in the region us-east-1", "transcription_job_name")
		if time.Since(b.began) != 0 || len(b.Operations()) != 1 {
			t.Errorf("%v were sent within %v", b.Operations(), time.Since(b.began))
		}
	})
}

// expired is a context whose time is up when over is closed.
type expired struct {
	context.Context
	over <-chan struct{}
}

// Done implements [context.Context].
func (e expired) Done() <-chan struct{} { return e.over }

// Err implements [context.Context].
func (e expired) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// endAt runs the tool with a context that ends when an operation is being asked for, which is then not answered. Further
// calls have their usual time.
func endAt(t *testing.T, operation string, end func(ctx context.Context, over <-chan struct{}) (context.Context, context.CancelFunc)) (*cloud, *host.PluginError) {
	t.Helper()
	var reached <-chan struct{}
	var later atomic.Bool
	c := newCloudWith(t, plugin.Tool(tool, func(ctx context.Context, call *plugin.Call, in transcribe.TranscribeInput) error {
		if later.Swap(true) {
			return transcribe.Transcribe(ctx, call, in)
		}
		ctx, cancel := end(ctx, reached)
		defer cancel()
		return transcribe.Transcribe(ctx, call, in)
	}))
	reached = c.Inject(aws.Fault{Operation: operation, Times: 1, Effects: []aws.Effect{aws.Hold(nil)}}).Reached()
	return c, c.Fail(t, tool, linked())
}

func cancelled(ctx context.Context, over <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		select {
		case <-over:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-stopped }
}

func outOfTime(ctx context.Context, over <-chan struct{}) (context.Context, context.CancelFunc) {
	return expired{ctx, over}, func() {}
}

func TestA10_UploadedMediaStayOnlyWhileSomebodyCanPickTheJobUp(t *testing.T) {
	c, failed := endAt(t, "GetTranscriptionJob", outOfTime)
	job := c.jobs.Jobs()[0]
	toolstest.WantFailure(t, failed, plugin.Unavailable, "has not ended within the time", "transcription_job_name "+job.Name, job.MediaFileURI)
	toolstest.Same(t, "objects", []string{"call.mp3", strings.TrimPrefix(job.MediaFileURI, "s3://"+bucket+"/")}, c.store.Keys(bucket))
	if result := c.Succeed(t, tool, linked("transcription_job_name", job.Name)); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
	c.wantOnlyTheCall(t)
}

func TestA10_NothingIsLeftOfACallThatIsCancelled(t *testing.T) {
	for _, operation := range []string{"PutObject", "StartTranscriptionJob", "GetTranscriptionJob"} {
		t.Run(operation, func(t *testing.T) {
			c, failed := endAt(t, operation, cancelled)
			toolstest.WantFailure(t, failed, plugin.Unavailable)
			c.wantOnlyTheCall(t)
		})
	}
}

func TestA10_NothingIsLeftOfACallWhoseTimeIsUpBeforeItsJobRuns(t *testing.T) {
	c, failed := endAt(t, "PutObject", outOfTime)
	toolstest.WantFailure(t, failed, plugin.Unavailable)
	c.wantOnlyTheCall(t)
}
