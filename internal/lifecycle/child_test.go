package lifecycle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/plugin"
)

// childVariable makes this test binary a plugin, started by the tests as a child process.
const childVariable = "DIFYPLUGIN_LIFECYCLE_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childVariable) {
	case "":
		goleak.VerifyTestMain(m)
	case "parent":
		beParent()
	default:
		plugin.Main(declarations(), parts()...)
	}
}

func parts() []plugin.Part {
	meet := &meeting{}
	return []plugin.Part{
		plugin.Tool("echo", echo),
		plugin.Tool("nonce", meet.nonce),
		plugin.Tool("goroutines", goroutines),
		plugin.Tool("wait", wait),
		plugin.Tool("hang", hang),
		plugin.Tool("panic", breakDown),
		plugin.Tool("exit", exit),
		plugin.Tool("fill", fill),
	}
}

type input struct {
	Text  string `param:"text,literal"`
	Count int    `param:"count"`
}

func echo(_ context.Context, call *plugin.Call, in input) error {
	return call.Text(fmt.Sprintf("%d bytes, %s", len(in.Text), digest(in.Text)))
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// proof is what only the holder of a secret can say of a text.
func proof(secret, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(text))
	return hex.EncodeToString(mac.Sum(nil))
}

// meeting holds calls until as many have come as each of them says.
type meeting struct {
	mu   sync.Mutex
	come int
	all  chan struct{}
}

// nonce answers with a proof of the caller's own secret, once all calls of the meeting are there.
func (m *meeting) nonce(ctx context.Context, call *plugin.Call, in input) error {
	select {
	case <-m.join(in.Count):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return call.Text(proof(call.Credentials().Get("secret"), in.Text))
}

func (m *meeting) join(want int) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.all == nil {
		m.all = make(chan struct{})
	}
	all := m.all
	if m.come++; m.come == want {
		close(all)
		m.come, m.all = 0, nil
	}
	return all
}

// goroutines counts until the number does not change any more: what has just finished may still be on its way out.
func goroutines(_ context.Context, call *plugin.Call, _ input) error {
	n := runtime.NumGoroutine()
	for stable := 0; stable < 20; {
		runtime.Gosched()
		timer := time.NewTimer(5 * time.Millisecond)
		<-timer.C
		now := runtime.NumGoroutine()
		if stable++; now != n {
			n, stable = now, 0
		}
	}
	return call.Text(fmt.Sprint(n))
}

// wait says that it has begun, and ends with its context or after count milliseconds.
func wait(ctx context.Context, call *plugin.Call, in input) error {
	if err := call.Text("begun"); err != nil {
		return err
	}
	timer := time.NewTimer(time.Duration(in.Count) * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
		return call.Text("done")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// hang never looks at its context.
func hang(context.Context, *plugin.Call, input) error { select {} }

func breakDown(context.Context, *plugin.Call, input) error {
	var few []int
	few[len(few)]++
	return nil
}

func exit(_ context.Context, call *plugin.Call, in input) error {
	_ = call.Text("about to exit")
	fmt.Fprintln(os.Stderr, "out of cheese")
	os.Exit(in.Count)
	return nil
}

// fill sends count texts of 64 KiB.
func fill(_ context.Context, call *plugin.Call, in input) error {
	for range in.Count {
		if err := call.Text(strings.Repeat("x", 64<<10)); err != nil {
			return err
		}
	}
	return nil
}

// declarations makes the YAML of all tools: they take the same parameters.
func declarations() fstest.MapFS {
	const icon = `<svg xmlns="http://www.w3.org/2000/svg"/>`
	files := fstest.MapFS{
		"_assets/icon.svg": {Data: []byte(icon)},
		"manifest.yaml": {Data: []byte(`version: 0.0.1
type: plugin
author: cloudplugins
name: lifecycle
label: {en_US: Lifecycle}
description: {en_US: A plugin for tests}
icon: icon.svg
created_at: 2026-01-02T03:04:05Z
resource: {memory: 1048576}
plugins: {tools: [provider.yaml]}
meta:
  version: 0.0.1
  arch: [amd64, arm64]
  runner: {language: python, version: "3.12", entrypoint: main}
`)},
	}
	provider := `identity:
  author: cloudplugins
  name: lifecycle
  label: {en_US: Lifecycle}
  description: {en_US: A plugin for tests}
  icon: icon.svg
credentials_for_provider:
  secret: {type: secret-input, label: {en_US: Secret}}
tools:
`
	for _, name := range []string{"echo", "nonce", "goroutines", "wait", "hang", "panic", "exit", "fill"} {
		provider += "  - tools/" + name + ".yaml\n"
		files["tools/"+name+".yaml"] = &fstest.MapFile{Data: []byte(`identity:
  author: cloudplugins
  name: ` + name + `
  label: {en_US: ` + name + `}
description:
  human: {en_US: A tool for tests}
  llm: A tool for tests
parameters:
  - {name: text, type: string, form: llm, label: {en_US: Text}, human_description: {en_US: Text}, llm_description: Text}
  - {name: count, type: number, form: llm, label: {en_US: Count}, human_description: {en_US: Count}, llm_description: Count}
`)}
	}
	files["provider.yaml"] = &fstest.MapFile{Data: []byte(provider)}
	return files
}
