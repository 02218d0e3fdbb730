package agentcore_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/agentcore"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

// inTokyo is the variable that moves the machine of the tests to Tokyo.
const inTokyo = "DIFYPLUGIN_TEST_IN_TOKYO"

// The zone of a process can be changed safely only before anything else runs.
func TestMain(m *testing.M) {
	if os.Getenv(inTokyo) != "" {
		time.Local = time.FixedZone("Tokyo", 9*60*60)
	}
	goleak.VerifyTestMain(m)
}

const (
	remember  = "agentcore_memory"
	search    = "agentcore_memory_search"
	interpret = "agentcore_code_interpreter"
	notes     = "notes-0123456789" // a memory
)

type params = map[string]any

func parts() []plugin.Part {
	return []plugin.Part{plugin.Tool(remember, agentcore.Remember), plugin.Tool(search, agentcore.Search), plugin.Tool(interpret, agentcore.Interpret)}
}

// cloud is AgentCore with the tools that call it.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	core *standin.Service
}

// newCloud starts AgentCore with the memory notes.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), core: standin.New()}
	c.core.Register(c.Cloud)
	c.core.AddMemory(standin.Memory{Region: "us-east-1", AccountID: toolstest.AccountID, ID: notes})
	c.Tools = c.Run(t, parts()...)
	return c
}

// kinds are the types of the messages before the outputs.
func kinds(result host.Result) string {
	var list []string
	for _, m := range result.Messages {
		if m.Type != "variable" {
			list = append(list, m.Type)
		}
	}
	return strings.Join(list, " ")
}

// output is an output as JSON text.
func output(result host.Result, name string) string { return string(result.Variables[name]) }

func wantOutputs(t *testing.T, result host.Result, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for name := range want {
		got[name] = output(result, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the outputs differ (-want +got):\n%s", diff)
	}
}

// bodies are the bodies of the requests without tokens, by operation and path.
func (c *cloud) bodies(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, call := range c.Calls() {
		body := call.JSON()
		delete(body, "clientToken")
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %s %s %s", call.Operation, call.Method, call.Path, text))
	}
	return list
}
