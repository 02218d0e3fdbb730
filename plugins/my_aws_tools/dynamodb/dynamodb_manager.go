// Package dynamodb holds the tool dynamodb_manager: tables of Amazon DynamoDB are created, and their items written,
// read, changed, deleted and listed.
//
// # Items as JSON
//
// Items go in and come out as plain JSON; text, true, null, arrays and objects are what they seem. A number is a JSON
// number where a float64 keeps it exactly, else text, because most readers of JSON would change it. The types that
// JSON lacks are objects that say what they are: {"$binary": "aGVsbG8="} in base64, {"$string_set": ["a", "b"]},
// {"$number_set": [1, 2]} and {"$binary_set": ["aGVsbG8="]}.
//
// # One call, one request
//
// Every operation is one request to DynamoDB, but for create_table, which also asks until the table can be used. A
// scan or a query reads one page; limit counts the items that are read, before filter_expression drops some of them,
// because that is what costs money.
package dynamodb

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// ManageInput is the input of [Manage].
type ManageInput struct {
	account.Input
	Operation string `param:"operation_type"`
	// Table is a name, or the ARN of a table of another account that shares it.
	Table            string `param:"table_name"`
	PartitionKeyName string `param:"partition_key_name"`
	PartitionKey     string `param:"partition_key"`
	SortKeyName      string `param:"sort_key_name"`
	SortKey          string `param:"sort_key"`
	// ItemData is an object, or the text of one.
	ItemData any   `param:"item_data"`
	Limit    int64 `param:"limit"`

	PartitionKeyType string `param:"partition_key_type"`
	SortKeyType      string `param:"sort_key_type"`
	SortKeyCondition string `param:"sort_key_condition"`
	SortKeyEnd       string `param:"sort_key_end"`
	SortDescending   bool   `param:"sort_descending"`

	UpdateExpression     string `param:"update_expression"`
	ConditionExpression  string `param:"condition_expression"`
	FilterExpression     string `param:"filter_expression"`
	ProjectionExpression string `param:"projection_expression"`
	// ExpressionNames and ExpressionValues are objects, or the texts of objects.
	ExpressionNames  any `param:"expression_names"`
	ExpressionValues any `param:"expression_values"`

	IndexName      string `param:"index_name"`
	ConsistentRead bool   `param:"consistent_read"`
	ReturnValues   string `param:"return_values"`
	NextToken      string `param:"next_token"`
	NextTokenInput string `param:"next_token_input"`
	// TableARN is the handle of a table that an earlier call began to create.
	TableARN string `param:"table_arn"`
}

// Manage performs one operation on a DynamoDB table.
//
// It differs from the Python tool of the same name on purpose: a failure, also that of a table which exists already or
// of a write whose condition is not met, fails the node; put_item refuses item_data that contradicts the key; sets
// come as {"$string_set": [...]} instead of plain arrays, so that an item that is written back keeps them; a missing
// item is {"found": false}.
func Manage(ctx context.Context, call *plugin.Call, in ManageInput) error {
	do, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	return do(ctx, &table{
		client: ddb.NewFromConfig(acct.Config(account.DynamoDB)), account: acct, call: call, name: strings.TrimSpace(in.Table),
	})
}

// table is the table of a call.
type table struct {
	client  *ddb.Client
	account *account.Account
	call    *plugin.Call
	name    string // or ARN
}

// step is an operation whose parameters were read and found to be right.
type step func(ctx context.Context, t *table) error

func (t *table) get(ctx context.Context, in *ddb.GetItemInput) error {
	got, err := t.client.GetItem(ctx, in)
	if err != nil {
		return t.failure(err, "GetItem", "read an item of")
	}
	found := got.Item != nil
	if !found {
		return t.send(outputs{Found: &found}, map[string]any{"found": false})
	}
	item := plainItem(got.Item)
	return t.send(outputs{Found: &found, Item: item}, item)
}

func (t *table) put(ctx context.Context, in *ddb.PutItemInput) error {
	safe := repeatable(in.ConditionExpression, nil, in.ReturnValues)
	got, err := t.client.PutItem(ctx, in, once(safe))
	if err != nil {
		return t.writeFailure(err, "PutItem", "put an item into", safe)
	}
	return t.written("Item stored in "+t.String()+".", in.ReturnValues, got.Attributes)
}

func (t *table) delete(ctx context.Context, in *ddb.DeleteItemInput) error {
	safe := repeatable(in.ConditionExpression, nil, in.ReturnValues)
	got, err := t.client.DeleteItem(ctx, in, once(safe))
	if err != nil {
		return t.writeFailure(err, "DeleteItem", "delete an item of", safe)
	}
	// DynamoDB reports success also where there was no such item.
	return t.written("The item is no longer in "+t.String()+".", in.ReturnValues, got.Attributes)
}

func (t *table) update(ctx context.Context, in *ddb.UpdateItemInput, expression *string) error {
	safe := repeatable(in.ConditionExpression, expression, in.ReturnValues)
	got, err := t.client.UpdateItem(ctx, in, once(safe))
	if err != nil {
		return t.writeFailure(err, "UpdateItem", "update an item of", safe)
	}
	return t.written("Item updated in "+t.String()+".", in.ReturnValues, got.Attributes)
}

// written reports a write, with the attributes that were asked for.
func (t *table) written(said string, asked types.ReturnValue, attributes map[string]types.AttributeValue) error {
	if err := t.call.Text(said); err != nil {
		return err
	}
	var out outputs
	if asked == types.ReturnValueAllOld {
		out.Found = aws.Bool(len(attributes) > 0)
	}
	if len(attributes) == 0 {
		return out.send(t.call)
	}
	out.Item = plainItem(attributes)
	return t.send(out, out.Item)
}

func (t *table) scan(ctx context.Context, in *ddb.ScanInput) error {
	got, err := t.client.Scan(ctx, in)
	if err != nil {
		return t.failure(err, "Scan", "scan", aws.ToString(in.IndexName))
	}
	return t.page(got.Items, got.Count, got.ScannedCount, got.LastEvaluatedKey)
}

func (t *table) query(ctx context.Context, in *ddb.QueryInput) error {
	got, err := t.client.Query(ctx, in)
	if err != nil {
		return t.failure(err, "Query", "query", aws.ToString(in.IndexName))
	}
	return t.page(got.Items, got.Count, got.ScannedCount, got.LastEvaluatedKey)
}

// page is the JSON of a scan or a query. The upper-case names are those of DynamoDB, which workflows read.
type page struct {
	Items        []any   `json:"Items"`
	Count        int32   `json:"Count"`
	ScannedCount int32   `json:"ScannedCount"`
	NextToken    *string `json:"next_token"`
}

func (t *table) page(items []map[string]types.AttributeValue, count, scanned int32, lastKey map[string]types.AttributeValue) error {
	p := page{Items: plainList(items, func(item map[string]types.AttributeValue) any { return plainItem(item) }), Count: count, ScannedCount: scanned}
	if len(lastKey) > 0 {
		token, err := pageToken(lastKey)
		if err != nil {
			return plugin.Errorf(plugin.Unavailable, "read a page of %s: %w", t, err)
		}
		p.NextToken = &token
	}
	return t.send(outputs{Items: p.Items, Count: &p.Count, ScannedCount: &p.ScannedCount, NextToken: p.NextToken}, p)
}

// send sends a result as JSON and as outputs.
func (t *table) send(out outputs, asJSON any) error {
	if err := t.call.JSON(asJSON); err != nil {
		return err
	}
	return out.send(t.call)
}

// outputs are the outputs that output_schema declares. What does not apply to an operation is null.
type outputs struct {
	Found               *bool
	Item                map[string]any
	Items               []any
	Count, ScannedCount *int32
	NextToken           *string
	TableStatus         *string
	TableARN            *string
}

func (o outputs) send(call *plugin.Call) error {
	for _, variable := range []struct {
		name  string
		value any
	}{
		{"found", o.Found},
		{"item", o.Item},
		{"items", o.Items},
		{"count", o.Count},
		{"scanned_count", o.ScannedCount},
		{"next_token", o.NextToken},
		{"table_status", o.TableStatus},
		{"table_arn", o.TableARN},
	} {
		if err := call.Variable(variable.name, variable.value); err != nil {
			return err
		}
	}
	return nil
}
