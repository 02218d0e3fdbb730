// Package transport carries requests from a Dify host to a plugin and results back. It knows sessions, their order
// and their end, and nothing of tools: a [Handler] does the work.
//
// What every transport holds to: a request is answered in its own goroutine; lines leave whole; each session ends
// exactly once, after whatever else it sends; a line that the host could not take never leaves.
package transport

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Handler answers one request. It runs in a goroutine of its own; ctx ends with the session. The session is ended
// when it returns.
type Handler func(ctx context.Context, in wire.Inbound, out *Session)

// InvokeTimeout is how long a call back into Dify waits for each answer.
const InvokeTimeout = 250 * time.Second

// Why contexts end and sends fail.
var (
	// ErrEnded says that the session is over.
	ErrEnded = errors.New("the request has already been answered")
	// ErrStopped says that the plugin was asked to stop.
	ErrStopped = errors.New("the plugin is being stopped")
	// ErrParentGone says that the process that started the plugin is no more.
	ErrParentGone = errors.New("the host process is gone")
	// ErrNoAnswer says that Dify did not answer a call within InvokeTimeout.
	ErrNoAnswer = fmt.Errorf("no answer from Dify within %s", InvokeTimeout)
)

// LineTooLongError is a line that the host would not take.
type LineTooLongError struct {
	Size, Limit int // bytes, without the newline
}

// Error names both sizes.
func (e *LineTooLongError) Error() string {
	return fmt.Sprintf("a line of %d bytes is longer than the %d bytes that the host reads", e.Size, e.Limit)
}

// lineWriter takes whole lines. Its error is one of the session, never of the connection.
type lineWriter interface {
	writeLine(line []byte) error
}

// backcaller is how calls back into Dify travel: on the stream that brought the request, or over a way of their own.
type backcaller interface {
	// backcall sends a line made by [wire.InvokeLine] for the open session s and yields the replies to the call id
	// until an end, a failure, or a caller that has enough. A failure is the last that it yields.
	backcall(ctx context.Context, s *Session, id string, line []byte) iter.Seq2[wire.Reply, error]
}

// Session is the way back for one request. It may be used from several goroutines.
type Session struct {
	id    string
	out   lineWriter
	calls backcaller

	mu    sync.Mutex // held while a line is written, so that nothing follows the end
	ended bool
}

// ID is the host's name for the session.
func (s *Session) ID() string { return s.id }

func (s *Session) isEnded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// Stream sends one result.
func (s *Session) Stream(payload any) error {
	line, err := wire.StreamLine(s.id, payload)
	if err != nil {
		return err
	}
	return s.Line(line)
}

// Line sends a line of this session that is already encoded, its newline included.
func (s *Session) Line(line []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return ErrEnded
	}
	return s.out.writeLine(line)
}

// Finish ends the session, with an error unless failure is nil. Only the first call has an effect.
func (s *Session) Finish(failure *wire.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	s.ended = true
	if failure != nil {
		s.writeFailure(*failure)
	}
	_ = s.out.writeLine(wire.EndLine(s.id)) // a host that is gone reads no end either
}

// writeFailure sends an error, in fewer words where the host would not take all of them: without it, the failed
// request would look like an empty success.
func (s *Session) writeFailure(e wire.Error) {
	var long *LineTooLongError
	if errors.As(s.out.writeLine(wire.ErrorLine(s.id, e)), &long) {
		text := "the request failed; the words that say why are longer than the host's longest line"
		_ = s.out.writeLine(wire.ErrorLine(s.id, *failure(e.Type, text))) // as for the end
	}
}

// Log writes to the host's log. It belongs to no session on the wire and works also after the end.
func (s *Session) Log(level, message string) {
	_ = s.out.writeLine(wire.LogLine(level, message, time.Now())) // a log line that cannot be written has nowhere to go
}

// Invoke calls back into Dify and yields the answers as they come. An error that Dify reports is yielded as a
// reply. The iteration stops after the first error.
func (s *Session) Invoke(ctx context.Context, kind string, request any) iter.Seq2[wire.Reply, error] {
	return func(yield func(wire.Reply, error) bool) {
		id := newCallID()
		line, err := wire.InvokeLine(s.id, wire.Invoke{Type: kind, ID: id, Request: request})
		if err != nil {
			yield(wire.Reply{}, err)
			return
		}
		for reply, err := range s.calls.backcall(ctx, s, id, line) {
			if err == nil && reply.Event == wire.ReplyEnd {
				return
			}
			if !yield(reply, err) || err != nil {
				return
			}
		}
	}
}

// answer runs handle and ends the session, whatever handle does: a panic becomes a failure of this session alone. The
// panic's value is kept back, because it may hold what the request held.
func answer(ctx context.Context, handle Handler, in wire.Inbound, out *Session) {
	finished := false
	defer func() {
		if finished {
			out.Finish(nil)
			return
		}
		cause := recover() // nil when the goroutine was ended by runtime.Goexit
		out.Log("ERROR", fmt.Sprintf("a request broke down with a %T\n%s", cause, debug.Stack()))
		out.Finish(failure("InvokeServerUnavailableError",
			"the plugin broke down by a fault of its own, which the host's log describes; report it to the plugin's author"))
	}()
	handle(ctx, in, out)
	finished = true
}

// failure is an error with its sentence in both places where Dify looks for it.
func failure(kind, text string) *wire.Error {
	return &wire.Error{Type: kind, Message: text, Args: map[string]any{"description": text}}
}
