package browser

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// idleTime is how long a connection is kept that nobody uses.
	idleTime = 3 * time.Minute
	// maxConnections bounds how many there are at once. The one that was not used for the longest time makes room.
	maxConnections = 128
	// probing bounds the question whether a connection that was kept still works.
	probing = 5 * time.Second
)

var (
	errExpired = errors.New("the session has reached its time limit")
	errIdle    = errors.New("nobody uses the connection")
	errEnded   = errors.New("the plugin is ending")
)

// connections are the connections to browsers that are in use, or were a short while ago.
type connections struct {
	idle, dialing time.Duration

	mu      sync.Mutex
	entries map[connectionID]*connection
}

// connectionID stands for the whole credentials, the region and the session. It can be made by whoever has them all,
// and nothing can be read back from it.
type connectionID [32]byte

// connectionKey is what a connection belongs to.
func connectionKey(acct *account.Account, id string) connectionID {
	return connectionID(acct.Key("browser session", id))
}

// connection is a place for the connection to one browser.
type connection struct {
	turn chan struct{} // holds one token; who has it uses the browser
	// The rest needs the lock of connections.
	tab    *tab
	users  int
	used   time.Time
	idle   *time.Timer
	expiry *time.Timer
}

func newConnections() *connections {
	return &connections{idle: idleTime, dialing: dialing, entries: map[connectionID]*connection{}}
}

// dialer finds a browser and connects to it. It returns when the session ends, or the zero time.
type dialer func(ctx context.Context) (*tab, time.Time, error)

// use calls a function with the browser of a session, which no other call uses at the same time. A connection that was
// kept and does not work any more is replaced once, before anything is done with it.
func (c *connections) use(ctx context.Context, key connectionID, dial dialer, do func(*tab) error) error {
	entry, err := c.enter(key)
	if err != nil {
		return err
	}
	defer c.leave(key, entry)
	select {
	case <-entry.turn:
		defer func() { entry.turn <- struct{}{} }()
	case <-ctx.Done():
		return plugin.Errorf(plugin.Unavailable, "another call has used the browser of this session for all of the time that Dify gives a tool: try again")
	}
	kept := c.kept(ctx, entry)
	if kept == nil {
		if kept, err = c.dial(ctx, key, entry, dial); err != nil {
			return err
		}
	}
	return do(kept)
}

// kept returns the tab of an entry, if it is there and answers.
func (c *connections) kept(ctx context.Context, entry *connection) *tab {
	c.mu.Lock()
	kept := entry.tab
	c.mu.Unlock()
	if kept == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, probing)
	defer cancel()
	if err := kept.probe(ctx); err != nil {
		kept.end(err)
		return nil
	}
	return kept
}

// dial connects, and arranges for the end.
func (c *connections) dial(ctx context.Context, key connectionID, entry *connection, dial dialer) (*tab, error) {
	ctx, cancel := context.WithTimeout(ctx, c.dialing)
	defer cancel()
	made, expires, err := dial(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries[key] != entry { // the session was closed in the meantime
		made.end(errClosed)
		return nil, gone(errClosed)
	}
	entry.tab = made
	if entry.expiry != nil {
		entry.expiry.Stop()
		entry.expiry = nil
	}
	if !expires.IsZero() {
		entry.expiry = time.AfterFunc(time.Until(expires), func() { c.drop(key, errExpired) })
	}
	made.whenGone(func() { c.forget(key, entry, made) })
	return made, nil
}

// enter finds or makes an entry and counts the caller as its user.
func (c *connections) enter(key connectionID) (*connection, error) {
	var replaced *tab
	defer func() {
		if replaced != nil {
			replaced.end(errIdle) // without the lock, which its end takes
		}
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	entry, ok := c.entries[key]
	if !ok {
		var room bool
		if replaced, room = c.makeRoom(); !room {
			return nil, plugin.Errorf(plugin.RateLimit, "%d browser sessions are being used at once, which is as many as one process takes: try again in a minute", maxConnections)
		}
		entry = &connection{turn: make(chan struct{}, 1)}
		entry.turn <- struct{}{}
		c.entries[key] = entry
	}
	if entry.idle != nil {
		entry.idle.Stop()
		entry.idle = nil
	}
	entry.users++
	return entry, nil
}

// leave counts a user less. After the last one the connection is kept for a while, if there is one.
func (c *connections) leave(key connectionID, entry *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	entry.users--
	entry.used = time.Now()
	if entry.users > 0 || c.entries[key] != entry {
		return
	}
	if entry.tab == nil || entry.tab.isGone() {
		c.removeLocked(key, entry)
		return
	}
	entry.idle = time.AfterFunc(c.idle, func() { c.dropUnused(key, entry) })
}

// makeRoom reports whether there is room for one more, and returns the tab that has to end for it. It needs the lock.
func (c *connections) makeRoom() (replaced *tab, room bool) {
	if len(c.entries) < maxConnections {
		return nil, true
	}
	var oldestKey connectionID
	var oldest *connection
	for key, entry := range c.entries {
		if entry.users == 0 && (oldest == nil || entry.used.Before(oldest.used)) {
			oldestKey, oldest = key, entry
		}
	}
	if oldest == nil {
		return nil, false
	}
	c.removeLocked(oldestKey, oldest)
	return oldest.tab, true
}

// drop closes the connection of a key, whoever uses it.
func (c *connections) drop(key connectionID, why error) {
	c.mu.Lock()
	entry := c.entries[key]
	var kept *tab
	if entry != nil {
		kept = entry.tab
		c.removeLocked(key, entry)
	}
	c.mu.Unlock()
	if kept != nil {
		kept.end(why)
	}
}

// dropUnused closes a connection, unless somebody has come.
func (c *connections) dropUnused(key connectionID, entry *connection) {
	c.mu.Lock()
	var kept *tab
	if c.entries[key] == entry && entry.users == 0 {
		kept = entry.tab
		c.removeLocked(key, entry)
	}
	c.mu.Unlock()
	if kept != nil {
		kept.end(errIdle)
	}
}

// forget removes an entry whose connection has ended by itself.
func (c *connections) forget(key connectionID, entry *connection, ended *tab) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry.tab != ended {
		return
	}
	entry.tab = nil
	if entry.users == 0 && c.entries[key] == entry {
		c.removeLocked(key, entry)
	}
}

// removeLocked needs the lock.
func (c *connections) removeLocked(key connectionID, entry *connection) {
	for _, timer := range []*time.Timer{entry.idle, entry.expiry} {
		if timer != nil {
			timer.Stop()
		}
	}
	if c.entries[key] == entry {
		delete(c.entries, key)
	}
}

func (c *connections) close() {
	c.mu.Lock()
	keys := make([]connectionID, 0, len(c.entries))
	for key := range c.entries {
		keys = append(keys, key)
	}
	c.mu.Unlock()
	for _, key := range keys {
		c.drop(key, errEnded)
	}
}

func (c *connections) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.entries)
}
