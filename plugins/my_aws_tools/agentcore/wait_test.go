package agentcore_test

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
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/agentcore"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

// bubble is AgentCore and its tools without a network, in which hours pass in no time.
type bubble struct {
	*aws.Cloud
	*host.Conn
	core  *standin.Service
	began time.Time
}

// inBubble runs a test with tools whose calls end after the usual 585 seconds.
func inBubble(t *testing.T, part plugin.Part, tool string, test func(*testing.T, *bubble)) {
	t.Helper()
	declared := declarations(t, tool)
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{Cloud: aws.New(), core: standin.New(), began: time.Now()}
		if err := b.AddAccount(aws.Account{ID: toolstest.AccountID, Keys: []aws.Key{toolstest.Key()}}); err != nil {
			t.Fatal(err)
		}
		b.core.Register(b.Cloud)
		served, err := plugin.New(declared, part)
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
func declarations(t *testing.T, tool string) fs.FS {
	t.Helper()
	declared := fstest.MapFS{}
	for _, name := range []string{"manifest.yaml", "PRIVACY.md", "_assets/icon.svg", "provider/my_aws_tools.yaml", "agentcore/" + tool + ".yaml"} {
		content, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if before, _, ok := strings.Cut(string(content), "\ntools:"); ok {
			content = []byte(before + "\ntools:\n  - agentcore/" + tool + ".yaml\n")
		}
		declared[name] = &fstest.MapFile{Data: content}
	}
	return declared
}

// RoundTrip hands a request to the cloud.
func (b *bubble) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody // as servers have it
	}
	answer := httptest.NewRecorder()
	b.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

func failure(t *testing.T, err error) *host.PluginError {
	t.Helper()
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("the tool did not fail as tools do: %v", err)
	}
	return failed
}

func (b *bubble) record(t *testing.T, parameters params) (host.Result, error) {
	t.Helper()
	parameters["operation"], parameters["information"] = "record", "hi"
	return b.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), remember, parameters)
}

func memoryTool() plugin.Part { return plugin.Tool(remember, agentcore.Remember) }

func TestAMemoryInTheMakingIsWaitedFor(t *testing.T) {
	inBubble(t, memoryTool(), remember, func(t *testing.T, b *bubble) {
		b.core.Creation(3*time.Minute, "")
		if _, err := b.record(t, params{}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(b.began); took < 3*time.Minute || took > 3*time.Minute+15*time.Second {
			t.Errorf("the call took %v", took)
		}
		looks := strings.Count(strings.Join(b.Operations(), " "), "GetMemory")
		if looks < 15 || looks > 30 {
			t.Errorf("the memory was looked at %d times", looks)
		}
		if events := b.core.Events(b.core.Memories()[0].ID); len(events) != 1 {
			t.Errorf("%d events were recorded", len(events))
		}
	})
}

func TestAMemoryThatTakesTooLongIsNamedAndPickedUp(t *testing.T) {
	inBubble(t, memoryTool(), remember, func(t *testing.T, b *bubble) {
		b.core.Creation(20*time.Minute, "")
		_, err := b.record(t, params{"actor_id": "ann", "session_id": "s1"})
		made := b.core.Memories()[0].ID
		wantFailure(t, failure(t, err), plugin.Unavailable, "was not ACTIVE within the time", "memory_id "+made+", actor_id ann and session_id s1")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		given := params{"memory_id": made, "actor_id": "ann", "session_id": "s1"}
		_, err = b.record(t, given)
		wantFailure(t, failure(t, err), plugin.Unavailable, "was not ACTIVE within the time", "a call with memory_id "+made)
		if _, err = b.record(t, given); err != nil {
			t.Error(err)
		}
		if n := len(b.core.Memories()); n != 1 || len(b.core.Events(made)) != 1 {
			t.Errorf("%d memories, %d events", n, len(b.core.Events(made)))
		}
	})
}

func TestAMemoryWhoseCreationFailsSaysWhy(t *testing.T) {
	inBubble(t, memoryTool(), remember, func(t *testing.T, b *bubble) {
		b.core.Creation(time.Minute, "the role cannot be assumed")
		_, err := b.record(t, params{})
		failed := failure(t, err)
		wantFailure(t, failed, plugin.Unavailable, "the creation of the memory "+b.core.Memories()[0].ID+" has failed: the role cannot be assumed", "Delete it")
		if strings.Contains(failed.Message, "to go on with this memory") {
			t.Errorf("a memory that cannot be used is offered for use: %s", failed.Message)
		}
	})
}

func TestAWaitEndsWithItsCall(t *testing.T) {
	impatient := func(ctx context.Context, call *plugin.Call, in agentcore.RememberInput) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		time.AfterFunc(42*time.Second, cancel)
		return agentcore.Remember(ctx, call, in)
	}
	inBubble(t, plugin.Tool(remember, impatient), remember, func(t *testing.T, b *bubble) {
		b.core.Creation(-1, "")
		_, err := b.record(t, params{})
		wantFailure(t, failure(t, err), plugin.Unavailable, "memory_id "+b.core.Memories()[0].ID)
		if took := time.Since(b.began); took != 42*time.Second {
			t.Errorf("the call ended after %v", took)
		}
	})
}

func TestAWaitOutlivesWhatPasses(t *testing.T) {
	inBubble(t, memoryTool(), remember, func(t *testing.T, b *bubble) {
		b.core.Creation(time.Minute, "")
		b.Inject(aws.Fault{Operation: "GetMemory", Times: 2, Effects: []aws.Effect{aws.Break()}})
		if _, err := b.record(t, params{}); err != nil {
			t.Error(err)
		}
	})
	inBubble(t, memoryTool(), remember, func(t *testing.T, b *bubble) {
		b.core.Creation(time.Minute, "")
		b.Inject(aws.Fault{Operation: "GetMemory", Effects: []aws.Effect{aws.Deny()}})
		_, err := b.record(t, params{})
		wantFailure(t, failure(t, err), plugin.Authorization, "bedrock-agentcore:GetMemory", "goes on", b.core.Memories()[0].ID)
	})
}

func interpreter() plugin.Part { return plugin.Tool(interpret, agentcore.Interpret) }

// slow is a program that takes some time.
func slow(takes time.Duration) standin.Program {
	return func(ctx context.Context, _ standin.Invocation) []standin.Event {
		timer := time.NewTimer(takes)
		defer timer.Stop()
		select {
		case <-timer.C:
			return []standin.Event{standin.Printed("done")}
		case <-ctx.Done():
			return nil
		}
	}
}

func (b *bubble) run(t *testing.T, parameters params) (host.Result, error) {
	t.Helper()
	parameters["command"] = "sleep"
	return b.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), interpret, parameters)
}

func TestAProgramThatOutlastsTheCallIsStopped(t *testing.T) {
	inBubble(t, interpreter(), interpret, func(t *testing.T, b *bubble) {
		b.core.Program(slow(9 * time.Minute))
		if result, err := b.run(t, params{}); err != nil || output(result, "stdout") != `"done"` {
			t.Errorf("%s, %v", output(result, "stdout"), err)
		}
		began := time.Now()
		b.core.Program(slow(10 * time.Minute))
		_, err := b.run(t, params{})
		wantFailure(t, failure(t, err), plugin.Unavailable, "could not run the command within the time that Dify gives a tool")
		if took := time.Since(began); took < 585*time.Second || took > 590*time.Second {
			t.Errorf("the call took %v", took)
		}
		if b.core.Running() != 0 {
			t.Error("a session is left")
		}
	})
}

func TestASessionThatOutlastsTheCallIsNamed(t *testing.T) {
	inBubble(t, interpreter(), interpret, func(t *testing.T, b *bubble) {
		b.core.Program(slow(10 * time.Minute))
		_, err := b.run(t, params{"keep_session": true})
		session := b.core.Sessions()[0].ID
		wantFailure(t, failure(t, err), plugin.Unavailable, "within the time", "The session goes on", "session_id "+session)
		b.core.Program(slow(0))
		if _, err := b.run(t, params{"session_id": session}); err != nil {
			t.Error(err)
		}
	})
}

func TestACancelledCallLeavesNoSession(t *testing.T) {
	impatient := func(ctx context.Context, call *plugin.Call, in agentcore.InterpretInput) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		time.AfterFunc(42*time.Second, cancel)
		return agentcore.Interpret(ctx, call, in)
	}
	for name, operation := range map[string]string{"while something runs": "", "while the session starts": "StartCodeInterpreterSession"} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, plugin.Tool(interpret, impatient), interpret, func(t *testing.T, b *bubble) {
				b.core.Program(slow(10 * time.Minute))
				if operation != "" {
					late := make(chan struct{})
					time.AfterFunc(44*time.Second, func() { close(late) })
					b.Inject(aws.Fault{Operation: operation, Effects: []aws.Effect{aws.Hold(late)}})
				}
				_, err := b.run(t, params{})
				wantFailure(t, failure(t, err), plugin.Unavailable, "could not run the command")
				if took := time.Since(b.began); took < 42*time.Second || took > 45*time.Second {
					t.Errorf("the call took %v", took)
				}
				if n := len(b.core.Sessions()); n != 1 || b.core.Running() != 0 {
					t.Errorf("%d sessions were started, %d are left", n, b.core.Running())
				}
			})
		})
	}
}

func TestAServiceThatHangsDoesNotHoldACallThatHasEnded(t *testing.T) {
	for _, operation := range []string{"StartCodeInterpreterSession", "StopCodeInterpreterSession"} {
		t.Run(operation, func(t *testing.T) {
			inBubble(t, interpreter(), interpret, func(t *testing.T, b *bubble) {
				b.core.Program(slow(10 * time.Minute))
				b.Inject(aws.Fault{Operation: operation, Effects: []aws.Effect{aws.Hold(nil)}})
				if _, err := b.run(t, params{}); err == nil {
					t.Error("the call succeeded")
				}
				if took := time.Since(b.began); took < 585*time.Second || took > 591*time.Second {
					t.Errorf("the call took %v", took)
				}
			})
		})
	}
}
