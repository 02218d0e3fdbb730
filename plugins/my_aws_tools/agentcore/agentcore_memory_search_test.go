package agentcore_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

var created = time.Date(2025, 1, 2, 3, 4, 5, 678_000_000, time.UTC)

// fill puts records into the memory notes: two of actor_1, the better one below a session, and one of actor_10.
func fill(c *cloud) {
	id := func(n int) string { return fmt.Sprintf("mem-%040d", n) }
	c.core.AddRecords(notes,
		standin.Record{ID: id(1), Text: "likes tea", StrategyID: "preferences-1", Namespace: "/userPreference/actor_1", Created: created, Score: 0.5},
		standin.Record{
			ID: id(2), Text: "lives in 京都", StrategyID: "facts-1", Namespace: "/userPreference/actor_1/session_1", Created: created, Score: 0.75,
			Metadata: map[string]map[string]any{
				"team": {"stringValue": "a"}, "tags": {"stringListValue": []string{"x", "y"}}, "age": {"numberValue": 7}, "seen": {"dateTimeValue": 1735787045},
			},
		},
		standin.Record{ID: id(3), Text: "likes coffee", StrategyID: "preferences-1", Namespace: "/userPreference/actor_10", Created: created, Score: 0.25},
	)
}

// found are the texts of the records in an answer, in their order.
func found(t *testing.T, raw []byte) []string {
	t.Helper()
	list := []string{}
	for _, memory := range toolstest.Decode(t, raw).(params)["data"].(params)["memories"].([]any) {
		list = append(list, memory.(params)["content"].(params)["text"].(string))
	}
	return list
}

func TestAMemoryIsSearched(t *testing.T) {
	c := newCloud(t)
	fill(c)
	result := c.Succeed(t, search, params{"memory_id": notes, "namespace": "/userPreference/actor_1", "search_query": "drinks", "max_results": 2})
	if diff := cmp.Diff([]string{
		`RetrieveMemoryRecords POST /memories/` + notes + `/retrieve {"maxResults":2,"namespacePath":"/userPreference/actor_1","searchCriteria":{"searchQuery":"drinks","topK":2}}`,
	}, c.bodies(t)); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
	if at := c.Calls()[0].Host; at != "bedrock-agentcore.us-east-1.amazonaws.com" {
		t.Errorf("the request went to %s", at)
	}
	want := params{
		"success": true, "message": "2 memory records were found.",
		"data": params{
			"memories_count": 2.0, "memory_id": notes, "namespace": "/userPreference/actor_1", "query": "drinks", "next_token": nil,
			"memories": []any{
				params{
					"memoryRecordId": fmt.Sprintf("mem-%040d", 2), "content": params{"text": "lives in 京都"}, "memoryStrategyId": "facts-1",
					"namespaces": []any{"/userPreference/actor_1/session_1"}, "createdAt": "2025-01-02T03:04:05.678000+00:00", "score": 0.75,
					"metadata": params{
						"team": params{"stringValue": "a"}, "tags": params{"stringListValue": []any{"x", "y"}}, "age": params{"numberValue": 7.0},
						"seen": params{"dateTimeValue": "2025-01-02T03:04:05+00:00"},
					},
				},
				params{
					"memoryRecordId": fmt.Sprintf("mem-%040d", 1), "content": params{"text": "likes tea"}, "memoryStrategyId": "preferences-1",
					"namespaces": []any{"/userPreference/actor_1"}, "createdAt": "2025-01-02T03:04:05.678000+00:00", "score": 0.5,
				},
			},
		},
	}
	if diff := cmp.Diff(want, toolstest.Object(t, result)); diff != "" {
		t.Errorf("the JSON differs (-want +got):\n%s", diff)
	}
	if kinds(result) != "text json" || !strings.Contains(result.Text, "drinks") || !strings.Contains(result.Text, "/userPreference/actor_1") {
		t.Errorf("%s: %s", kinds(result), result.Text)
	}
	wantOutputs(t, result, map[string]string{"memories_count": "2", "next_token": "null"})
}

func TestANamespaceStandsForAllBelowIt(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters params
		sent       string
		want       []string
	}{
		{"nothing is everything", params{}, `"namespacePath":"/"`, []string{"lives in 京都", "likes tea", "likes coffee"}},
		{"/ is everything", params{"namespace": "/"}, `"namespacePath":"/"`, []string{"lives in 京都", "likes tea", "likes coffee"}},
		{"white space is nothing", params{"namespace": " "}, `"namespacePath":"/"`, []string{"lives in 京都", "likes tea", "likes coffee"}},
		{"an actor is not another with a longer name", params{"namespace": "/userPreference/actor_1/"}, "namespacePath", []string{"lives in 京都", "likes tea"}},
		{"a namespace alone", params{"namespace": "/userPreference/actor_1", "exact_namespace": "true"}, `"namespace":`, []string{"likes tea"}},
		{"none", params{"namespace": "/facts"}, "namespacePath", []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			fill(c)
			tt.parameters["memory_id"] = notes
			result := c.Succeed(t, search, tt.parameters)
			if diff := cmp.Diff(tt.want, found(t, result.JSON[0])); diff != "" {
				t.Errorf("the records differ (-want +got):\n%s", diff)
			}
			if body := c.bodies(t)[0]; !strings.Contains(body, tt.sent) {
				t.Errorf("the request is %s", body)
			}
		})
	}
}

func TestBlankAndOddParametersOfASearch(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters params
		want       string // of the body
	}{
		{"absent", params{}, `{"maxResults":10,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":10}}`},
		{"null", params{"namespace": nil, "search_query": nil, "max_results": nil, "top_k": nil, "metadata_filters": nil, "next_token": nil, "exact_namespace": nil}, `{"maxResults":10,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":10}}`},
		{"blank", params{"namespace": "", "search_query": " ", "max_results": "", "top_k": " ", "metadata_filters": "", "next_token": "", "next_token_input": "", "exact_namespace": ""}, `{"maxResults":10,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":10}}`},
		{"section 3.5: a float", params{"max_results": 3.0}, `{"maxResults":3,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":3}}`},
		{"section 3.5: a text", params{"max_results": "3"}, `{"maxResults":3,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":3}}`},
		{"a strategy", params{"memory_strategy_id": " facts-1 "}, `{"maxResults":10,"namespacePath":"/","searchCriteria":{"memoryStrategyId":"facts-1","searchQuery":"all","topK":10}}`},
		{"an empty list of filters", params{"metadata_filters": "[]"}, `{"maxResults":10,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":10}}`},
		{"quotation marks around the ID", params{"memory_id": ` "` + notes + `'`}, `{"maxResults":10,"namespacePath":"/","searchCriteria":{"searchQuery":"all","topK":10}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			parameters := params{"memory_id": notes}
			maps.Copy(parameters, tt.parameters)
			c.Succeed(t, search, parameters)
			if diff := cmp.Diff([]string{"RetrieveMemoryRecords POST /memories/" + notes + "/retrieve " + tt.want}, c.bodies(t)); diff != "" {
				t.Errorf("the requests differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRecordsAreFilteredByStrategyAndMetadata(t *testing.T) {
	for filter, want := range map[string]int{
		`[{"key":"team","operator":"EQUALS_TO","value":"a"}]`:                                 1,
		`[{"key":"team","operator":"equals_to","value":"b"}]`:                                 0,
		`[{"key":"tags","operator":"CONTAINS","value":"y"}]`:                                  1,
		`[{"key":"tags","operator":"EQUALS_TO","value":["x","y"]}]`:                           1,
		`[{"key":"age","operator":"GREATER_THAN","value":6.5}]`:                               1,
		`[{"key":"age","operator":"LESS_THAN","value":7}]`:                                    0,
		`[{"key":"seen","operator":"AFTER","value":"2025-01-02T03:04:04+00:00"}]`:             1,
		`[{"key":"seen","operator":"BEFORE","value":"2025-01-02T04:04:05+01:00"}]`:            0,
		`[{"key":"team","operator":"EXISTS"}]`:                                                1,
		`[{"key":"team","operator":"NOT_EXISTS","value":null}]`:                               2,
		`[{"key":"team","operator":"EXISTS"},{"key":"age","operator":"EQUALS_TO","value":8}]`: 0,
	} {
		t.Run(filter, func(t *testing.T) {
			c := newCloud(t)
			fill(c)
			result := c.Succeed(t, search, params{"memory_id": notes, "metadata_filters": filter})
			if got := len(found(t, result.JSON[0])); got != want {
				t.Errorf("%d records were found, want %d", got, want)
			}
		})
	}
	c := newCloud(t)
	fill(c)
	result := c.Succeed(t, search, params{"memory_id": notes, "memory_strategy_id": "facts-1", "metadata_filters": []any{params{"key": "team", "operator": "EXISTS"}}})
	if diff := cmp.Diff([]string{"lives in 京都"}, found(t, result.JSON[0])); diff != "" {
		t.Errorf("the records differ (-want +got):\n%s", diff)
	}
}

func TestNothingIsSentForAWrongSearch(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters params
		words      []string
	}{
		{"no memory", params{"memory_id": ""}, []string{"memory_id is required"}},
		{"no ID of a memory", params{"memory_id": "notes"}, []string{`memory_id is "notes"`, "notes-0a1B2c3D4e"}},
		{"a wildcard", params{"namespace": "/userPreference/*"}, []string{"namespace is", "no wildcards", "leave out the *"}},
		{"an odd namespace", params{"namespace": "/a b"}, []string{"cannot be a namespace"}},
		{"a long namespace", params{"namespace": "/" + strings.Repeat("x", 1024)}, []string{"at most 1024"}},
		{"a long query", params{"search_query": strings.Repeat("茶", 10001)}, []string{"search_query has 10001 characters"}},
		{"no results", params{"max_results": 0}, []string{"max_results is 0, and must be from 1 to 100"}},
		{"too many results", params{"max_results": 101}, []string{"max_results is 101"}},
		{"half a result", params{"max_results": 2.5}, []string{"max_results must be a whole number"}},
		{"a shallow search", params{"top_k": 5}, []string{"top_k is 5, and must be from max_results, 10, to 100"}},
		{"a deep search", params{"top_k": 101}, []string{"top_k is 101"}},
		{"an odd strategy", params{"memory_strategy_id": "a/b"}, []string{"memory_strategy_id is"}},
		{"filters that are no JSON", params{"metadata_filters": "team=a"}, []string{"metadata_filters is not JSON"}},
		{"a filter that is no list", params{"metadata_filters": `{"key":"team"}`}, []string{"metadata_filters must be an array"}},
		{"a filter with another name in it", params{"metadata_filters": `[{"name":"team"}]`}, []string{"metadata_filters must be an array"}},
		{"a filter without a key", params{"metadata_filters": `[{"operator":"EXISTS"}]`}, []string{"place 1", "names no key"}},
		{"a filter with an odd operator", params{"metadata_filters": `[{"key":"a","operator":"LIKE","value":"b"}]`}, []string{"LIKE", "EQUALS_TO"}},
		{"a filter without a value", params{"metadata_filters": `[{"key":"a","operator":"EQUALS_TO"}]`}, []string{"needs a value"}},
		{"a filter with a value too many", params{"metadata_filters": `[{"key":"a","operator":"EXISTS","value":1}]`}, []string{"takes none"}},
		{"a filter with an odd time", params{"metadata_filters": `[{"key":"a","operator":"BEFORE","value":"yesterday"}]`}, []string{"needs a time"}},
		{"a filter with an odd list", params{"metadata_filters": `[{"key":"a","operator":"CONTAINS","value":[1]}]`}, []string{"needs a value"}},
		{"six filters", params{"metadata_filters": "[" + strings.Repeat(`{"key":"a","operator":"EXISTS"},`, 5) + `{"key":"a","operator":"EXISTS"}]`}, []string{"has 6 filters"}},
		{"several at once", params{"memory_id": "x", "namespace": "*", "max_results": 0, "metadata_filters": "{"}, []string{"4 parameters are wrong", "memory_id", "namespace", "max_results", "metadata_filters"}},
		{"half a pair of keys", params{"aws_access_key_id": "AKIA"}, []string{"aws_secret_access_key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			parameters := params{"memory_id": notes}
			maps.Copy(parameters, tt.parameters)
			failed := c.Fail(t, search, parameters)
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %.500s", word, failed.Message)
				}
			}
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_5_ErrorsOfTheServiceFailTheSearch(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault aws.Effect
		kind  plugin.Kind
		words []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"bedrock-agentcore:RetrieveMemoryRecords", "memory/" + notes}},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"throttled", aws.Fail(429, "ThrottledException", "slow down"), plugin.RateLimit, []string{"try again"}},
		{"a quota", aws.Fail(402, "ServiceQuotaExceededException", "no"), plugin.RateLimit, []string{"quota"}},
		{"a failure of its own", aws.Fail(500, "ServiceException", "odd"), plugin.Unavailable, []string{"try again"}},
		{"not there", aws.Fail(404, "ResourceNotFoundException", "odd"), plugin.BadRequest, []string{"no such memory", "us-east-1", "AWS said: odd"}},
		{"a parameter", aws.Fail(400, "ValidationException", "odd"), plugin.BadRequest, []string{"does not accept", "AWS said: odd"}},
		{"the input", aws.Fail(400, "InvalidInputException", "odd"), plugin.BadRequest, []string{"does not accept", "AWS said: odd"}},
		{"cut off", aws.Cut(10), plugin.Unavailable, []string{"cut off"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, search, params{"memory_id": notes})
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not search the memory "+notes)...)
		})
	}
	c := newCloud(t)
	toolstest.WantFailure(t, c.Fail(t, search, params{"memory_id": "other-0123456789"}), plugin.BadRequest, "no such memory")
}

func TestSection3_5_MoreRecordsAreReadPageByPage(t *testing.T) {
	c := newCloud(t)
	var want []string
	for i := range 30 {
		want = append(want, fmt.Sprintf("record %d", i))
		c.core.AddRecords(notes, standin.Record{ID: fmt.Sprintf("mem-%040d", i), Text: want[i], Namespace: "/a", Score: 1 - float64(i)/100})
	}
	c.core.ListOldestFirst(false, 7)
	result := c.Succeed(t, search, params{"memory_id": notes, "max_results": 30})
	if diff := cmp.Diff(want, found(t, result.JSON[0])); diff != "" {
		t.Errorf("the records differ (-want +got):\n%s", diff)
	}
	if n := len(c.Calls()); n != 5 || output(result, "next_token") != "null" {
		t.Errorf("%d requests, and then %s", n, output(result, "next_token"))
	}

	c.core.ListOldestFirst(false, 0)
	parameters := params{"memory_id": notes, "max_results": 12, "top_k": 30}
	var got []string
	for page := range 3 {
		result = c.Succeed(t, search, parameters)
		got = append(got, found(t, result.JSON[0])...)
		token := toolstest.Object(t, result)["data"].(params)["next_token"]
		if (token == nil) != (page == 2) {
			t.Fatalf("the token of page %d is %v", page+1, token)
		}
		parameters["next_token"], parameters["next_token_input"] = "overruled by its twin", token
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the pages differ (-want +got):\n%s", diff)
	}
}

func TestAMemoryIsFoundByItsARN(t *testing.T) {
	c := newCloud(t)
	c.core.AddMemory(standin.Memory{Region: "eu-west-1", AccountID: toolstest.AccountID, ID: notes})
	arn := "arn:aws:bedrock-agentcore:eu-west-1:" + toolstest.AccountID + ":memory/" + notes
	c.Succeed(t, search, params{"memory_id": arn})
	if call := c.Calls()[0]; call.Host != "bedrock-agentcore.eu-west-1.amazonaws.com" {
		t.Errorf("the request went to %s", call.Host)
	}
}

func TestAServiceThatRepeatsAPageIsNotAskedForEver(t *testing.T) {
	c := newCloud(t)
	fill(c)
	c.core.RepeatPages()
	c.core.AddEvent(notes, standin.MemoryEvent{ActorID: "ann", SessionID: "s1", Timestamp: created, Payload: says("USER", "hi")})
	for tool, parameters := range map[string]params{
		search:   {"memory_id": notes},
		remember: {"operation": "retrieve", "memory_id": notes, "actor_id": "ann", "session_id": "s1"},
	} {
		toolstest.WantFailure(t, c.Fail(t, tool, parameters), plugin.Unavailable, "the same page again and again")
	}
	c.wantPages(t, 2)
}

// wantPages checks that each operation was asked for so many pages.
func (c *cloud) wantPages(t *testing.T, want int) {
	t.Helper()
	pages := map[string]int{}
	for _, call := range c.Calls() {
		pages[call.Operation]++
	}
	for operation, got := range pages {
		if got != want {
			t.Errorf("%s was asked for %d pages, want %d", operation, got, want)
		}
	}
}
