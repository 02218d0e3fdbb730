package bedrock_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
)

// searching are the parameters of a search, with some more of them in pairs.
func searching(pairs ...any) map[string]any {
	parameters := map[string]any{"result_type": "json", "knowledge_base_id": handbook, "query": "What do cats do?"}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

// vector is the only vectorSearchConfiguration that was sent.
func (c *cloud) vector(t *testing.T) json.RawMessage {
	t.Helper()
	calls := c.Calls()
	if len(calls) != 1 {
		t.Fatalf("%d requests were sent, want one", len(calls))
	}
	var body struct {
		Retrieval struct {
			Vector json.RawMessage `json:"vectorSearchConfiguration"`
		} `json:"retrievalConfiguration"`
	}
	if err := json.Unmarshal(calls[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Retrieval.Vector
}

// entries are the passages of a result.
func entries(t *testing.T, result host.Result) []map[string]any {
	t.Helper()
	var list []map[string]any
	if err := json.Unmarshal(result.Variables["results"], &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// contents are the texts of the passages of a result.
func contents(t *testing.T, result host.Result) []string {
	t.Helper()
	var texts []string
	for _, entry := range entries(t, result) {
		texts = append(texts, entry["content"].(string))
	}
	return texts
}

const cats = `{
	"content": "Cats sleep.", "title": "cats #1?.txt", "content_type": "TEXT", "source": "s3://documents/pets/cats #1?.txt", "source_type": "S3",
	"document_id": null, "score": 0.5, "row": null, "media_uri": null, "file": null,
	"attributes": {"x-amz-bedrock-kb-source-uri": "s3://documents/pets/cats #1?.txt", "x-amz-bedrock-kb-data-source-id": "DS12345678",
		"x-amz-bedrock-kb-chunk-id": "chunk-1", "x-amz-bedrock-kb-document-page-number": 3, "year": 2024, "draft": false},
	"metadata": {"_source": "knowledge", "retriever_from": "workflow", "position": 1, "dataset_id": "DS12345678", "dataset_name": null,
		"document_id": "cats #1?.txt", "document_name": "cats #1?.txt", "document_data_source_type": "TEXT", "segment_id": "chunk-1",
		"segment_position": 3, "segment_word_count": 11, "segment_hit_count": null, "score": 0.5,
		"doc_metadata": {"source": "S3", "document_name": "cats #1?.txt"}}}`

func TestAKnowledgeBaseIsSearched(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, searchTool, searching("topk", 1.0, "query", " What <b>do</b> cats do?\n"))
	if call := c.Calls()[0]; call.Method != "POST" || call.Host != "bedrock-agent-runtime.us-east-1.amazonaws.com" || call.Path != "/knowledgebases/KB12345678/retrieve" {
		t.Errorf("the request was %s %s%s", call.Method, call.Host, call.Path)
	}
	toolstest.WantJSON(t, "the request", `{"retrievalQuery": {"text": " What <b>do</b> cats do?\n"}, "retrievalConfiguration": {"vectorSearchConfiguration": {
		"numberOfResults": 1, "overrideSearchType": "SEMANTIC"}}}`, c.Calls()[0].Body)
	var token string
	if err := json.Unmarshal(result.Variables["next_token"], &token); err != nil || token == "" {
		t.Fatalf("next_token is %s", result.Variables["next_token"])
	}
	wantObject(t, fmt.Sprintf(`{"results": [%s], "next_token": %q, "guardrail_action": null}`, cats, token), result)
	toolstest.WantJSON(t, "results", "["+cats+"]", result.Variables["results"])
	if result.Text != "" {
		t.Errorf("the text is %q, and JSON was wanted", result.Text)
	}
}

func TestPassagesAreReturnedAsText(t *testing.T) {
	c := newCloud(t)
	c.runtime.Add(pets(bedrockagentruntime.Text(" \n", "s3://documents/blank.txt", nil), bedrockagentruntime.Text("Fish\nswim.", "s3://documents/fish.txt", nil)))
	result := c.Succeed(t, searchTool, searching("result_type", "text"))
	if want := "1: Cats sleep.\n2: Dogs bark.\n3: Fish\nswim.\n"; result.Text != want {
		t.Errorf("the text is %q, want %q", result.Text, want)
	}
	if len(result.JSON) != 0 {
		t.Errorf("JSON was sent besides: %s", result.JSON)
	}
	// A passage without content is left out, and its place is still counted.
	if list := entries(t, result); list[2]["metadata"].(map[string]any)["position"] != 4.0 {
		t.Errorf("the position is %v", list[2]["metadata"])
	}
	result = c.Succeed(t, searchTool, searching("result_type", nil, "metadata_filter", `{"equals": {"key": "year", "value": 1}}`))
	if result.Text != "" || string(result.Variables["results"]) != "[]" || string(result.Variables["next_token"]) != "null" {
		t.Errorf("nothing was found, the text is %q, the results are %s", result.Text, result.Variables["results"])
	}
}

func TestOptionsOfASearchThatAreLeftOutAreNotSent(t *testing.T) {
	for name, blank := range map[string]any{"null": nil, "blank": ""} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			parameters := searching("result_type", blank)
			for _, option := range []string{
				"topk", "search_type", "rerank_model_id", "rerank_model", "metadata_filter", "data_source_id", "next_token", "next_token_input", "guardrail_id",
				"guardrail_version", "aws_region",
			} {
				parameters[option] = blank
			}
			c.Succeed(t, searchTool, parameters)
			toolstest.WantJSON(t, "the request", `{"retrievalQuery": {"text": "What do cats do?"}, "retrievalConfiguration": {"vectorSearchConfiguration": {
				"numberOfResults": 5, "overrideSearchType": "SEMANTIC"}}}`, c.Calls()[0].Body)
		})
	}
}

func TestSection3_10Bug1_NothingIsSentForWrongParameters(t *testing.T) {
	wantRefusals(t, searchTool, searching(), []refusal{
		{"no knowledge base", searching("knowledge_base_id", ""), []string{"knowledge_base_id is required"}},
		{"no query", searching("query", nil), []string{"query is required"}},
		{"a blank query", searching("query", " \n"), []string{"query is blank"}},
		{"an odd knowledge base", searching("knowledge_base_id", "pets"), []string{`knowledge_base_id is "pets"`}},
		{"section 3.10 bug 4: no passages", searching("topk", 0), []string{"topk must be from 1 to 100"}},
		{"section 3.10 bug 4: too many passages", searching("topk", 101), []string{"topk must be from 1 to 100"}},
		{"section 3.10 bug 4: half a passage", searching("topk", 1.5), []string{"topk must be a whole number"}},
		{"section 3.10 bug 2: an unknown search type", searching("search_type", "FUZZY"), []string{"search_type must be one of SEMANTIC, HYBRID, AUTO"}},
		{"section 3.10 bug 2: an unknown model in the list", searching("rerank_model_id", "None"), []string{"rerank_model_id must be one of"}},
		{"an odd model", searching("rerank_model", "amazon rerank"), []string{`rerank_model is "amazon rerank"`}},
		{"a model of one's own", searching("rerank_model", "arn:aws:bedrock:us-east-1:123456789012:custom-model/a"), []string{"only foundation models"}},
		{"an inference profile", searching("rerank_model", "us.cohere.rerank-v3-5:0"), []string{"only foundation models"}},
		{
			"section 3.10 bug 3: a model elsewhere", searching("rerank_model", "arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0"),
			[]string{"rerank_model is a model in the region us-west-2", "us-east-1"},
		},
		{"section 3.10 bug 8: no JSON", searching("metadata_filter", "{'a': 1}"), []string{"metadata_filter is not JSON"}},
		{"section 3.10 bug 8: an odd operator", searching("metadata_filter", `{"equal": {"key": "a", "value": 1}}`), []string{`has no "equal"`, "equals", "andAll"}},
		{"section 3.10 bug 8: two operators", searching("metadata_filter", `{"equals": {"key": "a", "value": 1}, "in": {"key": "a", "value": [1]}}`), []string{"an object with one of", "2 names"}},
		{"section 3.10 bug 8: no operator", searching("metadata_filter", "{}"), []string{"an object with one of", "0 names"}},
		{"section 3.10 bug 8: null", searching("metadata_filter", "null"), []string{"is null", "leave the parameter blank"}},
		{"section 3.10 bug 8: a list", searching("metadata_filter", "[]"), []string{"an object with one of"}},
		{"section 3.10 bug 8: no key", searching("metadata_filter", `{"equals": {"value": 1}}`), []string{"equals lacks key"}},
		{"section 3.10 bug 8: no value", searching("metadata_filter", `{"equals": {"key": "a"}}`), []string{"equals lacks value"}},
		{"section 3.10 bug 8: a null value", searching("metadata_filter", `{"equals": {"key": "a", "value": null}}`), []string{"equals lacks value"}},
		{"section 3.10 bug 8: an empty key", searching("metadata_filter", `{"equals": {"key": "", "value": 1}}`), []string{"equals.key is empty"}},
		{"section 3.10 bug 8: an unknown name", searching("metadata_filter", `{"equals": {"key": "a", "value": 1, "values": 2}}`), []string{`equals has no "values"`}},
		{"section 3.10 bug 8: one filter of several", searching("metadata_filter", `{"andAll": [{"equals": {"key": "a", "value": 1}}]}`), []string{"andAll combines two filters or more, it has 1"}},
		{"section 3.10 bug 8: no list of filters", searching("metadata_filter", `{"orAll": {"equals": {"key": "a", "value": 1}}}`), []string{"orAll must be an array"}},
		{"section 3.10 bug 8: no list", searching("metadata_filter", `{"in": {"key": "a", "value": "x"}}`), []string{"in.value must be an array"}},
		{"section 3.10 bug 8: an empty list", searching("metadata_filter", `{"notIn": {"key": "a", "value": []}}`), []string{"notIn.value must be an array that is not empty"}},
		{"section 3.10 bug 8: a list too many", searching("metadata_filter", `{"equals": {"key": "a", "value": [1]}}`), []string{"equals.value must be one text, number or boolean"}},
		{"section 3.10 bug 8: deep inside", searching("metadata_filter", `{"andAll": [{"equals": {"key": "a", "value": 1}}, {"orAll": [{"x": 1}, {"equals": 1}]}]}`), []string{
			`andAll[1].orAll[0] has no "x"`, "andAll[1].orAll[1].equals must be an object",
		}},
		{"an odd data source", searching("data_source_id", "DS12345678, files"), []string{`data_source_id is "files"`}},
		{"an odd token", searching("next_token", "a b"), []string{"next_token holds a space"}},
		{"a guardrail without a version", searching("guardrail_id", "abc"), []string{"guardrail_version is blank"}},
		{"a version without a guardrail", searching("guardrail_version", "1"), []string{"guardrail_id is blank"}},
		{"the ARN of a guardrail", searching("guardrail_id", "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc", "guardrail_version", "1"), []string{"guardrail_id is", "not the name or the ARN"}},
		{"a long guardrail", searching("guardrail_id", strings.Repeat("a", 65), "guardrail_version", "1"), []string{"guardrail_id is"}},
		{"a long model", searching("rerank_model", strings.Repeat("a", 257)), []string{"rerank_model is"}},
		{"an odd version", searching("guardrail_id", "abc", "guardrail_version", "latest"), []string{`guardrail_version is "latest"`}},
		{"half a pair of keys", searching("aws_access_key_id", "AKIA"), []string{"aws_secret_access_key"}},
		{
			"several at once", searching("knowledge_base_id", "x", "query", " ", "rerank_model", "a b", "metadata_filter", "{", "data_source_id", "y", "next_token", "a b", "guardrail_id", "A"),
			[]string{"knowledge_base_id", "query", "rerank_model", "metadata_filter", "data_source_id", "next_token", "guardrail_id", "guardrail_version"},
		},
	})
}

func TestSection3_10Bug2_TheTypeOfSearchIsOptional(t *testing.T) {
	c := newCloud(t)
	base := pets()
	base.NoSearchType = true
	c.runtime.Add(base)
	c.Succeed(t, searchTool, searching("search_type", "AUTO"))
	toolstest.WantJSON(t, "the search", `{"numberOfResults": 5}`, c.vector(t))
	c.Forget()
	toolstest.WantFailure(t, c.Fail(t, searchTool, searching("search_type", "HYBRID")), plugin.BadRequest, "does not support overrideSearchType")
	toolstest.WantJSON(t, "the search", `{"numberOfResults": 5, "overrideSearchType": "HYBRID"}`, c.vector(t))
}

func TestSection3_10Bug3And4_AModelSortsThePassagesWhereTheyAre(t *testing.T) {
	c := newCloud(t)
	paris := pets()
	paris.Region = "eu-west-3"
	c.runtime.Add(paris)
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		found      int
		model      string
	}{
		{"a model of the list", searching("topk", 1, "rerank_model_id", "amazon.rerank-v1:0"), 5, "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"},
		{"the provider's other region", searching("topk", 1, "rerank_model_id", "cohere.rerank-v3-5:0", "aws_region", "eu-west-3"), 5, "arn:aws:bedrock:eu-west-3::foundation-model/cohere.rerank-v3-5:0"},
		{
			"the region of the knowledge base", searching("topk", 1, "rerank_model_id", "amazon.rerank-v1:0", "knowledge_base_id", "arn:aws:bedrock:eu-west-3:123456789012:knowledge-base/KB12345678"),
			5, "arn:aws:bedrock:eu-west-3::foundation-model/amazon.rerank-v1:0",
		},
		{"more than fit", searching("topk", 30, "rerank_model_id", "amazon.rerank-v1:0"), 100, "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"},
		{"as many as fit", searching("topk", 20, "rerank_model_id", "amazon.rerank-v1:0"), 100, "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"},
		{"a newer model wins", searching("topk", 2, "rerank_model", " cohere.rerank-v9:0 ", "rerank_model_id", "amazon.rerank-v1:0"), 10, "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v9:0"},
		{
			"an ARN", searching("topk", 2, "rerank_model", "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v9:0"), 10,
			"arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v9:0",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.Forget()
			result := c.Succeed(t, searchTool, tt.parameters)
			toolstest.WantJSON(t, "the search", fmt.Sprintf(`{"numberOfResults": %d, "overrideSearchType": "SEMANTIC", "rerankingConfiguration": {
				"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {"numberOfRerankedResults": %d, "modelConfiguration": {"modelArn": %q}}}}`,
				tt.found, tt.parameters["topk"], tt.model), c.vector(t))
			if got := contents(t, result)[0]; got != "Dogs bark." {
				t.Errorf("the passages are not sorted: %s", got)
			}
		})
	}
}

func TestSection3_10Bug3_APartitionHasModelsOfItsOwn(t *testing.T) {
	c := newCloud(t)
	if err := c.AddAccount(aws.Account{ID: "210987654321", China: true, Keys: []aws.Key{{AccessKeyID: "AKIACHINATESTERS0001", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	base := pets()
	base.Region, base.AccountID = "cn-north-1", "210987654321"
	c.runtime.Add(base)
	c.SucceedAs(t, toolstest.Credentials("aws_access_key_id", "AKIACHINATESTERS0001", "aws_secret_access_key", "secret", "aws_region", "cn-north-1"), searchTool,
		searching("rerank_model_id", "amazon.rerank-v1:0"))
	if body := string(c.Calls()[0].Body); !strings.Contains(body, `"arn:aws-cn:bedrock:cn-north-1::foundation-model/amazon.rerank-v1:0"`) {
		t.Errorf("the request is %s", body)
	}
}

func TestDocumentsAreFiltered(t *testing.T) {
	const bySource = `{"equals": {"key": "x-amz-bedrock-kb-data-source-id", "value": "DS12345678"}}`
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		sent       string
		found      []string
	}{
		{"by an attribute", searching("metadata_filter", `{"equals": {"key": "year", "value": 2025}}`), `{"equals": {"key": "year", "value": 2025}}`, []string{"Dogs bark."}},
		{"by an object of a model's", searching("metadata_filter", map[string]any{"lessThan": map[string]any{"key": "year", "value": 2025}}), `{"lessThan": {"key": "year", "value": 2025}}`, []string{"Cats sleep."}},
		{"by what is false", searching("metadata_filter", `{"equals": {"key": "draft", "value": false}}`), `{"equals": {"key": "draft", "value": false}}`, []string{"Cats sleep."}},
		{
			"by several", searching("metadata_filter", `{"orAll": [{"in": {"key": "year", "value": [1, 2024]}}, {"andAll": [{"startsWith": {"key": "a", "value": ""}}, {"notIn": {"key": "b", "value": [true, "x"]}}]}]}`),
			`{"orAll": [{"in": {"key": "year", "value": [1, 2024]}}, {"andAll": [{"startsWith": {"key": "a", "value": ""}}, {"notIn": {"key": "b", "value": [true, "x"]}}]}]}`,
			[]string{"Cats sleep."},
		},
		{"by data source", searching("data_source_id", " DS12345678 "), bySource, []string{"Cats sleep."}},
		{
			"by several data sources", searching("data_source_id", "DS12345678,DS22345678\nDS32345678"),
			`{"in": {"key": "x-amz-bedrock-kb-data-source-id", "value": ["DS12345678", "DS22345678", "DS32345678"]}}`,
			[]string{"Cats sleep.", "Dogs bark."},
		},
		{
			"by both", searching("data_source_id", "DS12345678", "metadata_filter", `{"equals": {"key": "year", "value": 2025}}`),
			`{"andAll": [` + bySource + `, {"equals": {"key": "year", "value": 2025}}]}`, nil,
		},
		{
			"by both, without a level more", searching("data_source_id", "DS12345678", "metadata_filter", `{"andAll": [{"notEquals": {"key": "year", "value": 1}}, {"greaterThan": {"key": "year", "value": 2}}]}`),
			`{"andAll": [` + bySource + `, {"notEquals": {"key": "year", "value": 1}}, {"greaterThan": {"key": "year", "value": 2}}]}`,
			[]string{"Cats sleep."},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			result := c.Succeed(t, searchTool, tt.parameters)
			toolstest.WantJSON(t, "the search", `{"numberOfResults": 5, "overrideSearchType": "SEMANTIC", "filter": `+tt.sent+`}`, c.vector(t))
			if diff := cmp.Diff(tt.found, contents(t, result)); diff != "" {
				t.Errorf("the passages differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryOperatorOfFiltersIsKnown(t *testing.T) {
	c := newCloud(t)
	for _, operator := range []string{
		"equals", "notEquals", "greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals", "startsWith", "listContains", "stringContains",
	} {
		c.Forget()
		filter := fmt.Sprintf(`{%q: {"key": "k", "value": 12345678901234567890.5}}`, operator)
		c.Succeed(t, searchTool, searching("metadata_filter", filter))
		if body := string(c.Calls()[0].Body); !strings.Contains(body, fmt.Sprintf(`{%q:{"key":"k","value":12345678901234567890.5}}`, operator)) {
			t.Errorf("%s was sent as %s", filter, body)
		}
	}
}

func TestSection3_10Bug9_PassagesArePaged(t *testing.T) {
	c := newCloud(t)
	first := c.Succeed(t, searchTool, searching("topk", 1))
	var token string
	if err := json.Unmarshal(first.Variables["next_token"], &token); err != nil {
		t.Fatal(err)
	}
	for _, parameters := range []map[string]any{
		searching("topk", 1, "next_token", token), searching("topk", 1, "next_token_input", token, "next_token", "the twin for agents wins"),
	} {
		second := c.Succeed(t, searchTool, parameters)
		if diff := cmp.Diff([]string{"Dogs bark."}, contents(t, second)); diff != "" || string(second.Variables["next_token"]) != "null" {
			t.Errorf("next_token is %s, the second page differs (-want +got):\n%s", second.Variables["next_token"], diff)
		}
	}
	toolstest.WantFailure(t, c.Fail(t, searchTool, searching("next_token", "bm9uZQ==")), plugin.BadRequest, "nextToken is invalid")
}

func TestAGuardrailJudgesASearch(t *testing.T) {
	c := newCloud(t)
	c.runtime.AddGuardrail(bedrockagentruntime.Guardrail{ID: "abc", Version: "DRAFT", Word: "secret"})
	for query, want := range map[string]struct {
		action string
		found  int
	}{"the secret": {`"INTERVENED"`, 0}, "cats": {`"NONE"`, 2}} {
		c.Forget()
		result := c.Succeed(t, searchTool, searching("query", query, "guardrail_id", " abc", "guardrail_version", "DRAFT"))
		if got := string(result.Variables["guardrail_action"]); got != want.action || len(entries(t, result)) != want.found {
			t.Errorf("%s: %s, %d passages", query, got, len(entries(t, result)))
		}
		if body := string(c.Calls()[0].Body); !strings.Contains(body, `"guardrailConfiguration":{"guardrailId":"abc","guardrailVersion":"DRAFT"}`) {
			t.Errorf("the request is %s", body)
		}
	}
	c.Succeed(t, searchTool, searching("guardrail_id", "abc", "guardrail_version", "DRAFT"))
	toolstest.WantFailure(t, c.Fail(t, searchTool, searching("guardrail_id", "abc", "guardrail_version", 7)), plugin.BadRequest, "does not exist")
}

// place is a location of the API.
func place(kind, member, name, value string) map[string]any {
	return map[string]any{"type": kind, member: map[string]any{name: value}}
}

// pixel is a GIF of one pixel.
const pixel = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

// odd are documents of every kind from every place.
func odd() []bedrockagentruntime.Document {
	text := func(location map[string]any) bedrockagentruntime.Document {
		return bedrockagentruntime.Document{Content: map[string]any{"text": "x"}, Location: location}
	}
	return []bedrockagentruntime.Document{
		text(place("WEB", "webLocation", "url", "https://www.example.com/a/page%201?x=/y#z")),
		text(place("CONFLUENCE", "confluenceLocation", "url", "https://wiki.example.com/display/Cats/")),
		text(place("SALESFORCE", "salesforceLocation", "url", "https://sales.example.com")),
		text(place("SHAREPOINT", "sharePointLocation", "url", "https://share.example.com/sites/a.docx")),
		text(place("CUSTOM", "customDocumentLocation", "id", "doc-7")),
		text(place("KENDRA", "kendraDocumentLocation", "uri", "https://kendra.example.com/k.pdf")),
		text(place("ONEDRIVE", "oneDriveLocation", "url", "https://drive.example.com/o.xlsx")),
		text(place("GOOGLEDRIVE", "googleDriveLocation", "url", "https://docs.example.com/g")),
		text(map[string]any{"type": "MOON", "moonLocation": map[string]any{"crater": "Tycho"}}),
		text(map[string]any{"type": "S3"}),
		text(nil),
		{
			Content: map[string]any{"type": "ROW", "row": []any{
				map[string]any{"columnName": "name", "columnValue": "Tom", "type": "STRING"}, map[string]any{"columnName": "age", "type": "NULL"},
			}},
			Location: place("SQL", "sqlLocation", "query", "SELECT name / 2 FROM cats"), Score: "NaN", ID: "row-1",
		},
		{Content: map[string]any{"type": "IMAGE", "byteContent": "data:image/gif;base64," + pixel}, Location: place("S3", "s3Location", "uri", "s3://b/1.gif"), Score: 1},
		{Content: map[string]any{"type": "IMAGE", "byteContent": "not base64"}, Location: place("S3", "s3Location", "uri", "s3://b/2.gif")},
		{Content: map[string]any{"type": "AUDIO", "audio": map[string]any{"s3Uri": "s3://b/3.mp3", "transcription": "Meow."}}},
		{Content: map[string]any{"type": "VIDEO", "video": map[string]any{"s3Uri": "s3://b/4.mp4"}}},
		{Content: map[string]any{"type": "SMELL"}, Metadata: map[string]any{"x-amz-bedrock-kb-source-uri": "s3://b/5", "x-amz-bedrock-kb-document-page-number": "iv", "list": []any{1, nil, map[string]any{}}}},
		{},
	}
}

func TestSection3_10Bug5And6_DocumentsOfEveryKindAndPlaceAreReturned(t *testing.T) {
	c := newCloud(t)
	c.runtime.Add(pets(odd()...))
	result := c.Succeed(t, searchTool, searching("topk", 100))
	var got []string
	for _, entry := range entries(t, result)[2:] {
		got = append(got, fmt.Sprintf("%v %v %v %v: %v", entry["content_type"], entry["source_type"], entry["source"], entry["title"], entry["content"]))
	}
	want := []string{
		"<nil> WEB https://www.example.com/a/page%201?x=/y#z page 1: x",
		"<nil> CONFLUENCE https://wiki.example.com/display/Cats/ Cats: x",
		"<nil> SALESFORCE https://sales.example.com sales.example.com: x",
		"<nil> SHAREPOINT https://share.example.com/sites/a.docx a.docx: x",
		"<nil> CUSTOM doc-7 doc-7: x",
		"<nil> KENDRA https://kendra.example.com/k.pdf k.pdf: x",
		"<nil> ONEDRIVE https://drive.example.com/o.xlsx o.xlsx: x",
		"<nil> GOOGLEDRIVE https://docs.example.com/g g: x",
		"<nil> MOON <nil> <nil>: x",
		"<nil> S3 <nil> <nil>: x",
		"<nil> <nil> <nil> <nil>: x",
		"ROW SQL SELECT name / 2 FROM cats <nil>: name: Tom, age: ",
		"IMAGE S3 s3://b/1.gif 1.gif: ",
		"IMAGE S3 s3://b/2.gif 2.gif: ",
		"AUDIO <nil> <nil> <nil>: Meow.",
		"VIDEO <nil> <nil> <nil>: ",
		"SMELL <nil> s3://b/5 5: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the passages differ (-want +got):\n%s", diff)
	}
	list := entries(t, result)[2:]
	for _, tt := range []struct {
		entry int
		name  string
		want  any
	}{
		{11, "row", []any{map[string]any{"name": "name", "value": "Tom", "type": "STRING"}, map[string]any{"name": "age", "value": nil, "type": "NULL"}}},
		{11, "score", nil},
		{11, "document_id", "row-1"},
		{12, "file", "passage-15.gif"},
		{12, "score", 1.0},
		{13, "file", nil},
		{14, "media_uri", "s3://b/3.mp3"},
		{15, "media_uri", "s3://b/4.mp4"},
		{16, "attributes", map[string]any{"x-amz-bedrock-kb-source-uri": "s3://b/5", "x-amz-bedrock-kb-document-page-number": "iv", "list": []any{1.0, nil, map[string]any{}}}},
	} {
		if diff := cmp.Diff(tt.want, list[tt.entry][tt.name]); diff != "" {
			t.Errorf("%s of passage %d differs (-want +got):\n%s", tt.name, tt.entry, diff)
		}
	}
	wantPixel(t, result, "passage-15.gif")
	if text := c.Succeed(t, searchTool, searching("topk", 100, "result_type", "text")).Text; !strings.Contains(text, "\n15: s3://b/1.gif\n") ||
		!strings.Contains(text, "\n18: s3://b/4.mp4\n") || !strings.HasSuffix(text, "\n19: s3://b/5\n") {
		t.Errorf("the text is %s", text)
	}
}

// wantPixel checks that the only file of a result is the pixel.
func wantPixel(t *testing.T, result host.Result, name string) {
	t.Helper()
	if len(result.Files) != 1 || result.Files[0].Name != name || result.Files[0].Type != "image/gif" {
		t.Fatalf("%d files, want the image %s: %+v", len(result.Files), name, result.Files)
	}
	body, err := result.Files[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	if closeErr := body.Close(); err != nil || closeErr != nil || base64.StdEncoding.EncodeToString(got) != pixel {
		t.Errorf("the image is %x, %v, %v", got, err, closeErr)
	}
}

// What the replaced plugins made up is null, and no key that a workflow reads is gone but for those that held only inventions.
func TestSection3_10Bug7_A7_NothingIsMadeUp(t *testing.T) {
	c := newCloud(t)
	base := pets()
	base.Documents = []bedrockagentruntime.Document{{Content: map[string]any{"text": "x"}}}
	c.runtime.Add(base)
	result := c.Succeed(t, searchTool, searching())
	toolstest.WantJSON(t, "the entry", `[{"content": "x", "title": null, "content_type": null, "source": null, "source_type": null, "document_id": null, "score": null, "row": null,
		"media_uri": null, "file": null, "attributes": {}, "metadata": {"_source": "knowledge", "retriever_from": "workflow", "position": 1, "dataset_id": null,
		"dataset_name": null, "document_id": null, "document_name": null, "document_data_source_type": null, "segment_id": null, "segment_position": null,
		"segment_word_count": 1, "segment_hit_count": null, "score": null, "doc_metadata": {"source": null, "document_name": null}}}]`, result.Variables["results"])
}

func TestNoPassageIsSentToAgentsAsAResource(t *testing.T) {
	c := newCloud(t)
	c.runtime.Add(pets(odd()...))
	for _, kind := range []string{"json", "text"} {
		for _, m := range c.Succeed(t, searchTool, searching("result_type", kind)).Messages {
			if m.Type == "retriever_resources" {
				t.Errorf("%s: a message of type %s was sent", kind, m.Type)
			}
		}
	}
}

func TestErrorsOfSearchesSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault aws.Effect
		kind  plugin.Kind
		words []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"bedrock:Retrieve", "arn:aws:bedrock:us-east-1:*:knowledge-base/KB12345678"}},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"fewer requests"}},
		{"a quota", aws.Fail(400, "ServiceQuotaExceededException", "no"), plugin.RateLimit, []string{"quota"}},
		{"a parameter", aws.Fail(400, "ValidationException", "odd"), plugin.BadRequest, []string{"AWS said: odd"}},
		{"a conflict", aws.Fail(409, "ConflictException", "busy"), plugin.BadRequest, []string{"AWS said: busy"}},
		{"a vector store that is away", aws.Fail(424, "DependencyFailedException", "away"), plugin.Unavailable, []string{"vector store", "AWS said: away"}},
		{"a bad gateway", aws.Fail(502, "BadGatewayException", "away"), plugin.Unavailable, []string{"depends on", "AWS said: away"}},
		{"an error of its own", aws.Break(), plugin.Unavailable, []string{"failure of its own"}},
		{"lost", aws.Drop(), plugin.Connection, []string{"no connection"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, searchTool, searching("query", "canary"))
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not search the knowledge base KB12345678")...)
			if strings.Contains(failed.Message, "canary") {
				t.Errorf("the error repeats the query: %s", failed.Message)
			}
		})
	}
	c := newCloud(t)
	toolstest.WantFailure(t, c.Fail(t, searchTool, searching("knowledge_base_id", "KB99999999")), plugin.BadRequest, "there is no such thing in the region us-east-1", "KB99999999")
}
