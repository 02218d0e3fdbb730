package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http/httpproxy"
)

func isOfficial(host string) bool { return strings.HasSuffix(host, ".cloud.test") }

func TestACloudTransportReachesOfficialHostsAndPublicAddresses(t *testing.T) {
	srv, certFile := serveTLS(t, reply("ok"), "cos.cloud.test", "typed.test", "inside.test", "127.0.0.1")
	names := map[string][][]string{
		"cos.cloud.test": {{"169.254.0.47"}}, "typed.test": {{"93.184.216.34"}},
		"inside.test": {{"10.0.0.5"}}, "mixed.test": {{"93.184.216.34", "fd00::1"}}, "meta.test": {{"100.100.100.200"}},
	}
	tests := []struct {
		name, url, allow string
		kind             Kind // "" when the request succeeds
	}{
		{"an official host is reached wherever it is", "https://cos.cloud.test/b/k", "", ""},
		{"in any spelling", "https://COS.Cloud.Test./b/k", "", ""},
		{"a typed public host is reached", "https://typed.test/b/k", "", ""},
		{"a typed private host is refused", "https://inside.test/b/k?X-Amz-Signature=canary", "", Refused},
		{"a typed private host is reached when it is listed", "https://inside.test/b/k", "inside.test", ""},
		{"one private address is enough", "https://mixed.test/b/k", "", Refused},
		{"a typed address is refused", "https://10.0.0.5/b/k", "", Refused},
		{"metadata is refused even when it is listed", "https://meta.test/b/k", "meta.test,100.64.0.0/10", Refused},
		{"metadata by name", "https://metadata.google.internal/", "metadata.google.internal", Refused},
		{"an official name in front is not official", "https://cos.cloud.test.inside.test/", "", ""},
		{"plain http is refused", "http://typed.test/b/k?X-Amz-Signature=canary", "", Refused},
		{"plain http is refused for official hosts", "http://cos.cloud.test/b/k", "", Refused},
		{"a password in the endpoint", "https://user:canary@typed.test/", "", Refused},
		{"an odd spelling", "https://0x7f.1/", "0.0.0.0/0", Invalid},
		{"a zone", "https://[fe80::1%25eth0]/", "", Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			n := &network{names: names, backend: srv.Listener.Addr().String()}
			rt := n.client(t, Config{EndpointAllow: tt.allow, FetchAllow: "inside.test", CertFiles: []string{certFile}}).Transport(isOfficial)
			body := &closeRecorder{Reader: strings.NewReader("abc")}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, tt.url, body)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := rt.RoundTrip(req)
			if tt.name == "an official name in front is not official" {
				if _, refused := err.(*Error); err == nil || refused || len(n.dials()) > 0 {
					t.Errorf("error %v, want an unknown host", err)
				}
				return
			}
			if tt.kind == "" {
				if err != nil {
					t.Fatal(err)
				}
				content, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if string(content) != "ok" || len(n.dials()) != 1 {
					t.Errorf("content %q after dialling %v", content, n.dials())
				}
				return
			}
			failed := wantKind(t, err, tt.kind)
			if strings.Contains(failed.Error(), "canary") || failed.URL == "" {
				t.Errorf("error %+v", failed)
			}
			if failed.Address.IsValid() && !strings.Contains(failed.Error(), "DIFYPLUGIN_ENDPOINT_ALLOW") {
				t.Errorf("the error %q does not name the setting", failed)
			}
			if len(n.dials()) > 0 || !body.closed {
				t.Errorf("dialled %v, body closed %t", n.dials(), body.closed)
			}
		})
	}
}

func TestWithoutOfficialHostsEveryHostIsChecked(t *testing.T) {
	n := &network{names: map[string][][]string{"cos.cloud.test": {{"169.254.0.47"}}}}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://cos.cloud.test/", nil)
	_, err := n.client(t, Config{}).Transport(nil).RoundTrip(req)
	wantKind(t, err, Refused)
}

func TestDifysOriginsAreNotExemptForACloud(t *testing.T) {
	srv, certFile := serveTLS(t, reply("ok"), "127.0.0.1")
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	_, err := realClient(t, Config{FilesURL: srv.URL, CertFiles: []string{certFile}}).Transport(isOfficial).RoundTrip(req)
	wantKind(t, err, Refused)
}

func TestACloudTransportChecksTypedHostsBehindAProxy(t *testing.T) {
	srv, certFile := serveTLS(t, reply("ok"), "cos.cloud.test", "typed.test")
	p := startProxy(t, srv.Listener.Addr().String())
	n := &network{
		names:   map[string][][]string{"typed.test": {{"93.184.216.34"}}, "inside.test": {{"10.0.0.5"}}},
		backend: strings.TrimPrefix(p.url, "http://"),
	}
	rt := n.client(t, Config{CertFiles: []string{certFile}, Proxy: httpproxy.Config{HTTPSProxy: p.url}}).Transport(isOfficial)
	for url, refused := range map[string]bool{
		"https://cos.cloud.test/": false, // need not be resolvable here
		"https://typed.test/":     false,
		"https://inside.test/":    true,
		"https://unknown.test/":   true,
	} {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		resp, err := rt.RoundTrip(req)
		if refused {
			wantKind(t, err, Refused)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		resp.Body.Close()
	}
	if asked := p.requests(); len(asked) != 2 {
		t.Errorf("asked of the proxy: %v", asked)
	}
}

func TestACloudTransportPassesAnswersOnAsTheyAre(t *testing.T) {
	packed := []byte("\x1f\x8b not really packed")
	srv, certFile := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/redirect" {
			http.Redirect(w, r, "http://10.0.0.5/", http.StatusFound)
			return
		}
		if got := r.Header.Get("Accept-Encoding"); got != "" {
			t.Errorf("asked for encoding %q", got)
		}
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(packed)
	}, "cos.cloud.test")
	n := &network{names: map[string][][]string{"cos.cloud.test": {{"10.1.1.1"}}}, backend: srv.Listener.Addr().String()}
	c := n.client(t, Config{CertFiles: []string{certFile}})
	get := func(path string) *http.Response {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://cos.cloud.test"+path, nil)
		resp, err := c.Transport(isOfficial).RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	resp := get("/object")
	content, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if !bytes.Equal(content, packed) || err != nil {
		t.Errorf("content %q, %v", content, err)
	}
	resp = get("/redirect")
	io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("status %d, want the redirect itself", resp.StatusCode)
	}
	if dials := len(n.dials()); dials != 1 {
		t.Errorf("%d connections for two transports, want a shared one", dials)
	}
	client := http.Client{Transport: c.Transport(isOfficial)}
	_, err = client.Get("https://cos.cloud.test/redirect")
	wantKind(t, err, Refused)
	client.CloseIdleConnections()
	get("/object").Body.Close()
	if dials := len(n.dials()); dials != 2 {
		t.Errorf("%d connections after closing the idle one, want 2", dials)
	}
}

func TestACloudThatDoesNotAnswerIsGivenUp(t *testing.T) {
	srv, certFile := serveTLS(t, reply(""), "cos.cloud.test")
	tests := []struct {
		name   string
		after  time.Duration
		answer func(conn net.Conn)
	}{
		{"during the handshake", 10 * time.Second, silence},
		{"after the request", 20 * time.Minute, func(conn net.Conn) { silence(tls.Server(conn, srv.TLS)) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{names: map[string][][]string{"cos.cloud.test": {{"10.1.1.1"}}}}
				c, err := newClient(Config{Resolver: n.resolve, CertFiles: []string{certFile}}, func(context.Context, netip.AddrPort, addressCheck) (net.Conn, error) {
					client, server := net.Pipe()
					go func() {
						defer server.Close()
						tt.answer(server)
					}()
					return client, nil
				})
				if err != nil {
					t.Fatal(err)
				}
				// An answer may take as long as the request's context allows; a handshake may not.
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
				defer cancel()
				req, _ := http.NewRequestWithContext(ctx, http.MethodGet, "https://cos.cloud.test/", nil)
				start := time.Now()
				_, err = c.Transport(isOfficial).RoundTrip(req)
				if took := time.Since(start); err == nil || !isTimeout(err) || took != tt.after {
					t.Errorf("error %v after %s, want a timeout after %s", err, took, tt.after)
				}
			})
		})
	}
}
