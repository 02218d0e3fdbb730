package sandbox_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
)

func TestMain(m *testing.M) {
	if os.Getenv("SANDBOX_TEST_CHILD") != "" {
		os.Exit(child(os.Args[1:]))
	}
	goleak.VerifyTestMain(m)
}

// child is a program that knows nothing of the sandbox: it fetches the URLs
// that it is given with Go's default client.
func child(urls []string) int {
	for _, u := range urls {
		resp, err := http.Get(u)
		if err != nil {
			fmt.Println("error:", err)
			continue
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		fmt.Println(resp.StatusCode, strings.TrimSpace(string(body)), err)
	}
	return 0
}

func start(t *testing.T, opts ...sandbox.Option) *sandbox.Sandbox {
	t.Helper()
	sb, err := sandbox.Start(opts...)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return sb
}

func handle(t *testing.T, sb *sandbox.Sandbox, pattern string, h http.HandlerFunc) {
	t.Helper()
	if err := sb.Handle(pattern, h); err != nil {
		t.Fatalf("handle %q: %v", pattern, err)
	}
}

func client(t *testing.T, sb *sandbox.Sandbox) *http.Client {
	t.Helper()
	transport := sb.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(t *testing.T, c *http.Client, u string) (int, string) {
	t.Helper()
	resp, err := c.Get(u)
	if err != nil {
		t.Fatalf("get %s: %v", u, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read %s: %v", u, err)
	}
	return resp.StatusCode, string(body)
}

func says(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func TestAChildProcessRunsUnchangedWithNothingButItsEnvironment(t *testing.T) {
	sb := start(t)
	handle(t, sb, "*.cloud.example", says("hello from the cloud"))

	cmd := exec.Command(os.Args[0], "https://a.b.cloud.example/x", "https://elsewhere.example/", "http://a.b.cloud.example/?secret=1")
	cmd.Env = append(os.Environ(), "SANDBOX_TEST_CHILD=1")
	cmd.Env = append(cmd.Env, sb.Environ()...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("child: %v\n%s", err, out)
	}

	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 3 {
		t.Fatalf("child printed %q", out)
	}
	if want := "200 hello from the cloud <nil>"; lines[0] != want {
		t.Errorf("known host: got %q, want %q", lines[0], want)
	}
	if !strings.Contains(lines[1], "Bad Gateway") {
		t.Errorf("unknown host: got %q, want a refusal of the tunnel", lines[1])
	}
	if !strings.HasPrefix(lines[2], "403 ") {
		t.Errorf("plain http: got %q, want 403", lines[2])
	}
	want := []string{
		"CONNECT elsewhere.example:443: no service is registered for this host",
		"GET http://a.b.cloud.example/: plain http is not allowed, use https",
	}
	if diff := cmp.Diff(want, sb.Refused()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestTheMostSpecificPatternAnswers(t *testing.T) {
	sb := start(t)
	handle(t, sb, "*.example", says("short wildcard"))
	handle(t, sb, "*.cos.example", says("long wildcard"))
	handle(t, sb, "Service.COS.example.", says("exact"))
	c := client(t, sb)
	for host, want := range map[string]string{
		"service.cos.example": "exact",
		"a.cos.example":       "long wildcard",
		"a.b.cos.example":     "long wildcard",
		"cos.example":         "short wildcard",
		"SERVICE.cos.EXAMPLE": "exact",
	} {
		if _, got := get(t, c, "https://"+host+"/"); got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
	if resp, err := c.Get("https://example/"); err == nil {
		_ = resp.Body.Close()
		t.Error("a wildcard answered for its own apex")
	}
}

func TestMalformedPatternsAreRefused(t *testing.T) {
	sb := start(t)
	for _, pattern := range []string{"", "*", "*.", "*example.com", "a.*.com", "https://a.com", "a.com:443", "a com"} {
		if err := sb.Handle(pattern, says("")); err == nil {
			t.Errorf("pattern %q was accepted", pattern)
		}
	}
	if err := sb.Handle("a.com", nil); err == nil {
		t.Error("a nil handler was accepted")
	}
}

func TestCertificatesAreForExactlyTheHostOfTheTunnel(t *testing.T) {
	sb := start(t)
	handle(t, sb, "*.example", says(""))
	handle(t, sb, "10.9.8.7", says(""))
	for _, host := range []string{"a.example", "10.9.8.7"} {
		conn := tunnel(t, sb, host+":443")
		secured := tls.Client(conn, &tls.Config{RootCAs: sb.CAPool(), ServerName: host, NextProtos: []string{"h2", "http/1.1"}})
		if err := secured.Handshake(); err != nil {
			t.Fatalf("%s: %v", host, err)
		}
		state := secured.ConnectionState()
		if state.NegotiatedProtocol != "http/1.1" {
			t.Errorf("%s: negotiated %q, want http/1.1", host, state.NegotiatedProtocol)
		}
		leaf := state.PeerCertificates[0]
		if got := append(slices.Clone(leaf.DNSNames), ipNames(leaf)...); !slices.Equal(got, []string{host}) {
			t.Errorf("certificate names %q, want only %q", got, host)
		}
		_ = secured.Close()
	}

	other := tls.Client(tunnel(t, sb, "a.example:443"), &tls.Config{RootCAs: sb.CAPool(), ServerName: "b.example"})
	defer other.Close()
	var mismatch x509.HostnameError
	if err := other.Handshake(); !errors.As(err, &mismatch) {
		t.Errorf("handshake for another host: %v, want a host name mismatch", err)
	}
}

func ipNames(c *x509.Certificate) []string {
	var names []string
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

// tunnel opens a tunnel by hand and returns the raw connection.
func tunnel(t *testing.T, sb *sandbox.Sandbox, target string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", sb.ProxyURL().Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, target)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("tunnel to %s: %s", target, resp.Status)
	}
	return conn
}

func TestOnlyPort443IsTunnelled(t *testing.T) {
	sb := start(t)
	handle(t, sb, "a.example", says("hello"))
	if resp, err := client(t, sb).Get("https://a.example:8443/"); err == nil {
		_ = resp.Body.Close()
		t.Fatal("port 8443 was served")
	}
	if diff := cmp.Diff([]string{"CONNECT a.example:8443: only port 443 is served"}, sb.Refused()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestARequestForAnotherHostThanTheTunnelsIsRefused(t *testing.T) {
	sb := start(t)
	handle(t, sb, "*.example", says("hello"))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/path?token=1", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "b.example"
	resp, err := client(t, sb).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("got %s, want 421", resp.Status)
	}
	want := []string{"GET https://a.example/path: the request names another host than the tunnel was opened to"}
	if diff := cmp.Diff(want, sb.Refused()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if got := sb.Requests(); len(got) != 0 {
		t.Errorf("the request reached a handler: %+v", got)
	}
}

func TestADirectRequestToTheProxyIsRefused(t *testing.T) {
	sb := start(t)
	resp, err := http.Get(sb.ProxyURL().String() + "/index.html")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %s, want 400", resp.Status)
	}
	if diff := cmp.Diff([]string{"GET /index.html: this is a proxy, not a web server"}, sb.Refused()); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
}

func TestRequestsAreRecordedInOrderWithoutOtherHeaderValues(t *testing.T) {
	sb := start(t)
	handle(t, sb, "a.example", says("hello"))
	c := client(t, sb)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://a.example/%E4%BD%A0/a%2Fb?x=1&y", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "q-ak=AKID")
	req.Header.Set("X-Cos-Security-Token", "hidden")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	get(t, c, "https://a.example/")

	want := []sandbox.Request{
		{
			Sequence: 1, Host: "a.example", Method: "GET", Path: "/%E4%BD%A0/a%2Fb", RawQuery: "x=1&y",
			HeaderNames:   []string{"Accept-Encoding", "Authorization", "Host", "User-Agent", "X-Cos-Security-Token"},
			Authorization: "q-ak=AKID",
		},
		{Sequence: 2, Host: "a.example", Method: "GET", Path: "/", HeaderNames: []string{"Accept-Encoding", "Host", "User-Agent"}},
	}
	if diff := cmp.Diff(want, sb.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestTheRecordIsBounded(t *testing.T) {
	sb := start(t, sandbox.RecordLimit(2))
	handle(t, sb, "a.example", says("hello"))
	c := client(t, sb)
	for i := range 5 {
		get(t, c, fmt.Sprintf("https://a.example/%d", i))
		get(t, c, fmt.Sprintf("http://a.example/%d", i))
	}
	requests := sb.Requests()
	if len(requests) != 2 || requests[0].Sequence != 4 || requests[1].Path != "/4" {
		t.Errorf("requests: %+v, want the last two of five", requests)
	}
	if refused := sb.Refused(); len(refused) != 2 || !strings.Contains(refused[1], "/4") {
		t.Errorf("refused: %q, want the last two of five", refused)
	}
}

func TestAHandlerCanCutItsConnection(t *testing.T) {
	sb := start(t)
	handle(t, sb, "a.example", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "only this")
		control := http.NewResponseController(w)
		_ = control.Flush()
		conn, _, err := control.Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		_ = conn.(*tls.Conn).NetConn().Close()
	})
	resp, err := client(t, sb).Get("https://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != "only this" {
		t.Errorf("read %q, %v; want the first bytes and an unexpected end", body, err)
	}
}

func TestClosingEndsHandlersThatStall(t *testing.T) {
	sb, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	reached := make(chan struct{})
	ended := make(chan error, 1)
	handle(t, sb, "a.example", func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
		for range 10_000 { // give a Close that does not wait the time to return
			runtime.Gosched()
		}
		ended <- r.Context().Err()
	})
	failed := make(chan error, 1)
	transport := sb.Transport()
	defer transport.CloseIdleConnections()
	go func() {
		resp, err := (&http.Client{Transport: transport}).Get("https://a.example/")
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- err
	}()
	<-reached
	// A tunnel that never starts its handshake must not hold Close up either.
	tunnel(t, sb, "a.example:443")
	if err := sb.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("the handler's context ended with %v", err)
		}
	default:
		t.Error("close returned before the handler did")
	}
	if err := <-failed; err == nil {
		t.Error("the client of a closed sandbox got an answer")
	}
	if err := sb.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func TestClosingEndsConnectionsThatHandlersTookOver(t *testing.T) {
	sb := start(t)
	handle(t, sb, "a.example", func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Errorf("hijack: %v", err)
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n") // and never the body
	})
	resp, err := client(t, sb).Get("https://a.example/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := sb.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("the client read a whole body")
	}
}

func TestTheEnvironmentReachesEveryKindOfClient(t *testing.T) {
	sb := start(t)
	values := make(map[string]string)
	for _, variable := range sb.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		values[name] = value
	}
	proxy := sb.ProxyURL().String()
	want := map[string]string{
		"HTTPS_PROXY": proxy, "https_proxy": proxy, "HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": "", "no_proxy": "",
		"SSL_CERT_FILE": sb.CertFile(), "REQUESTS_CA_BUNDLE": sb.CertFile(), "AWS_CA_BUNDLE": sb.CertFile(),
		"CURL_CA_BUNDLE": sb.CertFile(), "NODE_EXTRA_CA_CERTS": sb.CertFile(),
	}
	if diff := cmp.Diff(want, values); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestAWildcardWantsALabel(t *testing.T) {
	sb := start(t)
	handle(t, sb, "*.example", says(""))
	conn, err := net.Dial("tcp", sb.ProxyURL().Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "CONNECT .example:443 HTTP/1.1\r\nHost: .example:443\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadGateway {
		t.Errorf("got %s, want 502", resp.Status)
	}
}

func TestClosingRemovesTheCertificateFile(t *testing.T) {
	sb := start(t)
	block, err := os.ReadFile(sb.CertFile())
	if err != nil {
		t.Fatal(err)
	}
	decoded, _ := pem.Decode(block)
	if decoded == nil {
		t.Fatal("the certificate file is not PEM")
	}
	if c, err := x509.ParseCertificate(decoded.Bytes); err != nil || !c.IsCA {
		t.Errorf("the certificate file holds no authority: %v", err)
	}
	if err := sb.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(sb.CertFile()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the certificate file is still there: %v", err)
	}
	if _, err := net.Dial("tcp", sb.ProxyURL().Host); err == nil {
		t.Error("the proxy still listens")
	}
}

func TestTheProxyListensOnLoopbackOnly(t *testing.T) {
	host, _, err := net.SplitHostPort(start(t).ProxyURL().Host)
	if err != nil {
		t.Fatal(err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		t.Errorf("the proxy listens on %s", host)
	}
}
