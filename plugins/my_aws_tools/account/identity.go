package account

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/middleware"
	"github.com/cloudplugins/difyplugin/plugin"
)

// identity is where the keys of an account come from. It implements [aws.CredentialsProvider].
type identity struct {
	account *Account
	keys    keys // none for the identity of the machine
	role    role
}

// Retrieve implements [aws.CredentialsProvider]. It asks nobody for plain keys.
func (id identity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if !id.role.set() {
		return id.base(ctx)
	}
	return id.account.process.sessions.get(ctx, id.cacheKey(), id.assume)
}

// base are the keys before a role is assumed.
func (id identity) base(ctx context.Context) (aws.Credentials, error) {
	if !id.keys.set() {
		return id.account.process.sessions.get(ctx, cacheKey{"ambient"}, ambientCredentials)
	}
	return aws.Credentials{
		AccessKeyID: id.keys.id, SecretAccessKey: id.keys.secret, SessionToken: id.keys.token, Source: "dify",
	}, nil
}

// sessionName stands in the logs of the account whose role is assumed. It names the plugin and not the user: who uses
// Dify is not that account's business.
const sessionName = "dify-my-aws-tools"

// assume exchanges the base keys for those of the role, at the STS of the region.
func (id identity) assume(ctx context.Context) (aws.Credentials, error) {
	base, err := id.base(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	cfg := id.account.Config(STS)
	cfg.APIOptions = nil
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return base, nil })
	in := &sts.AssumeRoleInput{RoleArn: aws.String(id.role.arn), RoleSessionName: aws.String(sessionName)}
	if id.role.externalID != "" {
		in.ExternalId = aws.String(id.role.externalID)
	}
	out, err := sts.NewFromConfig(cfg).AssumeRole(ctx, in)
	if err != nil {
		return aws.Credentials{}, id.explainRole(err)
	}
	return temporary(out), nil
}

func temporary(out *sts.AssumeRoleOutput) aws.Credentials {
	if out.Credentials == nil {
		return aws.Credentials{}
	}
	return aws.Credentials{
		AccessKeyID:     aws.ToString(out.Credentials.AccessKeyId),
		SecretAccessKey: aws.ToString(out.Credentials.SecretAccessKey),
		SessionToken:    aws.ToString(out.Credentials.SessionToken),
		CanExpire:       out.Credentials.Expiration != nil,
		Expires:         aws.ToTime(out.Credentials.Expiration),
		Source:          "AssumeRole",
	}
}

// explainRole hides its cause from the retryer of the client that asked for the keys: the requests to STS were retried
// already.
func (id identity) explainRole(err error) error {
	explained := Error(err, Operation{
		Doing: "assume the role " + id.role.arn, Service: "STS", Action: "sts:AssumeRole", Resource: id.role.arn,
		Region: id.account.region,
		Faults: map[string]Fault{
			"AccessDenied": {plugin.Authorization, "AWS does not let these keys assume it: the trust policy of the role must name " +
				"them as principal and, if it asks for an external ID, the one in " + fieldExternalID + "; the keys need the permission {action} on {resource}"},
		},
	})
	return plugin.Errorf(plugin.KindOf(explained), "%s", explained.Error())
}

// cacheKey is the whole of what the temporary keys of a role depend on.
func (id identity) cacheKey() cacheKey {
	at, _ := id.account.endpoint.of(STS)
	return cacheKey{"role", id.keys.id, id.keys.secret, id.keys.token, id.role.arn, id.role.externalID, id.account.region, at}
}

// forget drops what is cached for the identity.
func (id identity) forget() {
	if id.role.set() {
		id.account.process.sessions.drop(id.cacheKey())
	}
	if !id.keys.set() {
		id.account.process.sessions.drop(cacheKey{"ambient"})
	}
}

// forgetExpired makes a client drop keys that AWS calls expired, so that the next call reads or assumes new ones.
func forgetExpired(id identity) []func(*middleware.Stack) error {
	watch := middleware.InitializeMiddlewareFunc("ForgetExpiredCredentials",
		func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleInitialize(ctx, in)
			if isExpired(Code(err)) {
				id.forget()
			}
			return out, metadata, err
		})
	return []func(*middleware.Stack) error{func(stack *middleware.Stack) error {
		return stack.Initialize.Add(watch, middleware.Before)
	}}
}

func isExpired(code string) bool {
	return strings.HasPrefix(code, "ExpiredToken") || code == "RequestExpired" || code == "TokenRefreshRequired"
}
