package dynamodb

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// conditional are the parameters of a write that a condition may prevent.
type conditional struct {
	ConditionExpression                 string
	ExpressionAttributeNames            map[string]string
	ExpressionAttributeValues           map[string]value
	ReturnValues                        string
	ReturnValuesOnConditionCheckFailure string
}

// check reads the condition, and refuses return values that the operation does not know.
func (c conditional) check(used *usage, known ...string) (condition, *aws.Error) {
	if c.ReturnValues != "" && !slices.Contains(known, c.ReturnValues) {
		return nil, invalid("Return values set to invalid value")
	}
	return readCondition("ConditionExpression", c.ConditionExpression, used)
}

func met(c condition, it item) *aws.Error {
	if c == nil || c.holds(it) {
		return nil
	}
	return refused("ConditionalCheckFailedException", "The conditional request failed")
}

type attributesOutput struct {
	Attributes item `json:",omitempty"`
}

type putItemInput struct {
	TableName string
	Item      item
	conditional
}

func (s *Service) putItem(r *aws.Request, in *putItemInput) (any, *aws.Error) {
	t, failed := s.table(r, in.TableName)
	if failed != nil {
		return nil, failed
	}
	if failed := t.checkItem(in.Item); failed != nil {
		return nil, failed
	}
	key := t.encode(in.Item)
	was := t.items[key]
	if failed := in.decide(was); failed != nil {
		return nil, failed
	}
	t.items[key] = in.Item
	return in.old(was), nil
}

// decide checks everything about a put or a deletion but the item itself.
func (c conditional) decide(was item) *aws.Error {
	used, failed := newUsage(c.ExpressionAttributeNames, c.ExpressionAttributeValues, c.ConditionExpression)
	if failed != nil {
		return failed
	}
	condition, failed := c.check(used, "NONE", "ALL_OLD")
	if failed != nil {
		return failed
	}
	if failed := used.finish(); failed != nil {
		return failed
	}
	return met(condition, was)
}

func (c conditional) old(was item) attributesOutput {
	if c.ReturnValues != "ALL_OLD" {
		return attributesOutput{}
	}
	return attributesOutput{was}
}

type deleteItemInput struct {
	TableName string
	Key       item
	conditional
}

func (s *Service) deleteItem(r *aws.Request, in *deleteItemInput) (any, *aws.Error) {
	t, failed := s.table(r, in.TableName)
	if failed != nil {
		return nil, failed
	}
	if failed := t.checkKey(in.Key); failed != nil {
		return nil, failed
	}
	key := t.encode(in.Key)
	was := t.items[key]
	if failed := in.decide(was); failed != nil {
		return nil, failed
	}
	delete(t.items, key)
	return in.old(was), nil
}

type getItemInput struct {
	TableName                string
	Key                      item
	ConsistentRead           bool
	ProjectionExpression     string
	ExpressionAttributeNames map[string]string
}

type getItemOutput struct {
	Item *item `json:",omitempty"`
}

func (s *Service) getItem(r *aws.Request, in *getItemInput) (any, *aws.Error) {
	t, failed := s.table(r, in.TableName)
	if failed != nil {
		return nil, failed
	}
	if failed := t.checkKey(in.Key); failed != nil {
		return nil, failed
	}
	used, failed := newUsage(in.ExpressionAttributeNames, nil, in.ProjectionExpression)
	if failed != nil {
		return nil, failed
	}
	paths, failed := readProjection(in.ProjectionExpression, used)
	if failed != nil {
		return nil, failed
	}
	if failed := used.finish(); failed != nil {
		return nil, failed
	}
	found, ok := t.items[t.encode(in.Key)]
	if !ok {
		return getItemOutput{}, nil
	}
	projected := found.project(paths)
	return getItemOutput{&projected}, nil
}

type updateItemInput struct {
	TableName        string
	Key              item
	UpdateExpression string
	conditional
}

func (s *Service) updateItem(r *aws.Request, in *updateItemInput) (any, *aws.Error) {
	t, failed := s.table(r, in.TableName)
	if failed != nil {
		return nil, failed
	}
	if failed := t.checkKey(in.Key); failed != nil {
		return nil, failed
	}
	used, failed := newUsage(in.ExpressionAttributeNames, in.ExpressionAttributeValues, in.ConditionExpression, in.UpdateExpression)
	if failed != nil {
		return nil, failed
	}
	changes, failed := readUpdate(in.UpdateExpression, used)
	if failed != nil {
		return nil, failed
	}
	condition, failed := in.check(used, "NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW")
	if failed != nil {
		return nil, failed
	}
	if failed := used.finish(); failed != nil {
		return nil, failed
	}
	return t.update(in, changes, condition)
}

// update changes an item, or makes one. Its parameters were checked.
func (t *table) update(in *updateItemInput, changes []change, condition condition) (any, *aws.Error) {
	for _, c := range changes {
		if name := c.path[0].name; slices.Contains(t.keys.names(), name) {
			return nil, invalid("One or more parameter values were invalid: Cannot update attribute %s. This attribute is part of the key", name)
		}
	}
	key := t.encode(in.Key)
	was := t.items[key]
	if failed := met(condition, was); failed != nil {
		return nil, failed
	}
	base := was
	if base == nil {
		base = in.Key
	}
	is, failed := apply(changes, base)
	if failed != nil {
		return nil, failed
	}
	if failed := t.checkItem(is); failed != nil {
		if strings.HasPrefix(failed.Message, "Item size") {
			failed.Message = "Item size to update has exceeded the maximum allowed size"
		}
		return nil, failed
	}
	t.items[key] = is
	return returned(in.ReturnValues, changes, was, is), nil
}

// apply makes the changes to a copy of an item.
func apply(changes []change, before item) (item, *aws.Error) {
	after := value{kind: typeMap, items: before.clone()}
	for _, c := range changes {
		do, failed := c.do(before)
		if failed != nil {
			return nil, failed
		}
		if failed := after.change(c.path, do); failed != nil {
			return nil, failed
		}
	}
	return after.items, nil
}

// returned are the attributes that an update was asked to return.
func returned(asked string, changes []change, was, is item) attributesOutput {
	var touched []path
	for _, c := range changes {
		touched = append(touched, c.path)
	}
	switch asked {
	case "ALL_OLD":
		return attributesOutput{was}
	case "ALL_NEW":
		return attributesOutput{is}
	case "UPDATED_OLD":
		return attributesOutput{was.project(append([]path{}, touched...))}
	case "UPDATED_NEW":
		return attributesOutput{is.project(append([]path{}, touched...))}
	default:
		return attributesOutput{}
	}
}

// Items are the items of a table in the order of a scan, each as DynamoDB writes it in JSON: attribute names, types
// and values. It is for tests that look at what was stored.
func (s *Service) Items(tableARN string) ([]map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables[tableARN]
	if t == nil {
		return nil, fmt.Errorf("sandbox/aws/dynamodb: there is no table %s", tableARN)
	}
	var list []map[string]any
	for _, it := range t.ordered(t.keys) {
		typed := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(it)) {
			typed[name] = it[name]
		}
		list = append(list, typed)
	}
	return list, nil
}
