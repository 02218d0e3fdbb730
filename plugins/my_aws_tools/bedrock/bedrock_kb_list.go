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

// ListInput is the input of bedrock_kb_list.
type ListInput struct {
	account.Input
	PageInput
}

// List is the tool bedrock_kb_list. It lists the knowledge bases of a region: one page where max_results says how many
// entries it has, else all of them.
//
// It sends the list as JSON, under the names of the API, and then as CSV: ID, name and status of one knowledge base a
// line. An entry without a description has null there.
func List(ctx context.Context, call *plugin.Call, in ListInput) error {
	var wrong param.Problems
	wanted := in.PageInput.read(&wrong)
	if err := wrong.Err("bedrock_kb_list"); err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	found, next, err := listKnowledgeBases(ctx, acct, wanted)
	if err != nil {
		return err
	}
	return sendKnowledgeBases(call, acct.Region(), found, next)
}

func listKnowledgeBases(ctx context.Context, acct *account.Account, wanted page) ([]types.KnowledgeBaseSummary, string, error) {
	at := placeOf(acct)
	client := newAgentClient(acct, at)
	req := request{"list the knowledge bases in " + at.region, "bedrock:ListKnowledgeBases", "*", at}
	return gather(wanted, func(p page) ([]types.KnowledgeBaseSummary, *string, error) {
		out, err := client.ListKnowledgeBases(ctx, &bedrockagent.ListKnowledgeBasesInput{MaxResults: p.size, NextToken: p.token})
		if err != nil {
			return nil, nil, req.explain(err)
		}
		return out.KnowledgeBaseSummaries, out.NextToken, nil
	})
}

func sendKnowledgeBases(call *plugin.Call, region string, found []types.KnowledgeBaseSummary, next string) error {
	list, rows := make([]any, len(found)), make([][]string, len(found))
	for i, k := range found {
		list[i] = map[string]any{
			"knowledgeBaseId": k.KnowledgeBaseId, "name": k.Name, "description": k.Description, "status": string(k.Status), "updatedAt": result.Time(k.UpdatedAt),
		}
		rows[i] = []string{aws.ToString(k.KnowledgeBaseId), aws.ToString(k.Name), string(k.Status)}
	}
	outputs := result.Outputs{"knowledge_bases": list, "next_token": result.OrNull(next)}
	return sendList(call, outputs, rows, "There are no knowledge bases in "+region+".")
}

// sendList sends a list as JSON, as text and as variables; none is the text of an empty one.
func sendList(call *plugin.Call, outputs result.Outputs, rows [][]string, none string) error {
	if err := call.JSON(outputs); err != nil {
		return err
	}
	text, err := table(rows)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		text = none
	}
	if err := call.Text(text); err != nil {
		return err
	}
	return outputs.Send(call)
}
