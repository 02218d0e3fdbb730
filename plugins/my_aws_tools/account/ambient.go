package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
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

// ambientCredentials are those of the machine: from the environment, a web identity, shared configuration files, a
// container's or an instance's role.
//
// AWS_ACCESS_KEY and AWS_SECRET_KEY, which the SDK takes for other names of the usual variables, are never read: under
// these names Dify's plugin daemon keeps the keys of its own storage.
func ambientCredentials(ctx context.Context) (aws.Credentials, error) {
	id, secret := os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY")
	if id != "" && secret != "" {
		return aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment"}, nil
	}
	find := defaultChain
	if os.Getenv("AWS_ACCESS_KEY") != "" || os.Getenv("AWS_SECRET_KEY") != "" {
		find = chainWithoutKeys
	}
	keys, err := find(ctx)
	if err != nil {
		// The cause is hidden from the retryer of the client that asks: the chain has tried again already.
		return aws.Credentials{}, plugin.Errorf(plugin.Authorization, "%s is on, but no AWS credentials were found on the "+
			"machine on which the plugin runs: %s", ambientSwitch, oneLine(err.Error()))
	}
	return keys, nil
}

func defaultChain(ctx context.Context) (aws.Credentials, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(defaultRegion))
	if err != nil {
		return aws.Credentials{}, err
	}
	return cfg.Credentials.Retrieve(ctx)
}

// chainWithoutKeys is the default chain in its order, but for keys in variables.
func chainWithoutKeys(ctx context.Context) (aws.Credentials, error) {
	if file, arn := os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE"), os.Getenv("AWS_ROLE_ARN"); file != "" {
		return webIdentity(ctx, file, arn)
	}
	found, err := fromProfile(ctx)
	var missing config.SharedConfigProfileNotExistError
	if !errors.As(err, &missing) || os.Getenv("AWS_PROFILE") != "" {
		return found, err
	}
	if path := os.Getenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		return fromContainer(ctx, containerHost+path)
	}
	if at := os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"); at != "" {
		return fromContainer(ctx, at)
	}
	return ec2rolecreds.New().Retrieve(ctx)
}

func webIdentity(ctx context.Context, file, arn string) (aws.Credentials, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(defaultRegion), config.WithCredentialsProvider(aws.AnonymousCredentials{}))
	if err != nil {
		return aws.Credentials{}, err
	}
	return stscreds.NewWebIdentityRoleProvider(sts.NewFromConfig(cfg), arn, stscreds.IdentityTokenFile(file)).Retrieve(ctx)
}

// fromProfile names the profile to the SDK, which makes it leave the keys in variables alone, unless the profile itself
// leads there.
func fromProfile(ctx context.Context) (aws.Credentials, error) {
	name := cmp.Or(os.Getenv("AWS_PROFILE"), "default")
	profile, err := config.LoadSharedConfigProfile(ctx, name, func(o *config.LoadSharedConfigOptions) {
		if file := os.Getenv("AWS_CONFIG_FILE"); file != "" {
			o.ConfigFiles = []string{file}
		}
		if file := os.Getenv("AWS_SHARED_CREDENTIALS_FILE"); file != "" {
			o.CredentialsFiles = []string{file}
		}
	})
	if err != nil {
		return aws.Credentials{}, err
	}
	for source := &profile; source != nil; source = source.Source {
		if source.CredentialSource == "Environment" {
			return aws.Credentials{}, fmt.Errorf("the profile %s takes its keys from the environment, which holds AWS_ACCESS_KEY or "+
				"AWS_SECRET_KEY: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", name)
		}
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithDefaultRegion(defaultRegion), config.WithSharedConfigProfile(name))
	if err != nil {
		return aws.Credentials{}, err
	}
	return cfg.Credentials.Retrieve(ctx)
}

// containerHost is where containers of ECS find the credentials of their task.
const containerHost = "http://169.254.170.2"

func fromContainer(ctx context.Context, at string) (aws.Credentials, error) {
	return endpointcreds.New(at, func(o *endpointcreds.Options) {
		o.AuthorizationToken = os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
		if file := os.Getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); file != "" {
			o.AuthorizationTokenProvider = endpointcreds.TokenProviderFunc(func() (string, error) {
				token, err := os.ReadFile(file)
				return strings.TrimSpace(string(token)), err
			})
		}
	}).Retrieve(ctx)
}
