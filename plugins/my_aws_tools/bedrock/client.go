package bedrock

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// newAgentClient is the service that knows what knowledge bases are made of.
func newAgentClient(acct *account.Account, at place) *bedrockagent.Client {
	cfg := acct.Config(account.BedrockAgent)
	cfg.Region = at.region
	return bedrockagent.NewFromConfig(cfg)
}

// newRuntimeClient is the service that asks knowledge bases.
func newRuntimeClient(acct *account.Account, at place) *bedrockagentruntime.Client {
	cfg := acct.Config(account.BedrockAgentRuntime)
	cfg.Region = at.region
	return bedrockagentruntime.NewFromConfig(cfg)
}

// request is what an error says about a request: what it was to do, the permission that it needs, on what.
type request struct {
	doing, action, resource string
	at                      place
}

// explain says what became of the request.
func (r request) explain(err error) error {
	return account.Error(err, account.Operation{
		Doing: r.doing, Service: "Bedrock", Action: r.action, Resource: r.resource, Region: r.at.region, Faults: faults(),
	})
}

// faults are the errors of both services, after their API references.
func faults() map[string]account.Fault {
	table := map[string]account.Fault{}
	for _, group := range []struct {
		kind  plugin.Kind
		text  string
		codes string
	}{
		{plugin.BadRequest, "there is no such thing in the region {region}: check the IDs, the models and aws_region{said}", "ResourceNotFoundException"},
		{plugin.BadRequest, "Bedrock does not accept a parameter{said}", "ValidationException"},
		{plugin.BadRequest, "something else is going on with the knowledge base, which does not allow this now: try again when that has ended{said}", "ConflictException"},
		{plugin.Unavailable, "a service that the knowledge base depends on does not do its part: look at its vector store, its models and their permissions in the Bedrock console{said}", "DependencyFailedException BadGatewayException"},
		{plugin.Unavailable, "the model is not ready yet: try again in a minute{said}", "ModelNotReadyException"},
		{plugin.RateLimit, "the account has reached a quota of Bedrock: try again later, or raise the quota{said}", "ServiceQuotaExceededException"},
	} {
		for code := range strings.FieldsSeq(group.codes) {
			table[code] = account.Fault{Kind: group.kind, Text: group.text}
		}
	}
	return table
}
