package browser_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/browser"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/ssm"
)

// The promises of PRIVACY.md that concern browsers. Their numbers A11 to A27 are those of the privacy policy's statements
// in their order.

// exercise does everything that the browser tool can do, on pages full of words that nobody else may learn.
func (c *cloud) exercise(t *testing.T, id string) []string {
	t.Helper()
	s := newSite(t)
	words := []string{"word-of-the-page", "word-of-the-query", "word-of-the-form", "word-of-the-script"}
	at := s.page("/private", `<title>`+words[0]+`</title><p>`+words[0]+`<form><input name=a></form><a href="#x">Go</a>`)
	c.use(t, id, "browse_url", "url", at)
	c.use(t, id, "search_web", "query", words[1], "search_url", at+"?q={query}")
	c.use(t, id, "extract_content")
	c.use(t, id, "fill_form", "form_data", `{"a": "`+words[2]+`"}`)
	c.use(t, id, "execute_script", "script", "'"+words[3]+"'")
	c.use(t, id, "click", "click_text", "Go")
	c.use(t, id, "screenshot")
	return words
}

func TestA11_OnlyStartingASessionLeavesAnythingInTheAccount(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.Forget()
	c.exercise(t, id)
	want := []string{"ssm.GetParameter", "bedrock-agentcore.ConnectBrowserAutomationStream"}
	if diff := cmp.Diff(want, c.Operations()); diff != "" {
		t.Errorf("using a browser: %s", diff)
	}
	c.closed(t, id)
	c.Forget()
	c.closed(t, id)
	c.refuse(t, id, "extract_content")
	for _, operation := range c.Operations() {
		if strings.Contains(operation, "Put") || strings.Contains(operation, "Start") {
			t.Errorf("%s was sent for a session that is closed", operation)
		}
	}
}

func TestA12_TheParameterHoldsSessionEndpointHeadersAndEnd(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	_, value := c.stored(t)
	if diff := cmp.Diff([]string{"expires_at", "session_id", "ws_headers", "ws_url"}, slices.Sorted(maps.Keys(value))); diff != "" {
		t.Error(diff)
	}
	url := "wss://bedrock-agentcore.us-east-1.amazonaws.com/browser-streams/aws.browser.v1/sessions/" + id + "/automation"
	if value["session_id"] != id || value["ws_url"] != url {
		t.Errorf("%v", value)
	}
}

func TestA13_TheParameterIsWrittenToTheCallersOwnAccount(t *testing.T) {
	c := newCloud(t)
	keys := map[string]aws.Key{}
	for i := range 3 {
		id := fmt.Sprintf("%012d", 300+i)
		keys[id] = aws.Key{AccessKeyID: fmt.Sprintf("AKIACALLER%010d", i), SecretAccessKey: fmt.Sprint("secret-", i), User: "u"}
		if err := c.AddAccount(aws.Account{ID: id, Keys: []aws.Key{keys[id]}}); err != nil {
			t.Fatal(err)
		}
	}
	// Those of the machine are another one's.
	t.Setenv("AWS_ACCESS_KEY_ID", toolstest.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", toolstest.SecretAccessKey)
	owners := map[string]string{}
	for owner, key := range keys {
		result := c.SucceedAs(t, toolstest.Credentials("aws_access_key_id", key.AccessKeyID, "aws_secret_access_key", key.SecretAccessKey), managerTool,
			map[string]any{"function_name": "init_browser_session"})
		owners[object(t, result)["session_id"].(string)] = owner
	}
	for _, session := range c.browsers.Sessions() {
		if owners[session.ID] != session.AccountID {
			t.Errorf("the browser of %s runs in the account %s", owners[session.ID], session.AccountID)
		}
	}
	for _, p := range c.store.Parameters() {
		if id := strings.TrimPrefix(p.Name, "/browser-session/"); owners[id] != p.AccountID {
			t.Errorf("the parameter of %s is in the account %s", owners[id], p.AccountID)
		}
	}
	if len(c.store.Parameters()) != len(keys) {
		t.Errorf("%d parameters", len(c.store.Parameters()))
	}
}

func TestA14_WhatTheParameterHoldsDoesNotLeaveTheAccount(t *testing.T) {
	c := newBrowsers(t)
	var written strings.Builder
	note := func(tool string, parameters map[string]any) map[string]any {
		result, err := c.Tool(t.Context(), caller(), tool, parameters)
		fmt.Fprintln(&written, result.Text, fmt.Sprint(result.Variables), err)
		for _, raw := range result.JSON {
			written.Write(raw)
		}
		var object map[string]any
		if len(result.JSON) > 0 {
			_ = json.Unmarshal(result.JSON[0], &object)
		}
		return object
	}
	id, _ := note(managerTool, map[string]any{"function_name": "init_browser_session"})["session_id"].(string)
	_, value := c.stored(t)
	secrets := []string{"Signature=", "Credential=", "AWS4-HMAC", "canary"}
	for name, header := range value["ws_headers"].(map[string]any) {
		if name == "Authorization" {
			secrets = append(secrets, header.(string))
		}
	}
	note(browserTool, map[string]any{"action": "extract_content", "browser_session_id": id})
	note(browserTool, map[string]any{"action": "execute_script", "script": "throw 1", "browser_session_id": id})
	note(managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id})
	for i, odd := range []string{
		"canary", `{"ws_url": ""}`, `{"ws_headers": {"Authorization": "canary"}}`, `{"session_id": "B", "ws_url": "wss://canary/", "ws_headers": {"Authorization": "canary"}}`,
		`{"ws_url": "wss://x/?canary", "ws_headers": {"Authorization": "canary"}}`,
	} {
		other := fmt.Sprint("01ODD", i)
		c.set(other, odd)
		note(browserTool, map[string]any{"action": "extract_content", "browser_session_id": other})
		note(managerTool, map[string]any{"function_name": "close_browser_session", "session_id": other})
	}
	for _, line := range c.Logs() {
		written.WriteString(line.Message)
	}
	for _, secret := range secrets {
		if at := strings.Index(written.String(), secret); at >= 0 {
			t.Errorf("%q was written: %.300s", secret, written.String()[max(0, at-150):])
		}
	}
	for _, request := range c.Box.Requests() {
		if !account.Official(request.Host) {
			t.Errorf("%s is no host of AWS", request.Host)
		}
	}
	if refused := c.Box.Refused(); len(refused) > 0 {
		t.Errorf("the plugin also tried: %v", refused)
	}
}

func TestA15_TheParameterHoldsNoPageContentAndNoPrompts(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	before, _ := c.stored(t)
	words := c.exercise(t, id)
	after, _ := c.stored(t)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the parameter has changed: %s", diff)
	}
	for _, call := range c.Calls() {
		for _, word := range append(words, "127.0.0.1", "live-view") {
			if strings.Contains(string(call.Body)+call.Path+call.RawQuery+fmt.Sprint(call.Header), word) {
				t.Errorf("%s was sent to %s", word, call.Name())
			}
		}
	}
}

func TestA16_ClosingAlwaysDeletesTheParameter(t *testing.T) {
	closing := func(id string) map[string]any {
		return map[string]any{"function_name": "close_browser_session", "session_id": id}
	}
	for name, effect := range map[string]aws.Effect{
		"denied": aws.Deny(), "broken": aws.Break(), "throttled": aws.Throttle(), "connection lost": aws.Drop(),
		"the browser is gone": aws.Fail(404, "ResourceNotFoundException", "gone"), "busy": aws.Fail(409, "ConflictException", "busy"),
	} {
		c := newCloud(t)
		id := c.open(t)
		c.Inject(aws.Fault{Operation: "StopBrowserSession", Effects: []aws.Effect{effect}})
		_, err := c.Tool(t.Context(), caller(), managerTool, closing(id))
		if left := c.store.Parameters(); len(left) > 0 {
			t.Errorf("%s: left %s (%v)", name, left[0].Name, err)
		}
		if name != "the browser is gone" && (err == nil || !strings.Contains(err.Error(), "was deleted all the same")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// And who cannot delete it says so.
	c := newCloud(t)
	id := c.open(t)
	c.Inject(aws.Fault{Operation: "DeleteParameter", Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.Fail(t, managerTool, closing(id)), plugin.Authorization, "/browser-session/"+id)
}

func TestA17_ParameterStoreRemovesTheParameterWhenItsTimeIsOver(t *testing.T) {
	c := newCloud(t)
	begun := time.Now()
	c.open(t, "session_timeout_seconds", 900)
	p, value := c.stored(t)
	if p.Tier != ssm.Advanced {
		t.Errorf("the tier is %s", p.Tier)
	}
	if after := p.Expires.Sub(begun); after < 14*time.Minute || after > 15*time.Minute+time.Second {
		t.Errorf("it expires after %s", after)
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(value["expires_at"])); err != nil || !at.Equal(p.Expires) {
		t.Errorf("the policy says %s, the value %v", p.Expires, value["expires_at"])
	}
}

func TestA17_AParameterWhoseTimeIsOverIsDeletedWhenItIsRead(t *testing.T) {
	c := newBrowsers(t)
	session := c.browsers.Start(toolstest.AccountID, "us-east-1", "aws.browser.v1", "", time.Hour)
	c.set(session.ID, fmt.Sprintf(`{"session_id": %q, "ws_url": %q, "expires_at": %q}`, session.ID, session.WebSocketURL(), time.Now().Add(-time.Second).Format(time.RFC3339)))
	toolstest.WantFailure(t, c.refuse(t, session.ID, "extract_content"), plugin.BadRequest, "has reached its time limit")
	if left := c.store.Parameters(); len(left) > 0 || len(c.browsers.Handshakes()) > 0 {
		t.Errorf("left: %v", left)
	}
	c.set("01STUCK", `{"ws_url": "wss://x/", "expires_at": "2020-01-01T00:00:00Z"}`)
	c.Inject(aws.Fault{Operation: "DeleteParameter", Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.refuse(t, "01STUCK", "extract_content"), plugin.BadRequest, "has reached its time limit", "could not delete the parameter /browser-session/01STUCK")
}

func TestA17_AParameterWhoseTimeIsOverIsSweptWhenASessionStarts(t *testing.T) {
	c := newCloud(t)
	// Parameter Store takes its time with its policies: by its clock, nothing has expired yet.
	late := ssm.New(ssm.Clock(func() time.Time { return time.Now().Add(-time.Hour) }))
	c.Register("ssm", late)
	put := func(id string, expires time.Time) {
		late.Set(ssm.Parameter{
			AccountID: toolstest.AccountID, Region: "us-east-1", Name: "/browser-session/" + id, Value: "{}", Type: "SecureString", Tier: ssm.Advanced,
			Expires: expires, Modified: time.Now(),
		})
	}
	put("01LATE", time.Now().Add(-time.Minute))
	put("02RUNNING", time.Now().Add(time.Minute))
	id := c.open(t)
	var left []string
	for _, p := range late.Parameters() {
		left = append(left, p.Name)
	}
	want := []string{"/browser-session/02RUNNING", "/browser-session/" + id}
	slices.Sort(want)
	if diff := cmp.Diff(want, left); diff != "" {
		t.Error(diff)
	}
}

func TestA18_ThePathOfTheParametersIsDocumented(t *testing.T) {
	c := newCloud(t)
	id := c.open(t)
	path := "/browser-session/" + id
	if p, _ := c.stored(t); p.Name != path {
		t.Errorf("the parameter is %s", p.Name)
	}
	for _, file := range []string{"agentcore_browser_session_manager.yaml", "doc.go"} {
		if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "/browser-session/ID") {
			t.Errorf("%s does not name the path, %v", file, err)
		}
	}
	if got := c.closed(t, id); got["parameter_name"] != path || !strings.Contains(got["status"].(string), path) {
		t.Errorf("%v", got)
	}
	toolstest.WantFailure(t, c.refuse(t, id, "extract_content"), plugin.BadRequest, path)
}

func TestA21_NothingIsStoredThatConnectingDoesNotNeed(t *testing.T) {
	c := newCloud(t)
	c.open(t)
	temporary := aws.Key{AccessKeyID: "ASIATEMPORARY0000000", SecretAccessKey: "temporary", SessionToken: "token", User: "temporary"}
	if err := c.AddAccount(aws.Account{ID: "222222222222", Keys: []aws.Key{temporary}}); err != nil {
		t.Fatal(err)
	}
	c.SucceedAs(t, toolstest.Credentials("aws_access_key_id", temporary.AccessKeyID, "aws_secret_access_key", "temporary", "aws_session_token", "token"),
		managerTool, map[string]any{"function_name": "init_browser_session"})
	for _, p := range c.store.Parameters() {
		var value struct {
			Headers map[string]string `json:"ws_headers"`
		}
		if err := json.Unmarshal([]byte(p.Value), &value); err != nil {
			t.Fatal(err)
		}
		want := []string{"Authorization", "X-Amz-Date"}
		if p.AccountID == "222222222222" {
			want = append(want, "X-Amz-Security-Token")
		}
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(value.Headers))); diff != "" {
			t.Errorf("headers: %s", diff)
		}
		for _, secret := range []string{toolstest.SecretAccessKey, `"temporary"`, "live", "name"} {
			if strings.Contains(p.Value, secret) {
				t.Errorf("%s is stored", secret)
			}
		}
	}
	for _, call := range c.calls("PutParameter") {
		if diff := cmp.Diff([]string{"Name", "Overwrite", "Policies", "Tier", "Type", "Value"}, slices.Sorted(maps.Keys(call))); diff != "" {
			t.Errorf("the request: %s", diff)
		}
	}
}

func TestA25_TheParameterIsASecureStringUnderTheRulesOfTheAccount(t *testing.T) {
	c := newCloud(t)
	c.open(t)
	if p, _ := c.stored(t); p.Type != "SecureString" {
		t.Errorf("the type is %s", p.Type)
	}
	// No key but the account's own is named, and no policy of the account is gone round.
	limited := aws.Key{AccessKeyID: "AKIALIMITED000000000", SecretAccessKey: "limited", User: "limited", Grants: []aws.Grant{{Actions: []string{"bedrock-agentcore:*"}}}}
	if err := c.AddAccount(aws.Account{ID: "333333333333", Keys: []aws.Key{limited}}); err != nil {
		t.Fatal(err)
	}
	failed := c.FailAs(t, toolstest.Credentials("aws_access_key_id", limited.AccessKeyID, "aws_secret_access_key", "limited"), managerTool,
		map[string]any{"function_name": "init_browser_session"})
	toolstest.WantFailure(t, failed, plugin.Authorization, "ssm:PutParameter on arn:aws:ssm:us-east-1:*:parameter/browser-session/")
}

func TestA26_ConnectionsAreReleasedWhenTheSessionIsClosed(t *testing.T) {
	c := newBrowsers(t, browser.Idle(time.Hour))
	id := c.open(t)
	c.use(t, id, "extract_content")
	// AWS does not close it: the plugin does.
	c.Inject(aws.Fault{Operation: "StopBrowserSession", Effects: []aws.Effect{aws.Deny()}})
	c.Fail(t, managerTool, map[string]any{"function_name": "close_browser_session", "session_id": id})
	if got := c.process.Connections(); got != 0 {
		t.Fatalf("%d connections", got)
	}
	c.awaitStreams(t, 0)
}

func TestA27_NothingIsWrittenToADisk(t *testing.T) {
	c := newBrowsers(t)
	id := c.open(t)
	c.use(t, id, "extract_content") // Chromium has its profile now
	folder := t.TempDir()
	for _, name := range []string{"TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, folder)
	}
	t.Chdir(folder)
	c.exercise(t, id)
	c.closed(t, id)
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("the plugin wrote %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
