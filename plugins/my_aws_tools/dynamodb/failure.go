package dynamodb

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// String names the table in sentences.
func (t *table) String() string { return fmt.Sprintf("the table %q", t.name) }

// failure says what went wrong with a request to the table, or to one of its indexes.
func (t *table) failure(err error, operation, doing string, index ...string) error {
	resource := t.name
	if !isARN(t.name) {
		resource = fmt.Sprintf("arn:%s:dynamodb:%s:*:table/%s", t.account.Partition(), t.account.Region(), t.name)
	}
	if name := strings.Join(index, ""); name != "" {
		resource += "/index/" + name
	}
	return account.Error(err, account.Operation{
		Doing:    doing + " " + t.String(),
		Service:  "DynamoDB",
		Action:   "dynamodb:" + operation,
		Resource: resource,
		Region:   t.account.Region(),
		Faults:   faults(),
	})
}

// faults are the error codes of DynamoDB that a user can do something about, in addition to those of all services.
func faults() map[string]account.Fault {
	busy := account.Fault{Kind: plugin.RateLimit, Text: "the table or index gets more requests than its capacity allows: try again " +
		"in a moment, or raise its capacity in the DynamoDB console"}
	return map[string]account.Fault{
		"ResourceNotFoundException": {Kind: plugin.BadRequest, Text: "there is no such table in the region {region}, or it is not ready yet: " +
			"check table_name and aws_region"},
		"ValidationException": {Kind: plugin.BadRequest, Text: "{service} does not accept these parameters{said}"},
		"ResourceInUseException": {Kind: plugin.BadRequest, Text: "it exists already, or is being created or deleted; to wait for " +
			"one that is still being created, pass its ARN as table_arn"},
		"ConditionalCheckFailedException": {Kind: plugin.BadRequest, Text: "condition_expression is not met by the item, so nothing was changed"},
		"TransactionConflictException":    {Kind: plugin.RateLimit, Text: "a transaction is changing the same item: try again"},
		"ItemCollectionSizeLimitExceededException": {Kind: plugin.BadRequest, Text: "the items that share this partition key would exceed " +
			"10 GB, which a table with a local secondary index does not allow: delete some, or use another partition key"},
		"LimitExceededException": {Kind: plugin.RateLimit, Text: "the account is creating or changing as many tables as it may at a " +
			"time, or has as many as it may have: try again when those are done, or ask AWS for a higher quota"},
		"ProvisionedThroughputExceededException": busy,
		"RequestLimitExceeded":                   busy,
		"ThrottlingException":                    busy,
	}
}

// writeFailure is failure for a write. One that must not be repeated was not, and may have been carried out all the
// same.
func (t *table) writeFailure(err error, operation, doing string, repeatable bool) error {
	failed := t.failure(err, operation, doing)
	kind := plugin.KindOf(failed)
	if repeatable || kind != plugin.Connection && kind != plugin.Unavailable {
		return failed
	}
	return plugin.Errorf(kind, "%w; the change may have been made all the same, so read the item before you try again", failed)
}

// repeatable reports whether a write leaves and returns the same when it is carried out twice. Counting up does not;
// a condition may not hold any more after the first time; and what was there before is another thing then.
func repeatable(condition, updateExpression *string, asked types.ReturnValue) bool {
	return condition == nil && updateExpression == nil && !strings.HasSuffix(string(asked), "_OLD")
}

// once keeps the client from repeating a write that is not repeatable, unless DynamoDB said that it has not been
// carried out.
func once(repeatable bool) func(*ddb.Options) {
	return func(o *ddb.Options) {
		if !repeatable {
			o.Retryer = onlyRefused{o.Retryer}
		}
	}
}

// onlyRefused repeats requests that DynamoDB refused.
type onlyRefused struct{ aws.Retryer }

// IsErrorRetryable implements [aws.Retryer].
func (r onlyRefused) IsErrorRetryable(err error) bool {
	switch account.Code(err) {
	case "ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException", "TransactionConflictException":
		return r.Retryer.IsErrorRetryable(err)
	default:
		return false
	}
}
