package agentcore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// The limits of RetrieveMemoryRecords in the API reference of AgentCore.
const (
	maxRecords = 100
	maxQuery   = 10_000 // characters
)

// SearchInput is the input of agentcore_memory_search.
type SearchInput struct {
	account.Input
	MemoryID   string `param:"memory_id"`
	Namespace  string `param:"namespace"`
	Query      string `param:"search_query"`
	MaxResults int    `param:"max_results"`
	// Depth is how many of the best records there are to page through; 0 is MaxResults.
	Depth      int    `param:"top_k"`
	StrategyID string `param:"memory_strategy_id"`
	Filters    any    `param:"metadata_filters"`
	// Exact takes the namespace for itself, without what is below it.
	Exact          bool   `param:"exact_namespace"`
	NextToken      string `param:"next_token"`
	NextTokenInput string `param:"next_token_input"`
}

// Search finds the records that fit a query best, in one namespace of a memory and everything below it. / is
// everything. It sends a text and then a JSON object with the records, in the form in which AWS has them; times are
// written as 2025-01-02T03:04:05+00:00 wherever they stand.
//
// The service has two ways to name a namespace. The one that it calls namespace has come to mean that namespace alone,
// for which / is nothing; so a hierarchy is asked for, as namespacePath, unless exact_namespace is set.
func Search(ctx context.Context, call *plugin.Call, in SearchInput) error {
	wanted, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	found, next, err := wanted.find(ctx, openMemory(acct, wanted.memoryID))
	if err != nil {
		return err
	}
	return wanted.send(call, found, next)
}

// search is what is looked for, checked.
type search struct {
	memoryID, namespace string
	exact               bool
	criteria            types.SearchCriteria
	most                int
	token               string
}

// read checks the parameters.
func (in SearchInput) read() (search, error) {
	s := search{
		memoryID: identifier(in.MemoryID), namespace: cmp.Or(strings.TrimSpace(in.Namespace), "/"), exact: in.Exact,
		most: in.MaxResults, token: cmp.Or(in.NextTokenInput, in.NextToken),
	}
	query, depth, strategy := in.Query, cmp.Or(in.Depth, in.MaxResults), identifier(in.StrategyID)
	if strings.TrimSpace(query) == "" {
		query = "all"
	}
	var wrong param.Problems
	wrong.Add("memory_id", checkMemoryID(s.memoryID))
	wrong.Add("namespace", checkNamespace(s.namespace))
	if n := utf8.RuneCountInString(query); n > maxQuery {
		wrong.Addf("search_query", "has %d characters, and AgentCore takes at most %d", n, maxQuery)
	}
	wrong.Add("max_results", checkCount(s.most, maxRecords))
	wrong.Add("top_k", checkDepth(in.Depth, s.most))
	if strategy != "" {
		wrong.Add("memory_strategy_id", checkPlain(strategy, maxStrategy))
	}
	filters, err := parseFilters(in.Filters)
	wrong.Add("metadata_filters", err)
	s.criteria = types.SearchCriteria{SearchQuery: &query, TopK: aws.Int32(int32(min(depth, maxRecords))), MetadataFilters: filters}
	if strategy != "" {
		s.criteria.MemoryStrategyId = &strategy
	}
	return s, wrong.Err("agentcore_memory_search")
}

func checkCount(n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("is %d, and must be from 1 to %d", n, most)
	}
	return nil
}

func checkDepth(depth, results int) error {
	if depth != 0 && (depth < results || depth > maxRecords) {
		return fmt.Errorf("is %d, and must be from max_results, %d, to %d", depth, results, maxRecords)
	}
	return nil
}

// find reads pages until there are as many records as were asked for. The token that it returns is for more; "" where
// there are none.
func (s search) find(ctx context.Context, m *memory) ([]types.MemoryRecordSummary, string, error) {
	var found []types.MemoryRecordSummary
	token := s.token
	for {
		out, err := m.data.RetrieveMemoryRecords(ctx, s.page(len(found), token))
		if err != nil {
			return nil, "", m.explain(err, "search the memory "+m.id, "RetrieveMemoryRecords")
		}
		found = append(found, out.MemoryRecordSummaries...)
		next := aws.ToString(out.NextToken)
		if next == "" || len(found) >= s.most {
			return found, next, nil
		}
		if next == token {
			return nil, "", m.explain(samePage(), "search the memory "+m.id, "RetrieveMemoryRecords")
		}
		token = next
	}
}

// samePage ends what would go on for ever.
func samePage() error {
	return plugin.Errorf(plugin.Unavailable, "AgentCore sends the same page again and again: try again in a minute")
}

func (s search) page(have int, token string) *bedrockagentcore.RetrieveMemoryRecordsInput {
	in := &bedrockagentcore.RetrieveMemoryRecordsInput{
		MemoryId: &s.memoryID, SearchCriteria: &s.criteria, MaxResults: aws.Int32(int32(s.most - have)),
	}
	if s.exact {
		in.Namespace = &s.namespace
	} else {
		in.NamespacePath = &s.namespace
	}
	if token != "" {
		in.NextToken = &token
	}
	return in
}

func (s search) send(call *plugin.Call, found []types.MemoryRecordSummary, next string) error {
	records := make([]map[string]any, len(found))
	for i, record := range found {
		records[i] = shownRecord(record)
	}
	query := *s.criteria.SearchQuery
	text := fmt.Sprintf("Searched the memory %s for %q in the namespace %s.\n", s.memoryID, param.Clip(query), s.namespace)
	object := map[string]any{
		"success": true,
		"message": fmt.Sprintf("%d memory records were found.", len(records)),
		"data": map[string]any{
			"memories_count": len(records), "memory_id": s.memoryID, "namespace": s.namespace, "query": query, "memories": records,
			"next_token": result.OrNull(next),
		},
	}
	outputs := result.Outputs{"memories": records, "memories_count": len(records), "next_token": result.OrNull(next)}
	return errors.Join(call.Text(text), call.JSON(object), outputs.Send(call))
}

// shownRecord has the names that the API has, and what it left out is left out.
func shownRecord(r types.MemoryRecordSummary) map[string]any {
	shown := map[string]any{
		"memoryRecordId": aws.ToString(r.MemoryRecordId), "memoryStrategyId": aws.ToString(r.MemoryStrategyId), "content": map[string]any{},
		"namespaces": append([]string{}, r.Namespaces...), "createdAt": result.Time(r.CreatedAt),
	}
	if text, ok := r.Content.(*types.MemoryContentMemberText); ok {
		shown["content"] = map[string]any{"text": text.Value}
	}
	if r.Timestamp != nil {
		shown["timestamp"] = result.Time(r.Timestamp)
	}
	if r.Score != nil {
		shown["score"] = *r.Score
	}
	if len(r.Metadata) > 0 {
		shown["metadata"] = shownMetadata(r.Metadata)
	}
	return shown
}

func shownMetadata(values map[string]types.MemoryRecordMetadataValue) map[string]any {
	shown := map[string]any{}
	for key, value := range values {
		switch v := value.(type) {
		case *types.MemoryRecordMetadataValueMemberStringValue:
			shown[key] = map[string]any{"stringValue": v.Value}
		case *types.MemoryRecordMetadataValueMemberStringListValue:
			shown[key] = map[string]any{"stringListValue": v.Value}
		case *types.MemoryRecordMetadataValueMemberNumberValue:
			shown[key] = map[string]any{"numberValue": v.Value}
		case *types.MemoryRecordMetadataValueMemberDateTimeValue:
			shown[key] = map[string]any{"dateTimeValue": result.Time(&v.Value)}
		}
	}
	return shown
}
