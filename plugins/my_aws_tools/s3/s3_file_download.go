package s3

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// DownloadFileInput is the input of s3_file_download.
type DownloadFileInput struct {
	account.Input
	URI           string `param:"s3_uri"`
	Version       string `param:"version_id"`
	RequesterPays bool   `param:"requester_pays"`
}

// DownloadFile is the tool s3_file_download. It hands an object over as a file, followed by what S3 says about it.
//
// The content passes through as a stream; files that are too large for the answer are uploaded to Dify. A key that ends
// with a slash is an object like any other, whose file is named after the last part in front of the slash.
func DownloadFile(ctx context.Context, call *plugin.Call, in DownloadFileInput) error {
	var wrong param.Problems
	at, err := parseURI(in.URI)
	wrong.Add("s3_uri", err)
	if err := wrong.Err("s3_file_download"); err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o, err := openObject(ctx, openBucket(ctx, a, at.bucket, in.RequesterPays), at.key, in.Version, call.Logger())
	if err != nil {
		return err
	}
	name := fileName(at.key)
	if err := call.File(ctx, o.file(name)); err != nil {
		return handOver(at, err)
	}
	facts := o.facts(at)
	if err := call.JSON(facts); err != nil {
		return err
	}
	if err := call.Text(factsText(facts)); err != nil {
		return err
	}
	out := result.Outputs{"filename": name}
	for field, value := range facts {
		out[field] = value
	}
	return out.Send(call)
}

// handOver says where a file is that could not be given to Dify.
func handOver(at location, err error) error {
	return fmt.Errorf("hand over %s: %w; s3_operator can return a presigned URL for it instead", param.Clip(at.uri()), err)
}

// facts are what S3 said about an object.
func (o *object) facts(at location) map[string]any {
	facts := map[string]any{
		"bucket": at.bucket, "key": at.key, "content_type": o.contentType(), "content_length": nil,
		"etag": result.OrNull(o.etag), "last_modified": result.Time(o.first.LastModified), "s3_uri": at.uri(),
		"version_id":             result.OrNull(aws.ToString(o.first.VersionId)),
		"server_side_encryption": result.OrNull(string(o.first.ServerSideEncryption)),
		"kms_key_id":             result.OrNull(aws.ToString(o.first.SSEKMSKeyId)),
		"bucket_key_enabled":     aws.ToBool(o.first.BucketKeyEnabled),
	}
	if o.size >= 0 {
		facts["content_length"] = o.size
	}
	return facts
}

// factsText is a line for each fact that is known.
func factsText(facts map[string]any) string {
	var lines []string
	for _, name := range []string{"bucket", "key", "content_type", "content_length", "etag", "last_modified", "s3_uri"} {
		if value := facts[name]; value != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", name, value))
		}
	}
	return strings.Join(lines, "\n")
}
