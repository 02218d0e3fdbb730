package sagemaker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// candidate is a JSON object whose content is ranked. What else it holds stays as it was: the order of its keys, and
// numbers to the last digit.
type candidate struct {
	members []member
	content string
}

// member is a key of a candidate and its value.
type member struct {
	key   string
	value json.RawMessage
}

const (
	contentKey = "content"
	scoreKey   = "score"
	// formerScoreKey holds the score that a candidate had before it was ranked.
	formerScoreKey = "original_score"
	candidatesForm = `write [{"content": "a text"}, {"content": "another"}]`
)

// readCandidates reads a JSON array of objects with a content each. The error names every object that is wrong.
func readCandidates(value any) ([]candidate, error) {
	raw, err := param.JSON(value)
	if err != nil {
		return nil, err
	}
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil || items == nil {
		return nil, fmt.Errorf("is not a JSON array: %s", candidatesForm)
	}
	candidates := make([]candidate, len(items))
	var wrong []error
	for i, item := range items {
		if candidates[i], err = readCandidate(item); err != nil && len(wrong) < maxNamed {
			wrong = append(wrong, fmt.Errorf("has, as number %d, %w", i+1, err))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%w: %s", joined(wrong), candidatesForm)
	}
	return candidates, nil
}

// maxNamed is how many wrong candidates an error names.
const maxNamed = 5

// joined is one error in place of several.
func joined(several []error) error {
	all := several[0]
	for _, err := range several[1:] {
		all = fmt.Errorf("%w, and %w", all, err)
	}
	return all
}

func readCandidate(item json.RawMessage) (candidate, error) {
	members, err := readMembers(item)
	if err != nil {
		return candidate{}, err
	}
	c := candidate{members: members}
	raw, ok := c.get(contentKey)
	switch {
	case !ok:
		return c, errors.New("an object without content")
	case json.Unmarshal(raw, &c.content) != nil || raw[0] != '"':
		return c, errors.New("an object whose content is not a text")
	}
	return c, nil
}

// readMembers takes an object apart. Of a key that is there twice the last value counts, in the place of the first.
func readMembers(item json.RawMessage) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(item))
	if open, err := decoder.Token(); err != nil || open != json.Delim('{') {
		return nil, fmt.Errorf("%s instead of an object", param.Clip(string(item)))
	}
	var c candidate
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		c.set(key.(string), value)
	}
	return c.members, nil
}

func (c candidate) at(key string) int {
	return slices.IndexFunc(c.members, func(m member) bool { return m.key == key })
}

func (c candidate) get(key string) (json.RawMessage, bool) {
	if i := c.at(key); i >= 0 {
		return c.members[i].value, true
	}
	return nil, false
}

func (c *candidate) set(key string, value json.RawMessage) {
	if i := c.at(key); i >= 0 {
		c.members[i].value = value
		return
	}
	c.members = append(c.members, member{key, value})
}

// scored is the candidate with a score. One that it had before is kept under another key; of several, the first.
func (c candidate) scored(s score) candidate {
	c.members = slices.Clone(c.members)
	if former, had := c.get(scoreKey); had {
		if _, kept := c.get(formerScoreKey); !kept {
			c.set(formerScoreKey, former)
		}
	}
	c.set(scoreKey, json.RawMessage(s.text))
	return c
}

// MarshalJSON implements [json.Marshaler].
func (c candidate) MarshalJSON() ([]byte, error) {
	out := []byte{'{'}
	for i, m := range c.members {
		if i > 0 {
			out = append(out, ',')
		}
		key, err := param.Encode(m.key)
		if err != nil {
			return nil, err
		}
		out = append(append(append(out, key...), ':'), m.value...)
	}
	return append(out, '}'), nil
}
