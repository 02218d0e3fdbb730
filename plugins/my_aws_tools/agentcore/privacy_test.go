package agentcore_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

// The promises of PRIVACY.md that concern these tools. Their numbers A3 to A28 are those of the privacy policy's
// statements in their order; A8 and A11 are with the tools that they are about.

// canary is a key of a second account, which must turn up nowhere but in signatures.
const (
	canaryAccount = "777777777777"
	canaryID      = "AKIACANARY0000000000"
	canarySecret  = "secret-of-the-canary/000000000000000000"
)

// everyCall is a call of each tool in each of its ways.
func everyCall() map[string][]params {
	return map[string][]params{
		remember:  {{"operation": "record", "information": "hi"}, with("record", params{"information": "hi"}), with("retrieve", nil)},
		search:    {{"memory_id": notes}},
		interpret: {{"command": "ls", "language": "python", "code": "1"}},
	}
}

// exercise makes every call with the canary's keys, from the provider and from the tool, with success and with each
// kind of failure. It returns all that came back.
func (c *cloud) exercise(t *testing.T) string {
	t.Helper()
	err := c.AddAccount(aws.Account{ID: canaryAccount, Keys: []aws.Key{{AccessKeyID: canaryID, SecretAccessKey: canarySecret, User: "canary"}}})
	if err != nil {
		t.Fatal(err)
	}
	c.core.AddMemory(standin.Memory{Region: "us-east-1", AccountID: canaryAccount, ID: notes})
	var back strings.Builder
	keys := params{"aws_access_key_id": canaryID, "aws_secret_access_key": canarySecret}
	for _, fault := range []aws.Effect{nil, aws.Deny(), aws.Fail(403, "SignatureDoesNotMatch", "you are "+canaryID+" with AWS4-HMAC-SHA256 "+canarySecret), aws.Drop()} {
		var injected *aws.Injection
		if fault != nil {
			injected = c.Inject(aws.Fault{Effects: []aws.Effect{fault}})
		}
		for tool, calls := range everyCall() {
			for _, parameters := range calls {
				own := maps.Clone(parameters)
				maps.Copy(own, keys)
				for _, call := range []struct{ saved, parameters params }{{keys, parameters}, {nil, own}} {
					result, err := c.Tool(t.Context(), toolstest.Caller(call.saved), tool, call.parameters)
					if (err != nil) != (fault != nil) {
						t.Errorf("%s: %v", tool, err)
					}
					fmt.Fprint(&back, result.Text, result.JSON, result.Variables, err)
				}
			}
		}
		if injected != nil {
			injected.Remove()
		}
	}
	fmt.Fprint(&back, c.Logs())
	return back.String()
}

func TestPrivacyA3_KeysReachOnlyTheClientsOfAWS(t *testing.T) {
	c := newCloud(t)
	before := os.Environ()
	back := c.exercise(t)
	if diff := cmp.Diff(before, os.Environ()); diff != "" {
		t.Error("the environment has changed") // without its content, which holds secrets
	}
	for _, secret := range []string{canaryID, canarySecret} {
		if strings.Contains(back, secret) {
			t.Errorf("%s came back in a result, an error or the log", secret)
		}
	}
	for _, call := range c.Calls() {
		if sent := fmt.Sprint(call.Path, call.RawQuery, call.Header, string(call.Body)); strings.Contains(sent, canarySecret) || strings.Contains(sent, canaryID) {
			t.Errorf("%s carries a key beside its signature", call.Operation)
		}
		if call.AccountID != canaryAccount {
			t.Errorf("%s was made by the account %s", call.Operation, call.AccountID)
		}
	}
}

func TestPrivacyA24_NothingIsKeptOnDiskOrInTheEnvironment(t *testing.T) {
	scratch := t.TempDir()
	for _, variable := range []string{"TMPDIR", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(variable, scratch)
	}
	here := listed(t, ".")
	c := newCloud(t)
	scratchBefore := listed(t, scratch)
	before := os.Environ()
	c.exercise(t)
	if !slices.Equal(before, os.Environ()) {
		t.Error("the environment has changed")
	}
	if diff := cmp.Diff(scratchBefore, listed(t, scratch)); diff != "" {
		t.Errorf("files are left (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(here, listed(t, ".")); diff != "" {
		t.Errorf("files are left in the working directory (-before +after):\n%s", diff)
	}
}

func listed(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(folder, func(name string, _ fs.DirEntry, err error) error {
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestPrivacyA28_OnlyTheKeysOfTheCallerAreUsed(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", toolstest.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", toolstest.SecretAccessKey)
	c := newCloud(t)
	for tool, calls := range everyCall() {
		for _, parameters := range calls {
			for _, keys := range []params{{}, {"aws_access_key_id": canaryID}, {"aws_secret_access_key": canarySecret}, {"aws_session_token": "t"}} {
				given := maps.Clone(parameters)
				maps.Copy(given, keys)
				failed := c.FailAs(t, nil, tool, given)
				toolstest.WantFailure(t, failed, plugin.Authorization, "aws_access_key_id")
				given = maps.Clone(parameters)
				failed = c.FailAs(t, mixed(keys), tool, given)
				toolstest.WantFailure(t, failed, plugin.Authorization, "aws_access_key_id")
			}
		}
	}
	c.WantNothingSent(t)
}

// mixed are the credentials of a provider of which something is missing.
func mixed(keys params) map[string]any {
	saved := map[string]any{"aws_region": "us-east-1"}
	maps.Copy(saved, keys)
	return saved
}
