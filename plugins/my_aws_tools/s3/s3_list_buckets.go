package s3

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// bucketsPerPage is how many buckets S3 puts on one page at most, and maxPages bounds a list that never ends.
const (
	bucketsPerPage = 10_000
	maxPages       = 1000
)

// ListBucketsInput is the input of s3_list_buckets.
type ListBucketsInput struct {
	account.Input
	IncludeRegion bool   `param:"include_region"`
	Prefix        string `param:"name_prefix"`
}

// ListBuckets is the tool s3_list_buckets. It lists the buckets of the account, of all regions and all pages.
//
// S3 tells the regions with the list. Only stores other than AWS's own, which may not do that, are asked bucket by
// bucket; a region that cannot be found out is an error of that bucket alone.
func ListBuckets(ctx context.Context, call *plugin.Call, in ListBucketsInput) error {
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	buckets, err := listBuckets(ctx, a, in.Prefix)
	if err != nil {
		return err
	}
	list, texts := make([]any, len(buckets)), make([]string, len(buckets))
	describe := func(i int) map[string]any { return describeBucket(ctx, a, buckets[i], in.IncludeRegion) }
	inOrder(len(buckets), describe, func(i int, described map[string]any) {
		list[i], texts[i] = described, aws.ToString(buckets[i].Name)
	})
	if err := call.JSON(map[string]any{"bucket_count": len(list), "buckets": list}); err != nil {
		return err
	}
	text := fmt.Sprintf("Found %d bucket(s): %s", len(list), strings.Join(texts, ", "))
	if len(list) == 0 {
		text = "No S3 buckets matched the given conditions."
	}
	if err := call.Text(text); err != nil {
		return err
	}
	return result.Outputs{"bucket_count": len(list), "buckets": list, "bucket_names": texts}.Send(call)
}

// listBuckets gathers all pages. A store that does not know the prefix sends more than was asked for.
func listBuckets(ctx context.Context, a *account.Account, prefix string) ([]types.Bucket, error) {
	client := newClient(a, a.Region())
	op := account.Operation{
		Doing: "list the buckets", Service: "S3", Action: "s3:ListAllMyBuckets", Resource: "*", Region: a.Region(), Faults: faults(),
	}
	query := &awss3.ListBucketsInput{MaxBuckets: aws.Int32(bucketsPerPage), Prefix: given(prefix)}
	var found []types.Bucket
	for range maxPages {
		page, err := client.ListBuckets(ctx, query)
		if err != nil {
			return nil, account.Error(err, op)
		}
		for _, b := range page.Buckets {
			if strings.HasPrefix(aws.ToString(b.Name), prefix) {
				found = append(found, b)
			}
		}
		if query.ContinuationToken = page.ContinuationToken; aws.ToString(page.ContinuationToken) == "" {
			return found, nil
		}
	}
	return nil, plugin.Errorf(plugin.Unavailable, "could not list the buckets: S3 sent %d pages and no last one; give a name_prefix, or try again later", maxPages)
}

func describeBucket(ctx context.Context, a *account.Account, b types.Bucket, withRegion bool) map[string]any {
	described := map[string]any{"name": aws.ToString(b.Name), "creation_date": result.Time(b.CreationDate)}
	if !withRegion {
		return described
	}
	region := aws.ToString(b.BucketRegion)
	if region == "" {
		var err error
		if region, err = bucketRegion(ctx, openBucket(ctx, a, aws.ToString(b.Name), false)); err != nil {
			described["region_lookup_error"] = err.Error()
			return described
		}
	}
	described["region"] = region
	return described
}

// bucketRegion asks for the region of one bucket. The oldest two regions have names of their own there.
func bucketRegion(ctx context.Context, b *bucket) (string, error) {
	out, err := inBucket(b, b.operation("find out the region of", "s3:GetBucketLocation", ""), func(client *awss3.Client) (*awss3.GetBucketLocationOutput, error) {
		return client.GetBucketLocation(ctx, &awss3.GetBucketLocationInput{Bucket: aws.String(b.name)})
	})
	if err != nil {
		return "", err
	}
	if out.LocationConstraint == types.BucketLocationConstraintEu {
		return "eu-west-1", nil
	}
	return cmp.Or(string(out.LocationConstraint), "us-east-1"), nil
}
