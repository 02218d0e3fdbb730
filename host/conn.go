package host

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Conn is the protocol over a plugin's input and output. Its methods may be called from several goroutines.
//
// A Conn that is no longer needed must be closed.
type Conn struct {
	Actions

	opts   Options
	peer   peer
	writes chan write
	ready  chan struct{} // closed at the first heartbeat
	killed chan struct{} // closed when the far end is cut off
	done   chan struct{} // closed when the far end is gone and every call knows
	closed func() error

	background sync.WaitGroup // reader, writer and back-calls
	showing    sync.Mutex     // held while OnLine runs

	mu         sync.Mutex
	sessions   map[string]*session // nil when the connection is over
	past       pastSessions
	violations []Violation
	unclaimed  []error // violations in strict mode that belong to no call
	lastSign   time.Time
	silence    *time.Timer // nil until silence is counted
	heard      bool        // a heartbeat came
	closing    bool        // Close was called
	reason     error       // why the far end was cut off
	err        error       // how the connection ended; set before done is closed
}

// peer is what a Conn needs of the far end.
type peer struct {
	in  io.WriteCloser
	out io.Reader
	// kill ends the far end by force, so that out ends.
	kill func()
	// gone is called once, when out has ended. It closes in, waits until nothing of the far end is left, and says how it
	// ended: reason is why it was cut off, nil when it ended by itself; closing tells that Close was called.
	gone func(c *Conn, reason error, closing bool) error
}

type write struct {
	line   []byte
	result chan error // buffered
}

// Connect speaks to the plugin that reads from in and writes to out. A write to in may be blocked when in is closed,
// and must then return, as it does for pipes. When out is an [io.Closer] as well, it is closed to cut off a plugin
// that does not end by itself; otherwise Close waits until out ends.
func Connect(in io.WriteCloser, out io.Reader, opts Options) *Conn {
	kill := func() {
		_ = in.Close()
		if c, ok := out.(io.Closer); ok {
			_ = c.Close()
		}
	}
	gone := func(_ *Conn, reason error, closing bool) error {
		kill() // a plugin that still writes must not wait for a reader for ever
		switch {
		case reason != nil:
			return reason
		case closing:
			return ErrClosed
		default:
			return fmt.Errorf("the plugin closed its output: %w", io.ErrUnexpectedEOF)
		}
	}
	c := newConn(peer{in, out, kill, gone}, opts)
	c.watch()
	return c
}

func newConn(p peer, opts Options) *Conn {
	c := &Conn{
		opts: opts.withDefaults(), peer: p,
		writes: make(chan write),
		ready:  make(chan struct{}), killed: make(chan struct{}), done: make(chan struct{}),
		sessions: map[string]*session{},
	}
	c.Actions = Actions{c.Call}
	c.closed = sync.OnceValue(c.close)
	c.background.Go(c.read)
	c.background.Go(c.write)
	return c
}

// Ready waits for the plugin's first heartbeat. Calls may be made before it.
func (c *Conn) Ready(ctx context.Context) error {
	select {
	case <-c.ready:
		return nil
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Done is closed when the plugin is gone.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Violations returns the first 100 violations so far.
func (c *Conn) Violations() []Violation {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.violations)
}

const maxViolations = 100

// Close closes the plugin's input, waits Options.CloseGrace until it has ended, and kills it otherwise. Calls that are
// under way may still end well in that time. The error says how the plugin had ended before Close was called, if it
// had, and in strict mode every violation that belonged to no call. Closing again returns the same.
func (c *Conn) Close() error { return c.closed() }

func (c *Conn) close() error {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	_ = c.peer.in.Close()

	grace := time.NewTimer(c.opts.CloseGrace)
	defer grace.Stop()
	select {
	case <-c.done:
	case <-grace.C:
		c.unclaim(c.violate(KindIgnoredClose, "", "the plugin was killed, because it went on for %v after the end of its input", c.opts.CloseGrace))
		c.cut(ErrClosed)
		<-c.done
	}
	c.background.Wait()

	c.mu.Lock()
	defer c.mu.Unlock()
	faults := c.unclaimed
	if !errors.Is(c.err, ErrClosed) {
		faults = append([]error{c.err}, faults...)
	}
	return errors.Join(faults...)
}

// cut ends the far end by force. The first reason counts.
func (c *Conn) cut(reason error) {
	c.mu.Lock()
	first := c.reason == nil
	if first {
		c.reason = reason
	}
	c.mu.Unlock()
	if first {
		close(c.killed)
		c.peer.kill()
	}
}

// watch starts to count the plugin's silence.
func (c *Conn) watch() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessions != nil {
		c.lastSign = time.Now()
		c.silence = time.AfterFunc(c.opts.Silence, c.checkSilence)
	}
}

// sign notes that the plugin is alive.
func (c *Conn) sign() {
	c.mu.Lock()
	c.lastSign = time.Now()
	c.mu.Unlock()
}

func (c *Conn) checkSilence() {
	c.mu.Lock()
	left := c.opts.Silence - time.Since(c.lastSign)
	if left > 0 && c.sessions != nil {
		c.silence.Reset(left)
	}
	c.mu.Unlock()
	if left <= 0 {
		c.cut(ErrSilent)
	}
}

// write is the only goroutine that writes to the plugin, so that a plugin that does not read blocks no caller for
// longer than the caller's context allows.
func (c *Conn) write() {
	for {
		select {
		case w := <-c.writes:
			c.show(Line{Data: w.line[:len(w.line)-1]})
			_, err := c.peer.in.Write(w.line)
			w.result <- err
		case <-c.done:
			return
		}
	}
}

func (c *Conn) show(l Line) {
	if c.opts.OnLine == nil {
		return
	}
	c.showing.Lock()
	defer c.showing.Unlock()
	c.opts.OnLine(l)
}

// send hands a line to the plugin. The error is [undelivered] when the plugin cannot have read the line.
func (c *Conn) send(ctx context.Context, line []byte) error {
	w := write{line, make(chan error, 1)}
	select {
	case c.writes <- w:
	case <-c.done:
		return undelivered{c.err}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-w.result:
		return c.explain(ctx, err)
	case <-c.done: // the write ends as well, and the plugin may have answered it
		return c.explain(ctx, <-w.result)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// explain replaces a failure to write by its cause, which is known a moment later: the plugin is dying.
func (c *Conn) explain(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	timer := time.NewTimer(c.opts.CloseGrace)
	defer timer.Stop()
	select {
	case <-c.done:
		return undelivered{c.err}
	case <-timer.C:
		return undelivered{fmt.Errorf("write to the plugin's input: %w", err)}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// read is the only goroutine that reads the plugin's output.
func (c *Conn) read() {
	reason := c.scan()
	if errors.Is(reason, bufio.ErrTooLong) {
		reason = c.violate(KindLineTooLong, "", "a line is longer than %d bytes; the daemon kills a plugin for that", c.opts.MaxLine)
	}
	if reason != nil {
		c.cut(reason)
	}
	c.mu.Lock()
	reason, closing := c.reason, c.closing
	c.mu.Unlock()
	c.finish(c.peer.gone(c, reason, closing))
}

// scan reads lines as the daemon does: a scanner with a limit, empty lines skipped.
func (c *Conn) scan() error {
	lines := bufio.NewScanner(c.peer.out)
	lines.Buffer(make([]byte, 0, min(1024, c.opts.MaxLine)), c.opts.MaxLine+1)
	for lines.Scan() {
		c.sign()
		if line := lines.Bytes(); len(line) > 0 {
			c.receive(line)
		}
	}
	return endOfOutput(lines.Err())
}

// finish tells every call that the plugin is gone.
func (c *Conn) finish(err error) {
	c.mu.Lock()
	c.err = err
	if c.silence != nil {
		c.silence.Stop()
	}
	open, half := c.sessions, c.past.withoutEnd()
	c.sessions = nil
	c.mu.Unlock()
	for _, s := range open {
		s.box.force(item{gone: true, err: fmt.Errorf("call %s: %w", s.request.Action, err)})
		s.stopCalls()
	}
	for _, id := range half {
		c.unclaim(c.violate(KindMissingEnd, id, "an error was not followed by the session's end"))
	}
	close(c.done)
}

// receive handles one line of the plugin. It runs in the reader's goroutine, so that lines are handled in order.
func (c *Conn) receive(line []byte) {
	c.show(Line{FromPlugin: true, Data: line})
	var ev wire.Event
	if err := json.Unmarshal(line, &ev); err != nil {
		c.unclaim(c.violate(KindGarbage, "", "a line of standard output is not JSON of the protocol: %s", excerpt(line)))
		return
	}
	switch ev.Event {
	case wire.EventHeartbeat:
		if !c.heard {
			c.heard = true
			close(c.ready)
		}
	case wire.EventLog:
		c.receiveLog(ev.Data)
	case wire.EventError:
		c.blame(sessionID(ev), KindFault, "the plugin reports a line that it could not read: %s", excerpt(ev.Data))
	case wire.EventSession:
		c.receiveSession(ev)
	default:
		c.unclaim(c.violate(KindEvent, "", "the event %q of a line is not one of the protocol: %s", ev.Event, excerpt(line)))
	}
}

func sessionID(ev wire.Event) string {
	if ev.SessionID == nil {
		return ""
	}
	return *ev.SessionID
}

func (c *Conn) receiveLog(data json.RawMessage) {
	var l wire.Log
	if err := json.Unmarshal(data, &l); err != nil {
		c.unclaim(c.violate(KindEvent, "", "the data of a log event is not {level, message, timestamp}: %s", excerpt(data)))
		return
	}
	if c.opts.OnLog != nil {
		sec, frac := math.Modf(l.Timestamp)
		c.opts.OnLog(Log{l.Level, l.Message, time.Unix(int64(sec), int64(frac*1e9))})
	}
}

func (c *Conn) receiveSession(ev wire.Event) {
	id := sessionID(ev)
	var m wire.SessionMessage
	if err := json.Unmarshal(ev.Data, &m); err != nil || m.Type == "" || m.Data == nil {
		c.blame(id, KindEvent, "a session event needs data with type and data; the daemon drops it: %s", excerpt(ev.Data))
		return
	}
	c.mu.Lock()
	s := c.sessions[id]
	c.mu.Unlock()
	if s == nil {
		c.receiveLate(id, m.Type)
		return
	}
	switch m.Type {
	case wire.SessionStream:
		s.put(item{payload: m.Data})
	case wire.SessionEnd:
		c.settle(s, sessionEnded, item{end: true})
	case wire.SessionError:
		c.receiveError(s, m.Data)
	case wire.SessionInvoke:
		c.receiveInvoke(s, m.Data)
	default:
		c.settle(s, sessionAbandoned, item{err: c.violate(KindMessageType, id, "a session message has the type %q", m.Type)})
	}
}

// receiveLate handles a message for a session that is not open.
func (c *Conn) receiveLate(id, kind string) {
	c.mu.Lock()
	state, known := c.past.state(id)
	if known && kind == wire.SessionEnd && state != sessionEnded {
		c.past.put(id, sessionEnded)
	}
	c.mu.Unlock()
	switch {
	case !known:
		c.unclaim(c.violate(KindSession, id, "a session message of type %s belongs to no session that was opened", kind))
	case state == sessionEnded:
		c.unclaim(c.violate(KindAfterEnd, id, "a session message of type %s came after the session's end", kind))
	case state == sessionFailed && kind != wire.SessionEnd:
		c.unclaim(c.violate(KindAfterEnd, id, "a session message of type %s came after the session's error", kind))
	}
}

// receiveError decodes the error of a call. A malformed one fails the call too: the daemon passes over it, and the call
// then looks like a success.
func (c *Conn) receiveError(s *session, data json.RawMessage) {
	e, err := decodeError(data)
	if err != nil {
		c.settle(s, sessionFailed, item{err: c.violate(KindError, s.id, "%v", err)})
		return
	}
	c.settle(s, sessionFailed, item{err: e})
}

func decodeError(data json.RawMessage) (*PluginError, error) {
	var e struct {
		Type    *string        `json:"error_type"`
		Message *string        `json:"message"`
		Args    map[string]any `json:"args"`
	}
	if err := json.Unmarshal(data, &e); err != nil || isNull(data) {
		return nil, fmt.Errorf("an error must be an object {error_type, message, args}: %s", excerpt(data))
	}
	if e.Type == nil || e.Message == nil {
		return nil, fmt.Errorf("an error needs both error_type and message: %s", excerpt(data))
	}
	if len(e.Args) > wire.MaxErrorArgs {
		return nil, fmt.Errorf("the error %s has %d args, and at most %d are accepted", *e.Type, len(e.Args), wire.MaxErrorArgs)
	}
	return &PluginError{*e.Type, *e.Message, e.Args}, nil
}

// settle takes a session off the list of the open ones and hands its caller the last word.
func (c *Conn) settle(s *session, state sessionState, last item) {
	c.mu.Lock()
	if c.sessions[s.id] == s {
		delete(c.sessions, s.id)
		c.past.put(s.id, state)
	}
	c.mu.Unlock()
	s.stopCalls()
	s.put(last)
}

// violate records a violation and returns it.
func (c *Conn) violate(kind Kind, session, format string, args ...any) *Violation {
	v := &Violation{kind, session, fmt.Sprintf(format, args...)}
	c.mu.Lock()
	if len(c.violations) < maxViolations {
		c.violations = append(c.violations, *v)
	}
	c.mu.Unlock()
	if c.opts.OnViolation != nil {
		c.opts.OnViolation(v)
	}
	return v
}

// unclaim keeps a violation that belongs to no call for Close.
func (c *Conn) unclaim(v *Violation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opts.Strict && len(c.unclaimed) < maxViolations {
		c.unclaimed = append(c.unclaimed, v)
	}
}

// blame records a violation that the daemon passes over. In strict mode it fails the session, if that is open.
func (c *Conn) blame(id string, kind Kind, format string, args ...any) {
	v := c.violate(kind, id, format, args...)
	c.mu.Lock()
	s := c.sessions[id]
	c.mu.Unlock()
	switch {
	case s == nil:
		c.unclaim(v)
	case c.opts.Strict:
		c.settle(s, sessionAbandoned, item{err: v})
	}
}

// excerpt is the start of what a plugin wrote, for its author to recognise it by.
func excerpt(data []byte) string {
	const most = 80
	if len(data) > most {
		return fmt.Sprintf("%q...", data[:most])
	}
	return fmt.Sprintf("%q", data)
}

func isNull(data []byte) bool { return len(data) == 0 || string(data) == "null" }
