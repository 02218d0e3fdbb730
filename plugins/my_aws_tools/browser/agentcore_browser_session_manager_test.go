package browser_test

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/browser"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
)

const init_ = "init_browser_session"

// stored is the value of the only parameter.
func (c *cloud) stored(t *testing.T) (ssm.Parameter, map[string]any) {
	t.Helper()
	all := c.store.Parameters()
	if len(all) != 1 {
		t.Fatalf("%d parameters, want one", len(all))
	}
	var value map[string]any
	if err := json.Unmarshal([]byte(all[0].Value), &value); err != nil {
		t.Fatal(err)
	}
	return all[0], value
}

// calls are the bodies of the requests for an operation.
func (c *cloud) calls(operation string) []map[string]any {
	var bodies []map[string]any
	for _, call := range c.Calls() {
		if call.Operation == operation {
			bodies = append(bodies, call.JSON())
		}
	}
	return bodies
}

func TestASessionIsStartedWithTheRequestOfTheReplacedPlugin(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	call := c.Calls()[0]
	body := call.JSON()
	if call.Method != "PUT" || call.Path != "/browsers/aws.browser.v1/sessions/start" || call.Host != "bedrock-agentcore.us-east-1.amazonaws.com" {
		t.Errorf("%s https://%s%s", call.Method, call.Host, call.Path)
	}
	if name, _ := body["name"].(string); !regexp.MustCompile(`^browser-session-[0-9a-f]{8}$`).MatchString(name) {
		t.Errorf("the name is %v", body["name"])
	}
	if body["sessionTimeoutSeconds"] != 7200.0 || body["clientToken"] == "" {
		t.Errorf("the body is %v", body)
	}
	if running := c.browsers.Sessions(); len(running) != 1 || running[0].ID != id || !running[0].Running {
		t.Errorf("running: %+v", running)
	}
}

func TestStartingReturnsWhatOtherNodesNeed(t *testing.T) {
	c := newCloud(t)
	got := object(t, c.Succeed(t, managerTool, map[string]any{"function_name": init_, "session_timeout_seconds": 600}))
	id, _ := got["session_id"].(string)
	want := map[string]any{
		"success": true, "session_id": id, "browser_identifier": "aws.browser.v1", "parameter_name": "/browser-session/" + id,
		"status": got["status"], "expires_at": got["expires_at"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	ends, err := time.Parse("2006-01-02T15:04:05-07:00", got["expires_at"].(string))
	if left := time.Until(ends); err != nil || left > 10*time.Minute || left < 9*time.Minute {
		t.Errorf("expires_at is %v", got["expires_at"])
	}
	if !strings.Contains(got["status"].(string), "/browser-session/"+id) {
		t.Errorf("the status does not name the parameter: %v", got["status"])
	}
}

func TestSection3_1Bug8_TheTimeLimitMayBeWrittenInEveryWay(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value any
		want  time.Duration
	}{
		{"a number", 60, time.Minute},
		{"an integral float", 60.0, time.Minute},
		{"a text", "60", time.Minute},
		{"null", nil, 2 * time.Hour},
		{"blank", "", 2 * time.Hour},
		{"the least", 1, time.Second},
		{"the most", 28800, 8 * time.Hour},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.open(t, "session_timeout_seconds", tt.value)
			if got := c.calls("StartBrowserSession")[0]["sessionTimeoutSeconds"]; got != tt.want.Seconds() {
				t.Errorf("got %v, want %v", got, tt.want.Seconds())
			}
		})
	}
}

func TestWrongParametersOfTheSessionManagerAreRefusedBeforeAnythingIsSent(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no time at all", map[string]any{"function_name": init_, "session_timeout_seconds": 0}, []string{"session_timeout_seconds is 0", "1 to 28800"}},
		{"too long a time", map[string]any{"function_name": init_, "session_timeout_seconds": 28801}, []string{"session_timeout_seconds is 28801"}},
		{"half a second", map[string]any{"function_name": init_, "session_timeout_seconds": 0.5}, []string{"session_timeout_seconds"}},
		{"no function", map[string]any{}, []string{"function_name"}},
		{"an unknown function", map[string]any{"function_name": "restart"}, []string{"function_name"}},
		{"closing nothing", map[string]any{"function_name": "close_browser_session"}, []string{"session_id is needed"}},
		{"closing blanks", map[string]any{"function_name": "close_browser_session", "session_id": "  ", "session_id_input": ""}, []string{"session_id is needed"}},
		{"closing a path", map[string]any{"function_name": "close_browser_session", "session_id": "../x"}, []string{`"../x"`, "not the ID of a session"}},
		{"two at once", map[string]any{"function_name": init_, "session_timeout_seconds": -1, "browser_identifier": "a/b"}, []string{"2 parameters are wrong", "session_timeout_seconds is -1", "browser_identifier is"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			toolstest.WantFailure(t, c.Fail(t, managerTool, tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestABrowserOfTheAccountsOwnIsStartedAndClosed(t *testing.T) {
	c := newCloud(t)
	c.browsers.AddBrowser(toolstest.AccountID, "us-east-1", "mine-abc123")
	id := c.open(t, "browser_identifier", "mine-abc123")
	_, value := c.stored(t)
	if got, _ := value["ws_url"].(string); !strings.Contains(got, "/browser-streams/mine-abc123/sessions/"+id+"/automation") {
		t.Errorf("ws_url is %s", got)
	}
	// Closing finds out of which browser the session is.
	if got := c.closed(t, id); got["browser_identifier"] != "mine-abc123" {
		t.Errorf("%v", got)
	}
	toolstest.WantFailure(t, c.Fail(t, managerTool, map[string]any{"function_name": init_, "browser_identifier": "none"}), plugin.BadRequest, "no such browser")
}

func TestClosingStopsTheBrowserAndDeletesTheParameter(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	c.Forget()
	got := c.closed(t, id)
	if got["session_id"] != id || got["expires_at"] != nil {
		t.Errorf("%v", got)
	}
	want := []string{"ssm.GetParameter", "bedrock-agentcore.StopBrowserSession", "ssm.DeleteParameter"}
	if diff := cmp.Diff(want, c.Operations()); diff != "" {
		t.Error(diff)
	}
	stop := c.Calls()[1]
	if stop.Path != "/browsers/aws.browser.v1/sessions/stop" || stop.RawQuery != "sessionId="+id {
		t.Errorf("stopped by %s?%s", stop.Path, stop.RawQuery)
	}
	if c.browsers.Sessions()[0].Running || len(c.store.Parameters()) > 0 {
		t.Error("something is left")
	}
	// What is closed already can be closed again.
	if again := c.closed(t, id); !strings.Contains(again["status"].(string), "had ended already") {
		t.Errorf("%v", again)
	}
}

func TestTheTwinOfTheSessionIDWins(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	c.Succeed(t, managerTool, map[string]any{"function_name": "close_browser_session", "session_id": "another", "session_id_input": id})
	if c.browsers.Sessions()[0].Running {
		t.Error("the session still runs")
	}
}

func TestASessionWhoseParameterCannotBeReadIsClosedAllTheSame(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	c.Inject(aws.Fault{Operation: "GetParameter", Effects: []aws.Effect{aws.Deny()}})
	c.closed(t, id)
	if c.browsers.Sessions()[0].Running || len(c.store.Parameters()) > 0 {
		t.Error("something is left")
	}
}

func TestSection3_1Bug1_TheSessionAndItsParameterHaveTheSameAccount(t *testing.T) {
	c := newCloud(t)
	c.closed(t, c.open(t))
	for _, call := range c.Calls() {
		if call.AccountID != toolstest.AccountID || call.AccessKeyID != toolstest.AccessKeyID {
			t.Errorf("%s was sent for the account %s", call.Name(), call.AccountID)
		}
	}
}

func TestSection3_1Bug2Bug3Bug4_TheParameterIsSecretShortAndTemporary(t *testing.T) {
	c := newCloud(t)
	c.open(t)
	p, value := c.stored(t)
	if p.Type != "SecureString" || p.Expires.IsZero() || value["live_view_url"] != nil {
		t.Errorf("a %s that expires at %s with %v", p.Type, p.Expires, slices.Sorted(maps.Keys(value)))
	}
}

func TestSection3_1Bug5_StoredHeadersAreNotReliedOn(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	p, value := c.stored(t)
	value["ws_headers"] = map[string]string{"Authorization": "stale", "X-Amz-Date": "20200101T000000Z"}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	p.Value = string(text)
	c.store.Set(p)
	c.use(t, id, "extract_content")
}

func TestSection3_1Bug6_AParameterThatCannotBeWrittenStopsTheBrowserAgain(t *testing.T) {
	for name, effect := range map[string]aws.Effect{
		"denied":    aws.Deny(),
		"throttled": aws.Throttle(),
		"too large": aws.Fail(400, "ValidationException", "too large"),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: "PutParameter", Effects: []aws.Effect{effect}})
			failed := c.Fail(t, managerTool, map[string]any{"function_name": init_})
			running := c.browsers.Sessions()
			if len(running) != 1 || running[0].Running {
				t.Fatalf("%+v", running)
			}
			toolstest.WantFailure(t, failed, plugin.Kind(failed.Type), "/browser-session/"+running[0].ID, "was stopped again")
		})
	}
}

func TestABrowserThatCannotBeStoppedAgainIsNamed(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "PutParameter", Effects: []aws.Effect{aws.Deny()}})
	c.Inject(aws.Fault{Operation: "StopBrowserSession", Effects: []aws.Effect{aws.Break()}})
	failed := c.Fail(t, managerTool, map[string]any{"function_name": init_})
	toolstest.WantFailure(t, failed, plugin.Authorization, "ssm:PutParameter", c.browsers.Sessions()[0].ID, "could not be stopped either", "ends by itself at 20")
}

func TestSection3_1Bug6_AValueOfMoreThanFourKilobytesIsStored(t *testing.T) {
	c := newCloud(t)
	token := strings.Repeat("t", 5000)
	key := aws.Key{AccessKeyID: "ASIALONGTOKEN00000000", SecretAccessKey: "secret", SessionToken: token, User: "temporary"}
	if err := c.AddAccount(aws.Account{ID: "222222222222", Keys: []aws.Key{key}}); err != nil {
		t.Fatal(err)
	}
	c.SucceedAs(t, toolstest.Credentials("aws_access_key_id", key.AccessKeyID, "aws_secret_access_key", "secret", "aws_session_token", token),
		managerTool, map[string]any{"function_name": init_})
	p, value := c.stored(t)
	if len(p.Value) <= 4<<10 || p.AccountID != "222222222222" {
		t.Errorf("%d bytes in the account %s", len(p.Value), p.AccountID)
	}
	if headers, _ := value["ws_headers"].(map[string]any); headers["X-Amz-Security-Token"] != token {
		t.Error("the token is missing")
	}
}

func TestSection3_1Bug7_TheParameterIsDeletedAlsoWhenTheBrowserHasEnded(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	c.browsers.Close() // the time of all sessions is over
	got := c.closed(t, id)
	if len(c.store.Parameters()) > 0 || !strings.Contains(got["status"].(string), "had ended already, and its parameter") {
		t.Errorf("%v is left, %v", c.store.Parameters(), got["status"])
	}
}

func TestSection3_1Bug7_AParameterThatIsNotDeletedIsNoSuccess(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	c.Inject(aws.Fault{Operation: "DeleteParameter", Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.Fail(t, managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id}), plugin.Authorization,
		"was closed, but its parameter is left", "/browser-session/"+id, "ssm:DeleteParameter")
}

func TestBothFaultsOfClosingAreTold(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	c.Inject(aws.Fault{Operation: "StopBrowserSession", Effects: []aws.Effect{aws.Throttle()}})
	c.Inject(aws.Fault{Operation: "DeleteParameter", Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.Fail(t, managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id}), plugin.RateLimit,
		"could not stop the browser session "+id, "could not delete the parameter /browser-session/"+id)
}

func TestSection3_1Bug9_TheBrowserToolIsToldAboutTheClose(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.use(t, id, "extract_content")
	if c.process.Connections() != 1 {
		t.Fatalf("%d connections", c.process.Connections())
	}
	c.closed(t, id)
	if c.process.Connections() != 0 {
		t.Error("the connection is still there")
	}
	toolstest.WantFailure(t, c.refuse(t, id, "extract_content"), plugin.BadRequest, "no such parameter", "/browser-session/"+id)
}

func TestSection3_1Bug10_AnAgentChainsStartUseAndCloseByTheTwinsAlone(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.Succeed(t, browserTool, map[string]any{"action": "extract_content", "browser_session_id_input": id, "wait_time": 0})
	c.Succeed(t, managerTool, map[string]any{"function_name": "close_browser_session", "session_id_input": id})
	if c.browsers.Sessions()[0].Running || len(c.store.Parameters()) > 0 {
		t.Error("something is left")
	}
}

func TestEveryErrorOfTheSessionManagerHasItsKind(t *testing.T) {
	for _, operation := range []string{"StartBrowserSession", "PutParameter"} {
		for name, tt := range map[string]struct {
			effect aws.Effect
			kind   plugin.Kind
		}{
			"denied":    {aws.Deny(), plugin.Authorization},
			"expired":   {aws.Expire(), plugin.Authorization},
			"throttled": {aws.Throttle(), plugin.RateLimit},
			"broken":    {aws.Break(), plugin.Unavailable},
			"quota":     {aws.Fail(402, "ServiceQuotaExceededException", "too many"), plugin.RateLimit},
			"conflict":  {aws.Fail(409, "ConflictException", "busy"), plugin.Unavailable},
			"limit":     {aws.Fail(400, "ParameterLimitExceeded", "too many"), plugin.RateLimit},
		} {
			if operation == "PutParameter" && name == "conflict" || operation == "StartBrowserSession" && name == "limit" {
				continue
			}
			t.Run(operation+"/"+name, func(t *testing.T) {
				c := newCloud(t)
				c.Inject(aws.Fault{Operation: operation, Effects: []aws.Effect{tt.effect}})
				toolstest.WantFailure(t, c.Fail(t, managerTool, map[string]any{"function_name": init_}), tt.kind)
			})
		}
	}
}

func TestEndedSessionsAreSweptWhenAnotherOneStarts(t *testing.T) {
	c := newCloud(t)
	put := func(name string, change func(*ssm.Parameter)) {
		p := ssm.Parameter{AccountID: toolstest.AccountID, Region: "us-east-1", Name: name, Value: "{}"}
		change(&p)
		c.store.Set(p)
	}
	old := func(p *ssm.Parameter) { p.Modified = time.Now().Add(-9 * time.Hour) }
	put("/browser-session/left1", old)
	put("/browser-session/running1", func(*ssm.Parameter) {})
	put("/browser-session/deeper/left2", old)
	put("/browser-session/not.a.session", old)
	put("/elsewhere/left3", old)
	id := c.open(t)
	var names []string
	for _, p := range c.store.Parameters() {
		names = append(names, p.Name)
	}
	want := []string{"/browser-session/" + id, "/browser-session/deeper/left2", "/browser-session/not.a.session", "/browser-session/running1", "/elsewhere/left3"}
	slices.Sort(names)
	slices.Sort(want)
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestASweepThatFailsFailsNothingElse(t *testing.T) {
	for _, operation := range []string{"DescribeParameters", "DeleteParameter"} {
		c := newCloud(t)
		c.store.Set(ssm.Parameter{AccountID: toolstest.AccountID, Region: "us-east-1", Name: "/browser-session/old", Value: "{}", Modified: time.Now().Add(-9 * time.Hour)})
		c.Inject(aws.Fault{Operation: operation, Effects: []aws.Effect{aws.Deny()}})
		c.open(t)
		if len(c.Logs()) == 0 {
			t.Errorf("%s: nothing was logged", operation)
		}
	}
}

func TestTheNamesOfTheStoredValueStayThoseOfTheReplacedPlugin(t *testing.T) {
	c := newCloud(t)
	c.open(t)
	_, value := c.stored(t)
	if diff := cmp.Diff([]string{"expires_at", "session_id", "ws_headers", "ws_url"}, slices.Sorted(maps.Keys(value))); diff != "" {
		t.Error(diff)
	}
	headers, _ := value["ws_headers"].(map[string]any)
	if diff := cmp.Diff([]string{"Authorization", "X-Amz-Date"}, slices.Sorted(maps.Keys(headers))); diff != "" {
		t.Error(diff)
	}
	if standin.Managed != "aws.browser.v1" {
		t.Error("the managed browser has another name")
	}
}
