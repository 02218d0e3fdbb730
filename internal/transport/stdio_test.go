package transport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// output collects lines. While it is shut, writes wait.
type output struct {
	mu    sync.Mutex
	lines []string
	shut  chan struct{} // nil while it is open
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	shut := o.shut
	o.mu.Unlock()
	if shut != nil {
		<-shut
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines = append(o.lines, strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// take returns the lines but heartbeats, session ids and envelopes cut off where there are some.
func (o *output) take() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for _, line := range o.lines {
		var e struct {
			Event     string
			SessionID string `json:"session_id"`
			Data      json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			line = "not JSON: " + line
		} else if e.Event == wire.EventHeartbeat {
			continue
		} else if e.Event == wire.EventSession {
			line = e.SessionID + " " + string(e.Data)
		} else {
			line = e.Event + " " + string(e.Data)
		}
		lines = append(lines, line)
	}
	o.lines = nil
	return lines
}

// serve serves everything that in holds.
func serve(t *testing.T, in io.Reader, handle Handler) []string {
	t.Helper()
	var out output
	stdio := Stdio{In: in, Out: &out, Err: io.Discard, MaxLine: 10_000}
	if err := stdio.Serve(t.Context(), handle); err != nil {
		t.Errorf("Serve: %v", err)
	}
	return out.take()
}

const requestS1 = `{"session_id":"S1","event":"request","data":{"n":1}}` + "\n"

const endS1 = `S1 {"type":"end","data":{}}`

func TestAHandlerThatReturnsHasEndedItsSession(t *testing.T) {
	for name, c := range map[string]struct {
		handle Handler
		want   []string
	}{
		"in silence": {func(context.Context, wire.Inbound, *Session) {}, []string{endS1}},
		"after a result": {
			func(_ context.Context, in wire.Inbound, out *Session) { _ = out.Stream(in.Data) },
			[]string{`S1 {"type":"stream","data":{"n":1}}`, endS1},
		},
		"after an end": {
			func(_ context.Context, _ wire.Inbound, out *Session) {
				out.Finish(nil)
				out.Finish(&wire.Error{Type: "late"})
				if err := out.Stream(1); !errors.Is(err, ErrEnded) {
					t.Errorf("a result after the end: %v", err)
				}
				for _, err := range out.Invoke(t.Context(), "storage", nil) {
					if !errors.Is(err, ErrEnded) {
						t.Errorf("a call after the end: %v", err)
					}
				}
			},
			[]string{endS1},
		},
		"after an error with too many args": {
			func(_ context.Context, _ wire.Inbound, out *Session) {
				args := map[string]any{"description": "d"}
				for i := range 20 {
					args[fmt.Sprintf("%02d", i)] = i
				}
				out.Finish(&wire.Error{Type: "T", Message: "m", Args: args})
			},
			[]string{`S1 {"type":"error","data":{"error_type":"T","message":"m","args":{"00":0,"01":1,"02":2,"03":3,"04":4,"05":5,"06":6,"07":7,"08":8,"description":"d"}}}`, endS1},
		},
		"after a result that has no JSON form": {
			func(_ context.Context, _ wire.Inbound, out *Session) {
				if err := out.Stream(func() {}); err == nil {
					t.Error("no error")
				}
			},
			[]string{endS1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, serve(t, strings.NewReader(requestS1), c.handle)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestALogLineNeedsNoOpenSession(t *testing.T) {
	got := serve(t, strings.NewReader(requestS1), func(_ context.Context, _ wire.Inbound, out *Session) {
		out.Finish(nil)
		out.Log("INFO", "late")
	})
	if len(got) != 2 || got[0] != endS1 || !strings.HasPrefix(got[1], `log {"level":"INFO","message":"late"`) {
		t.Errorf("got %v", got)
	}
}

func TestNothingFollowsTheEndHoweverManySend(t *testing.T) {
	got := serve(t, strings.NewReader(requestS1), func(_ context.Context, _ wire.Inbound, out *Session) {
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				if i%10 == 9 {
					out.Finish(nil)
				}
				if err := out.Stream(i); err != nil && !errors.Is(err, ErrEnded) {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	for i, line := range got {
		if (line == endS1) != (i == len(got)-1) {
			t.Errorf("line %d of %d: %s", i+1, len(got), line)
		}
	}
}

func TestTheContextOfARequestEndsWithIt(t *testing.T) {
	var kept context.Context
	serve(t, strings.NewReader(requestS1), func(ctx context.Context, _ wire.Inbound, _ *Session) { kept = ctx })
	if err := context.Cause(kept); !errors.Is(err, ErrEnded) {
		t.Errorf("cause = %v", err)
	}
}

func TestASessionIDMayComeAgainAfterItsEnd(t *testing.T) {
	in, host := io.Pipe()
	var out output
	ended := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		stdio := Stdio{In: in, Out: &out, Err: io.Discard, MaxLine: 1000}
		done <- stdio.Serve(t.Context(), func(ctx context.Context, _ wire.Inbound, _ *Session) {
			context.AfterFunc(ctx, func() { ended <- struct{}{} })
		})
	}()
	for range 3 {
		io.WriteString(host, requestS1)
		<-ended
	}
	host.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{endS1, endS1, endS1}, out.take()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A request carries all parameters of a tool in one line, and nothing bounds them.
func TestARequestOfManyMebibytesIsTaken(t *testing.T) {
	const size = 64 << 20
	line := io.MultiReader(strings.NewReader(`{"session_id":"S1","event":"request","data":"`), io.LimitReader(letters{}, size), strings.NewReader("\"}\n"))
	var got atomic.Int64
	serve(t, line, func(_ context.Context, in wire.Inbound, _ *Session) { got.Store(int64(len(in.Data))) })
	if got.Load() != size+2 {
		t.Errorf("%d bytes arrived, want %d", got.Load(), size+2)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestAnInputThatFailsEndsServeAfterTheWork(t *testing.T) {
	broken := errors.New("broken pipe")
	for name, c := range map[string]struct {
		end  error
		want string
	}{
		"broken": {broken, "read the host's requests: broken pipe"},
		"closed": {os.ErrClosed, "<nil>"},
		"ended":  {io.EOF, "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			var out output
			stdio := Stdio{In: io.MultiReader(strings.NewReader(requestS1), iotest.ErrReader(c.end)), Out: &out, Err: io.Discard, MaxLine: 1000}
			err := stdio.Serve(t.Context(), func(context.Context, wire.Inbound, *Session) {})
			if fmt.Sprint(err) != c.want {
				t.Errorf("Serve: %v, want %s", err, c.want)
			}
			if diff := cmp.Diff([]string{endS1}, out.take()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Faults that the host does not hear are not worth memory without bound.
func TestFaultsDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		in, host := io.Pipe()
		out := output{shut: make(chan struct{})}
		done := make(chan error, 1)
		go func() {
			stdio := Stdio{In: in, Out: &out, Err: io.Discard, MaxLine: 1000}
			done <- stdio.Serve(t.Context(), nil)
		}()
		for range 10 * maxFaults {
			io.WriteString(host, "garbage\n")
		}
		synctest.Wait() // the last line is read, too
		close(out.shut)
		synctest.Wait()
		if faults := out.take(); len(faults) != maxFaults {
			t.Errorf("%d faults, want %d", len(faults), maxFaults)
		}
		io.WriteString(host, "garbage\n")
		synctest.Wait()
		if faults := out.take(); len(faults) != 1 {
			t.Errorf("%d faults after the host has read, want 1", len(faults))
		}
		host.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestTheEndOfInputEndsServeAtOnceAlsoWhenOutputIsBlocked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := output{shut: make(chan struct{})}
		stdio := Stdio{In: strings.NewReader(""), Out: &out, Err: io.Discard, MaxLine: 1000}
		start := time.Now()
		if err := stdio.Serve(t.Context(), nil); err != nil || time.Since(start) > 0 {
			t.Errorf("Serve: %v after %s", err, time.Since(start))
		}
		close(out.shut)
	})
}

// replyTo is an answer of Dify.
func replyTo(session, id, event, data string) string {
	return fmt.Sprintf(`{"session_id":%q,"event":"backwards_response","data":{"backwards_request_id":%q,"event":%q,"message":"m","data":%s}}`+"\n", session, id, event, data)
}

// invocation plays Dify for a call back: it sends what answers returns for the call's id. It returns how many calls
// are still kept after the session's end.
func invocation(t *testing.T, handle func(ctx context.Context, out *Session), answers func(id string) string) (kept int) {
	t.Helper()
	in, host := io.Pipe()
	hostOut, out := io.Pipe()
	c := newConnection(out, 10_000, func(ctx context.Context, _ wire.Inbound, out *Session) { handle(ctx, out) })
	go func() {
		defer host.Close()
		io.WriteString(host, requestS1)
		dec := json.NewDecoder(hostOut)
		for {
			var e struct {
				Data struct {
					Type string
					Data wire.Invoke
				}
			}
			if err := dec.Decode(&e); err != nil || e.Data.Type == wire.SessionEnd {
				return
			}
			if e.Data.Type == wire.SessionInvoke {
				io.WriteString(host, answers(e.Data.Data.ID))
			}
		}
	}()
	if err := c.read(t.Context(), newLineReader(in)); err != nil {
		t.Error(err)
	}
	<-c.idle()
	return len(c.replies.calls)
}

func TestAnswersArriveInTheirOrderAndEndWithTheEnd(t *testing.T) {
	var got []string
	kept := invocation(t, func(ctx context.Context, out *Session) {
		for reply, err := range out.Invoke(ctx, "tool", map[string]string{"a": "b"}) {
			got = append(got, fmt.Sprint(reply.Event, " ", string(reply.Data), " ", err))
		}
	}, func(id string) string {
		return replyTo("S1", id, "response", "1") + replyTo("S2", id, "response", `"of another session"`) + replyTo("S1", "unknown", "response", "0") +
			replyTo("S1", id, "response", "2") + replyTo("S1", id, "error", "null") + replyTo("S1", id, "end", "null") + replyTo("S1", id, "response", `"late"`)
	})
	if diff := cmp.Diff([]string{"response 1 <nil>", "response 2 <nil>", "error null <nil>"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if kept != 0 {
		t.Errorf("%d calls are kept", kept)
	}
}

func TestACallerMayHaveEnough(t *testing.T) {
	kept := invocation(t, func(ctx context.Context, out *Session) {
		for range out.Invoke(ctx, "tool", nil) {
			break
		}
	}, func(id string) string { return replyTo("S1", id, "response", "1") + replyTo("S1", id, "response", "2") })
	if kept != 0 {
		t.Errorf("%d calls are kept", kept)
	}
}

func TestTheEndOfAContextEndsACallOnTheStream(t *testing.T) {
	cause := errors.New("enough")
	kept := invocation(t, func(ctx context.Context, out *Session) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		for reply, err := range out.Invoke(ctx, "tool", nil) {
			switch {
			case err == nil:
				cancel(cause)
			case !errors.Is(err, cause):
				t.Errorf("%v, %v", reply, err)
			}
		}
	}, func(id string) string { return replyTo("S1", id, "response", "1") })
	if kept != 0 {
		t.Errorf("%d calls are kept", kept)
	}
}

func TestACallThatCannotBeSentIsAnError(t *testing.T) {
	got := serve(t, strings.NewReader(requestS1), func(ctx context.Context, _ wire.Inbound, out *Session) {
		for _, request := range []any{func() {}, strings.Repeat("x", 20_000)} {
			for reply, err := range out.Invoke(ctx, "tool", request) {
				if err == nil {
					t.Errorf("got %v", reply)
				}
			}
		}
	})
	if diff := cmp.Diff([]string{endS1}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A tool that is slow to take answers never holds up the reader of the host's lines.
func TestAnswersThatNobodyTakesHoldUpNothing(t *testing.T) {
	in, host := io.Pipe()
	hostOut, out := io.Pipe()
	first := make(chan string, 1)
	taken := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		stdio := Stdio{In: in, Out: out, Err: io.Discard, MaxLine: 1000}
		done <- stdio.Serve(t.Context(), func(ctx context.Context, _ wire.Inbound, out *Session) {
			n := 0
			for range out.Invoke(ctx, "tool", nil) {
				if n++; n == 1 {
					<-taken
				}
			}
			if n != 1000 {
				t.Errorf("%d answers, want 1000", n)
			}
		})
		out.Close()
	}()
	go func() {
		dec := json.NewDecoder(hostOut)
		for {
			var e struct{ Data struct{ Data wire.Invoke } }
			if err := dec.Decode(&e); err != nil {
				return
			}
			if id := e.Data.Data.ID; id != "" {
				first <- id
			}
		}
	}()
	io.WriteString(host, requestS1)
	id := <-first
	for range 1000 {
		io.WriteString(host, replyTo("S1", id, "response", "1"))
	}
	close(taken)
	io.WriteString(host, replyTo("S1", id, "end", "null"))
	host.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
