package agentcore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxFilters is how many filters one search takes.
const maxFilters = 5

// metadataFilter is one condition on the metadata of a record, as a user writes it: {"key": "team", "operator":
// "EQUALS_TO", "value": "a"}.
type metadataFilter struct {
	Key      string `json:"key"`
	Operator string `json:"operator"`
	Value    any    `json:"value"`
}

// parseFilters reads a JSON array of filters. Nothing is none.
func parseFilters(value any) ([]types.MemoryMetadataFilterExpression, error) {
	if text, ok := value.(string); ok && strings.TrimSpace(text) == "" {
		return nil, nil
	}
	raw, err := param.JSON(value)
	if raw == nil || err != nil {
		return nil, err
	}
	var filters []metadataFilter
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	decoder.UseNumber()
	if err := decoder.Decode(&filters); err != nil {
		return nil, errors.New(`must be an array of objects such as {"key": "team", "operator": "EQUALS_TO", "value": "a"}`)
	}
	if len(filters) > maxFilters {
		return nil, fmt.Errorf("has %d filters, and AgentCore takes at most %d", len(filters), maxFilters)
	}
	var all []types.MemoryMetadataFilterExpression
	for i, f := range filters {
		expression, err := f.expression()
		if err != nil {
			return nil, fmt.Errorf("has a filter at place %d that %w", i+1, err)
		}
		all = append(all, expression)
	}
	return all, nil
}

func (f metadataFilter) expression() (types.MemoryMetadataFilterExpression, error) {
	operator := types.MemoryRecordOperatorType(strings.ToUpper(strings.TrimSpace(f.Operator)))
	made := types.MemoryMetadataFilterExpression{Left: &types.MemoryRecordLeftExpressionMemberMetadataKey{Value: f.Key}, Operator: operator}
	if f.Key == "" {
		return made, errors.New("names no key")
	}
	if known := operator.Values(); !slices.Contains(known, operator) {
		return made, fmt.Errorf("has the operator %q: there are %s", param.Clip(f.Operator), strings.Trim(fmt.Sprint(known), "[]"))
	}
	bare := operator == types.MemoryRecordOperatorTypeExists || operator == types.MemoryRecordOperatorTypeNotExists
	if bare && f.Value == nil {
		return made, nil
	}
	if bare {
		return made, fmt.Errorf("has a value, and %s takes none", operator)
	}
	value, err := f.metadataValue(operator)
	made.Right = &types.MemoryRecordRightExpressionMemberMetadataValue{Value: value}
	return made, err
}

// metadataValue is the value in the type that it has: text, a number, a list of texts, or for BEFORE and AFTER a time.
func (f metadataFilter) metadataValue(operator types.MemoryRecordOperatorType) (types.MemoryRecordMetadataValue, error) {
	isTime := operator == types.MemoryRecordOperatorTypeBefore || operator == types.MemoryRecordOperatorTypeAfter
	switch v := f.Value.(type) {
	case string:
		if !isTime {
			return &types.MemoryRecordMetadataValueMemberStringValue{Value: v}, nil
		}
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return &types.MemoryRecordMetadataValueMemberDateTimeValue{Value: at}, nil
		}
	case json.Number:
		if number, err := v.Float64(); err == nil && !isTime {
			return &types.MemoryRecordMetadataValueMemberNumberValue{Value: number}, nil
		}
	case []any:
		if list, ok := texts(v); ok && !isTime {
			return &types.MemoryRecordMetadataValueMemberStringListValue{Value: list}, nil
		}
	}
	if isTime {
		return nil, fmt.Errorf("needs a time as its value, such as 2025-01-02T03:04:05Z, for %s", operator)
	}
	return nil, errors.New("needs a value: text, a number or a list of texts")
}

func texts(values []any) ([]string, bool) {
	var list []string
	for _, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, false
		}
		list = append(list, text)
	}
	return list, len(list) > 0
}
