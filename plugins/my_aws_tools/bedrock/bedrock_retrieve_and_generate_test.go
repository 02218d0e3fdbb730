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
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
)

const (
	nova       = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
	configured = `{"knowledgeBaseId": "KB12345678", "modelArn": "` + nova + `"}`
	kmsKey     = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
)

// asking are the parameters of a question, with some more of them in pairs.
func asking(pairs ...any) map[string]any {
	parameters := map[string]any{"result_type": "json", "input": "What do cats do?", "type": "KNOWLEDGE_BASE", "knowledge_base_configuration": configured}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

// askingAbout are the parameters of a question about a document.
func askingAbout(config string, pairs ...any) map[string]any {
	return asking(append([]any{"type", "EXTERNAL_SOURCES", "knowledge_base_configuration", nil, "external_sources_configuration", config}, pairs...)...)
}

// oneCitation makes the model answer with one document.
func oneCitation(d ...bedrockagentruntime.Document) func(bedrockagentruntime.Question) bedrockagentruntime.Answer {
	return func(bedrockagentruntime.Question) bedrockagentruntime.Answer {
		return bedrockagentruntime.Answer{Text: "They sleep.", Citations: []bedrockagentruntime.Citation{{Text: "sleep", Documents: d}}}
	}
}

func TestAQuestionIsAnsweredFromAKnowledgeBase(t *testing.T) {
	c := newCloud(t)
	c.runtime.Answer(oneCitation(pets().Documents[0]))
	result := c.Succeed(t, answerTool, asking())
	if call := c.Calls()[0]; call.Method != "POST" || call.Host != "bedrock-agent-runtime.us-east-1.amazonaws.com" || call.Path != "/retrieveAndGenerate" {
		t.Errorf("the request was %s %s%s", call.Method, call.Host, call.Path)
	}
	toolstest.WantJSON(t, "the request", `{"input": {"text": "What do cats do?"}, "retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": `+configured+`}}`,
		c.Calls()[0].Body)
	citations := `[{"text": "sleep", "references": [{"content": "Cats sleep.", "location": "s3://documents/pets/cats #1?.txt", "location_type": "S3", "content_type": "TEXT",
		"row": null, "media_uri": null, "file": null, "metadata": {"x-amz-bedrock-kb-source-uri": "s3://documents/pets/cats #1?.txt",
		"x-amz-bedrock-kb-data-source-id": "DS12345678", "x-amz-bedrock-kb-chunk-id": "chunk-1", "x-amz-bedrock-kb-document-page-number": 3, "year": 2024, "draft": false}}]}]`
	session := string(result.Variables["session_id"])
	wantObject(t, `{"output": "They sleep.", "citations": `+citations+`, "session_id": `+session+`, "guardrail_action": null}`, result)
	toolstest.WantJSON(t, "citations", citations, result.Variables["citations"])
	toolstest.WantJSON(t, "output", `"They sleep."`, result.Variables["output"])
	if len(session) < 10 || result.Text != "" {
		t.Errorf("the session is %s, the text %q", session, result.Text)
	}
}

func TestAnAnswerIsReturnedAsText(t *testing.T) {
	c := newCloud(t)
	if got := c.Succeed(t, answerTool, asking("result_type", "text")); got.Text != "Answer 1 to: What do cats do?" || len(got.JSON) != 0 {
		t.Errorf("the text is %q, the JSON %s", got.Text, got.JSON)
	}
	c.runtime.Answer(func(bedrockagentruntime.Question) bedrockagentruntime.Answer {
		documents := append(pets().Documents, bedrockagentruntime.Document{Content: map[string]any{"text": "Nowhere."}})
		return bedrockagentruntime.Answer{Text: "They sleep.", Citations: []bedrockagentruntime.Citation{{Text: "They", Documents: documents}, {Text: "sleep."}}}
	})
	const want = "They sleep.\n\n[References]\n[1] They\n- Cats sleep. s3://documents/pets/cats #1?.txt\n- Dogs bark. s3://documents/dogs.txt\n- Nowhere.\n[2] sleep.\n- (metadata only)"
	if got := c.Succeed(t, answerTool, asking("result_type", "text-with-citations")).Text; got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
	c.runtime.Answer(func(bedrockagentruntime.Question) bedrockagentruntime.Answer {
		return bedrockagentruntime.Answer{Text: "I do not know."}
	})
	result := c.Succeed(t, answerTool, asking("result_type", "text-with-citations"))
	if result.Text != "I do not know." || string(result.Variables["citations"]) != "[]" {
		t.Errorf("the text is %q, the citations are %s", result.Text, result.Variables["citations"])
	}
}

func TestSection3_11Bug1_AConversationGoesOn(t *testing.T) {
	c := newCloud(t)
	first := c.Succeed(t, answerTool, asking("result_type", "text"))
	var session string
	if err := json.Unmarshal(first.Variables["session_id"], &session); err != nil {
		t.Fatal(err)
	}
	second := c.Succeed(t, answerTool, asking("result_type", "text", "session_id", session))
	third := c.Succeed(t, answerTool, asking("result_type", "text", "session_id", "the twin for agents wins", "session_id_input", session))
	if second.Text != "Answer 2 to: What do cats do?" || third.Text != "Answer 3 to: What do cats do?" {
		t.Errorf("the answers are %q and %q", second.Text, third.Text)
	}
	if got := string(third.Variables["session_id"]); got != `"`+session+`"` {
		t.Errorf("the session is %s, and was %s", got, session)
	}
	toolstest.WantFailure(t, c.Fail(t, answerTool, asking("session_id", "unknown")), plugin.BadRequest, "could not answer from the knowledge base KB12345678", "Session with Id unknown is not valid")
}

func TestOptionsOfAQuestionThatAreLeftOutAreNotSent(t *testing.T) {
	for name, blank := range map[string]any{"null": nil, "blank": ""} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			parameters := asking("result_type", blank)
			for _, option := range []string{"external_sources_configuration", "session_configuration", "session_id", "session_id_input", "knowledge_base_id", "model_id", "aws_region"} {
				parameters[option] = blank
			}
			c.Succeed(t, answerTool, parameters)
			toolstest.WantJSON(t, "the request", `{"input": {"text": "What do cats do?"}, "retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": `+configured+`}}`,
				c.Calls()[0].Body)
		})
	}
}

// everything is a configuration with every name that the API has for knowledge bases with a vector store.
const everything = `{"knowledgeBaseId": "KB12345678", "modelArn": "` + nova + `",
	"generationConfiguration": {"additionalModelRequestFields": {"top_k": 12345678901234567890, "reasoning": {"on": false, "list": [1.50, null, ""]}},
		"guardrailConfiguration": {"guardrailId": "abc", "guardrailVersion": "7"},
		"inferenceConfig": {"textInferenceConfig": {"maxTokens": 0, "stopSequences": ["\n\n"], "temperature": 0.5, "topP": 0}},
		"performanceConfig": {"latency": "optimized"}, "promptTemplate": {"textPromptTemplate": "Use $search_results$ <b>"}},
	"orchestrationConfiguration": {"additionalModelRequestFields": {"a": true}, "inferenceConfig": {"textInferenceConfig": {"temperature": 1}},
		"performanceConfig": {"latency": "standard"}, "promptTemplate": {"textPromptTemplate": "$query$"},
		"queryTransformationConfiguration": {"type": "QUERY_DECOMPOSITION"}},
	"retrievalConfiguration": {
		"vectorSearchConfiguration": {"numberOfResults": 7, "overrideSearchType": "HYBRID",
			"filter": {"andAll": [{"equals": {"key": "draft", "value": false}}, {"in": {"key": "year", "value": [2024, "2025"]}}]},
			"implicitFilterConfiguration": {"modelArn": "` + nova + `", "metadataAttributes": [{"key": "year", "type": "NUMBER", "description": "The year"}]},
			"rerankingConfiguration": {"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {"numberOfRerankedResults": 3,
				"modelConfiguration": {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0", "additionalModelRequestFields": {"b": 1}},
				"metadataConfiguration": {"selectionMode": "SELECTIVE", "selectiveModeConfiguration": {"fieldsToInclude": [{"fieldName": "year"}]}}}}}}}`

func TestAConfigurationArrivesAsItWasWritten(t *testing.T) {
	c := newCloud(t)
	c.runtime.AddGuardrail(bedrockagentruntime.Guardrail{ID: "abc", Version: "7", Word: "secret"})
	var object map[string]any
	if err := json.Unmarshal([]byte(everything), &object); err != nil {
		t.Fatal(err)
	}
	for name, config := range map[string]any{"as text": everything, "as an object": object} {
		t.Run(name, func(t *testing.T) {
			c.Forget()
			result := c.Succeed(t, answerTool, asking("knowledge_base_configuration", config, "session_configuration", `{"kmsKeyArn": "`+kmsKey+`"}`))
			body := c.Calls()[0].Body
			toolstest.WantJSON(t, "the request", `{"input": {"text": "What do cats do?"}, "sessionConfiguration": {"kmsKeyArn": "`+kmsKey+`"},
				"retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": `+everything+`}}`, body)
			if name == "as text" && !strings.Contains(string(body), `"top_k":12345678901234567890`) {
				t.Errorf("digits were lost: %s", body)
			}
			toolstest.WantJSON(t, "guardrail_action", `"NONE"`, result.Variables["guardrail_action"])
		})
	}
}

func TestSection3_11Bug6_AGuardrailThatIntervenesIsSeen(t *testing.T) {
	c := newCloud(t)
	c.runtime.AddGuardrail(bedrockagentruntime.Guardrail{ID: "abc", Version: "7", Word: "secret"})
	config := `{"knowledgeBaseId": "KB12345678", "modelArn": "` + nova + `", "generationConfiguration": {"guardrailConfiguration": {"guardrailId": "abc", "guardrailVersion": 7}}}`
	result := c.Succeed(t, answerTool, asking("knowledge_base_configuration", config, "input", "the secret"))
	toolstest.WantJSON(t, "guardrail_action", `"INTERVENED"`, result.Variables["guardrail_action"])
	toolstest.WantJSON(t, "output", `"Sorry, the guardrail has stopped this."`, result.Variables["output"])
}

func TestAQuestionIsAnsweredFromADocument(t *testing.T) {
	for name, sources := range map[string]string{
		"in S3":   `[{"sourceType": "S3", "s3Location": {"uri": "s3://documents/cats.pdf"}}]`,
		"as data": `[{"sourceType": "BYTE_CONTENT", "byteContent": {"contentType": "text/plain", "data": "Q2F0cyBzbGVlcC4=", "identifier": "cats.txt"}}]`,
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			config := `{"modelArn": "` + nova + `", "sources": ` + sources + `, "generationConfiguration": {"promptTemplate": {"textPromptTemplate": "x"}}}`
			// The other configuration is not looked at.
			c.Succeed(t, answerTool, askingAbout(config, "knowledge_base_configuration", "{odd"))
			toolstest.WantJSON(t, "the request", `{"input": {"text": "What do cats do?"}, "retrieveAndGenerateConfiguration": {"type": "EXTERNAL_SOURCES", "externalSourcesConfiguration": `+config+`}}`,
				c.Calls()[0].Body)
		})
	}
}

func TestAConfigurationIsMadeOfSimpleParameters(t *testing.T) {
	for _, tt := range []struct{ name, model, want string }{
		{"the ID of a model", " amazon.nova-lite-v1:0 ", nova},
		{"the ID of a newer model", "zai.glm-9.7", "arn:aws:bedrock:us-east-1::foundation-model/zai.glm-9.7"},
		{"the ARN of a model", nova, nova},
		{"an inference profile", "us.anthropic.claude-sonnet-9-v1:0", "us.anthropic.claude-sonnet-9-v1:0"},
		{"a global inference profile", "global.anthropic.claude-sonnet-9-v1:0", "global.anthropic.claude-sonnet-9-v1:0"},
		{"the ARN of an inference profile", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0", "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-pro-v1:0"},
		{"the ARN of an application's profile", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123def456"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Succeed(t, answerTool, asking("knowledge_base_configuration", nil, "knowledge_base_id", handbook, "model_id", tt.model))
			toolstest.WantJSON(t, "the request", fmt.Sprintf(`{"input": {"text": "What do cats do?"}, "retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE",
				"knowledgeBaseConfiguration": {"knowledgeBaseId": "KB12345678", "modelArn": %q}}}`, tt.want), c.Calls()[0].Body)
		})
	}
}

func TestSimpleParametersCompleteAConfiguration(t *testing.T) {
	c := newCloud(t)
	paris := pets()
	paris.Region = "eu-west-3"
	c.runtime.Add(paris)
	const parisARN = "arn:aws:bedrock:eu-west-3:123456789012:knowledge-base/KB12345678"
	c.Succeed(t, answerTool, asking("knowledge_base_configuration", `{"retrievalConfiguration": {"vectorSearchConfiguration": {}}}`, "knowledge_base_id", parisARN, "model_id", "amazon.nova-lite-v1:0"))
	toolstest.WantJSON(t, "the request", `{"input": {"text": "What do cats do?"}, "retrieveAndGenerateConfiguration": {"type": "KNOWLEDGE_BASE", "knowledgeBaseConfiguration": {
		"knowledgeBaseId": "KB12345678", "modelArn": "arn:aws:bedrock:eu-west-3::foundation-model/amazon.nova-lite-v1:0", "retrievalConfiguration": {"vectorSearchConfiguration": {}}}}}`, c.Calls()[0].Body)
	if host := c.Calls()[0].Host; host != "bedrock-agent-runtime.eu-west-3.amazonaws.com" {
		t.Errorf("the request went to %s", host)
	}
	c.Forget()
	// What is said twice in the same words is no contradiction.
	c.Succeed(t, answerTool, asking("knowledge_base_id", handbook, "model_id", "amazon.nova-lite-v1:0"))
	if body := string(c.Calls()[0].Body); !strings.Contains(body, nova) {
		t.Errorf("the request is %s", body)
	}
	c.Forget()
	c.Succeed(t, answerTool, askingAbout(`{"sources": [{"sourceType": "S3", "s3Location": {"uri": "s3://documents/cats.pdf"}}]}`, "model_id", "amazon.nova-lite-v1:0"))
	if body := string(c.Calls()[0].Body); !strings.Contains(body, nova) {
		t.Errorf("the request is %s", body)
	}
}

func TestSection3_11Bug2And3_NothingIsSentForWrongParameters(t *testing.T) {
	base := func(config string) map[string]any { return asking("knowledge_base_configuration", config) }
	in := func(inside string) map[string]any {
		return base(`{"knowledgeBaseId": "KB12345678", "modelArn": "m", ` + inside + `}`)
	}
	wantRefusals(t, answerTool, asking(), []refusal{
		{"no question", asking("input", ""), []string{"input is required"}},
		{"a blank question", asking("input", " \t"), []string{"input is blank"}},
		{"no type", asking("type", nil), []string{"type is required"}},
		{"an unknown type", asking("type", "WEB"), []string{"type must be one of KNOWLEDGE_BASE, EXTERNAL_SOURCES"}},
		{"no configuration", base(""), []string{"knowledge_base_configuration is blank", "knowledge_base_id and model_id"}},
		{"only a model", asking("knowledge_base_configuration", nil, "model_id", "m"), []string{"knowledge_base_configuration is blank"}},
		{"no sources", askingAbout(""), []string{"external_sources_configuration is blank"}},
		{"no JSON", base("{'knowledgeBaseId': 1}"), []string{"knowledge_base_configuration is not JSON", "byte 2"}},
		{"a list", base("[]"), []string{"knowledge_base_configuration must be a JSON object"}},
		{"null", base("null"), []string{"knowledge_base_configuration must be a JSON object"}},
		{"an empty object", base("{}"), []string{"lacks knowledgeBaseId", "lacks modelArn"}},
		{"empty texts", base(`{"knowledgeBaseId": "", "modelArn": ""}`), []string{"knowledgeBaseId is empty", "modelArn is empty"}},
		{"an unknown name", base(`{"knowledgeBaseID": "KB12345678", "modelArn": "m"}`), []string{`has no "knowledgeBaseID"`, "generationConfiguration, knowledgeBaseId, modelArn", "lacks knowledgeBaseId"}},
		{"an unknown name inside", in(`"generationConfiguration": {"inferenceConfig": {"temperature": 1}}`), []string{`generationConfiguration.inferenceConfig has no "temperature": there are textInferenceConfig`}},
		{"another type", in(`"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": "5"}}`), []string{`numberOfResults must be a whole number, it is "5"`}},
		{"half a number", in(`"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 5.5}}`), []string{"numberOfResults must be a whole number, it is 5.5"}},
		{"a huge number", in(`"retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 3000000000}}`), []string{"numberOfResults must be a whole number"}},
		{"a text for a number", in(`"generationConfiguration": {"inferenceConfig": {"textInferenceConfig": {"topP": "high"}}}`), []string{`topP must be a number, it is "high"`}},
		{"a choice that is none", in(`"generationConfiguration": {"performanceConfig": {"latency": "low"}}`), []string{`latency must be one of standard, optimized, it is "low"`}},
		{"an object for a text", in(`"generationConfiguration": {"promptTemplate": {"textPromptTemplate": {}}}`), []string{"textPromptTemplate must be text, it is an object"}},
		{"a text for an object", in(`"generationConfiguration": "x"`), []string{"generationConfiguration must be an object, it is text"}},
		{"a text for a list", in(`"generationConfiguration": {"inferenceConfig": {"textInferenceConfig": {"stopSequences": "x"}}}`), []string{"stopSequences must be an array, it is text"}},
		{"a list for fields of a model", in(`"generationConfiguration": {"additionalModelRequestFields": []}`), []string{"additionalModelRequestFields must be an object"}},
		{"an empty name", in(`"generationConfiguration": {"additionalModelRequestFields": {"": 1}}`), []string{"additionalModelRequestFields has an empty name"}},
		{"half a guardrail", in(`"generationConfiguration": {"guardrailConfiguration": {"guardrailId": "abc"}}`), []string{"guardrailConfiguration lacks guardrailVersion"}},
		{"a wrong filter", in(`"retrievalConfiguration": {"vectorSearchConfiguration": {"filter": {"orAll": []}}}`), []string{"filter.orAll combines two filters or more, it has 0"}},
		{"no source", askingAbout(`{"modelArn": "m", "sources": []}`), []string{"sources is empty"}},
		{"a source of no type", askingAbout(`{"modelArn": "m", "sources": [{}]}`), []string{"sources[0] lacks sourceType"}},
		{"data that are not base64", askingAbout(`{"modelArn": "m", "sources": [{"sourceType": "BYTE_CONTENT", "byteContent": {"contentType": "text/plain", "data": "?", "identifier": "a"}}]}`), []string{
			"sources[0].byteContent.data must be base64",
		}},
		{"a knowledge base without use", askingAbout(`{"modelArn": "m", "sources": [{"sourceType": "S3", "s3Location": {"uri": "s3://b/k"}}]}`, "knowledge_base_id", handbook), []string{"knowledge_base_id is of no use"}},
		{"two knowledge bases", asking("knowledge_base_id", "KB99999999"), []string{`names the knowledge base "KB12345678", and knowledge_base_id is KB99999999`}},
		{"two models", asking("model_id", "amazon.nova-pro-v1:0"), []string{"names the model", `model_id is "amazon.nova-pro-v1:0"`}},
		{"an odd model", asking("model_id", "nova lite"), []string{`model_id is "nova lite"`}},
		{"an odd knowledge base", asking("knowledge_base_id", "pets"), []string{`knowledge_base_id is "pets"`}},
		{"an odd session", asking("session_id", "a b"), []string{`session_id is "a b"`}},
		{"a long session", asking("session_id", strings.Repeat("a", 101)), []string{"session_id is"}},
		{"an odd session of an agent", asking("session_id_input", "a"), []string{`session_id_input is "a"`}},
		{"an odd configuration of the session", asking("session_configuration", `{"kmsKey": "x"}`), []string{`session_configuration is not as Bedrock has it`, `has no "kmsKey": there are kmsKeyArn`}},
		{"half a pair of keys", asking("aws_access_key_id", "AKIA"), []string{"aws_secret_access_key"}},
		{"several at once", asking("input", " ", "knowledge_base_configuration", "{", "session_configuration", "[]", "session_id", "?", "model_id", "?"), []string{
			"input", "knowledge_base_configuration", "session_configuration", "session_id", "model_id",
		}},
	})
}

func TestSection3_11Bug4And5_SourcesOfEveryKindAndPlaceAreCited(t *testing.T) {
	c := newCloud(t)
	c.runtime.Answer(oneCitation(odd()...))
	result := c.Succeed(t, answerTool, asking())
	var citations []struct {
		References []map[string]any `json:"references"`
	}
	if err := json.Unmarshal(result.Variables["citations"], &citations); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range citations[0].References {
		got = append(got, fmt.Sprintf("%v %v %v %v: %v", r["content_type"], r["location_type"], r["location"], r["media_uri"], r["content"]))
	}
	want := []string{
		"<nil> WEB https://www.example.com/a/page%201?x=/y#z <nil>: x",
		"<nil> CONFLUENCE https://wiki.example.com/display/Cats/ <nil>: x",
		"<nil> SALESFORCE https://sales.example.com <nil>: x",
		"<nil> SHAREPOINT https://share.example.com/sites/a.docx <nil>: x",
		"<nil> CUSTOM doc-7 <nil>: x",
		"<nil> KENDRA https://kendra.example.com/k.pdf <nil>: x",
		"<nil> ONEDRIVE https://drive.example.com/o.xlsx <nil>: x",
		"<nil> GOOGLEDRIVE https://docs.example.com/g <nil>: x",
		"<nil> MOON <nil> <nil>: x",
		"<nil> S3 <nil> <nil>: x",
		"<nil> <nil> <nil> <nil>: x",
		"ROW SQL SELECT name / 2 FROM cats <nil>: name: Tom, age: ",
		"IMAGE S3 s3://b/1.gif <nil>: ",
		"IMAGE S3 s3://b/2.gif <nil>: ",
		"AUDIO <nil> <nil> s3://b/3.mp3: Meow.",
		"VIDEO <nil> <nil> s3://b/4.mp4: ",
		"SMELL <nil> s3://b/5 <nil>: ",
		"<nil> <nil> <nil> <nil>: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the references differ (-want +got):\n%s", diff)
	}
	wantPixel(t, result, "passage-1.gif")
}

func TestErrorsOfAnswersSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault aws.Effect
		kind  plugin.Kind
		words []string
	}{
		{"denied", aws.Fail(403, "AccessDeniedException", "no model"), plugin.Authorization, []string{
			"bedrock:RetrieveAndGenerate", "bedrock:Retrieve on arn:aws:bedrock:us-east-1:*:knowledge-base/KB12345678", "bedrock:InvokeModel", "AWS said: no model",
		}},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"fewer requests"}},
		{"a parameter", aws.Fail(400, "ValidationException", "odd"), plugin.BadRequest, []string{"AWS said: odd"}},
		{"a model that is away", aws.Fail(424, "DependencyFailedException", "away"), plugin.Unavailable, []string{"AWS said: away"}},
		{"an error of its own", aws.Break(), plugin.Unavailable, []string{"failure of its own"}},
		{"lost", aws.Drop(), plugin.Connection, []string{"no connection"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, answerTool, asking("input", "canary"))
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not answer from the knowledge base KB12345678")...)
			if strings.Contains(failed.Message, "canary") {
				t.Errorf("the error repeats the question: %s", failed.Message)
			}
		})
	}
	c := newCloud(t)
	c.Inject(aws.Fault{Effects: []aws.Effect{aws.Deny()}})
	failed := c.Fail(t, answerTool, askingAbout(`{"modelArn": "m", "sources": [{"sourceType": "S3", "s3Location": {"uri": "s3://documents/cats.pdf"}}]}`))
	toolstest.WantFailure(t, failed, plugin.Authorization, "could not answer from the document")
}
