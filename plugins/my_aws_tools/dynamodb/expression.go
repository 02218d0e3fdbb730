package dynamodb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// expression is an expression as the user wrote it, nil for none.
func expression(text string) *string {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	return &text
}

// placeholders are what stands in expressions for the names of attributes, #name, and for values, :value.
type placeholders struct {
	r      *reader
	names  map[string]string
	values map[string]types.AttributeValue
}

// placeholders reads those of the user, where there is an expression that may use them: DynamoDB refuses to be given
// any without one.
func (r *reader) placeholders(expressions ...*string) *placeholders {
	p := &placeholders{r: r, names: map[string]string{}, values: map[string]types.AttributeValue{}}
	if !slices.ContainsFunc(expressions, func(e *string) bool { return e != nil }) {
		return p
	}
	names := r.object("expression_names", r.in.ExpressionNames)
	for _, placeholder := range slices.Sorted(maps.Keys(names)) {
		name, ok := names[placeholder].(string)
		if !ok || !strings.HasPrefix(placeholder, "#") {
			r.faultf("expression_names", `holds %s: write placeholders and names of attributes, as in {"#n": "name"}`, quote(placeholder))
		}
		p.names[placeholder] = name
	}
	p.values = r.attributes("expression_values", r.in.ExpressionValues)
	for _, placeholder := range slices.Sorted(maps.Keys(p.values)) {
		if !strings.HasPrefix(placeholder, ":") {
			r.faultf("expression_values", `holds %s: placeholders begin with a colon, as in {":v": 5}`, quote(placeholder))
		}
	}
	return p
}

// name adds a placeholder of the tool's own for the name of an attribute.
func (p *placeholders) name(placeholder, attribute string) string {
	placeholder = "#" + placeholder
	if _, taken := p.names[placeholder]; taken {
		p.r.faultf("expression_names", "holds %s, which the tool uses itself: choose another placeholder", placeholder)
	}
	p.names[placeholder] = attribute
	return placeholder
}

// value adds a placeholder of the tool's own for a value.
func (p *placeholders) value(placeholder string, value types.AttributeValue) string {
	placeholder = ":" + placeholder
	if _, taken := p.values[placeholder]; taken {
		p.r.faultf("expression_values", "holds %s, which the tool uses itself: choose another placeholder", placeholder)
	}
	p.values[placeholder] = value
	return placeholder
}

// maps are the placeholders as requests carry them; DynamoDB refuses empty ones.
func (p *placeholders) maps() (names map[string]string, values map[string]types.AttributeValue) {
	if len(p.names) > 0 {
		names = p.names
	}
	if len(p.values) > 0 {
		values = p.values
	}
	return names, values
}

// keyCondition is the condition of a query: the items of one partition, or those of them whose sort key fits.
func (r *reader) keyCondition(p *placeholders) *string {
	parts := r.keyParts()
	partition, sort := parts[0], parts[1]
	for _, required := range [][2]string{{partition.nameParameter(), partition.name}, {partition.parameter, partition.value}} {
		if required[1] == "" {
			r.faultf(required[0], "is required for query")
		}
	}
	condition := p.name("partition_key", partition.name) + " = "
	if partition.value != "" {
		condition += p.value("partition_key", r.keyValue(partition.parameter, partition.value, partition.kind))
	}
	if sort.value != "" {
		condition += " AND " + r.sortCondition(p, sort)
	} else if r.in.SortKeyEnd != "" || r.in.SortKeyCondition != "" && r.in.SortKeyCondition != "equal" {
		r.faultf("sort_key", "is required for the condition on it")
	}
	return aws.String(condition)
}

func (r *reader) sortCondition(p *placeholders, sort keyPart) string {
	if sort.name == "" {
		r.faultf(sort.nameParameter(), "is required where sort_key is given")
	}
	name := p.name("sort_key", sort.name)
	value := p.value("sort_key", r.keyValue(sort.parameter, sort.value, sort.kind))
	if r.in.SortKeyEnd != "" && r.in.SortKeyCondition != "between" {
		r.faultf("sort_key_end", "is only for the sort_key_condition between")
	}
	switch r.in.SortKeyCondition {
	case "begins_with":
		if sort.kind == types.ScalarAttributeTypeN {
			r.faultf("sort_key_condition", "begins_with is not for numbers")
		}
		return "begins_with(" + name + ", " + value + ")"
	case "between":
		if r.in.SortKeyEnd == "" {
			r.faultf("sort_key_end", "is required for the sort_key_condition between")
			return ""
		}
		return name + " BETWEEN " + value + " AND " + p.value("sort_key_end", r.keyValue("sort_key_end", r.in.SortKeyEnd, sort.kind))
	}
	return name + " " + operator(r.in.SortKeyCondition) + " " + value
}

func operator(condition string) string {
	switch condition {
	case "less":
		return "<"
	case "less_or_equal":
		return "<="
	case "greater":
		return ">"
	case "greater_or_equal":
		return ">="
	default: // equal
		return "="
	}
}

// attributes reads an object as attributes and their values.
func (r *reader) attributes(parameter string, value any) map[string]types.AttributeValue {
	values, err := attributeValues(r.object(parameter, value))
	if err != nil {
		r.faultf(parameter, "cannot be stored: %v", err)
	}
	return values
}

// object reads an object, or the text of one; none is an empty one.
func (r *reader) object(parameter string, value any) map[string]any {
	if value == nil {
		return nil
	}
	if text, isText := value.(string); isText {
		parsed, err := parseJSON(text)
		if err != nil {
			r.faultf(parameter, "is not JSON: %v", err)
			return nil
		}
		value = parsed
	}
	object, ok := value.(map[string]any)
	if !ok {
		r.faultf(parameter, `must be a JSON object, as in {"name": "value"}`)
	}
	return object
}

// parseJSON reads one JSON value; numbers keep their text.
func parseJSON(text string) (any, error) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			return nil, errors.New("it ends too early")
		}
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("there is more after the first value, at character %d", decoder.InputOffset())
	}
	return value, nil
}
