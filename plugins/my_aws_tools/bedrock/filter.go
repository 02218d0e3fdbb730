package bedrock

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// dataSourceKey is the attribute under which Bedrock keeps the data source of a document.
const dataSourceKey = "x-amz-bedrock-kb-data-source-id"

// readFilter reads a filter of the user's, and one for data sources, which are IDs with commas or spaces between them.
// Where both are given, documents must pass both.
func readFilter(wrong *param.Problems, filter any, sources string) types.RetrievalFilter {
	var given types.RetrievalFilter
	if filter != nil {
		wrong.Add("metadata_filter", decodeInto(filter, &given))
	}
	bySource := readSources(wrong, sources)
	switch all, isAll := given.(*types.RetrievalFilterMemberAndAll); {
	case bySource == nil:
		return given
	case given == nil:
		return bySource
	case isAll: // Bedrock lets filters be nested only so deep
		return &types.RetrievalFilterMemberAndAll{Value: append([]types.RetrievalFilter{bySource}, all.Value...)}
	}
	return &types.RetrievalFilterMemberAndAll{Value: []types.RetrievalFilter{bySource, given}}
}

// readSources makes a filter for one data source or several, or nil for none.
func readSources(wrong *param.Problems, text string) types.RetrievalFilter {
	var ids []string
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
		id, err := parseID(part, "data source")
		wrong.Add("data_source_id", err)
		ids = append(ids, id)
	}
	switch len(ids) {
	case 0:
		return nil
	case 1:
		return &types.RetrievalFilterMemberEquals{Value: types.FilterAttribute{Key: aws.String(dataSourceKey), Value: document.NewLazyDocument(ids[0])}}
	}
	return &types.RetrievalFilterMemberIn{Value: types.FilterAttribute{Key: aws.String(dataSourceKey), Value: document.NewLazyDocument(ids)}}
}
