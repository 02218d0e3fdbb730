package dynamodb

import (
	"crypto/sha256"
	"slices"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// maxPage is how many bytes of items a page holds.
const maxPage = 1 << 20

// reading are the parameters that a query and a scan share.
type reading struct {
	TableName, IndexName      string
	ConsistentRead            bool
	ExclusiveStartKey         item
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]value
	FilterExpression          string
	ProjectionExpression      string
	Limit                     *int32
}

type pageOutput struct {
	Items            []item
	Count            int
	ScannedCount     int
	LastEvaluatedKey item `json:",omitempty"`
}

// reader is a query or a scan whose parameters were read.
type reader struct {
	*reading
	table  *table
	keys   keys // of the table or the index
	used   *usage
	filter condition
	paths  []path
}

func (s *Service) reader(r *aws.Request, in *reading, further ...string) (*reader, *aws.Error) {
	t, failed := s.table(r, in.TableName)
	if failed != nil {
		return nil, failed
	}
	rd := &reader{reading: in, table: t, keys: t.keys}
	if in.Limit != nil && *in.Limit < 1 {
		return nil, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1", *in.Limit)
	}
	if in.IndexName != "" {
		found, ok := t.indexes[in.IndexName]
		switch {
		case !ok:
			return nil, invalid("The table does not have the specified index: %s", in.IndexName)
		case found.global && in.ConsistentRead:
			return nil, invalid("Consistent reads are not supported on global secondary indexes")
		}
		rd.keys = found.keys
	}
	if failed := rd.checkStart(); failed != nil {
		return nil, failed
	}
	return rd, rd.expressions(further)
}

func (rd *reader) expressions(further []string) (failed *aws.Error) {
	in := rd.reading
	rd.used, failed = newUsage(in.ExpressionAttributeNames, in.ExpressionAttributeValues, append(further, in.FilterExpression, in.ProjectionExpression)...)
	if failed != nil {
		return failed
	}
	if rd.filter, failed = readCondition("FilterExpression", in.FilterExpression, rd.used); failed != nil {
		return failed
	}
	rd.paths, failed = readProjection(in.ProjectionExpression, rd.used)
	return failed
}

// startNames are the attributes of the key at which a page ends.
func (rd *reader) startNames() []string {
	names := append(rd.table.keys.names(), rd.keys.names()...)
	slices.Sort(names)
	return slices.Compact(names)
}

// checkStart demands that the start key is one of the table, or of the index.
func (rd *reader) checkStart() *aws.Error {
	if rd.ExclusiveStartKey == nil {
		return nil
	}
	if failed := rd.ExclusiveStartKey.check(0); failed != nil {
		return failed
	}
	names := rd.startNames()
	wrong := func(name string) bool { return rd.ExclusiveStartKey[name].kind != rd.table.types[name] }
	if len(names) != len(rd.ExclusiveStartKey) || slices.ContainsFunc(names, wrong) {
		return invalid("The provided starting key is invalid: The provided key element does not match the schema")
	}
	return nil
}

// page reads a page of items, which are in order.
func (rd *reader) page(items []item, descending bool) pageOutput {
	out := pageOutput{Items: []item{}}
	size := 0
	for _, it := range items {
		if rd.ExclusiveStartKey != nil {
			order := rd.table.order(rd.keys, it, rd.ExclusiveStartKey)
			if order == 0 || order < 0 != descending {
				continue
			}
		}
		out.ScannedCount++
		size += it.size()
		if rd.filter == nil || rd.filter.holds(it) {
			out.Items = append(out.Items, it.project(rd.paths))
		}
		if rd.Limit != nil && out.ScannedCount == int(*rd.Limit) || size >= maxPage {
			out.LastEvaluatedKey = rd.endKey(it)
			break
		}
	}
	out.Count = len(out.Items)
	return out
}

func (rd *reader) endKey(it item) item {
	key := item{}
	for _, name := range rd.startNames() {
		key[name] = it[name]
	}
	return key
}

type scanInput struct{ reading }

func (s *Service) scan(r *aws.Request, in *scanInput) (any, *aws.Error) {
	rd, failed := s.reader(r, &in.reading)
	if failed != nil {
		return nil, failed
	}
	if failed := rd.used.finish(); failed != nil {
		return nil, failed
	}
	return rd.page(rd.table.ordered(rd.keys), false), nil
}

type queryInput struct {
	reading
	KeyConditionExpression string
	ScanIndexForward       *bool
}

func (s *Service) query(r *aws.Request, in *queryInput) (any, *aws.Error) {
	rd, failed := s.reader(r, &in.reading, in.KeyConditionExpression)
	if failed != nil {
		return nil, failed
	}
	if in.KeyConditionExpression == "" {
		return nil, invalid("Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.")
	}
	wanted, failed := readCondition("KeyConditionExpression", in.KeyConditionExpression, rd.used)
	if failed != nil {
		return nil, failed
	}
	partition, failed := rd.keyCondition(wanted)
	if failed != nil {
		return nil, failed
	}
	if failed := rd.used.finish(); failed != nil {
		return nil, failed
	}
	if failed := rd.checkPartition(partition); failed != nil {
		return nil, failed
	}
	items := slices.DeleteFunc(rd.table.ordered(rd.keys), func(it item) bool { return !wanted.holds(it) })
	descending := in.ScanIndexForward != nil && !*in.ScanIndexForward
	if descending {
		slices.Reverse(items)
	}
	return rd.page(items, descending), nil
}

// checkPartition demands that a page begins in the partition that is read.
func (rd *reader) checkPartition(partition value) *aws.Error {
	if rd.ExclusiveStartKey == nil {
		return nil
	}
	start := rd.ExclusiveStartKey[rd.keys.hash]
	if sha256.Sum256([]byte(start.text)) != sha256.Sum256([]byte(partition.text)) {
		return invalid("The provided starting key is outside query boundaries based on provided conditions")
	}
	return nil
}

// keyCondition demands what DynamoDB demands of a key condition: the partition key equals a value, and at most one
// condition, which is none of inequality, is on the sort key. It returns the value of the partition key.
func (rd *reader) keyCondition(wanted condition) (partition value, failed *aws.Error) {
	parts, isAll := wanted.(all)
	if !isAll {
		parts = all{wanted}
	}
	if len(parts) > 2 {
		return value{}, invalid("Conditions can be of length 1 or 2 only")
	}
	equal := false
	for _, part := range parts {
		name, is, bounds, ok := rd.keyPart(part)
		switch {
		case !ok || is == "<>":
			return value{}, invalid("Invalid operator used in KeyConditionExpression: %s", is)
		case name == rd.keys.hash && is == "=":
			equal, partition = true, bounds[0]
		case name == rd.keys.hash:
			return value{}, invalid("Query key condition not supported")
		case name != rd.keys.sort:
			return value{}, invalid("Query condition missed key schema element: %s", rd.keys.names()[len(rd.keys.names())-1])
		}
		for _, bound := range bounds {
			if bound.kind != rd.table.types[name] {
				return value{}, invalid("One or more parameter values were invalid: Condition parameter type does not match schema type")
			}
			if bound.kind != typeN && bound.text == "" {
				return value{}, invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: %s", name)
			}
		}
	}
	if !equal {
		return value{}, invalid("Query condition missed key schema element: %s", rd.keys.hash)
	}
	return partition, nil
}

// keyPart takes one condition of a key condition apart.
func (rd *reader) keyPart(part condition) (name, is string, bounds []value, ok bool) {
	var what operand
	var given []operand
	switch c := part.(type) {
	case comparison:
		what, is, given = c.left, c.is, []operand{c.right}
	case between:
		what, is, given = c.what, "BETWEEN", []operand{c.low, c.high}
	case function:
		if c.name != "begins_with" {
			return "", c.name, nil, false
		}
		what, is, given = c.args[0], c.name, c.args[1:]
	default:
		return "", "OR", nil, false
	}
	p, isPath := what.(path)
	if !isPath || len(p) != 1 {
		return "", is, nil, false
	}
	for _, one := range given {
		bound, isLiteral := one.(literal)
		if !isLiteral {
			return "", is, nil, false
		}
		bounds = append(bounds, bound.value)
	}
	if is == "begins_with" && bounds[0].kind == typeN {
		return "", is, nil, false
	}
	return p[0].name, is, bounds, true
}
