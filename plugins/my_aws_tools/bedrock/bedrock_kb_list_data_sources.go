package bedrock

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// ListDataSourcesInput is the input of bedrock_kb_list_data_sources.
type ListDataSourcesInput struct {
	account.Input
	PageInput
	KnowledgeBase string `param:"knowledge_base_id"`
}

// ListDataSources is the tool bedrock_kb_list_data_sources. It lists the data sources of a knowledge base, which is named
// by its ID or its ARN: one page where max_results says how many entries it has, else all of them.
//
// It sends the list as JSON, under the names of the API, and then as CSV: ID, name and status of one data source a line.
func ListDataSources(ctx context.Context, call *plugin.Call, in ListDataSourcesInput) error {
	var wrong param.Problems
	base, err := readKnowledgeBase(in.KnowledgeBase, in.Region)
	wrong.Add("knowledge_base_id", err)
	wanted := in.PageInput.read(&wrong)
	if err := wrong.Err("bedrock_kb_list_data_sources"); err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	found, next, err := listDataSources(ctx, acct, base, wanted)
	if err != nil {
		return err
	}
	return sendDataSources(call, base, found, next)
}

func listDataSources(ctx context.Context, acct *account.Account, base knowledgeBase, wanted page) ([]types.DataSourceSummary, string, error) {
	at := base.in(acct)
	client := newAgentClient(acct, at)
	req := request{"list the data sources of the knowledge base " + base.id, "bedrock:ListDataSources", base.resource(at), at}
	return gather(wanted, func(p page) ([]types.DataSourceSummary, *string, error) {
		out, err := client.ListDataSources(ctx, &bedrockagent.ListDataSourcesInput{
			KnowledgeBaseId: aws.String(base.id), MaxResults: p.size, NextToken: p.token,
		})
		if err != nil {
			return nil, nil, req.explain(err)
		}
		return out.DataSourceSummaries, out.NextToken, nil
	})
}

func sendDataSources(call *plugin.Call, base knowledgeBase, found []types.DataSourceSummary, next string) error {
	list, rows := make([]any, len(found)), make([][]string, len(found))
	for i, d := range found {
		list[i] = map[string]any{
			"dataSourceId": d.DataSourceId, "knowledgeBaseId": d.KnowledgeBaseId, "name": d.Name, "description": d.Description, "status": string(d.Status),
			"updatedAt": result.Time(d.UpdatedAt),
		}
		rows[i] = []string{aws.ToString(d.DataSourceId), aws.ToString(d.Name), string(d.Status)}
	}
	outputs := result.Outputs{"knowledge_base_id": base.id, "data_sources": list, "next_token": result.OrNull(next)}
	return sendList(call, outputs, rows, "The knowledge base "+base.id+" has no data sources.")
}
