package account_test

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"os"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"go.uber.org/goleak"
)

// roleVariable makes this test program be something else: a plugin with the one tool whoami, or that plugin with a
// dump of its memory at the end.
const roleVariable = "ACCOUNT_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "plugin":
		plugin.Main(declarations(), parts()...)
	case "heap":
		os.Exit(serveAndDump())
	}
	goleak.VerifyTestMain(m)
}

//go:embed all:testdata/probe
var probe embed.FS

func declarations() fs.FS {
	sub, err := fs.Sub(probe, "testdata/probe")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return sub
}

func parts() []plugin.Part {
	return []plugin.Part{plugin.ToolCredentials(account.Check), plugin.Tool("whoami", whoami)}
}

type whoamiInput struct {
	account.Input
	Ask bool `param:"ask"`
}

// whoami shows the account that it was given, and who that is in the eyes of STS.
func whoami(ctx context.Context, call *plugin.Call, in whoamiInput) error {
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	return showAccount(ctx, call, a, in.Ask)
}

func showAccount(ctx context.Context, call *plugin.Call, a *account.Account, ask bool) error {
	arn := ""
	if ask {
		out, err := sts.NewFromConfig(a.Config(account.STS)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		if err != nil {
			return account.Error(err, account.Operation{
				Doing: "ask who the caller is", Service: "STS", Action: "sts:GetCallerIdentity", Region: a.Region(),
			})
		}
		arn = aws.ToString(out.Arn)
	}
	for name, value := range map[string]any{
		"arn": arn, "region": a.Region(), "partition": a.Partition(), "suffix": a.DNSSuffix(),
		"path_style": a.PathStyle(), "endpoint": a.Endpoint(account.S3),
	} {
		if err := call.Variable(name, value); err != nil {
			return err
		}
	}
	return nil
}

// run starts the probe in front of a cloud.
func run(t *testing.T, cloud *toolstest.AWS) *toolstest.Tools {
	t.Helper()
	return cloud.RunPlugin(t, declarations(), parts()...)
}

// output is a text among the outputs of a tool.
func output(t *testing.T, result host.Result, name string) string {
	t.Helper()
	var text string
	if err := json.Unmarshal(result.Variables[name], &text); err != nil {
		t.Fatalf("output %s is %s: %v", name, result.Variables[name], err)
	}
	return text
}
