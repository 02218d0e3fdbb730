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

// Session is the way back for one request. It may be used from several goroutines.
type Session struct {
	id      string
	out     lineWriter
	replies *replies

	mu    sync.Mutex // held while a line is written, so that nothing follows the end
	ended bool
}

// ID is the host's name for the session.
func (s *Session) ID() string { return s.id }

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
		_ = s.out.writeLine(wire.ErrorLine(s.id, *failure)) // a host that is gone reads no end either
	}
	_ = s.out.writeLine(wire.EndLine(s.id))
}

// Log writes to the host's log. It belongs to no session on the wire and works also after the end.
func (s *Session) Log(level, message string) {
	_ = s.out.writeLine(wire.LogLine(level, message, time.Now())) // a log line that cannot be written has nowhere to go
}

// Invoke calls back into Dify and yields the answers as they come. An error that Dify reports is yielded as a
// reply. The iteration stops after the first error.
func (s *Session) Invoke(ctx context.Context, kind string, request any) iter.Seq2[wire.Reply, error] {
	return func(yield func(wire.Reply, error) bool) {
		call := s.replies.open(s.id)
		defer s.replies.close(call)
		line, err := wire.InvokeLine(s.id, wire.Invoke{Type: kind, ID: call.id, Request: request})
		if err == nil {
			err = s.Line(line)
		}
		if err != nil {
			yield(wire.Reply{}, err)
			return
		}
		for {
			reply, err := call.next(ctx)
			if err != nil {
				yield(wire.Reply{}, err)
				return
			}
			if reply.Event == wire.ReplyEnd || !yield(reply, nil) {
				return
			}
		}
	}
}
