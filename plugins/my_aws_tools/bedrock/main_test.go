package bedrock_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/bedrock"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	listTool    = "bedrock_kb_list"
	sourcesTool = "bedrock_kb_list_data_sources"
	ingestTool  = "bedrock_kb_start_ingestion_job"
	searchTool  = "bedrock_retrieve"
	answerTool  = "bedrock_retrieve_and_generate"

	handbook    = "KB12345678"
	handbookARN = "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/KB12345678"
	files       = "DS12345678"
)

// parts are the tools of this folder.
func parts() []plugin.Part {
	return []plugin.Part{
		plugin.Tool(listTool, bedrock.List),
		plugin.Tool(sourcesTool, bedrock.ListDataSources),
		plugin.Tool(ingestTool, bedrock.StartIngestionJob),
		plugin.Tool(searchTool, bedrock.Retrieve),
		plugin.Tool(answerTool, bedrock.Generate),
	}
}

// cloud is Bedrock with the tools that call it.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	bases   *bedrockagent.Service
	runtime *bedrockagentruntime.Service
}

// newCloud starts Bedrock with the knowledge base handbook in us-east-1, whose ingestion jobs run until they are finished.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), bases: bedrockagent.New(), runtime: bedrockagentruntime.New()}
	c.Register("bedrock-agent", c.bases)
	c.Register("bedrock-agent-runtime", c.runtime)
	c.bases.Add(handbookBase())
	c.runtime.Add(pets())
	c.Tools = c.Run(t, parts()...)
	return c
}

// updated is when everything in the cloud was changed last.
var updated = time.Date(2025, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

func handbookBase() bedrockagent.KnowledgeBase {
	return bedrockagent.KnowledgeBase{
		Region: "us-east-1", AccountID: toolstest.AccountID, ID: handbook, Name: "handbook", Description: "How we work, \"all\" of it", UpdatedAt: updated,
		DataSources: []bedrockagent.DataSource{
			{ID: files, Name: "files", Description: "The bucket", UpdatedAt: updated, Takes: -1},
			{ID: "DS22345678", Name: "pages", Status: "DELETING", UpdatedAt: updated.Truncate(time.Second), Takes: -1},
		},
	}
}

// pets is what the knowledge base handbook holds, with a few more documents.
func pets(more ...bedrockagentruntime.Document) bedrockagentruntime.KnowledgeBase {
	return bedrockagentruntime.KnowledgeBase{
		Region: "us-east-1", AccountID: toolstest.AccountID, ID: handbook,
		Documents: append([]bedrockagentruntime.Document{
			bedrockagentruntime.Text("Cats sleep.", "s3://documents/pets/cats #1?.txt", map[string]any{
				"x-amz-bedrock-kb-source-uri": "s3://documents/pets/cats #1?.txt", "x-amz-bedrock-kb-data-source-id": files,
				"x-amz-bedrock-kb-chunk-id": "chunk-1", "x-amz-bedrock-kb-document-page-number": 3.0, "year": 2024, "draft": false,
			}),
			bedrockagentruntime.Text("Dogs bark.", "s3://documents/dogs.txt", map[string]any{"x-amz-bedrock-kb-data-source-id": "DS22345678", "year": 2025}),
		}, more...),
	}
}

// bodies are the requests that were let in: operation, path and body.
func (c *cloud) bodies() []string {
	var list []string
	for _, call := range c.Calls() {
		list = append(list, strings.TrimSpace(call.Operation+" "+call.Path+" "+string(call.Body)))
	}
	return list
}

func (c *cloud) wantBodies(t *testing.T, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, c.bodies()); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
}

// wantObject compares the only JSON message of a result, which comes first.
func wantObject(t *testing.T, want string, result host.Result) {
	t.Helper()
	if len(result.JSON) != 1 || result.Messages[0].Type != "json" {
		t.Fatalf("%d JSON messages, the first message is of type %s", len(result.JSON), result.Messages[0].Type)
	}
	toolstest.WantJSON(t, "the JSON", want, result.JSON[0])
}

// refusal is a call that is refused before anything is sent.
type refusal struct {
	name       string
	parameters map[string]any
	words      []string
}

// wantRefusals runs calls of a tool that must be refused before anything is sent. What a case does not say is taken
// from the parameters of a call that succeeds.
func wantRefusals(t *testing.T, tool string, right map[string]any, cases []refusal) {
	t.Helper()
	c := newCloud(t)
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			failed := c.Fail(t, tool, with(right, tt.parameters))
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %.600s", word, failed.Message)
				}
			}
			if failed.Type != string(plugin.BadRequest) && failed.Type != string(plugin.Authorization) {
				t.Errorf("the kind is %s", failed.Type)
			}
			c.WantNothingSent(t)
		})
	}
}

// with are parameters with some of them replaced.
func with(right, changes map[string]any) map[string]any {
	all := map[string]any{}
	for _, from := range []map[string]any{right, changes} {
		for name, value := range from {
			all[name] = value
		}
	}
	return all
}
