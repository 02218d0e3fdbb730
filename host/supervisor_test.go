package host_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
)

func TestSupervisorStartsAnotherProcess(t *testing.T) {
	restarted := make(chan error, 1)
	s, err := host.Supervise(t.Context(), child(t, "pid"), host.Options{
		OnRestart: func(reason error) { restarted <- reason },
	})
	must(t, err)
	ask := func() string {
		t.Helper()
		result, err := s.Tool(t.Context(), who(), "t", nil)
		must(t, err)
		return result.Text
	}
	first := ask()
	if ask() != first {
		t.Error("the process changed for no reason")
	}
	kill(t, first)
	reason := <-restarted
	var exit *host.ExitError
	if !errors.As(reason, &exit) || exit.State != "signal: killed" {
		t.Errorf("the reason of the restart is %v", reason)
	}
	if ask() == first {
		t.Error("the dead process answered")
	}
	must(t, s.Close())
	must(t, s.Close())
	if _, err := s.Tool(t.Context(), who(), "t", nil); !errors.Is(err, host.ErrClosed) {
		t.Errorf("a call after Close: %v", err)
	}
}

func kill(t *testing.T, pid string) {
	t.Helper()
	var id int
	for _, digit := range pid {
		id = 10*id + int(digit-'0')
	}
	process, err := os.FindProcess(id)
	must(t, err)
	must(t, process.Kill())
}

func TestSupervisorNeverMakesACallTwice(t *testing.T) {
	s, err := host.Supervise(t.Context(), child(t, "crashes"), host.Options{})
	must(t, err)
	defer s.Close()
	var exit *host.ExitError
	for range 2 {
		messages, err := drain(s.Call(t.Context(), toolRequest()))
		if !errors.As(err, &exit) || exit.Code != 2 || len(messages) != 1 {
			t.Errorf("%d messages and %v", len(messages), err)
		}
	}
}

func TestSupervisorNeedsAFirstProcess(t *testing.T) {
	var exit *host.ExitError
	if _, err := host.Supervise(t.Context(), child(t, "dies before ready"), host.Options{}); !errors.As(err, &exit) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := host.Supervise(ctx, child(t, "never ready"), host.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
