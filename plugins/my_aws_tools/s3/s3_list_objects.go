package s3

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// maxKeysPerPage is the most objects that S3 puts on one page.
const maxKeysPerPage = 1000

// ListObjectsInput is the input of s3_list_objects.
type ListObjectsInput struct {
	account.Input
	Bucket        string `param:"bucket_name"`
	Prefix        string `param:"prefix"`
	MaxKeys       int    `param:"max_keys"`
	Token         string `param:"continuation_token"`
	TokenInput    string `param:"continuation_token_input"`
	Delimiter     string `param:"delimiter"`
	RequesterPays bool   `param:"requester_pays"`
}

// ListObjects is the tool s3_list_objects. It lists one page of a bucket.
//
// Prefix, token and delimiter are taken as they stand, spaces included. With a delimiter, usually a slash, what lies
// deeper is gathered under common prefixes: the folders. max_keys outside of 1 to 1000 counts as the nearest of the two.
// continuation_token_input is continuation_token for agents, and wins.
func ListObjects(ctx context.Context, call *plugin.Call, in ListObjectsInput) error {
	var wrong param.Problems
	wrong.Add("bucket_name", checkBucket(in.Bucket))
	if err := wrong.Err("s3_list_objects"); err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	in.Token = cmp.Or(in.TokenInput, in.Token)
	in.MaxKeys = min(max(in.MaxKeys, 1), maxKeysPerPage)
	page, err := listObjects(ctx, openBucket(ctx, a, in.Bucket, in.RequesterPays), in)
	if err != nil {
		return err
	}
	facts := page.result(in)
	if err := call.JSON(facts); err != nil {
		return err
	}
	if err := call.Text(page.text(in)); err != nil {
		return err
	}
	return result.Outputs(facts).Send(call)
}

// listing is one page of a bucket.
type listing struct {
	objects   []any
	keys      []string
	folders   []string
	truncated bool
	next      string
}

func listObjects(ctx context.Context, b *bucket, in ListObjectsInput) (listing, error) {
	op := b.operation("list", "s3:ListBucket", "")
	wrongToken := op.Faults["InvalidRequest"]
	wrongToken.Text = "S3 refused a parameter: check that the continuation token is one that this tool returned for the same bucket and prefix{said}"
	op.Faults["InvalidArgument"] = wrongToken
	answer, err := inBucket(b, op, func(client *awss3.Client) (*awss3.ListObjectsV2Output, error) {
		return client.ListObjectsV2(ctx, &awss3.ListObjectsV2Input{
			Bucket: aws.String(b.name), Prefix: given(in.Prefix), MaxKeys: aws.Int32(int32(in.MaxKeys)), ContinuationToken: given(in.Token),
			Delimiter: given(in.Delimiter), RequestPayer: b.payer,
			EncodingType: types.EncodingTypeUrl, // keys may hold characters that XML cannot
		})
	})
	if err != nil {
		return listing{}, err
	}
	return readListing(answer)
}

func readListing(answer *awss3.ListObjectsV2Output) (listing, error) {
	page := listing{
		objects: []any{}, folders: []string{},
		truncated: aws.ToBool(answer.IsTruncated), next: aws.ToString(answer.NextContinuationToken),
	}
	for _, object := range answer.Contents {
		key, err := decodeKey(answer.EncodingType, aws.ToString(object.Key))
		if err != nil {
			return listing{}, err
		}
		page.keys = append(page.keys, key)
		page.objects = append(page.objects, map[string]any{
			"key": key, "size": aws.ToInt64(object.Size), "last_modified": result.Time(object.LastModified),
			"etag": result.OrNull(aws.ToString(object.ETag)), "storage_class": result.OrNull(string(object.StorageClass)),
		})
	}
	for _, prefix := range answer.CommonPrefixes {
		folder, err := decodeKey(answer.EncodingType, aws.ToString(prefix.Prefix))
		if err != nil {
			return listing{}, err
		}
		page.folders = append(page.folders, folder)
	}
	return page, nil
}

// decodeKey reads a key as S3 says that it is written.
func decodeKey(encoding types.EncodingType, key string) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return key, nil
	}
	decoded, err := url.QueryUnescape(key)
	if err != nil {
		return "", plugin.Errorf(plugin.Unavailable, "could not list the objects: S3 sent a key that is not encoded as it says; try again later")
	}
	return decoded, nil
}

func (l listing) result(in ListObjectsInput) map[string]any {
	return map[string]any{
		"bucket_name": in.Bucket, "prefix": result.OrNull(in.Prefix), "max_keys": in.MaxKeys, "continuation_token": result.OrNull(in.Token),
		"is_truncated": l.truncated, "next_continuation_token": result.OrNull(l.next), "object_count": len(l.objects), "objects": l.objects,
		"delimiter": result.OrNull(in.Delimiter), "common_prefixes": l.folders,
	}
}

// text names the first few keys.
func (l listing) text(in ListObjectsInput) string {
	const shown = 5
	folders := ""
	if len(l.folders) > 0 {
		folders = fmt.Sprintf(" %d folder(s): %s", len(l.folders), strings.Join(l.folders[:min(shown, len(l.folders))], ", "))
	}
	if len(l.keys) == 0 && folders == "" {
		return fmt.Sprintf("No objects found in bucket %s.", in.Bucket)
	}
	keys := ""
	if len(l.keys) > 0 {
		keys = ": " + strings.Join(l.keys[:min(shown, len(l.keys))], ", ")
		if len(l.keys) > shown {
			keys += ", …"
		}
	}
	return fmt.Sprintf("Found %d object(s) in bucket %s%s%s", len(l.keys), in.Bucket, keys, folders)
}
