package fetch

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

const (
	// dialTimeout bounds resolving a name and connecting to it.
	dialTimeout = 10 * time.Second
	// attemptDelay is the head start of one address over the next (RFC 8305).
	attemptDelay = 250 * time.Millisecond
)

// addressCheck returns an error for an address that must not be contacted.
type addressCheck func(addr netip.Addr) error

// connectFunc opens a TCP connection to exactly this address. It calls check
// with the address that the socket is about to connect to.
type connectFunc func(ctx context.Context, to netip.AddrPort, check addressCheck) (net.Conn, error)

// connectTCP is the connectFunc of the real network.
func connectTCP(ctx context.Context, to netip.AddrPort, check addressCheck) (net.Conn, error) {
	dialer := net.Dialer{
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			actual, err := netip.ParseAddrPort(address)
			if err != nil {
				return fmt.Errorf("reading the address of the socket: %w", err)
			}
			return check(actual.Addr())
		},
	}
	return dialer.DialContext(ctx, "tcp", to.String())
}

// dialer resolves names and connects.
type dialer struct {
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	connect connectFunc
}

// lookup returns the addresses of host, which may itself be an address.
func (d dialer) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	answer, err := d.resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	addrs := make([]netip.Addr, len(answer))
	for i, addr := range answer {
		addrs[i] = addr.Unmap() // the resolver may return IPv4 in its IPv6 form
	}
	return addrs, nil
}

// open connects to whatever host resolves to.
func (d dialer) open(ctx context.Context, _, hostport string) (net.Conn, error) {
	return d.dial(ctx, hostport, func(string, uint16, []netip.Addr) error { return nil })
}

// guarded returns a dial function that connects only where p permits.
func (d dialer) guarded(p policy) func(ctx context.Context, network, hostport string) (net.Conn, error) {
	return func(ctx context.Context, _, hostport string) (net.Conn, error) {
		return d.dial(ctx, hostport, p.checkAnswer)
	}
}

// dial resolves once, checks the whole answer, and connects to the addresses
// that it checked, so that a second, different answer has no effect.
func (d dialer) dial(ctx context.Context, hostport string, check func(host string, port uint16, addrs []netip.Addr) error) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	host, service, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	if host, err = canonicalHost(host); err != nil {
		return nil, err
	}
	port, err := parsePort(service)
	if err != nil {
		return nil, err
	}
	addrs, err := d.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	if err := check(host, port, addrs); err != nil {
		return nil, err
	}
	return d.race(ctx, alternate(addrs), port, func(addr netip.Addr) error {
		return check(host, port, []netip.Addr{addr})
	})
}

// attempt is the outcome of one connection attempt of a race.
type attempt struct {
	conn net.Conn
	err  error
}

// race tries the addresses in order, each a moment after the one before or as
// soon as that one failed, and returns the first connection. Its error is that
// of the first address that failed.
func (d dialer) race(ctx context.Context, addrs []netip.Addr, port uint16, check addressCheck) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes := make(chan attempt)
	start := func(addr netip.Addr) {
		conn, err := d.connect(ctx, netip.AddrPortFrom(addr, port), check)
		select {
		case outcomes <- attempt{conn, err}:
		case <-ctx.Done():
			if conn != nil {
				conn.Close() // somebody else won
			}
		}
	}
	next := time.NewTimer(0)
	defer next.Stop()
	var firstErr error
	started, finished := 0, 0
	for {
		select {
		case <-next.C:
			if started < len(addrs) {
				go start(addrs[started])
				started++
				next.Reset(attemptDelay)
			}
		case outcome := <-outcomes:
			if outcome.err == nil {
				return outcome.conn, nil
			}
			finished++
			if firstErr == nil {
				firstErr = outcome.err
			}
			if finished == len(addrs) {
				return nil, firstErr
			}
			next.Reset(0)
		case <-ctx.Done():
			if firstErr != nil {
				return nil, firstErr
			}
			return nil, ctx.Err()
		}
	}
}

// alternate mixes the address families, keeping the order within each, so that
// a broken IPv6 route costs one head start and not one per address.
func alternate(addrs []netip.Addr) []netip.Addr {
	var first, second []netip.Addr
	for _, addr := range addrs {
		if addr.Is4() == addrs[0].Is4() {
			first = append(first, addr)
		} else {
			second = append(second, addr)
		}
	}
	mixed := make([]netip.Addr, 0, len(addrs))
	for i := range max(len(first), len(second)) {
		if i < len(first) {
			mixed = append(mixed, first[i])
		}
		if i < len(second) {
			mixed = append(mixed, second[i])
		}
	}
	return mixed
}
