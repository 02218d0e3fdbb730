package opensearch

import (
	"encoding/json"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// found is a document that was found: the fields that were asked for, a value for each of them, and its score.
type found struct {
	fields []string
	values []json.RawMessage
	score  json.RawMessage
}

// scoreKey is where the score stands among the fields.
const scoreKey = "score"

// MarshalJSON implements [json.Marshaler].
func (f found) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, field := range f.fields {
		key, err := param.Encode(field)
		if err != nil {
			return nil, err
		}
		out = append(append(out, key...), ':')
		out = append(append(out, f.values[i]...), ',')
	}
	out = append(out, `"`+scoreKey+`":`...)
	return append(append(out, f.score...), '}'), nil
}

// searchAnswer is what is read of the answer to a search.
type searchAnswer struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Total, Failed int
	} `json:"_shards"`
	Hits *struct {
		Hits []struct {
			Score  json.RawMessage            `json:"_score"`
			Source map[string]json.RawMessage `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
}

// readFound reads what was found. A search that has not looked at all of the index has not found the best.
func readFound(content []byte, fields []string) ([]found, error) {
	var answer searchAnswer
	err := json.Unmarshal(content, &answer)
	switch {
	case err != nil || answer.Hits == nil:
		return nil, plugin.Errorf(plugin.Unavailable, "what answered is not OpenSearch, or its answer is cut off: check opensearch_endpoint, and try again")
	case answer.TimedOut:
		return nil, plugin.Errorf(plugin.Unavailable, "the search took too long, so that OpenSearch gave up and looked at a part of the index only: try again")
	case answer.Shards.Failed > 0:
		return nil, plugin.Errorf(plugin.Unavailable, "%d of the %d shards of the index have failed, so that OpenSearch looked at a part of it only: look at the health of the index, and try again", answer.Shards.Failed, answer.Shards.Total)
	}
	list := []found{}
	for _, hit := range answer.Hits.Hits {
		f := found{fields: fields, score: orNull(hit.Score)}
		for _, field := range fields {
			f.values = append(f.values, orNull(valueOf(hit.Source, field)))
		}
		list = append(list, f)
	}
	return list, nil
}

// valueOf is the value of a field: of that name, or inside of objects, with dots between their names.
func valueOf(source map[string]json.RawMessage, field string) json.RawMessage {
	if value, ok := source[field]; ok {
		return value
	}
	first, rest, nested := strings.Cut(field, ".")
	var inside map[string]json.RawMessage
	if !nested || json.Unmarshal(source[first], &inside) != nil {
		return nil
	}
	return valueOf(inside, rest)
}

func orNull(value json.RawMessage) json.RawMessage {
	if len(value) == 0 {
		return json.RawMessage("null")
	}
	return value
}
