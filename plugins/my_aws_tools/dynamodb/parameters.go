package dynamodb

import (
	"context"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudplugins/difyplugin/plugin"
)

// read turns the parameters into a step, or names everything that is wrong with them.
func (in ManageInput) read() (step, error) {
	r := &reader{in: in}
	r.checkTable()
	r.refuseMisplaced()
	do := r.step()
	if err := r.err(); err != nil {
		return nil, err
	}
	return do, nil
}

// reader reads the parameters of one call and gathers what is wrong with them.
type reader struct {
	in     ManageInput
	faults []string
}

// faultf notes what is wrong with a parameter.
func (r *reader) faultf(parameter, format string, args ...any) {
	r.faults = append(r.faults, parameter+" "+strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", ", "))
}

func (r *reader) err() error {
	switch len(r.faults) {
	case 0:
		return nil
	case 1:
		return plugin.Errorf(plugin.BadRequest, "dynamodb_manager was not run: %s", r.faults[0])
	default:
		return plugin.Errorf(plugin.BadRequest, "dynamodb_manager was not run, %d parameters are wrong: %s", len(r.faults), strings.Join(r.faults, "; "))
	}
}

func (r *reader) step() step {
	switch r.in.Operation {
	case "create_table":
		return r.createTable()
	case "put_item":
		return r.putItem()
	case "get_item":
		return r.getItem()
	case "delete_item":
		return r.deleteItem()
	case "update_item":
		return r.updateItem()
	case "scan":
		return r.scan()
	case "query":
		return r.query()
	}
	r.faultf("operation_type", "is %s, which is no operation of this tool", quote(r.in.Operation))
	return nil
}

var (
	resourceName = regexp.MustCompile(`^[A-Za-z0-9_.-]{3,255}$`)
	tableARN     = regexp.MustCompile(`^arn:[a-z0-9-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/([A-Za-z0-9_.-]{3,255})$`)
)

func isARN(table string) bool { return tableARN.MatchString(table) }

func (r *reader) checkTable() {
	name := *r.table()
	if !resourceName.MatchString(name) && !isARN(name) {
		r.faultf("table_name", "is %s: write the name of a table, 3 to 255 letters, digits, dots, dashes and underscores, or its ARN", quote(name))
	}
}

func (r *reader) table() *string { return aws.String(strings.TrimSpace(r.in.Table)) }

// refuseMisplaced refuses parameters that the operation would not heed and that say what it is to be done to: without
// its condition, a write would do more than it was asked to.
func (r *reader) refuseMisplaced() {
	for _, p := range []struct {
		name, value string
		operations  []string
	}{
		{"update_expression", r.in.UpdateExpression, []string{"update_item"}},
		{"condition_expression", r.in.ConditionExpression, []string{"put_item", "delete_item", "update_item"}},
		{"filter_expression", r.in.FilterExpression, []string{"scan", "query"}},
		{"projection_expression", r.in.ProjectionExpression, []string{"get_item", "scan", "query"}},
		{"index_name", r.in.IndexName, []string{"scan", "query"}},
	} {
		if p.value != "" && !slices.Contains(p.operations, r.in.Operation) {
			r.faultf(p.name, "is only for %s, clear it for %s", strings.Join(p.operations, ", "), r.in.Operation)
		}
	}
}

func (r *reader) createTable() step {
	if arn := strings.TrimSpace(r.in.TableARN); arn != "" {
		r.checkHandle(arn)
		return func(ctx context.Context, t *table) error { return t.resume(ctx, arn) }
	}
	in := &ddb.CreateTableInput{TableName: r.table(), BillingMode: types.BillingModePayPerRequest}
	for _, part := range r.keyParts() {
		if part.name == "" {
			if part.required {
				r.faultf(part.nameParameter(), "is required for create_table")
			}
			continue
		}
		in.KeySchema = append(in.KeySchema, types.KeySchemaElement{AttributeName: aws.String(part.name), KeyType: part.role})
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{AttributeName: aws.String(part.name), AttributeType: part.kind})
	}
	if r.in.PartitionKeyName != "" && r.in.PartitionKeyName == r.in.SortKeyName {
		r.faultf("sort_key_name", "is that of the partition key too: the two keys are different attributes")
	}
	return func(ctx context.Context, t *table) error { return t.create(ctx, in) }
}

// checkHandle demands that the ARN of an unfinished table is that of table_name.
func (r *reader) checkHandle(arn string) {
	named := tableARN.FindStringSubmatch(arn)
	table := *r.table()
	switch {
	case named == nil:
		r.faultf("table_arn", "is %s, which is not the ARN of a table: pass on the one in the error of the earlier call", quote(arn))
	case table != named[1] && table != arn:
		r.faultf("table_arn", "is that of the table %q, but table_name is %q", named[1], table)
	}
}

func (r *reader) putItem() step {
	in := &ddb.PutItemInput{TableName: r.table(), Item: r.item(), ReturnValues: r.returnValues(types.ReturnValueNone, types.ReturnValueNone, types.ReturnValueAllOld)}
	in.ConditionExpression = expression(r.in.ConditionExpression)
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = r.placeholders(in.ConditionExpression).maps()
	return func(ctx context.Context, t *table) error { return t.put(ctx, in) }
}

func (r *reader) getItem() step {
	in := &ddb.GetItemInput{TableName: r.table(), Key: r.key(), ConsistentRead: r.consistentRead()}
	in.ProjectionExpression = expression(r.in.ProjectionExpression)
	in.ExpressionAttributeNames, _ = r.placeholders(in.ProjectionExpression).maps()
	return func(ctx context.Context, t *table) error { return t.get(ctx, in) }
}

func (r *reader) deleteItem() step {
	in := &ddb.DeleteItemInput{TableName: r.table(), Key: r.key(), ReturnValues: r.returnValues(types.ReturnValueNone, types.ReturnValueNone, types.ReturnValueAllOld)}
	in.ConditionExpression = expression(r.in.ConditionExpression)
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = r.placeholders(in.ConditionExpression).maps()
	return func(ctx context.Context, t *table) error { return t.delete(ctx, in) }
}

func (r *reader) updateItem() step {
	in := &ddb.UpdateItemInput{
		TableName: r.table(), Key: r.key(),
		ConditionExpression: expression(r.in.ConditionExpression), UpdateExpression: expression(r.in.UpdateExpression),
		ReturnValues: r.returnValues(types.ReturnValueAllNew, types.ReturnValue("").Values()...),
	}
	p := r.placeholders(in.ConditionExpression, in.UpdateExpression)
	own := in.UpdateExpression
	switch {
	case own == nil && r.in.ItemData == nil:
		r.faultf("item_data", "is required for update_item: give the attributes to set as a JSON object, or an update_expression")
	case own != nil && r.in.ItemData != nil:
		r.faultf("item_data", "and update_expression exclude each other: use one of the two")
	case own == nil:
		in.UpdateExpression = r.assignments(p, in.Key)
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = p.maps()
	return func(ctx context.Context, t *table) error { return t.update(ctx, in, own) }
}

func (r *reader) scan() step {
	in := &ddb.ScanInput{
		TableName: r.table(), IndexName: r.index(), Limit: r.limit(), ExclusiveStartKey: r.startKey(), ConsistentRead: r.consistentRead(),
		FilterExpression: expression(r.in.FilterExpression), ProjectionExpression: expression(r.in.ProjectionExpression),
	}
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = r.placeholders(in.FilterExpression, in.ProjectionExpression).maps()
	return func(ctx context.Context, t *table) error { return t.scan(ctx, in) }
}

func (r *reader) query() step {
	in := &ddb.QueryInput{
		TableName: r.table(), IndexName: r.index(), Limit: r.limit(), ExclusiveStartKey: r.startKey(), ConsistentRead: r.consistentRead(),
		FilterExpression: expression(r.in.FilterExpression), ProjectionExpression: expression(r.in.ProjectionExpression),
	}
	if r.in.SortDescending {
		in.ScanIndexForward = aws.Bool(false)
	}
	p := r.placeholders(in.FilterExpression, in.ProjectionExpression)
	in.KeyConditionExpression = r.keyCondition(p)
	in.ExpressionAttributeNames, in.ExpressionAttributeValues = p.maps()
	return func(ctx context.Context, t *table) error { return t.query(ctx, in) }
}

func (r *reader) index() *string {
	name := strings.TrimSpace(r.in.IndexName)
	if name == "" {
		return nil
	}
	if !resourceName.MatchString(name) {
		r.faultf("index_name", "is %s: the name of an index has 3 to 255 letters, digits, dots, dashes and underscores", quote(name))
	}
	return &name
}

func (r *reader) limit() *int32 {
	if r.in.Limit < 1 || r.in.Limit > math.MaxInt32 {
		r.faultf("limit", "must be from 1 to %d, it is %d", math.MaxInt32, r.in.Limit)
		return nil
	}
	return aws.Int32(int32(r.in.Limit))
}

func (r *reader) consistentRead() *bool {
	if !r.in.ConsistentRead {
		return nil
	}
	return aws.Bool(true)
}

func (r *reader) returnValues(preset types.ReturnValue, allowed ...types.ReturnValue) types.ReturnValue {
	chosen := types.ReturnValue(r.in.ReturnValues)
	switch {
	case chosen == "" && preset == types.ReturnValueNone:
		return "" // as DynamoDB's own preset, not sent
	case chosen == "":
		return preset
	case !slices.Contains(allowed, chosen):
		r.faultf("return_values", "must be NONE or ALL_OLD for %s, it is %s", r.in.Operation, chosen)
	}
	return chosen
}

// startKey is where an earlier page ended. The token that an agent passes on wins over the one in the form.
func (r *reader) startKey() map[string]types.AttributeValue {
	for _, token := range []struct{ parameter, text string }{
		{"next_token_input", r.in.NextTokenInput},
		{"next_token", r.in.NextToken},
	} {
		if token.text == "" {
			continue
		}
		key, err := keyOfToken(token.text)
		if err != nil {
			r.faultf(token.parameter, "%v", err)
		}
		return key
	}
	return nil
}

// assignments is an update expression that sets each attribute of item_data.
func (r *reader) assignments(p *placeholders, key map[string]types.AttributeValue) *string {
	attributes := r.attributes("item_data", r.in.ItemData)
	for _, part := range r.keyParts() {
		if held, isHeld := attributes[part.name]; isHeld && key[part.name] != nil {
			r.checkAgreement(part, held)
			delete(attributes, part.name)
		}
	}
	if len(attributes) == 0 {
		r.faultf("item_data", "holds nothing to set besides the key")
		return nil
	}
	var sets []string
	for i, name := range slices.Sorted(maps.Keys(attributes)) {
		placeholder := fmt.Sprintf("item_data_%d", i+1)
		sets = append(sets, p.name(placeholder, name)+" = "+p.value(placeholder, attributes[name]))
	}
	return aws.String("SET " + strings.Join(sets, ", "))
}
