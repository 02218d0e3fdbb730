package bedrockagentruntime_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/awstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagentruntime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

func pets() bedrockagentruntime.KnowledgeBase {
	return bedrockagentruntime.KnowledgeBase{
		Region: "us-east-1", AccountID: account, ID: "KB12345678",
		Documents: []bedrockagentruntime.Document{
			bedrockagentruntime.Text("Cats sleep.", "s3://b/cats.txt", map[string]any{"year": 2024, "tags": []any{"cat", "pet"}, "name": "Tom"}),
			bedrockagentruntime.Text("Dogs bark.", "s3://b/dogs.txt", map[string]any{"year": 2025, "name": "Rex"}),
			{ID: "d-3", Content: map[string]any{"text": "Fish swim."}, Score: "NaN"},
		},
	}
}

// start starts the service with the knowledge base pets, and returns a client of the SDK for it.
func start(t *testing.T) (*bedrockagentruntime.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, bases := aws.New(), bedrockagentruntime.New()
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("bedrock-agent-runtime", bases)
	bases.Add(pets())
	return bases, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: awstest.Client(transport),
		Retryer: sdk.NopRetryer{},
	})
}

// sending replaces the request behind the back of the SDK.
func sending(path, contentType, body string) func(*client.Options) {
	return client.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("Replace",
			func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
				r, _ := in.Request.(*smithyhttp.Request)
				r.URL.Path, r.URL.RawPath = path, ""
				r.Header.Set("Content-Type", contentType)
				r, err := r.SetStream(bytes.NewReader([]byte(body)))
				in.Request = r
				if err != nil {
					return middleware.BuildOutput{}, middleware.Metadata{}, err
				}
				return next.HandleBuild(ctx, in)
			}), middleware.Before)
	})
}

const (
	search   = "/knowledgebases/KB12345678/retrieve"
	generate = "/retrieveAndGenerate"
)

// retrieve sends a body and returns the texts that were found.
func retrieve(t *testing.T, c *client.Client, body string) (*client.RetrieveOutput, []string, error) {
	t.Helper()
	out, err := c.Retrieve(t.Context(), &client.RetrieveInput{KnowledgeBaseId: sdk.String("KB12345678"), RetrievalQuery: &types.KnowledgeBaseQuery{}},
		sending(search, "application/json", body))
	if err != nil {
		return nil, nil, err
	}
	var texts []string
	for _, found := range out.RetrievalResults {
		texts = append(texts, sdk.ToString(found.Content.Text))
	}
	return out, texts, nil
}

// vector is a search with some settings.
func vector(settings string) string {
	return `{"retrievalQuery":{"text":"x"},"retrievalConfiguration":{"vectorSearchConfiguration":{` + settings + `}}}`
}

func TestPassagesAreFoundInPagesAndSorted(t *testing.T) {
	_, c := start(t)
	out, texts, err := retrieve(t, c, vector(`"numberOfResults":2`))
	if diff := cmp.Diff([]string{"Cats sleep.", "Dogs bark."}, texts); err != nil || diff != "" || out.NextToken == nil {
		t.Fatalf("%v, %+v\n%s", err, out, diff)
	}
	first := out.RetrievalResults[0]
	if sdk.ToString(first.Location.S3Location.Uri) != "s3://b/cats.txt" || *first.Score != 0.5 || first.Content.Type != types.RetrievalResultContentTypeText || len(first.Metadata) != 3 {
		t.Errorf("%+v", first)
	}
	out, texts, err = retrieve(t, c, strings.Replace(vector(`"numberOfResults":2`), "{", `{"nextToken":"`+*out.NextToken+`",`, 1))
	if diff := cmp.Diff([]string{"Fish swim."}, texts); err != nil || diff != "" || out.NextToken != nil || sdk.ToString(out.RetrievalResults[0].DocumentId) != "d-3" {
		t.Errorf("%v, %+v\n%s", err, out, diff)
	}
	_, texts, err = retrieve(t, c, vector(`"numberOfResults":3,"rerankingConfiguration":{"type":"BEDROCK_RERANKING_MODEL","bedrockRerankingConfiguration":{
		"numberOfRerankedResults":2,"modelConfiguration":{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"}}}`))
	if diff := cmp.Diff([]string{"Fish swim.", "Dogs bark."}, texts); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestFiltersAreApplied(t *testing.T) {
	_, c := start(t)
	for filter, want := range map[string]string{
		`{"equals":{"key":"year","value":2024}}`:                                                        "Cats sleep.",
		`{"notEquals":{"key":"year","value":2024}}`:                                                     "Dogs bark. Fish swim.",
		`{"greaterThan":{"key":"year","value":2024}}`:                                                   "Dogs bark.",
		`{"greaterThanOrEquals":{"key":"year","value":2024}}`:                                           "Cats sleep. Dogs bark.",
		`{"lessThan":{"key":"year","value":2025}}`:                                                      "Cats sleep.",
		`{"lessThanOrEquals":{"key":"year","value":2023}}`:                                              "",
		`{"in":{"key":"year","value":[2025]}}`:                                                          "Dogs bark.",
		`{"notIn":{"key":"year","value":[2025]}}`:                                                       "Cats sleep. Fish swim.",
		`{"listContains":{"key":"tags","value":"pet"}}`:                                                 "Cats sleep.",
		`{"startsWith":{"key":"name","value":"R"}}`:                                                     "Dogs bark.",
		`{"stringContains":{"key":"name","value":"o"}}`:                                                 "Cats sleep.",
		`{"andAll":[{"startsWith":{"key":"name","value":"R"}},{"equals":{"key":"year","value":2025}}]}`: "Dogs bark.",
		`{"orAll":[{"startsWith":{"key":"name","value":"R"}},{"equals":{"key":"year","value":2024}}]}`:  "Cats sleep. Dogs bark.",
	} {
		_, texts, err := retrieve(t, c, vector(`"filter":`+filter))
		if got := strings.Join(texts, " "); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", filter, got, err, want)
		}
	}
}

// ask sends a body.
func ask(t *testing.T, c *client.Client, body string) (*client.RetrieveAndGenerateOutput, error) {
	t.Helper()
	return c.RetrieveAndGenerate(t.Context(), &client.RetrieveAndGenerateInput{Input: &types.RetrieveAndGenerateInput{Text: sdk.String("")}},
		sending(generate, "application/json", body))
}

const configuration = `"retrieveAndGenerateConfiguration":{"type":"KNOWLEDGE_BASE","knowledgeBaseConfiguration":{"knowledgeBaseId":"KB12345678","modelArn":"m"}}`

func TestQuestionsOfASessionAreCounted(t *testing.T) {
	bases, c := start(t)
	first, err := ask(t, c, `{"input":{"text":"a"},`+configuration+`}`)
	if err != nil || sdk.ToString(first.Output.Text) != "Answer 1 to: a" || len(first.Citations) != 1 || len(first.Citations[0].RetrievedReferences) != 3 || first.GuardrailAction != "" {
		t.Fatalf("%+v, %v", first, err)
	}
	bases.AddGuardrail(bedrockagentruntime.Guardrail{ID: "abc", Version: "1", Word: "b"})
	guarded := strings.Replace(configuration, `"modelArn"`, `"generationConfiguration":{"guardrailConfiguration":{"guardrailId":"abc","guardrailVersion":"1"}},"modelArn"`, 1)
	second, err := ask(t, c, `{"input":{"text":"b"},"sessionId":"`+*first.SessionId+`",`+guarded+`}`)
	if err != nil || *second.SessionId != *first.SessionId || second.GuardrailAction != types.GuadrailActionIntervened {
		t.Errorf("%+v, %v", second, err)
	}
	bases.Answer(func(q bedrockagentruntime.Question) bedrockagentruntime.Answer {
		return bedrockagentruntime.Answer{Text: q.ModelARN}
	})
	third, err := ask(t, c, `{"input":{"text":"c"},"retrieveAndGenerateConfiguration":{"type":"EXTERNAL_SOURCES","externalSourcesConfiguration":{
		"modelArn":"amazon.nova-lite-v1:0","sources":[{"sourceType":"S3","s3Location":{"uri":"s3://documents/a.pdf"}}]}}}`)
	if err != nil || sdk.ToString(third.Output.Text) != "amazon.nova-lite-v1:0" || *third.SessionId == *first.SessionId {
		t.Errorf("%+v, %v", third, err)
	}
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != code || answered.ErrorMessage() == "" {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfBedrock(t *testing.T) {
	bases, c := start(t)
	strict := pets()
	strict.ID, strict.NoSearchType = "KB22345678", true
	bases.Add(strict)
	const (
		json      = "application/json"
		serialize = "SerializationException"
		validate  = "ValidationException"
	)
	rerank := func(arn string) string {
		return vector(`"rerankingConfiguration":{"type":"BEDROCK_RERANKING_MODEL","bedrockRerankingConfiguration":{"modelConfiguration":{"modelArn":"` + arn + `"}}}`)
	}
	question := func(config string) string {
		return `{"input":{"text":"x"},"retrieveAndGenerateConfiguration":` + config + `}`
	}
	inBase := func(more string) string {
		return question(`{"type":"KNOWLEDGE_BASE","knowledgeBaseConfiguration":{"knowledgeBaseId":"KB12345678","modelArn":"m",` + more + `}}`)
	}
	sources := func(list string) string {
		return question(`{"type":"EXTERNAL_SOURCES","externalSourcesConfiguration":{"modelArn":"m","sources":` + list + `}}`)
	}
	for _, tt := range []struct{ name, path, contentType, body, code string }{
		{"another path", "/retrieve", json, "{}", "UnknownOperationException"},
		{"another content type", search, "text/plain", "{}", "UnsupportedMediaTypeException"},
		{"no JSON", search, json, "{", serialize},
		{"an unknown name", search, json, `{"retrievalQuery":{"text":"x"},"topK":1}`, serialize},
		{"no query", search, json, `{}`, validate},
		{"an unknown knowledge base", "/knowledgebases/KB99999999/retrieve", json, vector(""), "ResourceNotFoundException"},
		{"an odd knowledge base", "/knowledgebases/pets/retrieve", json, vector(""), validate},
		{"no passages", search, json, vector(`"numberOfResults":0`), validate},
		{"too many passages", search, json, vector(`"numberOfResults":101`), validate},
		{"a number as text", search, json, vector(`"numberOfResults":"5"`), serialize},
		{"an odd type of search", search, json, vector(`"overrideSearchType":"AUTO"`), validate},
		{"a type of search where there is none", "/knowledgebases/KB22345678/retrieve", json, vector(`"overrideSearchType":"HYBRID"`), validate},
		{"an odd token", search, json, strings.Replace(vector(""), "{", `{"nextToken":"odd",`, 1), validate},
		{"a model elsewhere", search, json, rerank("arn:aws:bedrock:us-west-2::foundation-model/amazon.rerank-v1:0"), validate},
		{"a model of another partition", search, json, rerank("arn:aws-cn:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"), validate},
		{"the ID of a model", search, json, rerank("amazon.rerank-v1:0"), validate},
		{"an unknown guardrail", search, json, strings.Replace(vector(""), "{", `{"guardrailConfiguration":{"guardrailId":"abc","guardrailVersion":"1"},`, 1), validate},
		{"a guardrail without a version", search, json, strings.Replace(vector(""), "{", `{"guardrailConfiguration":{"guardrailId":"abc"},`, 1), validate},
		{"an empty filter", search, json, vector(`"filter":{}`), validate},
		{"two operators", search, json, vector(`"filter":{"in":{"key":"a","value":[1]},"equals":{"key":"a","value":1}}`), validate},
		{"an unknown operator", search, json, vector(`"filter":{"is":{"key":"a","value":1}}`), validate},
		{"one filter of several", search, json, vector(`"filter":{"andAll":[{"equals":{"key":"a","value":1}}]}`), validate},
		{"a filter without a key", search, json, vector(`"filter":{"equals":{"value":1}}`), validate},
		{"a filter without a value", search, json, vector(`"filter":{"equals":{"key":"a"}}`), validate},
		{"a filter with more", search, json, vector(`"filter":{"equals":{"key":"a","value":1,"x":1}}`), validate},
		{"a list for one value", search, json, vector(`"filter":{"equals":{"key":"a","value":[1]}}`), validate},
		{"one value for a list", search, json, vector(`"filter":{"in":{"key":"a","value":1}}`), validate},
		{"a wrong filter inside", search, json, vector(`"filter":{"orAll":[{"equals":{"key":"a","value":1}},{}]}`), validate},
		{"no question", generate, json, `{` + configuration + `}`, validate},
		{"a long question", generate, json, `{"input":{"text":"` + strings.Repeat("x", 1001) + `"},` + configuration + `}`, validate},
		{"no configuration", generate, json, `{"input":{"text":"x"}}`, validate},
		{"an unknown type", generate, json, question(`{"type":"WEB"}`), validate},
		{"no knowledge base", generate, json, question(`{"type":"KNOWLEDGE_BASE"}`), validate},
		{"no model", generate, json, question(`{"type":"KNOWLEDGE_BASE","knowledgeBaseConfiguration":{"knowledgeBaseId":"KB12345678"}}`), validate},
		{"a model with a space", generate, json, question(`{"type":"KNOWLEDGE_BASE","knowledgeBaseConfiguration":{"knowledgeBaseId":"KB12345678","modelArn":"a b"}}`), validate},
		{"an unknown knowledge base for an answer", generate, json, question(`{"type":"KNOWLEDGE_BASE","knowledgeBaseConfiguration":{"knowledgeBaseId":"KB99999999","modelArn":"m"}}`), "ResourceNotFoundException"},
		{"a temperature too high", generate, json, inBase(`"generationConfiguration":{"inferenceConfig":{"textInferenceConfig":{"temperature":2}}}`), validate},
		{"an unknown latency", generate, json, inBase(`"generationConfiguration":{"performanceConfig":{"latency":"low"}}`), validate},
		{"an empty template", generate, json, inBase(`"generationConfiguration":{"promptTemplate":{"textPromptTemplate":""}}`), validate},
		{"an unknown name inside", generate, json, inBase(`"generation":{}`), serialize},
		{"two sources", generate, json, sources(`[{"sourceType":"S3"},{"sourceType":"S3"}]`), validate},
		{"a source without a place", generate, json, sources(`[{"sourceType":"S3"}]`), validate},
		{"a source without data", generate, json, sources(`[{"sourceType":"BYTE_CONTENT"}]`), validate},
		{"an unknown source", generate, json, sources(`[{"sourceType":"WEB"}]`), validate},
		{"an unknown session", generate, json, `{"input":{"text":"x"},"sessionId":"none",` + configuration + `}`, validate},
		{"an odd session", generate, json, `{"input":{"text":"x"},"sessionId":"a b",` + configuration + `}`, validate},
		{"an odd key", generate, json, `{"input":{"text":"x"},"sessionConfiguration":{"kmsKeyArn":"key"},` + configuration + `}`, validate},
	} {
		_, err := c.RetrieveAndGenerate(t.Context(), &client.RetrieveAndGenerateInput{Input: &types.RetrieveAndGenerateInput{Text: sdk.String("")}},
			sending(tt.path, tt.contentType, tt.body))
		wantCode(t, tt.name, err, tt.code)
	}
}
