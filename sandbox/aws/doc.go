// Package aws is a stand-in for Amazon Web Services that is as strict as the real ones: it verifies every request
// signature (Signature Version 4) with its own code, knows accounts, keys, temporary keys, roles and permissions,
// regions and partitions, and answers with the error shapes of each service's protocol.
//
// A [Cloud] holds the accounts and is an [http.Handler]. Mount it in a sandbox under each of [Cloud.HostPatterns], and
// AWS clients reach it under the real names: sts.us-east-1.amazonaws.com, BUCKET.s3.eu-west-1.amazonaws.com,
// dynamodb.cn-north-1.amazonaws.com.cn. [Cloud.Bind] gives it further hosts, for clients with an endpoint of their own.
//
// # Services
//
// The cloud itself offers STS: GetCallerIdentity and AssumeRole. Every other service is a [Service] that is registered
// under the name that it has in host names. It gets requests that are authenticated, permitted and counted, with a
// body that is decoded and checked while it is read, and never sees a signature:
//
//	cloud := aws.New()
//	cloud.Register("dynamodb", dynamodb.New())
//
// # Failures on demand
//
// [Cloud.Inject] makes matching requests fail: with an error of the service, throttled, denied, a cut connection, an
// answer that is held back. Requests that the cloud refuses anyway are not counted and not touched.
//
// # Looking back
//
// [Cloud.Calls] lists the requests that were let in, with operation, headers and the beginning of the body.
package aws
