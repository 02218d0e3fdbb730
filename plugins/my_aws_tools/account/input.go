package account

import (
	"context"
	"errors"
	"fmt"
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

// The other names of the keys, under which one of the tools has had them.
const (
	aliasID     = "aws_ak"
	aliasSecret = "aws_sk"
)

// AliasInput is embedded in place of [Input] where a tool has had its keys under other names, too. The keys are taken
// as a pair, from one place: both names of one of them filled in, or one half from each, is an error.
type AliasInput struct {
	Input
	AliasID     string `param:"aws_ak,secret"`
	AliasSecret string `param:"aws_sk,secret"`
}

// Open is [Input.Open] with the keys under whichever names they have.
func (in AliasInput) Open(ctx context.Context, call *plugin.Call) (*Account, error) {
	named, err := in.named()
	if err != nil {
		return nil, err
	}
	return named.Open(ctx, call)
}

// named are the parameters with the keys under their usual names.
func (in AliasInput) named() (Input, error) {
	id, secret := strings.TrimSpace(in.AliasID), strings.TrimSpace(in.AliasSecret)
	if id == "" && secret == "" {
		return in.Input, nil
	}
	given := in.given()
	err := errors.Join(checkCharacters(aliasID, id), checkCharacters(aliasSecret, secret))
	switch {
	case given.keys.id != "" || given.keys.secret != "":
		err = fmt.Errorf("%s hold keys under two names: fill in either %s and %s, or %s and %s", given.from, fieldID, fieldSecret, aliasID, aliasSecret)
	case secret == "":
		err = halfPair(given.from, aliasID, aliasSecret)
	case id == "":
		err = halfPair(given.from, aliasSecret, aliasID)
	}
	named := in.Input
	named.AccessKeyID, named.SecretAccessKey = id, secret
	return named, joinSentences(plugin.Authorization, err)
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
