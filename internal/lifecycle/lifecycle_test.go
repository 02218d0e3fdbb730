package lifecycle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
)

// child is how to start this binary as a plugin.
func child(t *testing.T, environ ...string) host.Command {
	t.Helper()
	program, err := filepath.Abs(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return host.Command{Path: program, Dir: t.TempDir(), Env: append([]string{
		childVariable + "=plugin", "INSTALL_METHOD=local", "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
	}, environ...)}
}

func start(t *testing.T, opts host.Options, environ ...string) *host.Process {
	t.Helper()
	p, err := host.Start(t.Context(), child(t, environ...), opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func closed(t *testing.T, p *host.Process) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Errorf("close the plugin: %v", err)
	}
}

func caller(secret string) host.Caller {
	return host.Caller{UserID: "u", Provider: "lifecycle", Credentials: map[string]any{"secret": secret}}
}

func TestTheDeclarationsOfThePluginUnderTestAreRight(t *testing.T) {
	p, err := plugin.New(declarations(), parts()...)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}

func TestACrashFailsItsCallsAndTheNextCallFindsANewProcess(t *testing.T) {
	s, err := host.Supervise(t.Context(), child(t), host.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	result, err := s.Tool(t.Context(), caller(""), "exit", map[string]any{"count": 3})
	var exit *host.ExitError
	if !errors.As(err, &exit) || !strings.Contains(err.Error(), "out of cheese") || !strings.Contains(err.Error(), "3") {
		t.Errorf("the crash was reported as %v", err)
	}
	if result.Text != "about to exit" {
		t.Errorf("what came before the crash: %q", result.Text)
	}
	result, err = s.Tool(t.Context(), caller(""), "echo", map[string]any{"text": "again"})
	if err != nil || !strings.HasPrefix(result.Text, "5 bytes") {
		t.Errorf("after the crash: %q, %v", result.Text, err)
	}
}

func TestAPanicFailsItsOwnCallOnly(t *testing.T) {
	var mu sync.Mutex
	var logged string
	p := start(t, host.Options{Strict: true, OnLog: func(l host.Log) {
		mu.Lock()
		defer mu.Unlock()
		logged += l.Level + " " + l.Message
	}})
	defer closed(t, p)
	_, err := p.Tool(t.Context(), caller(""), "panic", nil)
	var failure *host.PluginError
	if !errors.As(err, &failure) || failure.Type != string(plugin.Unavailable) || !strings.Contains(failure.Message, "panic broke down") {
		t.Errorf("the panic was reported as %v", err)
	}
	if _, err := p.Tool(t.Context(), caller(""), "echo", map[string]any{"text": "still here"}); err != nil {
		t.Errorf("after the panic: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(logged, "ERROR") || !strings.Contains(logged, "index out of range") || !strings.Contains(logged, "child_test.go") {
		t.Errorf("the log does not describe the panic: %q", logged)
	}
}

func TestAHangIsAnsweredForBeforeTheHostGivesUp(t *testing.T) {
	p := start(t, host.Options{Strict: true}, "PLUGIN_MAX_EXECUTION_TIMEOUT=2")
	_, err := p.Tool(t.Context(), caller(""), "hang", nil)
	var failure *host.PluginError
	if !errors.As(err, &failure) || failure.Type != string(plugin.Unavailable) || !strings.Contains(failure.Message, "PLUGIN_MAX_EXECUTION_TIMEOUT") {
		t.Errorf("the hang was reported as %v", err)
	}
	if _, err := p.Tool(t.Context(), caller(""), "echo", nil); err != nil {
		t.Errorf("after the hang: %v", err)
	}
	closed(t, p)
}

func TestAToolThatWaitsForItsContextIsToldTheReason(t *testing.T) {
	p := start(t, host.Options{Strict: true}, "PLUGIN_MAX_EXECUTION_TIMEOUT=2")
	defer closed(t, p)
	_, err := p.Tool(t.Context(), caller(""), "wait", map[string]any{"count": 60_000})
	if err == nil || !strings.Contains(err.Error(), "wait did not finish within 1.5s") {
		t.Errorf("the error is %v", err)
	}
}

func TestGarbageAndVeryLongLinesDoNoHarm(t *testing.T) {
	p := startRaw(t)
	p.expect(`"heartbeat"`)
	p.send("this is not JSON, and SECRET-CANARY must not come back")
	if line := p.expect(`"event":"error"`); strings.Contains(line, "CANARY") {
		t.Errorf("the plugin repeats what it was sent: %s", line)
	}
	p.send(`{"session_id":"half","event":"request","data":{"type":"tool",`)
	p.expect(`"event":"error"`)
	p.send(string(bytes.Repeat([]byte{0xff, 0x00, 'x', '{'}, 1<<20)))
	p.expect(`"event":"error"`)

	text := strings.Repeat("long ", 64<<20/5)
	p.send(request("S1", "echo", `{"text":"`+text+`"}`))
	p.expect(fmt.Sprintf("%d bytes, %s", len(text), digest(text)))
	p.expect(`"session_id":"S1","data":{"type":"end"`)
	p.stop()
}

func TestWorkUnderWayIsFinishedAfterTheEndOfInput(t *testing.T) {
	p := startRaw(t)
	p.expect(`"heartbeat"`)
	p.send(request("S1", "wait", `{"count":300}`))
	p.expect("begun")
	p.closeInput()
	p.expect("done")
	p.expect(`"session_id":"S1","data":{"type":"end"`)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestSIGTERMAnswersTheCallsUnderWayAndExits(t *testing.T) {
	p := startRaw(t)
	p.expect(`"heartbeat"`)
	p.send(request("S1", "wait", `{"count":600000}`))
	p.expect("begun")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.expect(`"type":"error"`)
	p.expect(`"session_id":"S1","data":{"type":"end"`)
	if code := p.wait(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAPluginDoesNotOutliveItsParent(t *testing.T) {
	p := startRawUnder(t, "parent")
	p.expect(`"heartbeat"`)
	p.send(request("S1", "hang", `{}`))
	p.send(request("S2", "wait", `{"count":600000}`))
	p.expect("begun")
	// The plugin's input stays open, because this test holds it, not the parent: only the parent's end ends it.
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = p.cmd.Process.Wait()
	p.expectEnd()
}

func TestAThousandCallsOfFiftyTenantsGetTheirOwnAnswers(t *testing.T) {
	const calls, tenants = 1000, 50
	p := start(t, host.Options{Strict: true})
	defer closed(t, p)
	before := count(t, p)

	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			secret := fmt.Sprintf("secret-of-tenant-%02d", i%tenants)
			text := fmt.Sprintf("call %d", i)
			result, err := p.Tool(t.Context(), caller(secret), "nonce", map[string]any{"text": text, "count": calls})
			if err != nil || result.Text != proof(secret, text) {
				t.Errorf("call %d got another answer than its own: %q, %v", i, result.Text, err)
			}
		})
	}
	wg.Wait()
	if after := count(t, p); after != before {
		t.Errorf("%s goroutines before, %s after", before, after)
	}
}

func count(t *testing.T, p *host.Process) string {
	t.Helper()
	result, err := p.Tool(context.Background(), caller(""), "goroutines", nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.Text
}
