//go:build slow

package peers

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/dynamodb"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const dynamoHost = "dynamodb.dynalite.test"

// tables are the DynamoDB of dynalite with the tool in front of it.
type tables struct{ *toolstest.Tools }

func newTables(t *testing.T) *tables {
	t.Helper()
	script := located(t, "DIFYPLUGIN_DYNALITE")
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	cloud := toolstest.Start(t)
	serve(t, address, "node", script, "--host", "127.0.0.1", "--port", port, "--createTableMs", "50")
	publish(t, cloud, dynamoHost, address)
	t.Chdir(filepath.Join("..", "dynamodb"))
	return &tables{Tools: cloud.Run(t, plugin.Tool("dynamodb_manager", dynamodb.Manage))}
}

// do runs an operation on the table readings; parameters are pairs of names and values.
func (d *tables) do(t *testing.T, operation string, pairs ...any) host.Result {
	t.Helper()
	return d.SucceedAs(t, at(dynamoHost), "dynamodb_manager", onReadings(operation, pairs...))
}

func (d *tables) fail(t *testing.T, operation string, pairs ...any) *host.PluginError {
	t.Helper()
	return d.FailAs(t, at(dynamoHost), "dynamodb_manager", onReadings(operation, pairs...))
}

func onReadings(operation string, pairs ...any) map[string]any {
	p := map[string]any{"operation_type": operation, "table_name": "readings", "partition_key_name": "device"}
	for i := 0; i+1 < len(pairs); i += 2 {
		p[pairs[i].(string)] = pairs[i+1]
	}
	return p
}

// reading are the parameters that name one reading.
func reading(device, at string) []any {
	return []any{"partition_key", device, "sort_key_name", "at", "sort_key", at, "sort_key_type", "N"}
}

// newReadings has a table with a text and a number as its keys.
func newReadings(t *testing.T) *tables {
	t.Helper()
	d := newTables(t)
	made := d.do(t, "create_table", "sort_key_name", "at", "sort_key_type", "N")
	toolstest.Same(t, "status", any("ACTIVE"), toolstest.Output(t, made, "table_status"))
	return d
}

// parsed is the one JSON result of a tool.
func parsed(t *testing.T, result host.Result) any {
	t.Helper()
	if len(result.JSON) != 1 {
		t.Fatalf("%d JSON results", len(result.JSON))
	}
	var value any
	if err := json.Unmarshal(result.JSON[0], &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSlowDynaliteIsAskedAgainForATableThatWasBegun(t *testing.T) {
	d := newTables(t)
	made := d.do(t, "create_table")
	again := d.do(t, "create_table", "table_arn", toolstest.Output(t, made, "table_arn"))
	toolstest.Same(t, "status", any("ACTIVE"), toolstest.Output(t, again, "table_status"))
}

func TestSlowDynaliteKeepsAnItemOfEveryTypeAsItIs(t *testing.T) {
	d := newReadings(t)
	item := map[string]any{
		"text": "日本語 # % ?", "number": 12.5, "exact": "123456789012345678901234567890.12345678", "yes": true, "nothing": nil,
		"list": []any{1.0, "two", []any{}}, "map": map[string]any{"nested": map[string]any{"deep": []any{nil}}},
		"binary": map[string]any{"$binary": "aGVsbG8="}, "texts": map[string]any{"$string_set": []any{"a", "b"}},
		"numbers": map[string]any{"$number_set": []any{1.0, 2.5}}, "binaries": map[string]any{"$binary_set": []any{"YQ==", "Yg=="}},
	}
	d.do(t, "put_item", append(reading("d1", "10"), "item_data", item)...)
	want := maps.Clone(item)
	want["device"], want["at"] = "d1", 10.0
	got := d.do(t, "get_item", append(reading("d1", "10"), "consistent_read", true)...)
	toolstest.Same(t, "item", any(want), parsed(t, got))
	toolstest.Same(t, "found", any(true), toolstest.Output(t, got, "found"))
	// What was read can be written back without a change.
	d.do(t, "put_item", "item_data", parsed(t, got), "sort_key_name", "at")
	toolstest.Same(t, "item written back", any(want), parsed(t, d.do(t, "get_item", reading("d1", "10")...)))
	toolstest.Same(t, "an absent item", any(map[string]any{"found": false}), parsed(t, d.do(t, "get_item", reading("d1", "11")...)))
}

func TestSlowDynaliteUpdatesItems(t *testing.T) {
	d := newReadings(t)
	d.do(t, "put_item", append(reading("d1", "10"), "item_data", map[string]any{"n": 1, "name": "Ada", "tags": map[string]any{"$string_set": []any{"x"}}, "draft": true})...)
	d.do(t, "update_item", append(reading("d1", "10"), "item_data", map[string]any{"name": "Bea", "size": 3})...)
	updated := d.do(t, "update_item", append(reading("d1", "10"),
		"update_expression", "SET n = n + :one, #s = if_not_exists(#s, :new) REMOVE draft ADD tags :z", "condition_expression", "n < :ten",
		"expression_names", map[string]any{"#s": "status"},
		"expression_values", map[string]any{":one": 1, ":ten": 10, ":new": "open", ":z": map[string]any{"$string_set": []any{"z"}}})...)
	toolstest.Same(t, "item", any(map[string]any{
		"device": "d1", "at": 10.0, "n": 2.0, "name": "Bea", "size": 3.0, "status": "open", "tags": map[string]any{"$string_set": []any{"x", "z"}},
	}), parsed(t, updated))
	refused := d.fail(t, "update_item", append(reading("d1", "10"), "item_data", map[string]any{"n": 9},
		"condition_expression", "n > :ten", "expression_values", map[string]any{":ten": 10})...)
	toolstest.WantFailure(t, refused, plugin.BadRequest, "condition_expression is not met")
}

func TestSlowDynaliteQueriesAndScansPageByPage(t *testing.T) {
	d := newReadings(t)
	for n := range 7 {
		d.do(t, "put_item", append(reading("d1", fmt.Sprint(n*10)), "item_data", map[string]any{"even": n%2 == 0})...)
	}
	d.do(t, "put_item", append(reading("d2", "5"), "item_data", map[string]any{"even": false})...)
	onDevice := []any{"partition_key", "d1", "sort_key_name", "at", "sort_key_type", "N"}
	with := func(more ...any) []any { return slices.Concat(onDevice, more) }
	for name, c := range map[string]struct {
		parameters []any
		want       []float64
	}{
		"all":        {with("limit", 3), []float64{0, 10, 20, 30, 40, 50, 60}},
		"descending": {with("limit", 4, "sort_descending", true), []float64{60, 50, 40, 30, 20, 10, 0}},
		"between":    {with("sort_key_condition", "between", "sort_key", "15", "sort_key_end", "40"), []float64{20, 30, 40}},
		"filtered":   {with("limit", 2, "filter_expression", "even = :yes", "expression_values", map[string]any{":yes": true}), []float64{0, 20, 40, 60}},
	} {
		t.Run(name, func(t *testing.T) { toolstest.Same(t, "times", c.want, d.times(t, "query", c.parameters)) })
	}
	scanned := d.times(t, "scan", []any{"limit", 3})
	slices.Sort(scanned)
	toolstest.Same(t, "scanned", []float64{0, 5, 10, 20, 30, 40, 50, 60}, scanned)
}

// times are the values of the attribute at in all pages.
func (d *tables) times(t *testing.T, operation string, parameters []any) []float64 {
	t.Helper()
	var times []float64
	var token any = ""
	for range 20 {
		page := d.do(t, operation, append(slices.Clone(parameters), "next_token", token)...)
		for _, item := range toolstest.Output(t, page, "items").([]any) {
			times = append(times, item.(map[string]any)["at"].(float64))
		}
		if token = toolstest.Output(t, page, "next_token"); token == nil {
			return times
		}
	}
	t.Fatalf("the %s has no end", operation)
	return nil
}

func TestSlowDynaliteDeletesItems(t *testing.T) {
	d := newReadings(t)
	d.do(t, "put_item", append(reading("d1", "10"), "item_data", map[string]any{"n": 1})...)
	gone := d.do(t, "delete_item", append(reading("d1", "10"), "return_values", "ALL_OLD")...)
	toolstest.Same(t, "the item as it was", any(map[string]any{"device": "d1", "at": 10.0, "n": 1.0}), toolstest.Output(t, gone, "item"))
	toolstest.Same(t, "found", any(false), toolstest.Output(t, d.do(t, "get_item", reading("d1", "10")...), "found"))
}

func TestSlowDynaliteAndTheToolAgreeOnFailures(t *testing.T) {
	d := newReadings(t)
	toolstest.WantFailure(t, d.fail(t, "scan", "table_name", "none"), plugin.BadRequest, "none")
	toolstest.WantFailure(t, d.fail(t, "create_table"), plugin.BadRequest, "readings")
	toolstest.WantFailure(t, d.fail(t, "get_item", "partition_key", "d1"), plugin.BadRequest, "readings")
	toolstest.WantFailure(t, d.fail(t, "scan", "filter_expression", "size = 1"), plugin.BadRequest, "FilterExpression")
}
