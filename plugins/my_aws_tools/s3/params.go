package s3

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxExpiry is how long a URL can be presigned for.
const maxExpiry = 7 * 24 * time.Hour

// Presigning are the parameters of tools that can return a presigned URL.
type Presigning struct {
	Presign bool          `param:"generate_presign_url"`
	Expiry  time.Duration `param:"presign_expiry,unit=s"`
}

// check looks at the expiry only where it is used.
func (p Presigning) check(wrong *param.Problems) {
	if p.Presign && (p.Expiry < time.Second || p.Expiry > maxExpiry || p.Expiry%time.Second != 0) {
		wrong.Add("presign_expiry", fmt.Errorf("must be a whole number of seconds from 1 to %d, which is 7 days; it is %v",
			maxExpiry/time.Second, p.Expiry.Seconds()))
	}
}

// seconds is the expiry as it is returned.
func (p Presigning) seconds() int64 { return int64(p.Expiry / time.Second) }

// Storing are the parameters of tools that write objects: how they are encrypted and kept.
type Storing struct {
	SSE          string `param:"sse_type"`
	KMSKey       string `param:"kms_key_id"`
	BucketKey    bool   `param:"bucket_key_enabled"`
	StorageClass string `param:"storage_class"`
	Overwrite    bool   `param:"overwrite"`
}

// check refuses combinations with which an object would not be encrypted as the user believes.
func (s Storing) check(wrong *param.Problems) {
	sse := types.ServerSideEncryption(strings.TrimSpace(s.SSE))
	kms := false
	switch sse {
	case "", types.ServerSideEncryptionAes256:
	case types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse:
		kms = true
	default:
		wrong.Add("sse_type", fmt.Errorf("must be blank, AES256, aws:kms or aws:kms:dsse, it is %q", param.Clip(s.SSE)))
		return
	}
	if !kms && strings.TrimSpace(s.KMSKey) != "" {
		wrong.Add("kms_key_id", errors.New("is filled in, but sse_type is not aws:kms or aws:kms:dsse: choose one of these, or clear kms_key_id"))
	}
	if s.BucketKey && sse != types.ServerSideEncryptionAwsKms {
		wrong.Add("bucket_key_enabled", errors.New("is on, which works only with the sse_type aws:kms: choose that, or switch it off"))
	}
}

// encryption are the parts of a request that say how to encrypt.
func (s Storing) encryption() (sse types.ServerSideEncryption, kmsKey *string, bucketKey *bool) {
	if s.BucketKey {
		bucketKey = aws.Bool(true)
	}
	return types.ServerSideEncryption(strings.TrimSpace(s.SSE)), given(strings.TrimSpace(s.KMSKey)), bucketKey
}

// ifNoneMatch is the condition of a request that must not replace an object.
func (s Storing) ifNoneMatch() *string {
	if s.Overwrite {
		return nil
	}
	return aws.String("*")
}
