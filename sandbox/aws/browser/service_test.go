package browser_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"
	"github.com/aws/smithy-go"
	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/awstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/browser"
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

func TestMain(m *testing.M) { goleak.VerifyTestMain(withChromium{m}) }

var shared = browser.NewChromium()

const account = "123456789012"

// site is AgentCore in a sandbox.
type site struct {
	*client.Client
	browsers  *browser.Service
	transport *http.Transport
}

func start(t *testing.T, chromium *browser.Chromium) *site {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, browsers := aws.New(), browser.New(chromium)
	transport := box.Transport()
	t.Cleanup(func() {
		browsers.Close()
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	limited := []aws.Grant{{Actions: []string{"bedrock-agentcore:StartBrowserSession"}}}
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, {AccessKeyID: "AKIALIMITED", SecretAccessKey: "secret", Grants: limited}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("bedrock-agentcore", browsers)
	return &site{browsers: browsers, transport: transport, Client: client.New(client.Options{
		Region: "us-east-1", HTTPClient: awstest.Client(transport), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	})}
}

// open starts a session and returns its ID.
func (s *site) open(t *testing.T) string {
	t.Helper()
	out, err := s.StartBrowserSession(t.Context(), &client.StartBrowserSessionInput{BrowserIdentifier: sdk.String(browser.Managed), Name: sdk.String("test")})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SessionId
}

// handshake opens the stream of a session, signed with a key, and returns the status of a refusal.
func (s *site) handshake(t *testing.T, path, key string, change func(http.Header)) (*websocket.Conn, int) {
	t.Helper()
	url := "https://bedrock-agentcore.us-east-1.amazonaws.com" + path
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err := v4.NewSigner().SignHTTP(t.Context(), sdk.Credentials{AccessKeyID: key, SecretAccessKey: "secret"}, request, empty, "bedrock-agentcore", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request.Header)
	}
	conn, answer, err := websocket.Dial(t.Context(), url, &websocket.DialOptions{HTTPClient: &http.Client{Transport: s.transport}, HTTPHeader: request.Header})
	if err != nil {
		if answer == nil {
			t.Fatal(err)
		}
		return nil, answer.StatusCode
	}
	conn.SetReadLimit(1 << 20)
	t.Cleanup(func() { _ = conn.CloseNow() }) // it may have ended
	return conn, 0
}

func path(id string) string { return "/browser-streams/aws.browser.v1/sessions/" + id + "/automation" }

// ask sends a command for the whole browser and returns its answer.
func ask(t *testing.T, conn *websocket.Conn, method string, params any) map[string]any {
	t.Helper()
	text, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Write(t.Context(), websocket.MessageText, text); err != nil {
		t.Fatal(err)
	}
	for {
		_, text, err := conn.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var reply map[string]any
		if err := json.Unmarshal(text, &reply); err != nil {
			t.Fatal(err)
		}
		if reply["id"] != nil {
			return reply
		}
	}
}

func TestASessionIsStartedShownAndStopped(t *testing.T) {
	s := start(t, nil)
	id := s.open(t)
	look := func() *client.GetBrowserSessionOutput {
		out, err := s.GetBrowserSession(t.Context(), &client.GetBrowserSessionInput{BrowserIdentifier: sdk.String(browser.Managed), SessionId: sdk.String(id)})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	out := look()
	if out.Status != types.BrowserSessionStatusReady || sdk.ToString(out.Name) != "test" || sdk.ToInt32(out.SessionTimeoutSeconds) != 3600 ||
		sdk.ToString(out.Streams.AutomationStream.StreamEndpoint) != "wss://bedrock-agentcore.us-east-1.amazonaws.com"+path(id) {
		t.Errorf("%+v", out)
	}
	stop := &client.StopBrowserSessionInput{BrowserIdentifier: sdk.String(browser.Managed), SessionId: sdk.String(id)}
	if _, err := s.StopBrowserSession(t.Context(), stop); err != nil {
		t.Fatal(err)
	}
	if out := look(); out.Status != types.BrowserSessionStatusTerminated {
		t.Errorf("%+v", out)
	}
	_, err := s.StopBrowserSession(t.Context(), stop)
	wantCode(t, "stopping it twice", err, "ResourceNotFoundException")
}

func TestARequestThatIsRepeatedStartsOneSession(t *testing.T) {
	s := start(t, nil)
	in := &client.StartBrowserSessionInput{BrowserIdentifier: sdk.String(browser.Managed), ClientToken: sdk.String("token-token-token-token-token-token")}
	for range 2 {
		if _, err := s.StartBrowserSession(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	if all := s.browsers.Sessions(); len(all) != 1 {
		t.Errorf("%d sessions", len(all))
	}
}

func TestASessionEndsWhenItsTimeIsOver(t *testing.T) {
	s := start(t, nil)
	s.browsers.Start(account, "us-east-1", browser.Managed, "", time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if !s.browsers.Await(ctx, func(all []browser.Session) bool { return !all[0].Running }) {
		t.Error("it still runs")
	}
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != code || answered.ErrorMessage() == "" {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfAgentCore(t *testing.T) {
	s := start(t, nil)
	starting := func(change func(*client.StartBrowserSessionInput)) error {
		in := &client.StartBrowserSessionInput{BrowserIdentifier: sdk.String(browser.Managed)}
		change(in)
		_, err := s.StartBrowserSession(t.Context(), in)
		return err
	}
	stopping := func(browser, id string) error {
		_, err := s.StopBrowserSession(t.Context(), &client.StopBrowserSessionInput{BrowserIdentifier: sdk.String(browser), SessionId: sdk.String(id)})
		return err
	}
	for _, tt := range []struct {
		name string
		err  error
		code string
	}{
		{"an unknown browser", starting(func(in *client.StartBrowserSessionInput) { in.BrowserIdentifier = sdk.String("mine") }), "ResourceNotFoundException"},
		{"no time", starting(func(in *client.StartBrowserSessionInput) { in.SessionTimeoutSeconds = sdk.Int32(0) }), "ValidationException"},
		{"too long a time", starting(func(in *client.StartBrowserSessionInput) { in.SessionTimeoutSeconds = sdk.Int32(28801) }), "ValidationException"},
		{"no name", starting(func(in *client.StartBrowserSessionInput) { in.Name = sdk.String("") }), "ValidationException"},
		{"a long name", starting(func(in *client.StartBrowserSessionInput) { in.Name = sdk.String(strings.Repeat("n", 101)) }), "ValidationException"},
		{"a short token", starting(func(in *client.StartBrowserSessionInput) { in.ClientToken = sdk.String("short") }), "ValidationException"},
		{"an unknown session", stopping(browser.Managed, "none"), "ResourceNotFoundException"},
		{"an odd session", stopping(browser.Managed, "a-b"), "ValidationException"},
		{"a session of another browser", stopping("mine", "none"), "ResourceNotFoundException"},
	} {
		wantCode(t, tt.name, tt.err, tt.code)
	}
	if all := s.browsers.Sessions(); len(all) != 0 {
		t.Errorf("refused requests have started %+v", all)
	}
}

func TestOnlyASignedHandshakeOfARunningSessionIsLetIn(t *testing.T) {
	s := start(t, nil)
	id := s.open(t)
	for _, tt := range []struct {
		name, path, key string
		change          func(http.Header)
		status          int
	}{
		{"unsigned", path(id), "AKIATEST", func(h http.Header) { h.Del("Authorization") }, 403},
		{"a wrong signature", path(id), "AKIATEST", func(h http.Header) {
			h.Set("Authorization", h.Get("Authorization")[:len(h.Get("Authorization"))-1]+"x")
		}, 403},
		{"an old signature", path(id), "AKIATEST", func(h http.Header) { h.Set("X-Amz-Date", "20200101T000000Z") }, 403},
		{"an unknown key", path(id), "AKIANOBODY", nil, 403},
		{"without the permission", path(id), "AKIALIMITED", nil, 403},
		{"an unknown session", path("none"), "AKIATEST", nil, 404},
		{"no browser behind it", path(id), "AKIATEST", nil, 500},
	} {
		if _, status := s.handshake(t, tt.path, tt.key, tt.change); status != tt.status {
			t.Errorf("%s: status %d, want %d", tt.name, status, tt.status)
		}
	}
}

func TestAStreamShowsItsOwnWindowOnly(t *testing.T) {
	browser.Require(t)
	s := start(t, shared)
	var conns []*websocket.Conn
	for range 2 {
		conn, status := s.handshake(t, path(s.open(t)), "AKIATEST", nil)
		if status != 0 {
			t.Fatalf("status %d", status)
		}
		conns = append(conns, conn)
	}
	ask(t, conns[0], "Target.createTarget", map[string]any{"url": "about:blank"})
	ids := map[string]bool{}
	for i, conn := range conns {
		pages := 0
		for _, info := range ask(t, conn, "Target.getTargets", map[string]any{})["result"].(map[string]any)["targetInfos"].([]any) {
			target := info.(map[string]any)
			if target["type"] == "page" {
				pages++
			}
			if id := target["targetId"].(string); ids[id] {
				t.Errorf("%v is in both streams", target)
			} else {
				ids[id] = true
			}
		}
		if pages != 2-i {
			t.Errorf("stream %d sees %d pages", i, pages)
		}
	}
}

func TestAStreamEndsWithItsSession(t *testing.T) {
	browser.Require(t)
	s := start(t, shared)
	id := s.open(t)
	conn, status := s.handshake(t, path(id), "AKIATEST", nil)
	if status != 0 {
		t.Fatalf("status %d", status)
	}
	ask(t, conn, "Browser.getVersion", map[string]any{})
	if _, err := s.StopBrowserSession(t.Context(), &client.StopBrowserSessionInput{BrowserIdentifier: sdk.String(browser.Managed), SessionId: sdk.String(id)}); err != nil {
		t.Fatal(err)
	}
	for {
		if _, _, err := conn.Read(t.Context()); err != nil {
			break
		}
	}
	if _, status := s.handshake(t, path(id), "AKIATEST", nil); status != 404 {
		t.Errorf("status %d after the end", status)
	}
}
