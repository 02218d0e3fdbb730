package account

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/cloudplugins/difyplugin/plugin"
)

// ambientSwitch is the variable with which an operator lets calls without keys act with the identity of the machine.
const ambientSwitch = "DIFYPLUGIN_AMBIENT_AWS"

func ambientAllowed() bool {
	return strings.EqualFold(strings.TrimSpace(os.Getenv(ambientSwitch)), "on")
}

// checkAmbient refuses an account without keys, unless the operator allows the identity of the machine. That is never
// shown to an endpoint which a user chose.
func (a *Account) checkAmbient() error {
	switch {
	case a.identity.keys.set():
		return nil
	case !ambientAllowed():
		return plugin.Errorf(plugin.Authorization, "there are no AWS credentials: fill in %s and %s, in the tool or in the "+
			"credentials of the provider. The identity of the machine on which the plugin runs is not used, unless its "+
			"operator sets %s=on", fieldID, fieldSecret, ambientSwitch)
	case a.endpoint.set():
		return plugin.Errorf(plugin.Authorization, "%s is filled in, but there are no keys: fill in %s and %s, because the "+
			"identity of the machine on which the plugin runs is never shown to an endpoint that a user chose", fieldEndpoint, fieldID, fieldSecret)
	}
	return nil
}

// ambientCredentials are those of the machine: from the environment, shared configuration files, a web identity, a
// container's or an instance's role. AWS_ACCESS_KEY and AWS_SECRET_KEY, which the SDK would read too, are left out:
// under these names Dify's plugin daemon keeps the keys of its own storage.
func ambientCredentials(ctx context.Context) (aws.Credentials, error) {
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment"}, nil
	}
	keys, err := chain(ctx)
	if err == nil && keys.AccessKeyID == os.Getenv("AWS_ACCESS_KEY") {
		err = errors.New("a profile leads to AWS_ACCESS_KEY, which is not read")
	}
	if err != nil {
		// The cause is hidden from the retryer of the client that asks: the chain has tried again already.
		return aws.Credentials{}, plugin.Errorf(plugin.Authorization, "%s is on, but no AWS credentials were found on the "+
			"machine on which the plugin runs: %s", ambientSwitch, oneLine(err.Error()))
	}
	return keys, nil
}

// chain asks the SDK's default chain, with a profile named, which makes it skip the environment's keys and its web
// identity.
func chain(ctx context.Context) (aws.Credentials, error) {
	profile := cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), "default")
	cfg, err := config.LoadDefaultConfig(ctx, config.WithSharedConfigProfile(profile))
	if err != nil {
		return aws.Credentials{}, err
	}
	token, arn := os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), os.Getenv("AWS_ROLE_ARN")
	if token == "" || os.Getenv("AWS_PROFILE") != "" {
		return cfg.Credentials.Retrieve(ctx)
	}
	cfg.Region = cmp.Or(cfg.Region, defaultRegion)
	return stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(cfg), arn, stscreds.IdentityTokenFile(token)).Retrieve(ctx)
}
