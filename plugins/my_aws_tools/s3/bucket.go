package s3

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// bucket is a bucket as one call sees it. Its methods may be called from several goroutines.
type bucket struct {
	account *account.Account
	name    string
	payer   types.RequestPayer

	key regionKey

	mu      sync.Mutex
	current string // region
}

// openBucket sends nothing, unless a role has to be assumed.
func openBucket(ctx context.Context, a *account.Account, name string, requesterPays bool) *bucket {
	b := &bucket{account: a, name: name, current: a.Region()}
	if requesterPays {
		b.payer = types.RequestPayerRequester
	}
	keys, err := a.Config(account.S3).Credentials.Retrieve(ctx)
	if err != nil {
		return b // the first request says it better
	}
	regions := theProcess().regions
	b.key = regions.key(keys.AccessKeyID, keys.SecretAccessKey, keys.SessionToken, a.Region(), a.Endpoint(account.S3), name)
	if known := regions.get(b.key); known != "" {
		b.current = known
	}
	return b
}

// region is where the bucket is, as far as that is known.
func (b *bucket) region() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current
}

func (b *bucket) moveTo(region string) {
	b.mu.Lock()
	b.current = region
	b.mu.Unlock()
	if b.key != (regionKey{}) {
		theProcess().regions.put(b.key, region)
	}
}

// newClient makes a client for one region. Stores other than AWS's own often know neither bucket hosts nor checksums
// behind a body.
func newClient(a *account.Account, region string) *awss3.Client {
	cfg := a.Config(account.S3)
	cfg.Region = region
	return awss3.NewFromConfig(cfg, func(o *awss3.Options) {
		o.UsePathStyle = a.PathStyle()
		o.UseARNRegion = true
		// What is read is compared with its checksum by body, also when it came in several pieces.
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
		if a.PathStyle() {
			o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		}
	})
}

// inBucket sends a request to a bucket, in the region where the bucket is. When S3 answers that this is another one, the
// request is sent there, once.
func inBucket[T any](b *bucket, op account.Operation, send func(client *awss3.Client) (T, error)) (T, error) {
	op.Region = b.region()
	result, err := send(newClient(b.account, op.Region))
	right := rightRegion(err)
	if right == "" || right == op.Region {
		return result, account.Error(err, op)
	}
	op.Region = right
	if result, err = send(newClient(b.account, right)); err == nil {
		b.moveTo(right)
	}
	return result, account.Error(err, op)
}

// expected is how S3 names the right region when the signature was for a wrong one.
var expected = regexp.MustCompile(`expecting '([a-z0-9-]+)'`)

// rightRegion is the region that a refusal names, or "". The answer to a request that went to a wrong region says it in
// a header or, to some regions' hosts, in its text only.
func rightRegion(err error) string {
	var answer *smithyhttp.ResponseError
	if !errors.As(err, &answer) || answer.Response == nil || answer.Response.Response == nil {
		return ""
	}
	named := answer.Response.Header.Get("X-Amz-Bucket-Region")
	var refusal smithy.APIError
	if named == "" && answer.HTTPStatusCode() == http.StatusBadRequest && errors.As(err, &refusal) {
		if match := expected.FindStringSubmatch(refusal.ErrorMessage()); match != nil {
			named = match[1]
		}
	}
	if !account.ValidRegion(named) {
		return ""
	}
	return named
}
