package bedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	smithydocument "github.com/aws/smithy-go/document"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// decoder reads JSON, as the API reference of Bedrock writes it, into the types of the AWS SDK. It knows which names
// there are, which of them must be there and which values they take, and notes everything that is wrong with its place.
//
// The SDK itself can only write these types. Their names in JSON are those of their fields with a small first letter.
type decoder struct {
	problems []string
}

// decodeInto reads the JSON of a parameter into target, a pointer to a type of the SDK. The error completes a sentence
// that begins with the name of the parameter.
func decodeInto(value, target any) error {
	raw, err := param.JSON(value)
	if err != nil {
		return err
	}
	var tree any
	from := json.NewDecoder(bytes.NewReader(raw))
	from.UseNumber()
	if err := from.Decode(&tree); err != nil {
		return fmt.Errorf("is not JSON: %w", err)
	}
	if tree == nil {
		return errors.New("is null: leave the parameter blank for none")
	}
	var d decoder
	d.read("", tree, reflect.ValueOf(target).Elem())
	if len(d.problems) > 0 {
		return errors.New("is not as Bedrock has it: " + strings.Join(d.problems, "; "))
	}
	return nil
}

// wrong notes what is wrong at a place.
func (d *decoder) wrong(at, format string, args ...any) {
	if at == "" {
		at = "it"
	}
	d.problems = append(d.problems, at+" "+fmt.Sprintf(format, args...))
}

var (
	documentType = reflect.TypeFor[document.Interface]()
	bytesType    = reflect.TypeFor[[]byte]()
)

// read reads a value of a tree of JSON.
func (d *decoder) read(at string, value any, target reflect.Value) {
	switch t := target.Type(); {
	case t == documentType:
		target.Set(reflect.ValueOf(document.NewLazyDocument(plain(value))))
	case t == bytesType:
		d.readBytes(at, value, target)
	case t.Kind() == reflect.Pointer:
		pointed := reflect.New(t.Elem())
		d.read(at, value, pointed.Elem())
		target.Set(pointed)
	case t.Kind() == reflect.Interface:
		d.readUnion(at, value, target)
	case t.Kind() == reflect.Struct:
		d.readStruct(at, value, target)
	case t.Kind() == reflect.Slice:
		d.readList(at, value, target)
	case t.Kind() == reflect.Map:
		d.readMap(at, value, target)
	default:
		d.readScalar(at, value, target)
	}
}

// plain gives numbers the type that documents have for them: none of their digits is lost.
func plain(value any) any {
	switch v := value.(type) {
	case json.Number:
		return smithydocument.Number(v)
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = plain(item)
		}
		return list
	case map[string]any:
		object := map[string]any{}
		for name, item := range v {
			object[name] = plain(item)
		}
		return object
	}
	return value
}

func (d *decoder) readBytes(at string, value any, target reflect.Value) {
	text, _ := value.(string)
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil || text == "" {
		d.wrong(at, "must be base64")
		return
	}
	target.SetBytes(data)
}

func (d *decoder) readScalar(at string, value any, target reflect.Value) {
	number, isNumber := value.(json.Number)
	switch target.Kind() {
	case reflect.String:
		text, isText := value.(string)
		if isNumber { // such as the version of a guardrail
			text, isText = number.String(), true
		}
		if !isText {
			d.wrong(at, "must be text, it is %s", kindOf(value))
			return
		}
		d.checkChoice(at, text, target)
		target.SetString(text)
	case reflect.Int32:
		n, err := strconv.ParseFloat(number.String(), 64)
		if !isNumber || err != nil || n != math.Trunc(n) || math.Abs(n) > math.MaxInt32 {
			d.wrong(at, "must be a whole number, it is %s", shown(value))
			return
		}
		target.SetInt(int64(n))
	case reflect.Float32:
		n, err := strconv.ParseFloat(number.String(), 32)
		if !isNumber || err != nil {
			d.wrong(at, "must be a number, it is %s", shown(value))
			return
		}
		target.SetFloat(n)
	case reflect.Bool:
		on, isBool := value.(bool)
		if !isBool {
			d.wrong(at, "must be true or false, it is %s", shown(value))
		}
		target.SetBool(on)
	default:
		d.wrong(at, "cannot be set with this tool")
	}
}

// checkChoice holds a text against the choices of its type, if that has any.
func (d *decoder) checkChoice(at, text string, target reflect.Value) {
	values := target.MethodByName("Values")
	if !values.IsValid() {
		return
	}
	var choices []string
	for _, choice := range values.Call(nil)[0].Seq2() {
		choices = append(choices, choice.String())
	}
	if !slices.Contains(choices, text) {
		d.wrong(at, "must be one of %s, it is %q", strings.Join(choices, ", "), param.Clip(text))
	}
}

func (d *decoder) readList(at string, value any, target reflect.Value) {
	items, ok := value.([]any)
	if !ok {
		d.wrong(at, "must be an array, it is %s", kindOf(value))
		return
	}
	list := reflect.MakeSlice(target.Type(), len(items), len(items))
	for i, item := range items {
		d.read(fmt.Sprintf("%s[%d]", at, i), item, list.Index(i))
	}
	target.Set(list)
}

// readMap reads what is passed on to a model, whose names are not Bedrock's.
func (d *decoder) readMap(at string, value any, target reflect.Value) {
	object, ok := value.(map[string]any)
	if !ok {
		d.wrong(at, "must be an object, it is %s", kindOf(value))
		return
	}
	made := reflect.MakeMap(target.Type())
	for name, item := range object {
		if name == "" {
			d.wrong(at, "has an empty name")
			continue
		}
		element := reflect.New(target.Type().Elem()).Elem()
		d.read(within(at, name), item, element)
		made.SetMapIndex(reflect.ValueOf(name), element)
	}
	target.Set(made)
}

func (d *decoder) readStruct(at string, value any, target reflect.Value) {
	object, ok := value.(map[string]any)
	if !ok {
		d.wrong(at, "must be an object, it is %s", kindOf(value))
		return
	}
	fields := fieldsOf(target)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		field, known := fields[name]
		switch {
		case !known:
			d.wrong(at, "has no %q: there are %s", param.Clip(name), strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		case object[name] != nil:
			d.read(within(at, name), object[name], field)
		}
	}
	for _, name := range required()[target.Type()] {
		switch {
		case object[name] == nil:
			d.wrong(at, "lacks %s", name)
		case fields[name].Type() != documentType && isEmpty(object[name]):
			d.wrong(within(at, name), "is empty")
		}
	}
}

func isEmpty(value any) bool {
	list, isList := value.([]any)
	return value == "" || isList && len(list) == 0
}

// fieldsOf are the fields of a struct by their names in JSON.
func fieldsOf(target reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		if field := target.Type().Field(i); field.IsExported() {
			first := []rune(field.Name)
			first[0] = unicode.ToLower(first[0])
			fields[string(first)] = target.Field(i)
		}
	}
	return fields
}

// readUnion reads an object that has exactly one of several names, which says what it is.
func (d *decoder) readUnion(at string, value any, target reflect.Value) {
	object, ok := value.(map[string]any)
	members := unions()[target.Type()]
	names := strings.Join(slices.Sorted(maps.Keys(members)), ", ")
	if !ok || len(object) != 1 {
		d.wrong(at, "must be an object with one of %s, it is %s", names, countOf(value))
		return
	}
	for name, inner := range object {
		member, known := members[name]
		if !known {
			d.wrong(at, "has no %q: there are %s", param.Clip(name), names)
			return
		}
		made := reflect.New(member)
		if inner == nil {
			d.wrong(within(at, name), "is null")
			return
		}
		d.read(within(at, name), inner, made.Elem().FieldByName("Value"))
		d.checkOperator(within(at, name), name, inner)
		target.Set(made)
	}
}

// checkOperator checks what an operator of a filter is applied to: andAll and orAll combine two filters or more, in and
// notIn look into a list, and the others compare with one value.
func (d *decoder) checkOperator(at, operator string, inner any) {
	if filters, ok := inner.([]any); ok && (operator == "andAll" || operator == "orAll") && len(filters) < 2 {
		d.wrong(at, "combines two filters or more, it has %d", len(filters))
	}
	attribute, ok := inner.(map[string]any)
	if !ok || attribute["value"] == nil {
		return
	}
	list, isList := attribute["value"].([]any)
	_, isObject := attribute["value"].(map[string]any)
	switch wantsList := operator == "in" || operator == "notIn"; {
	case wantsList && (!isList || len(list) == 0):
		d.wrong(within(at, "value"), "must be an array that is not empty, it is %s", countOf(attribute["value"]))
	case !wantsList && (isList || isObject):
		d.wrong(within(at, "value"), "must be one text, number or boolean, it is %s", kindOf(attribute["value"]))
	}
}

// unions are the types of which only one kind can be there at a time, by the names of the kinds.
func unions() map[reflect.Type]map[string]reflect.Type {
	return map[reflect.Type]map[string]reflect.Type{
		reflect.TypeFor[types.RetrievalFilter](): {
			"andAll":              reflect.TypeFor[types.RetrievalFilterMemberAndAll](),
			"orAll":               reflect.TypeFor[types.RetrievalFilterMemberOrAll](),
			"equals":              reflect.TypeFor[types.RetrievalFilterMemberEquals](),
			"notEquals":           reflect.TypeFor[types.RetrievalFilterMemberNotEquals](),
			"greaterThan":         reflect.TypeFor[types.RetrievalFilterMemberGreaterThan](),
			"greaterThanOrEquals": reflect.TypeFor[types.RetrievalFilterMemberGreaterThanOrEquals](),
			"lessThan":            reflect.TypeFor[types.RetrievalFilterMemberLessThan](),
			"lessThanOrEquals":    reflect.TypeFor[types.RetrievalFilterMemberLessThanOrEquals](),
			"in":                  reflect.TypeFor[types.RetrievalFilterMemberIn](),
			"notIn":               reflect.TypeFor[types.RetrievalFilterMemberNotIn](),
			"startsWith":          reflect.TypeFor[types.RetrievalFilterMemberStartsWith](),
			"listContains":        reflect.TypeFor[types.RetrievalFilterMemberListContains](),
			"stringContains":      reflect.TypeFor[types.RetrievalFilterMemberStringContains](),
		},
		reflect.TypeFor[types.RerankingMetadataSelectiveModeConfiguration](): {
			"fieldsToInclude": reflect.TypeFor[types.RerankingMetadataSelectiveModeConfigurationMemberFieldsToInclude](),
			"fieldsToExclude": reflect.TypeFor[types.RerankingMetadataSelectiveModeConfigurationMemberFieldsToExclude](),
		},
	}
}

// required are the names that must be there, after the API reference.
func required() map[reflect.Type][]string {
	return map[reflect.Type][]string{
		reflect.TypeFor[types.ByteContentDoc]():                                  {"contentType", "data", "identifier"},
		reflect.TypeFor[types.ExternalSource]():                                  {"sourceType"},
		reflect.TypeFor[types.ExternalSourcesRetrieveAndGenerateConfiguration](): {"modelArn", "sources"},
		reflect.TypeFor[types.FieldForReranking]():                               {"fieldName"},
		reflect.TypeFor[types.FilterAttribute]():                                 {"key", "value"},
		reflect.TypeFor[types.GuardrailConfiguration]():                          {"guardrailId", "guardrailVersion"},
		reflect.TypeFor[types.ImplicitFilterConfiguration]():                     {"metadataAttributes", "modelArn"},
		reflect.TypeFor[types.KnowledgeBaseRetrieveAndGenerateConfiguration]():   {"knowledgeBaseId", "modelArn"},
		reflect.TypeFor[types.ManagedSearchBedrockRerankingConfiguration]():      {"modelConfiguration"},
		reflect.TypeFor[types.ManagedSearchBedrockRerankingModelConfiguration](): {"modelArn"},
		reflect.TypeFor[types.ManagedSearchRerankingConfiguration]():             {"type"},
		reflect.TypeFor[types.MetadataAttributeSchema]():                         {"description", "key", "type"},
		reflect.TypeFor[types.MetadataConfigurationForReranking]():               {"selectionMode"},
		reflect.TypeFor[types.QueryTransformationConfiguration]():                {"type"},
		reflect.TypeFor[types.RetrieveAndGenerateSessionConfiguration]():         {"kmsKeyArn"},
		reflect.TypeFor[types.S3ObjectDoc]():                                     {"uri"},
		reflect.TypeFor[types.VectorSearchBedrockRerankingConfiguration]():       {"modelConfiguration"},
		reflect.TypeFor[types.VectorSearchBedrockRerankingModelConfiguration]():  {"modelArn"},
		reflect.TypeFor[types.VectorSearchRerankingConfiguration]():              {"type"},
	}
}

// within is the place of a name inside of another place.
func within(at, name string) string {
	if at == "" {
		return param.Clip(name)
	}
	return at + "." + param.Clip(name)
}

// kindOf is a value by what it is, for errors about it.
func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case string:
		return "text"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}

// shown is a number or a text as it stands, and anything else by what it is.
func shown(value any) string {
	switch v := value.(type) {
	case json.Number:
		return v.String()
	case string:
		return strconv.Quote(param.Clip(v))
	}
	return kindOf(value)
}

// countOf says besides how much an object or an array holds.
func countOf(value any) string {
	switch v := value.(type) {
	case []any:
		return fmt.Sprintf("an array of %d", len(v))
	case map[string]any:
		return fmt.Sprintf("an object with %d names", len(v))
	}
	return kindOf(value)
}
