package s3

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// CreateBucketInput is the input of s3_create_bucket.
type CreateBucketInput struct {
	account.Input
	Bucket string `param:"bucket_name"`
	ACL    string `param:"acl"`
}

// CreateBucket is the tool s3_create_bucket. It creates a bucket in the region of the call, with a single request.
//
// New buckets are private: S3 encrypts what is in them, blocks public access and ignores ACLs, all without being asked.
// The tool changes none of that, which would need more requests and permissions; so the only ACL that it takes is
// private, and it refuses public ones. A bucket that the account has already is left as it is, and created says false.
func CreateBucket(ctx context.Context, call *plugin.Call, in CreateBucketInput) error {
	if err := in.check(); err != nil {
		return err
	}
	a, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	made, err := createBucket(ctx, a, in.Bucket)
	if err != nil {
		return err
	}
	facts := map[string]any{
		"bucket_name": in.Bucket, "region": result.OrNull(made.region), "acl": "private", "location": made.location,
		"s3_uri": "s3://" + in.Bucket + "/", "created": !made.existed,
	}
	if made.existed {
		facts["acl"] = nil // nobody has looked
	}
	if err := call.JSON(facts); err != nil {
		return err
	}
	if err := call.Text(made.text(in.Bucket)); err != nil {
		return err
	}
	return result.Outputs(facts).Send(call)
}

func (in CreateBucketInput) check() error {
	var wrong param.Problems
	wrong.Add("bucket_name", checkNewBucket(in.Bucket))
	wrong.Add("acl", checkACL(in.ACL))
	return wrong.Err("s3_create_bucket")
}

func checkACL(acl string) error {
	switch acl = strings.ToLower(strings.TrimSpace(acl)); acl {
	case "", "private":
		return nil
	case "public-read", "public-read-write", "authenticated-read":
		return fmt.Errorf("is %s, which would open the bucket to everybody: S3 refuses public ACLs for new buckets, and so does this tool. Leave it "+
			"blank, and share single objects with presigned URLs or the bucket with a bucket policy", acl)
	default:
		return fmt.Errorf("is %q: ACLs other than private do not work on new buckets. Leave it blank, and give others access with a bucket policy", param.Clip(acl))
	}
}

var (
	newBucket = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	// reserved are beginnings and ends that S3 keeps for itself.
	reservedStarts = []string{"xn--", "sthree-", "amzn-s3-demo-"}
	reservedEnds   = []string{"-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"}
)

// checkNewBucket holds a name to "General purpose bucket naming rules" in the Amazon S3 User Guide.
func checkNewBucket(name string) error {
	switch {
	case name == "":
		return errors.New("is missing")
	case !newBucket.MatchString(name):
		return fmt.Errorf("is %q, which cannot be the name of a bucket: use 3 to 63 lower-case letters, digits and hyphens, with a letter or digit at either end", param.Clip(name))
	case strings.Contains(name, ".."):
		return fmt.Errorf("is %q, in which two dots are next to each other", name)
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return fmt.Errorf("is %q, which is an IP address", name)
	}
	for _, start := range reservedStarts {
		if strings.HasPrefix(name, start) {
			return fmt.Errorf("is %q, and S3 keeps names that begin with %s for itself", name, start)
		}
	}
	for _, end := range reservedEnds {
		if strings.HasSuffix(name, end) {
			return fmt.Errorf("is %q, and S3 keeps names that end with %s for itself", name, end)
		}
	}
	return nil
}

// created is a bucket that is there now. The region of one that was there before may be unknown.
type created struct {
	region, location string
	existed          bool
}

func createBucket(ctx context.Context, a *account.Account, name string) (created, error) {
	made := created{region: a.Region(), location: "/" + name}
	in := &awss3.CreateBucketInput{Bucket: aws.String(name)}
	if made.region != "us-east-1" { // which has no name as a location
		in.CreateBucketConfiguration = &types.CreateBucketConfiguration{LocationConstraint: types.BucketLocationConstraint(made.region)}
	}
	out, err := newClient(a, made.region).CreateBucket(ctx, in)
	if account.Code(err) == "BucketAlreadyOwnedByYou" {
		made.existed, made.region = true, rightRegion(err)
		return made, nil
	}
	if err != nil {
		return created{}, account.Error(err, createOperation(a, name))
	}
	if location := aws.ToString(out.Location); location != "" {
		made.location = location
	}
	return made, nil
}

func createOperation(a *account.Account, name string) account.Operation {
	known := faults()
	known["BucketAlreadyExists"] = account.Fault{
		Kind: plugin.BadRequest, Text: "the name is taken, by another account: names of buckets are unique in all of AWS; choose another",
	}
	known["TooManyBuckets"] = account.Fault{Kind: plugin.BadRequest, Text: "the account has as many buckets as its quota allows: delete one, or raise the quota"}
	known["OperationAborted"] = account.Fault{Kind: plugin.Unavailable, Text: "a bucket of this name is being created or deleted right now: try again in some minutes"}
	known["IllegalLocationConstraintException"] = account.Fault{
		Kind: plugin.BadRequest, Text: "the region {region} does not let buckets be created from here: check aws_region, and switch the region on in the account settings{said}",
	}
	known["InvalidLocationConstraint"] = known["IllegalLocationConstraintException"]
	return account.Operation{
		Doing: "create the bucket " + name, Service: "S3", Action: "s3:CreateBucket",
		Resource: fmt.Sprintf("arn:%s:s3:::%s", a.Partition(), name), Region: a.Region(), Faults: known,
	}
}

func (c created) text(name string) string {
	if c.existed {
		return fmt.Sprintf("Bucket %s exists already and belongs to this account; it was left as it is.", name)
	}
	return fmt.Sprintf("Bucket %s created in region %s. Location: %s", name, c.region, c.location)
}
