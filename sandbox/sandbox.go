package sandbox

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// headerTimeout bounds how long a client may take for a TLS handshake or for
// the headers of one request. It only ends clients that hang.
const headerTimeout = 30 * time.Second

// Sandbox is a running proxy. Its methods may be called from any goroutine.
type Sandbox struct {
	authority *authority
	routes    *routes
	recorder  *recorder
	directory string
	certFile  string
	proxyURL  *url.URL

	tunnels *tunnels
	outer   *http.Server // speaks to clients that want a tunnel
	inner   *http.Server // speaks inside the tunnels
	stop    context.CancelFunc
	running sync.WaitGroup // both servers, every connection and every handler

	closing sync.Once
	closed  error
}

// Option changes how [Start] sets a sandbox up.
type Option func(*Sandbox)

// RecordLimit sets how many requests, and how many refusals, the sandbox
// remembers; older ones are forgotten. The default is 4096, the least is 1.
func RecordLimit(n int) Option {
	return func(s *Sandbox) { s.recorder.limit = max(n, 1) }
}

// Start creates a certificate authority, writes its certificate to a temporary
// file and serves the proxy on a free port of 127.0.0.1. The caller must call
// [Sandbox.Close].
func Start(opts ...Option) (*Sandbox, error) {
	s := &Sandbox{
		routes:   newRoutes(),
		recorder: &recorder{limit: defaultRecordLimit},
		tunnels:  newTunnels(),
	}
	for _, opt := range opts {
		opt(s)
	}
	if err := s.writeAuthority(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("sandbox: listen on loopback: %w", err), os.RemoveAll(s.directory))
	}
	s.proxyURL = &url.URL{Scheme: "http", Host: listener.Addr().String()}
	s.serve(listener)
	return s, nil
}

func (s *Sandbox) writeAuthority() error {
	var err error
	if s.authority, err = newAuthority(time.Now()); err != nil {
		return err
	}
	if s.directory, err = os.MkdirTemp("", "difyplugin-sandbox-"); err != nil {
		return fmt.Errorf("make a folder for the authority's certificate: %w", err)
	}
	s.certFile = filepath.Join(s.directory, "ca.pem")
	if err := os.WriteFile(s.certFile, s.authority.pem(), 0o600); err != nil {
		return errors.Join(fmt.Errorf("write the authority's certificate: %w", err), os.RemoveAll(s.directory))
	}
	return nil
}

func (s *Sandbox) serve(listener net.Listener) {
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	quiet := log.New(io.Discard, "", 0) // broken connections are a sandbox's daily bread
	s.outer = &http.Server{
		Handler:           s.counted(s.proxy),
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          quiet,
		ConnState:         s.countConnections,
	}
	s.inner = &http.Server{
		Handler:           s.counted(s.dispatch),
		ReadHeaderTimeout: headerTimeout,
		ErrorLog:          quiet,
		ConnState:         s.countConnections,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnContext:       withTunnelHost,
	}
	s.running.Go(func() { _ = s.outer.Serve(listener) })
	s.running.Go(func() { _ = s.inner.Serve(s.tunnels) })
}

// countConnections keeps [Sandbox.Close] waiting for the goroutine of every
// connection. New connections are announced by the accepting goroutine, which
// is itself counted, so the count cannot rise from zero while Close waits.
func (s *Sandbox) countConnections(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.running.Add(1)
	case http.StateClosed, http.StateHijacked:
		s.running.Done()
	}
}

// counted keeps [Sandbox.Close] waiting for a handler that took its connection
// over, too.
func (s *Sandbox) counted(h http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.running.Add(1)
		defer s.running.Done()
		h(w, r)
	})
}

// Handle registers the handler for a host pattern: a host name such as
// "service.cos.myqcloud.com", or "*.myqcloud.com" for every host below
// myqcloud.com, however deep. An exact name wins over a wildcard, a longer
// wildcard over a shorter one, a later registration over an earlier one. Ports
// are not part of patterns; only port 443 is served. A malformed pattern is an
// error.
func (s *Sandbox) Handle(hostPattern string, h http.Handler) error {
	return s.routes.add(hostPattern, h)
}

// Environ returns the variables, as "NAME=value", that make a child process use
// the sandbox: the proxy for https and for http (so that plain http is seen and
// refused), an empty NO_PROXY, and the certificate authority under the names
// that Go and OpenSSL, Python requests, the AWS SDKs, curl and Node read.
func (s *Sandbox) Environ() []string {
	proxy := s.proxyURL.String()
	return []string{
		"HTTPS_PROXY=" + proxy,
		"https_proxy=" + proxy,
		"HTTP_PROXY=" + proxy,
		"http_proxy=" + proxy,
		"NO_PROXY=",
		"no_proxy=",
		"SSL_CERT_FILE=" + s.certFile,
		"REQUESTS_CA_BUNDLE=" + s.certFile,
		"AWS_CA_BUNDLE=" + s.certFile,
		"CURL_CA_BUNDLE=" + s.certFile,
		"NODE_EXTRA_CA_CERTS=" + s.certFile,
	}
}

// CertFile returns the path of the authority's certificate, in PEM. The file
// disappears with [Sandbox.Close].
func (s *Sandbox) CertFile() string { return s.certFile }

// CAPool returns a pool that holds the authority's certificate and nothing else.
func (s *Sandbox) CAPool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.authority.certificate)
	return pool
}

// ProxyURL returns the address of the proxy, such as http://127.0.0.1:41234.
func (s *Sandbox) ProxyURL() *url.URL {
	u := *s.proxyURL
	return &u
}

// Transport returns a transport for clients in this process that goes through
// the sandbox and trusts its authority. The caller closes its idle connections.
func (s *Sandbox) Transport() *http.Transport {
	return &http.Transport{
		Proxy:           http.ProxyURL(s.ProxyURL()),
		TLSClientConfig: &tls.Config{RootCAs: s.CAPool(), MinVersion: tls.VersionTLS12},
	}
}

// Requests returns the latest requests that reached a handler, oldest first.
func (s *Sandbox) Requests() []Request { return s.recorder.seen() }

// Refused returns the latest attempts that were turned away, oldest first, each
// as "METHOD target: reason", for example
// "CONNECT example.com:443: no service is registered for this host". Targets
// carry no query string and no user name.
func (s *Sandbox) Refused() []string { return s.recorder.refusals() }

// Close cuts every connection, ends the context of every request that is still
// being served, waits for the handlers to return and removes the certificate
// file. Further calls return what the first one returned.
func (s *Sandbox) Close() error {
	s.closing.Do(func() {
		// Connections first: a handler that its context wakes must not be
		// able to send what would look like an answer.
		s.closed = errors.Join(s.outer.Close(), s.inner.Close())
		s.tunnels.closeConnections()
		s.stop()
		s.running.Wait()
		s.closed = errors.Join(s.closed, os.RemoveAll(s.directory))
	})
	return s.closed
}
