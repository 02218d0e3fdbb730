package sagemaker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// RerankInput is the input of sagemaker_text_rerank.
type RerankInput struct {
	account.Input
	Endpoint string `param:"sagemaker_endpoint"`
	Query    string `param:"query"`
	// Candidates is a JSON array: usually as text, but a model may give the array itself.
	Candidates any `param:"candidate_texts"`
	// TopK is from 1 to 10, as declared.
	TopK int `param:"topk"`
}

// Rerank sorts texts by how well they answer a query. The model gets {"inputs": [QUERY, …], "docs": [TEXT, …]} with the
// query once for each text, and answers with {"scores": […]} in the order of the texts, or with a single score for a
// single text.
//
// The result are the best candidates, best first, each with its score; equal ones keep their order. A score that a
// candidate had before moves to original_score. No candidates are no results, and ask no model.
func Rerank(ctx context.Context, call *plugin.Call, in RerankInput) error {
	endpoint, candidates, body, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	ranked := []candidate{}
	if len(candidates) > 0 {
		answer, err := invoke(ctx, acct, endpoint, body)
		if err != nil {
			return err
		}
		scores, err := readScores(answer, len(candidates))
		if err != nil {
			return unexpected(endpoint, err)
		}
		ranked = rank(candidates, scores, in.TopK)
	}
	if err := call.JSON(map[string]any{"results": ranked}); err != nil {
		return err
	}
	return result.Outputs{"results": ranked, "top_content": bestContent(ranked)}.Send(call)
}

// rerankRequest is what the model takes.
type rerankRequest struct {
	Inputs []string `json:"inputs"`
	Docs   []string `json:"docs"`
}

// read checks the parameters.
func (in RerankInput) read() (endpoint string, candidates []candidate, body json.RawMessage, err error) {
	var wrong param.Problems
	endpoint, err = parseEndpoint(in.Endpoint)
	wrong.Add("sagemaker_endpoint", err)
	candidates, err = readCandidates(in.Candidates)
	wrong.Add("candidate_texts", err)
	request := rerankRequest{Inputs: []string{}, Docs: []string{}}
	for _, c := range candidates {
		request.Inputs = append(request.Inputs, in.Query)
		request.Docs = append(request.Docs, c.content)
	}
	body = encodeRequest(&wrong, "candidate_texts", request)
	return endpoint, candidates, body, wrong.Err("sagemaker_text_rerank")
}

// score is how well a text answers a query.
type score struct {
	value float64
	// text is the number as the model wrote it.
	text string
}

// readScores reads one score for each of so many texts.
func readScores(answer []byte, texts int) ([]score, error) {
	value, err := decode(answer)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("it is %s, and must be an object with scores", kindOf(value))
	}
	found, ok := object["scores"]
	if !ok {
		return nil, fmt.Errorf("%s, and no scores", keysOf(object))
	}
	list, ok := found.([]any)
	if !ok {
		list = []any{found}
	}
	scores := make([]score, len(list))
	for i, element := range list {
		if scores[i], err = readScore(element); err != nil {
			return nil, fmt.Errorf("score %d %w", i+1, err)
		}
	}
	if len(scores) != texts {
		return nil, fmt.Errorf("it has %d scores for %d texts", len(scores), texts)
	}
	return scores, nil
}

func readScore(value any) (score, error) {
	number, ok := value.(json.Number)
	if !ok {
		return score{}, fmt.Errorf("is %s, and must be a number", kindOf(value))
	}
	parsed, err := number.Float64()
	if err != nil {
		return score{}, errors.New("is out of the range of numbers")
	}
	return score{value: parsed, text: number.String()}, nil
}

// rank returns the best candidates with their scores.
func rank(candidates []candidate, scores []score, most int) []candidate {
	order := make([]int, len(candidates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b].value, scores[a].value) })
	ranked := []candidate{}
	for _, i := range order[:min(most, len(order))] {
		ranked = append(ranked, candidates[i].scored(scores[i]))
	}
	return ranked
}

// bestContent is the text of the first candidate, or nil where there is none.
func bestContent(ranked []candidate) any {
	if len(ranked) == 0 {
		return nil
	}
	return ranked[0].content
}
