package dynamodb

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The types of values, as DynamoDB abbreviates them.
const (
	typeS, typeN, typeB    = "S", "N", "B"
	typeSS, typeNS, typeBS = "SS", "NS", "BS"
	typeBool, typeNull     = "BOOL", "NULL"
	typeList, typeMap      = "L", "M"
)

// maxDepth is how deep lists and maps may be nested.
const maxDepth = 32

// value is an attribute value: a type, and what belongs to it.
type value struct {
	kind  string
	text  string           // S, N and, as the bytes that it is, B
	on    bool             // BOOL
	list  []value          // L
	items map[string]value // M
	set   []string         // SS, NS, BS
}

type item map[string]value

// UnmarshalJSON implements [json.Unmarshaler]. Faults of the content are kept for [value.check], because only there
// can they be told in DynamoDB's words.
func (v *value) UnmarshalJSON(data []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return errors.New("an attribute value is an object with the name of its type")
	}
	if len(members) != 1 {
		v.kind = fmt.Sprint(len(members), " types")
		return nil
	}
	for kind, raw := range members {
		v.kind = kind
		return v.read(raw)
	}
	return nil
}

func (v *value) read(raw json.RawMessage) error {
	switch v.kind {
	case typeS, typeN:
		return json.Unmarshal(raw, &v.text)
	case typeB:
		var data []byte
		err := json.Unmarshal(raw, &data)
		v.text = string(data)
		return err
	case typeBool, typeNull:
		return json.Unmarshal(raw, &v.on)
	case typeList:
		return json.Unmarshal(raw, &v.list)
	case typeMap:
		return json.Unmarshal(raw, &v.items)
	case typeSS, typeNS:
		return json.Unmarshal(raw, &v.set)
	case typeBS:
		var data [][]byte
		err := json.Unmarshal(raw, &data)
		for _, element := range data {
			v.set = append(v.set, string(element))
		}
		return err
	default:
		return fmt.Errorf("there is no type %s", v.kind)
	}
}

// MarshalJSON implements [json.Marshaler].
func (v value) MarshalJSON() ([]byte, error) {
	var content any
	switch v.kind {
	case typeS, typeN:
		content = v.text
	case typeB:
		content = []byte(v.text)
	case typeBool, typeNull:
		content = v.on
	case typeList:
		content = append([]value{}, v.list...)
	case typeMap:
		content = v.items
	case typeSS, typeNS:
		content = v.set
	case typeBS:
		data := make([][]byte, len(v.set))
		for i, element := range v.set {
			data[i] = []byte(element)
		}
		content = data
	}
	return json.Marshal(map[string]any{v.kind: content})
}

// check refuses values that DynamoDB does not store, and writes numbers as it does.
func (v *value) check(depth int) *aws.Error {
	if depth > maxDepth {
		return invalid("Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit")
	}
	switch v.kind {
	case typeS, typeB, typeBool:
		return nil
	case typeN:
		number, failed := readNumber(v.text)
		v.text = number
		return failed
	case typeNull:
		if !v.on {
			return invalid("One or more parameter values were invalid: Null attribute value types must have the value of true")
		}
		return nil
	case typeList:
		return checkAll(v.list, depth)
	case typeMap:
		return item(v.items).check(depth)
	case typeSS, typeNS, typeBS:
		return v.checkSet()
	case "0 types":
		return invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
	default:
		return invalid("Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes")
	}
}

func checkAll(list []value, depth int) *aws.Error {
	for i := range list {
		if failed := list[i].check(depth + 1); failed != nil {
			return failed
		}
	}
	return nil
}

// check checks every attribute; the map is that of the request, which belongs to nobody else.
func (it item) check(depth int) *aws.Error {
	for _, name := range slices.Sorted(maps.Keys(it)) {
		v := it[name]
		if failed := v.check(depth + 1); failed != nil {
			return failed
		}
		it[name] = v
	}
	return nil
}

func (v *value) checkSet() *aws.Error {
	if len(v.set) == 0 {
		name := map[string]string{typeSS: "string", typeNS: "number", typeBS: "binary"}[v.kind]
		return invalid("One or more parameter values were invalid: An %s set  may not be empty", name)
	}
	for i := range v.set {
		if v.kind != typeNS {
			continue
		}
		number, failed := readNumber(v.set[i])
		if failed != nil {
			return failed
		}
		v.set[i] = number
	}
	sorted := slices.Sorted(slices.Values(v.set))
	if len(slices.Compact(sorted)) != len(v.set) {
		return invalid("One or more parameter values were invalid: Input collection [%s] contains duplicates.", strings.Join(v.set, ", "))
	}
	return nil
}

// size is what an item counts towards the limits, in bytes; close to what DynamoDB computes.
func (v value) size() int {
	switch v.kind {
	case typeList:
		total := 3
		for _, element := range v.list {
			total += 1 + element.size()
		}
		return total
	case typeMap:
		return 3 + len(v.items) + item(v.items).size()
	case typeN:
		return len(v.text)/2 + 1
	case typeBool, typeNull:
		return 1
	default:
		return len(v.text) + len(strings.Join(v.set, ""))
	}
}

func (it item) size() int {
	total := 0
	for name, v := range it {
		total += len(name) + v.size()
	}
	return total
}

// equal compares as the operator = does: sets have no order, and types must be the same.
func (v value) equal(other value) bool {
	if v.kind != other.kind {
		return false
	}
	switch v.kind {
	case typeList:
		return slices.EqualFunc(v.list, other.list, value.equal)
	case typeMap:
		return maps.EqualFunc(v.items, other.items, value.equal)
	case typeSS, typeNS, typeBS:
		return slices.Equal(slices.Sorted(slices.Values(v.set)), slices.Sorted(slices.Values(other.set)))
	default:
		return v.text == other.text && v.on == other.on
	}
}

// compare orders two values of one type that has an order.
func (v value) compare(other value) (int, bool) {
	if v.kind != other.kind {
		return 0, false
	}
	switch v.kind {
	case typeS, typeB:
		return bytes.Compare([]byte(v.text), []byte(other.text)), true
	case typeN:
		return rational(v.text).Cmp(rational(other.text)), true
	default:
		return 0, false
	}
}

// clone copies a value, so that an update of the copy leaves the original alone.
func (v value) clone() value {
	v.list = slices.Clone(v.list)
	for i := range v.list {
		v.list[i] = v.list[i].clone()
	}
	v.items = item(v.items).clone()
	v.set = slices.Clone(v.set)
	return v
}

func (it item) clone() item {
	if it == nil {
		return nil
	}
	copied := make(item, len(it))
	for name, v := range it {
		copied[name] = v.clone()
	}
	return copied
}
