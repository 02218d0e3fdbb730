package bedrock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const reranking = `{"type": "BEDROCK_RERANKING_MODEL", "bedrockRerankingConfiguration": {"numberOfRerankedResults": 4,
	"modelConfiguration": {"modelArn": "m", "additionalModelRequestFields": {"a": [1.50, null, "", false, {"b": 12345678901234567890}]}},
	"metadataConfiguration": {"selectionMode": "SELECTIVE", "selectiveModeConfiguration": {"fieldsToExclude": [{"fieldName": "secret"}]}}}}`

// everything is a configuration with nearly every name of the API, those for managed knowledge bases among them.
const everything = `{"knowledgeBaseId": "KB12345678", "modelArn": "m",
	"generationConfiguration": {"guardrailConfiguration": {"guardrailId": "abc", "guardrailVersion": "7"}, "performanceConfig": {"latency": "optimized"},
		"inferenceConfig": {"textInferenceConfig": {"maxTokens": 0, "stopSequences": ["x"], "temperature": 0.5}}},
	"orchestrationConfiguration": {"queryTransformationConfiguration": {"type": "QUERY_DECOMPOSITION"}},
	"retrievalConfiguration": {
		"vectorSearchConfiguration": {"filter": {"andAll": [{"equals": {"key": "a", "value": false}}, {"notIn": {"key": "a", "value": [1]}}]},
			"implicitFilterConfiguration": {"modelArn": "m", "metadataAttributes": [{"key": "a", "type": "NUMBER", "description": "d"}]},
			"rerankingConfiguration": ` + reranking + `},
		"managedSearchConfiguration": {"numberOfResults": 9, "filter": {"notEquals": {"key": "a", "value": ""}}, "rerankingModelType": "CUSTOM",
			"rerankingConfiguration": ` + reranking + `}}}`

// wire keeps the body of the last request and answers nothing.
type wire struct{ body []byte }

var errSilent = errors.New("nobody answers")

// Do implements the SDK's HTTPClient.
func (w *wire) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	w.body = body
	return nil, errors.Join(errSilent, err)
}

// throughSDK is what the SDK sends of a configuration, or the error with which it refuses to.
func throughSDK(ctx context.Context, config *types.KnowledgeBaseRetrieveAndGenerateConfiguration) (json.RawMessage, error) {
	w := &wire{}
	client := bedrockagentruntime.New(bedrockagentruntime.Options{
		Region: "us-east-1", HTTPClient: w, Retryer: aws.NopRetryer{}, Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	})
	_, err := client.RetrieveAndGenerate(ctx, &bedrockagentruntime.RetrieveAndGenerateInput{
		Input:                            &types.RetrieveAndGenerateInput{Text: aws.String("x")},
		RetrieveAndGenerateConfiguration: &types.RetrieveAndGenerateConfiguration{Type: types.RetrieveAndGenerateTypeKnowledgeBase, KnowledgeBaseConfiguration: config},
	})
	if !errors.Is(err, errSilent) {
		return nil, err
	}
	var sent struct {
		Configuration struct {
			Base json.RawMessage `json:"knowledgeBaseConfiguration"`
		} `json:"retrieveAndGenerateConfiguration"`
	}
	err = json.Unmarshal(w.body, &sent)
	return sent.Configuration.Base, err
}

func treeOf(t *testing.T, text string) any {
	t.Helper()
	var tree any
	if err := json.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestAConfigurationSurvivesTheTypesOfTheSDK(t *testing.T) {
	var config types.KnowledgeBaseRetrieveAndGenerateConfiguration
	if err := decodeInto(everything, &config); err != nil {
		t.Fatal(err)
	}
	sent, err := throughSDK(t.Context(), &config)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(treeOf(t, everything), treeOf(t, string(sent))); diff != "" {
		t.Errorf("the configuration differs (-want +got):\n%s", diff)
	}
	for _, exact := range []string{"12345678901234567890", "1.50"} {
		if !strings.Contains(string(sent), exact) {
			t.Errorf("the digits of %s were lost: %s", exact, sent)
		}
	}
}

// without are copies of a tree of JSON that lack one name each, by the place of the name.
func without(tree any) map[string]any {
	copies := map[string]any{}
	switch node := tree.(type) {
	case map[string]any:
		for name, inner := range node {
			smaller := maps.Clone(node)
			delete(smaller, name)
			copies[name] = smaller
			for at, changed := range without(inner) {
				other := maps.Clone(node)
				other[name] = changed
				copies[name+"."+at] = other
			}
		}
	case []any:
		for i, inner := range node {
			for at, changed := range without(inner) {
				list := slices.Clone(node)
				list[i] = changed
				copies[fmt.Sprintf("%d.%s", i, at)] = list
			}
		}
	}
	return copies
}

// The SDK refuses what lacks something, too, but in words about Go. Whatever it would refuse has to be noticed before.
func TestWhatAConfigurationLacksIsNoticedBeforeTheSDKDoes(t *testing.T) {
	refused := 0
	for at, tree := range without(treeOf(t, everything)) {
		var config types.KnowledgeBaseRetrieveAndGenerateConfiguration
		if err := decodeInto(tree, &config); err != nil {
			refused++
			continue
		}
		if _, err := throughSDK(t.Context(), &config); err != nil {
			t.Errorf("without %s: %v", at, err)
		}
	}
	if refused < 30 {
		t.Errorf("only %d names must be there", refused)
	}
}

func TestAnyFilterIsKeptAndMissesNothing(t *testing.T) {
	operators := slices.Sorted(maps.Keys(unions()[reflect.TypeFor[types.RetrievalFilter]()]))
	operators = slices.DeleteFunc(operators, func(o string) bool { return o == "andAll" || o == "orAll" })
	var leaf, tree *rapid.Generator[map[string]any]
	leaf = rapid.Custom(func(t *rapid.T) map[string]any {
		operator := rapid.SampledFrom(operators).Draw(t, "operator")
		value := rapid.OneOf(rapid.Just[any](false), rapid.Just[any](""), rapid.Map(rapid.IntRange(-9, 9), func(n int) any { return float64(n) })).Draw(t, "value")
		if operator == "in" || operator == "notIn" {
			value = []any{value, "x"}
		}
		return map[string]any{operator: map[string]any{"key": rapid.StringMatching(`[a-z-]{1,9}`).Draw(t, "key"), "value": value}}
	})
	tree = rapid.Custom(func(t *rapid.T) map[string]any {
		if rapid.Bool().Draw(t, "leaf") {
			return leaf.Draw(t, "filter")
		}
		list := []any{tree.Draw(t, "first"), leaf.Draw(t, "second")}
		return map[string]any{rapid.SampledFrom([]string{"andAll", "orAll"}).Draw(t, "all"): list}
	})
	rapid.Check(t, func(t *rapid.T) {
		filter := tree.Draw(t, "filter")
		object := map[string]any{
			"knowledgeBaseId": "KB12345678", "modelArn": "m",
			"retrievalConfiguration": map[string]any{"vectorSearchConfiguration": map[string]any{"filter": filter}},
		}
		var config types.KnowledgeBaseRetrieveAndGenerateConfiguration
		if err := decodeInto(object, &config); err != nil {
			t.Fatalf("%v was refused: %v", filter, err)
		}
		sent, err := throughSDK(context.Background(), &config)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if err := json.Unmarshal(sent, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(any(object), got); diff != "" {
			t.Fatalf("the filter differs (-want +got):\n%s", diff)
		}
		for at, broken := range without(filter) {
			var f types.RetrievalFilter
			if err := decodeInto(broken, &f); err == nil {
				t.Fatalf("a filter without %s passed: %v", at, broken)
			}
		}
	})
}
