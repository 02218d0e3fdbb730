package browser_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/browser"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/browser"
)

// awaitStreams waits until so many connections to the only session are open.
func (c *cloud) awaitStreams(t *testing.T, count int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	if !c.browsers.Await(ctx, func(all []standin.Session) bool { return len(all) == 1 && all[0].Streams == count }) {
		t.Fatalf("there are not %d connections: %+v", count, c.browsers.Sessions())
	}
}

// began is a script that says when it has begun, and does not end by itself.
func (s *site) began() (script string, begun <-chan struct{}) {
	running := make(chan struct{}, 10)
	at := s.handle("/began", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		running <- struct{}{}
	})
	return "fetch('" + at + "').then(() => new Promise(() => {}))", running
}

// failing runs a call of the browser tool and returns its error when it has ended.
func (c *cloud) failing(t *testing.T, id, action string, pairs ...any) func() *host.PluginError {
	t.Helper()
	ended := make(chan error, 1)
	parameters := with(map[string]any{"action": action, "browser_session_id": id, "wait_time": 0}, pairs...)
	go func() {
		_, err := c.Tool(t.Context(), caller(), browserTool, parameters)
		ended <- err
	}()
	return func() *host.PluginError {
		t.Helper()
		var failed *host.PluginError
		if err := <-ended; !errors.As(err, &failed) {
			t.Fatalf("the call did not fail as a tool does: %v", err)
		}
		return failed
	}
}

func TestASessionOfOneProcessIsUsedAndClosedByAnother(t *testing.T) {
	first, s := newBrowsers(t), newSite(t)
	id := first.open(t)
	at := s.page("/a", "Here")
	if got := first.use(t, id, "browse_url", "url", at); got["content"] != "Here" {
		t.Errorf("%v", got)
	}
	second := first.another(t)
	// The page is where the first has left it.
	if got := second.use(t, id, "extract_content")["content"].(map[string]any); got["url"] != at {
		t.Errorf("%v", got)
	}
	second.closed(t, id)
	first.awaitStreams(t, 0)
	toolstest.WantFailure(t, first.refuse(t, id, "extract_content"), plugin.BadRequest, "/browser-session/"+id)
	if len(first.store.Parameters()) > 0 || first.process.Connections() > 0 || second.process.Connections() > 0 {
		t.Errorf("left: %v, %d and %d connections", first.store.Parameters(), first.process.Connections(), second.process.Connections())
	}
}

func TestAConnectionIsKeptBetweenCalls(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	for range 3 {
		c.use(t, id, "extract_content")
	}
	if got := len(c.browsers.Handshakes()); got != 1 {
		t.Errorf("%d handshakes", got)
	}
}

func TestAConnectionThatIsGoneIsOpenedAgain(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.use(t, id, "extract_content")
	c.browsers.Drop()
	c.use(t, id, "extract_content")
	if got := len(c.browsers.Handshakes()); got != 2 {
		t.Errorf("%d handshakes", got)
	}
}

func TestAConnectionThatNobodyUsesIsClosed(t *testing.T) {
	c := newBrowsers(t, browser.Idle(time.Millisecond))
	id := c.open(t)
	c.use(t, id, "extract_content")
	c.awaitStreams(t, 0)
	if got := c.process.Connections(); got != 0 {
		t.Errorf("%d connections", got)
	}
	if !c.browsers.Sessions()[0].Running {
		t.Error("the session was closed")
	}
	c.use(t, id, "extract_content")
}

func TestSection3_2Bug3_ASessionIDIsNotEnough(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.use(t, id, "extract_content")
	stranger := aws.Key{AccessKeyID: "AKIASTRANGER00000000", SecretAccessKey: "stranger", User: "stranger"}
	if err := c.AddAccount(aws.Account{ID: "999999999999", Keys: []aws.Key{stranger}}); err != nil {
		t.Fatal(err)
	}
	for name, credentials := range map[string]map[string]any{
		"a stranger":          toolstest.Credentials("aws_access_key_id", stranger.AccessKeyID, "aws_secret_access_key", stranger.SecretAccessKey),
		"another region":      toolstest.Credentials("aws_region", "eu-west-1"),
		"a wrong secret":      toolstest.Credentials("aws_secret_access_key", "guessed"),
		"an invented token":   toolstest.Credentials("aws_session_token", "invented"),
		"a role that is none": toolstest.Credentials("aws_role_arn", "arn:aws:iam::123456789012:role/none"),
	} {
		failed := c.FailAs(t, credentials, browserTool, map[string]any{"action": "extract_content", "browser_session_id": id})
		if !strings.Contains(failed.Message, "could not") {
			t.Errorf("%s: %s", name, failed.Message)
		}
	}
	if got := len(c.browsers.Handshakes()); got != 1 {
		t.Errorf("%d handshakes", got)
	}
}

func TestAfterItsTimeNothingIsLeftOfASession(t *testing.T) {
	c := newBrowsers(t)
	session := c.browsers.Start(toolstest.AccountID, "us-east-1", standin.Managed, "", time.Hour)
	ends := time.Now().Add(2 * time.Second)
	c.set(session.ID, fmt.Sprintf(`{"session_id": %q, "ws_url": %q, "expires_at": %q}`, session.ID, session.WebSocketURL(), ends.Format(time.RFC3339Nano)))
	c.use(t, session.ID, "extract_content")
	c.awaitStreams(t, 0)
	if early := time.Until(ends); early > 0 {
		t.Errorf("the connection was closed %s too early", early)
	}
	if got := c.process.Connections(); got != 0 {
		t.Errorf("%d connections", got)
	}
	toolstest.WantFailure(t, c.refuse(t, session.ID, "extract_content"), plugin.BadRequest, "has reached its time limit", "init_browser_session")
	if left := c.store.Parameters(); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}

func TestSeveralSessionsAreUsedAtOnce(t *testing.T) { useAtOnce(t, 5) }

// useAtOnce starts, uses and closes so many sessions at the same time.
func useAtOnce(t *testing.T, count int) {
	t.Helper()
	c, s := newBrowsers(t, browser.Patience(3*time.Minute, 3*time.Minute)), newSite(t)
	s.handle("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, r.URL.Query().Get("n")) })
	var calls sync.WaitGroup
	for i := range count {
		calls.Go(func() {
			run := func(tool string, parameters map[string]any) map[string]any {
				result, err := c.Tool(t.Context(), caller(), tool, parameters)
				if err != nil {
					t.Errorf("%d: %s: %v", i, tool, err)
					return map[string]any{}
				}
				return object(t, result)
			}
			id, _ := run(managerTool, map[string]any{"function_name": "init_browser_session"})["session_id"].(string)
			own := fmt.Sprintf("nonce of %d", i)
			for range 2 {
				got := run(browserTool, map[string]any{"action": "browse_url", "browser_session_id": id, "wait_time": 0, "url": s.URL + "/echo?n=" + strings.ReplaceAll(own, " ", "+")})
				if got["content"] != own {
					t.Errorf("%d read %v", i, got["content"])
				}
			}
			run(managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id})
		})
	}
	calls.Wait()
	if len(c.store.Parameters()) > 0 || c.process.Connections() > 0 {
		t.Errorf("left: %d parameters, %d connections", len(c.store.Parameters()), c.process.Connections())
	}
}

func TestSection3_2Bug4_CallsForOneSessionTakeTurns(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	c.use(t, id, "browse_url", "url", s.page("/a", "x<script>var at = 0, most = 0</script>"))
	var calls sync.WaitGroup
	for range 5 {
		calls.Go(func() {
			const script = `async () => { most = Math.max(most, ++at); await new Promise(done => setTimeout(done, 30)); at--; return most }`
			result, err := c.Tool(t.Context(), caller(), browserTool, map[string]any{"action": "execute_script", "browser_session_id": id, "script": script})
			if err != nil || object(t, result)["result"] != 1.0 {
				t.Errorf("%s, %v", result.JSON, err)
			}
		})
	}
	calls.Wait()
}

func TestABrowserThatIsKilledAtWorkIsAnErrorAtOnce(t *testing.T) {
	standin.Require(t)
	own := standin.NewChromium()
	t.Cleanup(func() {
		if err := own.Close(); err != nil {
			t.Error(err)
		}
	})
	c, s := start(t, own), newSite(t)
	id := c.open(t)
	script, begun := s.began()
	c.use(t, id, "browse_url", "url", s.page("/a", "x"))
	wait := c.failing(t, id, "execute_script", "script", script)
	<-begun
	killed := time.Now()
	own.Kill()
	toolstest.WantFailure(t, wait(), plugin.Connection, "the connection to the browser was lost", "was not repeated", "init_browser_session")
	if took := time.Since(killed); took > 10*time.Second {
		t.Errorf("the error came after %s", took)
	}
	toolstest.WantFailure(t, c.refuse(t, id, "extract_content"), plugin.Unavailable, id, "Bedrock AgentCore has a failure of its own")
}

func TestASessionThatIsClosedAtWorkIsAnErrorAtOnce(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	script, begun := s.began()
	c.use(t, id, "browse_url", "url", s.page("/a", "x"))
	wait := c.failing(t, id, "execute_script", "script", script)
	<-begun
	c.closed(t, id)
	toolstest.WantFailure(t, wait(), plugin.Connection, "the session was closed while the browser was at work")
}

func TestAPageThatCrashesIsAnErrorAtOnce(t *testing.T) {
	c, s := newBrowsers(t), newSite(t)
	id := c.open(t)
	script, begun := s.began()
	at := s.page("/a", "Here")
	c.use(t, id, "browse_url", "url", at)
	wait := c.failing(t, id, "execute_script", "script", script)
	<-begun
	c.closePages(t, id)
	toolstest.WantFailure(t, wait(), plugin.Connection, "the page was closed or has crashed while the browser was at work")
	if got := c.use(t, id, "browse_url", "url", at); got["content"] != "Here" {
		t.Errorf("%v", got)
	}
}

func TestAScriptWithoutAnEndIsStopped(t *testing.T) {
	c, s := newBrowsers(t, browser.Patience(10*time.Second, 700*time.Millisecond)), newSite(t)
	id := c.open(t)
	c.use(t, id, "browse_url", "url", s.page("/a", "x"))
	for _, script := range []string{"for (;;);", "new Promise(() => {})", "() => { for (;;); }"} {
		toolstest.WantFailure(t, c.refuse(t, id, "execute_script", "script", script), plugin.BadRequest, "has not ended after 700ms")
	}
	if got := c.use(t, id, "execute_script", "script", "7"); got["result"] != 7.0 {
		t.Errorf("%v", got)
	}
}

func TestAHandshakeIsTriedAgainWhereThatHelps(t *testing.T) {
	for _, tt := range []struct {
		statuses   []int
		handshakes int
		kind       plugin.Kind // empty for a success
		words      string
	}{
		{[]int{503, 429}, 3, "", ""},
		{[]int{409}, 2, "", ""},
		{[]int{409, 409, 409}, 3, plugin.Unavailable, "somebody else is connected"},
		{[]int{500, 502, 503}, 3, plugin.Unavailable, "HTTP status 503"},
		{[]int{429, 429, 429}, 3, plugin.RateLimit, "asks for fewer requests"},
		{[]int{403}, 1, plugin.Authorization, "bedrock-agentcore:ConnectBrowserAutomationStream on arn:aws:bedrock-agentcore:us-east-1:aws:browser/aws.browser.v1"},
		{[]int{404}, 1, plugin.BadRequest, "it has ended, although its parameter /browser-session/"},
		{[]int{418}, 1, plugin.BadRequest, "HTTP status 418"},
		{[]int{302}, 1, plugin.BadRequest, "HTTP status 302"},
	} {
		c := newBrowsers(t)
		id := c.open(t)
		c.browsers.Refuse(tt.statuses...)
		if tt.kind == "" {
			c.use(t, id, "extract_content")
		} else {
			toolstest.WantFailure(t, c.refuse(t, id, "extract_content"), tt.kind, tt.words, id)
		}
		if got := len(c.browsers.Handshakes()); got != tt.handshakes {
			t.Errorf("%v: %d handshakes, want %d", tt.statuses, got, tt.handshakes)
		}
	}
}

func TestAHandshakeHasNoMoreHeadersThanItNeeds(t *testing.T) {
	c := newBrowsers(t)
	c.use(t, c.open(t), "extract_content")
	allowed := "Authorization X-Amz-Date Connection Upgrade Sec-Websocket-Key Sec-Websocket-Version User-Agent Accept-Encoding"
	for name, values := range c.browsers.Handshakes()[0] {
		if !strings.Contains(allowed, name) || len(values) != 1 {
			t.Errorf("%s: %v", name, values)
		}
	}
}

func TestNothingSignedIsSentToAnotherAddress(t *testing.T) {
	c := newBrowsers(t)
	session := c.browsers.Start(toolstest.AccountID, "us-east-1", standin.Managed, "", time.Hour)
	right := session.WebSocketURL()
	for _, url := range []string{
		"wss://evil.example.com" + strings.TrimPrefix(right, "wss://bedrock-agentcore.us-east-1.amazonaws.com"),
		strings.Replace(right, "us-east-1", "us-west-2", 1), strings.Replace(right, "bedrock-agentcore.", "bedrock-agentcore-control.", 1),
		strings.Replace(right, "wss:", "ws:", 1), strings.Replace(right, "wss:", "https:", 1), right + "?x=1", right + "#x", right + "/", right + "/more",
		strings.Replace(right, "://", "://user@", 1), strings.Replace(right, ".com/", ".com:8443/", 1), strings.Replace(right, ".com/", ".com.example.net/", 1),
		strings.Replace(right, session.ID, "ANOTHER", 1), strings.Replace(right, "/aws.browser.v1/", "/a%2Fb/", 1), strings.Replace(right, "/browser-streams/", "/code/", 1), "%", "wss://",
	} {
		c.set(session.ID, fmt.Sprintf(`{"ws_url": %q, "ws_headers": {"Authorization": "stored"}}`, url))
		toolstest.WantFailure(t, c.refuse(t, session.ID, "extract_content"), plugin.BadRequest, "/browser-session/"+session.ID, "not connected to")
	}
	if got := c.browsers.Handshakes(); len(got) != 0 {
		t.Errorf("handshakes: %v", got)
	}
	if refused := c.Box.Refused(); len(refused) != 0 {
		t.Errorf("tried: %v", refused)
	}
}

func TestAParameterOfTheReplacedPluginIsUnderstood(t *testing.T) {
	c := newBrowsers(t)
	session := c.browsers.Start(toolstest.AccountID, "us-east-1", standin.Managed, "browser-session-0a1b2c3d", time.Hour)
	c.set(session.ID, fmt.Sprintf(`{"ws_url": %q, "ws_headers": {"Host": "x", "X-Amz-Date": "20200101T000000Z", "Authorization": "old", "Upgrade": "websocket",
		"Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "a2V5", "User-Agent": "x"}, "live_view_url": "https://x/"}`, session.WebSocketURL()))
	c.use(t, session.ID, "extract_content")
	c.closed(t, session.ID)
}

func TestAnEndpointOfTheProvidersIsUsedForEverything(t *testing.T) {
	c := newBrowsers(t)
	c.Endpoint(t, "core.example.com", "bedrock-agentcore")
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "core.example.com")
	c = c.another(t)
	credentials := toolstest.Credentials("aws_endpoint_url", "bedrock_agentcore=https://core.example.com")
	id := object(t, c.SucceedAs(t, credentials, managerTool, map[string]any{"function_name": "init_browser_session"}))["session_id"]
	c.SucceedAs(t, credentials, browserTool, map[string]any{"action": "extract_content", "browser_session_id": id, "wait_time": 0})
	c.SucceedAs(t, credentials, managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id})
	for _, call := range c.Calls() {
		if call.Service == "bedrock-agentcore" && call.Host != "core.example.com" {
			t.Errorf("%s went to %s", call.Name(), call.Host)
		}
	}
}

func TestAConnectionThatIsLostIsAnErrorOfConnection(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.Inject(aws.Fault{Operation: "GetParameter", Effects: []aws.Effect{aws.Drop()}})
	toolstest.WantFailure(t, c.refuse(t, id, "extract_content"), plugin.Connection, "/browser-session/"+id)
}
