package opensearch

import (
	"encoding/json"
	"fmt"
	"slices"
)

// condition decides about a document.
type condition = func(source map[string]any) (bool, *failure)

// readFilter reads a query that filters.
func readFilter(raw json.RawMessage) (condition, *failure) {
	kind, inner, failed := single(raw, "filter")
	if failed != nil {
		return nil, failed
	}
	switch kind {
	case "match_all":
		return everything, nil
	case "term", "terms", "range":
		return readField(kind, inner)
	case "bool":
		return readBool(inner)
	}
	return nil, parsing("unknown query [%s]", kind)
}

func readField(kind string, raw json.RawMessage) (condition, *failure) {
	field, inner, failed := single(raw, kind)
	if failed != nil {
		return nil, failed
	}
	var wanted any
	if err := json.Unmarshal(inner, &wanted); err != nil {
		return nil, parsing("[%s] cannot be read", kind)
	}
	bounds, isRange := wanted.(map[string]any)
	list, isList := wanted.([]any)
	switch {
	case kind == "range" && !isRange:
		return nil, parsing("[range] query malformed, no start_object after query name")
	case kind == "terms" && !isList:
		return nil, parsing("[terms] query requires an array of terms")
	case kind == "term" && isList:
		return nil, parsing("[term] query does not support array of values")
	}
	return func(source map[string]any) (bool, *failure) {
		value, there := source[field]
		if kind == "range" {
			return there && within(value, bounds), nil
		}
		if !isList {
			list = []any{wanted}
		}
		return there && slices.ContainsFunc(list, func(one any) bool { return fmt.Sprint(one) == fmt.Sprint(value) }), nil
	}, nil
}

func within(value any, bounds map[string]any) bool {
	var v float64
	if _, err := fmt.Sscan(fmt.Sprint(value), &v); err != nil {
		return false
	}
	for name, bound := range bounds {
		limit, ok := bound.(float64)
		if !ok || name == "gte" && v < limit || name == "gt" && v <= limit || name == "lte" && v > limit || name == "lt" && v >= limit {
			return false
		}
	}
	return true
}

func readBool(raw json.RawMessage) (condition, *failure) {
	members, failed := object(raw, "bool")
	if failed != nil {
		return nil, failed
	}
	type part struct {
		condition
		want bool
	}
	var parts []part
	for kind, list := range members {
		var clauses []json.RawMessage
		if json.Unmarshal(list, &clauses) != nil {
			clauses = []json.RawMessage{list}
		}
		if kind != "must" && kind != "filter" && kind != "must_not" {
			return nil, parsing("[bool] query does not support [%s] in the stand-in", kind)
		}
		for _, clause := range clauses {
			c, failed := readFilter(clause)
			if failed != nil {
				return nil, failed
			}
			parts = append(parts, part{c, kind != "must_not"})
		}
	}
	return func(source map[string]any) (bool, *failure) {
		for _, p := range parts {
			if passes, failed := p.condition(source); failed != nil || passes != p.want {
				return false, failed
			}
		}
		return true, nil
	}, nil
}
