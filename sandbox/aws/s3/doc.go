// Package s3 is the stand-in for Amazon S3. Objects lie in memory, in the store of gofakes3; this package adds what a
// client would otherwise not notice to be missing: regions, owners, policies that demand encryption, requester pays, KMS
// keys, storage classes, checksums of whole objects, versions, conditions, the rules for parts, and lists in pages with
// keys of any characters.
//
//	store := s3.New()
//	cloud.Register("s3", store)
//	store.AddBucket(s3.Bucket{Name: "documents", Region: "eu-west-1", Owner: "123456789012"})
//	store.Put("documents", "a.txt", []byte("hello"), s3.Attributes{ContentType: "text/plain"})
//
// Signatures are checked and permissions granted by the cloud that the store is registered in, see package aws.
package s3
