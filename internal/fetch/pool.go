package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	tlsTimeout     = 10 * time.Second
	idleTimeout    = 30 * time.Second
	maxIdlePerHost = 16
	maxIdle        = 64
	maxHeaderBytes = 1 << 20
)

// proxyFunc returns the proxy for a URL, or nil to connect directly.
type proxyFunc func(*url.URL) (*url.URL, error)

// pool is a set of connections under one policy. Checked and unchecked
// connections never mix: a connection in guarded goes to an address that the
// policy permitted when it was opened.
type pool struct {
	policy  policy
	dialer  dialer
	proxy   proxyFunc
	open    *http.Transport // any address, through the proxy where one applies
	guarded *http.Transport // only addresses that the policy permits, never a proxy
}

// newPool makes a pool. A headerTimeout of 0 leaves the wait for an answer to the context of each request.
func newPool(p policy, d dialer, proxy proxyFunc, roots *x509.CertPool, headerTimeout time.Duration) *pool {
	transport := func(dial func(context.Context, string, string) (net.Conn, error)) *http.Transport {
		return &http.Transport{
			DialContext:            dial,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    tlsTimeout,
			ResponseHeaderTimeout:  headerTimeout,
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdlePerHost,
			MaxResponseHeaderBytes: maxHeaderBytes,
			DisableCompression:     true,
		}
	}
	made := &pool{policy: p, dialer: d, proxy: proxy, open: transport(d.open), guarded: transport(d.guarded(p))}
	made.open.Proxy = func(req *http.Request) (*url.URL, error) { return proxy(req.URL) }
	return made
}

// roundTrip sends a request to a host that the program or the operator chose.
func (p *pool) roundTrip(req *http.Request) (*http.Response, error) {
	return p.open.RoundTrip(req)
}

// roundTripChecked sends a request to a host that a user typed.
func (p *pool) roundTripChecked(req *http.Request, where origin) (*http.Response, error) {
	send, err := p.way(req, where)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	return send.RoundTrip(req)
}

// way decides how a request to a typed host travels: directly, where each
// connection is checked as it is opened, or through a proxy, where the check
// comes first because the proxy opens the connection.
func (p *pool) way(req *http.Request, where origin) (*http.Transport, error) {
	if err := p.policy.checkHost(where.host, where.port); err != nil {
		return nil, err
	}
	proxy, err := p.proxy(req.URL)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return p.guarded, nil
	}
	if err := p.checkBeforeProxy(req.Context(), where); err != nil {
		return nil, err
	}
	return p.open, nil
}

func (p *pool) checkBeforeProxy(ctx context.Context, where origin) error {
	lookupCtx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addrs, err := p.dialer.lookup(lookupCtx, where.host)
	switch {
	case err == nil:
		return p.policy.checkAnswer(where.host, where.port, addrs)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case p.policy.allow.permitsName(where.host, where.port):
		return nil
	}
	return &Error{
		Kind: Refused, Host: where.host, Err: err,
		Reason: "refused: " + where.host + " cannot be resolved here, so its address cannot be checked before the proxy contacts it (" + err.Error() +
			"); if the plugin may contact it, the operator lists it by name in " + p.policy.setting,
	}
}

func (p *pool) closeIdle() {
	p.open.CloseIdleConnections()
	p.guarded.CloseIdleConnections()
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		req.Body.Close()
	}
}
