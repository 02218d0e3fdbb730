package bedrock_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
)

func TestKnowledgeBasesAreListed(t *testing.T) {
	c := newCloud(t)
	c.bases.Add(bedrockagent.KnowledgeBase{
		Region: "us-east-1", AccountID: toolstest.AccountID, ID: "KB22345678", Name: "wiki", Status: "CREATING", UpdatedAt: updated,
	})
	c.bases.Add(bedrockagent.KnowledgeBase{Region: "eu-west-1", AccountID: toolstest.AccountID, ID: "KB32345678", Name: "elsewhere", UpdatedAt: updated})
	result := c.Succeed(t, listTool, map[string]any{})
	c.wantBodies(t, "ListKnowledgeBases /knowledgebases/ {}")
	if host := c.Calls()[0].Host; host != "bedrock-agent.us-east-1.amazonaws.com" {
		t.Errorf("the request went to %s", host)
	}
	const list = `[
		{"knowledgeBaseId": "KB12345678", "name": "handbook", "description": "How we work, \"all\" of it", "status": "ACTIVE", "updatedAt": "2025-01-02T03:04:05.678000+00:00"},
		{"knowledgeBaseId": "KB22345678", "name": "wiki", "description": null, "status": "CREATING", "updatedAt": "2025-01-02T03:04:05.678000+00:00"}]`
	wantObject(t, `{"knowledge_bases": `+list+`, "next_token": null}`, result)
	toolstest.WantJSON(t, "knowledge_bases", list, result.Variables["knowledge_bases"])
	if want := "KB12345678,handbook,ACTIVE\nKB22345678,wiki,CREATING"; result.Text != want {
		t.Errorf("the text is %q, want %q", result.Text, want)
	}
}

func TestDataSourcesAreListed(t *testing.T) {
	for name, base := range map[string]string{"by ID": " " + handbook + "\n", "by ARN": handbookARN} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			result := c.Succeed(t, sourcesTool, map[string]any{"knowledge_base_id": base})
			c.wantBodies(t, "ListDataSources /knowledgebases/KB12345678/datasources/ {}")
			wantObject(t, `{"knowledge_base_id": "KB12345678", "next_token": null, "data_sources": [
				{"dataSourceId": "DS12345678", "knowledgeBaseId": "KB12345678", "name": "files", "description": "The bucket", "status": "AVAILABLE", "updatedAt": "2025-01-02T03:04:05.678000+00:00"},
				{"dataSourceId": "DS22345678", "knowledgeBaseId": "KB12345678", "name": "pages", "description": null, "status": "DELETING", "updatedAt": "2025-01-02T03:04:05+00:00"}]}`, result)
			if want := "DS12345678,files,AVAILABLE\nDS22345678,pages,DELETING"; result.Text != want {
				t.Errorf("the text is %q, want %q", result.Text, want)
			}
		})
	}
}

func TestAnEmptyListSaysSo(t *testing.T) {
	c := newCloud(t)
	c.bases.Add(bedrockagent.KnowledgeBase{Region: "us-east-1", AccountID: toolstest.AccountID, ID: handbook, Name: "handbook"})
	result := c.Succeed(t, sourcesTool, map[string]any{"knowledge_base_id": handbook})
	wantObject(t, `{"knowledge_base_id": "KB12345678", "data_sources": [], "next_token": null}`, result)
	if want := "The knowledge base KB12345678 has no data sources."; result.Text != want {
		t.Errorf("the text is %q, want %q", result.Text, want)
	}
	result = c.Succeed(t, listTool, map[string]any{"aws_region": "eu-west-1"})
	wantObject(t, `{"knowledge_bases": [], "next_token": null}`, result)
	if want := "There are no knowledge bases in eu-west-1."; result.Text != want {
		t.Errorf("the text is %q, want %q", result.Text, want)
	}
}

// many adds so many knowledge bases that a list has several pages, and returns all IDs in order.
func many(c *cloud) []string {
	ids := []string{handbook}
	for i := range 24 {
		id := fmt.Sprintf("KB%08d", i)
		c.bases.Add(bedrockagent.KnowledgeBase{Region: "us-east-1", AccountID: toolstest.AccountID, ID: id, Name: fmt.Sprintf("base-%d", i), UpdatedAt: updated})
		ids = append(ids, id)
	}
	return ids
}

// list runs the tool and returns the IDs that it lists, and next_token.
func list(t *testing.T, c *cloud, parameters map[string]any) (ids []string, next any) {
	t.Helper()
	result := c.Succeed(t, listTool, parameters)
	var object struct {
		Bases []struct {
			ID string `json:"knowledgeBaseId"`
		} `json:"knowledge_bases"`
		Next any `json:"next_token"`
	}
	if err := json.Unmarshal(result.JSON[0], &object); err != nil {
		t.Fatal(err)
	}
	for _, base := range object.Bases {
		ids = append(ids, base.ID)
	}
	return ids, object.Next
}

func TestSection3_7Bug3_AllPagesAreGathered(t *testing.T) {
	c := newCloud(t)
	want := many(c)
	got, next := list(t, c, map[string]any{"max_results": nil, "next_token": ""})
	if diff := cmp.Diff(want, got); diff != "" || next != nil {
		t.Errorf("next_token is %v, the list differs (-want +got):\n%s", next, diff)
	}
	if n := len(c.Calls()); n != 3 {
		t.Errorf("%d requests were sent for three pages", n)
	}
}

func TestAPageOfAListIsReturnedWithTheTokenOfTheNext(t *testing.T) {
	c := newCloud(t)
	want := many(c)
	first, token := list(t, c, map[string]any{"max_results": 9.0})
	second, last := list(t, c, map[string]any{"max_results": "9", "next_token_input": token, "next_token": "the twin for agents wins"})
	third, end := list(t, c, map[string]any{"max_results": 9, "next_token": last})
	if diff := cmp.Diff(want, append(append(first, second...), third...)); diff != "" || end != nil {
		t.Errorf("next_token at the end is %v, the pages differ (-want +got):\n%s", end, diff)
	}
	if want := fmt.Sprintf(`ListKnowledgeBases /knowledgebases/ {"maxResults":9,"nextToken":%q}`, token); c.bodies()[1] != want {
		t.Errorf("the request is %s, want %s", c.bodies()[1], want)
	}
	rest, end := list(t, c, map[string]any{"next_token": token})
	if diff := cmp.Diff(want[9:], rest); diff != "" || end != nil {
		t.Errorf("next_token at the end is %v, the rest differs (-want +got):\n%s", end, diff)
	}
}

func TestWrongParametersOfListsAreRefused(t *testing.T) {
	for tool, right := range map[string]map[string]any{listTool: {}, sourcesTool: {"knowledge_base_id": handbook}} {
		t.Run(tool, func(t *testing.T) {
			wantRefusals(t, tool, right, []refusal{
				{"section 3.7 bug 4: no entries", map[string]any{"max_results": 0}, []string{"max_results is 0", "1 to 1000"}},
				{"section 3.7 bug 1: too many entries", map[string]any{"max_results": 1001}, []string{"max_results is 1001", "1 to 1000"}},
				{"half an entry", map[string]any{"max_results": 2.5}, []string{"max_results must be a whole number"}},
				{"a token with a space", map[string]any{"next_token": "a b"}, []string{"next_token holds a space"}},
				{"a token with a line break", map[string]any{"next_token_input": "a\n"}, []string{"next_token_input holds a space or a line break"}},
				{"a long token", map[string]any{"next_token": strings.Repeat("x", 2049)}, []string{"next_token has 2049 characters"}},
				{"half a pair of keys", map[string]any{"aws_secret_access_key": "secret"}, []string{"aws_access_key_id"}},
				{"several at once", map[string]any{"max_results": -1, "next_token": "a b"}, []string{"max_results", "next_token"}},
			})
		})
	}
	wantRefusals(t, sourcesTool, map[string]any{"knowledge_base_id": handbook}, []refusal{
		{"no knowledge base", map[string]any{"knowledge_base_id": nil}, []string{"knowledge_base_id is required"}},
		{"a blank knowledge base", map[string]any{"knowledge_base_id": " "}, []string{"knowledge_base_id is required"}},
		{"a name", map[string]any{"knowledge_base_id": "handbook"}, []string{`knowledge_base_id is "handbook"`, "ten letters and digits"}},
		{"a path", map[string]any{"knowledge_base_id": "KB/../../x"}, []string{"knowledge_base_id"}},
		{"another region", map[string]any{"knowledge_base_id": handbookARN, "aws_region": "eu-west-1"}, []string{"us-east-1", `aws_region is "eu-west-1"`}},
		{"an odd region", map[string]any{"knowledge_base_id": strings.Replace(handbookARN, "us-east-1", "x", 1)}, []string{"which is no knowledge base"}},
		{"several at once", map[string]any{"knowledge_base_id": "x", "max_results": 0}, []string{"knowledge_base_id", "max_results"}},
	})
}

func TestAKnowledgeBaseIsFoundInTheRegionOfItsARN(t *testing.T) {
	c := newCloud(t)
	base := handbookBase()
	base.Region = "eu-west-1"
	c.bases.Add(base)
	c.Succeed(t, sourcesTool, map[string]any{"knowledge_base_id": base.ARN(), "aws_region": ""})
	c.Succeed(t, sourcesTool, map[string]any{"knowledge_base_id": base.ARN(), "aws_region": "EU-WEST-1"})
	for _, call := range c.Calls() {
		if call.Host != "bedrock-agent.eu-west-1.amazonaws.com" {
			t.Errorf("the request went to %s", call.Host)
		}
	}
}

func TestErrorsOfListsSayWhatToDo(t *testing.T) {
	c := newCloud(t)
	toolstest.WantFailure(t, c.Fail(t, sourcesTool, map[string]any{"knowledge_base_id": "KB99999999"}), plugin.BadRequest,
		"could not list the data sources of the knowledge base KB99999999", "us-east-1", "does not exist")
	toolstest.WantFailure(t, c.Fail(t, listTool, map[string]any{"next_token": "bm9uc2Vuc2U="}), plugin.BadRequest, "could not list the knowledge bases", "nextToken is invalid")
	denied := c.Inject(aws.Fault{Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.Fail(t, sourcesTool, map[string]any{"knowledge_base_id": handbook}), plugin.Authorization,
		"bedrock:ListDataSources", "arn:aws:bedrock:us-east-1:*:knowledge-base/KB12345678")
	toolstest.WantFailure(t, c.Fail(t, sourcesTool, map[string]any{"knowledge_base_id": handbookARN}), plugin.Authorization, handbookARN)
	toolstest.WantFailure(t, c.Fail(t, listTool, map[string]any{}), plugin.Authorization, "bedrock:ListKnowledgeBases")
	denied.Remove()
	c.Inject(aws.Fault{Effects: []aws.Effect{aws.Fail(400, "ValidationException", "odd")}})
	toolstest.WantFailure(t, c.Fail(t, listTool, map[string]any{}), plugin.BadRequest, "AWS said: odd")
}
