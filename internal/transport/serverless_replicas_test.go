package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

func TestAHostThatAsksAgainGetsOneWholeAnswer(t *testing.T) {
	var runs atomic.Int32
	cancelled := make(chan error, 1)
	rig := startFunction(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
		run := runs.Add(1)
		_ = out.Stream(fmt.Sprintf("run %d", run))
		if run == 1 {
			<-ctx.Done()
			cancelled <- context.Cause(ctx)
		}
	}, nil)
	var attempts atomic.Int32
	between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		attempt := attempts.Add(1)
		if attempt == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		resp, err := rig.forward(r)
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		if attempt == 2 {
			_, _ = io.ReadFull(resp.Body, make([]byte, 20))
			panic(http.ErrAbortHandler) // the host's connection breaks in the middle of the answer
		}
		_, _ = io.Copy(w, resp.Body)
	}))
	defer between.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	got, err := askWithRetries(t.Context(), client, between.URL, request("S1", `1`))
	if err != nil {
		t.Fatal(err)
	}
	wantLines(t, got, `S1 stream "run 2"`, "S1 end")
	if err := <-cancelled; !errors.Is(err, transport.ErrCallerGone) {
		t.Errorf("the first run was cancelled with %v, want %v", err, transport.ErrCallerGone)
	}
}

// forward passes a request of the host on to the function.
func (r *functionRig) forward(in *http.Request) (*http.Response, error) {
	out, err := http.NewRequestWithContext(in.Context(), in.Method, r.url+in.URL.RequestURI(), in.Body)
	if err != nil {
		return nil, err
	}
	return r.client.Do(out)
}

// askWithRetries asks as the host does: again after a broken connection and after status 502, three times at most.
func askWithRetries(ctx context.Context, client *http.Client, url, body string) (lines []string, err error) {
	for range 4 {
		var again bool
		if lines, again, err = askOnce(ctx, client, url, body); !again {
			return lines, err
		}
	}
	return nil, err
}

func askOnce(ctx context.Context, client *http.Client, url, body string) (lines []string, again bool, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/invoke", io.NopCloser(strings.NewReader(body)))
	if err != nil {
		return nil, false, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, true, err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusBadGateway {
		return nil, true, errors.New(resp.Status)
	}
	lines, err = summaries(resp.Body)
	return lines, err != nil, err
}

// replica is one copy of a function that can be killed.
type replica struct {
	*functionRig
	listener *abruptListener
	taken    atomic.Int64 // requests that reached the plugin
}

// abruptListener can drop all its connections without a farewell, as the death of a process does.
type abruptListener struct {
	net.Listener
	mu    sync.Mutex
	dead  bool
	conns []net.Conn
}

func (l *abruptListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		reset(conn)
	}
	l.conns = append(l.conns, conn)
	return conn, nil
}

func (l *abruptListener) kill() {
	l.Close()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
	for _, conn := range l.conns {
		reset(conn)
	}
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0) // close with a reset
	conn.Close()
}

func startReplica(t *testing.T, daemonURL string, begun func(n int64)) *replica {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &replica{listener: &abruptListener{Listener: listener}}
	work := func(ctx context.Context, in wire.Inbound, out *transport.Session) {
		begun(r.taken.Add(1))
		mixedWork(ctx, in, out)
	}
	r.functionRig = serveFunction(t, r.listener, (&net.Dialer{}).DialContext, work,
		func(s *transport.Serverless) { s.DaemonURL = daemonURL })
	return r
}

// mixedWork does one of five kinds of work, by the number that is the request's data.
func mixedWork(ctx context.Context, in wire.Inbound, out *transport.Session) {
	var n int
	_, _ = fmt.Sscan(string(in.Data), &n)
	switch n % 5 {
	case 0:
		_ = out.Stream(n)
	case 1:
		for i := range 20 {
			_ = out.Stream(n + i)
		}
	case 2:
		out.Finish(&wire.Error{Type: "InvokeError", Message: fmt.Sprint("no ", n)})
	case 3:
		for reply, err := range out.Invoke(ctx, "storage", n) {
			_ = out.Stream(fmt.Sprint(string(reply.Data), err))
		}
	case 4:
		panic(n)
	}
}

func mixedAnswer(n int) []string {
	id := fmt.Sprintf("S%d ", n)
	var lines []string
	switch n % 5 {
	case 0:
		lines = []string{fmt.Sprint(id, "stream ", n)}
	case 1:
		for i := range 20 {
			lines = append(lines, fmt.Sprint(id, "stream ", n+i))
		}
	case 2:
		lines = []string{fmt.Sprint(id, "error no ", n)}
	case 3:
		lines = []string{fmt.Sprintf(`%sstream "%d<nil>"`, id, n)}
	case 4:
		lines = []string{"log", id + "error the plugin broke down by a fault of its own, which the host's log describes; report it to the plugin's author"}
	}
	return append(lines, id+"end")
}

// roundRobin passes requests to replicas in turn. It goes on to the next only when a connection is refused: what a
// replica may have begun is not given to another.
type roundRobin struct {
	replicas []*replica
	fresh    *http.Client // makes a connection for each call: to a dead replica it is refused, not found broken
	turn     atomic.Int64
	killed   atomic.Bool // set once the victim is dead
	victim   int

	mu   sync.Mutex
	lost []int // requests of the victim whose answer broke off
}

func (p *roundRobin) ask(ctx context.Context, n int) error {
	body := request(fmt.Sprintf("S%d", n), fmt.Sprint(n))
	first := int(p.turn.Add(1))
	for step := range len(p.replicas) {
		i := (first + step) % len(p.replicas)
		alreadyDead := i == p.victim && p.killed.Load()
		client := p.replicas[i].client
		if i == p.victim {
			client = p.fresh
		}
		lines, _, err := askOnce(ctx, client, p.replicas[i].url, body)
		switch {
		case errors.Is(err, syscall.ECONNREFUSED):
			continue
		case err == nil && cmp.Equal(lines, mixedAnswer(n)):
			return nil
		case i == p.victim && !alreadyDead:
			p.mu.Lock()
			p.lost = append(p.lost, n)
			p.mu.Unlock()
			return nil
		default:
			return fmt.Errorf("call %d to replica %d: got %q, %w, want %q", n, i, lines, err, mixedAnswer(n))
		}
	}
	return fmt.Errorf("call %d: no replica takes it", n)
}

func TestTheDeathOfAReplicaLosesNothingButWhatItHadInHand(t *testing.T) {
	const calls, callers, replicas = 10_000, 32, 4
	daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "\n%s\n\n", envelope(call.SessionID, call.Data.Data.ID, "response", "", string(call.Data.Data.Request)))
		fmt.Fprintf(w, "%s\n\n", envelope(call.SessionID, call.Data.Data.ID, "end", "", "null"))
	})
	proxy := &roundRobin{victim: 2, fresh: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	var victim *replica
	var kill sync.Once
	for i := range replicas {
		begun := func(int64) {}
		if i == proxy.victim {
			begun = func(n int64) {
				if n < calls/replicas/2 {
					return
				}
				kill.Do(func() {
					victim.listener.kill() // while this request, at least, is under way
					proxy.killed.Store(true)
				})
			}
		}
		r := startReplica(t, daemon.URL, begun)
		if i == proxy.victim {
			victim = r
		}
		proxy.replicas = append(proxy.replicas, r)
	}

	var next atomic.Int64
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < calls; n = int(next.Add(1)) - 1 {
				if err := proxy.ask(t.Context(), n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(proxy.lost)
	if n := len(proxy.lost); n == 0 || n > callers {
		t.Errorf("lost with the replica were %d calls, %v, want at least the one that saw its death and at most %d", n, proxy.lost, callers)
	}
	var taken int64
	for _, r := range proxy.replicas {
		taken += r.taken.Load()
	}
	if taken > calls || taken < calls-callers {
		t.Errorf("%d calls reached a plugin, want each of %d once, but for those that died on the way", taken, calls)
	}
	for _, r := range proxy.replicas {
		resp, err := r.client.Get(r.url + "/health")
		if alive := err == nil; alive == (r == victim) {
			t.Errorf("health of a replica: %v, want all but the dead one alive", err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
}
