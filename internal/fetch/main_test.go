package fetch

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// network is an internet of one machine: it has its own DNS, and every address
// leads to the server at backend. It records the addresses that were dialled.
type network struct {
	mu      sync.Mutex
	names   map[string][][]string // answers to successive lookups; the last one repeats
	backend string                // host:port on loopback
	lookups []string
	dialled []netip.AddrPort
}

func (n *network) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lookups = append(n.lookups, host)
	answers := n.names[host]
	if len(answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if len(answers) > 1 {
		n.names[host] = answers[1:]
	}
	var addrs []netip.Addr
	for _, s := range answers[0] {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	return addrs, nil
}

func (n *network) connect(ctx context.Context, to netip.AddrPort, _ addressCheck) (net.Conn, error) {
	n.mu.Lock()
	n.dialled = append(n.dialled, to)
	n.mu.Unlock()
	if n.backend == "" {
		return nil, errors.New("nobody listens there")
	}
	return new(net.Dialer).DialContext(ctx, "tcp", n.backend)
}

func (n *network) dials() []netip.AddrPort {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.dialled)
}

// client returns a client on this network.
func (n *network) client(t testing.TB, cfg Config) *Client {
	t.Helper()
	cfg.Resolver = n.resolve
	c, err := newClient(cfg, n.connect)
	if err != nil {
		t.Fatalf("newClient: %v", err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// realClient returns a client on the real network of this machine.
func realClient(t testing.TB, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

// serve starts a plain HTTP server on loopback.
func serve(t testing.TB, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(handler)
	t.Cleanup(srv.Close)
	return srv
}

// serveTLS starts an HTTPS server for the given names and returns it with the
// file of the certificate that signs for it.
func serveTLS(t testing.TB, handler http.HandlerFunc, names ...string) (srv *httptest.Server, certFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: names, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // the clock of synctest starts in 2000
		NotAfter:  time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	srv = httptest.NewUnstartedServer(handler)
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return srv, certFile
}

func reply(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
}

// wantKind fails the test unless err is an *Error of this kind, and returns it.
func wantKind(t testing.TB, err error, kind Kind) *Error {
	t.Helper()
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("error is %T (%v), want *Error of kind %q", err, err, kind)
	}
	if failed.Kind != kind {
		t.Fatalf("kind of %q is %q, want %q", failed, failed.Kind, kind)
	}
	return failed
}

// getAll downloads url and reads it to the end.
func getAll(t testing.TB, c *Client, url string, limit int64) (*Response, string, error) {
	t.Helper()
	resp, err := c.Get(t.Context(), url, limit)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp, string(content), err
}
