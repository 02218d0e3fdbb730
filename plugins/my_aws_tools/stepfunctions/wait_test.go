package stepfunctions_test

import (
	"context"
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/stepfunctions"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
)

// bubble is Step Functions and the tool without a network, in which hours pass in no time.
type bubble struct {
	*toolstest.AWS
	*toolstest.Tools
	machines *sfn.Service
	began    time.Time
}

// inBubble runs a test with a tool, usually stepfunctions.Start itself.
func inBubble(t *testing.T, run func(context.Context, *plugin.Call, stepfunctions.StartInput) error, test func(*testing.T, *bubble)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := &bubble{AWS: toolstest.StartInBubble(t), machines: sfn.New(), began: time.Now()}
		b.Register("states", b.machines)
		b.Tools = b.Run(t, plugin.Tool(tool, run))
		test(t, b)
	})
}

func (b *bubble) add(takes time.Duration, lag int) {
	m := standard()
	m.Takes, m.Lag = takes, lag
	b.machines.Add(m)
}

// wait runs an execution and waits for it; fail expects that this comes to nothing.
func (b *bubble) wait(t *testing.T, parameters map[string]any) host.Result {
	t.Helper()
	parameters["state_machine_arn"], parameters["wait_for_result"] = orders, true
	return b.Succeed(t, tool, parameters)
}

func (b *bubble) fail(t *testing.T, parameters map[string]any) *host.PluginError {
	t.Helper()
	parameters["state_machine_arn"], parameters["wait_for_result"] = orders, true
	return b.Fail(t, tool, parameters)
}

func TestExecutionsAreLookedUpLessAndLessOften(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(5*time.Minute, 0)
		result := b.wait(t, map[string]any{"input_json": `{"a": 1}`})
		if result.Text != `{"a": 1}` {
			t.Errorf("the text is %s", result.Text)
		}
		if took := time.Since(b.began); took < 5*time.Minute || took > 5*time.Minute+18*time.Second {
			t.Errorf("the result was there after %v", took)
		}
		pauses := b.Pauses("DescribeExecution")
		for i, pause := range pauses {
			least := min(time.Second*time.Duration(pow(i)), 15*time.Second)
			if pause < least || pause > 18*time.Second {
				t.Errorf("the pause before look %d is %v", i+2, pause)
			}
		}
		if len(pauses) < 10 || len(pauses) > 29 {
			t.Errorf("the execution was looked up %d times", len(pauses)+1)
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
		toolstest.WantFailure(t, b.fail(t, map[string]any{"execution_name": "e"}), plugin.Unavailable, "has not ended within the time", "execution_arn "+running+"e", "wait_for_result")
		if took := time.Since(b.began); took != 585*time.Second {
			t.Errorf("the call took %v, and ought to end 15 seconds before the host gives up", took)
		}
		b.fail(t, map[string]any{"execution_arn": running + "e"})
		if result := b.wait(t, map[string]any{"execution_arn": running + "e"}); result.Text != "{}" {
			t.Errorf("the text is %s", result.Text)
		}
		if started := len(b.machines.Executions()); started != 1 {
			t.Errorf("%d executions were started", started)
		}
	})
}

func TestAnExecutionThatAWSDoesNotShowYetIsWaitedFor(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(0, 3)
		b.wait(t, map[string]any{})
		b.add(0, 1000)
		before := time.Now()
		toolstest.WantFailure(t, b.fail(t, map[string]any{"execution_name": "lost"}), plugin.BadRequest, "no such execution", running+"lost")
		if took := time.Since(before); took < 30*time.Second || took > time.Minute {
			t.Errorf("the execution was waited for for %v", took)
		}
		before = time.Now()
		toolstest.WantFailure(t, b.fail(t, map[string]any{"execution_arn": running + "unknown"}), plugin.BadRequest, "no such execution")
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
		toolstest.WantFailure(t, b.fail(t, map[string]any{"execution_name": "e"}), plugin.Unavailable, "has not ended within the time", "execution_arn "+running+"e")
	})
}

func TestAWaitOutlivesWhatPasses(t *testing.T) {
	inBubble(t, stepfunctions.Start, func(t *testing.T, b *bubble) {
		b.add(time.Minute, 0)
		b.Inject(aws.Fault{Operation: "DescribeExecution", Times: 2, Effects: []aws.Effect{aws.Break()}})
		b.wait(t, map[string]any{})
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
		toolstest.WantFailure(t, b.fail(t, map[string]any{"execution_name": "e"}), plugin.Unavailable, "execution_arn "+running+"e")
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
		failed := b.Fail(t, tool, map[string]any{
			"state_machine_arn": quick, "state_machine_type": "EXPRESS", "wait_for_result": true,
		})
		toolstest.WantFailure(t, failed, plugin.Unavailable, "EXPRESS state machine "+quick+" has not ended within the time", "not started a second time", "CloudWatch")
		if took := time.Since(b.began); took != 105*time.Second {
			t.Errorf("the call took %v", took)
		}
	})
}
