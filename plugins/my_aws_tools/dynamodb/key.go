package dynamodb

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// keyPart is the partition key or the sort key as the parameters describe it.
type keyPart struct {
	parameter   string // of the value; those of name and type are called after it
	required    bool
	role        types.KeyType
	name, value string
	kind        types.ScalarAttributeType
	kindGiven   bool
}

func (p keyPart) nameParameter() string { return p.parameter + "_name" }

func (r *reader) keyParts() [2]keyPart {
	return [2]keyPart{
		{"partition_key", true, types.KeyTypeHash, r.in.PartitionKeyName, r.in.PartitionKey, kindOf(r.in.PartitionKeyType), r.in.PartitionKeyType != ""},
		{"sort_key", false, types.KeyTypeRange, r.in.SortKeyName, r.in.SortKey, kindOf(r.in.SortKeyType), r.in.SortKeyType != ""},
	}
}

func kindOf(chosen string) types.ScalarAttributeType {
	if chosen == "" {
		return types.ScalarAttributeTypeS
	}
	return types.ScalarAttributeType(chosen)
}

// keyValue reads the value of a key, or another value of its type.
func (r *reader) keyValue(parameter, value string, kind types.ScalarAttributeType) types.AttributeValue {
	switch kind {
	case types.ScalarAttributeTypeN:
		number := strings.TrimSpace(value)
		if err := checkNumber(number); err != nil {
			r.faultf(parameter, "%v", err)
		}
		return &types.AttributeValueMemberN{Value: number}
	case types.ScalarAttributeTypeB:
		data, err := base64.StdEncoding.DecodeString(value)
		if err != nil {
			r.faultf(parameter, "is not base64, as a binary key is written")
		}
		return &types.AttributeValueMemberB{Value: data}
	default:
		return &types.AttributeValueMemberS{Value: value}
	}
}

// key is the key of one item.
func (r *reader) key() map[string]types.AttributeValue {
	key := map[string]types.AttributeValue{}
	for _, part := range r.keyParts() {
		if part.name == "" && part.value == "" && !part.required {
			continue
		}
		if part.name == "" {
			r.faultf(part.nameParameter(), "is required for %s", r.in.Operation)
		}
		if part.value == "" {
			r.faultf(part.parameter, "is required for %s", r.in.Operation)
			continue
		}
		key[part.name] = r.keyValue(part.parameter, part.value, part.kind)
	}
	return key
}

// item is the whole item that is put. The keys may stand in item_data too, where they must not contradict.
func (r *reader) item() map[string]types.AttributeValue {
	if r.in.ItemData == nil {
		r.faultf("item_data", "is required for put_item: give the attributes as a JSON object, {} for an item of keys only")
		return nil
	}
	item := r.attributes("item_data", r.in.ItemData)
	for _, part := range r.keyParts() {
		held, isHeld := item[part.name]
		switch {
		case part.name == "" && part.value == "":
		case part.name == "":
			r.faultf(part.nameParameter(), "is required where %s is given", part.parameter)
		case part.value == "" && !isHeld:
			r.faultf(part.parameter, "is required: item_data does not hold %s either", quote(part.name))
		case part.value == "":
		case !isHeld:
			item[part.name] = r.keyValue(part.parameter, part.value, part.kind)
		default:
			r.checkAgreement(part, held)
		}
	}
	return item
}

// checkAgreement demands that item_data holds the same key as the parameters. A number is the same as its text where
// the parameters do not name a type: that was the only way to put a number into the key.
func (r *reader) checkAgreement(part keyPart, held types.AttributeValue) {
	kind := part.kind
	if _, isNumber := held.(*types.AttributeValueMemberN); isNumber && !part.kindGiven {
		kind = types.ScalarAttributeTypeN
		if checkNumber(part.value) != nil {
			kind = types.ScalarAttributeTypeS
		}
	}
	if !sameKey(r.keyValue(part.parameter, part.value, kind), held) {
		r.faultf("item_data", "holds another %s than %s: leave it out of item_data, or make them equal", quote(part.name), part.parameter)
	}
}

func sameKey(a, b types.AttributeValue) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		if !ok {
			return false
		}
		one, _ := parseDecimal(a.Value)
		other, _ := parseDecimal(b.Value)
		return one == other
	case *types.AttributeValueMemberB:
		b, ok := b.(*types.AttributeValueMemberB)
		return ok && slices.Equal(a.Value, b.Value)
	}
	return false
}
