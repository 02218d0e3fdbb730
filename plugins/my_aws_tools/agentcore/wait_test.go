package agentcore_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/agentcore"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

// bubble is AgentCore and its tools without a network, in which hours pass in no time.
type bubble struct {
	*toolstest.AWS
	*toolstest.Tools
	core  *standin.Service
	began time.Time
}

// inBubble runs a test with a tool.
func inBubble(t *testing.T, part plugin.Part, test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{AWS: toolstest.StartInBubble(t), core: standin.New(), began: time.Now()}
		b.core.Register(b.Cloud)
		b.Tools = b.Run(t, part)
		test(t, b)
	})
}

// recording are the parameters of a call that records something.
func recording(pairs ...string) params {
	all := params{"operation": "record", "information": "hi"}
	for i := 0; i+1 < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

func memoryTool() plugin.Part { return plugin.Tool(remember, agentcore.Remember) }

func TestAMemoryInTheMakingIsWaitedFor(t *testing.T) {
	inBubble(t, memoryTool(), func(t *testing.T, b *bubble) {
		b.core.Creation(3*time.Minute, "")
		b.Succeed(t, remember, recording())
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
	inBubble(t, memoryTool(), func(t *testing.T, b *bubble) {
		b.core.Creation(20*time.Minute, "")
		failed := b.Fail(t, remember, recording("actor_id", "ann", "session_id", "s1"))
		made := b.core.Memories()[0].ID
		toolstest.WantFailure(t, failed, plugin.Unavailable, "was not ACTIVE within the time", "memory_id "+made+", actor_id ann and session_id s1")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		given := recording("memory_id", made, "actor_id", "ann", "session_id", "s1")
		toolstest.WantFailure(t, b.Fail(t, remember, given), plugin.Unavailable, "was not ACTIVE within the time", "a call with memory_id "+made)
		b.Succeed(t, remember, given)
		if n := len(b.core.Memories()); n != 1 || len(b.core.Events(made)) != 1 {
			t.Errorf("%d memories, %d events", n, len(b.core.Events(made)))
		}
	})
}

func TestAMemoryWhoseCreationFailsSaysWhy(t *testing.T) {
	inBubble(t, memoryTool(), func(t *testing.T, b *bubble) {
		b.core.Creation(time.Minute, "the role cannot be assumed")
		failed := b.Fail(t, remember, recording())
		toolstest.WantFailure(t, failed, plugin.Unavailable, "the creation of the memory "+b.core.Memories()[0].ID+" has failed: the role cannot be assumed", "Delete it")
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
	inBubble(t, plugin.Tool(remember, impatient), func(t *testing.T, b *bubble) {
		b.core.Creation(-1, "")
		toolstest.WantFailure(t, b.Fail(t, remember, recording()), plugin.Unavailable, "memory_id "+b.core.Memories()[0].ID)
		if took := time.Since(b.began); took != 42*time.Second {
			t.Errorf("the call ended after %v", took)
		}
	})
}

func TestAWaitOutlivesWhatPasses(t *testing.T) {
	inBubble(t, memoryTool(), func(t *testing.T, b *bubble) {
		b.core.Creation(time.Minute, "")
		b.Inject(aws.Fault{Operation: "GetMemory", Times: 2, Effects: []aws.Effect{aws.Break()}})
		b.Succeed(t, remember, recording())
	})
	inBubble(t, memoryTool(), func(t *testing.T, b *bubble) {
		b.core.Creation(time.Minute, "")
		b.Inject(aws.Fault{Operation: "GetMemory", Effects: []aws.Effect{aws.Deny()}})
		toolstest.WantFailure(t, b.Fail(t, remember, recording()), plugin.Authorization, "bedrock-agentcore:GetMemory", "goes on", b.core.Memories()[0].ID)
	})
}

// sleeping are the parameters of a call that runs something.
func sleeping() params { return params{"command": "sleep"} }

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

func TestAProgramThatOutlastsTheCallIsStopped(t *testing.T) {
	inBubble(t, interpreter(), func(t *testing.T, b *bubble) {
		b.core.Program(slow(9 * time.Minute))
		if printed := output(b.Succeed(t, interpret, sleeping()), "stdout"); printed != `"done"` {
			t.Errorf("%s was printed", printed)
		}
		began := time.Now()
		b.core.Program(slow(10 * time.Minute))
		toolstest.WantFailure(t, b.Fail(t, interpret, sleeping()), plugin.Unavailable, "could not run the command within the time that Dify gives a tool")
		if took := time.Since(began); took < 585*time.Second || took > 590*time.Second {
			t.Errorf("the call took %v", took)
		}
		if b.core.Running() != 0 {
			t.Error("a session is left")
		}
	})
}

func TestASessionThatOutlastsTheCallIsNamed(t *testing.T) {
	inBubble(t, interpreter(), func(t *testing.T, b *bubble) {
		b.core.Program(slow(10 * time.Minute))
		failed := b.Fail(t, interpret, params{"command": "sleep", "keep_session": true})
		session := b.core.Sessions()[0].ID
		toolstest.WantFailure(t, failed, plugin.Unavailable, "within the time", "The session goes on", "session_id "+session)
		b.core.Program(slow(0))
		b.Succeed(t, interpret, params{"command": "sleep", "session_id": session})
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
			inBubble(t, plugin.Tool(interpret, impatient), func(t *testing.T, b *bubble) {
				b.core.Program(slow(10 * time.Minute))
				if operation != "" {
					late := make(chan struct{})
					time.AfterFunc(44*time.Second, func() { close(late) })
					b.Inject(aws.Fault{Operation: operation, Effects: []aws.Effect{aws.Hold(late)}})
				}
				toolstest.WantFailure(t, b.Fail(t, interpret, sleeping()), plugin.Unavailable, "could not run the command")
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
			inBubble(t, interpreter(), func(t *testing.T, b *bubble) {
				b.core.Program(slow(10 * time.Minute))
				b.Inject(aws.Fault{Operation: operation, Effects: []aws.Effect{aws.Hold(nil)}})
				b.Fail(t, interpret, sleeping())
				if took := time.Since(b.began); took < 585*time.Second || took > 591*time.Second {
					t.Errorf("the call took %v", took)
				}
			})
		})
	}
}
