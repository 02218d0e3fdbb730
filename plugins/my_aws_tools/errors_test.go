package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// withoutAWS are the tools that call no service of AWS, which can do them no wrong.
var withoutAWS = []string{"extract_frame", "translation_evaluator"}

func TestEveryToolTellsEveryClassOfAWSErrorsApart(t *testing.T) {
	classes := []struct {
		name   string
		effect aws.Effect
		kind   plugin.Kind
	}{
		{"access denied", aws.Deny(), plugin.Authorization},
		{"expired token", aws.Expire(), plugin.Authorization},
		{"throttled", aws.Throttle(), plugin.RateLimit},
		{"internal error", aws.Break(), plugin.Unavailable},
		{"overloaded", aws.Overload(), plugin.Unavailable},
		{"connection lost", aws.Drop(), plugin.Connection},
	}
	for _, tool := range load(t).Tools.Tools {
		name := tool.Identity.Name
		if slices.Contains(withoutAWS, name) {
			continue
		}
		for _, class := range classes {
			t.Run(name+"/"+class.name, func(t *testing.T) {
				cloud := toolstest.Start(t)
				parameters := successes[name](t, cloud)
				cloud.Inject(aws.Fault{Effects: []aws.Effect{class.effect}})
				failure := cloud.RunPlugin(t, declarations, parts()...).Fail(t, name, parameters)
				if failure.Type != string(class.kind) {
					t.Errorf("the kind is %s, not %s: %s", failure.Type, class.kind, failure.Message)
				}
				if failure.Args["description"] != failure.Message || len(failure.Message) < 40 {
					t.Errorf("the user reads %q", failure.Message)
				}
				for _, secret := range []string{toolstest.SecretAccessKey, "X-Amz-Signature", "AWS4-HMAC"} {
					if strings.Contains(failure.Message, secret) {
						t.Errorf("the message shows %s: %s", secret, failure.Message)
					}
				}
			})
		}
	}
}
