package plugintest_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugin/plugintest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type greetInput struct {
	Name  string `param:"name"`
	Times int    `param:"times"`
	Mood  string `param:"mood"`
}

func greet(ctx context.Context, call *plugin.Call, in greetInput) error {
	if in.Name == "nobody" {
		return plugin.Errorf(plugin.Authorization, "%s must not be greeted with the password %s", in.Name, call.Credentials().Get("password"))
	}
	call.Logger().Info("greeting", "password", call.Credentials().Get("password"))
	if err := call.Storage().Set(ctx, "last", []byte(in.Name)); err != nil {
		return err
	}
	last, err := call.Storage().Get(ctx, "last")
	if err != nil {
		return err
	}
	if err := call.File(ctx, plugin.Bytes("card.txt", "text/plain", last)); err != nil {
		return err
	}
	return call.Text(strings.Repeat("Hello, "+in.Name+"!\n", in.Times))
}

func moods(context.Context, *plugin.Call) ([]plugin.Option, error) {
	return []plugin.Option{{Value: "glad", Label: map[string]string{"zh_Hans": "高兴"}}}, nil
}

func declarations() fs.FS { return os.DirFS("testdata/greeter") }

func run(t *testing.T) *plugintest.Plugin {
	return plugintest.Run(t, declarations(), plugin.Tool("greet", greet), plugin.Options("greet", "mood", moods))
}

func TestAToolRunsWithItsStorageItsFilesAndItsLog(t *testing.T) {
	p := run(t)
	caller := p.As(map[string]any{"password": "open sesame"})
	result, err := p.Tool(t.Context(), caller, "greet", map[string]any{"name": "Ada", "times": "2"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("Hello, Ada!\nHello, Ada!\n", result.Text); diff != "" {
		t.Error(diff)
	}
	if len(result.Files) != 1 {
		t.Fatalf("%d files", len(result.Files))
	}
	content, err := result.Files[0].Bytes()
	if err != nil || string(content) != "Ada" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	logs := p.Logs()
	if len(logs) != 1 || !strings.Contains(logs[0].Message, "[redacted]") || strings.Contains(logs[0].Message, "sesame") {
		t.Errorf("logs: %+v", logs)
	}
}

func TestAFailureHasTheKindAndTheTextThatDifyShows(t *testing.T) {
	p := run(t)
	_, err := p.Tool(t.Context(), p.As(map[string]any{"password": "open sesame"}), "greet", map[string]any{"name": "nobody"})
	var failure *host.PluginError
	if !errors.As(err, &failure) {
		t.Fatalf("no plugin error: %v", err)
	}
	const text = "nobody must not be greeted with the password [redacted]"
	if failure.Type != "InvokeAuthorizationError" || failure.Message != text || failure.Args["description"] != text {
		t.Errorf("%+v", failure)
	}
}

func TestOptionsHaveAnEnglishLabel(t *testing.T) {
	p := run(t)
	options, err := p.Options(t.Context(), p.As(map[string]any{}), "greet", "mood")
	if err != nil {
		t.Fatal(err)
	}
	want := []host.Option{{Value: "glad", Label: map[string]string{"en_US": "glad", "zh_Hans": "高兴"}}}
	if diff := cmp.Diff(want, options); diff != "" {
		t.Error(diff)
	}
}

// recorder stands in for a test that is expected to be stopped.
type recorder struct {
	testing.TB
	fatal string
}

type stopped struct{}

func (r *recorder) Fatalf(format string, args ...any) {
	r.fatal = fmt.Sprintf(format, args...)
	panic(stopped{})
}

func TestEveryDisagreementOfDeclarationsAndPartsIsNamedAtOnce(t *testing.T) {
	type wrong struct {
		Name  []string `param:"name"`
		Color string   `param:"color"`
	}
	r := &recorder{TB: t}
	func() {
		defer func() {
			if got := recover(); got != (stopped{}) {
				t.Fatalf("the test was not stopped: %v", got)
			}
		}()
		plugintest.Run(r, declarations(),
			plugin.Tool("greet", func(context.Context, *plugin.Call, wrong) error { return nil }),
			plugin.Tool("wave", func(context.Context, *plugin.Call, struct{}) error { return nil }))
	}()
	for _, want := range []string{
		`"color" that is not declared`, `"name" is a string`, `parameter "times" has no field`, `parameter "mood" has no field`,
		`tool "wave" is not declared`, `"mood" of tool "greet" is a dynamic-select without Options`,
	} {
		if !strings.Contains(r.fatal, want) {
			t.Errorf("the message does not say %s:\n%s", want, r.fatal)
		}
	}
}
