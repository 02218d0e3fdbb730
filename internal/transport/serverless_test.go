package transport_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// functionRig is a function that serves, and a client for it.
type functionRig struct {
	url    string
	client *http.Client
	status *lockedBuffer
	stop   context.CancelFunc
	result chan error
	ended  sync.Once
	err    error
}

// startFunction serves on loopback.
func startFunction(t *testing.T, handle transport.Handler, change func(*transport.Serverless)) *functionRig {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveFunction(t, listener, (&net.Dialer{}).DialContext, handle, change)
}

// startPipedFunction serves on pipes, so that the test's clock is in charge.
func startPipedFunction(t *testing.T, handle transport.Handler, change func(*transport.Serverless)) *functionRig {
	t.Helper()
	pipes := newPipes()
	return serveFunction(t, pipes, pipes.dial, handle, change)
}

func serveFunction(t *testing.T, listener net.Listener, dial func(context.Context, string, string) (net.Conn, error),
	handle transport.Handler, change func(*transport.Serverless),
) *functionRig {
	t.Helper()
	rig := &functionRig{
		url:    "http://" + listener.Addr().String(),
		client: &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: 100}},
		status: &lockedBuffer{}, result: make(chan error, 1),
	}
	function := &transport.Serverless{Listener: listener, Err: rig.status}
	if change != nil {
		change(function)
	}
	ctx, cancel := context.WithCancel(t.Context())
	rig.stop = cancel
	go func() { rig.result <- function.Serve(ctx, handle) }()
	t.Cleanup(func() { _ = rig.finish() })
	return rig
}

// finish stops the function and returns what Serve returned.
func (r *functionRig) finish() error {
	r.ended.Do(func() {
		r.client.CloseIdleConnections()
		r.stop()
		r.err = <-r.result
	})
	return r.err
}

// pipes is a listener whose connections are pipes.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// post sends a request as the host does: chunked, with the action in the query.
func (r *functionRig) post(ctx context.Context, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/invoke?action=invoke_tool", io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	return r.client.Do(req)
}

// invoke returns the lines of an answer as short lines.
func (r *functionRig) invoke(t *testing.T, body string) []string {
	t.Helper()
	resp, err := r.post(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %s, want 200", resp.Status)
	}
	lines, err := summaries(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// summaries reads an answer as strictly as the host: every line is a JSON object.
func summaries(body io.Reader) ([]string, error) {
	var got []string
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return got, nil
		}
		if err != nil {
			return got, err
		}
		var e wire.Event
		if err := json.Unmarshal(line, &e); err != nil {
			return got, fmt.Errorf("line %q: %w", line, err)
		}
		got = append(got, summary(e))
	}
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines of the answer (-want +got):\n%s", diff)
	}
}

func TestAFunctionAnswersAChunkedRequest(t *testing.T) {
	rig := startFunction(t, greet, nil)
	wantLines(t, rig.invoke(t, request("S1", `{"n":1}`)), `S1 stream {"echo":{"n":1}}`, "S1 end")
	if err := rig.finish(); !errors.Is(err, context.Canceled) {
		t.Errorf("Serve returned %v, want the cause of its context", err)
	}
	if want := "difyplugin: serving on " + strings.TrimPrefix(rig.url, "http://") + "\n"; rig.status.String() != want {
		t.Errorf("people were told %q, want %q", rig.status, want)
	}
}

func TestAFunctionSendsEveryLineAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next := make(chan struct{})
		rig := startPipedFunction(t, func(_ context.Context, _ wire.Inbound, out *transport.Session) {
			for i := range 3 {
				<-next
				_ = out.Stream(i)
			}
			<-next
		}, nil)
		type answer struct {
			resp *http.Response
			err  error
		}
		answers := make(chan answer, 1)
		go func() {
			resp, err := rig.post(t.Context(), request("S1", `1`))
			answers <- answer{resp, err}
		}()
		next <- struct{}{}
		got := <-answers // the head comes with the first line
		if got.err != nil {
			t.Fatal(got.err)
		}
		defer got.resp.Body.Close()
		for name, want := range map[string]string{
			"Content-Type": "application/x-ndjson; charset=utf-8", "Cache-Control": "no-store", "X-Accel-Buffering": "no",
		} {
			if v := got.resp.Header.Get(name); v != want {
				t.Errorf("%s is %q, want %q", name, v, want)
			}
		}
		lines := bufio.NewReader(got.resp.Body)
		for i := range 3 {
			line, err := lines.ReadString('\n') // the function waits for next: it cannot have gone on
			if want := fmt.Sprintf(`{"event":"session","session_id":"S1","data":{"type":"stream","data":%d}}`+"\n", i); err != nil || line != want {
				t.Fatalf("line %d is %q, %v, want %q", i, line, err, want)
			}
			next <- struct{}{}
		}
		rest, err := io.ReadAll(lines)
		if want := `{"event":"session","session_id":"S1","data":{"type":"end","data":{}}}` + "\n"; err != nil || string(rest) != want {
			t.Errorf("the answer ends with %q, %v, want %q", rest, err, want)
		}
		_ = rig.finish()
	})
}

func TestAHostThatGoesAwayCancelsItsRequest(t *testing.T) {
	causes := make(chan error, 1)
	late := make(chan error, 1)
	rig := startFunction(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
		_ = out.Stream("begun")
		<-ctx.Done()
		causes <- context.Cause(ctx)
		late <- out.Stream("late")
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	resp, err := rig.post(ctx, request("S1", `1`))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	resp.Body.Close()
	if err := <-causes; !errors.Is(err, transport.ErrCallerGone) {
		t.Errorf("the request was cancelled with %v, want %v", err, transport.ErrCallerGone)
	}
	<-late
}

func TestARequestsContextEndsWithIt(t *testing.T) {
	ended := make(chan context.Context, 1)
	rig := startFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
		ended <- ctx
		greet(ctx, in, out)
	}, nil)
	rig.invoke(t, request("S1", `1`))
	ctx := <-ended
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, transport.ErrEnded) {
		t.Errorf("the context ended with %v, want %v", err, transport.ErrEnded)
	}
}

func TestAFunctionRefusesWhatIsNoRequest(t *testing.T) {
	rig := startFunction(t, greet, func(s *transport.Serverless) { s.MaxBody = 1000 })
	tests := []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"a body that is no JSON", "POST", "/invoke", `{"s3cr3t`, 500, "failed to parse the request: read the host's line: not "},
		{"an empty body", "POST", "/invoke", ``, 500, "failed to parse the request: "},
		{"a request without a session", "POST", "/invoke", `{"event":"request","data":"s3cr3t"}`, 500, "it has no session_id"},
		{"a session id of the wrong type", "POST", "/invoke", `{"session_id":77,"event":"request"}`, 500, "wrong type"},
		{"an event that nobody knows", "POST", "/invoke", `{"session_id":"S","event":"s3cr3t"}`, 500, "neither request nor"},
		{"an answer to a call", "POST", "/invoke", `{"session_id":"S","event":"backwards_response","data":"s3cr3t"}`, 500, "answers to calls arrive with the call"},
		{"a body that is too large", "POST", "/invoke", request("S", `"`+strings.Repeat("s3cr3t", 200)+`"`), 413, "larger than the 1000 bytes"},
		{"another method", "GET", "/invoke", "", 405, "Method Not Allowed"},
		{"another path", "POST", "/", "", 404, "404 page not found"},
		{"a path below", "POST", "/invoke/s3cr3t", "", 404, "404 page not found"},
		{"health with another method", "POST", "/health", "", 405, "Method Not Allowed"},
		{"health", "GET", "/health", "", 200, "OK"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), test.method, rig.url+test.path, strings.NewReader(test.body))
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rig.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil || resp.StatusCode != test.status || !strings.Contains(string(text), test.want) {
				t.Errorf("got %d %q, %v, want %d and %q", resp.StatusCode, text, err, test.status, test.want)
			}
			if strings.Contains(string(text), "s3cr3t") {
				t.Errorf("the answer quotes the request: %q", text)
			}
			if got := resp.Header.Get("Content-Type"); got != "text/plain; charset=utf-8" {
				t.Errorf("the answer is of type %q, want plain text", got)
			}
			if test.path == "/health" && test.status == 200 && string(text) != "OK" {
				t.Errorf("health is %q, want OK and nothing else", text)
			}
		})
	}
}

func TestRequestsLargerThanTheHostSendsAreRead(t *testing.T) {
	rig := startFunction(t, func(_ context.Context, in wire.Inbound, out *transport.Session) {
		_ = out.Stream(len(in.Data))
	}, nil)
	wantLines(t, rig.invoke(t, request("S1", `"`+strings.Repeat("x", 8<<20)+`"`)), fmt.Sprintf("S1 stream %d", 8<<20+2), "S1 end")
}

func TestAPanicFailsOneRequestOfAFunction(t *testing.T) {
	rig := startFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
		if string(in.Data) == `"panic"` {
			panic("a secret")
		}
		greet(ctx, in, out)
	}, nil)
	wantLines(t, rig.invoke(t, request("S1", `"panic"`)), "log",
		"S1 error the plugin broke down by a fault of its own, which the host's log describes; report it to the plugin's author", "S1 end")
	wantLines(t, rig.invoke(t, request("S1", `2`)), `S1 stream {"echo":2}`, "S1 end")
	if strings.Contains(rig.status.String(), "a secret") {
		t.Errorf("people were told the panic's value: %q", rig.status)
	}
}

func TestALineThatTheHostWouldNotReadNeverLeavesAFunction(t *testing.T) {
	errs := make(chan error, 2)
	frame := len(`{"event":"session","session_id":"S1","data":{"type":"stream","data":""}}`)
	rig := startFunction(t, func(_ context.Context, _ wire.Inbound, out *transport.Session) {
		errs <- out.Stream(strings.Repeat("x", 5_242_879-frame))
		errs <- out.Stream(strings.Repeat("x", 5_242_880-frame))
	}, nil)
	got := rig.invoke(t, request("S1", `1`))
	if len(got) != 2 || got[1] != "S1 end" {
		t.Errorf("%d lines were sent, want the one that fits, and the end", len(got))
	}
	if err := <-errs; err != nil {
		t.Errorf("the longest line: %v", err)
	}
	var long *transport.LineTooLongError
	if err := <-errs; !errors.As(err, &long) || long.Size != 5_242_880 || long.Limit != 5_242_879 {
		t.Errorf("one byte more: %v, want a line that is too long", err)
	}
}

func TestNothingFollowsTheEndOfAnAnswer(t *testing.T) {
	sessions := make(chan *transport.Session, 1)
	rig := startFunction(t, func(_ context.Context, _ wire.Inbound, out *transport.Session) {
		_ = out.Stream(1)
		out.Finish(nil)
		out.Finish(nil)
		_ = out.Stream(2)
		sessions <- out
	}, nil)
	wantLines(t, rig.invoke(t, request("S1", `1`)), "S1 stream 1", "S1 end")
	late := <-sessions
	late.Log("INFO", "late") // must not touch the answer, which the HTTP server has taken back
	if err := late.Stream(3); !errors.Is(err, transport.ErrEnded) {
		t.Errorf("Stream after the end returned %v, want %v", err, transport.ErrEnded)
	}
	for _, err := range late.Invoke(t.Context(), "storage", nil) {
		if !errors.Is(err, transport.ErrEnded) {
			t.Errorf("a call after the end returned %v, want %v", err, transport.ErrEnded)
		}
	}
	wantLines(t, rig.invoke(t, request("S2", `1`)), "S2 stream 1", "S2 end")
}

func TestAFunctionSendsNoHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startPipedFunction(t, func(_ context.Context, _ wire.Inbound, out *transport.Session) {
			<-time.After(4 * time.Minute)
			_ = out.Stream(1)
		}, nil)
		wantLines(t, rig.invoke(t, request("S1", `1`)), "S1 stream 1", "S1 end")
		_ = rig.finish()
	})
}

func TestASilentRequestFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		causes := make(chan error, 1)
		rig := startPipedFunction(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
			<-time.After(299 * time.Second)
			out.Log("INFO", "alive") // any line counts
			<-time.After(299 * time.Second)
			_ = out.Stream(1)
			<-ctx.Done()
			causes <- context.Cause(ctx)
		}, nil)
		begin := time.Now()
		wantLines(t, rig.invoke(t, request("S1", `1`)), "log", "S1 stream 1",
			"S1 error the plugin sent nothing for 5m0s and was stopped; "+
				"raise MAX_REQUEST_TIMEOUT, in seconds, where the plugin runs if the work takes longer", "S1 end")
		if took := time.Since(begin); took != (299+299+300)*time.Second {
			t.Errorf("the request failed after %s, want 300 s after its last line", took)
		}
		if err := <-causes; !errors.Is(err, transport.ErrSilent) {
			t.Errorf("the request was cancelled with %v, want %v", err, transport.ErrSilent)
		}
		_ = rig.finish()
	})
}

func TestASilentRequestThatDoesNotListenIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		rig := startPipedFunction(t, func(context.Context, wire.Inbound, *transport.Session) { <-release },
			func(s *transport.Serverless) { s.Silence = 10 * time.Second })
		begin := time.Now()
		if got := rig.invoke(t, request("S1", `1`)); len(got) != 2 || got[1] != "S1 end" {
			t.Errorf("the answer is %q, want an error and the end", got)
		}
		if took := time.Since(begin); took != 15*time.Second {
			t.Errorf("the answer was complete after %s, want 10 s of silence and 5 s for the request to notice", took)
		}
		close(release)
		_ = rig.finish()
	})
}

func TestAHostThatDoesNotReadLosesItsAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := make(chan error, 1)
		rig := startPipedFunction(t, func(_ context.Context, _ wire.Inbound, out *transport.Session) {
			big := strings.Repeat("x", 1<<20)
			for {
				if err := out.Stream(big); err != nil {
					failed <- err
					return
				}
			}
		}, nil)
		begin := time.Now()
		resp, err := rig.post(t.Context(), request("S1", `1`))
		if err != nil {
			t.Fatal(err)
		}
		if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != 300*time.Second {
			t.Errorf("a line nobody reads failed after %s with %v, want a timeout after 300 s", time.Since(begin), err)
		}
		resp.Body.Close()
		_ = rig.finish()
	})
}

func TestARequestThatDoesNotComeIsGivenUp(t *testing.T) {
	for _, test := range []struct {
		name, sent, want string
		after            time.Duration
	}{
		{"within its head", "POST /invoke HTTP/1.1\r\nHost: f\r\n", "", 10 * time.Second},
		{
			"within its body", "POST /invoke HTTP/1.1\r\nHost: f\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a",
			"HTTP/1.1 400 Bad Request", 60 * time.Second,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pipes := newPipes()
				rig := serveFunction(t, pipes, pipes.dial, greet, nil)
				conn, err := pipes.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				if _, err := io.WriteString(conn, test.sent); err != nil {
					t.Fatal(err)
				}
				got, err := io.ReadAll(conn)
				if err != nil || !strings.HasPrefix(string(got), test.want) || test.want == "" && len(got) > 0 {
					t.Errorf("the function answered %q, %v, want %q", got, err, test.want)
				}
				if took := time.Since(begin); took < test.after || took > test.after+time.Second {
					t.Errorf("the connection was closed after %s, want %s", took, test.after)
				}
				conn.Close()
				_ = rig.finish()
			})
		})
	}
}

func TestALongRequestOutlivesTheTimeForItsBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig := startPipedFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
			for range 5 {
				select {
				case <-time.After(2 * time.Minute):
					_ = out.Stream("alive")
				case <-ctx.Done():
					_ = out.Stream(context.Cause(ctx).Error())
					return
				}
			}
		}, nil)
		alive := `S1 stream "alive"`
		wantLines(t, rig.invoke(t, request("S1", `1`)), alive, alive, alive, alive, alive, "S1 end")
		_ = rig.finish()
	})
}

func TestStoppingAFunction(t *testing.T) {
	t.Run("lets requests under way end by themselves", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun := make(chan struct{})
			rig := startPipedFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
				close(begun)
				select {
				case <-time.After(19 * time.Second):
					greet(ctx, in, out)
				case <-ctx.Done():
				}
			}, nil)
			go func() {
				<-begun
				rig.stop()
			}()
			wantLines(t, rig.invoke(t, request("S1", `1`)), `S1 stream {"echo":1}`, "S1 end")
			if resp, err := rig.post(t.Context(), request("S2", `2`)); err == nil {
				resp.Body.Close()
				t.Error("a function that was stopped takes a request")
			}
			if err := rig.finish(); !errors.Is(err, context.Canceled) {
				t.Errorf("Serve returned %v, want the cause of its context", err)
			}
		})
	})
	t.Run("cancels what takes longer than 20 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun := make(chan struct{})
			rig := startPipedFunction(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
				close(begun)
				<-ctx.Done()
				_ = out.Stream(context.Cause(ctx).Error())
			}, nil)
			var began time.Time
			go func() {
				<-begun
				began = time.Now()
				rig.stop()
			}()
			wantLines(t, rig.invoke(t, request("S1", `1`)), `S1 stream "the plugin is being stopped"`, "S1 end")
			if took := time.Since(began); took != 20*time.Second {
				t.Errorf("the request was cancelled after %s, want 20 s", took)
			}
			_ = rig.finish()
		})
	})
	t.Run("cuts off what does not listen", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			begun, release := make(chan struct{}), make(chan struct{})
			rig := startPipedFunction(t, func(context.Context, wire.Inbound, *transport.Session) {
				close(begun)
				<-release
			}, nil)
			var began time.Time
			go func() {
				<-begun
				began = time.Now()
				rig.stop()
			}()
			wantLines(t, rig.invoke(t, request("S1", `1`)), "S1 error the request was cut off: the plugin is being stopped; try again", "S1 end")
			_ = rig.finish()
			if took := time.Since(began); took < 25*time.Second || took > 26*time.Second {
				t.Errorf("Serve returned after %s, want 25 s", took)
			}
			close(release)
		})
	})
}

func TestAnAddressThatIsTakenIsNamed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	function := &transport.Serverless{Address: listener.Addr().String()}
	err = function.Serve(t.Context(), greet)
	if err == nil || !strings.Contains(err.Error(), "listen on "+listener.Addr().String()) || !strings.Contains(err.Error(), "SERVERLESS_PORT") {
		t.Errorf("Serve returned %v, want the address and the setting", err)
	}
}

func TestAListenerThatBreaksEndsServe(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	if err := (&transport.Serverless{Listener: listener}).Serve(t.Context(), greet); err == nil || !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve returned %v, want %v", err, net.ErrClosed)
	}
}

func TestAThousandRequestsAtOnceAreAnswered(t *testing.T) {
	const requests = 1000
	var together sync.WaitGroup
	together.Add(requests)
	rig := startFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
		together.Done()
		together.Wait() // nobody is answered before all have arrived
		greet(ctx, in, out)
	}, nil)
	errs := make(chan error, requests)
	for i := range requests {
		go func() {
			errs <- func() error {
				resp, err := rig.post(t.Context(), request(fmt.Sprintf("S%d", i), fmt.Sprint(i)))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				got, err := summaries(resp.Body)
				if want := []string{fmt.Sprintf(`S%d stream {"echo":%d}`, i, i), fmt.Sprintf("S%d end", i)}; err != nil || !cmp.Equal(want, got) {
					return fmt.Errorf("got %q, %w, want %q", got, err, want)
				}
				return nil
			}()
		}()
	}
	for range requests {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestTwoAttemptsOfOneSessionDoNotMeet(t *testing.T) {
	started := make(chan struct{}, 2)
	release := make(chan struct{})
	rig := startFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
		started <- struct{}{}
		<-release
		greet(ctx, in, out)
	}, nil)
	answers := make(chan []string, 2)
	for i := range 2 {
		go func() { answers <- rig.invoke(t, request("S1", fmt.Sprint(i))) }()
		<-started // the second attempt begins while the first is under way
	}
	close(release)
	got := map[string]int{}
	for range 2 {
		answer := <-answers
		if len(answer) != 2 || answer[1] != "S1 end" {
			t.Fatalf("an attempt was answered with %q, want a result and the end", answer)
		}
		got[answer[0]]++
	}
	if diff := cmp.Diff(map[string]int{`S1 stream {"echo":0}`: 1, `S1 stream {"echo":1}`: 1}, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestAFunctionWritesNothingToDisk(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"TMPDIR", "HOME", "XDG_CACHE_HOME"} {
		t.Setenv(name, dir)
	}
	if err := os.Chmod(dir, 0o500); err != nil { // what is written in spite of it, as root, is found below
		t.Fatal(err)
	}
	rig := startFunction(t, func(_ context.Context, in wire.Inbound, out *transport.Session) {
		_ = out.Stream(len(in.Data))
		_ = out.Stream(make([]byte, 1<<20))
	}, nil)
	if got := rig.invoke(t, request("S1", `"`+strings.Repeat("x", 2<<20)+`"`)); len(got) != 3 || got[2] != "S1 end" {
		t.Errorf("%d lines were sent, want 3", len(got))
	}
	_ = rig.finish()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v, want nothing", entries, err)
	}
}

func TestSettingsOfAFunctionAreReadFromTheEnvironment(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want transport.Serverless
	}{
		{"nothing set", nil, transport.Serverless{
			Address: "0.0.0.0:8080", DaemonURL: "http://localhost:5002", MaxLine: 5_242_879, Silence: 300 * time.Second,
		}},
		{"all set", map[string]string{
			"SERVERLESS_HOST": "127.0.0.1", "SERVERLESS_PORT": " 9000 ", "DIFY_PLUGIN_DAEMON_URL": "https://daemon:5002/base/", "MAX_REQUEST_TIMEOUT": "1.5",
		}, transport.Serverless{
			Address: "127.0.0.1:9000", DaemonURL: "https://daemon:5002/base/", MaxLine: 5_242_879, Silence: 1500 * time.Millisecond,
		}},
		{"an IPv6 host", map[string]string{"SERVERLESS_HOST": "::"}, transport.Serverless{
			Address: "[::]:8080", DaemonURL: "http://localhost:5002", MaxLine: 5_242_879, Silence: 300 * time.Second,
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := transport.ServerlessFromEnv(func(name string) string { return test.env[name] })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongSettingsOfAFunctionAreNamedTogetherAndNotQuoted(t *testing.T) {
	for _, test := range []struct {
		name, value string
		want        string
	}{
		{"SERVERLESS_HOST", "http://s3cr3t", "SERVERLESS_HOST is not a host"},
		{"SERVERLESS_PORT", "s3cr3t", "SERVERLESS_PORT is not a port"},
		{"SERVERLESS_PORT", "65536", "SERVERLESS_PORT is not a port"},
		{"DIFY_PLUGIN_DAEMON_URL", "s3cr3t:5002", "DIFY_PLUGIN_DAEMON_URL is not an http or https URL"},
		{"DIFY_PLUGIN_DAEMON_URL", "http://u:s3cr3t@h", "DIFY_PLUGIN_DAEMON_URL is not an http or https URL"},
		{"DIFY_PLUGIN_DAEMON_URL", "http://", "DIFY_PLUGIN_DAEMON_URL is not an http or https URL"},
		{"DIFY_PLUGIN_DAEMON_URL", "http://h?s3cr3t", "DIFY_PLUGIN_DAEMON_URL is not an http or https URL"},
		{"MAX_REQUEST_TIMEOUT", "s3cr3t", "MAX_REQUEST_TIMEOUT is not a number of seconds"},
		{"MAX_REQUEST_TIMEOUT", "0", "MAX_REQUEST_TIMEOUT is not a number of seconds"},
		{"MAX_REQUEST_TIMEOUT", "-1", "MAX_REQUEST_TIMEOUT is not a number of seconds"},
		{"MAX_REQUEST_TIMEOUT", "NaN", "MAX_REQUEST_TIMEOUT is not a number of seconds"},
		{"MAX_REQUEST_TIMEOUT", "86401", "MAX_REQUEST_TIMEOUT is not a number of seconds"},
	} {
		t.Run(test.name+"="+test.value, func(t *testing.T) {
			_, err := transport.ServerlessFromEnv(func(name string) string {
				if name == test.name {
					return test.value
				}
				return ""
			})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("got %v, want an error that starts with %q and quotes nothing", err, test.want)
			}
		})
	}
	_, err := transport.ServerlessFromEnv(func(string) string { return "?" })
	for _, name := range []string{"SERVERLESS_HOST", "SERVERLESS_PORT", "DIFY_PLUGIN_DAEMON_URL", "MAX_REQUEST_TIMEOUT"} {
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(name)) {
			t.Errorf("got %v, want an error that names %s too", err, name)
		}
	}
}
