package dynamodb

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// DynamoDB has four types that JSON lacks. In JSON they are objects with one of these names and nothing else, both
// in what the tool reads and in what it returns, so that an item can be read and written back as it was.
const (
	binaryName    = "$binary"     // {"$binary": "aGVsbG8="}, in base64
	stringSetName = "$string_set" // {"$string_set": ["a", "b"]}
	numberSetName = "$number_set" // {"$number_set": [1, 2.5]}
	binarySetName = "$binary_set" // {"$binary_set": ["aGVsbG8="]}
)

// attributeValue turns JSON, with numbers as [json.Number], into a value of DynamoDB. Numbers keep their text. The
// error says where in the value the fault is.
func attributeValue(value any) (types.AttributeValue, error) {
	switch v := value.(type) {
	case nil:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case bool:
		return &types.AttributeValueMemberBOOL{Value: v}, nil
	case string:
		return &types.AttributeValueMemberS{Value: v}, nil
	case json.Number:
		return numberValue(v.String())
	case []any:
		return listValue(v)
	case map[string]any:
		if special, isSpecial, err := specialValue(v); isSpecial {
			return special, err
		}
		members, err := attributeValues(v)
		return &types.AttributeValueMemberM{Value: members}, err
	default:
		return nil, fmt.Errorf("a %T is not JSON", value)
	}
}

// attributeValues does the same for each member of an object.
func attributeValues(object map[string]any) (map[string]types.AttributeValue, error) {
	values := make(map[string]types.AttributeValue, len(object))
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(object)) {
		value, err := attributeValue(object[name])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", quote(name), err))
		}
		values[name] = value
	}
	return values, errors.Join(faults...)
}

func numberValue(text string) (types.AttributeValue, error) {
	return &types.AttributeValueMemberN{Value: text}, checkNumber(text)
}

func listValue(elements []any) (types.AttributeValue, error) {
	values := make([]types.AttributeValue, len(elements))
	for i, element := range elements {
		value, err := attributeValue(element)
		if err != nil {
			return nil, fmt.Errorf("element %d: %w", i+1, err)
		}
		values[i] = value
	}
	return &types.AttributeValueMemberL{Value: values}, nil
}

// specialValue reads one of the objects that stand for types which JSON lacks.
func specialValue(object map[string]any) (value types.AttributeValue, isSpecial bool, err error) {
	if len(object) != 1 {
		return nil, false, nil
	}
	for name, content := range object {
		switch name {
		case binaryName:
			data, err := binary(content)
			return &types.AttributeValueMemberB{Value: data}, true, wrap(name, err)
		case stringSetName:
			texts, err := elements(content, text)
			return &types.AttributeValueMemberSS{Value: texts}, true, wrap(name, err)
		case numberSetName:
			numbers, err := elements(content, number)
			return &types.AttributeValueMemberNS{Value: numbers}, true, wrap(name, err)
		case binarySetName:
			data, err := elements(content, binary)
			return &types.AttributeValueMemberBS{Value: data}, true, wrap(name, err)
		}
	}
	return nil, false, nil
}

func wrap(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %w", name, err)
}

func binary(content any) ([]byte, error) {
	encoded, ok := content.(string)
	if !ok {
		return nil, errors.New("must hold base64 text")
	}
	data, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || base64.StdEncoding.EncodeToString(data) != encoded {
		return nil, errors.New("does not hold base64 (the standard alphabet, padded)")
	}
	return data, nil
}

func text(content any) (string, error) {
	s, ok := content.(string)
	if !ok {
		return "", errors.New("must hold texts")
	}
	return s, nil
}

// number also takes text, as which numbers come back that a float64 does not keep.
func number(content any) (string, error) {
	switch n := content.(type) {
	case json.Number:
		return n.String(), checkNumber(n.String())
	case string:
		return n, checkNumber(n)
	default:
		return "", errors.New("must hold numbers")
	}
}

// elements reads the elements of a set, which is never empty.
func elements[T any](content any, read func(any) (T, error)) ([]T, error) {
	list, ok := content.([]any)
	if !ok || len(list) == 0 {
		return nil, errors.New("must hold an array of at least one element")
	}
	set := make([]T, len(list))
	for i, element := range list {
		read, err := read(element)
		if err != nil {
			return nil, err
		}
		set[i] = read
	}
	return set, nil
}

// plainItem turns the attributes of an item into JSON.
func plainItem(item map[string]types.AttributeValue) map[string]any {
	object := make(map[string]any, len(item))
	for name, value := range item {
		object[name] = plainValue(value)
	}
	return object
}

// plainValue turns a value of DynamoDB into JSON. A number becomes a number of the same text where a float64 keeps it,
// else that text: most readers of JSON, Dify's included, would silently change it.
func plainValue(value types.AttributeValue) any {
	switch v := value.(type) {
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return plainNumber(v.Value)
	case *types.AttributeValueMemberB:
		return map[string]any{binaryName: base64.StdEncoding.EncodeToString(v.Value)}
	case *types.AttributeValueMemberL:
		return plainList(v.Value, plainValue)
	case *types.AttributeValueMemberM:
		return plainItem(v.Value)
	case *types.AttributeValueMemberSS:
		return map[string]any{stringSetName: plainList(v.Value, func(s string) any { return s })}
	case *types.AttributeValueMemberNS:
		return map[string]any{numberSetName: plainList(v.Value, plainNumber)}
	case *types.AttributeValueMemberBS:
		return map[string]any{binarySetName: plainList(v.Value, func(b []byte) any { return base64.StdEncoding.EncodeToString(b) })}
	default: // NULL, which is always true
		return nil
	}
}

func plainNumber(text string) any {
	if survivesFloat(text) {
		return json.Number(text)
	}
	return text
}

func plainList[T any](values []T, plain func(T) any) []any {
	list := make([]any, len(values))
	for i, value := range values {
		list[i] = plain(value)
	}
	return list
}
