package transcribe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/transcribe"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

// bubble is Transcribe, S3 and the tool without a network, in which hours pass in no time.
type bubble struct {
	*aws.Cloud
	*host.Conn
	store *s3.Store
	jobs  *standin.Service

	began time.Time
	mu    sync.Mutex
	looks []time.Duration // when jobs were looked up
}

// inBubble runs a test with the tool, whose calls end after the usual 585 seconds.
func inBubble(t *testing.T, test func(*testing.T, *bubble)) {
	t.Helper()
	declared := declarations(t)
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{Cloud: aws.New(), began: time.Now()}
		if err := b.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{toolstest.Key()}}); err != nil {
			t.Fatal(err)
		}
		b.store, b.jobs = services(t, b.Cloud)
		served, err := plugin.New(declared, plugin.Tool(tool, transcribe.Transcribe))
		if err != nil {
			t.Fatal(err)
		}
		requests, toPlugin := io.Pipe()
		results, fromPlugin := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ctx := account.NewProcess(b).Context(context.Background())
			err := served.Serve(ctx, requests, fromPlugin, &bytes.Buffer{}, nil)
			_ = fromPlugin.Close()
			ended <- err
		}()
		b.Conn = host.Connect(toPlugin, results, host.Options{Strict: true})
		defer func() {
			if err := errors.Join(b.Conn.Close(), <-ended); err != nil {
				t.Error(err)
			}
			b.Cloud.Close()
		}()
		test(t, b)
	})
}

// declarations are those of the plugin with this one tool.
func declarations(t *testing.T) fs.FS {
	t.Helper()
	declared := fstest.MapFS{}
	for _, name := range []string{"manifest.yaml", "PRIVACY.md", "_assets/icon.svg", "provider/my_aws_tools.yaml", "transcribe/" + tool + ".yaml"} {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if before, _, ok := strings.Cut(string(content), "\ntools:"); ok {
			content = []byte(before + "\ntools:\n  - transcribe/" + tool + ".yaml\n")
		}
		declared[name] = &fstest.MapFile{Data: content}
	}
	return declared
}

// RoundTrip hands a request to the cloud.
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".GetTranscriptionJob") {
		b.mu.Lock()
		b.looks = append(b.looks, time.Since(b.began))
		b.mu.Unlock()
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	b.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// takes makes all further jobs take a time.
func (b *bubble) takes(d time.Duration) {
	speech := talk()
	speech.Takes = d
	b.jobs.Hear(speech)
}

func (b *bubble) call(ctx context.Context, parameters map[string]any) (host.Result, error) {
	return b.Tool(ctx, toolstest.Caller(toolstest.Credentials()), tool, parameters)
}

func failure(t *testing.T, err error) *host.PluginError {
	t.Helper()
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("the tool did not fail as tools do: %v", err)
	}
	return failed
}

func TestSection3_32Bug2_JobsAreLookedAtLessAndLessOften(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.takes(5 * time.Minute)
		result, err := b.call(t.Context(), with())
		if err != nil || result.Text != dialogue {
			t.Fatalf("%q, %v", result.Text, err)
		}
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the text was there after %v", took)
		}
		least := 2 * time.Second
		for i := 1; i < len(b.looks); i++ {
			if pause := b.looks[i] - b.looks[i-1]; pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v, and at least %v were due", i+1, pause, least)
			}
			least = min(least*3/2, 15*time.Second)
		}
		if len(b.looks) > 30 {
			t.Errorf("the job was looked at %d times", len(b.looks))
		}
	})
}

func TestSection3_32Bug2_AJobThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.takes(15 * time.Minute)
		_, err := b.call(t.Context(), with())
		job := b.jobs.Jobs()[0].Name
		wantFailure(t, failure(t, err), plugin.Unavailable, "has not ended within the time", "run this tool again with the same parameters and transcription_job_name "+job)
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		result, err := b.call(t.Context(), with("transcription_job_name", " "+job))
		if err != nil || result.Text != dialogue {
			t.Errorf("%q, %v", result.Text, err)
		}
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
		_, err := b.call(t.Context(), with("transcription_job_name", job))
		wantFailure(t, failure(t, err), plugin.Unavailable, "transcription_job_name "+job, "removes the media that were uploaded to s3://"+bucket+"/"+key)
		same(t, "objects", []string{"call.mp3", key}, b.store.Keys(bucket))
		result, err := b.call(t.Context(), with("transcription_job_name", job))
		if err != nil || result.Text != dialogue {
			t.Errorf("%q, %v", result.Text, err)
		}
		same(t, "objects", []string{"call.mp3"}, b.store.Keys(bucket))
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
			result, err := b.call(t.Context(), with("transcription_job_name", name))
			if err != nil || result.Text != "Hello, world. Hi." || variable(t, result, "segments") != nil {
				t.Errorf("%s: %q, %v", name, result.Text, err)
			}
		}
		same(t, "objects", []string{"call.mp3", "transcribe-files/dify-OTHER.mp3", "transcribe-files/of-a-talk.mp3"}, b.store.Keys(bucket))
		for _, job := range b.jobs.Jobs() {
			if ours := job.Name == "dify-AGAIN"; job.Deleted != ours {
				t.Errorf("%s: deleted %t", job.Name, job.Deleted)
			}
		}
	})
}

func TestAJobThatIsNotThereIsNotWaitedFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		_, err := b.call(t.Context(), with("transcription_job_name", "dify-NONE", "language_code", "not looked at", "s3_bucket_name", "x y"))
		wantFailure(t, failure(t, err), plugin.BadRequest, "there is no such job in the region us-east-1", "transcription_job_name")
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
	wantFailure(t, failed, plugin.Unavailable, "has not ended within the time", "transcription_job_name "+job.Name, job.MediaFileURI)
	same(t, "objects", []string{"call.mp3", strings.TrimPrefix(job.MediaFileURI, "s3://"+bucket+"/")}, c.store.Keys(bucket))
	if result := c.Succeed(t, tool, linked("transcription_job_name", job.Name)); result.Text != dialogue {
		t.Errorf("the text is %q", result.Text)
	}
	c.wantOnlyTheCall(t)
}

func TestA10_NothingIsLeftOfACallThatIsCancelled(t *testing.T) {
	for _, operation := range []string{"PutObject", "StartTranscriptionJob", "GetTranscriptionJob"} {
		t.Run(operation, func(t *testing.T) {
			c, failed := endAt(t, operation, cancelled)
			wantFailure(t, failed, plugin.Unavailable)
			c.wantOnlyTheCall(t)
		})
	}
}

func TestA10_NothingIsLeftOfACallWhoseTimeIsUpBeforeItsJobRuns(t *testing.T) {
	c, failed := endAt(t, "PutObject", outOfTime)
	wantFailure(t, failed, plugin.Unavailable)
	c.wantOnlyTheCall(t)
}
