package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/browser"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/browser"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
)

const (
	managerTool = "agentcore-browser-session-manager"
	browserTool = "agentcore-browser-tool"
)

// withChromium ends the one Chromium that the tests share, before goroutines are counted.
type withChromium struct{ *testing.M }

// Run implements goleak.TestingM.
func (m withChromium) Run() int {
	code := m.M.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func TestMain(m *testing.M) {
	if os.Getenv(roleVariable) == "heap" {
		if err := serveAndDump(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(withChromium{m})
}

// shared is the Chromium of all tests. It starts with the first that needs it, and sessions do not see each other in it.
var shared = standin.NewChromium()

// cloud is AgentCore and Parameter Store with the tools that call them.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	browsers *standin.Service
	store    *ssm.Service
	process  *browser.Tools
}

// newCloud starts AgentCore without a browser behind its streams.
func newCloud(t *testing.T, opts ...browser.Option) *cloud {
	t.Helper()
	return start(t, nil, opts...)
}

// newBrowsers starts AgentCore with a real browser behind its streams.
func newBrowsers(t *testing.T, opts ...browser.Option) *cloud {
	t.Helper()
	standin.Require(t)
	return start(t, shared, opts...)
}

func start(t *testing.T, shown *standin.Chromium, opts ...browser.Option) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), browsers: standin.New(shown), store: ssm.New()}
	t.Cleanup(c.browsers.Close)
	c.Register("bedrock-agentcore", c.browsers)
	c.Register("ssm", c.store)
	c.process = c.serve(t, c, opts...)
	return c
}

// serve starts the tools once more, as another process with connections of its own would.
func (c *cloud) serve(t *testing.T, into *cloud, opts ...browser.Option) *browser.Tools {
	t.Helper()
	tools := browser.New(opts...)
	into.Tools = c.Run(t, plugin.Tool(managerTool, tools.ManageSession), plugin.Tool(browserTool, tools.Use))
	t.Cleanup(tools.Close)
	return tools
}

// another is another process in front of the same cloud.
func (c *cloud) another(t *testing.T, opts ...browser.Option) *cloud {
	t.Helper()
	other := *c
	other.process = c.serve(t, &other, opts...)
	return &other
}

// open starts a session and returns its ID.
func (c *cloud) open(t *testing.T, pairs ...any) string {
	t.Helper()
	result := c.Succeed(t, managerTool, with(map[string]any{"function_name": "init_browser_session"}, pairs...))
	return object(t, result)["session_id"].(string)
}

// closed closes a session.
func (c *cloud) closed(t *testing.T, id string) map[string]any {
	t.Helper()
	return object(t, c.Succeed(t, managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id}))
}

// use drives the browser of a session, without waiting for scripts.
func (c *cloud) use(t *testing.T, id, action string, pairs ...any) map[string]any {
	t.Helper()
	return object(t, c.Succeed(t, browserTool, with(map[string]any{"action": action, "browser_session_id": id, "wait_time": 0}, pairs...)))
}

// refuse is use for what fails.
func (c *cloud) refuse(t *testing.T, id, action string, pairs ...any) *host.PluginError {
	t.Helper()
	return c.Fail(t, browserTool, with(map[string]any{"action": action, "browser_session_id": id, "wait_time": 0}, pairs...))
}

func with(values map[string]any, pairs ...any) map[string]any {
	for i := 0; i+1 < len(pairs); i += 2 {
		values[pairs[i].(string)] = pairs[i+1]
	}
	return values
}

// object is the only JSON message of a result.
func object(t testing.TB, result host.Result) map[string]any {
	t.Helper()
	value := toolstest.Object(t, result)
	if value["success"] != true || value["status"] == "" {
		t.Errorf("success is %v, status %q", value["success"], value["status"])
	}
	return value
}

// site is a web site on this machine.
type site struct {
	*httptest.Server
	mux    *http.ServeMux
	closes chan struct{}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{mux: http.NewServeMux(), closes: make(chan struct{})}
	s.Server = httptest.NewServer(s.mux)
	t.Cleanup(func() {
		close(s.closes)
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

// hang keeps a request waiting until the client gives up, or the test is over.
func (s *site) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.closes:
	}
}

// page puts a page on the site and returns its URL.
func (s *site) page(path, html string) string {
	s.mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html>" + html))
	})
	return s.URL + path
}

// handle puts anything on the site and returns its URL.
func (s *site) handle(path string, h http.HandlerFunc) string {
	s.mux.HandleFunc(path, h)
	return s.URL + path
}

// patience is how long the tests let a page load that never ends.
const patience = 1500 * time.Millisecond
