package dynamodb

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// keys are the attributes that identify and order items.
type keys struct {
	hash, sort string // sort is empty where there is none
}

func (k keys) names() []string {
	if k.sort == "" {
		return []string{k.hash}
	}
	return []string{k.hash, k.sort}
}

// index is a secondary index.
type index struct {
	keys
	global bool
}

// table holds items by the encoding of their key.
type table struct {
	name, arn string
	created   time.Time
	keys      keys
	types     map[string]string // of the key attributes
	indexes   map[string]index
	items     map[string]item
}

type keyElement struct{ AttributeName, KeyType string }

type attributeDefinition struct{ AttributeName, AttributeType string }

type projection struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type indexInput struct {
	IndexName  string
	KeySchema  []keyElement
	Projection projection
}

type createTableInput struct {
	TableName              string
	KeySchema              []keyElement
	AttributeDefinitions   []attributeDefinition
	BillingMode            string
	GlobalSecondaryIndexes []indexInput
	LocalSecondaryIndexes  []indexInput
}

var tableName = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func checkTableName(name string) *aws.Error {
	if tableName.MatchString(name) {
		return nil
	}
	return invalid("Invalid table/index name.  Table/index names must be between 3 and 255 characters long, and may contain only the "+
		"characters a-z, A-Z, 0-9, '_', '-', and '.' (%s)", name)
}

func (s *Service) createTable(r *aws.Request, in *createTableInput) (any, *aws.Error) {
	if failed := checkTableName(in.TableName); failed != nil {
		return nil, failed
	}
	if in.BillingMode != "PAY_PER_REQUEST" {
		return nil, invalid("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	t := &table{
		name: in.TableName, arn: arnOf(r, in.TableName), created: s.now(),
		types: map[string]string{}, indexes: map[string]index{}, items: map[string]item{},
	}
	if failed := t.define(in); failed != nil {
		return nil, failed
	}
	if s.tables[t.arn] != nil {
		return nil, refused("ResourceInUseException", "Table already exists: %s", t.name)
	}
	s.tables[t.arn] = t
	return map[string]any{"TableDescription": t.description("CREATING")}, nil
}

// define reads keys and indexes. Exactly the attributes of keys have to be defined.
func (t *table) define(in *createTableInput) (failed *aws.Error) {
	for _, d := range in.AttributeDefinitions {
		if !slices.Contains([]string{typeS, typeN, typeB}, d.AttributeType) {
			return invalid("1 validation error detected: Value '%s' at 'attributeDefinitions.1.member.attributeType' failed to satisfy constraint: Member must satisfy enum value set: [B, N, S]", d.AttributeType)
		}
		t.types[d.AttributeName] = d.AttributeType
	}
	if t.keys, failed = readKeys(in.KeySchema); failed != nil {
		return failed
	}
	used := t.keys.names()
	for i, given := range slices.Concat(in.GlobalSecondaryIndexes, in.LocalSecondaryIndexes) {
		read, failed := readKeys(given.KeySchema)
		if failed != nil {
			return failed
		}
		if given.Projection.ProjectionType != "ALL" {
			return invalid("The sandbox has no indexes but those that project ALL attributes")
		}
		t.indexes[given.IndexName] = index{keys: read, global: i < len(in.GlobalSecondaryIndexes)}
		used = append(used, read.names()...)
	}
	for _, name := range used {
		if t.types[name] == "" {
			return invalid("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", name)
		}
	}
	for name := range t.types {
		if !slices.Contains(used, name) {
			return invalid("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions")
		}
	}
	return nil
}

func readKeys(schema []keyElement) (keys, *aws.Error) {
	for _, element := range schema {
		if len(element.AttributeName) < 1 || len(element.AttributeName) > 255 {
			return keys{}, invalid("1 validation error detected: Value '%s' at 'keySchema.1.member.attributeName' failed to satisfy constraint: Member must have length less than or equal to 255", element.AttributeName)
		}
	}
	switch {
	case len(schema) == 1 && schema[0].KeyType == "HASH":
		return keys{hash: schema[0].AttributeName}, nil
	case len(schema) != 2 || schema[0].KeyType != "HASH" || schema[1].KeyType != "RANGE":
		return keys{}, invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	case schema[0].AttributeName == schema[1].AttributeName:
		return keys{}, invalid("Both the Hash Key and the Range Key element in the KeySchema have the same name")
	default:
		return keys{hash: schema[0].AttributeName, sort: schema[1].AttributeName}, nil
	}
}

func (t *table) description(status string) map[string]any {
	schema := []keyElement{{t.keys.hash, "HASH"}}
	if t.keys.sort != "" {
		schema = append(schema, keyElement{t.keys.sort, "RANGE"})
	}
	var defined []attributeDefinition
	for _, name := range slices.Sorted(maps.Keys(t.types)) {
		defined = append(defined, attributeDefinition{name, t.types[name]})
	}
	return map[string]any{
		"TableName": t.name, "TableArn": t.arn, "TableStatus": status, "CreationDateTime": float64(t.created.UnixMilli()) / 1e3,
		"KeySchema": schema, "AttributeDefinitions": defined, "ItemCount": len(t.items),
		"BillingModeSummary": map[string]any{"BillingMode": "PAY_PER_REQUEST"},
	}
}

type describeTableInput struct{ TableName string }

func (s *Service) describeTable(r *aws.Request, in *describeTableInput) (any, *aws.Error) {
	t := s.tables[arnOf(r, in.TableName)]
	if t == nil {
		return nil, refused("ResourceNotFoundException", "Requested resource not found: Table: %s not found", in.TableName)
	}
	return map[string]any{"Table": t.description(s.status(t))}, nil
}

func (s *Service) status(t *table) string {
	if s.now().Before(t.created.Add(s.creating)) {
		return "CREATING"
	}
	return "ACTIVE"
}

// table finds the table of a request about items.
func (s *Service) table(r *aws.Request, name string) (*table, *aws.Error) {
	if !strings.HasPrefix(name, "arn:") {
		if failed := checkTableName(name); failed != nil {
			return nil, failed
		}
	}
	t := s.tables[arnOf(r, name)]
	if t == nil || s.status(t) != "ACTIVE" {
		return nil, refused("ResourceNotFoundException", "Requested resource not found")
	}
	return t, nil
}

// checkKey demands that a key has exactly the attributes of the table's key, of their types.
func (t *table) checkKey(key item) *aws.Error {
	if failed := key.check(0); failed != nil {
		return failed
	}
	if len(key) != len(t.keys.names()) {
		return invalid("The provided key element does not match the schema")
	}
	for _, name := range t.keys.names() {
		if key[name].kind != t.types[name] {
			return invalid("The provided key element does not match the schema")
		}
	}
	return t.checkKeyValues(key)
}

// checkKeyValues refuses key values that are empty or too long.
func (t *table) checkKeyValues(key item) *aws.Error {
	for _, name := range t.keys.names() {
		v, limit, role := key[name], 2048, "hashkey"
		if name == t.keys.sort {
			limit, role = 1024, "rangekey"
		}
		switch {
		case v.kind != typeN && v.text == "":
			kind := map[string]string{typeS: "string", typeB: "binary"}[v.kind]
			return invalid("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, name)
		case v.kind != typeN && len(v.text) > limit:
			return invalid("One or more parameter values were invalid: Size of %s has exceeded the maximum size limit of %d bytes", role, limit)
		}
	}
	return nil
}

// checkItem demands that an item has the key, values of the right type for all indexes, and no more than 400 KB.
func (t *table) checkItem(it item) *aws.Error {
	if failed := it.check(0); failed != nil {
		return failed
	}
	for _, name := range t.keys.names() {
		v, ok := it[name]
		if !ok {
			return invalid("One or more parameter values were invalid: Missing the key %s in the item", name)
		}
		if v.kind != t.types[name] {
			return invalid("One or more parameter values were invalid: Type mismatch for key %s expected: %s actual: %s", name, t.types[name], v.kind)
		}
	}
	for name, kind := range t.types {
		if v, ok := it[name]; ok && v.kind != kind {
			return invalid("One or more parameter values were invalid: Type mismatch for Index Key %s Expected: %s Actual: %s", name, kind, v.kind)
		}
	}
	if it.size() > 400<<10 {
		return invalid("Item size has exceeded the maximum allowed size")
	}
	return t.checkKeyValues(it)
}

// encode is a key as text. Numbers are normalised, so that equal keys have equal texts.
func (t *table) encode(it item) string {
	var parts []string
	for _, name := range t.keys.names() {
		parts = append(parts, fmt.Sprintf("%s:%q", it[name].kind, it[name].text))
	}
	return strings.Join(parts, ",")
}

// ordered are the items that a table or an index holds, in the order in which they are read: by a hash of the
// partition key, then by the sort key, then, in an index, by the key of the table.
func (t *table) ordered(by keys) []item {
	var list []item
	for _, it := range t.items {
		if !slices.ContainsFunc(by.names(), func(name string) bool { _, ok := it[name]; return !ok }) {
			list = append(list, it)
		}
	}
	slices.SortFunc(list, func(a, b item) int { return t.order(by, a, b) })
	return list
}

func (t *table) order(by keys, a, b item) int {
	hashes := [2][sha256.Size]byte{sha256.Sum256([]byte(a[by.hash].text)), sha256.Sum256([]byte(b[by.hash].text))}
	sorted := 0
	if by.sort != "" {
		sorted, _ = a[by.sort].compare(b[by.sort])
	}
	return cmp.Or(slices.Compare(hashes[0][:], hashes[1][:]), sorted, cmp.Compare(t.encode(a), t.encode(b)))
}
