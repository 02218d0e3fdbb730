package transport

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"iter"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// replies sorts Dify's answers to the calls that wait for them.
type replies struct {
	mu    sync.Mutex
	calls map[string]*pendingCall
}

func newReplies() *replies { return &replies{calls: map[string]*pendingCall{}} }

// pendingCall is a call back into Dify. Its queue has no bound: the goroutine that reads the host's lines must
// never wait for a tool.
type pendingCall struct {
	id, session string

	mu    sync.Mutex
	queue []wire.Reply
	more  chan struct{} // holds one token while the queue may have something
}

// backcall implements [backcaller] for streams that carry requests and replies both.
func (r *replies) backcall(ctx context.Context, s *Session, id string, line []byte) iter.Seq2[wire.Reply, error] {
	return func(yield func(wire.Reply, error) bool) {
		call := r.open(s.id, id)
		defer r.close(call)
		if err := s.Line(line); err != nil {
			yield(wire.Reply{}, err)
			return
		}
		for {
			reply, err := call.next(ctx)
			if !yield(reply, err) || err != nil {
				return
			}
		}
	}
}

func (r *replies) open(session, id string) *pendingCall {
	call := &pendingCall{id: id, session: session, more: make(chan struct{}, 1)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[call.id] = call
	return call
}

func (r *replies) close(call *pendingCall) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.calls, call.id)
}

// deliver hands a reply to its call. Replies that nobody waits for, or that come from another session, are dropped.
func (r *replies) deliver(session string, reply wire.Reply) {
	r.mu.Lock()
	call := r.calls[reply.ID]
	r.mu.Unlock()
	if call == nil || call.session != session {
		return
	}
	call.mu.Lock()
	call.queue = append(call.queue, reply)
	call.mu.Unlock()
	select {
	case call.more <- struct{}{}:
	default:
	}
}

// next waits for the next reply. Each one restarts the time limit.
func (c *pendingCall) next(ctx context.Context) (wire.Reply, error) {
	limit := time.NewTimer(InvokeTimeout)
	defer limit.Stop()
	for {
		if reply, ok := c.take(); ok {
			return reply, nil
		}
		select {
		case <-c.more:
		case <-limit.C:
			return wire.Reply{}, ErrNoAnswer
		case <-ctx.Done():
			return wire.Reply{}, context.Cause(ctx)
		}
	}
}

func (c *pendingCall) take() (wire.Reply, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.queue) == 0 {
		return wire.Reply{}, false
	}
	reply := c.queue[0]
	c.queue = c.queue[1:]
	return reply, true
}

func newCallID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand.Read never fails
	return hex.EncodeToString(id[:])
}
