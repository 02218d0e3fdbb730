package account_test

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

type aliasInput struct {
	account.AliasInput
	Ask bool `param:"ask"`
}

// aliasWhoami is whoami as a tool whose keys have two names.
func aliasWhoami(ctx context.Context, call *plugin.Call, in aliasInput) error {
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	return showAccount(ctx, call, a, in.Ask)
}

// aliasDeclarations are those of the plugin of these tests, whose tool has the other names, too.
func aliasDeclarations(t *testing.T) fstest.MapFS {
	t.Helper()
	const parameter = "  - {name: %s, type: string, form: form, label: {en_US: Key}, human_description: {en_US: A key.}}\n"
	declared := fstest.MapFS{}
	err := fs.WalkDir(declarations(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(declarations(), name)
		if name == "probe/whoami.yaml" {
			content = []byte(strings.Replace(string(content), "parameters:\n", "parameters:\n"+fmt.Sprintf(parameter+parameter, "aws_ak", "aws_sk"), 1))
		}
		declared[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return declared
}

func TestKeysHaveTwoNames(t *testing.T) {
	cloud := toolstest.Start(t)
	populate(t, cloud)
	declared := aliasDeclarations(t)
	tools := cloud.RunPlugin(t, declared, plugin.ToolCredentials(account.Check), plugin.Tool("whoami", aliasWhoami))
	saved := fields("id", toolstest.AccessKeyID, "secret", toolstest.SecretAccessKey)
	with := func(id, secret string, others map[string]any) map[string]any {
		others["aws_ak"], others["aws_sk"], others["ask"] = id, secret, true
		return others
	}
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		arn, fails string
	}{
		{"the other names", with(" "+otherID, otherSecret+"\n", fields()), "arn:aws:iam::222222222222:user/other", ""},
		{"the usual names", with("", " ", fields("id", otherID, "secret", otherSecret)), "arn:aws:iam::222222222222:user/other", ""},
		{"none", with("", "", fields()), "arn:aws:iam::123456789012:user/tester", ""},
		{"temporary keys", with(tempID, tempSecret, fields("token", tempToken)), "arn:aws:iam::123456789012:user/temp", ""},
		{"both", with(otherID, otherSecret, fields("id", otherID, "secret", otherSecret)), "", "hold keys under two names"},
		{"one half from each", with(otherID, "", fields("secret", otherSecret)), "", "hold keys under two names"},
		{"half a pair", with(otherID, "", fields()), "", "hold aws_ak but not aws_sk"},
		{"the other half", with("", otherSecret, fields()), "", "hold aws_sk but not aws_ak"},
		{"a line break inside", with(otherID, "other\nsecret", fields()), "", "aws_sk contains a space, a line break"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cloud.Forget()
			if tt.fails == "" {
				result := tools.SucceedAs(t, saved, "whoami", tt.parameters)
				if got := output(t, result, "arn"); got != tt.arn {
					t.Errorf("the call was made by %s, want %s", got, tt.arn)
				}
				return
			}
			failed := tools.FailAs(t, saved, "whoami", tt.parameters)
			if failed.Type != string(plugin.Authorization) || !strings.Contains(failed.Message, tt.fails) {
				t.Errorf("%s: %s", failed.Type, failed.Message)
			}
			if strings.Contains(failed.Message, otherSecret) || len(cloud.Calls()) > 0 {
				t.Errorf("%d requests were sent: %s", len(cloud.Calls()), failed.Message)
			}
		})
	}
}
