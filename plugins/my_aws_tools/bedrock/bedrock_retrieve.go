package bedrock

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

const (
	// maxResults is how many passages Bedrock finds at most.
	maxResults = 100
	// rerankFactor is how many times as many passages as are wanted a model gets to choose from.
	rerankFactor = 5
)

// The choices of parameters that stand for no choice of the user's.
const (
	noReranking = "default"
	autoSearch  = "AUTO"
)

// RetrieveInput is the input of bedrock_retrieve. RerankModel is RerankModelID for the models that the list does not
// have, and wins. NextTokenInput is NextToken for agents, and wins.
type RetrieveInput struct {
	account.Input
	GuardrailInput
	ResultType     string `param:"result_type"`
	KnowledgeBase  string `param:"knowledge_base_id"`
	Query          string `param:"query"`
	TopK           int    `param:"topk"`
	SearchType     string `param:"search_type"`
	RerankModelID  string `param:"rerank_model_id"`
	RerankModel    string `param:"rerank_model"`
	Filter         any    `param:"metadata_filter"`
	DataSource     string `param:"data_source_id"`
	NextToken      string `param:"next_token"`
	NextTokenInput string `param:"next_token_input"`
}

// Retrieve is the tool bedrock_retrieve. It searches a knowledge base for passages that belong to a query.
//
// What it sends depends on result_type: a JSON object with the passages, or a text with one numbered passage a line. The
// passages are an output in either case. An entry has the form in which Dify's own knowledge retrieval returns passages,
// so that it can be the context of a model; what that form has a place for and AWS says nothing about is null. Images
// are sent as files. Passages without content are left out.
//
// A model that sorts the passages is called in the region of the knowledge base, and chooses from five times as many as
// are wanted, or from the 100 that Bedrock finds at most.
func Retrieve(ctx context.Context, call *plugin.Call, in RetrieveInput) error {
	wanted, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	at := wanted.base.in(acct)
	input, err := wanted.input(at)
	if err != nil {
		return err
	}
	out, err := newRuntimeClient(acct, at).Retrieve(ctx, input)
	if err != nil {
		return request{"search the knowledge base " + wanted.base.id, "bedrock:Retrieve", wanted.base.resource(at), at}.explain(err)
	}
	return sendPassages(ctx, call, wanted.asText, out)
}

// search is what is asked for, checked.
type search struct {
	base      knowledgeBase
	query     string
	topK      int
	kind      types.SearchType // "" for that of the knowledge base
	reranker  string           // ID or ARN, or ""
	filter    types.RetrievalFilter
	token     *string
	guardrail *types.GuardrailConfiguration
	asText    bool
}

// read checks the parameters.
func (in RetrieveInput) read() (search, error) {
	wanted := search{query: in.Query, topK: in.TopK, asText: in.ResultType == "text"}
	var wrong param.Problems
	var err error
	wanted.base, err = readKnowledgeBase(in.KnowledgeBase, in.Region)
	wrong.Add("knowledge_base_id", err)
	if strings.TrimSpace(in.Query) == "" {
		wrong.Addf("query", "is blank: enter what the knowledge base is to be searched for")
	}
	if in.SearchType != autoSearch {
		wanted.kind = types.SearchType(in.SearchType)
	}
	wanted.reranker = in.reranker(&wrong)
	wanted.filter = readFilter(&wrong, in.Filter, in.DataSource)
	wanted.token = readToken(&wrong, in.NextToken, in.NextTokenInput)
	wanted.guardrail = in.GuardrailInput.read(&wrong)
	return wanted, wrong.Err("bedrock_retrieve")
}

// reranker is the model that sorts the passages, or "".
func (in RetrieveInput) reranker(wrong *param.Problems) string {
	model := strings.TrimSpace(in.RerankModel)
	if model != "" {
		wrong.Add("rerank_model", checkReranker(model))
		return model
	}
	if in.RerankModelID == noReranking {
		return ""
	}
	return in.RerankModelID
}

// input is the request for Bedrock.
func (s search) input(at place) (*bedrockagentruntime.RetrieveInput, error) {
	vector := &types.KnowledgeBaseVectorSearchConfiguration{NumberOfResults: aws.Int32(int32(s.topK)), OverrideSearchType: s.kind, Filter: s.filter}
	if s.reranker != "" {
		var wrong param.Problems
		wrong.Add("rerank_model", checkPlace(s.reranker, at))
		if err := wrong.Err("bedrock_retrieve"); err != nil {
			return nil, err
		}
		vector.NumberOfResults = aws.Int32(int32(min(s.topK*rerankFactor, maxResults)))
		vector.RerankingConfiguration = &types.VectorSearchRerankingConfiguration{
			Type: types.VectorSearchRerankingConfigurationTypeBedrockRerankingModel,
			BedrockRerankingConfiguration: &types.VectorSearchBedrockRerankingConfiguration{
				NumberOfRerankedResults: aws.Int32(int32(s.topK)),
				ModelConfiguration:      &types.VectorSearchBedrockRerankingModelConfiguration{ModelArn: aws.String(modelARN(s.reranker, at))},
			},
		}
	}
	return &bedrockagentruntime.RetrieveInput{
		KnowledgeBaseId: aws.String(s.base.id), RetrievalQuery: &types.KnowledgeBaseQuery{Text: aws.String(s.query)}, NextToken: s.token,
		GuardrailConfiguration: s.guardrail, RetrievalConfiguration: &types.KnowledgeBaseRetrievalConfiguration{VectorSearchConfiguration: vector},
	}, nil
}

// findings are the passages of an answer in the forms in which they are sent.
type findings struct {
	entries []any
	text    strings.Builder
	images  []plugin.File
}

// add adds a passage, the one at a position among all that AWS has sent.
func (f *findings) add(found types.KnowledgeBaseRetrievalResult, position int) {
	p := readPassage(found.Content, found.Location, found.Metadata)
	if p.isBlank() {
		return
	}
	entry := p.entry(found, position)
	entry["file"] = nil
	if image, ok := p.file(position); ok {
		entry["file"] = image.Name
		f.images = append(f.images, image)
	}
	f.entries = append(f.entries, entry)
	fmt.Fprintf(&f.text, "%d: %s\n", len(f.entries), p.line())
}

// sendPassages sends what was found: what the user has chosen first.
func sendPassages(ctx context.Context, call *plugin.Call, asText bool, out *bedrockagentruntime.RetrieveOutput) error {
	f := findings{entries: []any{}}
	for i, found := range out.RetrievalResults {
		f.add(found, i+1)
	}
	outputs := result.Outputs{
		"results": f.entries, "next_token": result.OrNull(aws.ToString(out.NextToken)), "guardrail_action": result.OrNull(string(out.GuardrailAction)),
	}
	send := func() error { return call.JSON(outputs) }
	if asText {
		send = func() error { return call.Text(f.text.String()) }
	}
	if err := send(); err != nil {
		return err
	}
	if err := sendImages(ctx, call, f.images); err != nil {
		return err
	}
	return outputs.Send(call)
}

// entry is a passage in the form that Dify's own knowledge retrieval has for passages, with what AWS says besides.
// Dify's nodes for models take a list of such entries as context: they know them by _source and read content, which
// therefore is a text in any case. position counts the passages that AWS has sent.
func (p passage) entry(found types.KnowledgeBaseRetrievalResult, position int) map[string]any {
	name, kind, sourceType := result.OrNull(p.name()), result.OrNull(p.kind), result.OrNull(p.sourceType)
	return map[string]any{
		"content": p.text, "title": name, "content_type": kind, "source": result.OrNull(p.source), "source_type": sourceType,
		"document_id": found.DocumentId, "score": score(found.Score), "attributes": p.attributes, "row": p.row, "media_uri": result.OrNull(p.media),
		"metadata": map[string]any{
			"_source": "knowledge", "retriever_from": "workflow", "position": position,
			"dataset_id": result.OrNull(p.attribute(dataSourceKey)), "dataset_name": nil, "document_id": name, "document_name": name,
			"document_data_source_type": kind, "segment_id": result.OrNull(p.attribute(chunkKey)), "segment_position": p.page(),
			"segment_word_count": utf8.RuneCountInString(p.text), "segment_hit_count": nil, "score": score(found.Score),
			"doc_metadata": map[string]any{"source": sourceType, "document_name": name},
		},
	}
}

// score is a score, or null where there is none that JSON could write.
func score(s *float64) any {
	if s == nil || math.IsNaN(*s) || math.IsInf(*s, 0) {
		return nil
	}
	return *s
}
