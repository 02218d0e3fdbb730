package main

import (
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
)

// successes holds for each tool one call that succeeds: it puts what the call needs into the cloud and returns the
// parameters.
var successes = map[string]func(t *testing.T, cloud *toolstest.AWS) map[string]any{
	"dynamodb_manager": func(_ *testing.T, cloud *toolstest.AWS) map[string]any {
		cloud.Register("dynamodb", dynamodb.New())
		return map[string]any{"operation_type": "create_table", "table_name": "orders", "partition_key_name": "id"}
	},
}

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
