package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxFields bounds a form.
const maxFields = 200

// field is a field of a form and what goes into it: a text, a number, true or false, or a list of choices.
type field struct {
	Name  string          `json:"name"`
	Value json.RawMessage `json:"value"`
}

// readFields reads a JSON object in the order in which it is written, in which the fields are filled in too. The error
// completes a sentence that begins with the parameter's name.
func readFields(value any) ([]field, error) {
	const form = `write it like {"name": "Ada", "newsletter": true}`
	if text, ok := value.(string); ok && strings.TrimSpace(text) == "" {
		value = nil
	}
	raw, err := param.JSON(value)
	if err != nil {
		return nil, err
	}
	if raw == nil {
		return nil, errors.New("is missing: " + form)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, errors.New("is no JSON object: " + form)
	}
	var fields []field
	known := map[string]bool{}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("is not JSON: %w", err)
		}
		one := field{Name: fmt.Sprint(name)}
		if err := decoder.Decode(&one.Value); err != nil {
			return nil, fmt.Errorf("is not JSON: %w", err)
		}
		if known[one.Name] {
			return nil, fmt.Errorf("names the field %q twice: leave one of them out", param.Clip(one.Name))
		}
		known[one.Name] = true
		if one.Value[0] == '{' {
			return nil, fmt.Errorf("has an object for the field %q: a field takes a text, a number, true, false, or a list of choices", param.Clip(one.Name))
		}
		fields = append(fields, one)
	}
	switch {
	case len(fields) == 0:
		return nil, errors.New("names no field: " + form)
	case len(fields) > maxFields:
		return nil, fmt.Errorf("names %d fields, and at most %d are filled in at once", len(fields), maxFields)
	}
	return fields, nil
}

// fill fills a form in and submits it, if that is wanted and everything could be filled in.
func (t *Tools) fill(ctx context.Context, shown *tab, r request) (answer, error) {
	before, _ := shown.progress()
	var got struct {
		Filled    []string `json:"filled"`
		Errors    []string `json:"errors"`
		Submitted bool     `json:"submitted"`
	}
	if err := shown.change(ctx, "form", &got, r.fields, r.Submit); err != nil {
		return answer{}, err
	}
	if len(got.Filled) == 0 {
		return answer{}, plugin.Errorf(plugin.BadRequest, "none of the %d fields was filled in: %s", len(r.fields), strings.Join(got.Errors, "; "))
	}
	status := fmt.Sprintf("Filled in %d of %d fields", len(got.Filled), len(r.fields))
	if got.Submitted {
		status += ", and submitted the form"
		if err := shown.settle(ctx, before, t.navigation); err != nil {
			return answer{}, err
		}
		if err := t.rest(ctx, shown, r.wait); err != nil {
			return answer{}, err
		}
	}
	if len(got.Errors) > 0 {
		status += fmt.Sprintf(", with %d errors", len(got.Errors))
	}
	var at view
	if err := shown.read(ctx, "place", &at); err != nil {
		return answer{}, err
	}
	return answer{json: map[string]any{"filled_fields": got.Filled, "errors": got.Errors, "status": status, "title": at.Title, "url": at.URL}}, nil
}
