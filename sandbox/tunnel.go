package sandbox

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// tunnels is the listener of the server inside the tunnels. It hands out the
// connections that the proxy took over and knows all that are still open, those
// that a handler hijacked included.
type tunnels struct {
	queue chan *tls.Conn
	done  chan struct{}
	once  sync.Once

	mu   sync.Mutex
	open map[*tunnelConn]struct{}
}

func newTunnels() *tunnels {
	return &tunnels{
		queue: make(chan *tls.Conn),
		done:  make(chan struct{}),
		open:  make(map[*tunnelConn]struct{}),
	}
}

// put hands a connection to the server, or closes it when that has ended.
func (t *tunnels) put(conn *tls.Conn) {
	select {
	case t.queue <- conn:
	case <-t.done:
		_ = conn.NetConn().Close()
	}
}

// Accept implements [net.Listener]. The connection is a bare *tls.Conn, because
// net/http recognises no other as TLS.
func (t *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-t.queue:
		return conn, nil
	case <-t.done:
		return nil, net.ErrClosed
	}
}

// Close implements [net.Listener].
func (t *tunnels) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

// Addr implements [net.Listener]. Tunnels have no address of their own.
func (t *tunnels) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// track remembers a connection until it is closed.
func (t *tunnels) track(conn net.Conn, host string) *tunnelConn {
	tracked := &tunnelConn{Conn: conn, host: host, tunnels: t}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open[tracked] = struct{}{}
	return tracked
}

// closeConnections closes what is still open.
func (t *tunnels) closeConnections() {
	t.mu.Lock()
	open := make([]*tunnelConn, 0, len(t.open))
	for conn := range t.open {
		open = append(open, conn)
	}
	t.mu.Unlock()
	for _, conn := range open {
		_ = conn.Close()
	}
}

// tunnelConn is the connection below the TLS of a tunnel.
type tunnelConn struct {
	net.Conn
	host    string
	tunnels *tunnels
}

// Close implements [net.Conn].
func (c *tunnelConn) Close() error {
	c.tunnels.mu.Lock()
	delete(c.tunnels.open, c)
	c.tunnels.mu.Unlock()
	return c.Conn.Close()
}

// prefixedConn is a connection of which the first bytes were already read into
// a buffer.
type prefixedConn struct {
	net.Conn
	reader *bufio.Reader
}

// Read implements [net.Conn].
func (c prefixedConn) Read(p []byte) (int, error) { return c.reader.Read(p) }

// tunnelHost is the context key of the host that a tunnel was opened to.
type tunnelHost struct{}

func withTunnelHost(ctx context.Context, conn net.Conn) context.Context {
	secured, ok := conn.(*tls.Conn)
	if !ok {
		return ctx
	}
	tracked, ok := secured.NetConn().(*tunnelConn)
	if !ok {
		return ctx
	}
	return context.WithValue(ctx, tunnelHost{}, tracked.host)
}
