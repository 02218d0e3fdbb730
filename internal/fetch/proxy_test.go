package fetch

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpproxy"
)

// proxy is an HTTP proxy on loopback that leads every target to one server. It
// records what it was asked for.
type proxy struct {
	url     string
	backend string
	mu      sync.Mutex
	asked   []string
}

func startProxy(t *testing.T, backend string) *proxy {
	p := &proxy{backend: backend}
	p.url = serve(t, p.serve).URL
	return p
}

func (p *proxy) serve(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.RequestURI)
	p.mu.Unlock()
	if r.Method != http.MethodConnect {
		io.WriteString(w, "through the proxy")
		return
	}
	server, err := net.Dial("tcp", p.backend)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() {
		io.Copy(server, client)
		server.Close()
	}()
	io.Copy(client, server)
}

func (p *proxy) requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.asked...)
}

func TestDownloadsGoThroughTheProxyAfterTheCheck(t *testing.T) {
	srv, certFile := serveTLS(t, reply("over TLS"), "a.test", "listed.test")
	names := map[string][][]string{
		"a.test": {{"93.184.216.34"}}, "db.test": {{"10.0.0.5"}}, "meta.test": {{"169.254.169.254"}},
		"mixed.test": {{"93.184.216.34", "10.0.0.5"}}, "localhost": {{"127.0.0.1"}},
	}
	tests := []struct {
		name, url, allow, noProxy string
		want                      string   // the content, "" for a refusal
		asked                     []string // of the proxy
		dialled                   int      // connections past the proxy
	}{
		{name: "https is tunnelled", url: "https://a.test/x?sign=1", want: "over TLS", asked: []string{"CONNECT a.test:443"}},
		{name: "http is forwarded", url: "http://a.test/x?sign=1", want: "through the proxy", asked: []string{"GET http://a.test/x?sign=1"}},
		{name: "a private target is refused before the proxy is asked", url: "https://db.test/"},
		{name: "also over http", url: "http://db.test/"},
		{name: "a private address is refused", url: "http://10.0.0.5/"},
		{name: "one private address is enough", url: "http://mixed.test/"},
		{name: "metadata is refused even when it is listed", url: "http://meta.test/", allow: "meta.test,169.254.0.0/16"},
		{name: "a listed private target is reached", url: "http://db.test/", allow: "10.0.0.0/8", want: "through the proxy", asked: []string{"GET http://db.test/"}},
		{name: "a target that cannot be resolved is refused", url: "https://unknown.test/"},
		{name: "unless it is listed by name", url: "http://unknown.test/", allow: "unknown.test", want: "through the proxy", asked: []string{"GET http://unknown.test/"}},
		{name: "or by suffix", url: "https://listed.test/", allow: "*.test", want: "over TLS", asked: []string{"CONNECT listed.test:443"}},
		{name: "a CIDR is not a name", url: "http://unknown.test/", allow: "0.0.0.0/0,::/0"},
		{name: "another port is not listed", url: "http://unknown.test/", allow: "unknown.test:81"},
		{name: "NO_PROXY is honoured", url: "https://a.test/", noProxy: ".test", want: "over TLS", dialled: 1},
		{name: "NO_PROXY does not lift the check", url: "https://db.test/", noProxy: ".test"},
		{name: "loopback never uses the proxy, and is checked", url: "http://localhost/"},
		{name: "loopback as an address too", url: "http://127.0.0.1:1/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := startProxy(t, srv.Listener.Addr().String())
			n := &network{names: names, backend: srv.Listener.Addr().String()}
			proxyHost := strings.TrimPrefix(p.url, "http://")
			toProxy := &network{names: names, backend: proxyHost}
			through := toProxy // without NO_PROXY the only connections are to the proxy
			if tt.noProxy != "" {
				through = n
			}
			c := through.client(t, Config{
				FetchAllow: tt.allow, CertFiles: []string{certFile},
				Proxy: httpproxy.Config{HTTPProxy: p.url, HTTPSProxy: p.url, NoProxy: tt.noProxy},
			})
			_, content, err := getAll(t, c, tt.url, 100)
			if diff := cmp.Diff(tt.asked, p.requests()); diff != "" {
				t.Errorf("asked of the proxy: %s", diff)
			}
			for _, dialled := range toProxy.dials() {
				if dialled.String() != proxyHost {
					t.Errorf("dialled %s past the proxy", dialled)
				}
			}
			if got := len(n.dials()); got != tt.dialled {
				t.Errorf("%d direct connections, want %d", got, tt.dialled)
			}
			if tt.want == "" {
				wantKind(t, err, Refused)
				return
			}
			if err != nil || content != tt.want {
				t.Errorf("content %q, error %v, want %q", content, err, tt.want)
			}
		})
	}
}

func TestAnUnresolvableTargetBehindAProxySaysWhatToDo(t *testing.T) {
	n := &network{}
	c := n.client(t, Config{Proxy: httpproxy.Config{HTTPSProxy: "http://user:canary@127.0.0.1:1"}})
	_, err := c.Get(t.Context(), "https://unknown.test/p?sign=canary", 100)
	failed := wantKind(t, err, Refused).Error()
	for _, want := range []string{"unknown.test", "no such host", "by name in DIFYPLUGIN_FETCH_ALLOW"} {
		if !strings.Contains(failed, want) {
			t.Errorf("%q does not say %q", failed, want)
		}
	}
	if strings.Contains(failed, "canary") {
		t.Errorf("%q holds a secret", failed)
	}
}

func TestAProxyThatFailsDoesNotShowItsPassword(t *testing.T) {
	n := &network{names: map[string][][]string{"a.test": {{"93.184.216.34"}}}}
	c := n.client(t, Config{Proxy: httpproxy.Config{HTTPSProxy: "http://user:canary@127.0.0.1:1"}})
	_, err := c.Get(t.Context(), "https://a.test/p", 100)
	if failed := wantKind(t, err, Unreachable); strings.Contains(failed.Error(), "canary") || !strings.Contains(failed.Error(), "proxy") {
		t.Errorf("error %v", failed)
	}
}

func TestDifysOwnOriginsUseTheProxyWithoutACheck(t *testing.T) {
	p := startProxy(t, "")
	c := realClient(t, Config{InternalFilesURL: "http://api.unknown.test:5001", Proxy: httpproxy.Config{HTTPProxy: p.url}})
	if _, content, err := getAll(t, c, "/files/x", 100); err != nil || content != "through the proxy" {
		t.Errorf("%q, %v", content, err)
	}
}
