package dynamodb_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/google/go-cmp/cmp"
)

// What went wrong with the Python tool, in the order in which it was found.

func TestSection3_12Bug1_MissingItemIsNotAnError(t *testing.T) {
	c := newCloud(t)
	returned(t, c.run(t, onOrder("get_item", "nowhere", nil)), "", `{"found":false}`, `{"found":false}`)
}

func TestSection3_12Bug2_ItemDataCannotOverwriteTheKeys(t *testing.T) {
	c := newCloud(t)
	for _, p := range []params{
		onOrder("put_item", "a", params{"item_data": `{"id":"b"}`}),
		onOrder("put_item", "5", params{"item_data": `{"id":5.1}`}),
		onOrder("put_item", "5", params{"item_data": `{"id":5}`, "partition_key_type": "S"}),
		onOrder("put_item", "a", params{"item_data": `{"id":5}`}),
		onOrder("put_item", "AAE=", params{"item_data": `{"id":{"$binary":"AAI="}}`, "partition_key_type": "B"}),
		onOrder("put_item", "true", params{"item_data": `{"id":true}`}),
		onOrder("put_item", "a", params{"item_data": `{"at":2}`, "sort_key_name": "at", "sort_key": "1"}),
	} {
		failed := c.fail(t, p)
		if failed.Type != string(plugin.BadRequest) || !strings.HasPrefix(failed.Message, "dynamodb_manager was not run: item_data holds another ") {
			t.Errorf("%v: %v", p, failed)
		}
	}
	if sent := c.Operations(); len(sent) > 0 {
		t.Errorf("sent: %v", sent)
	}
	// The same key in both places is no contradiction; a number may be written as the text of the key.
	c.put(t, "a", `{"id":"a"}`)
	reading := params{"operation_type": "put_item", "table_name": "readings", "partition_key_name": "device", "partition_key": "d", "sort_key_name": "at", "sort_key": "5"}
	for _, more := range []params{{"item_data": `{"at":5.0}`}, {"item_data": `{"at":50e-1,"device":"d"}`, "sort_key_type": "N"}} {
		p := maps.Clone(reading)
		maps.Copy(p, more)
		c.run(t, p)
	}
	same(t, "stored", `[{"id":{"S":"a"}}]`, c.stored(t))
}

func TestSection3_12Bug3_MissingItemDataIsNamed(t *testing.T) {
	c := newCloud(t)
	for _, blank := range []any{nil, "", "  "} {
		failed := c.fail(t, onOrder("put_item", "a", params{"item_data": blank}))
		if !strings.Contains(failed.Message, "item_data is required for put_item: give the attributes as a JSON object, {} for an item of keys only") {
			t.Error(failed)
		}
	}
	c.put(t, "a", `{}`)
}

func TestSection3_12Bug4_FloatsAreStored(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{"price":12.34,"tiny":1e-100,"exact":0.1000000000000000000000000000000000001}`)
	same(t, "stored", `[{"id":{"S":"a"},"price":{"N":"12.34"},"tiny":{"N":"0.`+strings.Repeat("0", 99)+`1"},
		"exact":{"N":"0.1000000000000000000000000000000000001"}}]`, c.stored(t))
}

func TestSection3_12Bug5_NumbersAreNumbers(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{"n":7,"f":-0.25,"big":12345678901234567890,"set":{"$number_set":[1,12345678901234567890]}}`)
	got := c.run(t, onOrder("get_item", "a", nil))
	if diff := cmp.Diff(`{"big":"12345678901234567890","f":-0.25,"id":"a","n":7,"set":{"$number_set":[1,"12345678901234567890"]}}`, string(got.JSON[0])); diff != "" {
		t.Error(diff)
	}
}

func TestSection3_12Bug6_BinaryValuesAndSetsComeBackAndGoInAgain(t *testing.T) {
	c := newCloud(t)
	data := `{"photo":{"$binary":"AP8="},"tags":{"$string_set":["x"]},"parts":{"$binary_set":["AQ=="]},"list":[{"$binary":""}]}`
	c.put(t, "a", data)
	before := c.stored(t)
	same(t, "stored", `[{"id":{"S":"a"},"photo":{"B":"AP8="},"tags":{"SS":["x"]},"parts":{"BS":["AQ=="]},"list":{"L":[{"B":""}]}}]`, before)
	got := c.run(t, onOrder("get_item", "a", nil))
	c.run(t, onOrder("put_item", "a", params{"item_data": string(got.JSON[0])}))
	if diff := cmp.Diff(before, c.stored(t)); diff != "" {
		t.Errorf("an item that was read and written back (+) is another:\n%s", diff)
	}
}

// The keys of other types reach their items in TestKeysOfAllTypesReachTheirItems; this is the text that looks like one.
func TestSection3_12Bug7_KeysHaveTypes(t *testing.T) {
	c := newCloud(t)
	c.run(t, onOrder("put_item", "5", params{"item_data": "{}"}))
	c.fail(t, onOrder("put_item", "5", params{"item_data": "{}", "partition_key_type": "N"}))
	same(t, "stored", `[{"id":{"S":"5"}}]`, c.stored(t))
}

func TestSection3_12Bug9_OneRequestForOneOperation(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{}`)
	for _, operation := range []string{"get_item", "scan", "query", "delete_item"} {
		c.run(t, onOrder(operation, "a", nil))
	}
	if diff := cmp.Diff([]string{"dynamodb.PutItem", "dynamodb.GetItem", "dynamodb.Scan", "dynamodb.Query", "dynamodb.DeleteItem"}, c.Operations()); diff != "" {
		t.Error(diff)
	}
}

func TestSection3_12Bug10_AScanCanBeContinued(t *testing.T) {
	c := newCloud(t)
	want := map[string]bool{}
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		c.put(t, id, `{}`)
		want[id] = true
	}
	got, scan := map[string]bool{}, params{"operation_type": "scan", "table_name": "orders", "limit": 2}
	for pages := 1; ; pages++ {
		var page struct {
			Items               []struct{ ID string }
			Count, ScannedCount int
			Token               *string `json:"next_token"`
		}
		if err := json.Unmarshal(c.run(t, scan).JSON[0], &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			got[item.ID] = true
		}
		if page.Token == nil {
			if pages != 3 || page.Count != 1 || page.ScannedCount != 1 {
				t.Errorf("%d pages, the last of %d items", pages, page.Count)
			}
			break
		}
		// The token of the agent wins over the one in the form.
		scan["next_token"], scan["next_token_input"] = "eyJpZCI6eyJTIjoiYSJ9fQ", *page.Token
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("all pages together: want (-), got (+):\n%s", diff)
	}
	scan["next_token_input"] = ""
	if token := string(c.run(t, scan).Variables["next_token"]); token == "" {
		t.Error("the token of the form was not taken")
	}
}

func TestSection3_12Bug11_ALimitMayBeAFloat(t *testing.T) {
	c := newCloud(t)
	c.put(t, "a", `{}`)
	c.put(t, "b", `{}`)
	got := c.run(t, params{"operation_type": "scan", "table_name": "orders", "limit": 1.0})
	if count := string(got.Variables["count"]); count != "1" {
		t.Errorf("%s items", count)
	}
}

func TestSection3_12Bug12_KeysThatAreMissingAreNamedOrTakenFromTheItem(t *testing.T) {
	c := newCloud(t)
	c.run(t, params{"operation_type": "put_item", "table_name": "orders", "item_data": `{"id":"a"}`})
	c.run(t, params{"operation_type": "put_item", "table_name": "orders", "partition_key_name": "id", "item_data": `{"id":"b"}`})
	failed := c.fail(t, params{"operation_type": "get_item", "table_name": "orders"})
	if !strings.Contains(failed.Message, "partition_key_name is required for get_item") {
		t.Error(failed)
	}
	failed = c.fail(t, params{"operation_type": "put_item", "table_name": "orders", "item_data": `{"n":1}`})
	if !strings.Contains(failed.Message, "AWS said: One or more parameter values were invalid: Missing the key id in the item") {
		t.Error(failed)
	}
}
