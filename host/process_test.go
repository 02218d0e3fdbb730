package host_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
)

// child is this test binary as a plugin with a fault, see runChild.
func child(t *testing.T, mode string) host.Command {
	t.Helper()
	path, err := os.Executable()
	must(t, err)
	return host.Command{Path: path, Env: []string{
		childMode + "=" + mode,
		"GORACE=atexit_sleep_ms=0", // the race detector lets a process linger for a second
	}}
}

func start(t *testing.T, mode string, opts host.Options) *host.Process {
	t.Helper()
	p, err := host.Start(t.Context(), child(t, mode), opts)
	must(t, err)
	t.Cleanup(func() { _ = p.Close() }) // a test that cares closes it itself
	return p
}

func TestProcessAnswers(t *testing.T) {
	p := start(t, "works", host.Options{Strict: true})
	result, err := p.Tool(t.Context(), who(), "t", nil)
	must(t, err)
	if result.Text != "ok" {
		t.Errorf("got %q", result.Text)
	}
	must(t, p.Close())
	must(t, p.Close())
}

func TestProcessKnowsItsID(t *testing.T) {
	p := start(t, "pid", host.Options{Strict: true})
	result, err := p.Tool(t.Context(), who(), "t", nil)
	must(t, err)
	if result.Text != strconv.Itoa(p.PID()) {
		t.Errorf("got %d, the plugin says %s", p.PID(), result.Text)
	}
}

func TestProcessGetsItsEnvironmentOnly(t *testing.T) {
	t.Setenv("HOST_TEST_SECRET", "s")
	p := start(t, "environment", host.Options{Strict: true})
	result, err := p.Tool(t.Context(), who(), "t", nil)
	must(t, err)
	if diff := cmp.Diff(strings.Join(child(t, "environment").Env, " "), result.Text); diff != "" {
		t.Error(diff)
	}
}

func TestProcessOfThePythonSDK(t *testing.T) {
	p := start(t, "python", host.Options{})
	result, err := p.Tool(t.Context(), who(), "t", nil)
	must(t, err)
	if result.Text != "hi" {
		t.Errorf("got %q", result.Text)
	}
	must(t, p.Close())
	if diff := cmp.Diff([]host.Kind{host.KindEvent}, kinds(p.Conn)); diff != "" {
		t.Error("the manifest that it prints first:", diff)
	}
}

func TestProcessThatDoesNotBecomeReady(t *testing.T) {
	t.Run("it dies, and says why", func(t *testing.T) {
		_, err := host.Start(t.Context(), child(t, "dies before ready"), host.Options{})
		var exit *host.ExitError
		if !errors.As(err, &exit) {
			t.Fatalf("got %v", err)
		}
		if exit.Code != 3 || !strings.HasSuffix(exit.Stderr, "manifest.yaml is missing") || len(exit.Stderr) > 1024 || len(exit.Stderr) < 1000 {
			t.Errorf("code %d, %d bytes of standard error: %q", exit.Code, len(exit.Stderr), exit.Stderr)
		}
		if !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "manifest.yaml is missing") {
			t.Errorf("the message hides the cause: %v", err)
		}
	})
	t.Run("it is silent for too long", func(t *testing.T) {
		_, err := host.Start(t.Context(), child(t, "never ready"), host.Options{ReadyTimeout: time.Millisecond})
		if !errors.Is(err, host.ErrNotReady) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("its starter gives up", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := host.Start(ctx, child(t, "never ready"), host.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("there is no such program", func(t *testing.T) {
		if _, err := host.Start(t.Context(), host.Command{Path: "/no/such/plugin"}, host.Options{}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

func TestProcessThatEndsDuringACall(t *testing.T) {
	tests := map[string]struct {
		mode string
		opts host.Options
		want string // in the error
		kind host.Kind
	}{
		"it crashes":                {"crashes", host.Options{}, "exit status 2; the end of its standard error: panic: boom", ""},
		"it closes its output":      {"closes stdout", host.Options{CloseGrace: time.Millisecond}, "signal: killed: the plugin was killed because it closed its standard output", ""},
		"it writes a line of 6 MiB": {"long line", host.Options{}, "signal: killed", host.KindLineTooLong},
		"it hangs":                  {"hangs", host.Options{ExecutionTimeout: time.Millisecond}, "killed by timeout", ""},
		"it hangs and is silent":    {"hangs", host.Options{Silence: 10 * time.Millisecond}, host.ErrSilent.Error(), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := start(t, tt.mode, tt.opts)
			_, err := drain(p.Call(t.Context(), toolRequest()))
			if err == nil || !strings.Contains(err.Error(), tt.want) || kindOf(err) != tt.kind {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestProcessThatEndsBadly(t *testing.T) {
	tests := map[string]struct {
		mode string
		kind host.Kind
	}{
		"it goes on after the end of its input":    {"ignores EOF", host.KindIgnoredClose},
		"it fails after the end of its input":      {"fails at EOF", host.KindExitStatus},
		"a line of its standard error is too long": {"long stderr line", host.KindStderrLine},
	}
	for name, tt := range tests {
		for _, strict := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				opts := host.Options{Strict: strict}
				if tt.kind == host.KindIgnoredClose {
					opts.CloseGrace = 10 * time.Millisecond
				}
				p := start(t, tt.mode, opts)
				_, err := drain(p.Call(t.Context(), toolRequest()))
				must(t, err)
				err = p.Close()
				if (kindOf(err) == tt.kind) != strict || !strict && err != nil {
					t.Errorf("strict %t: Close returned %v", strict, err)
				}
				if diff := cmp.Diff([]host.Kind{tt.kind}, kinds(p.Conn)); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func TestProcessThatFloodsItsStandardError(t *testing.T) {
	var stderr bytes.Buffer
	command := child(t, "floods stderr")
	command.Stderr = &stderr
	p, err := host.Start(t.Context(), command, host.Options{Strict: true})
	must(t, err)
	_, err = drain(p.Call(t.Context(), toolRequest()))
	must(t, err)
	must(t, p.Close())
	if got, want := stderr.Len(), 2000*501; got != want {
		t.Errorf("%d bytes of %d arrived", got, want)
	}
}

func TestProcessThatIsGoneFailsNewCalls(t *testing.T) {
	p := start(t, "crashes", host.Options{})
	if _, err := drain(p.Call(t.Context(), toolRequest())); err == nil {
		t.Fatal("the call succeeded")
	}
	<-p.Done()
	var exit *host.ExitError
	if _, err := drain(p.Call(t.Context(), toolRequest())); !errors.As(err, &exit) || exit.Code != 2 {
		t.Errorf("a new call: %v", err)
	}
	if err := p.Close(); !errors.As(err, &exit) {
		t.Errorf("Close: %v", err)
	}
}
