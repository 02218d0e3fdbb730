// Package account says who calls AWS and from where: it turns the credentials of a tool call, or of the provider, into
// an [aws.Config]. Nothing else in the plugin knows keys, regions or endpoints.
//
// A tool that calls AWS embeds [Input] in its own input and opens an [Account] with it:
//
//	type OperateInput struct {
//		account.Input
//		URI string `param:"s3_uri"`
//	}
//
//	func Operate(ctx context.Context, call *plugin.Call, in OperateInput) error {
//		a, err := in.Open(ctx, call)
//		if err != nil {
//			return err
//		}
//		client := s3.NewFromConfig(a.Config(account.S3), func(o *s3.Options) { o.UsePathStyle = a.PathStyle() })
//		_, err = client.GetObject(ctx, ...)
//		return account.Error(err, account.Operation{
//			Doing: "read s3://documents/a.txt", Service: "S3", Action: "s3:GetObject",
//			Resource: "arn:aws:s3:::documents/a.txt", Region: a.Region(),
//		})
//	}
//
// # Whose keys
//
// Credentials are taken as a whole: all from the tool call, or all from the provider, never one half from each. The
// provider may also name a role, which is then assumed with the provider's keys. Without keys a call is refused. An
// operator who wants the plugin to act with the identity of the machine that it runs on, as command line tools do,
// sets DIFYPLUGIN_AMBIENT_AWS=on; the reason for the switch is that a plugin inherits the environment of Dify's plugin
// daemon, so that every user of every workspace would act with the operator's identity.
//
// # Where to
//
// The region is that of the tool call, else that of the provider, else us-east-1. Requests go to the official hosts of
// AWS over HTTPS, or to the endpoint that the provider's credentials name.
//
// # What is kept
//
// An account and its clients live as long as the call. The process keeps connections, which carry no keys, and the
// temporary keys of assumed roles for a few minutes, see [Process].
package account
