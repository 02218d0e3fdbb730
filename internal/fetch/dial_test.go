package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestASecondDNSAnswerCannotSlipThrough(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close") // so that the next request dials again
		io.WriteString(w, "ok")
	})
	n := &network{
		names:   map[string][][]string{"rebind.test": {{"93.184.216.34"}, {"127.0.0.1"}}},
		backend: srv.Listener.Addr().String(),
	}
	c := n.client(t, Config{})
	if _, got, err := getAll(t, c, "http://rebind.test/", 10); err != nil || got != "ok" {
		t.Fatalf("first download: %q, %v", got, err)
	}
	if diff := cmp.Diff([]string{"rebind.test"}, n.lookups); diff != "" {
		t.Errorf("one connection must resolve once, because a second answer may differ: %s", diff)
	}
	_, err := c.Get(t.Context(), "http://rebind.test/", 10)
	wantKind(t, err, Refused)
	want := []netip.AddrPort{netip.MustParseAddrPort("93.184.216.34:80")}
	if diff := cmp.Diff(want, n.dials(), cmp.Comparer(func(a, b netip.AddrPort) bool { return a == b })); diff != "" {
		t.Errorf("dialled: %s", diff)
	}
}

func TestTheSocketChecksItsOwnAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	to := netip.MustParseAddrPort(listener.Addr().String())
	refusal := errors.New("not this one")
	var seen netip.Addr
	conn, err := connectTCP(t.Context(), to, func(addr netip.Addr) error { seen = addr; return refusal })
	if conn != nil || !errors.Is(err, refusal) {
		t.Errorf("connectTCP = %v, %v, want the refusal", conn, err)
	}
	if seen != to.Addr() {
		t.Errorf("checked %v, want %v", seen, to.Addr())
	}
}

func TestTheCheckOfTheSocketIsThatOfThePolicy(t *testing.T) {
	p := policy{fetchAllowSetting, nil, specialPurpose()}
	d := dialer{
		resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
		},
		connect: func(_ context.Context, _ netip.AddrPort, check addressCheck) (net.Conn, error) {
			return nil, check(netip.MustParseAddr("127.0.0.1")) // a socket that went astray
		},
	}
	_, err := d.guarded(p)(t.Context(), "tcp", "a.test:80")
	wantKind(t, err, Refused)
}

func TestOneRefusedAddressRefusesTheHost(t *testing.T) {
	n := &network{names: map[string][][]string{"mixed.test": {{"93.184.216.34", "10.0.0.1"}}}}
	_, err := n.client(t, Config{}).Get(t.Context(), "http://mixed.test/", 1)
	if failed := wantKind(t, err, Refused); failed.Address != netip.MustParseAddr("10.0.0.1") || failed.Host != "mixed.test" {
		t.Errorf("refused %s at %s", failed.Host, failed.Address)
	}
	if dials := n.dials(); len(dials) > 0 {
		t.Errorf("dialled %v", dials)
	}
}

func TestIPv4AnswersInIPv6FormAreIPv4(t *testing.T) {
	srv := serve(t, reply("ok"))
	n := &network{
		names:   map[string][][]string{"a.test": {{"::ffff:93.184.216.34"}}, "b.test": {{"::ffff:10.0.0.1"}}},
		backend: srv.Listener.Addr().String(),
	}
	c := n.client(t, Config{})
	if _, got, err := getAll(t, c, "http://a.test/", 10); err != nil || got != "ok" {
		t.Errorf("a public address: %q, %v", got, err)
	}
	_, err := c.Get(t.Context(), "http://b.test/", 10)
	wantKind(t, err, Refused)
}

func TestListedHostsAreReached(t *testing.T) {
	srv := serve(t, reply("ok"))
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	for _, allow := range []string{"127.0.0.1", "127.0.0.0/8", "127.0.0.1:" + port, "localhost,127.0.0.1"} {
		if _, got, err := getAll(t, realClient(t, Config{FetchAllow: allow}), srv.URL, 10); err != nil || got != "ok" {
			t.Errorf("with %q: %q, %v", allow, got, err)
		}
	}
	for _, allow := range []string{"", "127.0.0.1:1", "localhost", "127.0.0.2"} {
		_, err := realClient(t, Config{FetchAllow: allow}).Get(t.Context(), srv.URL, 10)
		wantKind(t, err, Refused)
	}
}

// refusedPrefixes repeats the rule as data of its own: what must never be
// dialled unless it is listed.
func refusedPrefixes() []netip.Prefix {
	var prefixes []netip.Prefix
	for s := range strings.FieldsSeq(`
		0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16
		198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32
		::/96 64:ff9b::/96 64:ff9b:1::/48 2001::/32 2001:db8::/32 2002::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8`) {
		prefixes = append(prefixes, netip.MustParsePrefix(s))
	}
	return prefixes
}

// addressIn draws an address of the prefix.
func addressIn(t *rapid.T, prefix netip.Prefix) netip.Addr {
	raw := prefix.Addr().AsSlice()
	for i, host := range rapid.SliceOfN(rapid.Byte(), len(raw), len(raw)).Draw(t, "bytes") {
		switch kept := prefix.Bits() - 8*i; {
		case kept <= 0:
			raw[i] = host
		case kept < 8:
			raw[i] |= host & (0xff >> kept)
		}
	}
	addr, _ := netip.AddrFromSlice(raw)
	return addr
}

func TestNoRefusedAddressIsEverDialled(t *testing.T) {
	prefixes := refusedPrefixes()
	proxies := []string{"", "http://127.0.0.1:1"}
	rapid.Check(t, func(rt *rapid.T) {
		inside := addressIn(rt, rapid.SampledFrom(prefixes).Draw(rt, "prefix"))
		if rapid.Bool().Draw(rt, "mapped") && inside.Is4() {
			inside = netip.AddrFrom16(inside.As16())
		}
		n := &network{names: map[string][][]string{"first.test": {{"93.184.216.34", inside.String()}}, "only.test": {{inside.String()}}}}
		cfg := Config{Resolver: n.resolve}
		cfg.Proxy.HTTPProxy = rapid.SampledFrom(proxies).Draw(rt, "proxy")
		c, err := newClient(cfg, n.connect)
		if err != nil {
			rt.Fatal(err)
		}
		url := rapid.SampledFrom([]string{
			"http://" + net.JoinHostPort(inside.String(), "80") + "/", "http://first.test/", "http://only.test/",
		}).Draw(rt, "url")
		_, err = c.Get(t.Context(), url, 1)
		if failed, ok := errors.AsType[*Error](err); !ok || failed.Kind != Refused && failed.Kind != Invalid {
			rt.Errorf("%s at %s: %v, want a refusal", url, inside, err)
		}
		if dials := n.dials(); len(dials) > 0 {
			rt.Errorf("%s at %s: dialled %v", url, inside, dials)
		}
	})
}

func TestASlowAddressGivesTheNextOneItsChance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lost atomic.Int32
		d := dialer{
			resolve: func(context.Context, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr("2606:4700::1"), netip.MustParseAddr("2606:4700::2"), netip.MustParseAddr("93.184.216.34")}, nil
			},
			connect: func(ctx context.Context, to netip.AddrPort, _ addressCheck) (net.Conn, error) {
				if to.Addr().Is4() {
					conn, _ := net.Pipe()
					return conn, nil
				}
				<-ctx.Done()
				lost.Add(1)
				return nil, ctx.Err()
			},
		}
		start := time.Now()
		conn, err := d.open(t.Context(), "tcp", "a.test:80")
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		synctest.Wait()
		if took := time.Since(start); took != attemptDelay || lost.Load() != 1 {
			t.Errorf("connected after %s with %d attempts given up, want %s and 1", took, lost.Load(), attemptDelay)
		}
	})
}

func TestAConnectionThatComesSecondIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late, lateEnd := net.Pipe()
		d := dialer{connect: func(ctx context.Context, to netip.AddrPort, _ addressCheck) (net.Conn, error) {
			if to.Addr().Is4() {
				winner, _ := net.Pipe()
				return winner, nil
			}
			<-ctx.Done()
			return late, nil
		}}
		conn, err := d.race(t.Context(), []netip.Addr{netip.IPv6Loopback(), netip.IPv4Unspecified()}, 80, nil)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if _, err := lateEnd.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("the late connection is still open: %v", err)
		}
	})
}

func TestAFailedAddressIsFollowedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &network{names: map[string][][]string{"a.test": {{"93.184.216.34", "93.184.216.35", "2606:4700::1"}}}}
		start := time.Now()
		_, err := dialer{n.resolve, n.connect}.open(t.Context(), "tcp", "a.test:80")
		if err == nil || time.Since(start) != 0 || len(n.dials()) != 3 {
			t.Errorf("error %v after %s and %v", err, time.Since(start), n.dials())
		}
		if want := netip.MustParseAddrPort("[2606:4700::1]:80"); n.dials()[1] != want {
			t.Errorf("the second address tried is %s, want the other family's %s", n.dials()[1], want)
		}
	})
}

func TestConnectingEndsAfterTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ netip.AddrPort, _ addressCheck) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		n := &network{names: map[string][][]string{"a.test": {{"93.184.216.34"}}}}
		c, err := newClient(Config{Resolver: n.resolve}, hang)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err = c.Get(t.Context(), "https://a.test/", 1)
		wantKind(t, err, Timeout)
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("gave up after %s, want 10s", took)
		}
	})
}
