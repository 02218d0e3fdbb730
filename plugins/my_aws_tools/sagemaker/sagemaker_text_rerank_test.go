package sagemaker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

const rerank = "sagemaker_text_rerank"

// ranking are parameters with which sagemaker_text_rerank runs.
func ranking(pairs ...any) map[string]any {
	return with(map[string]any{
		"sagemaker_endpoint": "e", "query": "cats", "candidate_texts": `[{"content":"a"},{"content":"b"},{"content":"c"}]`,
	}, pairs...)
}

func TestCandidatesAreSortedByTheScoresOfTheModel(t *testing.T) {
	c := newCloud(t, standin.Says(`{"scores": [0.10, 0.9, -3]}`))
	result := c.Succeed(t, rerank, ranking("query", " cats & \"dogs\" ", "candidate_texts",
		`[{"id": 12345678901234567890, "content": "<a>"}, {"content": "b", "z": {"y": 1.50}, "a": null}, {"content": ""}]`))
	c.wantInvoked(t, `{"inputs":[" cats & \"dogs\" "," cats & \"dogs\" "," cats & \"dogs\" "],"docs":["<a>","b",""]}`)
	want := `[{"content":"b","z":{"y":1.50},"a":null,"score":0.9},{"id":12345678901234567890,"content":"<a>","score":0.10},{"content":"","score":-3}]`
	if got := string(toolstest.OnlyJSON(t, result)); got != `{"results":`+want+`}` {
		t.Errorf("the JSON is %s", got)
	}
	if diff := cmp.Diff(map[string]string{"results": want, "top_content": `"b"`}, outputs(result)); diff != "" {
		t.Errorf("the outputs differ (-want +got):\n%s", diff)
	}
	if result.Messages[0].Type != "json" || result.Text != "" {
		t.Errorf("the first message is a %s, the text %q", result.Messages[0].Type, result.Text)
	}
}

func TestEqualScoresKeepTheOrderOfTheCandidates(t *testing.T) {
	c := newCloud(t, standin.Says(`{"scores": [1, 2, 1.0]}`))
	if got := contents(t, c.Succeed(t, rerank, ranking())); got != "bac" {
		t.Errorf("the order is %s", got)
	}
}

// contents are the contents of all results, one behind the other.
func contents(t *testing.T, result host.Result) string {
	t.Helper()
	var list []struct{ Content string }
	if err := json.Unmarshal(result.Variables["results"], &list); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, item := range list {
		all.WriteString(item.Content)
	}
	return all.String()
}

func TestASingleScoreIsThatOfASingleCandidate(t *testing.T) {
	for _, answer := range []string{`{"scores": 0.5}`, `{"scores": [0.5]}`} {
		c := newCloud(t, standin.Says(answer))
		result := c.Succeed(t, rerank, ranking("candidate_texts", `[{"content":"a"}]`))
		if got := string(toolstest.OnlyJSON(t, result)); got != `{"results":[{"content":"a","score":0.5}]}` {
			t.Errorf("%s: the JSON is %s", answer, got)
		}
	}
}

func TestCandidatesMayComeAsAList(t *testing.T) {
	c := newCloud(t, standin.Says(`{"scores": [1, 2]}`))
	list := []any{map[string]any{"content": "a"}, map[string]any{"content": "b"}}
	if got := contents(t, c.Succeed(t, rerank, ranking("candidate_texts", list))); got != "ba" {
		t.Errorf("the order is %s", got)
	}
}

func TestNoCandidatesAreNoResultsAndAskNoModel(t *testing.T) {
	c := newCloud(t, standin.Says(`{"scores": []}`))
	result := c.Succeed(t, rerank, ranking("candidate_texts", "[]"))
	if diff := cmp.Diff(map[string]string{"results": "[]", "top_content": "null"}, outputs(result)); diff != "" {
		t.Errorf("the outputs differ (-want +got):\n%s", diff)
	}
	c.WantNothingSent(t)
}

func TestSection3_29Bug1_NothingIsSentWhenAParameterIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"nothing", map[string]any{}, []string{"sagemaker_endpoint is required", "query is required", "candidate_texts is required"}},
		{"blanks", ranking("query", "", "candidate_texts", "", "sagemaker_endpoint", nil), []string{"sagemaker_endpoint is required", "query is required", "candidate_texts is required"}},
		{"an odd endpoint and odd candidates", ranking("sagemaker_endpoint", "e!", "candidate_texts", "x"), []string{"2 parameters are wrong", `sagemaker_endpoint is "e!"`, "candidate_texts is not JSON"}},
		{"an object", ranking("candidate_texts", `{"content":"a"}`), []string{"candidate_texts is not a JSON array"}},
		{"null", ranking("candidate_texts", `null`), []string{"candidate_texts is not a JSON array"}},
		{"a request that is too long", ranking("candidate_texts", `[{"content":"`+strings.Repeat("x", 6<<20)+`"}]`), []string{"candidate_texts makes a request of", "at most 6291456"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, standin.Says(`{"scores": [1, 2, 3]}`))
			toolstest.WantFailure(t, c.Fail(t, rerank, tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_29Bug2_TopKIsCheckedBeforeTheModelIsAsked(t *testing.T) {
	for topk, want := range map[any]string{nil: "cba", "": "cba", 2.0: "cb", "2": "cb", "1.0": "c", 10: "cba"} {
		c := newCloud(t, standin.Says(`{"scores": [1, 2, 3]}`))
		if got := contents(t, c.Succeed(t, rerank, ranking("topk", topk))); got != want {
			t.Errorf("topk %v: the order is %s, want %s", topk, got, want)
		}
	}
	for topk, word := range map[any]string{0: "topk must be from 1 to 10, it is 0", 11: "topk must be from 1 to 10, it is 11", -1.0: "topk must be from 1 to 10, it is -1", 2.5: "topk must be a whole number", "many": "topk must be a whole number"} {
		c := newCloud(t, standin.Says(`{"scores": [1, 2, 3]}`))
		toolstest.WantFailure(t, c.Fail(t, rerank, ranking("topk", topk)), plugin.BadRequest, word)
		c.WantNothingSent(t)
	}
}

func TestSection3_29Bug3_ACandidateWithoutContentIsRefused(t *testing.T) {
	for candidates, words := range map[string][]string{
		`[{"content":"a"},{"text":"b"}]`:        {"has, as number 2, an object without content", "write ["},
		`[{"content":null}]`:                    {"number 1, an object whose content is not a text"},
		`[{"content":7},{"content":["a"]},{}]`:  {"number 1, an object whose content is not a text, and has, as number 2, an object whose", "number 3, an object without content"},
		`[{"Content":"a"}]`:                     {"without content"},
		"[" + strings.Repeat("{},", 99) + "{}]": {"number 5"},
		`["` + strings.Repeat("x", 300) + `"]`:  {"instead of an object", strings.Repeat("x", 119) + "…"},
	} {
		t.Run(candidates[:min(40, len(candidates))], func(t *testing.T) {
			c := newCloud(t, standin.Says(`{"scores": [1, 2, 3]}`))
			failed := c.Fail(t, rerank, ranking("candidate_texts", candidates))
			toolstest.WantFailure(t, failed, plugin.BadRequest, words...)
			if strings.Contains(failed.Message, "number 6") {
				t.Errorf("the error is too long: %s", failed.Message)
			}
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_29Bug4_AScoreThatACandidateHadIsKept(t *testing.T) {
	for candidate, want := range map[string]string{
		`{"content":"a","score":0.70,"id":1}`:                     `{"content":"a","score":2,"id":1,"original_score":0.70}`,
		`{"score":null,"content":"a"}`:                            `{"score":2,"content":"a","original_score":null}`,
		`{"content":"a","score":5,"original_score":0.25}`:         `{"content":"a","score":2,"original_score":0.25}`,
		`{"content":"a","content":"b"}`:                           `{"content":"b","score":2}`,
		`{"content":"a","\u00e9<":"\u00e9", "n":[1, {"m": 1e5}]}`: `{"content":"a","é<":"é","n":[1,{"m":1e5}],"score":2}`,
	} {
		c := newCloud(t, standin.Says(`{"scores": [2]}`))
		got := string(toolstest.OnlyJSON(t, c.Succeed(t, rerank, ranking("candidate_texts", "["+candidate+"]"))))
		if strings.Contains(want, "é") {
			toolstest.WantJSON(t, "the JSON", `{"results":[`+want+`]}`, got)
		} else if got != `{"results":[`+want+`]}` {
			t.Errorf("%s became %s, want %s", candidate, got, want)
		}
	}
}

func TestSection3_29Bug5_AnotherNumberOfScoresIsAnError(t *testing.T) {
	for answer, word := range map[string]string{
		`{"scores": [1, 2]}`:       "2 scores for 3 texts",
		`{"scores": [1, 2, 3, 4]}`: "4 scores for 3 texts",
		`{"scores": []}`:           "0 scores for 3 texts",
		`{"scores": 1}`:            "1 scores for 3 texts",
		`{"score": [1, 2, 3]}`:     "it has the keys score, and no scores",
		`[1, 2, 3]`:                "it is a list, and must be an object",
		`null`:                     "it is null",
		``:                         "it is empty",
	} {
		c := newCloud(t, standin.Says(answer))
		toolstest.WantFailure(t, c.Fail(t, rerank, ranking()), plugin.Unavailable, word, "SageMaker endpoint e cannot be used")
	}
}

func TestSection3_29Bug6_ScoresThatAreNoNumbersAreAnError(t *testing.T) {
	for answer, word := range map[string]string{
		`{"scores": [1, NaN, 3]}`:       "NaN or Infinity",
		`{"scores": [1, -Infinity, 3]}`: "NaN or Infinity",
		`{"scores": [1, null, 3]}`:      "score 2 is null",
		`{"scores": ["1", 2, 3]}`:       "score 1 is a text",
		`{"scores": [1, 2, true]}`:      "score 3 is true or false",
		`{"scores": [[1], [2], [3]]}`:   "score 1 is a list",
		`{"scores": [1, 1e999, 3]}`:     "score 2 is out of the range",
		`{"scores": null}`:              "score 1 is null",
	} {
		c := newCloud(t, standin.Says(answer))
		toolstest.WantFailure(t, c.Fail(t, rerank, ranking()), plugin.Unavailable, word)
	}
}

func TestSection3_29Bug7_CandidatesThatAreNoObjectsAreRefused(t *testing.T) {
	for candidates, word := range map[string]string{
		`["a"]`:                `number 1, "a" instead of an object`,
		`[{"content":"a"}, 7]`: "number 2, 7 instead of an object",
		`[null]`:               "number 1, null instead of an object",
		`[["content"]]`:        `number 1, ["content"] instead of an object`,
	} {
		c := newCloud(t, standin.Says(`{"scores": [1]}`))
		toolstest.WantFailure(t, c.Fail(t, rerank, ranking("candidate_texts", candidates)), plugin.BadRequest, word)
		c.WantNothingSent(t)
	}
}

func TestTheBestComeFirstWhateverTheScores(t *testing.T) {
	var scores []float64
	c := newCloudWith(t, func(context.Context, standin.Inference) standin.Answer {
		return standin.Returns(map[string]any{"scores": scores})
	})
	rapid.Check(t, func(r *rapid.T) {
		scores = rapid.SliceOfN(rapid.Float64Range(-5, 5), 1, 15).Draw(r, "scores")
		topk := rapid.IntRange(1, 10).Draw(r, "topk")
		var candidates []map[string]any
		for i := range scores {
			candidates = append(candidates, map[string]any{"content": fmt.Sprint(i)})
		}
		result, err := c.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), rerank, ranking("candidate_texts", candidates, "topk", topk))
		if err != nil {
			r.Fatal(err)
		}
		var ranked []struct {
			Content string
			Score   float64
		}
		if err := json.Unmarshal(result.Variables["results"], &ranked); err != nil {
			r.Fatal(err)
		}
		if len(ranked) != min(topk, len(scores)) {
			r.Fatalf("%d results", len(ranked))
		}
		for i, one := range ranked {
			var at int
			if _, err := fmt.Sscan(one.Content, &at); err != nil || scores[at] != one.Score {
				r.Fatalf("the text %s has the score %v", one.Content, one.Score)
			}
			if i > 0 && one.Score > ranked[i-1].Score {
				r.Fatalf("%v comes behind %v", one.Score, ranked[i-1].Score)
			}
		}
		better := 0
		for _, s := range scores {
			if s > ranked[len(ranked)-1].Score {
				better++
			}
		}
		if better >= len(ranked) {
			r.Fatalf("%d texts are better than the last of %d results", better, len(ranked))
		}
	})
}
