package bedrockruntime_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
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
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// bubble is Bedrock's runtime and S3 with the tools and without a network, in which minutes pass in no time.
type bubble struct {
	*aws.Cloud
	*host.Conn
	runtime *standin.Service

	began time.Time
	mu    sync.Mutex
	looks []time.Duration // when videos were looked at
}

// inBubble runs a test with tools whose calls end after the usual 585 seconds.
func inBubble(t *testing.T, test func(*testing.T, *bubble)) {
	t.Helper()
	declared := declarations(t)
	synctest.Test(t, func(t *testing.T) {
		store := s3.New()
		b := &bubble{Cloud: aws.New(), runtime: standin.New(standin.Videos(store)), began: time.Now()}
		if err := b.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{toolstest.Key()}}); err != nil {
			t.Fatal(err)
		}
		if err := store.AddBucket(s3.Bucket{Name: bucket, Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
			t.Fatal(err)
		}
		b.Register("bedrock-runtime", b.runtime)
		b.Register("s3", store)
		served, err := plugin.New(declared, parts()...)
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

// declarations are those of the plugin with the tools of the package.
func declarations(t *testing.T) fs.FS {
	t.Helper()
	tools := []string{"bedrockruntime/apply_guardrail.yaml", "bedrockruntime/nova_canvas.yaml", "bedrockruntime/nova_reel.yaml"}
	declared := fstest.MapFS{}
	for _, name := range append([]string{"manifest.yaml", "PRIVACY.md", "_assets/icon.svg", "provider/my_aws_tools.yaml"}, tools...) {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if before, _, ok := strings.Cut(string(content), "\ntools:"); ok {
			content = []byte(before + "\ntools:\n  - " + strings.Join(tools, "\n  - ") + "\n")
		}
		declared[name] = &fstest.MapFile{Data: content}
	}
	return declared
}

// RoundTrip hands a request to the cloud.
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/async-invoke/") {
		b.mu.Lock()
		b.looks = append(b.looks, time.Since(b.began))
		b.mu.Unlock()
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	if r.Body == nil { // which a server never sees
		r.Body = http.NoBody
	}
	answer := httptest.NewRecorder()
	b.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

// film waits for a video.
func (b *bubble) film(ctx context.Context, pairs ...any) (host.Result, error) {
	return b.Tool(ctx, toolstest.Caller(toolstest.Credentials()), "nova_reel", filmed(append([]any{"async", false}, pairs...)...))
}

func failure(t *testing.T, err error) *host.PluginError {
	t.Helper()
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("the tool did not fail as tools do: %v", err)
	}
	return failed
}

func TestVideosAreLookedAtLessAndLessOften(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.runtime.SetReel(standin.Reel{Takes: 5 * time.Minute, Video: []byte("done")})
		result, err := b.film(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		wantVideo(t, result, []byte("done"))
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the video was there after %v", took)
		}
		for i := 1; i < len(b.looks); i++ {
			least := 3 * time.Second
			if i > 4 {
				least = 15 * time.Second
			}
			if pause := b.looks[i] - b.looks[i-1]; pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v", i+1, pause)
			}
		}
		if len(b.looks) < 10 || len(b.looks) > 30 {
			t.Errorf("the video was looked at %d times", len(b.looks))
		}
	})
}

func TestSection3_18Bug3_AVideoThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.runtime.SetReel(standin.Reel{Takes: 17 * time.Minute, Video: []byte("done")})
		_, err := b.film(t.Context(), "duration", 120, "model_id", "amazon.nova-reel-v1:1")
		failed := failure(t, err)
		wantFailure(t, failed, plugin.Unavailable, "within the time that Dify gives a tool", "invocation_arn arn:aws:bedrock:us-east-1:", "async switched off")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		_, after, _ := strings.Cut(failed.Message, "with invocation_arn ")
		arn, _, _ := strings.Cut(after, " ")
		result, err := b.film(t.Context(), "invocation_arn", arn)
		if err != nil {
			t.Fatal(err)
		}
		wantVideo(t, result, []byte("done"))
		if took := time.Since(b.began); took < 17*time.Minute || took > 18*time.Minute {
			t.Errorf("the video was handed over after %v", took)
		}
		if started := b.runtime.Started(); started != 1 {
			t.Errorf("%d videos were started", started)
		}
	})
}

func TestAnImageThatOutlastsTheCallIsSaidToBePaidFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.Inject(aws.Fault{Operation: "InvokeModel", Effects: []aws.Effect{aws.Hold(nil)}})
		_, err := b.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), "nova_canvas", drawn())
		wantFailure(t, failure(t, err), plugin.Unavailable, "has not answered within the time", "may be made and charged all the same")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v", took)
		}
	})
}
