package stepfunctions_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/stepfunctions"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tool    = "stepfunctions_start_execution"
	orders  = "arn:aws:states:us-east-1:123456789012:stateMachine:orders"
	quick   = "arn:aws:states:us-east-1:123456789012:stateMachine:quick"
	running = "arn:aws:states:us-east-1:123456789012:execution:orders:" // and a name
)

// start is the tool.
func start() plugin.Part { return plugin.Tool(tool, stepfunctions.Start) }

// cloud is Step Functions with the tool that calls it.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	machines *sfn.Service
}

// newCloud starts Step Functions with the STANDARD state machine orders, whose executions run until they are finished,
// and the EXPRESS state machine quick, which returns its input at once.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), machines: sfn.New()}
	c.Register("states", c.machines)
	c.Bind("sync-states.us-east-1.amazonaws.com", "states")
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "sync-states.us-east-1.amazonaws.com")
	c.machines.Add(standard())
	c.machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: toolstest.AccountID, Name: "quick", Express: true})
	c.Tools = c.Run(t, start())
	return c
}

func standard() sfn.StateMachine {
	return sfn.StateMachine{
		Region: "us-east-1", AccountID: toolstest.AccountID, Name: "orders", Qualifiers: []string{"PROD", "3"}, Takes: -time.Second,
	}
}

// bodies are the bodies of the requests that were let in, by operation.
func (c *cloud) bodies(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, call := range c.Calls() {
		list = append(list, call.Operation+" "+string(call.Body))
	}
	return list
}

// started is the only execution.
func (c *cloud) started(t *testing.T) sfn.Execution {
	t.Helper()
	all := c.machines.Executions()
	if len(all) != 1 {
		t.Fatalf("%d executions were started, want one", len(all))
	}
	return all[0]
}

// object is the only JSON message of a result, without the times of it, which are checked to be times.
func object(t *testing.T, result host.Result) map[string]any {
	t.Helper()
	value := toolstest.Object(t, result)
	for _, name := range []string{"start_date", "stop_date"} {
		if text, ok := value[name].(string); ok {
			if _, err := time.Parse("2006-01-02T15:04:05.999999-07:00", text); err != nil || !strings.HasSuffix(text, "+00:00") {
				t.Errorf("%s is %q", name, text)
			}
			delete(value, name)
		}
	}
	return value
}

func wantObject(t *testing.T, want map[string]any, result host.Result) {
	t.Helper()
	if diff := cmp.Diff(want, object(t, result)); diff != "" {
		t.Errorf("the JSON differs (-want +got):\n%s", diff)
	}
}

// outputs are the outputs of a result as JSON texts, without the times.
func outputs(result host.Result) map[string]string {
	texts := map[string]string{}
	for name, raw := range result.Variables {
		if !strings.HasSuffix(name, "_date") || string(raw) == "null" {
			texts[name] = string(raw)
		}
	}
	return texts
}
