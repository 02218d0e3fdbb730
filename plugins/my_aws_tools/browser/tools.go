package browser

import "time"

const (
	// navigation is how long a page may take until its document is complete.
	navigation = 30 * time.Second
	// scripting is how long a script of a user's may run.
	scripting = 60 * time.Second
	// reading is how long one look at the page may take.
	reading = 30 * time.Second
	// dialing bounds finding a browser and connecting to it.
	dialing = 30 * time.Second
)

// Tools are the two tools, with the connections that they share. The methods may be called from any goroutine.
type Tools struct {
	connections *connections
	// navigation and scripting are the constants of those names, but for tests.
	navigation, scripting time.Duration
}

// Option changes how [New] makes the tools.
type Option func(*Tools)

// Patience sets how long a page may take to load and a script to run; the defaults are 30 and 60 seconds. A connection
// may take 30 seconds to open, or as long as a page if that is longer.
func Patience(load, script time.Duration) Option {
	return func(t *Tools) {
		t.navigation, t.scripting = load, script
		t.connections.dialing = max(dialing, load)
	}
}

// Idle sets for how long a connection is kept that nobody uses; the default is 3 minutes.
func Idle(d time.Duration) Option { return func(t *Tools) { t.connections.idle = d } }

// New makes the tools. They keep connections for minutes; make them once for the life of a process.
func New(opts ...Option) *Tools {
	t := &Tools{connections: newConnections(), navigation: navigation, scripting: scripting}
	for _, opt := range opts {
		opt(t)
	}
	return t
}

// Close closes all connections. The sessions go on.
func (t *Tools) Close() { t.connections.close() }

// Connections is how many connections are open now.
func (t *Tools) Connections() int { return t.connections.count() }
