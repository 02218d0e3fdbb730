package bedrock_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

func TestA4_QuestionsAndPassagesAreNotLogged(t *testing.T) {
	c := newCloud(t)
	c.runtime.Add(pets(odd()...))
	c.Succeed(t, searchTool, searching("query", "canary", "metadata_filter", `{"notEquals": {"key": "canary", "value": "canary"}}`))
	c.Succeed(t, answerTool, asking("input", "canary"))
	c.Fail(t, searchTool, searching("query", "canary", "knowledge_base_id", "KB99999999"))
	logged, err := json.Marshal(c.Logs())
	if err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"canary", "Cats sleep", "s3://", pixel, "not base64", toolstest.SecretAccessKey} {
		if strings.Contains(string(logged), content) {
			t.Errorf("the log holds %q: %s", content, logged)
		}
	}
}

func TestA19_OnlyTheServiceOfTheToolIsAsked(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, listTool, map[string]any{})
	c.Succeed(t, sourcesTool, map[string]any{"knowledge_base_id": handbook})
	c.Succeed(t, ingestTool, ingesting())
	c.Succeed(t, searchTool, searching())
	c.Succeed(t, answerTool, asking())
	got := strings.Join(c.Operations(), " ")
	const want = "bedrock-agent.ListKnowledgeBases bedrock-agent.ListDataSources bedrock-agent.StartIngestionJob bedrock-agent-runtime.Retrieve bedrock-agent-runtime.RetrieveAndGenerate"
	if got != want {
		t.Errorf("%s were asked, want %s", got, want)
	}
}
