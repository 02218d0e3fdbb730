// Package cos is a stand-in for Tencent Cloud Object Storage (COS) that is as
// strict as the service: it verifies every request signature with its own code,
// knows regions, accounts, temporary keys and permissions, and answers with the
// service's own XML, headers and error codes.
//
// A [Store] holds accounts, buckets and objects, and is an [http.Handler]. Mount
// it in a sandbox under each of [Store.HostPatterns], and COS clients reach it
// under the real names: service.cos.myqcloud.com lists an account's buckets,
// BUCKET-APPID.cos.REGION.myqcloud.com serves one bucket.
//
// # What it does
//
//   - GET Service, GET and HEAD Bucket, GET, HEAD, PUT and DELETE Object. Other
//     sub-resources (multipart uploads, ACLs, tags, versions) are answered with
//     NotImplemented, other methods with MethodNotAllowed.
//   - Signatures in the Authorization header and in presigned URLs, for
//     permanent and for temporary keys.
//   - Least privilege: a key may be limited to actions, buckets and prefixes.
//   - Ranges, preconditions, CRC-64 checksums, storage classes that must be
//     restored before they can be read.
//   - Keys of every kind, since object keys never become file names.
//
// # Failures on demand
//
// [Store.Inject] makes matching requests fail: with an error of the service, a
// redirect, a slow or stalled answer, a cut connection, a wrong length, a
// flipped bit. Every wait ends when the client goes away or the store closes.
//
// # Where the documentation is silent
//
// The service's documentation does not say everything. Where it is silent the
// stand-in takes the stricter reading: a delimiter has one character, a
// temporary key that has expired or comes with a foreign token does not exist,
// and a listed header or parameter that the request lacks is a bad signature. A
// request for a bucket at the host of another region is answered with
// NoSuchBucket, unless [RedirectWrongRegion] asks for the documented redirect.
package cos
