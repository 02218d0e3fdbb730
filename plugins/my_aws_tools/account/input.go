package account

import (
	"context"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// Input is embedded in the input of every tool that calls AWS.
type Input struct {
	AccessKeyID     string `param:"aws_access_key_id,secret"`
	SecretAccessKey string `param:"aws_secret_access_key,secret"`
	SessionToken    string `param:"aws_session_token,secret"`
	Region          string `param:"aws_region"`
}

// Open finds out who calls AWS and from where. It sends nothing: a role is assumed by the first request of a client.
// The error, of the kind Authorization or BadRequest, names everything that is wrong with the credentials at once.
func (in Input) Open(ctx context.Context, call *plugin.Call) (*Account, error) {
	return open(ctx, in.given(), call.Credentials())
}

// given is what the parameters of a tool call say about the account.
func (in Input) given() entry {
	return entry{
		from: "the tool's parameters",
		keys: keys{
			id:     strings.TrimSpace(in.AccessKeyID),
			secret: strings.TrimSpace(in.SecretAccessKey),
			token:  strings.TrimSpace(in.SessionToken),
		},
		region: in.Region,
	}
}
