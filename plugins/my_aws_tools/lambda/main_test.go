package lambda_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/lambda"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is Lambda with the tools that call it.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	functions *standin.Service
}

// newCloud starts Lambda with functions in us-east-1, by name.
func newCloud(t *testing.T, functions map[string]func(standin.Event) standin.Result) *cloud {
	t.Helper()
	c := start(t)
	for name, run := range functions {
		c.add(standin.Function{Name: name}, run)
	}
	c.run(t)
	return c
}

// start starts Lambda without functions and without tools.
func start(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), functions: standin.New()}
	t.Cleanup(c.functions.Close)
	c.Register("lambda", c.functions)
	return c
}

func (c *cloud) run(t *testing.T) {
	t.Helper()
	c.Tools = c.Run(t,
		plugin.Tool("lambda_invoker", lambda.Invoke),
		plugin.Tool("lambda_translate_utils", lambda.Translate),
		plugin.Tool("lambda_yaml_to_json", lambda.ConvertYAML),
	)
}

// add adds a function in us-east-1 of the account, unless it names other ones.
func (c *cloud) add(f standin.Function, run func(standin.Event) standin.Result) {
	if f.Region == "" {
		f.Region = "us-east-1"
	}
	f.AccountID = toolstest.AccountID
	if run != nil {
		f.Run = withoutContext(run)
	}
	c.functions.Add(f)
}

// echo returns what the function was given.
func echo(e standin.Event) standin.Result { return standin.Result{Payload: e.Payload} }

// returning is a function that always returns the same bytes.
func returning(payload string) func(standin.Event) standin.Result {
	return func(standin.Event) standin.Result { return standin.Result{Payload: []byte(payload)} }
}

// payload is what the only run of a function was given.
func (c *cloud) payload(t *testing.T) string {
	t.Helper()
	runs := c.functions.Invocations()
	if len(runs) != 1 {
		t.Fatalf("%d runs of functions, want one", len(runs))
	}
	return string(runs[0].Payload)
}

// request is the only request that was let in.
func (c *cloud) request(t *testing.T) aws.Call {
	t.Helper()
	calls := c.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d requests, want one", len(calls))
	}
	return calls[0]
}

// outputs are the outputs of a result as JSON texts.
func outputs(result host.Result) map[string]string {
	texts := map[string]string{}
	for name, raw := range result.Variables {
		texts[name] = string(raw)
	}
	return texts
}

// kinds are the types of the messages of a result, in order.
func kinds(result host.Result) []string {
	var list []string
	for _, m := range result.Messages {
		list = append(list, m.Type)
	}
	return list
}

func withoutContext(run func(standin.Event) standin.Result) func(context.Context, standin.Event) standin.Result {
	return func(_ context.Context, e standin.Event) standin.Result { return run(e) }
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
