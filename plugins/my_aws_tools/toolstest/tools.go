package toolstest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/manifest"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/google/go-cmp/cmp"
)

// Tools are running tools. The methods of host.Conn are the calls that Dify makes.
type Tools struct {
	*host.Conn
	// Dify is what the tools call back into; uploads go into a folder of the test's. It is nil in a bubble.
	Dify *host.Dify

	declarations fs.FS
	mu           sync.Mutex
	logs         []host.Log
}

// Run starts tools for the time of the test. The declarations are those of the plugin, with the tools of the folder
// that the test stands in: all of them must be given, so that declarations and functions are checked against each
// other.
func (a *AWS) Run(t testing.TB, parts ...plugin.Part) *Tools {
	t.Helper()
	declarations := declarationsHere(t)
	if a.Box != nil {
		agreement.Do(func() { agreement.err = serve(t, declarations, parts).Check() })
		if agreement.err != nil {
			t.Fatalf("declarations and functions disagree:\n%v", agreement.err)
		}
		return a.RunPlugin(t, declarations, parts...)
	}
	tools := &Tools{declarations: declarations}
	tools.Conn = connect(t, serve(t, declarations, parts), account.NewProcess(direct{a.Cloud}, atOnce), host.Options{Strict: true, OnLog: tools.log})
	return tools
}

// agreement is what the check of the folder's declarations came to. They are those of the process, and reading them all
// takes longer than most tests.
var agreement struct {
	sync.Once
	err error
}

// RunPlugin is Run with declarations of the caller's, which are not checked.
func (a *AWS) RunPlugin(t testing.TB, declarations fs.FS, parts ...plugin.Part) *Tools {
	t.Helper()
	served := serve(t, declarations, parts)
	dify, err := host.NewDify(host.DifyOptions{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	tools := &Tools{Dify: dify, declarations: declarations}
	tools.Conn = connect(t, served, process(t), host.Options{Strict: true, Backend: dify, OnLog: tools.log})
	t.Cleanup(func() {
		if err := dify.Close(); err != nil {
			t.Errorf("the stand-in for Dify: %v", err)
		}
	})
	return tools
}

func serve(t testing.TB, declarations fs.FS, parts []plugin.Part) *plugin.Plugin {
	t.Helper()
	served, err := plugin.New(declarations, parts...)
	if err != nil {
		t.Fatalf("the plugin cannot start: %v", err)
	}
	return served
}

// atOnce lets clients try again without waiting.
var atOnce = account.Backoff(func(int, error) (time.Duration, error) { return 0, nil })

// process makes connections from the environment of the test, where plugins make them once from that of the process.
func process(t testing.TB) *account.Process {
	t.Helper()
	transport, err := plugin.Transport(account.Official)
	if err != nil {
		t.Fatal(err)
	}
	p := account.NewProcess(transport, atOnce)
	t.Cleanup(p.Close)
	return p
}

// connect serves the plugin over a pair of pipes until the test ends.
func connect(t testing.TB, served *plugin.Plugin, p *account.Process, opts host.Options) *host.Conn {
	t.Helper()
	requests, toPlugin := io.Pipe()
	results, fromPlugin := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := served.Serve(p.Context(context.Background()), requests, fromPlugin, &bytes.Buffer{}, nil)
		_ = fromPlugin.Close()
		ended <- err
	}()
	conn := host.Connect(toPlugin, results, opts)
	t.Cleanup(func() {
		if err := errors.Join(conn.Close(), <-ended); err != nil {
			t.Errorf("the plugin: %v", err)
		}
	})
	return conn
}

func (tools *Tools) log(line host.Log) {
	tools.mu.Lock()
	defer tools.mu.Unlock()
	tools.logs = append(tools.logs, line)
}

// Logs are the lines that the tools have written to the host's log so far.
func (tools *Tools) Logs() []host.Log {
	tools.mu.Lock()
	defer tools.mu.Unlock()
	return slices.Clone(tools.logs)
}

// Succeed runs a tool as a user with [Credentials] and fails the test when the tool does, or when it does not set
// exactly the outputs that it declares.
func (tools *Tools) Succeed(t testing.TB, tool string, parameters map[string]any) host.Result {
	t.Helper()
	return tools.SucceedAs(t, Credentials(), tool, parameters)
}

// SucceedAs is Succeed with other credentials, which may be nil.
func (tools *Tools) SucceedAs(t testing.TB, credentials map[string]any, tool string, parameters map[string]any) host.Result {
	t.Helper()
	result, err := tools.Tool(t.Context(), Caller(credentials), tool, parameters)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	tools.CheckOutputs(t, tool, result)
	return result
}

// Fail runs a tool as a user with [Credentials] and fails the test when the tool succeeds.
func (tools *Tools) Fail(t testing.TB, tool string, parameters map[string]any) *host.PluginError {
	t.Helper()
	return tools.FailAs(t, Credentials(), tool, parameters)
}

// FailAs is Fail with other credentials, which may be nil.
func (tools *Tools) FailAs(t testing.TB, credentials map[string]any, tool string, parameters map[string]any) *host.PluginError {
	t.Helper()
	result, err := tools.Tool(t.Context(), Caller(credentials), tool, parameters)
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("%s did not fail as a tool does: %q, %v", tool, result.Text, err)
	}
	return failed
}

// CheckOutputs fails the test unless a success of a tool set exactly the outputs that it declares.
func (tools *Tools) CheckOutputs(t testing.TB, tool string, result host.Result) {
	t.Helper()
	properties := tools.outputs(t, tool)
	if len(properties) == 0 {
		t.Errorf("%s declares no outputs: a workflow could use nothing of it but its text", tool)
	}
	want, got := slices.Sorted(maps.Keys(properties)), slices.Sorted(maps.Keys(result.Variables))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: the outputs that are declared (-) and those that were set (+) differ:\n%s", tool, diff)
	}
	for name, value := range result.Variables {
		property, _ := properties[name].(map[string]any)
		if kind, _ := property["type"].(string); !fits(value, kind) {
			t.Errorf("%s: the output %s is declared as %s and was set to %s", tool, name, kind, value)
		}
	}
}

// outputs are the properties of a tool's output_schema.
func (tools *Tools) outputs(t testing.TB, tool string) map[string]any {
	t.Helper()
	if known, ok := outputs.Load(tool); ok {
		return known.(map[string]any)
	}
	declared, err := manifest.FindTool(tools.declarations, tool)
	if err != nil {
		t.Fatal(err)
	}
	properties, _ := declared.OutputSchema["properties"].(map[string]any)
	outputs.Store(tool, properties)
	return properties
}

// outputs are those of all tools that were asked for: a process tests one set of declarations.
var outputs sync.Map // of map[string]any, by the name of the tool

// fits reports whether a value has the type of a JSON schema. Null fits all: it means that there is none.
func fits(raw json.RawMessage, kind string) bool {
	var value any
	if json.Unmarshal(raw, &value) != nil {
		return false
	}
	switch v := value.(type) {
	case nil:
		return true
	case string:
		return kind == "string" || kind == ""
	case bool:
		return kind == "boolean" || kind == ""
	case float64:
		return kind == "number" || kind == "" || kind == "integer" && v == float64(int64(v))
	case []any:
		return kind == "array" || kind == ""
	default:
		return kind == "object" || kind == ""
	}
}
