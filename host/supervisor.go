package host

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"time"
)

// Supervisor keeps a plugin running: when its process ends, another one is started. Calls that are under way then
// fail; calls that come meanwhile wait for the new process, up to Options.RestartWait.
type Supervisor struct {
	Actions

	opts   Options
	start  func(ctx context.Context) (plugin, error)
	ctx    context.Context // ends with Close
	stop   context.CancelFunc
	closed func() error
	done   chan struct{} // closed when the loop has ended

	mu      sync.Mutex
	current plugin        // nil while there is none
	changed chan struct{} // closed and replaced when current changes
	last    error         // why there is none
}

// plugin is what a Supervisor supervises.
type plugin interface {
	Call(ctx context.Context, req Request) iter.Seq2[Message, error]
	Done() <-chan struct{}
	Close() error
}

// Pauses between attempts to start a process that ends before it is ready. Each is twice the one before.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 30 * time.Second
)

// Supervise starts a plugin like [Start] and keeps it running until Close. A first start that fails is an error.
func Supervise(ctx context.Context, command Command, opts Options) (*Supervisor, error) {
	return supervise(ctx, opts, func(ctx context.Context) (plugin, error) {
		p, err := Start(ctx, command, opts)
		if err != nil {
			return nil, err // not p: a nil *Process is not a nil plugin
		}
		return p, nil
	})
}

func supervise(ctx context.Context, opts Options, start func(context.Context) (plugin, error)) (*Supervisor, error) {
	first, err := start(ctx)
	if err != nil {
		return nil, err
	}
	s := &Supervisor{
		opts: opts.withDefaults(), start: start, current: first,
		changed: make(chan struct{}), done: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.Actions = Actions{s.Call}
	s.closed = sync.OnceValue(s.close)
	go s.run(first)
	return s, nil
}

// run replaces one process after the other.
func (s *Supervisor) run(p plugin) {
	defer close(s.done)
	for p != nil {
		select {
		case <-s.ctx.Done():
			return
		case <-p.Done():
		}
		reason := p.Close()
		s.set(nil, reason)
		if s.opts.OnRestart != nil {
			s.opts.OnRestart(reason)
		}
		p = s.restart()
	}
}

// restart tries until a process is ready, or Close is called; then it returns nil.
func (s *Supervisor) restart() plugin {
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		p, err := s.start(s.ctx)
		if err == nil {
			s.set(p, nil)
			return p
		}
		s.set(nil, err)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

func (s *Supervisor) set(p plugin, reason error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.current, s.last = p, reason
	close(s.changed)
	s.changed = make(chan struct{})
}

// Call is like [Conn.Call]. A call that reached no process is made again with the next one; a call that a process has
// received is never made twice.
func (s *Supervisor) Call(ctx context.Context, req Request) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		wait, cancel := context.WithTimeout(ctx, s.opts.RestartWait)
		defer cancel()
		var tried plugin
		for {
			p, err := s.running(wait, tried)
			if err != nil {
				yield(Message{}, fmt.Errorf("call %s: %w", req.Action, err))
				return
			}
			if s.try(ctx, p, req, yield) {
				return
			}
			tried = p
		}
	}
}

// try makes a call. It returns false when the process was gone before it could receive the call.
func (s *Supervisor) try(ctx context.Context, p plugin, req Request, yield func(Message, error) bool) (made bool) {
	for m, err := range p.Call(ctx, req) {
		var again undelivered
		if errors.As(err, &again) && s.ctx.Err() == nil {
			return false
		}
		if !yield(m, err) {
			return true
		}
	}
	return true
}

// running waits for a process other than the one that was tried.
func (s *Supervisor) running(ctx context.Context, tried plugin) (plugin, error) {
	for {
		s.mu.Lock()
		p, changed, last := s.current, s.changed, s.last
		s.mu.Unlock()
		if s.ctx.Err() != nil {
			return nil, ErrClosed
		}
		if p != nil && p != tried {
			return p, nil
		}
		select {
		case <-changed:
		case <-s.ctx.Done():
		case <-ctx.Done():
			if last != nil {
				return nil, fmt.Errorf("no process of the plugin is running: %w", last)
			}
			return nil, context.Cause(ctx)
		}
	}
}

// Close stops supervising and closes the process, see [Conn.Close].
func (s *Supervisor) Close() error { return s.closed() }

func (s *Supervisor) close() error {
	s.stop()
	<-s.done
	s.mu.Lock()
	p := s.current
	s.current = nil
	s.mu.Unlock()
	if p == nil {
		return nil
	}
	return p.Close()
}
