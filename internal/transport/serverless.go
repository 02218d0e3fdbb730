package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Times of the serverless transport.
const (
	headersWithin = 10 * time.Second  // how long a client may take to send the head of a request
	bodyWithin    = 60 * time.Second  // and its body
	answerWithin  = 90 * time.Second  // how long a request other than to /invoke may take, from its head to its answer
	keepIdle      = 120 * time.Second // how long an unused connection stays open: longer than the host keeps its own
	finishWithin  = 20 * time.Second  // what requests under way get to end by themselves when the function is stopped
)

// defaultMaxBody is the largest request in bytes that is read unless told otherwise: the host sends at most 5 MiB.
const defaultMaxBody = 32 << 20

// Why requests of the serverless transport are cancelled.
var (
	// ErrCallerGone says that the host gave up on the request.
	ErrCallerGone = errors.New("the host no longer waits for the answer")
	// ErrSilent says that the request produced nothing for too long.
	ErrSilent = errors.New("the request was silent for too long")
)

// Serverless answers requests over HTTP, one POST each, as a function that a platform starts, copies and stops as it
// likes:
//
//	POST /invoke   the request is the body; the answer is its lines, each sent at once, up to the end of the session
//	GET  /health   200 OK
//
// There is no authentication: whoever reaches the port can use the plugin, so the network must keep others out. Nothing
// is kept between requests, and two requests may bear one session id: a host that lost an answer asks again, perhaps
// before the first attempt has noticed.
type Serverless struct {
	// Address is the host:port to listen on; Listener, unless nil, is used in its place.
	Address  string
	Listener net.Listener
	// DaemonURL is where calls back into Dify go, for example http://daemon:5002.
	DaemonURL string
	// Dial connects to the daemon; nil means TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxLine is the longest line that the host reads, in bytes without the newline; 0 means the host's default.
	MaxLine int
	// MaxBody is the largest request that is read, in bytes; 0 means 32 MiB.
	MaxBody int64
	// Silence is how long a request may go without sending a line; then it fails. 0 means 300 s.
	Silence time.Duration
	// Err receives a line at the start, and complaints of the HTTP server. Nil means nobody reads it.
	Err io.Writer
}

// Serve answers requests until ctx ends. It then takes no new ones, waits 20 s for those under way, cancels what is
// left with [ErrStopped] and gives it 5 s more; it returns the cause of ctx. It returns another error when it cannot
// listen.
func (s *Serverless) Serve(ctx context.Context, handle Handler) error {
	listener, err := s.listen(ctx)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; choose another address with SERVERLESS_HOST and SERVERLESS_PORT", s.Address, err)
	}
	calls := newDaemonCalls(s.DaemonURL, s.Dial)
	defer calls.close()
	stopping := make(chan struct{})
	f := &function{
		handle: handle, calls: calls, stopping: stopping,
		maxLine: s.MaxLine, maxBody: s.MaxBody, silence: s.Silence,
	}
	if f.maxLine == 0 {
		f.maxLine = wire.DefaultMaxLine
	}
	if f.maxBody == 0 {
		f.maxBody = defaultMaxBody
	}
	if f.silence == 0 {
		f.silence = defaultSilence
	}
	complaints := s.Err
	if complaints == nil {
		complaints = io.Discard
	}
	server := &http.Server{
		Handler:           f.routes(),
		ReadHeaderTimeout: headersWithin,
		WriteTimeout:      answerWithin,
		IdleTimeout:       keepIdle,
		ErrorLog:          log.New(complaints, "difyplugin: ", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Fprintf(complaints, "difyplugin: serving on %s\n", listener.Addr())
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", listener.Addr(), err)
	case <-ctx.Done():
		shutDown(server, stopping)
		return context.Cause(ctx)
	}
}

func (s *Serverless) listen(ctx context.Context) (net.Listener, error) {
	if s.Listener != nil {
		return s.Listener, nil
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", s.Address)
}

// shutDown ends the server: politely, then firmly, then at once.
func shutDown(server *http.Server, stopping chan<- struct{}) {
	if shutDownWithin(server, finishWithin) {
		return
	}
	close(stopping)
	if !shutDownWithin(server, stopAfter+time.Second) {
		_ = server.Close() // what is still open belongs to requests that do not listen
	}
}

func shutDownWithin(server *http.Server, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	return server.Shutdown(ctx) == nil
}

// function is what answers HTTP requests.
type function struct {
	handle   Handler
	calls    backcaller
	stopping <-chan struct{} // closed when requests under way must end
	maxLine  int
	maxBody  int64
	silence  time.Duration
}

func (f *function) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /invoke", f.invoke)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "OK") // a prober that is gone needs no answer
	})
	return mux
}

// invoke answers one request of the host. Once the request was understood the status is 200: failures are told in the
// answer, where the host looks for them.
func (f *function) invoke(w http.ResponseWriter, r *http.Request) {
	in, status, err := f.read(w, r)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(r.Context()))
	defer cancel(ErrEnded)
	body := newResponseLines(w, f.maxLine, f.silence)
	defer body.close()
	session := &Session{id: in.SessionID, out: body, calls: f.calls}
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer(ctx, f.handle, in, session)
	}()

	select {
	case <-done:
		return
	case <-body.silent.C:
		session.Finish(failure("InvokeServerUnavailableError", fmt.Sprintf("the plugin sent nothing for %s and was stopped; "+
			"raise MAX_REQUEST_TIMEOUT, in seconds, where the plugin runs if the work takes longer", f.silence)))
		cancel(ErrSilent)
	case <-r.Context().Done():
		cancel(ErrCallerGone)
	case <-f.stopping:
		cancel(ErrStopped)
	}
	if !closedWithin(done, stopAfter) {
		session.Finish(failure("InvokeServerUnavailableError", fmt.Sprintf("the request was cut off: %s; try again", context.Cause(ctx))))
	}
}

// read takes the host's request in. Its errors hold no part of it.
func (f *function) read(w http.ResponseWriter, r *http.Request) (in wire.Inbound, status int, err error) {
	// The HTTP server lifts the deadline when the body has come whole. Setting it fails only on a connection that the
	// read will miss.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin))
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, f.maxBody))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return in, http.StatusRequestEntityTooLarge, fmt.Errorf("the request is larger than the %d bytes that this plugin reads", large.Limit)
	}
	if err != nil {
		return in, http.StatusBadRequest, errors.New("the request broke off")
	}
	in, err = wire.DecodeInbound(text)
	if err != nil {
		return in, http.StatusInternalServerError, fmt.Errorf("failed to parse the request: %w", err)
	}
	if in.Event != wire.EventRequest {
		return in, http.StatusInternalServerError, errors.New("failed to parse the request: answers to calls arrive with the call, not here")
	}
	return in, http.StatusOK, nil
}

// closedWithin tells whether done is closed before the limit.
func closedWithin(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// responseLines writes lines into the answer to an HTTP request and sends each on its way at once.
type responseLines struct {
	limit   int
	silence time.Duration
	silent  *time.Timer // fires when no line was sent for that long

	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	failed  error // of the write after which nothing can be sent
}

func newResponseLines(w http.ResponseWriter, limit int, silence time.Duration) *responseLines {
	w.Header().Set("Content-Type", "application/x-ndjson; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // proxies would otherwise collect lines before they pass them on
	return &responseLines{
		limit: limit, silence: silence, silent: time.NewTimer(silence),
		w: w, control: http.NewResponseController(w),
	}
}

// writeLine sends a line. A client that does not read it for the time of silence has lost the rest of the answer.
func (l *responseLines) writeLine(line []byte) error {
	if size := len(line) - 1; size > l.limit {
		return &LineTooLongError{Size: size, Limit: l.limit}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return l.failed
	}
	_ = l.control.SetWriteDeadline(time.Now().Add(l.silence)) // fails only on a connection that the write will miss
	_, err := l.w.Write(line)
	if err == nil {
		err = l.control.Flush()
	}
	if err != nil {
		l.failed = fmt.Errorf("send a line to the host: %w", err)
		return l.failed
	}
	l.silent.Reset(l.silence)
	return nil
}

// close lets no more lines through: the HTTP server takes back what they are written to.
func (l *responseLines) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent.Stop()
	l.failed = ErrEnded
}
