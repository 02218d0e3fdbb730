package account_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/google/go-cmp/cmp"
)

// The promises of PRIVACY.md that concern credentials and connections. Their numbers A3 to A28 are those of the
// privacy policy's statements in their order.

// canaries are the secrets of an account, which must turn up nowhere but in signatures.
var canaries = map[string]string{
	"aws_access_key_id": "AKIACANARY0000000000", "aws_secret_access_key": "secret-of-the-canary/000000000000000000",
	"aws_session_token": "token-of-the-canary//00000000000000000==",
}

func canaryFields(pairs ...string) map[string]any {
	values := fields(pairs...)
	for name, value := range canaries {
		values[name] = value
	}
	return values
}

// exercise uses everything that an account does: keys, a role, a check, and each kind of failure.
func (p *process) exercise(t *testing.T) {
	t.Helper()
	canary := aws.Account{ID: "777777777777", Keys: []aws.Key{{
		AccessKeyID: canaries["aws_access_key_id"], SecretAccessKey: canaries["aws_secret_access_key"], SessionToken: canaries["aws_session_token"], User: "canary",
	}}, Roles: []aws.Role{{Name: "nest", Trusts: []string{"*"}}}}
	if err := p.AddAccount(canary); err != nil {
		t.Fatal(err)
	}
	nest := []string{"role", canary.Roles[0].ARN(canary)}
	for _, credentials := range []map[string]any{canaryFields(), canaryFields(nest...)} {
		if err := p.ValidateTool(t.Context(), toolstest.Caller(credentials)); err != nil {
			t.Error(err)
		}
		if _, err := p.whoami(t, credentials, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.whoami(t, nil, canaryFields()); err != nil {
		t.Error(err)
	}
	echo := fmt.Sprintf("you are %s with %s and %s", canaries["aws_access_key_id"], canaries["aws_secret_access_key"], canaries["aws_session_token"])
	for _, code := range []string{"SignatureDoesNotMatch", "AccessDenied", "ExpiredToken", "SomethingNew"} {
		in := p.Inject(aws.Fault{Effects: []aws.Effect{aws.Fail(403, code, echo)}})
		for _, call := range [][2]map[string]any{{canaryFields(), nil}, {canaryFields(nest...), nil}, {nil, canaryFields()}} {
			if _, err := p.whoami(t, call[0], call[1]); err == nil {
				t.Errorf("%s did not arrive", code)
			}
		}
		if err := p.ValidateTool(t.Context(), toolstest.Caller(canaryFields())); err == nil {
			t.Errorf("%s did not arrive", code)
		}
		in.Remove()
	}
	broken := canaryFields()
	broken["aws_secret_access_key"] = canaries["aws_secret_access_key"] + "\n2"
	if _, err := p.whoami(t, broken, nil); err == nil {
		t.Error("a malformed key is accepted")
	}
	if _, err := p.whoami(t, nil, broken); err == nil {
		t.Error("a malformed key is accepted")
	}
}

func TestA03_CredentialsStayInsideTheRequest(t *testing.T) {
	p := start(t, "heap")
	p.exercise(t)
	if err := p.Process.Close(); err != nil {
		t.Fatal(err)
	}
	memory, err := os.ReadFile(filepath.Join(p.folder, dumpName))
	if err != nil || len(memory) < 100_000 {
		t.Fatalf("a dump of %d bytes, %v", len(memory), err)
	}
	for name, value := range canaries {
		if at := bytes.Index(memory, []byte(value)); at >= 0 {
			t.Errorf("%s is still in memory: %q", name, memory[max(0, at-60):min(len(memory), at+60)])
		}
	}
}

func TestA03_CredentialsAreInNoLogAndNoError(t *testing.T) {
	p := start(t, "plugin")
	p.exercise(t)
	written := p.output.String() + p.logs.String()
	for name, value := range canaries {
		if at := strings.Index(written, value); at >= 0 {
			t.Errorf("%s was written: %s", name, written[max(0, at-200):min(len(written), at+100)])
		}
	}
	for _, word := range []string{"AWS4-HMAC-SHA256", "Signature=", "ASIA"} {
		if strings.Contains(written, word) {
			t.Errorf("%q was written", word)
		}
	}
}

func TestA03_TheSecretKeyIsNeverSent(t *testing.T) {
	cloud := startWithRoles(t)
	var seen bytes.Buffer
	spy := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.Header.Write(&seen)
		fmt.Fprintln(&seen, r.URL)
		cloud.Cloud.ServeHTTP(w, r)
	})
	if err := cloud.Box.Handle("sts.us-east-1.amazonaws.com", spy); err != nil {
		t.Fatal(err)
	}
	run(t, cloud).SucceedAs(t, saved(), "whoami", nil)
	if !strings.Contains(seen.String(), toolstest.AccessKeyID) || strings.Contains(seen.String(), toolstest.SecretAccessKey) {
		t.Errorf("%s", seen.String())
	}
}

func TestA19_OnlyHostsOfAWSAreContacted(t *testing.T) {
	p := start(t, "plugin")
	p.exercise(t)
	hosts := map[string]bool{}
	for _, request := range p.Box.Requests() {
		hosts[request.Host] = true
		if !account.Official(request.Host) {
			t.Errorf("%s is no host of AWS", request.Host)
		}
	}
	if diff := cmp.Diff([]string{"sts.us-east-1.amazonaws.com"}, slices.Sorted(maps.Keys(hosts))); diff != "" {
		t.Errorf("hosts: -want +got\n%s", diff)
	}
	if refused := p.Box.Refused(); len(refused) > 0 {
		t.Errorf("the plugin also tried: %v", refused)
	}
}

func TestA20_A22_EveryRequestUsesHTTPSAndNoRedirectIsFollowed(t *testing.T) {
	p := start(t, "plugin")
	for _, location := range []string{"http://sts.us-east-1.amazonaws.com/", "https://elsewhere.example.com/"} {
		redirect := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, location, http.StatusFound)
		})
		if err := p.Box.Handle("sts.us-east-1.amazonaws.com", redirect); err != nil {
			t.Fatal(err)
		}
		if _, err := p.whoami(t, saved(), nil); err == nil || !strings.Contains(err.Error(), "sends the request elsewhere") {
			t.Errorf("a redirect to %s: %v", location, err)
		}
	}
	for _, endpoint := range []string{"http://sts.us-east-1.amazonaws.com", "sts=http://localhost:4566", "HTTP://x.example.com"} {
		if _, err := p.whoami(t, saved("endpoint", endpoint), nil); err == nil || !strings.Contains(err.Error(), "unencrypted") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	if refused := p.Box.Refused(); len(refused) > 0 {
		t.Errorf("the plugin tried: %v", refused)
	}
}

func TestA23_NothingIsSentBeforeAClientIsNeeded(t *testing.T) {
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	for _, credentials := range []map[string]any{saved(), roleFields()} {
		tools.SucceedAs(t, credentials, "whoami", map[string]any{"ask": false})
	}
	if requests := cloud.Box.Requests(); len(requests) > 0 {
		t.Errorf("%d requests were sent to open an account", len(requests))
	}
}

func TestA24_CredentialsAreNotPersisted(t *testing.T) {
	p := start(t, "plugin")
	p.exercise(t)
	err := filepath.WalkDir(p.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("the plugin wrote %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	counted, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(counted), "\nwrite_bytes: 0\n") {
		t.Errorf("the plugin wrote to a disk:\n%s", counted)
	}
}

func TestA24_TheEnvironmentOfTheProcessStaysAsItWas(t *testing.T) {
	cloud := startWithRoles(t)
	tools := run(t, cloud)
	before := os.Environ()
	tools.SucceedAs(t, saved(), "whoami", nil)
	tools.SucceedAs(t, roleFields(), "whoami", nil)
	tools.SucceedAs(t, nil, "whoami", saved("region", "eu-west-1"))
	if diff := cmp.Diff(before, os.Environ()); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}
