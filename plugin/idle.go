package plugin

import (
	"runtime/debug"
	"sync"
	"time"
)

const (
	// idleAfter is how long no call runs before a process gives its memory back.
	idleAfter = 10 * time.Second
	// againAfter is how much later it does so once more: connections that nobody uses close after 30 s, and what they
	// held can only go then.
	againAfter = 25 * time.Second
)

// idle notices when a plugin has nothing to do. What finished calls left behind, user data among it, is then
// collected at once and the memory goes back to the operating system, instead of at some later collection that an
// idle process may never reach.
type idle struct {
	mu      sync.Mutex
	running int
	timer   *time.Timer
}

func (i *idle) enter() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.running++
	i.stopTimer()
}

func (i *idle) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running--; i.running == 0 {
		i.timer = time.AfterFunc(idleAfter, i.collect)
	}
}

func (i *idle) collect() {
	debug.FreeOSMemory()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.timer != nil && i.running == 0 {
		i.stopTimer() // of a call that came and went during the collection
		i.timer = time.AfterFunc(againAfter, debug.FreeOSMemory)
	}
}

func (i *idle) stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopTimer()
}

func (i *idle) stopTimer() {
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
}
