package s3_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"testing"

	awssdk "github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// start returns a store and the AWS SDK's client in front of it, which tries once and checks little by itself.
func start(t *testing.T) (*s3.Store, *awss3.Client) {
	t.Helper()
	store, cloud := s3.New(), aws.New()
	cloud.Register("s3", store)
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	for _, b := range []s3.Bucket{
		{Name: "docs", Region: "us-east-1", Owner: account},
		{Name: "far-docs", Region: "eu-west-1", Owner: account},
		{Name: "strict-docs", Region: "us-east-1", Owner: account, MustEncrypt: "aws:kms"},
		{Name: "their-docs", Region: "us-east-1", Owner: "999999999999"},
		{Name: "paid-docs", Region: "us-east-1", Owner: "999999999999", RequesterPays: true},
	} {
		if err := store.AddBucket(b); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Put(b.Name, "a.txt", []byte("hello"), s3.Attributes{}); err != nil {
			t.Fatal(err)
		}
	}
	client := awss3.New(awss3.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: transport}, RetryMaxAttempts: 1,
		Credentials: awssdk.CredentialsProviderFunc(func(context.Context) (awssdk.Credentials, error) {
			return awssdk.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}, nil
		}),
	})
	return store, client
}

func TestWhatS3RefusesIsRefused(t *testing.T) {
	text := awssdk.String
	for name, test := range map[string]struct {
		code string
		ask  func(ctx context.Context, client *awss3.Client) error
	}{
		"a bucket in another region": {"PermanentRedirect", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: text("far-docs"), Key: text("a.txt")})
			return err
		}},
		"a bucket that is not there": {"NoSuchBucket", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: text("none-there")})
			return err
		}},
		"an object that is not there": {"NoSuchKey", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: text("docs"), Key: text("none")})
			return err
		}},
		"another account's bucket": {"AccessDenied", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: text("their-docs"), Key: text("a.txt")})
			return err
		}},
		"who does not agree to pay": {"AccessDenied", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: text("paid-docs"), Key: text("a.txt")})
			return err
		}},
		"an object that is not encrypted as demanded": {"AccessDenied", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: text("strict-docs"), Key: text("b"), Body: bytes.NewReader(nil)})
			return err
		}},
		"a KMS key that is not there": {"KMS.NotFoundException", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.PutObject(ctx, &awss3.PutObjectInput{
				Bucket: text("docs"), Key: text("b"), Body: bytes.NewReader(nil), ServerSideEncryption: "aws:kms", SSEKMSKeyId: text("none"),
			})
			return err
		}},
		"a KMS key without its encryption": {"InvalidArgument", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: text("docs"), Key: text("b"), Body: bytes.NewReader(nil), SSEKMSKeyId: text("k")})
			return err
		}},
		"a storage class that is none": {"InvalidStorageClass", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: text("docs"), Key: text("b"), Body: bytes.NewReader(nil), StorageClass: "SHELF"})
			return err
		}},
		"to replace what must not be there": {"PreconditionFailed", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.PutObject(ctx, &awss3.PutObjectInput{Bucket: text("docs"), Key: text("a.txt"), Body: bytes.NewReader(nil), IfNoneMatch: text("*")})
			return err
		}},
		"another object than the one expected": {"PreconditionFailed", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: text("docs"), Key: text("a.txt"), IfMatch: text(`"other"`)})
			return err
		}},
		"a key that is too long": {"KeyTooLongError", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.GetObject(ctx, &awss3.GetObjectInput{Bucket: text("docs"), Key: text(string(bytes.Repeat([]byte("k"), 1025)))})
			return err
		}},
		"a token of its own making": {"InvalidArgument", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{Bucket: text("docs"), ContinuationToken: text("x")})
			return err
		}},
		"more buckets on a page than S3 has room for": {"InvalidArgument", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.ListBuckets(ctx, &awss3.ListBucketsInput{MaxBuckets: awssdk.Int32(10_001)})
			return err
		}},
		"an ACL for a new bucket": {"InvalidBucketAclWithObjectOwnership", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: text("new-docs"), ACL: types.BucketCannedACLPublicRead})
			return err
		}},
		"us-east-1 by name": {"InvalidLocationConstraint", func(ctx context.Context, client *awss3.Client) error {
			return create(ctx, client, "us-east-1", "us-east-1")
		}},
		"a location other than the host's": {"IllegalLocationConstraintException", func(ctx context.Context, client *awss3.Client) error {
			return create(ctx, client, "us-east-1", "eu-west-1")
		}},
		"no location where the host has one": {"IllegalLocationConstraintException", func(ctx context.Context, client *awss3.Client) error {
			return create(ctx, client, "eu-west-1", "")
		}},
		"a bucket that others have": {"BucketAlreadyExists", func(ctx context.Context, client *awss3.Client) error {
			_, err := client.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: text("their-docs")})
			return err
		}},
		"a small part in the middle":      {"EntityTooSmall", func(ctx context.Context, client *awss3.Client) error { return inParts(ctx, client, "", 10, 10) }},
		"parts without the checksum":      {"InvalidRequest", func(ctx context.Context, client *awss3.Client) error { return inParts(ctx, client, "CRC32", 10) }},
		"a part of an upload that is not": {"NoSuchUpload", func(ctx context.Context, client *awss3.Client) error { return part(ctx, client, "none", 1, 1) }},
	} {
		t.Run(name, func(t *testing.T) {
			_, client := start(t)
			err := test.ask(t.Context(), client)
			var refused smithy.APIError
			if !errors.As(err, &refused) || refused.ErrorCode() != test.code {
				t.Errorf("%v, not %s", err, test.code)
			}
		})
	}
}

func create(ctx context.Context, client *awss3.Client, host, location string) error {
	in := &awss3.CreateBucketInput{Bucket: awssdk.String("new-docs")}
	if location != "" {
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(location)}
	}
	_, err := client.CreateBucket(ctx, in, func(o *awss3.Options) { o.Region = host })
	return err
}

func part(ctx context.Context, client *awss3.Client, id string, number int32, size int) error {
	_, err := client.UploadPart(ctx, &awss3.UploadPartInput{
		Bucket: awssdk.String("docs"), Key: awssdk.String("b"), UploadId: awssdk.String(id), PartNumber: awssdk.Int32(number),
		Body: bytes.NewReader(make([]byte, size)),
	})
	return err
}

// inParts uploads an object in parts of these sizes, whose checksums are announced but, by this client, not sent.
func inParts(ctx context.Context, client *awss3.Client, algorithm types.ChecksumAlgorithm, sizes ...int) error {
	made, err := client.CreateMultipartUpload(ctx, &awss3.CreateMultipartUploadInput{
		Bucket: awssdk.String("docs"), Key: awssdk.String("b"), ChecksumAlgorithm: algorithm,
	})
	if err != nil {
		return err
	}
	var parts []types.CompletedPart
	for i, size := range sizes {
		number := int32(i + 1)
		if err := part(ctx, client, awssdk.ToString(made.UploadId), number, size); err != nil {
			return err
		}
		parts = append(parts, types.CompletedPart{PartNumber: awssdk.Int32(number), ETag: awssdk.String("x")})
	}
	_, err = client.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{
		Bucket: awssdk.String("docs"), Key: awssdk.String("b"), UploadId: made.UploadId, MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	return err
}

func TestWhatWasNotFinishedIsCounted(t *testing.T) {
	store, client := start(t)
	if err := inParts(t.Context(), client, "", 10, 10); err == nil || store.Unfinished() != 1 {
		t.Errorf("%v, %d unfinished", err, store.Unfinished())
	}
}
