package main

import (
	"slices"
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
		t.Run(name, func(t *testing.T) {
			cloud := toolstest.Start(t)
			parameters := successes[name](t, cloud)
			tools := cloud.RunPlugin(t, declarations, parts()...)
			for _, class := range classes {
				t.Run(class.name, func(t *testing.T) {
					defer cloud.Inject(aws.Fault{Effects: []aws.Effect{class.effect}}).Remove()
					failure := tools.Fail(t, name, parameters)
					toolstest.WantFailure(t, failure, class.kind)
					if failure.Args["description"] != failure.Message || len(failure.Message) < 40 {
						t.Errorf("the user reads %q", failure.Message)
					}
				})
			}
		})
	}
}
