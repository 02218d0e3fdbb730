package agentcore

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

const (
	maxQuery   = 10_000 // characters
	maxFilters = 5
)

// Record is what a memory has extracted from events.
type Record struct {
	ID, Text, StrategyID string
	Namespace            string
	Created              time.Time
	// Score is how well the record fits any query; a stand-in understands none.
	Score float64
	// Metadata are values in the form of the API, such as {"stringValue": "a"} or {"dateTimeValue": 1735787045}.
	Metadata map[string]map[string]any
}

// AddRecords puts records into a memory.
func (s *Service) AddRecords(memoryID string, records ...Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.memories {
		if m.ID == memoryID {
			m.records = append(m.records, records...)
		}
	}
}

// retrieveRequest is the body of RetrieveMemoryRecords.
type retrieveRequest struct {
	Namespace     *string   `json:"namespace"`
	NamespacePath *string   `json:"namespacePath"`
	Criteria      *criteria `json:"searchCriteria"`
	MaxResults    *int      `json:"maxResults"`
	NextToken     *string   `json:"nextToken"`
}

type criteria struct {
	Query      string   `json:"searchQuery"`
	StrategyID *string  `json:"memoryStrategyId"`
	TopK       *int     `json:"topK"`
	Filters    []filter `json:"metadataFilters"`
}

type filter struct {
	Left struct {
		Key string `json:"metadataKey"`
	} `json:"left"`
	Operator string `json:"operator"`
	Right    *struct {
		Value map[string]any `json:"metadataValue"`
	} `json:"right"`
}

func (s *Service) retrieve(w http.ResponseWriter, r *aws.Request, m *Memory) *aws.Error {
	var in retrieveRequest
	if failed := r.JSON(&in); failed != nil {
		return failed
	}
	if failed := in.check(); failed != nil {
		return failed
	}
	var found []Record
	for _, record := range m.records {
		if in.wants(record) {
			found = append(found, record)
		}
	}
	slices.SortStableFunc(found, func(a, b Record) int { return cmp.Compare(b.Score, a.Score) })
	if in.Criteria.TopK != nil {
		found = found[:min(len(found), *in.Criteria.TopK)]
	}
	from, to, next, failed := s.page(len(found), in.MaxResults, in.NextToken)
	if failed != nil {
		return failed
	}
	summaries := []any{}
	for _, record := range found[from:to] {
		summaries = append(summaries, record.shown())
	}
	out := map[string]any{"memoryRecordSummaries": summaries}
	if next != "" {
		out["nextToken"] = next
	}
	answer(w, http.StatusOK, out)
	return nil
}

func (r Record) shown() map[string]any {
	shown := map[string]any{
		"memoryRecordId": r.ID, "content": map[string]string{"text": r.Text}, "memoryStrategyId": r.StrategyID,
		"namespaces": []string{r.Namespace}, "createdAt": epoch(r.Created), "score": r.Score,
	}
	if r.Metadata != nil {
		shown["metadata"] = r.Metadata
	}
	return shown
}

func (in retrieveRequest) check() *aws.Error {
	if (in.Namespace == nil) == (in.NamespacePath == nil) {
		return invalid("Exactly one of 'namespace' and 'namespacePath' is required.")
	}
	for _, namespace := range []*string{in.Namespace, in.NamespacePath} {
		if namespace != nil && (len(*namespace) > maxNamespace || !namespacePattern.MatchString(*namespace)) {
			return invalid("The value '%s' at 'namespace' does not match the pattern of namespaces.", *namespace)
		}
	}
	if in.Criteria == nil {
		return invalid("The value at 'searchCriteria' must not be null.")
	}
	if failed := checkLength("searchQuery", in.Criteria.Query, 1, maxQuery); failed != nil {
		return failed
	}
	switch c := in.Criteria; {
	case c.TopK != nil && (*c.TopK < 1 || *c.TopK > 100):
		return invalid("The value %d at 'topK' must be from 1 to 100.", *c.TopK)
	case c.StrategyID != nil && (len(*c.StrategyID) > 100 || !sessionPattern.MatchString(*c.StrategyID)):
		return invalid("The value '%s' at 'memoryStrategyId' does not match the pattern of strategies.", *c.StrategyID)
	case c.Filters != nil && (len(c.Filters) < 1 || len(c.Filters) > maxFilters):
		return invalid("The value at 'metadataFilters' must have 1 to %d parts.", maxFilters)
	}
	for _, f := range in.Criteria.Filters {
		if failed := f.check(); failed != nil {
			return failed
		}
	}
	return nil
}

func (f filter) check() *aws.Error {
	operators := []string{
		"EQUALS_TO", "EXISTS", "NOT_EXISTS", "BEFORE", "AFTER", "CONTAINS", "GREATER_THAN", "GREATER_THAN_OR_EQUALS", "LESS_THAN", "LESS_THAN_OR_EQUALS",
	}
	bare := f.Operator == "EXISTS" || f.Operator == "NOT_EXISTS"
	switch {
	case !slices.Contains(operators, f.Operator):
		return invalid("The value '%s' at 'operator' must be one of %s.", f.Operator, strings.Join(operators, ", "))
	case bare != (f.Right == nil):
		return invalid("The operator %s does not fit the right side of its filter.", f.Operator)
	case f.Right != nil && len(f.Right.Value) != 1:
		return &aws.Error{Status: http.StatusBadRequest, Code: "SerializationException", Message: "The value of a filter must have exactly one member."}
	}
	return checkLength("metadataKey", f.Left.Key, 1, 128)
}

// wants reports whether a record is asked for. A namespace is one, and a namespacePath is everything at and below it.
func (in retrieveRequest) wants(r Record) bool {
	if in.Namespace != nil && r.Namespace != *in.Namespace {
		return false
	}
	if in.NamespacePath != nil && !strings.HasPrefix(strings.TrimSuffix(r.Namespace, "/")+"/", strings.TrimSuffix(*in.NamespacePath, "/")+"/") {
		return false
	}
	if in.Criteria.StrategyID != nil && r.StrategyID != *in.Criteria.StrategyID {
		return false
	}
	return !slices.ContainsFunc(in.Criteria.Filters, func(f filter) bool { return !f.passes(r.Metadata[f.Left.Key]) })
}

// passes compares in the way of its operator. Of the comparisons that need an order, numbers and times have one.
func (f filter) passes(value map[string]any) bool {
	if f.Right == nil {
		return (value != nil) == (f.Operator == "EXISTS")
	}
	var want, got any
	for kind := range f.Right.Value {
		want, got = plain(f.Right.Value[kind]), plain(value[kind])
	}
	left, leftOK := got.(float64)
	right, rightOK := want.(float64)
	ordered := leftOK && rightOK
	switch f.Operator {
	case "CONTAINS":
		return contains(value["stringListValue"], want)
	case "AFTER", "GREATER_THAN":
		return ordered && left > right
	case "GREATER_THAN_OR_EQUALS":
		return ordered && left >= right
	case "BEFORE", "LESS_THAN":
		return ordered && left < right
	case "LESS_THAN_OR_EQUALS":
		return ordered && left <= right
	}
	a, errA := json.Marshal(got)
	b, errB := json.Marshal(want)
	return errA == nil && errB == nil && value != nil && string(a) == string(b)
}

func contains(list, want any) bool {
	items, _ := plain(list).([]any)
	return slices.Contains(items, want)
}

// plain gives a value the types that it has in JSON.
func plain(value any) any {
	raw, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var same any
	_ = json.Unmarshal(raw, &same) // just written
	return same
}
