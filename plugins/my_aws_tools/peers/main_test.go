//go:build slow

// Package peers holds the AWS tools against programs that know AWS from elsewhere than this repository does: an S3 that
// checks signatures itself, a DynamoDB, and the service models that AWS publishes. The stand-ins under sandbox/aws and
// the tools could share a mistake; these peers do not.
//
// Each peer is named by a variable of the environment, which .ci/run sets: DIFYPLUGIN_VERSITYGW is the program
// versitygw, DIFYPLUGIN_DYNALITE the cli.js of dynalite, DIFYPLUGIN_PYTHON a Python that has botocore. The tests of a
// peer that is not named are skipped.
package peers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a peer may take to listen.
const patience = 30 * time.Second

// located is the absolute path in a variable that names a peer. The test is skipped where it is unset.
func located(t *testing.T, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("%s is not set: .ci/run installs this peer and sets it", variable)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return path
}

// freeAddress is an address of this machine at which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// serve runs a peer that listens at an address until the test ends, and waits until it does.
func serve(t *testing.T, address, program string, arguments ...string) {
	t.Helper()
	var output lines
	command := exec.Command(program, arguments...)
	command.Dir, command.Stdout, command.Stderr = t.TempDir(), &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			_ = command.Process.Kill()
			<-ended
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(program), output.String())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address); err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-again.C:
		case err := <-ended:
			stopped = true
			t.Fatalf("%s ended at once: %v\n%s", program, err, output.String())
		case <-ctx.Done():
			t.Fatalf("%s did not listen at %s within %v", program, address, patience)
		}
	}
}

// lines is what a peer printed.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write implements [io.Writer].
func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all that was printed so far.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// publish makes a peer reachable under a host name and with TLS, as the tools demand it, through the sandbox of the
// test. Requests are passed on as they came, their Host included, since their signature covers it.
func publish(t *testing.T, cloud *toolstest.AWS, host, address string) {
	t.Helper()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: address})
			r.Out.Host = r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery
		},
	}
	if err := cloud.Box.Handle(host, proxy); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", host)
}

// at are credentials with which the tools go to a host.
func at(host string, pairs ...string) map[string]any {
	return toolstest.Credentials(append([]string{"aws_endpoint_url", "https://" + host}, pairs...)...)
}

// pattern is content of a size in which no two parts are alike.
func pattern(size int) []byte {
	content := make([]byte, 0, size+16)
	for n := 0; len(content) < size; n++ {
		content = fmt.Appendf(content, "%015d\n", n)
	}
	return content[:size]
}
