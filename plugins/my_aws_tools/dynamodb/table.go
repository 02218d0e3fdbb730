package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

const (
	// firstPoll is how long after its creation a table is asked for first; longestPoll bounds the waits after that,
	// which grow by half.
	firstPoll   = 500 * time.Millisecond
	longestPoll = 5 * time.Second
)

// create creates the table and waits until it can be used.
func (t *table) create(ctx context.Context, in *ddb.CreateTableInput) error {
	got, err := t.client.CreateTable(ctx, in)
	if err != nil {
		return t.failure(err, "CreateTable", "create")
	}
	if got.TableDescription == nil {
		return plugin.Errorf(plugin.Unavailable, "could not create %s: DynamoDB answered without a description of it; look at it in the DynamoDB console", t)
	}
	return t.await(ctx, got.TableDescription, aws.ToString(in.TableName), true)
}

// resume waits for a table that an earlier call began to create.
func (t *table) resume(ctx context.Context, arn string) error {
	asked := arn // which is of one region, where a table of another region may have the same name
	if t.account.Endpoint(account.DynamoDB) != "" {
		asked = t.name // stores that only resemble DynamoDB may know no ARNs in requests
	}
	return t.await(ctx, &types.TableDescription{TableArn: &arn, TableStatus: types.TableStatusCreating}, asked, false)
}

// await waits until a table can be used, at most as long as the context lasts. It is asked for under a name or an ARN.
// DynamoDB does not know a new table everywhere at once.
func (t *table) await(ctx context.Context, described *types.TableDescription, asked string, isNew bool) error {
	arn := aws.ToString(described.TableArn)
	began := time.Now()
	for wait := firstPoll; ; wait = min(wait*3/2, longestPoll) {
		switch status := described.TableStatus; status {
		case types.TableStatusActive:
			return t.created(described)
		case types.TableStatusCreating, types.TableStatusUpdating:
		default:
			return plugin.Errorf(plugin.BadRequest, "could not create %s: its status is %s now; look at it in the DynamoDB console", t, status)
		}
		t.call.Progress(ctx, fmt.Sprintf("%s is %s", t, described.TableStatus), int64(time.Since(began).Seconds()), 0)
		if err := pause(ctx, wait); err != nil {
			return t.unfinished(err, arn)
		}
		got, err := t.describe(ctx, asked)
		var missing *types.ResourceNotFoundException
		switch {
		case ctx.Err() != nil:
			return t.unfinished(context.Cause(ctx), arn)
		case errors.As(err, &missing) && isNew:
		case err != nil:
			return t.unseen(err, arn)
		default:
			described = got
		}
	}
}

func (t *table) describe(ctx context.Context, name string) (*types.TableDescription, error) {
	got, err := t.client.DescribeTable(ctx, &ddb.DescribeTableInput{TableName: &name})
	if err != nil {
		return nil, err
	}
	if got.Table == nil {
		return nil, errors.New("DynamoDB answered without a description of the table")
	}
	return got.Table, nil
}

// pause waits, or returns why the context ended before.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// unfinished is the error of a wait that took too long. The table goes on being created.
func (t *table) unfinished(cause error, arn string) error {
	return plugin.Errorf(plugin.Unavailable, "%s is still being created (%w): to go on waiting, run create_table again with table_arn %s", t, cause, arn)
}

// unseen is the error of a wait during which the table could not be asked for.
func (t *table) unseen(err error, arn string) error {
	failed := t.failure(err, "DescribeTable", "look at")
	return plugin.Errorf(plugin.KindOf(failed), "%w; the table is being created: to wait for it, run create_table again with table_arn %s", failed, arn)
}

func (t *table) created(described *types.TableDescription) error {
	status := string(described.TableStatus)
	if err := t.call.Text(fmt.Sprintf("Table %q was created and is %s.", t.name, status)); err != nil {
		return err
	}
	return outputs{TableStatus: &status, TableARN: described.TableArn}.send(t.call)
}
