package transport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Times that the host's own limits set.
const (
	heartbeatEvery = 10 * time.Second       // the host stops a plugin after 120 s of silence
	noticeAfter    = 30 * time.Second       // a blocked plugin speaks on standard error instead
	parentEvery    = 400 * time.Millisecond // a plugin without its host is gone within a second
	abandonAfter   = 300 * time.Millisecond // what running requests get when the parent is gone
	stopAfter      = 5 * time.Second        // what running requests get when the plugin is asked to stop
)

// Stdio speaks with the host that started this process: newline-delimited JSON on standard input and output.
type Stdio struct {
	In  io.Reader
	Out io.Writer
	// Err receives a short line every 30 s while Out is blocked, and nothing else.
	Err io.Writer
	// MaxLine is the longest line that the host reads, in bytes without the newline.
	MaxLine int
	// ParentPID returns the id of the parent process; it changes when the parent is gone. Nil means no parent to
	// watch.
	ParentPID func() int
}

// Serve answers requests until the host closes its end; it then waits for those under way and returns nil. When ctx
// ends, the requests under way are cancelled and get a few seconds to say so: the cause of ctx is returned. When the
// parent process is gone, [ErrParentGone] is returned within a second. Serve may return while a read of In is
// still blocked.
func (s *Stdio) Serve(ctx context.Context, handle Handler) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(ErrStopped)
	c := newConnection(s.Out, s.MaxLine, handle)
	// None of these is waited for: each may be stuck in a read or a write that nobody serves.
	go s.noticeBlocking(ctx, c.out)
	go c.beat(ctx)
	parentGone := make(chan struct{})
	go s.watchParent(ctx, parentGone)
	closed := make(chan error, 1)
	go func() { closed <- c.read(ctx, newLineReader(s.In)) }()

	select {
	case err := <-closed:
		return c.drain(ctx, parentGone, cancel, err)
	case <-ctx.Done():
		c.wait(stopAfter)
		return context.Cause(ctx)
	case <-parentGone:
		cancel(ErrParentGone)
		c.wait(abandonAfter)
		return ErrParentGone
	}
}

// connection is what one stream of requests needs.
type connection struct {
	out     *lockedWriter
	replies *replies
	handle  Handler

	mu     sync.Mutex
	live   map[string]bool // ids of the sessions under way
	faults int             // fault lines on their way out
	empty  []chan struct{} // closed when there is neither
}

func newConnection(w io.Writer, maxLine int, handle Handler) *connection {
	return &connection{
		out:     newLockedWriter(w, maxLine),
		replies: newReplies(),
		handle:  handle,
		live:    map[string]bool{},
	}
}

// maxFaults bounds the fault lines that wait for a host that does not read.
const maxFaults = 64

// drain waits for the requests under way after the host closed its end.
func (c *connection) drain(ctx context.Context, parentGone <-chan struct{}, cancel context.CancelCauseFunc, err error) error {
	select {
	case <-c.idle():
		return err
	case <-ctx.Done():
		c.wait(stopAfter)
		return context.Cause(ctx)
	case <-parentGone:
		cancel(ErrParentGone)
		c.wait(abandonAfter)
		return ErrParentGone
	}
}

// wait gives the requests under way a moment to end.
func (c *connection) wait(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.idle():
	case <-timer.C:
	}
}

// beat tells the host that the plugin is ready, and from then on that it is alive.
func (c *connection) beat(ctx context.Context) {
	ticks := time.NewTicker(heartbeatEvery)
	defer ticks.Stop()
	for {
		_ = c.out.writeLine(wire.HeartbeatLine()) // a host that is gone is noticed elsewhere
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}

// read takes lines until the host closes its end; it never waits for a write.
func (c *connection) read(ctx context.Context, lines lineSource) error {
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the host's requests: %w", err)
		}
		if len(bytes.TrimSpace(line)) > 0 { // some hosts end lines with \r\n
			c.accept(ctx, line)
		}
	}
}

func (c *connection) accept(ctx context.Context, line []byte) {
	in, err := wire.DecodeInbound(line)
	switch {
	case err != nil:
		c.reject(in.SessionID, err)
	case in.Event == wire.EventReply:
		reply, err := wire.DecodeReply(in.Data)
		if err != nil {
			c.report(err)
			return
		}
		c.replies.deliver(in.SessionID, reply)
	case !c.begin(in.SessionID):
		c.report(errors.New("two requests with one session_id at a time; the second was dropped"))
	default:
		go c.serve(ctx, in)
	}
}

// serve answers one request. Whatever the handler does, the session ends.
func (c *connection) serve(ctx context.Context, in wire.Inbound) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(ErrEnded)
	defer c.end(in.SessionID)
	answer(ctx, c.handle, in, c.session(in.SessionID))
}

// reject answers a line that cannot be read. Where it names a session, that session is waiting.
func (c *connection) reject(id string, err error) {
	if id == "" || !c.begin(id) {
		c.report(err)
		return
	}
	go func() {
		defer c.end(id)
		c.session(id).Finish(failure("InvokeBadRequestError", err.Error()))
	}()
}

// report tells the host about a line that belongs to no session. It does not wait for the write; while too many
// wait already, the report is dropped.
func (c *connection) report(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.faults == maxFaults {
		return
	}
	c.faults++
	go func() {
		_ = c.out.writeLine(wire.FaultLine(err.Error()))
		c.mu.Lock()
		defer c.mu.Unlock()
		c.faults--
		c.noticeIdle()
	}()
}

func (c *connection) session(id string) *Session {
	return &Session{id: id, out: c.out, calls: c.replies}
}

func (c *connection) begin(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.live[id] {
		return false
	}
	c.live[id] = true
	return true
}

func (c *connection) end(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.live, id)
	c.noticeIdle()
}

// noticeIdle wakes those who wait for the end of all work. It is called with mu held.
func (c *connection) noticeIdle() {
	if len(c.live)+c.faults > 0 {
		return
	}
	for _, waiting := range c.empty {
		close(waiting)
	}
	c.empty = nil
}

// idle returns a channel that is closed as soon as no session is under way and every fault is told.
func (c *connection) idle() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan struct{})
	if len(c.live)+c.faults == 0 {
		close(ch)
	} else {
		c.empty = append(c.empty, ch)
	}
	return ch
}

// noticeBlocking writes to standard error while the host does not read standard output: the host takes any sign of
// life, and kills a plugin that gives none.
func (s *Stdio) noticeBlocking(ctx context.Context, out *lockedWriter) {
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	given := 0 // notices for the write that is blocked now
	for {
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
		blocked := out.blocked()
		due := int(blocked / noticeAfter)
		if given = min(given, due); due > given {
			given = due
			fmt.Fprintf(s.Err, "difyplugin: the host has not read standard output for %d s; waiting\n", int(blocked.Seconds()))
		}
	}
}

// watchParent closes gone when the parent process is another one than at the start. Comparing with the first id,
// not with 1, keeps it right where the host itself is process 1.
func (s *Stdio) watchParent(ctx context.Context, gone chan<- struct{}) {
	if s.ParentPID == nil {
		return
	}
	first := s.ParentPID()
	ticks := time.NewTicker(parentEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if s.ParentPID() != first {
				close(gone)
				return
			}
		case <-ctx.Done():
			return
		}
	}
}
