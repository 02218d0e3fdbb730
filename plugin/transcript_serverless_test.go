package plugin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// serverlessHost is a host that calls a function. Each of its requests is a POST of its own; what it answers to a call
// goes out in the answer to the plugin's POST. A refusal of the function is a line of the plugin here: the status and
// its text.
type serverlessHost struct {
	hostSetup
	function *transport.Serverless
	network  *pipeListener
	answers  *hostOutput
	daemon   *serverlessDaemon
	posts    sync.WaitGroup
	partial  string // a line of the host that has not ended
}

func newServerlessHost(t *testing.T, setup hostSetup) hostEnd {
	t.Helper()
	h := &serverlessHost{hostSetup: setup, network: newPipeListener(), answers: newHostOutput()}
	h.daemon = &serverlessDaemon{calls: newHostOutput(), open: map[string]chan string{}}
	if !setup.bubble {
		server := httptest.NewServer(h.daemon)
		t.Cleanup(server.Close)
		t.Setenv("DIFY_PLUGIN_DAEMON_URL", server.URL)
	}
	function, err := transport.ServerlessFromEnv(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if setup.bubble {
		function.DaemonURL, function.Dial = "http://localhost:5002", h.serveDaemon(t)
	}
	function.Listener, function.MaxLine, function.Err = h.network, setup.plugin.limits.line, setup.errOut
	h.function = function
	return h
}

// serveDaemon takes the function's calls over pipes, and returns what connects to it.
func (h *serverlessHost) serveDaemon(t *testing.T) func(context.Context, string, string) (net.Conn, error) {
	network, server := newPipeListener(), &http.Server{Handler: h.daemon}
	go func() { _ = server.Serve(network) }() // always ends with an error
	t.Cleanup(func() { _ = server.Close() })
	return func(context.Context, string, string) (net.Conn, error) { return network.dial() }
}

func (h *serverlessHost) serve(ctx context.Context) error {
	defer h.plugin.idle.stop()
	err := h.function.Serve(ctx, h.plugin.handle)
	h.posts.Wait()
	return err
}

// open asks whether the function is ready.
func (h *serverlessHost) open() (string, error) {
	conn, err := h.network.dial()
	if err != nil {
		return "", err
	}
	defer conn.Close()
	text, err := exchange(conn, http.MethodGet, "/health", "")
	if err == nil && text != "200 OK" {
		err = fmt.Errorf("GET /health: %s", text)
	}
	return "difyplugin: serving on " + h.network.Addr().String() + "\n", err
}

// send collects bytes up to the ends of lines: one request is one body, which needs none.
func (h *serverlessHost) send(text string) error {
	h.partial += text
	for {
		line, rest, whole := strings.Cut(h.partial, "\n")
		if !whole {
			return nil
		}
		h.partial = rest
		h.sendLine(line)
	}
}

func (h *serverlessHost) sendLine(line string) {
	var in struct {
		Event     string `json:"event"`
		SessionID string `json:"session_id"`
	}
	if json.Unmarshal([]byte(line), &in) == nil && in.Event == wire.EventReply {
		h.daemon.answer(in.SessionID, line)
		return
	}
	h.posts.Go(func() {
		if err := h.post(line); err != nil {
			h.answers.lines <- "the function gave no whole answer: " + err.Error()
		}
	})
}

// post sends a request and takes its answer, one line in each piece that arrives.
func (h *serverlessHost) post(line string) error {
	conn, err := h.network.dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	resp, from, err := roundTrip(conn, http.MethodPost, "/invoke?action=transcript", line)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(resp.Body)
		h.answers.lines <- fmt.Sprintf("%d %s", resp.StatusCode, strings.TrimSpace(string(text)))
		return err
	}
	if len(resp.TransferEncoding) == 0 || resp.TransferEncoding[0] != "chunked" {
		return errors.New("it is not sent line by line")
	}
	for {
		piece, err := nextChunk(from)
		if err != nil || len(piece) == 0 {
			return err
		}
		_, _ = h.answers.Write(piece) // a hostOutput takes everything
	}
}

func (h *serverlessHost) do(string, func()) bool { return false }

// channels are the answers to requests, in which no heartbeat belongs, and the calls back into Dify.
func (h *serverlessHost) channels() []channel {
	return []channel{
		{arrived: h.answers, carries: func(line string) bool { return line != heartbeat && !isInvoke(line) }},
		{arrived: h.daemon.calls, carries: isInvoke},
	}
}

// leave stops the function, as its platform does whenever it likes.
func (h *serverlessHost) leave(stop context.CancelFunc) string {
	stop()
	return context.Canceled.Error()
}

func (h *serverlessHost) release() {}

// roundTrip sends a request as the host does, in chunks, and returns the head of its answer and where the rest is read
// from.
func roundTrip(conn net.Conn, method, path, body string) (*http.Response, *bufio.Reader, error) {
	req, err := http.NewRequest(method, "http://function"+path, strings.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	if body != "" {
		req.ContentLength = -1 // not known beforehand
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	req.Close = true
	if err := req.Write(conn); err != nil {
		return nil, nil, err
	}
	from := bufio.NewReader(conn)
	resp, err := http.ReadResponse(from, req)
	return resp, from, err
}

// exchange is a request and its answer, the status before the text.
func exchange(conn net.Conn, method, path, body string) (string, error) {
	resp, _, err := roundTrip(conn, method, path, body)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(resp.Body)
	return fmt.Sprintf("%d %s", resp.StatusCode, text), err
}

// nextChunk reads a piece of an answer as it was sent. The last one is empty.
func nextChunk(from *bufio.Reader) ([]byte, error) {
	head, err := from.ReadString('\n')
	if err != nil {
		return nil, err
	}
	size, err := strconv.ParseUint(strings.TrimSpace(head), 16, 31)
	if err != nil {
		return nil, err
	}
	piece := make([]byte, size+2) // with the \r\n behind it
	_, err = io.ReadFull(from, piece)
	return piece[:size], err
}

// serverlessDaemon is where a function sends its calls back into Dify.
type serverlessDaemon struct {
	calls *hostOutput

	mu   sync.Mutex
	open map[string]chan string // the host's lines for the call under way, by session
}

// ServeHTTP takes one call. Its answer are the host's lines for the session, up to an end or until the plugin has
// enough.
func (d *serverlessDaemon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := io.ReadAll(r.Body)
	var event struct {
		SessionID string `json:"session_id"`
		Data      struct {
			Data wire.Invoke `json:"data"`
		} `json:"data"`
	}
	if err != nil || json.Unmarshal(call, &event) != nil || r.Method != http.MethodPost ||
		r.URL.Path != "/backwards-invocation/transaction" || r.Header.Get("Dify-Plugin-Session-ID") != event.SessionID {
		d.calls.lines <- fmt.Sprintf("not a call that a daemon takes: %s %s for session %q: %s",
			r.Method, r.URL, r.Header.Get("Dify-Plugin-Session-ID"), call)
		http.Error(w, "failed to parse request", http.StatusInternalServerError)
		return
	}
	lines := make(chan string, 100)
	d.setOpen(event.SessionID, lines)
	w.Header().Set("Content-Type", "text/event-stream")
	_ = http.NewResponseController(w).Flush() // a plugin that is gone is noticed below
	_, _ = d.calls.Write(append(call, '\n'))  // a hostOutput takes everything
	for {
		select {
		case line := <-lines:
			fmt.Fprintf(w, "%s\n\n", line)
			_ = http.NewResponseController(w).Flush()
			if endsCall(line, event.Data.Data.ID) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// endsCall tells whether a line of the host ends the call id. The end of the call before may come late, when its session
// is already at the next one.
func endsCall(line, id string) bool {
	var in wire.Inbound
	var reply wire.Reply
	return json.Unmarshal([]byte(line), &in) == nil && json.Unmarshal(in.Data, &reply) == nil &&
		reply.Event == wire.ReplyEnd && reply.ID == id
}

func (d *serverlessDaemon) setOpen(session string, lines chan string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[session] = lines
}

// answer passes a line on to the newest call of a session. One that comes after its call has nobody who reads it.
func (d *serverlessDaemon) answer(session, line string) {
	d.mu.Lock()
	lines := d.open[session]
	d.mu.Unlock()
	select {
	case lines <- line:
	default:
	}
}

// pipeListener is a network of one address. Its connections are pipes, on which the test's clock is in charge.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Accept returns the next connection.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close refuses all later connections.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr is the address that a function would have.
func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080} }

func (l *pipeListener) dial() (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	}
}
