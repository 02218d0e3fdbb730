package main

import "sync"

// lazy makes a value when it is first asked for, once.
type lazy[T any] struct {
	make func() (T, error)

	mu    sync.Mutex
	done  bool
	value T
	err   error
}

func (l *lazy[T]) get() (T, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.done {
		l.value, l.err = l.make()
		l.done = true
	}
	return l.value, l.err
}

// made returns the value if it was asked for and could be made.
func (l *lazy[T]) made() (T, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.done && l.err == nil
}
