package bedrock_test

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
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/bedrock"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
)

// bubble is Bedrock and the tool without a network, in which hours pass in no time.
type bubble struct {
	*aws.Cloud
	*host.Conn
	bases *bedrockagent.Service

	began time.Time
	mu    sync.Mutex
	looks []time.Duration // when jobs were looked up
}

// inBubble runs a test with the tool, usually bedrock.StartIngestionJob itself, whose calls end after the usual 585
// seconds.
func inBubble(t *testing.T, run func(context.Context, *plugin.Call, bedrock.StartIngestionJobInput) error, test func(*testing.T, *bubble)) {
	t.Helper()
	declared := declarations(t)
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{Cloud: aws.New(), bases: bedrockagent.New(), began: time.Now()}
		if err := b.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{toolstest.Key()}}); err != nil {
			t.Fatal(err)
		}
		b.Register("bedrock-agent", b.bases)
		served, err := plugin.New(declared, plugin.Tool(ingestTool, run))
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
	for _, name := range []string{"manifest.yaml", "PRIVACY.md", "_assets/icon.svg", "provider/my_aws_tools.yaml", "bedrock/" + ingestTool + ".yaml"} {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if before, _, ok := strings.Cut(string(content), "\ntools:"); ok {
			content = []byte(before + "\ntools:\n  - bedrock/" + ingestTool + ".yaml\n")
		}
		declared[name] = &fstest.MapFile{Data: content}
	}
	return declared
}

// RoundTrip hands a request to the cloud.
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet {
		b.mu.Lock()
		b.looks = append(b.looks, time.Since(b.began))
		b.mu.Unlock()
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody // as a server has it
	}
	answer := httptest.NewRecorder()
	b.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// add makes the jobs of the data source take so long, and be known after so many looks.
func (b *bubble) add(takes time.Duration, lag int) {
	base := handbookBase()
	base.DataSources[0].Takes, base.DataSources[0].Lag = takes, lag
	base.DataSources[0].Ends.Statistics = map[string]int{"numberOfDocumentsScanned": 7}
	b.bases.Add(base)
}

func (b *bubble) call(ctx context.Context, pairs ...any) (host.Result, error) {
	return b.Tool(ctx, toolstest.Caller(toolstest.Credentials()), ingestTool, ingesting(append(pairs, "wait_for_completion", true)...))
}

func failure(t *testing.T, err error) *host.PluginError {
	t.Helper()
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("the tool did not fail as tools do: %v", err)
	}
	return failed
}

func TestJobsAreLookedUpLessAndLessOften(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(5*time.Minute, 0)
		result, err := b.call(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(result.Text, ": COMPLETE (7 scanned, 0 new, 0 changed, 0 deleted, 0 failed)") {
			t.Errorf("the text is %s", result.Text)
		}
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the result was there after %v", took)
		}
		least := 2 * time.Second
		for i := 1; i < len(b.looks); i++ {
			if pause := b.looks[i] - b.looks[i-1]; pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v", i+1, pause)
			}
			least = min(least*3/2, 15*time.Second)
		}
		if len(b.looks) > 30 {
			t.Errorf("the job was looked up %d times", len(b.looks))
		}
	})
}

func TestAJobThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(15*time.Minute, 0)
		_, err := b.call(t.Context())
		id := b.bases.Jobs()[0].ID
		wantFailure(t, failure(t, err), plugin.Unavailable, "the ingestion job "+id+" of the data source DS12345678 has not ended within the time",
			"ingestion_job_id "+id, "wait_for_completion")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		if _, err := b.call(t.Context(), "ingestion_job_id", id); err != nil {
			t.Error(err)
		}
		if took := time.Since(b.began); took < 15*time.Minute || took > 16*time.Minute {
			t.Errorf("the job had ended after %v", took)
		}
		if started := len(b.bases.Jobs()); started != 1 {
			t.Errorf("%d jobs were started", started)
		}
	})
}

func TestAJobThatAWSDoesNotShowYetIsWaitedFor(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(0, 3)
		if _, err := b.call(t.Context()); err != nil {
			t.Error(err)
		}
		b.add(0, 1000)
		before := time.Now()
		_, err := b.call(t.Context())
		wantFailure(t, failure(t, err), plugin.BadRequest, "does not exist", "ingestion_job_id "+b.bases.Jobs()[1].ID)
		if took := time.Since(before); took < 30*time.Second || took > time.Minute {
			t.Errorf("the job was waited for for %v", took)
		}
		before = time.Now()
		_, err = b.call(t.Context(), "ingestion_job_id", "JB12345678")
		wantFailure(t, failure(t, err), plugin.BadRequest, "does not exist")
		if took := time.Since(before); took != 0 {
			t.Errorf("a job that is not there was waited for for %v", took)
		}
	})
}

func TestAWaitOutlivesWhatPasses(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(time.Minute, 0)
		b.Inject(aws.Fault{Operation: "GetIngestionJob", Times: 2, Effects: []aws.Effect{aws.Break()}})
		if _, err := b.call(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAWaitThatCannotLookSaysHowToPickTheJobUp(t *testing.T) {
	inBubble(t, bedrock.StartIngestionJob, func(t *testing.T, b *bubble) {
		b.add(time.Minute, 0)
		b.Inject(aws.Fault{Operation: "GetIngestionJob", Effects: []aws.Effect{aws.Deny()}})
		_, err := b.call(t.Context())
		wantFailure(t, failure(t, err), plugin.Authorization, "bedrock:GetIngestionJob", "is not affected", "ingestion_job_id "+b.bases.Jobs()[0].ID)
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	impatient := func(ctx context.Context, call *plugin.Call, in bedrock.StartIngestionJobInput) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		time.AfterFunc(42*time.Second, cancel)
		return bedrock.StartIngestionJob(ctx, call, in)
	}
	inBubble(t, impatient, func(t *testing.T, b *bubble) {
		b.add(-1, 0)
		_, err := b.call(t.Context())
		wantFailure(t, failure(t, err), plugin.Unavailable, "ingestion_job_id "+b.bases.Jobs()[0].ID)
		if took := time.Since(b.began); took != 42*time.Second {
			t.Errorf("the call ended after %v", took)
		}
	})
}
