package main

import (
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

// successes holds for each tool one call that succeeds: it puts what the call needs into the cloud and returns the
// parameters.
var successes = map[string]func(t *testing.T, cloud *toolstest.AWS) map[string]any{}

func TestEveryToolSetsTheOutputsThatItDeclares(t *testing.T) {
	for _, tool := range load(t).Tools.Tools {
		name := tool.Identity.Name
		t.Run(name, func(t *testing.T) {
			prepare, ok := successes[name]
			if !ok {
				t.Fatal("no call of this tool is known that succeeds: add one to successes")
			}
			cloud := toolstest.Start(t)
			parameters := prepare(t, cloud)
			cloud.RunPlugin(t, declarations, parts()...).Succeed(t, name, parameters)
		})
	}
}
