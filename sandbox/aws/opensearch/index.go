package opensearch

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
)

// Index is an index of one domain or collection.
type Index struct {
	// Host is the endpoint that it is at, in lower case and without a port.
	Host string
	Name string
	// Vector is the field that holds the vectors, Dimension how long they are.
	Vector    string
	Dimension int
	Documents []Document
	// Restricted makes the access policy of the data deny every search.
	Restricted bool
	// Incomplete makes one of two shards fail, and TimedOut the search take too long: both answers hold what was found.
	Incomplete, TimedOut bool
}

// Document is what is found.
type Document struct {
	ID string
	// Vector is compared with that of a search. It is not part of Source here, to keep answers short.
	Vector []float64
	Source map[string]any
}

// hit is a document that was found.
type hit struct {
	Index  string         `json:"_index"`
	ID     string         `json:"_id"`
	Score  float64        `json:"_score"`
	Source map[string]any `json:"_source"`
}

// search finds the nearest documents that pass a filter, best first.
func (x Index) search(q query) ([]hit, *failure) {
	found := []hit{}
	for _, d := range x.Documents {
		passes, failed := q.filter(d.Source)
		if failed != nil {
			return nil, failed
		}
		if passes {
			found = append(found, hit{Index: x.Name, ID: d.ID, Score: similarity(d.Vector, q.vector), Source: d.Source})
		}
	}
	slices.SortStableFunc(found, func(a, b hit) int { return cmp.Compare(b.Score, a.Score) })
	found = found[:min(len(found), q.k, q.size)]
	return slices.DeleteFunc(found, func(h hit) bool { return h.Score < q.minScore }), nil
}

// similarity is the score of OpenSearch for the space type l2.
func similarity(a, b []float64) float64 {
	var square float64
	for i := range min(len(a), len(b)) {
		square += (a[i] - b[i]) * (a[i] - b[i])
	}
	return 1 / (1 + square)
}

// query is a k-NN search that is written as it must be.
type query struct {
	size, k  int
	minScore float64
	vector   []float64
	filter   func(source map[string]any) (bool, *failure)
}

func everything(map[string]any) (bool, *failure) { return true, nil }

// read reads the body of a search.
func (x Index) read(body []byte) (query, *failure) {
	q := query{size: 10, filter: everything}
	top, failed := object(body, "request")
	if failed != nil {
		return q, failed
	}
	var clause json.RawMessage
	for key, raw := range top {
		switch key {
		case "size":
			q.size, failed = whole(key, raw, 0, 10_000)
		case "min_score":
			q.minScore, failed = number(key, raw)
		case "query":
			clause = raw
		default:
			failed = parsing("unknown key [%s] in the request", key)
		}
		if failed != nil {
			return q, failed
		}
	}
	if clause == nil {
		return q, parsing("the request has no query")
	}
	return q, x.readKNN(clause, &q)
}

func (x Index) readKNN(clause json.RawMessage, q *query) *failure {
	kind, inner, failed := single(clause, "query")
	if failed == nil && kind != "knn" {
		failed = parsing("the stand-in only knows the query knn, not [%s]", kind)
	}
	if failed != nil {
		return failed
	}
	field, inner, failed := single(inner, "knn")
	if failed != nil {
		return failed
	}
	members, failed := object(inner, "knn")
	if failed != nil {
		return failed
	}
	for key, raw := range members {
		switch key {
		case "vector":
			if json.Unmarshal(raw, &q.vector) != nil || len(q.vector) == 0 {
				failed = parsing("[knn] requires query vector")
			}
		case "k":
			q.k, failed = whole(key, raw, 1, 10_000)
		case "filter":
			q.filter, failed = readFilter(raw)
		default:
			failed = parsing("[knn] unknown token [%s]", key)
		}
		if failed != nil {
			return failed
		}
	}
	return x.fits(field, *q)
}

// fits checks a query against the mapping of the index.
func (x Index) fits(field string, q query) *failure {
	switch {
	case q.vector == nil:
		return parsing("[knn] requires query vector")
	case q.k == 0:
		return parsing("[knn] requires k to be an integer greater than 0")
	case field != x.Vector:
		return &failure{Status: 400, Type: "search_phase_execution_exception", Reason: "all shards failed", Cause: "query_shard_exception", Why: fmt.Sprintf("failed to create query: Field '%s' is not knn_vector type.", field)}
	case len(q.vector) != x.Dimension:
		return &failure{
			Status: 400, Type: "search_phase_execution_exception", Reason: "all shards failed", Cause: "query_shard_exception",
			Why: fmt.Sprintf("failed to create query: Query vector has invalid dimension: %d. Dimension should be: %d", len(q.vector), x.Dimension),
		}
	}
	return nil
}

// whole reads a number without a fraction.
func whole(name string, raw json.RawMessage, least, most int) (int, *failure) {
	value, failed := number(name, raw)
	if failed != nil || value != math.Trunc(value) || value < float64(least) || value > float64(most) {
		return 0, parsing("[%s] must be a whole number from %d to %d, it is %s", name, least, most, raw)
	}
	return int(value), nil
}

func number(name string, raw json.RawMessage) (float64, *failure) {
	var value *float64
	if json.Unmarshal(raw, &value) != nil || value == nil {
		return 0, parsing("[%s] must be a number, it is %s", name, raw)
	}
	return *value, nil
}

func object(raw json.RawMessage, name string) (map[string]json.RawMessage, *failure) {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil || members == nil {
		return nil, parsing("[%s] must be an object", name)
	}
	return members, nil
}

// single reads an object with one member.
func single(raw json.RawMessage, name string) (string, json.RawMessage, *failure) {
	members, failed := object(raw, name)
	if failed != nil {
		return "", nil, failed
	}
	if len(members) != 1 {
		return "", nil, parsing("[%s] malformed query, expected one member and found %d", name, len(members))
	}
	for key, value := range members {
		return key, value, nil
	}
	return "", nil, nil
}
