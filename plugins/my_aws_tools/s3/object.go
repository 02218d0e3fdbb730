package s3

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
)

// object is an object as S3's first answer described it. What is read later must be the same.
type object struct {
	bucket  *bucket
	key     string
	version string // "" for the newest
	log     *slog.Logger

	first *awss3.GetObjectOutput
	etag  string
	size  int64 // -1 when S3 did not say
}

// openObject asks for an object. The answer's body is read when the object's content is asked for; it is released when
// ctx ends.
func openObject(ctx context.Context, b *bucket, key, version string, log *slog.Logger) (*object, error) {
	o := &object{bucket: b, key: key, version: version, log: log}
	first, err := o.get(ctx, "")
	if err != nil {
		return nil, err
	}
	o.first, o.etag, o.size = first, aws.ToString(first.ETag), -1
	if first.ContentLength != nil {
		o.size = *first.ContentLength
	}
	return o, nil
}

// probe makes sure that an object exists and may be read, without reading it.
func probe(ctx context.Context, b *bucket, key string) error {
	answer, err := inBucket(b, b.operation("read", "s3:GetObject", key), func(client *awss3.Client) (*awss3.GetObjectOutput, error) {
		answer, err := client.GetObject(ctx, &awss3.GetObjectInput{
			Bucket: aws.String(b.name), Key: aws.String(key), RequestPayer: b.payer, Range: aws.String("bytes=0-0"),
		})
		if rangeBeyondEnd(err) { // an empty object has no first byte
			return nil, nil
		}
		return answer, err
	})
	if err == nil && answer != nil {
		_ = answer.Body.Close()
	}
	return err
}

// get asks for the object, or for a range of it. After the first answer it insists on the same object.
func (o *object) get(ctx context.Context, span string) (*awss3.GetObjectOutput, error) {
	in := &awss3.GetObjectInput{
		Bucket: aws.String(o.bucket.name), Key: aws.String(o.key), RequestPayer: o.bucket.payer,
		VersionId: given(o.version), IfMatch: given(o.etag), Range: given(span),
	}
	action := "s3:GetObject"
	if o.version != "" {
		action = "s3:GetObjectVersion"
	}
	op := o.bucket.operation("read", action, o.key)
	if o.etag != "" {
		replaced := op.Faults["PreconditionFailed"]
		replaced.Kind, replaced.Text = plugin.Connection, "it was replaced while it was being read; nothing was stored, try again"
		op.Faults["PreconditionFailed"] = replaced
	}
	return inBucket(o.bucket, op, func(client *awss3.Client) (*awss3.GetObjectOutput, error) {
		return client.GetObject(ctx, in, o.askForChecksum)
	})
}

// askForChecksum makes S3 send the checksum that it keeps. The client's own option for that also makes the client check
// it, which cannot be done when an object arrives in several pieces. Stores other than AWS's own are not asked: a header
// that they do not know could make them refuse.
func (o *object) askForChecksum(options *awss3.Options) {
	if o.bucket.account.PathStyle() {
		return
	}
	options.APIOptions = append(options.APIOptions, func(stack *middleware.Stack) error {
		return smithyhttp.AddHeaderValue("X-Amz-Checksum-Mode", "ENABLED")(stack)
	})
}

// given is a pointer to a text, or nil where it is empty.
func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// contentType is the stored one, or the one that says nothing.
func (o *object) contentType() string {
	if stored := aws.ToString(o.first.ContentType); stored != "" {
		return stored
	}
	return "application/octet-stream"
}

// file is the object on its way to Dify. Many uploads leave the type that stands for anything; then the name says more.
func (o *object) file(name string) plugin.File {
	mediaType := o.contentType()
	if mediaType == "application/octet-stream" || mediaType == "binary/octet-stream" {
		mediaType = ""
	}
	return plugin.File{Name: name, Type: mediaType, Size: o.size, Open: o.opener()}
}

// opener returns the content's Open. The first call gets the answer that is already there.
func (o *object) opener() func(ctx context.Context) (io.ReadCloser, error) {
	var once sync.Once
	return func(ctx context.Context) (io.ReadCloser, error) {
		var ready *awss3.GetObjectOutput
		once.Do(func() { ready = o.first })
		if ready == nil {
			var err error
			if ready, err = o.get(ctx, ""); err != nil {
				return nil, err
			}
		}
		return newBody(ctx, o, ready), nil
	}
}

// rest asks for what is behind an offset.
func (o *object) rest(ctx context.Context, offset int64) (io.ReadCloser, error) {
	answer, err := o.get(ctx, "bytes="+strconv.FormatInt(offset, 10)+"-")
	if err != nil {
		return nil, err
	}
	want := fmt.Sprintf("bytes %d-%d/%d", offset, o.size-1, o.size)
	if aws.ToString(answer.ContentRange) == want && aws.ToString(answer.ETag) == o.etag {
		return answer.Body, nil
	}
	_ = answer.Body.Close()
	return nil, o.errorf(plugin.Connection, "the connection broke after %d of %d bytes, and S3 did not send the rest of the same object "+
		"when asked for it; nothing was stored, try again", offset, o.size)
}

func (o *object) errorf(kind plugin.Kind, format string, args ...any) error {
	return o.bucket.errorf(kind, "read", o.key, format, args...)
}
