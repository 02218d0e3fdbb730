package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

const (
	maxParts = 10_000
	// maxUpload is the largest file in bytes that can be uploaded: 156 GiB.
	maxUpload = maxParts * partSize
	// abortTime is how long the end of a failed upload may take, which happens after the call's own time is over.
	abortTime = 8 * time.Second
)

// upload is an object on its way to S3.
type upload struct {
	bucket      *bucket
	key         string
	contentType string
	storing     Storing
	log         *slog.Logger
}

// stored is what S3 said about an object that it keeps now.
type stored struct {
	size      int64
	etag      string
	version   string
	sse       types.ServerSideEncryption
	kmsKey    string
	bucketKey bool
}

// send reads content to its end and stores it, size -1 when that is not known. An object of up to [partSize] goes in one
// request, which can be repeated because its bytes are at hand; a larger one in parts of that size. When anything fails
// nothing is stored, and parts that S3 has already are removed.
func (u *upload) send(ctx context.Context, content io.Reader, size int64) (stored, error) {
	need := int64(partSize + 1)
	if size >= 0 {
		need = min(need, size+1)
	}
	memory := theProcess().memory
	if err := memory.Acquire(ctx, need); err != nil {
		return stored{}, fmt.Errorf("upload %s: wait for memory: %w", u.uri(), context.Cause(ctx))
	}
	defer memory.Release(need)
	// One byte more than a part tells whether it is the last one.
	source := &source{content: content, size: size, buffer: make([]byte, need)}
	first, last, err := source.next()
	if err != nil {
		return stored{}, u.unreadable(err)
	}
	if last {
		return u.put(ctx, first)
	}
	return u.putParts(ctx, source, first)
}

func (u *upload) uri() string { return param.Clip(location{u.bucket.name, u.key}.uri()) }

// unreadable keeps the sentence of an error that has one.
func (u *upload) unreadable(err error) error {
	var known *plugin.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("upload %s: %w", u.uri(), err)
	}
	return u.bucket.errorf(plugin.Connection, "upload", u.key, "the file broke off while it was read from Dify, nothing was stored: %w; try again", err)
}

func (u *upload) operation() account.Operation {
	return u.bucket.operation("upload", "s3:PutObject", u.key)
}

// put stores an object with one request.
func (u *upload) put(ctx context.Context, data []byte) (stored, error) {
	sse, kmsKey, bucketKey := u.storing.encryption()
	out, err := inBucket(u.bucket, u.operation(), func(client *awss3.Client) (*awss3.PutObjectOutput, error) {
		return client.PutObject(ctx, &awss3.PutObjectInput{
			Bucket: aws.String(u.bucket.name), Key: aws.String(u.key), Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))),
			ContentType: given(u.contentType), RequestPayer: u.bucket.payer, StorageClass: types.StorageClass(u.storing.StorageClass),
			ServerSideEncryption: sse, SSEKMSKeyId: kmsKey, BucketKeyEnabled: bucketKey, IfNoneMatch: u.storing.ifNoneMatch(),
		})
	})
	if err != nil {
		return stored{}, err
	}
	return stored{
		size: int64(len(data)), etag: aws.ToString(out.ETag), version: aws.ToString(out.VersionId),
		sse: out.ServerSideEncryption, kmsKey: aws.ToString(out.SSEKMSKeyId), bucketKey: aws.ToBool(out.BucketKeyEnabled),
	}, nil
}

// putParts stores an object in parts, of which the first is read already.
func (u *upload) putParts(ctx context.Context, from *source, part []byte) (stored, error) {
	id, err := u.begin(ctx)
	if err != nil {
		return stored{}, err
	}
	result, err := u.fill(ctx, id, from, part)
	if err != nil {
		u.abort(ctx, id)
	}
	return result, err
}

func (u *upload) begin(ctx context.Context) (id string, err error) {
	sse, kmsKey, bucketKey := u.storing.encryption()
	in := &awss3.CreateMultipartUploadInput{
		Bucket: aws.String(u.bucket.name), Key: aws.String(u.key), ContentType: given(u.contentType), RequestPayer: u.bucket.payer,
		StorageClass:         types.StorageClass(u.storing.StorageClass),
		ServerSideEncryption: sse, SSEKMSKeyId: kmsKey, BucketKeyEnabled: bucketKey,
	}
	if !u.bucket.account.PathStyle() { // the parts carry this checksum; of the whole object it can be checked by who reads it
		in.ChecksumAlgorithm, in.ChecksumType = types.ChecksumAlgorithmCrc32, types.ChecksumTypeFullObject
	}
	out, err := inBucket(u.bucket, u.operation(), func(client *awss3.Client) (*awss3.CreateMultipartUploadOutput, error) {
		return client.CreateMultipartUpload(ctx, in)
	})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.UploadId), nil
}

// fill sends all parts, one after the other, and puts them together.
func (u *upload) fill(ctx context.Context, id string, from *source, part []byte) (stored, error) {
	var parts []types.CompletedPart
	for last := false; ; {
		done, err := u.sendPart(ctx, id, int32(len(parts)+1), part)
		if err != nil {
			return stored{}, err
		}
		parts = append(parts, done)
		if last {
			break
		}
		if len(parts) == maxParts {
			return stored{}, u.bucket.errorf(plugin.BadRequest, "upload", u.key, "the file has more than %s, the most that can be uploaded", byteCount(maxUpload))
		}
		if part, last, err = from.next(); err != nil {
			return stored{}, u.unreadable(err)
		}
	}
	result, err := u.complete(ctx, id, parts)
	result.size = from.read
	return result, err
}

func (u *upload) sendPart(ctx context.Context, id string, number int32, data []byte) (types.CompletedPart, error) {
	out, err := inBucket(u.bucket, u.operation(), func(client *awss3.Client) (*awss3.UploadPartOutput, error) {
		return client.UploadPart(ctx, &awss3.UploadPartInput{
			Bucket: aws.String(u.bucket.name), Key: aws.String(u.key), UploadId: aws.String(id), PartNumber: aws.Int32(number),
			Body: bytes.NewReader(data), ContentLength: aws.Int64(int64(len(data))), RequestPayer: u.bucket.payer,
		})
	})
	if err != nil {
		return types.CompletedPart{}, err
	}
	return types.CompletedPart{PartNumber: aws.Int32(number), ETag: out.ETag, ChecksumCRC32: out.ChecksumCRC32}, nil
}

func (u *upload) complete(ctx context.Context, id string, parts []types.CompletedPart) (stored, error) {
	in := &awss3.CompleteMultipartUploadInput{
		Bucket: aws.String(u.bucket.name), Key: aws.String(u.key), UploadId: aws.String(id), RequestPayer: u.bucket.payer,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}, IfNoneMatch: u.storing.ifNoneMatch(),
	}
	if !u.bucket.account.PathStyle() {
		in.ChecksumType = types.ChecksumTypeFullObject
	}
	out, err := inBucket(u.bucket, u.operation(), func(client *awss3.Client) (*awss3.CompleteMultipartUploadOutput, error) {
		return client.CompleteMultipartUpload(ctx, in)
	})
	if err != nil {
		return stored{}, err
	}
	return stored{
		etag: aws.ToString(out.ETag), version: aws.ToString(out.VersionId),
		sse: out.ServerSideEncryption, kmsKey: aws.ToString(out.SSEKMSKeyId), bucketKey: aws.ToBool(out.BucketKeyEnabled),
	}, nil
}

// abort removes the parts of an upload that failed, for which AWS would go on charging. It is also done when the call is
// over.
func (u *upload) abort(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	op := u.bucket.operation("abort the upload of", "s3:AbortMultipartUpload", u.key)
	_, err := inBucket(u.bucket, op, func(client *awss3.Client) (*awss3.AbortMultipartUploadOutput, error) {
		return client.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{
			Bucket: aws.String(u.bucket.name), Key: aws.String(u.key), UploadId: aws.String(id), RequestPayer: u.bucket.payer,
		})
	})
	if err != nil && account.Code(err) != "NoSuchUpload" {
		u.log.Warn("the parts of a failed upload are left in the bucket, which its lifecycle rules can remove", "bucket", u.bucket.name, "error", err)
	}
}

// source cuts content into parts.
type source struct {
	content io.Reader
	size    int64  // -1 when it is not known
	buffer  []byte // one byte longer than a part, or than the whole
	ahead   bool   // the buffer's last byte belongs to the next part
	read    int64
}

// next returns the next part, which is valid until the call after, and whether it is the last.
func (s *source) next() (part []byte, last bool, err error) {
	n := 0
	if s.ahead {
		s.buffer[0] = s.buffer[len(s.buffer)-1]
		n = 1
	}
	for n < len(s.buffer) && err == nil {
		var more int
		more, err = s.content.Read(s.buffer[n:])
		n += more
		s.read += int64(more)
	}
	switch {
	case s.size >= 0 && (s.read > s.size || err == io.EOF && s.read < s.size):
		return nil, false, fmt.Errorf("it has %d bytes or more, and %d were announced", s.read, s.size)
	case err == io.EOF:
		return s.buffer[:n], true, nil
	case err != nil:
		return nil, false, err
	}
	s.ahead = true
	return s.buffer[:n-1], false, nil
}
