package host

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// session is one call to the plugin.
type session struct {
	conn    *Conn
	id      string
	request Request
	box     *mailbox
	files   assembler

	ctx       context.Context // the call's own, with its time limit
	cancel    context.CancelFunc
	calls     context.Context // of the calls back into Dify: ends with the session
	stopCalls context.CancelFunc
}

// Call makes a call of any action and yields its results as they come. The iteration ends after the first error.
// Ranging over it again makes the call again. Whoever stops early abandons the call; the plugin is not told.
//
// An error is a [*PluginError] when the plugin reports one, a [*Violation] when it breaks the protocol, an
// [*ExitError] when its process is gone, [ErrTimeout] or the context's own.
func (c *Conn) Call(ctx context.Context, req Request) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		s, err := c.open(ctx, req)
		if err != nil {
			yield(Message{}, err)
			return
		}
		defer s.close()
		for {
			m, more, err := s.next()
			if err != nil {
				yield(Message{}, err)
				return
			}
			if !more || !yield(m, nil) {
				return
			}
		}
	}
}

func (c *Conn) open(ctx context.Context, req Request) (*session, error) {
	if err := req.check(); err != nil {
		return nil, err
	}
	s := &session{
		conn: c, id: newUUID(), request: req,
		box:   newMailbox(c.queueLimit(req.Action)),
		files: assembler{maxFile: c.opts.MaxFile, maxChunk: c.opts.MaxChunk},
	}
	line, err := req.line(s.id)
	if err != nil {
		return nil, err
	}
	s.ctx, s.cancel = context.WithTimeoutCause(ctx, c.opts.ExecutionTimeout, ErrTimeout)
	s.calls, s.stopCalls = context.WithCancel(s.ctx)
	if err := c.register(s); err != nil {
		s.cancel()
		return nil, fmt.Errorf("call %s: %w", req.Action, err)
	}
	if err := c.send(s.ctx, line); err != nil {
		s.close()
		return nil, fmt.Errorf("call %s: %w", req.Action, err)
	}
	return s, nil
}

func (c *Conn) queueLimit(action string) int {
	switch {
	case !c.opts.HeadOfLine:
		return 0
	case action == wire.ActionInvokeTool:
		return 1024
	default:
		return 1
	}
}

func (c *Conn) register(s *session) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.sessions == nil:
		return undelivered{c.err}
	case c.closing:
		return ErrClosed
	}
	c.sessions[s.id] = s
	return nil
}

// put hands an item to the caller, or drops it when the caller is gone.
func (s *session) put(it item) { s.box.put(it, s.ctx.Done(), s.conn.killed) }

// close ends a call for its caller. A session that the plugin has not ended is abandoned.
func (s *session) close() {
	c := s.conn
	c.mu.Lock()
	if c.sessions[s.id] == s {
		delete(c.sessions, s.id)
		c.past.put(s.id, sessionAbandoned)
	}
	c.mu.Unlock()
	s.stopCalls()
	s.cancel()
}

// next waits for the next message. More is false at the end.
func (s *session) next() (m Message, more bool, err error) {
	for {
		it, err := s.wait()
		switch {
		case err != nil:
			return Message{}, false, err
		case it.gone:
			s.conn.violate(KindMissingEnd, s.id, "the plugin was gone before the session's end")
			return Message{}, false, it.err
		case it.err != nil:
			return Message{}, false, it.err
		case it.end:
			return Message{}, false, s.atEnd()
		}
		m, complete, err := s.decode(it.payload)
		if err != nil {
			return Message{}, false, fmt.Errorf("call %s: %w", s.request.Action, err)
		}
		if complete {
			return m, true, nil
		}
	}
}

func (s *session) wait() (item, error) {
	for {
		if err := context.Cause(s.ctx); err != nil {
			return item{}, s.expired(err)
		}
		if it, ok := s.box.take(); ok {
			return it, nil
		}
		select {
		case <-s.box.ready:
		case <-s.ctx.Done():
		}
	}
}

// expired describes the end of a call's context.
func (s *session) expired(cause error) error {
	if errors.Is(cause, ErrTimeout) {
		s.conn.violate(KindMissingEnd, s.id, "the session had no end after %v", s.conn.opts.ExecutionTimeout)
		return fmt.Errorf("call %s: no end after %v: %w", s.request.Action, s.conn.opts.ExecutionTimeout, cause)
	}
	return fmt.Errorf("call %s: %w", s.request.Action, cause)
}

// atEnd finds what must not be left open at the end of a session.
func (s *session) atEnd() error {
	if ids := s.files.incomplete(); len(ids) > 0 {
		return s.violate(KindChunk, "the session ended before the last chunk of %d file(s): %q", len(ids), ids)
	}
	return nil
}

// decode reads a result as the daemon and Dify read it. Complete is false for a piece of a file that goes on.
func (s *session) decode(payload []byte) (m Message, complete bool, err error) {
	if !answersWithMessages(s.request.Action) {
		if err := checkAnswer(s.request.Action, payload); err != nil {
			return Message{}, false, s.violate(KindPayload, "%v", err)
		}
		return Message{Body: payload}, true, nil
	}
	m, err = decodeMessage(payload)
	if err != nil {
		return Message{}, false, s.violate(KindPayload, "%v", err)
	}
	if m.Type == wire.MessageBlobChunk {
		return s.assemble(m)
	}
	return s.attach(m)
}

// assemble adds a chunk to its file. The last chunk turns into a blob message with the whole file.
func (s *session) assemble(m Message) (Message, bool, error) {
	if s.request.Type == wire.TypeDatasource {
		return Message{}, false, s.violate(KindChunk, "a data source sent a file in chunks, which Dify puts together for tools only: send one blob message, or upload the file and send a link")
	}
	chunk, err := decodeChunk(m.Body)
	if err != nil {
		return Message{}, false, s.violate(KindPayload, "%v", err)
	}
	data, disorder, err := s.files.add(chunk)
	if err != nil {
		return Message{}, false, s.violate(KindChunk, "%v", err)
	}
	if disorder != "" {
		if err := s.tolerate(KindChunkOrder, "%s", disorder); err != nil {
			return Message{}, false, err
		}
	}
	if !chunk.End {
		return Message{}, false, nil
	}
	return s.describe(Message{Type: wire.MessageBlob, Meta: m.Meta, File: fileInMemory(data)})
}

// violate records a violation that fails the call.
func (s *session) violate(kind Kind, format string, args ...any) error {
	return s.conn.violate(kind, s.id, format, args...)
}

// tolerate records a violation that fails the call in strict mode only.
func (s *session) tolerate(kind Kind, format string, args ...any) error {
	v := s.conn.violate(kind, s.id, format, args...)
	if s.conn.opts.Strict {
		return v
	}
	return nil
}

// sessionState is what became of a session that is no longer open.
type sessionState int

const (
	sessionEnded     sessionState = iota // it had its end
	sessionFailed                        // it had its error; its end is due
	sessionAbandoned                     // its caller is gone; what the plugin still sends is nobody's fault
)

// pastSessions remembers the last sessions that were open, to tell a late message from a wrong one.
type pastSessions struct {
	states map[string]sessionState
	order  []string // oldest first
}

const maxPastSessions = 4096

func (p *pastSessions) put(id string, state sessionState) {
	if p.states == nil {
		p.states = map[string]sessionState{}
	}
	if _, known := p.states[id]; !known {
		p.order = append(p.order, id)
	}
	p.states[id] = state
	if len(p.order) > maxPastSessions {
		delete(p.states, p.order[0])
		p.order = p.order[1:]
	}
}

func (p *pastSessions) state(id string) (sessionState, bool) {
	state, ok := p.states[id]
	return state, ok
}

// withoutEnd returns the sessions whose error was not followed by an end.
func (p *pastSessions) withoutEnd() []string {
	var ids []string
	for _, id := range p.order {
		if p.states[id] == sessionFailed {
			ids = append(ids, id)
		}
	}
	return ids
}
