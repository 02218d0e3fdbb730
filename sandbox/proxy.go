package sandbox

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// Reasons for which the proxy turns a request away.
const (
	reasonUnknownHost = "no service is registered for this host"
	reasonPort        = "only port 443 is served"
	reasonPlainHTTP   = "plain http is not allowed, use https"
	reasonNotProxied  = "this is a proxy, not a web server"
	reasonOtherHost   = "the request names another host than the tunnel was opened to"
)

// proxy answers on the proxy's own port: it opens tunnels and refuses the rest.
func (s *Sandbox) proxy(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		s.connect(w, r)
	case r.URL.IsAbs():
		s.refuse(w, r.Method, bareURL(r.URL), reasonPlainHTTP, http.StatusForbidden)
	default:
		s.refuse(w, r.Method, r.URL.Path, reasonNotProxied, http.StatusBadRequest)
	}
}

// connect turns the client's connection into a TLS server connection that
// carries the wanted host's certificate, and queues it for the inner server.
func (s *Sandbox) connect(w http.ResponseWriter, r *http.Request) {
	target := r.URL.Host
	host, port, err := net.SplitHostPort(target)
	if err != nil || port != "443" {
		s.refuse(w, r.Method, target, reasonPort, http.StatusForbidden)
		return
	}
	host = normalHost(host)
	if s.routes.find(host) == nil {
		s.refuse(w, r.Method, target, reasonUnknownHost, http.StatusBadGateway)
		return
	}
	leaf, err := s.authority.leaf(host)
	if err != nil {
		s.refuse(w, r.Method, target, err.Error(), http.StatusInternalServerError)
		return
	}
	conn, err := takeOver(w)
	if err != nil {
		return // the client has gone
	}
	s.tunnels.put(tls.Server(s.tunnels.track(conn, host), &tls.Config{
		Certificates: []tls.Certificate{*leaf},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"http/1.1"},
	}))
}

// refuse records an attempt and answers it with a sentence for its author.
func (s *Sandbox) refuse(w http.ResponseWriter, method, target, reason string, status int) {
	s.recorder.refuse(method, target, reason)
	http.Error(w, fmt.Sprintf("sandbox: %s %s: %s", method, target, reason), status)
}

// takeOver confirms the tunnel and takes the connection from the outer server.
func takeOver(w http.ResponseWriter) (net.Conn, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection Established\r\n\r\n"); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	if buffered.Reader.Buffered() == 0 {
		return conn, nil
	}
	// A client that did not wait for the confirmation has already sent the
	// start of its handshake.
	return prefixedConn{Conn: conn, reader: buffered.Reader}, nil
}

// dispatch answers inside a tunnel: it records the request and passes it to the
// handler of the tunnel's host.
func (s *Sandbox) dispatch(w http.ResponseWriter, r *http.Request) {
	host, _ := r.Context().Value(tunnelHost{}).(string)
	if named := normalHost(hostWithoutPort(r.Host)); named != host {
		s.refuse(w, r.Method, "https://"+host+r.URL.EscapedPath(), reasonOtherHost, http.StatusMisdirectedRequest)
		return
	}
	h := s.routes.find(host)
	if h == nil {
		s.refuse(w, r.Method, "https://"+host+r.URL.EscapedPath(), reasonUnknownHost, http.StatusBadGateway)
		return
	}
	s.recorder.request(host, r)
	h.ServeHTTP(w, r)
}

// bareURL is a URL without the parts that may hold secrets.
func bareURL(u *url.URL) string {
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}

func hostWithoutPort(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || port == "" {
		return hostport
	}
	return host
}
