package stepfunctions_test

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/stepfunctions"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
)

// bubble is Step Functions and the tool without a network, in which hours pass in no time.
type bubble struct {
	*aws.Cloud
	*host.Conn
	machines *sfn.Service

	began time.Time
	mu    sync.Mutex
	looks []time.Duration // when executions were looked up
}

// inBubble runs a test with a tool, usually stepfunctions.Start itself, whose calls end after the usual 585 seconds.
func inBubble(t *testing.T, run func(context.Context, *plugin.Call, stepfunctions.StartInput) error, test func(*testing.T, *bubble)) {
	t.Helper()
	declared := declarations(t)
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{Cloud: aws.New(), machines: sfn.New(), began: time.Now()}
		if err := b.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{toolstest.Key()}}); err != nil {
			t.Fatal(err)
		}
		b.Register("states", b.machines)
		served, err := plugin.New(declared, plugin.Tool(tool, run))
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
	for _, name := range []string{"manifest.yaml", "PRIVACY.md", "_assets/icon.svg", "provider/my_aws_tools.yaml", "stepfunctions/" + tool + ".yaml"} {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if before, _, ok := strings.Cut(string(content), "\ntools:"); ok {
			content = []byte(before + "\ntools:\n  - stepfunctions/" + tool + ".yaml\n")
		}
		declared[name] = &fstest.MapFile{Data: content}
	}
	return declared
}

// RoundTrip hands a request to the cloud.
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil {
		trace.WroteHeaders()
	}
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeExecution") {
		b.mu.Lock()
		b.looks = append(b.looks, time.Since(b.began))
		b.mu.Unlock()
	}
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	answer := httptest.NewRecorder()
	b.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

func (b *bubble) add(takes time.Duration, lag int) {
	m := standard()
	m.Takes, m.Lag = takes, lag
	b.machines.Add(m)
}

func (b *bubble) call(ctx context.Context, parameters map[string]any) (host.Result, error) {
	parameters["state_machine_arn"], parameters["wait_for_result"] = orders, true
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

func TestExecutionsAreLookedUpLessAndLessOften(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(5*time.Minute, 0)
		result, err := b.call(t.Context(), map[string]any{"input_json": `{"a": 1}`})
		if err != nil {
			t.Fatal(err)
		}
		if result.Text != `{"a": 1}` {
			t.Errorf("the text is %s", result.Text)
		}
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the result was there after %v", took)
		}
		for i := 1; i < len(b.looks); i++ {
			least := min(time.Second*time.Duration(pow(i-1)), 15*time.Second)
			if pause := b.looks[i] - b.looks[i-1]; pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v", i+1, pause)
			}
		}
		if len(b.looks) > 30 {
			t.Errorf("the execution was looked up %d times", len(b.looks))
		}
	})
}

// pow is 1.5 to the power of n, rounded down.
func pow(n int) int {
	p := 1.0
	for range n {
		p *= 1.5
	}
	return int(p)
}

func TestAnExecutionThatOutlastsTheCallIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(20*time.Minute, 0)
		_, err := b.call(t.Context(), map[string]any{"execution_name": "e"})
		wantFailure(t, failure(t, err), plugin.Unavailable, "has not ended within the time", "execution_arn "+running+"e", "wait_for_result")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		for _, want := range []bool{false, true} {
			result, err := b.call(t.Context(), map[string]any{"execution_arn": running + "e"})
			if ended := err == nil; ended != want {
				t.Errorf("after %v: ended %t, %v", time.Since(b.began), ended, err)
			}
			if want && result.Text != "{}" {
				t.Errorf("the text is %s", result.Text)
			}
		}
		if started := len(b.machines.Executions()); started != 1 {
			t.Errorf("%d executions were started", started)
		}
	})
}

func TestAnExecutionThatAWSDoesNotShowYetIsWaitedFor(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(0, 3)
		if _, err := b.call(t.Context(), map[string]any{}); err != nil {
			t.Error(err)
		}
		b.add(0, 1000)
		before := time.Now()
		_, err := b.call(t.Context(), map[string]any{"execution_name": "lost"})
		wantFailure(t, failure(t, err), plugin.BadRequest, "no such execution", running+"lost")
		if took := time.Since(before); took < 30*time.Second || took > time.Minute {
			t.Errorf("the execution was waited for for %v", took)
		}
		before = time.Now()
		_, err = b.call(t.Context(), map[string]any{"execution_arn": running + "unknown"})
		wantFailure(t, failure(t, err), plugin.BadRequest, "no such execution")
		if took := time.Since(before); took != 0 {
			t.Errorf("an execution that is not there was waited for for %v", took)
		}
	})
}

func TestAnExecutionThatIsToBeRedrivenGoesOn(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		m := standard()
		m.Takes, m.Run = 0, func(json.RawMessage) sfn.Outcome { return sfn.Outcome{Status: "PENDING_REDRIVE"} }
		b.machines.Add(m)
		_, err := b.call(t.Context(), map[string]any{"execution_name": "e"})
		wantFailure(t, failure(t, err), plugin.Unavailable, "has not ended within the time", "execution_arn "+running+"e")
	})
}

func TestAWaitOutlivesWhatPasses(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(time.Minute, 0)
		b.Inject(aws.Fault{Operation: "DescribeExecution", Times: 2, Effects: []aws.Effect{aws.Break()}})
		if _, err := b.call(t.Context(), map[string]any{}); err != nil {
			t.Error(err)
		}
	})
}

func TestAWaitEndsWithItsContext(t *testing.T) {
	impatient := func(ctx context.Context, call *plugin.Call, in stepfunctions.StartInput) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		time.AfterFunc(42*time.Second, cancel)
		return stepfunctions.Start(ctx, call, in)
	}
	inBubble(t, impatient, func(t *testing.T, b *bubble) {
		b.add(-1, 0)
		_, err := b.call(t.Context(), map[string]any{"execution_name": "e"})
		wantFailure(t, failure(t, err), plugin.Unavailable, "execution_arn "+running+"e")
		if took := time.Since(b.began); took != 42*time.Second {
			t.Errorf("the call ended after %v", took)
		}
	})
}

func TestAnExpressExecutionThatOutlastsTheCallSaysSo(t *testing.T) {
	t.Setenv("PLUGIN_MAX_EXECUTION_TIMEOUT", "120")
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.Bind("sync-states.us-east-1.amazonaws.com", "states")
		b.machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: toolstest.AccountID, Name: "quick", Express: true, Takes: 4 * time.Minute})
		_, err := b.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), tool, map[string]any{
			"state_machine_arn": quick, "state_machine_type": "EXPRESS", "wait_for_result": true,
		})
		wantFailure(t, failure(t, err), plugin.Unavailable, "EXPRESS state machine "+quick+" has not ended within the time", "not started a second time", "CloudWatch")
		if took := time.Since(b.began); took != 105*time.Second {
			t.Errorf("the call took %v", took)
		}
	})
}
