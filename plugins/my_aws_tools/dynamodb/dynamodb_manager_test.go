package dynamodb_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdkaws "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	ddb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/dynamodb"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/dynamodb"
	"github.com/google/go-cmp/cmp"
)

const tool = "dynamodb_manager"

// ordersARN is the table that most tests work on. Its partition key is id, a text.
const ordersARN = "arn:aws:dynamodb:us-east-1:" + toolstest.AccountID + ":table/orders"

// params are the parameters of a call.
type params = map[string]any

// cloud is a DynamoDB with the tool that is connected to it.
type cloud struct {
	*toolstest.AWS
	tools   *toolstest.Tools
	service *standin.Service
}

// newCloud has two tables: orders, and readings with the partition key device and the sort key at, a number.
func newCloud(t *testing.T) cloud {
	t.Helper()
	c := cloud{AWS: toolstest.Start(t), service: standin.New()}
	c.Register("dynamodb", c.service)
	c.tools = c.Run(t, plugin.Tool(tool, dynamodb.Manage))
	c.table(t, "orders", "id", "S")
	c.table(t, "readings", "device", "S", "at", "N")
	c.Forget()
	return c
}

func (c cloud) run(t *testing.T, p params) host.Result {
	t.Helper()
	return c.tools.Succeed(t, tool, p)
}

func (c cloud) fail(t *testing.T, p params) *host.PluginError {
	t.Helper()
	return c.tools.Fail(t, tool, p)
}

// onOrder is an operation on an item of orders.
func onOrder(operation, id string, more params) params {
	p := params{"operation_type": operation, "table_name": "orders", "partition_key_name": "id", "partition_key": id}
	maps.Copy(p, more)
	return p
}

// put puts an order, written as JSON without its key.
func (c cloud) put(t *testing.T, id, data string) {
	t.Helper()
	c.run(t, onOrder("put_item", id, params{"item_data": data}))
}

// stored is what DynamoDB holds in orders, in its own JSON.
func (c cloud) stored(t *testing.T) any {
	t.Helper()
	items, err := c.service.Items(ordersARN)
	if err != nil {
		t.Fatal(err)
	}
	return plainJSON(t, items)
}

// client is another client of the same DynamoDB.
func (c cloud) client(t *testing.T) *ddb.Client {
	t.Helper()
	transport := c.Box.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return ddb.New(ddb.Options{
		Region: "us-east-1", HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider(toolstest.AccessKeyID, toolstest.SecretAccessKey, ""),
	})
}

// table creates a table without the tool, of the names and types of one or two keys.
func (c cloud) table(t *testing.T, name string, keys ...string) {
	t.Helper()
	schema := []types.KeySchemaElement{{AttributeName: sdkaws.String(keys[0]), KeyType: types.KeyTypeHash}}
	if len(keys) > 2 {
		schema = append(schema, types.KeySchemaElement{AttributeName: sdkaws.String(keys[2]), KeyType: types.KeyTypeRange})
	}
	_, err := c.client(t).CreateTable(t.Context(), &ddb.CreateTableInput{
		TableName: sdkaws.String(name), BillingMode: types.BillingModePayPerRequest, KeySchema: schema, AttributeDefinitions: definitions(keys...),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// plainJSON is a value as it looks in JSON.
func plainJSON(t *testing.T, value any) any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, string(raw))
}

func parse(t *testing.T, text string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return value
}

// same fails the test unless a value is this JSON.
func same(t *testing.T, about, want string, got any) {
	t.Helper()
	if diff := cmp.Diff(parse(t, want), plainJSON(t, got)); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", about, diff)
	}
}

// returned fails the test unless a call returned this text, this JSON ("" for none) and these outputs besides nulls.
func returned(t *testing.T, got host.Result, text, asJSON, variables string) {
	t.Helper()
	if got.Text != text {
		t.Errorf("text: %q, want %q", got.Text, text)
	}
	want := "[]"
	if asJSON != "" {
		want = "[" + asJSON + "]"
	}
	same(t, "JSON", want, append([]json.RawMessage{}, got.JSON...))
	maps.DeleteFunc(got.Variables, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
	same(t, "outputs", variables, got.Variables)
}

// sent fails the test unless exactly these requests were made since the last look, each as operation and body.
func (c cloud) sent(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	for _, call := range c.Calls() {
		body, err := json.Marshal(call.JSON())
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, call.Operation+" "+string(body))
	}
	c.Forget()
	for i, request := range want {
		operation, body, _ := strings.Cut(request, " ")
		normal, err := json.Marshal(parse(t, body))
		if err != nil {
			t.Fatal(err)
		}
		want[i] = operation + " " + string(normal)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests: want (-), got (+):\n%s", diff)
	}
}

func TestATableIsCreatedWithItsKeysAndPaidByRequest(t *testing.T) {
	c := newCloud(t)
	got := c.run(t, params{
		"operation_type": "create_table", "table_name": " visits ", "partition_key_name": "user", "partition_key_type": "N",
		"sort_key_name": "page", "sort_key_type": "B",
	})
	arn := "arn:aws:dynamodb:us-east-1:123456789012:table/visits"
	returned(t, got, `Table "visits" was created and is ACTIVE.`, "", `{"table_status":"ACTIVE","table_arn":"`+arn+`"}`)
	c.sent(t, `CreateTable {"TableName":"visits","BillingMode":"PAY_PER_REQUEST",
		"KeySchema":[{"AttributeName":"user","KeyType":"HASH"},{"AttributeName":"page","KeyType":"RANGE"}],
		"AttributeDefinitions":[{"AttributeName":"user","AttributeType":"N"},{"AttributeName":"page","AttributeType":"B"}]}`,
		`DescribeTable {"TableName":"visits"}`)
}

func TestAnItemIsPutReadAndDeleted(t *testing.T) {
	c := newCloud(t)
	got := c.run(t, onOrder("put_item", "a/1", params{"item_data": `{"amount": 12.50, "positions": [{"sku": "x", "n": 2}], "gift": null, "paid": true}`}))
	returned(t, got, `Item stored in the table "orders".`, "", `{}`)
	c.sent(t, `PutItem {"TableName":"orders","Item":{"id":{"S":"a/1"},"amount":{"N":"12.50"},"gift":{"NULL":true},"paid":{"BOOL":true},
		"positions":{"L":[{"M":{"sku":{"S":"x"},"n":{"N":"2"}}}]}}}`)

	got = c.run(t, onOrder("get_item", "a/1", params{"consistent_read": true, "projection_expression": "id,#a,positions[0].sku", "expression_names": `{"#a":"amount"}`}))
	returned(t, got, "", `{"id":"a/1","amount":12.5,"positions":[{"sku":"x"}]}`, `{"found":true,"item":{"id":"a/1","amount":12.5,"positions":[{"sku":"x"}]}}`)
	c.sent(t, `GetItem {"TableName":"orders","Key":{"id":{"S":"a/1"}},"ConsistentRead":true,"ProjectionExpression":"id,#a,positions[0].sku","ExpressionAttributeNames":{"#a":"amount"}}`)

	got = c.run(t, onOrder("delete_item", "a/1", nil))
	returned(t, got, `The item is no longer in the table "orders".`, "", `{}`)
	c.sent(t, `DeleteItem {"TableName":"orders","Key":{"id":{"S":"a/1"}}}`)
	same(t, "stored", `null`, c.stored(t))
}

func TestAnItemThatHasNoneOfTheAskedAttributesIsFoundAllTheSame(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{}`)
	got := c.run(t, onOrder("get_item", "a", params{"projection_expression": "amount"}))
	returned(t, got, "", `{}`, `{"found":true,"item":{}}`)
}

func TestTheMessageThatWasFirstStaysFirst(t *testing.T) {
	c := newCloud(t)
	for _, call := range []struct {
		p     params
		first string
	}{
		{onOrder("put_item", "a", params{"item_data": `{}`, "return_values": "ALL_OLD"}), "text"},
		{onOrder("update_item", "a", params{"item_data": `{"n":1}`}), "text"},
		{onOrder("get_item", "a", nil), "json"},
		{params{"operation_type": "scan", "table_name": "orders"}, "json"},
		{onOrder("query", "a", nil), "json"},
		{onOrder("delete_item", "a", params{"return_values": "ALL_OLD"}), "text"},
		{onOrder("create_table", "", params{"table_name": "more"}), "text"},
	} {
		if got := c.run(t, call.p).Messages[0].Type; got != call.first {
			t.Errorf("%s sends %s first, want %s", call.p["operation_type"], got, call.first)
		}
	}
}

func TestWritesReturnTheItemAsItWasWhereAsked(t *testing.T) {
	c := newCloud(t)
	old := params{"return_values": "ALL_OLD", "item_data": `{"n":1}`}
	returned(t, c.run(t, onOrder("put_item", "a", old)), `Item stored in the table "orders".`, "", `{"found":false}`)
	returned(t, c.run(t, onOrder("put_item", "a", old)), `Item stored in the table "orders".`, `{"id":"a","n":1}`, `{"found":true,"item":{"id":"a","n":1}}`)
	returned(t, c.run(t, onOrder("delete_item", "a", old)), `The item is no longer in the table "orders".`, `{"id":"a","n":1}`, `{"found":true,"item":{"id":"a","n":1}}`)
	returned(t, c.run(t, onOrder("delete_item", "a", old)), `The item is no longer in the table "orders".`, "", `{"found":false}`)
	c.Forget()
	c.run(t, onOrder("put_item", "a", params{"return_values": "NONE", "item_data": "{}"}))
	c.sent(t, `PutItem {"TableName":"orders","Item":{"id":{"S":"a"}},"ReturnValues":"NONE"}`)
}

func TestAnItemIsUpdatedByItsAttributes(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{"name":"Ada","n":1,"kept":true}`)
	c.Forget()
	got := c.run(t, onOrder("update_item", "a", params{"item_data": params{"name": "Bea", "n": 2, "id": "a"}}))
	item := `{"id":"a","name":"Bea","n":2,"kept":true}`
	returned(t, got, `Item updated in the table "orders".`, item, `{"item":`+item+`}`)
	c.sent(t, `UpdateItem {"TableName":"orders","Key":{"id":{"S":"a"}},"ReturnValues":"ALL_NEW",
		"UpdateExpression":"SET #item_data_1 = :item_data_1, #item_data_2 = :item_data_2",
		"ExpressionAttributeNames":{"#item_data_1":"n","#item_data_2":"name"},
		"ExpressionAttributeValues":{":item_data_1":{"N":"2"},":item_data_2":{"S":"Bea"}}}`)
}

func TestAnItemIsUpdatedByAnExpression(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{"n":1,"draft":true,"tags":{"$string_set":["x","y"]},"entries":["made"]}`)
	c.Forget()
	expression := "SET n = n + :one, entries = list_append(entries, :entry), #s = if_not_exists(#s, :new) REMOVE draft ADD tags :z DELETE marks :z"
	got := c.run(t, onOrder("update_item", "a", params{
		"update_expression": expression, "expression_names": params{"#s": "status"}, "condition_expression": "n < :ten",
		"expression_values": `{":one":1,":ten":10,":entry":["sent"],":new":"open",":z":{"$string_set":["z"]}}`,
	}))
	item := `{"id":"a","n":2,"entries":["made","sent"],"status":"open","tags":{"$string_set":["x","y","z"]}}`
	returned(t, got, `Item updated in the table "orders".`, item, `{"item":`+item+`}`)
	c.sent(t, `UpdateItem {"TableName":"orders","Key":{"id":{"S":"a"}},"ReturnValues":"ALL_NEW","UpdateExpression":"`+expression+`",
		"ConditionExpression":"n < :ten","ExpressionAttributeNames":{"#s":"status"},
		"ExpressionAttributeValues":{":one":{"N":"1"},":ten":{"N":"10"},":entry":{"L":[{"S":"sent"}]},":new":{"S":"open"},":z":{"SS":["z"]}}}`)
	for asked, want := range map[string]string{
		"NONE": `{}`, "ALL_OLD": `{"found":true,"item":` + item + `}`, "UPDATED_NEW": `{"item":{"n":2}}`, "UPDATED_OLD": `{"item":{"n":2}}`,
	} {
		got := c.run(t, onOrder("update_item", "a", params{"item_data": `{"n":2}`, "return_values": asked}))
		maps.DeleteFunc(got.Variables, func(_ string, value json.RawMessage) bool { return string(value) == "null" })
		same(t, asked, want, got.Variables)
	}
}

func TestAConditionThatIsNotMetFailsTheNodeAndChangesNothing(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{"n":1}`)
	before := c.stored(t)
	for _, p := range []params{
		onOrder("put_item", "a", params{"item_data": "{}", "condition_expression": "attribute_not_exists(id)"}),
		onOrder("delete_item", "a", params{"condition_expression": "n > :n", "expression_values": `{":n":5}`}),
		onOrder("update_item", "a", params{"item_data": `{"n":9}`, "condition_expression": "#n > :n", "expression_names": `{"#n":"n"}`, "expression_values": `{":n":5}`}),
	} {
		failed := c.fail(t, p)
		if failed.Type != string(plugin.BadRequest) || !strings.Contains(failed.Message, "condition_expression is not met by the item, so nothing was changed") {
			t.Errorf("%s: %v", p["operation_type"], failed)
		}
	}
	if diff := cmp.Diff(before, c.stored(t)); diff != "" {
		t.Errorf("the item changed:\n%s", diff)
	}
}

// readings fills the table readings with seven of one device and one of another.
func (c cloud) readings(t *testing.T) {
	t.Helper()
	for at := range 7 {
		c.run(t, params{
			"operation_type": "put_item", "table_name": "readings", "partition_key_name": "device", "partition_key": "d1",
			"item_data": fmt.Sprintf(`{"at":%d,"even":%t}`, at*10, at%2 == 0),
		})
	}
	c.run(t, params{"operation_type": "put_item", "table_name": "readings", "item_data": `{"device":"d2","at":5,"even":false}`})
	c.Forget()
}

// times are the values of the attribute at in the items of an answer.
func times(t *testing.T, got host.Result) []float64 {
	t.Helper()
	var page struct{ Items []struct{ At float64 } }
	if err := json.Unmarshal(got.JSON[0], &page); err != nil {
		t.Fatal(err)
	}
	var list []float64
	for _, one := range page.Items {
		list = append(list, one.At)
	}
	return list
}

func TestAQueryReadsTheItemsOfAPartitionThatFit(t *testing.T) {
	c := newCloud(t)
	c.readings(t)
	for name, q := range map[string]struct {
		more params
		want []float64
	}{
		"all of them":               {nil, []float64{0, 10, 20, 30, 40, 50, 60}},
		"the latest first":          {params{"sort_descending": true, "limit": 2}, []float64{60, 50}},
		"one":                       {params{"sort_key": "30"}, []float64{30}},
		"one, said so":              {params{"sort_key": "30.0", "sort_key_condition": "equal"}, []float64{30}},
		"less":                      {params{"sort_key": "20", "sort_key_condition": "less"}, []float64{0, 10}},
		"less or equal":             {params{"sort_key": "20", "sort_key_condition": "less_or_equal"}, []float64{0, 10, 20}},
		"greater":                   {params{"sort_key": "40", "sort_key_condition": "greater"}, []float64{50, 60}},
		"greater or equal":          {params{"sort_key": "40", "sort_key_condition": "greater_or_equal"}, []float64{40, 50, 60}},
		"between, both included":    {params{"sort_key": "10", "sort_key_condition": "between", "sort_key_end": "30"}, []float64{10, 20, 30}},
		"those that pass a filter":  {params{"filter_expression": "even = :no", "expression_values": `{":no":false}`}, []float64{10, 30, 50}},
		"those of another":          {params{"partition_key": "d2"}, []float64{5}},
		"those of nobody":           {params{"partition_key": "d3"}, nil},
		"a condition without a key": {params{"sort_key_condition": "equal"}, []float64{0, 10, 20, 30, 40, 50, 60}},
	} {
		p := params{"operation_type": "query", "table_name": "readings", "partition_key_name": "device", "partition_key": "d1", "sort_key_name": "at", "sort_key_type": "N"}
		maps.Copy(p, q.more)
		if diff := cmp.Diff(q.want, times(t, c.run(t, p))); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", name, diff)
		}
	}
}

func TestAQueryIsSentFieldByField(t *testing.T) {
	c := newCloud(t)
	c.readings(t)
	got := c.run(t, params{
		"operation_type": "query", "table_name": "readings", "partition_key_name": "device", "partition_key": "d1",
		"sort_key_name": "at", "sort_key": "10", "sort_key_type": "N", "sort_key_condition": "between", "sort_key_end": "90", "sort_descending": "true",
		"filter_expression": "#e = :e", "projection_expression": "#a", "expression_names": `{"#e":"even","#a":"at"}`, "expression_values": `{":e":true}`,
		"consistent_read": "yes", "limit": "4",
	})
	var page struct {
		Token string `json:"next_token"`
	}
	if err := json.Unmarshal(got.JSON[0], &page); err != nil {
		t.Fatal(err)
	}
	asJSON := fmt.Sprintf(`{"Items":[{"at":60},{"at":40}],"Count":2,"ScannedCount":4,"next_token":%q}`, page.Token)
	returned(t, got, "", asJSON, fmt.Sprintf(`{"items":[{"at":60},{"at":40}],"count":2,"scanned_count":4,"next_token":%q}`, page.Token))
	c.sent(t, `Query {"TableName":"readings","ConsistentRead":true,"Limit":4,"ScanIndexForward":false,
		"KeyConditionExpression":"#partition_key = :partition_key AND #sort_key BETWEEN :sort_key AND :sort_key_end",
		"FilterExpression":"#e = :e","ProjectionExpression":"#a","ExpressionAttributeNames":{"#e":"even","#a":"at","#partition_key":"device","#sort_key":"at"},
		"ExpressionAttributeValues":{":e":{"BOOL":true},":partition_key":{"S":"d1"},":sort_key":{"N":"10"},":sort_key_end":{"N":"90"}}}`)
}

func TestAQueryOfATextKeyTakesItsBeginning(t *testing.T) {
	c := newCloud(t)
	if _, err := c.client(t).CreateTable(t.Context(), &ddb.CreateTableInput{
		TableName: sdkaws.String("files"), BillingMode: types.BillingModePayPerRequest,
		KeySchema:            []types.KeySchemaElement{{AttributeName: sdkaws.String("id"), KeyType: types.KeyTypeHash}},
		AttributeDefinitions: definitions("id", "S", "owner", "S", "path", "S"),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: sdkaws.String("by-owner"), Projection: &types.Projection{ProjectionType: types.ProjectionTypeAll},
			KeySchema: []types.KeySchemaElement{{AttributeName: sdkaws.String("owner"), KeyType: types.KeyTypeHash}, {AttributeName: sdkaws.String("path"), KeyType: types.KeyTypeRange}},
		}},
	}); err != nil {
		t.Fatal(err)
	}
	for i, path := range []string{"a/1", "a/2", "b/1", "a/3"} {
		c.run(t, params{"operation_type": "put_item", "table_name": "files", "item_data": params{"id": fmt.Sprint(i), "owner": "ada", "path": path}})
	}
	q := params{
		"operation_type": "query", "table_name": "files", "index_name": "by-owner", "partition_key_name": "owner", "partition_key": "ada",
		"sort_key_name": "path", "sort_key": "a/", "sort_key_condition": "begins_with", "limit": 2,
	}
	var paths []string
	for pages := 0; pages < 3; pages++ {
		got := c.run(t, q)
		var page struct {
			Items []struct{ Path string }
			Token *string `json:"next_token"`
		}
		if err := json.Unmarshal(got.JSON[0], &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			paths = append(paths, item.Path)
		}
		if page.Token == nil {
			break
		}
		q["next_token_input"] = *page.Token
	}
	if diff := cmp.Diff([]string{"a/1", "a/2", "a/3"}, paths); diff != "" {
		t.Error(diff)
	}
}

func definitions(pairs ...string) (list []types.AttributeDefinition) {
	for pair := range slices.Chunk(pairs, 2) {
		list = append(list, types.AttributeDefinition{AttributeName: sdkaws.String(pair[0]), AttributeType: types.ScalarAttributeType(pair[1])})
	}
	return list
}

func TestKeysOfAllTypesReachTheirItems(t *testing.T) {
	c := newCloud(t)
	for kind, key := range map[string]string{"S": "ключ 1", "N": " -12345678901234567890.5 ", "B": "AP+A"} {
		c.table(t, "of-"+kind, "the key", kind)
		on := func(operation string, more params) params {
			p := params{"operation_type": operation, "table_name": "of-" + kind, "partition_key_name": "the key", "partition_key": key, "partition_key_type": kind}
			maps.Copy(p, more)
			return p
		}
		c.run(t, on("put_item", params{"item_data": `{"n":1}`}))
		c.run(t, on("update_item", params{"update_expression": "ADD n :n", "expression_values": `{":n":1}`}))
		for _, operation := range []string{"get_item", "query", "delete_item"} {
			got := c.run(t, on(operation, params{"return_values": "ALL_OLD"}))
			if text := string(got.Variables["item"]) + string(got.Variables["items"]); !strings.Contains(text, `"n":2`) {
				t.Errorf("%s with a key of type %s: %s", operation, kind, text)
			}
		}
	}
}

func TestTablesOfOtherAccountsAreNamedByARN(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{}`)
	c.Forget()
	c.run(t, onOrder("get_item", "a", params{"table_name": ordersARN}))
	c.sent(t, `GetItem {"TableName":"`+ordersARN+`","Key":{"id":{"S":"a"}}}`)
}

func TestRegionAndKeysOfTheToolWin(t *testing.T) {
	c := newCloud(t)
	c.tools.SucceedAs(t, nil, tool, params{
		"operation_type": "create_table", "table_name": "abroad", "partition_key_name": "id", "aws_region": "eu-west-1",
		"aws_access_key_id": toolstest.AccessKeyID, "aws_secret_access_key": toolstest.SecretAccessKey,
	})
	for _, call := range c.Calls() {
		if call.Host != "dynamodb.eu-west-1.amazonaws.com" || call.Region != "eu-west-1" {
			t.Errorf("%s went to %s", call.Operation, call.Host)
		}
	}
}

func TestBlankAndOddParametersMeanWhatTheySay(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{"n":1}`)
	c.Forget()
	blank := params{
		"limit": nil, "sort_key_name": "", "sort_key": nil, "partition_key_type": "", "sort_key_type": nil, "sort_key_condition": "", "sort_key_end": "",
		"sort_descending": "", "update_expression": "", "condition_expression": nil, "filter_expression": "", "projection_expression": "",
		"expression_names": "", "expression_values": nil, "index_name": "", "consistent_read": "false", "return_values": "", "next_token": "",
		"next_token_input": nil, "table_arn": "", "aws_region": "", "aws_access_key_id": "", "aws_secret_access_key": nil, "aws_session_token": "",
	}
	for operation, request := range map[string]string{
		"get_item":    `GetItem {"TableName":"orders","Key":{"id":{"S":"a"}}}`,
		"scan":        `Scan {"TableName":"orders","Limit":100}`,
		"delete_item": `DeleteItem {"TableName":"orders","Key":{"id":{"S":"a"}}}`,
		"query": `Query {"TableName":"orders","Limit":100,"KeyConditionExpression":"#partition_key = :partition_key",
			"ExpressionAttributeNames":{"#partition_key":"id"},"ExpressionAttributeValues":{":partition_key":{"S":"a"}}}`,
	} {
		c.run(t, onOrder(operation, "a", blank))
		c.sent(t, request)
	}
	for _, limit := range []any{3, 3.0, "3", " 3.0 "} {
		c.run(t, params{"operation_type": "scan", "table_name": "orders", "limit": limit})
		c.sent(t, `Scan {"TableName":"orders","Limit":3}`)
	}
}

func TestPlaceholdersWithoutAnExpressionAreNotSent(t *testing.T) {
	c := newCloud(t)
	more := params{"expression_names": `{"#n":"n"}`, "expression_values": `{":v":1}`}
	c.run(t, onOrder("get_item", "a", more))
	c.sent(t, `GetItem {"TableName":"orders","Key":{"id":{"S":"a"}}}`)
}

func TestWrongParametersAreNamedAllAtOnceAndNothingIsSent(t *testing.T) {
	c := newCloud(t)
	for name, wrong := range map[string]struct {
		p    params
		want string
	}{
		"no operation":           {params{"table_name": "orders"}, "dynamodb_manager was not run: operation_type is required"},
		"another operation":      {params{"operation_type": "drop", "table_name": "orders"}, `dynamodb_manager was not run: operation_type must be one of create_table, put_item, get_item, delete_item, scan, query, update_item, it is "drop"`},
		"no table":               {params{"operation_type": "scan", "table_name": ""}, "dynamodb_manager was not run: table_name is required"},
		"a limit that is none":   {params{"operation_type": "scan", "table_name": "orders", "limit": "2.5"}, `dynamodb_manager was not run: limit must be a whole number, it is "2.5"`},
		"a name that is none":    {onOrder("get_item", "a", params{"table_name": "a b"}), `table_name is "a b": write the name of a table, 3 to 255 letters, digits, dots, dashes and underscores, or its ARN`},
		"a limit of nothing":     {params{"operation_type": "scan", "table_name": "orders", "limit": 0}, "limit must be from 1 to 2147483647, it is 0"},
		"a limit beyond":         {params{"operation_type": "scan", "table_name": "orders", "limit": 2147483648}, "limit must be from 1 to 2147483647, it is 2147483648"},
		"no keys":                {params{"operation_type": "get_item", "table_name": "orders"}, "2 parameters are wrong: partition_key_name is required for get_item; partition_key is required for get_item"},
		"no keys of a query":     {params{"operation_type": "query", "table_name": "orders"}, "2 parameters are wrong: partition_key_name is required for query; partition_key is required for query"},
		"no keys of a table":     {params{"operation_type": "create_table", "table_name": "more"}, "dynamodb_manager was not run: partition_key_name is required for create_table"},
		"one key twice":          {params{"operation_type": "create_table", "table_name": "more", "partition_key_name": "id", "sort_key_name": "id"}, "sort_key_name is that of the partition key too: the two keys are different attributes"},
		"half a sort key":        {onOrder("get_item", "a", params{"sort_key": "1"}), "sort_key_name is required for get_item"},
		"the other half":         {onOrder("delete_item", "a", params{"sort_key_name": "at"}), "sort_key is required for delete_item"},
		"half a key of a put":    {params{"operation_type": "put_item", "table_name": "orders", "partition_key": "a", "item_data": "{}"}, "partition_key_name is required where partition_key is given"},
		"the value of a put":     {params{"operation_type": "put_item", "table_name": "orders", "partition_key_name": "id", "item_data": "{}"}, `partition_key is required: item_data does not hold "id" either`},
		"a number that is none":  {onOrder("get_item", "five", params{"partition_key_type": "N"}), `partition_key "five" is not a number: write digits, as in 12, -0.5 or 1e-3`},
		"bytes that are none":    {onOrder("get_item", "five!", params{"partition_key_type": "B"}), "partition_key is not base64, as a binary key is written"},
		"an item that is none":   {onOrder("put_item", "a", params{"item_data": "{"}), "item_data is not JSON: it ends too early"},
		"an item and more":       {onOrder("put_item", "a", params{"item_data": "{} {}"}), "item_data is not JSON: there is more after the first value, at character 4"},
		"an item in Python":      {onOrder("put_item", "a", params{"item_data": "{'a': 1}"}), `item_data is not JSON: invalid character '\''`},
		"a list for an item":     {onOrder("put_item", "a", params{"item_data": "[1]"}), `item_data must be a JSON object, as in {"name": "value"}`},
		"null for an item":       {onOrder("put_item", "a", params{"item_data": "null"}), `item_data must be a JSON object, as in {"name": "value"}`},
		"a number too long":      {onOrder("put_item", "a", params{"item_data": `{"n":1234567890123456789012345678901234567890.5,"m":{"$binary":"!"}}`}), `item_data cannot be stored: "m": $binary does not hold base64 (the standard alphabet, padded), "n": "1234567890123456789012345678901234567890"… has 41 significant digits, DynamoDB keeps 38: store it as text`},
		"nothing to update":      {onOrder("update_item", "a", nil), "item_data is required for update_item: give the attributes to set as a JSON object, or an update_expression"},
		"two kinds of update":    {onOrder("update_item", "a", params{"item_data": `{"n":1}`, "update_expression": "REMOVE n"}), "item_data and update_expression exclude each other: use one of the two"},
		"an update of the key":   {onOrder("update_item", "a", params{"item_data": `{"id":"a"}`}), "item_data holds nothing to set besides the key"},
		"an update to other key": {onOrder("update_item", "a", params{"item_data": `{"id":"b","n":1}`}), `item_data holds another "id" than partition_key: leave it out of item_data, or make them equal`},
		"a condition on a read":  {onOrder("get_item", "a", params{"condition_expression": "n > m"}), "condition_expression is only for put_item, delete_item, update_item, clear it for get_item"},
		"a filter on a write":    {onOrder("delete_item", "a", params{"filter_expression": "n > m"}), "filter_expression is only for scan, query, clear it for delete_item"},
		"an update that is none": {onOrder("delete_item", "a", params{"update_expression": "REMOVE n"}), "update_expression is only for update_item, clear it for delete_item"},
		"a projected write":      {onOrder("put_item", "a", params{"item_data": "{}", "projection_expression": "n"}), "projection_expression is only for get_item, scan, query, clear it for put_item"},
		"an index of an item":    {onOrder("get_item", "a", params{"index_name": "by-owner"}), "index_name is only for scan, query, clear it for get_item"},
		"no name of an index":    {onOrder("query", "a", params{"index_name": "x"}), `index_name is "x": the name of an index has 3 to 255 letters, digits, dots, dashes and underscores`},
		"new values of a put":    {onOrder("put_item", "a", params{"item_data": "{}", "return_values": "ALL_NEW"}), "return_values must be NONE or ALL_OLD for put_item, it is ALL_NEW"},
		"no placeholder":         {onOrder("query", "a", params{"filter_expression": "n > :m", "expression_values": `{"m":1}`, "expression_names": `{"n":"n","#m":5}`}), `3 parameters are wrong: expression_names holds "#m": write placeholders and names of attributes, as in {"#n": "name"}; expression_names holds "n": write placeholders and names of attributes, as in {"#n": "name"}; expression_values holds "m": placeholders begin with a colon, as in {":v": 5}`},
		"placeholders of ours":   {onOrder("query", "a", params{"filter_expression": "n > :partition_key", "expression_values": `{":partition_key":1}`, "expression_names": `{"#partition_key":"n"}`}), "2 parameters are wrong: expression_names holds #partition_key, which the tool uses itself: choose another placeholder; expression_values holds :partition_key, which the tool uses itself: choose another placeholder"},
		"no end":                 {onOrder("query", "a", params{"sort_key_name": "at", "sort_key": "1", "sort_key_condition": "between"}), "sort_key_end is required for the sort_key_condition between"},
		"an end for nothing":     {onOrder("query", "a", params{"sort_key_name": "at", "sort_key": "1", "sort_key_end": "2"}), "sort_key_end is only for the sort_key_condition between"},
		"a condition on nothing": {onOrder("query", "a", params{"sort_key_condition": "less"}), "sort_key is required for the condition on it"},
		"an end on nothing":      {onOrder("query", "a", params{"sort_key_end": "5"}), "sort_key is required for the condition on it"},
		"a sort key of nothing":  {onOrder("query", "a", params{"sort_key": "5"}), "sort_key_name is required where sort_key is given"},
		"a number's beginning":   {onOrder("query", "a", params{"sort_key_name": "at", "sort_key": "1", "sort_key_type": "N", "sort_key_condition": "begins_with"}), "sort_key_condition begins_with is not for numbers"},
		"an end that is none":    {onOrder("query", "a", params{"sort_key_name": "at", "sort_key": "1", "sort_key_type": "N", "sort_key_condition": "between", "sort_key_end": "x"}), `sort_key_end "x" is not a number`},
		"no token":               {onOrder("scan", "", params{"next_token": "next"}), "next_token is not a token that an earlier scan or query returned"},
		"no token of an agent":   {onOrder("scan", "", params{"next_token_input": "next"}), "next_token_input is not a token that an earlier scan or query returned"},
		"no handle":              {onOrder("create_table", "", params{"table_arn": "orders"}), `table_arn is "orders", which is not the ARN of a table: pass on the one in the error of the earlier call`},
		"another's handle":       {onOrder("create_table", "", params{"table_name": "more", "table_arn": ordersARN}), `table_arn is that of the table "orders", but table_name is "more"`},
		"all at once":            {params{"operation_type": "query", "table_name": "?", "limit": -1, "index_name": "!", "partition_key_name": "id"}, "4 parameters are wrong: table_name is"},
		"half a pair of keys":    {onOrder("get_item", "a", params{"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}), "aws_secret_access_key"},
	} {
		failed := c.fail(t, wrong.p)
		if !strings.Contains(failed.Message, wrong.want) {
			t.Errorf("%s: %s\nwant: %s", name, failed.Message, wrong.want)
		}
		if kind := plugin.Kind(failed.Type); kind != plugin.BadRequest && name != "half a pair of keys" {
			t.Errorf("%s: it is of the kind %s", name, kind)
		}
	}
	if sent := c.Operations(); len(sent) > 0 {
		t.Errorf("sent: %v", sent)
	}
}

func TestErrorsOfDynamoDBSayWhatToDo(t *testing.T) {
	get := onOrder("get_item", "a", nil)
	put := onOrder("put_item", "a", params{"item_data": "{}"})
	for code, want := range map[string]struct {
		p    params
		kind plugin.Kind
		text string
	}{
		"ResourceNotFoundException":                {get, plugin.BadRequest, `could not read an item of the table "orders": there is no such table in the region us-east-1, or it is not ready yet: check table_name and aws_region`},
		"ValidationException":                      {put, plugin.BadRequest, `could not put an item into the table "orders": DynamoDB does not accept these parameters; AWS said: said by AWS`},
		"ConditionalCheckFailedException":          {put, plugin.BadRequest, "nothing was changed"},
		"TransactionConflictException":             {put, plugin.RateLimit, "a transaction is changing the same item: try again"},
		"ItemCollectionSizeLimitExceededException": {put, plugin.BadRequest, "10 GB"},
		"LimitExceededException":                   {params{"operation_type": "create_table", "table_name": "more", "partition_key_name": "id"}, plugin.RateLimit, `could not create the table "more": the account is creating or changing as many tables as it may at a time`},
		"ProvisionedThroughputExceededException":   {get, plugin.RateLimit, "the table or index gets more requests than its capacity allows"},
		"RequestLimitExceeded":                     {get, plugin.RateLimit, "the table or index gets more requests than its capacity allows"},
		"ThrottlingException":                      {get, plugin.RateLimit, "the table or index gets more requests than its capacity allows"},
		"InternalServerError":                      {get, plugin.Unavailable, "try again in a minute"},
		"UnrecognizedClientException":              {get, plugin.Authorization, "access key"},
		"ExpiredTokenException":                    {get, plugin.Authorization, "expired"},
	} {
		t.Run(code, func(t *testing.T) {
			c := newCloud(t)
			status := 400
			if code == "InternalServerError" {
				status = 500
			}
			c.Inject(aws.Fault{Effects: []aws.Effect{aws.Fail(status, code, "said by AWS")}})
			failed := c.fail(t, want.p)
			if failed.Type != string(want.kind) || !strings.Contains(failed.Message, want.text) || !strings.Contains(failed.Message, code) {
				t.Errorf("%s: %s\nwant %s: %s", failed.Type, failed.Message, want.kind, want.text)
			}
		})
	}
}

func TestATableThatExistsAlreadyFailsTheNode(t *testing.T) {
	c := newCloud(t)
	failed := c.fail(t, params{"operation_type": "create_table", "table_name": "orders", "partition_key_name": "id"})
	if failed.Type != string(plugin.BadRequest) || !strings.Contains(failed.Message, `could not create the table "orders": it exists already`) {
		t.Error(failed)
	}
}

func TestADeniedRequestNamesThePermission(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Effects: []aws.Effect{aws.Deny()}})
	more := params{"index_name": "by-owner", "filter_expression": "attribute_exists(n)"}
	for _, denied := range []struct {
		p    params
		want string
	}{
		{onOrder("get_item", "a", nil), "dynamodb:GetItem on arn:aws:dynamodb:us-east-1:*:table/orders in"},
		{onOrder("put_item", "a", params{"item_data": "{}"}), "dynamodb:PutItem on arn:aws:dynamodb:us-east-1:*:table/orders in"},
		{onOrder("delete_item", "a", nil), "dynamodb:DeleteItem on arn:aws:dynamodb:us-east-1:*:table/orders in"},
		{onOrder("update_item", "a", params{"item_data": `{"n":1}`}), "dynamodb:UpdateItem on arn:aws:dynamodb:us-east-1:*:table/orders in"},
		{onOrder("scan", "a", more), "dynamodb:Scan on arn:aws:dynamodb:us-east-1:*:table/orders/index/by-owner in"},
		{onOrder("query", "a", more), "dynamodb:Query on arn:aws:dynamodb:us-east-1:*:table/orders/index/by-owner in"},
		{onOrder("create_table", "a", params{"table_name": "more"}), "dynamodb:CreateTable on arn:aws:dynamodb:us-east-1:*:table/more in"},
		{onOrder("create_table", "a", params{"table_arn": ordersARN}), "dynamodb:DescribeTable on arn:aws:dynamodb:us-east-1:*:table/orders in"},
		{onOrder("get_item", "a", params{"table_name": ordersARN}), "dynamodb:GetItem on " + ordersARN + " in"},
	} {
		failed := c.fail(t, denied.p)
		if failed.Type != string(plugin.Authorization) || !strings.Contains(failed.Message, denied.want) {
			t.Errorf("%s: %s\nwant: %s", failed.Type, failed.Message, denied.want)
		}
	}
}

func TestAReservedWordIsExplainedByDynamoDB(t *testing.T) {
	c := newCloud(t)
	failed := c.fail(t, onOrder("scan", "", params{"filter_expression": "name = :n", "expression_values": `{":n":1}`}))
	if !strings.Contains(failed.Message, "AWS said: Invalid FilterExpression: Attribute name is a reserved keyword; reserved keyword: name") {
		t.Error(failed)
	}
}

func TestARefusedRequestIsSentAgain(t *testing.T) {
	counting := onOrder("update_item", "a", params{"update_expression": "ADD n :n", "expression_values": `{":n":1}`})
	c := newCloud(t)
	c.Inject(aws.Fault{Times: 2, Effects: []aws.Effect{aws.Fail(400, "ProvisionedThroughputExceededException", "slower")}})
	returned(t, c.run(t, counting), `Item updated in the table "orders".`, `{"id":"a","n":1}`, `{"item":{"id":"a","n":1}}`)
	if got := len(c.Calls()); got != 3 {
		t.Errorf("%d requests", got)
	}
}

// Drop carries the request out and loses the answer, which is when repeating does harm.
func TestAWriteWhoseAnswerIsLostIsRepeatedOnlyWhereThatChangesNothing(t *testing.T) {
	for name, write := range map[string]struct {
		p     params
		sends int
	}{
		"a put":                     {onOrder("put_item", "a", params{"item_data": `{"n":1}`}), 2},
		"a deletion":                {onOrder("delete_item", "a", nil), 2},
		"an update of attributes":   {onOrder("update_item", "a", params{"item_data": `{"n":1}`}), 2},
		"a read":                    {onOrder("get_item", "a", nil), 2},
		"counting up":               {onOrder("update_item", "a", params{"update_expression": "ADD n :n", "expression_values": `{":n":1}`}), 1},
		"a put with a condition":    {onOrder("put_item", "a", params{"item_data": `{"n":1}`, "condition_expression": "attribute_not_exists(id)"}), 1},
		"a conditional deletion":    {onOrder("delete_item", "a", params{"condition_expression": "attribute_not_exists(n)"}), 1},
		"a conditional update":      {onOrder("update_item", "a", params{"item_data": `{"n":1}`, "condition_expression": "attribute_not_exists(n)"}), 1},
		"a put that returns before": {onOrder("put_item", "a", params{"item_data": `{"n":1}`, "return_values": "ALL_OLD"}), 1},
		"an update that does too":   {onOrder("update_item", "a", params{"item_data": `{"n":1}`, "return_values": "UPDATED_OLD"}), 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Service: "dynamodb", Times: 1, Effects: []aws.Effect{aws.Drop()}})
			if write.sends == 2 {
				c.run(t, write.p)
			} else {
				failed := c.fail(t, write.p)
				if failed.Type != string(plugin.Connection) || !strings.Contains(failed.Message, "the change may have been made all the same, so read the item before you try again") {
					t.Errorf("%s: %s", failed.Type, failed.Message)
				}
			}
			if got := len(c.Calls()); got != write.sends {
				t.Errorf("%d requests, want %d", got, write.sends)
			}
		})
	}
}

func TestAWriteThatMayBeRepeatedNeedsNoLookAtTheItem(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Effects: []aws.Effect{aws.Drop()}})
	failed := c.fail(t, onOrder("put_item", "a", params{"item_data": "{}"}))
	if failed.Type != string(plugin.Connection) || strings.Contains(failed.Message, "all the same") || len(c.Calls()) != 3 {
		t.Errorf("%d requests: %v", len(c.Calls()), failed)
	}
}

func TestARefusedWriteIsNotSaidToBeMadeAllTheSame(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Effects: []aws.Effect{aws.Deny()}})
	failed := c.fail(t, onOrder("update_item", "a", params{"update_expression": "REMOVE n"}))
	if strings.Contains(failed.Message, "all the same") {
		t.Error(failed)
	}
}

func TestNothingOfItemsAndKeysIsLogged(t *testing.T) {
	c := newCloud(t)
	c.put(t, "order-canary", `{"n":"item-canary"}`)
	c.run(t, onOrder("get_item", "order-canary", nil))
	c.fail(t, onOrder("put_item", "order-canary", params{"item_data": `{"n":"item-canary"}`, "condition_expression": "attribute_exists(x)"}))
	for _, line := range c.tools.Logs() {
		if text := fmt.Sprint(line); strings.Contains(text, "canary") || strings.Contains(text, toolstest.SecretAccessKey) {
			t.Errorf("logged: %s", text)
		}
	}
}
