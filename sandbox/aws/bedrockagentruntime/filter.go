package bedrockagentruntime

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// filter is a filter of a request: an object with one operator.
type filter map[string]json.RawMessage

// attribute is what an operator compares.
type attribute struct {
	Key   *string         `json:"key"`
	Value json.RawMessage `json:"value"`
}

// maxKey is how many characters the name of an attribute has at most.
const maxKey = 100

// check says what is wrong with a filter, or "".
func (f filter) check() string {
	if len(f) != 1 {
		return fmt.Sprintf("a filter has exactly one operator, there are %d", len(f))
	}
	for operator, raw := range f {
		switch operator {
		case "andAll", "orAll":
			return checkAll(raw)
		case "equals", "notEquals", "greaterThan", "greaterThanOrEquals", "lessThan", "lessThanOrEquals", "in", "notIn", "startsWith", "listContains", "stringContains":
			return checkAttribute(operator, raw)
		default:
			return "there is no operator " + operator
		}
	}
	return ""
}

func checkAll(raw json.RawMessage) string {
	var filters []filter
	if err := json.Unmarshal(raw, &filters); err != nil {
		return err.Error()
	}
	if len(filters) < 2 {
		return "Member must have length greater than or equal to 2"
	}
	for _, f := range filters {
		if wrong := f.check(); wrong != "" {
			return wrong
		}
	}
	return ""
}

func checkAttribute(operator string, raw json.RawMessage) string {
	var a attribute
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&a); err != nil {
		return err.Error()
	}
	var value any
	err := json.Unmarshal(a.Value, &value)
	_, isList := value.([]any)
	switch {
	case a.Key == nil || *a.Key == "" || len([]rune(*a.Key)) > maxKey:
		return "the key must have from 1 to 100 characters"
	case err != nil || value == nil:
		return "the value must not be null"
	case isList != (operator == "in" || operator == "notIn"):
		return "the value of " + operator + " has the wrong type"
	}
	return ""
}

// passes reports whether attributes pass a filter that was checked.
func (f filter) passes(attributes map[string]any) bool {
	for operator, raw := range f {
		var filters []filter
		one := func(f filter) bool { return f.passes(attributes) }
		switch operator {
		case "andAll":
			_ = json.Unmarshal(raw, &filters) // was checked
			return !slices.ContainsFunc(filters, func(f filter) bool { return !one(f) })
		case "orAll":
			_ = json.Unmarshal(raw, &filters) // was checked
			return slices.ContainsFunc(filters, one)
		default:
			return compare(operator, raw, attributes)
		}
	}
	return true
}

func compare(operator string, raw json.RawMessage, attributes map[string]any) bool {
	var a struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	}
	_ = json.Unmarshal(raw, &a) // was checked
	have, there := asJSON(attributes[a.Key]), attributes[a.Key] != nil
	equal := func(other any) bool { return reflect.DeepEqual(have, other) }
	wanted, _ := a.Value.([]any)
	members, _ := have.([]any)
	switch operator {
	case "equals":
		return there && equal(a.Value)
	case "notEquals":
		return !equal(a.Value)
	case "in":
		return there && slices.ContainsFunc(wanted, equal)
	case "notIn":
		return !slices.ContainsFunc(wanted, equal)
	case "listContains":
		return slices.ContainsFunc(members, func(m any) bool { return reflect.DeepEqual(m, a.Value) })
	case "startsWith":
		return there && strings.HasPrefix(fmt.Sprint(have), fmt.Sprint(a.Value))
	case "stringContains":
		return there && strings.Contains(fmt.Sprint(have), fmt.Sprint(a.Value))
	}
	x, isNumber := have.(float64)
	y, wantsNumber := a.Value.(float64)
	return isNumber && wantsNumber && map[string]bool{
		"greaterThan": x > y, "greaterThanOrEquals": x >= y, "lessThan": x < y, "lessThanOrEquals": x <= y,
	}[operator]
}

// asJSON is a value with the types that it has when it was read from JSON.
func asJSON(value any) any {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var same any
	_ = json.Unmarshal(raw, &same) // was just written
	return same
}
