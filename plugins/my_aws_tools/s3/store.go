package s3

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// ParseURI reads s3://bucket/key, the address of an object. The key is taken as it stands. The error completes a
// sentence that begins with the name of a parameter.
func ParseURI(uri string) (bucket, key string, err error) {
	at, err := parseURI(uri)
	return at.bucket, at.key, err
}

// ParseFolder reads s3://bucket or s3://bucket/folder, where objects are to be put. The prefix is empty or ends in
// exactly one slash, and never begins with one. The error completes a sentence that begins with the name of a
// parameter.
func ParseFolder(uri string) (bucket, prefix string, err error) {
	rest, ok := cutScheme(strings.TrimSpace(uri))
	if !ok {
		return "", "", fmt.Errorf("is %q, which is not the address of a folder: it is written like s3://bucket/folder/", param.Clip(uri))
	}
	if match := pointURI.FindStringSubmatch(rest + "/"); match != nil {
		bucket, prefix = match[1], match[2]
	} else {
		bucket, prefix, _ = strings.Cut(rest, "/")
	}
	if err := checkBucket(bucket); err != nil {
		return "", "", fmt.Errorf("is %q, whose bucket %w", param.Clip(uri), err)
	}
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return bucket, "", nil
	}
	if len(prefix) > maxKey/2 {
		return "", "", fmt.Errorf("is %q, whose folder has %d bytes: at most %d leave room for names in it", param.Clip(uri), len(prefix), maxKey/2)
	}
	return bucket, prefix + "/", nil
}

// Bucket is a bucket as another service's tool uses it, for the time of one call: it is found in whatever region it is,
// and its errors are those of the tools of this package. Its methods may be called from several goroutines.
type Bucket struct {
	bucket *bucket
	log    *slog.Logger
}

// OpenBucket sends nothing, unless a role has to be assumed.
func OpenBucket(ctx context.Context, a *account.Account, name string, log *slog.Logger) *Bucket {
	return &Bucket{bucket: openBucket(ctx, a, name, false), log: log}
}

// URI is the address of an object of the bucket.
func (b *Bucket) URI(key string) string { return location{b.bucket.name, key}.uri() }

// Read returns an object of at most limit bytes, and the type that is stored with it. It needs s3:GetObject.
func (b *Bucket) Read(ctx context.Context, key string, limit int64) (content []byte, mediaType string, err error) {
	ctx, cancel := context.WithCancel(ctx) // releases an answer that is not read to its end
	defer cancel()
	o, err := openObject(ctx, b.bucket, key, "", b.log)
	if err != nil {
		return nil, "", err
	}
	if o.size > limit {
		return nil, "", o.errorf(plugin.BadRequest, "it has %s, and at most %s are taken here", byteCount(o.size), byteCount(limit))
	}
	body, err := o.opener()(ctx)
	if err != nil {
		return nil, "", err
	}
	defer body.Close()
	buffer := bytes.NewBuffer(make([]byte, 0, max(o.size, 0)+bytes.MinRead))
	n, err := buffer.ReadFrom(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, "", err
	}
	if n > limit {
		return nil, "", o.errorf(plugin.BadRequest, "it has more than %s, the most that is taken here", byteCount(limit))
	}
	return buffer.Bytes(), o.contentType(), nil
}

// File is an object on its way to Dify under a name: its size is known, and its content is read when it is sent. What
// is asked for is released when ctx ends. It needs s3:GetObject.
func (b *Bucket) File(ctx context.Context, key, name string) (plugin.File, error) {
	o, err := openObject(ctx, b.bucket, key, "", b.log)
	if err != nil {
		return plugin.File{}, err
	}
	return o.file(cmp.Or(name, fileName(key))), nil
}

// Write reads content to its end and stores it as an object, with at most 16 MiB of it in memory; size is -1 when it is
// not known. Nothing is stored when anything fails. It needs s3:PutObject, and s3:AbortMultipartUpload for what is
// larger than 16 MiB.
func (b *Bucket) Write(ctx context.Context, key, mediaType string, content io.Reader, size int64) error {
	u := &upload{bucket: b.bucket, key: key, contentType: mediaType, log: b.log}
	_, err := u.send(ctx, content, size)
	return err
}

// Delete removes an object. One that is not there is removed already. It needs s3:DeleteObject.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	_, err := inBucket(b.bucket, b.bucket.operation("delete", "s3:DeleteObject", key), func(client *awss3.Client) (*awss3.DeleteObjectOutput, error) {
		return client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: aws.String(b.bucket.name), Key: aws.String(key)})
	})
	return err
}
