package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"
)

// Times of the debug transport.
const (
	dialWithin      = 10 * time.Second  // how long one attempt to connect may take
	handshakeWithin = 10 * time.Second  // the server closes a connection that has not said who it is by then
	writeWithin     = 150 * time.Second // the server gives up on a silent plugin after 120 s at the latest
	lastWords       = time.Second       // how long to listen, after a write failed, for what the server said about it
	lastingFor      = 30 * time.Second  // a connection that held this long was a good one
	firstPause      = time.Second       // before the first attempt to reconnect
	longestPause    = 30 * time.Second  // before any attempt to reconnect
)

// maxRefusal is how much of a refusal is kept, in bytes.
const maxRefusal = 4 << 10

// ErrDisconnected says that the connection on which a request came is no more.
var ErrDisconnected = errors.New("the connection to Dify's debug server is lost")

// RefusedError is what Dify's debug server said before it closed the connection. Trying again would not help: the key
// or the declarations are wrong, or the server is full.
type RefusedError struct {
	Address string // host:port of the server
	Text    string // the server's words as they came, without the key
}

// Error quotes the server.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("Dify's debug server at %s refused this plugin: %q; correct what it names and start the plugin again",
		e.Address, e.Text)
}

// Debug speaks with a running Dify from a developer's machine: it connects to Dify's debug server, tells what the
// plugin declares, and then answers requests on the same connection exactly as [Stdio] does.
//
// The connection is plain TCP: whoever listens on the way reads the key and the credentials in requests.
type Debug struct {
	// Address is the server's host:port.
	Address string
	// Key is the tenant's debugging key, which the plugins page of Dify shows. It is a secret.
	Key string
	// Declarations are what the plugin declares.
	Declarations Declarations
	// MaxLine is the longest line to send, in bytes without the newline. The debug server has no limit, nor has 0.
	MaxLine int
	// Err receives a line for people whenever the connection is made or lost: the server drops log events. Nil
	// means nobody reads it.
	Err io.Writer
	// Dial connects to the server; nil means TCP with keep-alives.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Serve connects and answers requests. When the connection cannot be made or is lost, it tries again, after pauses
// that grow from 1 s to 30 s, and registers the plugin afresh. Requests of a lost connection are cancelled with
// [ErrDisconnected].
//
// It returns when ctx ends, with its cause, after the requests under way got a few seconds to end; with a
// [RefusedError] when the server refuses the plugin; and with another error when the declarations cannot be sent.
func (d *Debug) Serve(ctx context.Context, handle Handler) error {
	reg, err := newRegistration(d.Key, d.Declarations)
	if err != nil {
		return err
	}
	var attempts pauses
	for {
		held, err := d.connect(ctx, reg, handle)
		var lost *lostError
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.As(err, &lost):
			return err
		case held >= lastingFor:
			attempts = 0
		}
		pause := attempts.next()
		d.say("%s; retrying in %.1f s", d.withoutKey(err.Error()), pause.Seconds())
		if !rest(ctx, pause) {
			return context.Cause(ctx)
		}
	}
}

// lostError is an error after which it makes sense to connect again.
type lostError struct{ err error }

func (e *lostError) Error() string { return e.err.Error() }
func (e *lostError) Unwrap() error { return e.err }

// connect makes one connection and serves it to its end, which is always an error. It tells how long the plugin was
// registered.
func (d *Debug) connect(ctx context.Context, reg *registration, handle Handler) (held time.Duration, err error) {
	raw, err := d.dial(ctx)
	if err != nil {
		return 0, &lostError{fmt.Errorf("cannot connect to Dify's debug server at %s: %w", d.Address, err)}
	}
	conn := &debugConn{Conn: raw}
	defer conn.Close()
	requests, cancel := context.WithCancelCause(ctx)
	defer cancel(ErrDisconnected)

	c := newConnection(conn, d.longestLine(), handle)
	lines := &debugLines{from: newLineReader(conn)}
	closed := make(chan error, 1)
	go func() { closed <- c.read(requests, lines) }()

	registered := make(chan error, 1)
	go func() { registered <- reg.send(c.out) }()
	select {
	case err = <-registered:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	var local *declarationError
	if errors.As(err, &local) {
		return 0, err
	}
	if err != nil {
		return 0, d.verdict(conn, lines, <-closed)
	}
	d.say("connected to %s as %s", d.Address, reg.name)
	since := time.Now()
	go c.beat(requests)
	select {
	case err := <-closed:
		return time.Since(since), d.verdict(conn, lines, err)
	case <-ctx.Done():
		c.wait(stopAfter)
		return time.Since(since), context.Cause(ctx)
	}
}

func (d *Debug) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	dial := d.Dial
	if dial == nil {
		dial = (&net.Dialer{
			KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 15 * time.Second, Count: 4},
		}).DialContext
	}
	return dial(ctx, "tcp", d.Address)
}

func (d *Debug) longestLine() int {
	if d.MaxLine == 0 {
		return math.MaxInt
	}
	return d.MaxLine
}

// verdict tells why a connection ended, once nobody reads from it any more. What the server said counts most; a
// failed write is usually the cause of the failed read.
func (d *Debug) verdict(conn *debugConn, lines *debugLines, readErr error) error {
	if lines.said != "" {
		return &RefusedError{Address: d.Address, Text: d.withoutKey(lines.said)}
	}
	err := conn.fault()
	if err == nil {
		err = readErr
	}
	if err == nil {
		err = errors.New("the server closed the connection")
	}
	return &lostError{fmt.Errorf("disconnected from Dify's debug server at %s: %w", d.Address, err)}
}

func (d *Debug) withoutKey(text string) string {
	if d.Key == "" {
		return text
	}
	return strings.ReplaceAll(text, d.Key, "[key]")
}

// say writes a line for people.
func (d *Debug) say(format string, args ...any) {
	if d.Err != nil {
		fmt.Fprintf(d.Err, "difyplugin: "+format+"\n", args...)
	}
}

// debugConn gives up on a connection whose other end does not read, and on one that lost a part of a line: nothing
// that follows could be understood.
type debugConn struct {
	net.Conn
	greeted bool // whether the handshake was sent; only Write uses it, and writes come one at a time

	mu     sync.Mutex
	broken error // of the write that failed
}

// Write writes all of p, or ends the connection.
func (c *debugConn) Write(p []byte) (int, error) {
	if err := c.fault(); err != nil {
		return 0, err
	}
	within := writeWithin
	if !c.greeted {
		c.greeted, within = true, handshakeWithin
	}
	if err := c.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return 0, c.abandon(err)
	}
	n, err := c.Conn.Write(p)
	if err != nil {
		return n, c.abandon(err)
	}
	return n, nil
}

// abandon remembers the fault. The reader goes on for a moment: the server's reason may have arrived unread.
func (c *debugConn) abandon(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = err
	_ = c.SetReadDeadline(time.Now().Add(lastWords)) // fails only on a closed connection, whose reader has ended
	return err
}

func (c *debugConn) fault() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// debugLines passes on the server's JSON objects and keeps its words. The server says nothing while all is well; when
// it refuses a plugin it says why in a line of plain text and closes the connection.
type debugLines struct {
	from *lineReader
	said string // since the last object; read it only after next has returned an error
}

func (l *debugLines) next() ([]byte, error) {
	for {
		line, err := l.from.next()
		if err != nil {
			return nil, err
		}
		text := strings.TrimSpace(string(line[:min(len(line), maxRefusal)]))
		if text == "" {
			continue
		}
		if text[0] == '{' {
			l.said = ""
			return line, nil
		}
		if l.said == "" {
			l.said = text
		}
	}
}

// pauses is the number of attempts since the last good connection.
type pauses int

// next returns how long to wait before the next attempt: 1 s, doubled with every attempt up to 30 s, less up to half
// of it by chance, so that the plugins that lost one server do not all come back at once.
func (p *pauses) next() time.Duration {
	pause := min(firstPause<<*p, longestPause)
	if pause < longestPause {
		*p++
	}
	return pause/2 + rand.N(pause/2+1)
}

// rest waits, and tells whether ctx is still alive after it.
func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
