package s3

import (
	"net/http"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

const (
	sseHeader       = "X-Amz-Server-Side-Encryption"
	kmsKeyHeader    = "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"
	bucketKeyHeader = "X-Amz-Server-Side-Encryption-Bucket-Key-Enabled"
	classHeader     = "X-Amz-Storage-Class"
	payerHeader     = "X-Amz-Request-Payer"
)

// storageClasses are those that objects of ordinary buckets can have.
var storageClasses = []string{
	"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE", "GLACIER_IR",
}

// readAttributes checks how an object shall be kept, and says so in the answer.
func (s *Store) readAttributes(w http.ResponseWriter, r *aws.Request, b Bucket) (Attributes, *aws.Error) {
	a := Attributes{
		ContentType: r.Header.Get("Content-Type"), StorageClass: r.Header.Get(classHeader), SSE: r.Header.Get(sseHeader),
		KMSKeyID: r.Header.Get(kmsKeyHeader), BucketKey: strings.EqualFold(r.Header.Get(bucketKeyHeader), "true"),
	}
	if b.MustEncrypt != "" && a.SSE != b.MustEncrypt {
		failed := r.Denied()
		failed.Message = strings.Replace(failed.Message, "because no identity-based policy allows", "with an explicit deny in a resource-based policy for", 1)
		return a, failed
	}
	if failed := s.checkEncryption(a); failed != nil {
		return a, failed
	}
	if a.StorageClass != "" && !slices.Contains(storageClasses, a.StorageClass) {
		return a, &aws.Error{Status: http.StatusBadRequest, Code: "InvalidStorageClass", Message: "The storage class you specified is not valid"}
	}
	if a.SSE == "" {
		a.SSE = "AES256" // S3 encrypts without being asked
	}
	a.write(w.Header())
	return a, nil
}

func (s *Store) checkEncryption(a Attributes) *aws.Error {
	kms := strings.HasPrefix(a.SSE, "aws:kms")
	switch {
	case !slices.Contains([]string{"", "AES256", "aws:kms", "aws:kms:dsse"}, a.SSE):
		return invalidArgument("The encryption method specified is not supported")
	case !kms && a.KMSKeyID != "":
		return invalidArgument("Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
	case a.BucketKey && a.SSE != "aws:kms":
		return invalidArgument("Bucket Key is only supported with aws:kms")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.KMSKeyID != "" && !slices.Contains(s.keys, a.KMSKeyID) {
		return &aws.Error{Status: http.StatusBadRequest, Code: "KMS.NotFoundException", Message: "Key '" + a.KMSKeyID + "' does not exist"}
	}
	return nil
}

// write says how an object is encrypted.
func (a Attributes) write(header http.Header) {
	if a.SSE != "" {
		header.Set(sseHeader, a.SSE)
	}
	if a.KMSKeyID != "" {
		header.Set(kmsKeyHeader, a.KMSKeyID)
	}
	if a.BucketKey {
		header.Set(bucketKeyHeader, "true")
	}
}
