package plugin

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/manifest"
)

// binding turns the parameters of a call into the input of a tool, by the tool's declaration.
type binding struct {
	fields   []field
	declared *manifest.Tool
	params   map[string]any
	files    *fetchSource
}

// secrets are the values of the parameters that a field or the declaration calls secret.
func (b *binding) secrets() []string {
	var values []string
	for _, f := range b.fields {
		text, ok := b.params[f.name].(string)
		if ok && b.secret(f) {
			values = append(values, text)
		}
	}
	return values
}

func (b *binding) secret(f field) bool {
	return f.secret || b.parameter(f.name).Type == "secret-input"
}

func (b *binding) parameter(name string) manifest.Parameter {
	i := slices.IndexFunc(b.declared.Parameters, func(p manifest.Parameter) bool { return p.Name == name })
	if i < 0 {
		return manifest.Parameter{Name: name}
	}
	return b.declared.Parameters[i]
}

// into fills in the input struct, or names everything that is wrong with the parameters.
func (b *binding) into(in reflect.Value) error {
	var faults []string
	for _, f := range b.fields {
		err := b.bind(in.FieldByIndex(f.index), f)
		if err != nil && b.secret(f) && !errors.Is(err, errRequired) {
			err = errors.New("does not have a value of the declared type; it is secret and not shown here")
		}
		if err != nil {
			faults = append(faults, f.name+" "+err.Error())
		}
	}
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return Errorf(BadRequest, "%s was not run: %s", b.name(), faults[0])
	default:
		return Errorf(BadRequest, "%s was not run, %d parameters are wrong: %s", b.name(), len(faults), strings.Join(faults, "; "))
	}
}

var errRequired = errors.New("is required")

func (b *binding) name() string { return b.declared.Identity.Name }

func (b *binding) bind(target reflect.Value, f field) error {
	declared := b.parameter(f.name)
	value := b.params[f.name]
	if blank(value, f) {
		value = plainNumbers(declared.Default)
	}
	if blank(value, f) {
		if declared.Required {
			return errRequired
		}
		return nil
	}
	if f.pointer {
		target.Set(reflect.New(f.typ))
		target = target.Elem()
	}
	return b.set(target, f, declared, value)
}

// blank reports whether a value counts as absent. For content, "" is a value; for everything but text, white space is
// as good as nothing.
func blank(value any, f field) bool {
	text, isText := value.(string)
	switch {
	case value == nil:
		return true
	case !isText:
		return false
	case f.literal && (f.typ.Kind() == reflect.String || f.typ == anyType):
		return false
	case f.typ.Kind() == reflect.String:
		return text == ""
	default:
		return strings.TrimSpace(text) == ""
	}
}

func (b *binding) set(target reflect.Value, f field, declared manifest.Parameter, value any) error {
	switch {
	case f.typ == durationType:
		return setDuration(target, f.unit, declared, value)
	case f.typ == inputFileType:
		file, err := b.inputFile(value)
		if err == nil {
			target.Set(reflect.ValueOf(file))
		}
		return err
	case f.typ == anyType:
		target.Set(reflect.ValueOf(value))
		return nil
	case f.typ == objectType:
		return setObject(target, value)
	}
	switch f.typ.Kind() {
	case reflect.String:
		return setText(target, declared, value)
	case reflect.Bool:
		on, err := parseBoolValue(value)
		target.SetBool(on)
		return err
	case reflect.Int, reflect.Int64:
		return setInt(target, declared, value)
	case reflect.Float64:
		number, err := parseNumber(declared, value)
		target.SetFloat(number)
		return err
	default:
		return b.setList(target, f, declared, value)
	}
}

func setText(target reflect.Value, declared manifest.Parameter, value any) error {
	text, ok := scalarText(value)
	if !ok {
		return fmt.Errorf("must be text, it is %s", kindOf(value))
	}
	if chosen(declared) {
		text = strings.TrimSpace(text)
		if err := checkOption(declared, text); err != nil {
			return err
		}
	}
	target.SetString(text)
	return nil
}

// chosen reports whether the value is one of a list rather than typed.
func chosen(p manifest.Parameter) bool { return p.Type == "select" }

func checkOption(declared manifest.Parameter, text string) error {
	values := make([]string, len(declared.Options))
	for i, o := range declared.Options {
		values[i] = o.Value
	}
	if slices.Contains(values, text) {
		return nil
	}
	return fmt.Errorf("must be one of %s, it is %s", strings.Join(values, ", "), quote(text))
}

func setInt(target reflect.Value, declared manifest.Parameter, value any) error {
	text, ok := scalarText(value)
	if _, isBool := value.(bool); !ok || isBool {
		return fmt.Errorf("must be a whole number, it is %s", kindOf(value))
	}
	n, err := wholeNumber(text)
	if err != nil || target.OverflowInt(n) {
		return fmt.Errorf("must be a whole number, it is %s", quote(text))
	}
	if err := checkRange(declared, float64(n)); err != nil {
		return err
	}
	target.SetInt(n)
	return nil
}

func setDuration(target reflect.Value, unit time.Duration, declared manifest.Parameter, value any) error {
	number, err := parseNumber(declared, value)
	if err != nil {
		return err
	}
	length := number * float64(unit)
	if math.Abs(length) >= math.MaxInt64 {
		return fmt.Errorf("is too large: %s", quote(strconv.FormatFloat(number, 'g', -1, 64)))
	}
	target.SetInt(int64(math.Round(length)))
	return nil
}

func parseNumber(declared manifest.Parameter, value any) (float64, error) {
	text, ok := scalarText(value)
	if _, isBool := value.(bool); !ok || isBool {
		return 0, fmt.Errorf("must be a number, it is %s", kindOf(value))
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(number) || math.IsInf(number, 0) {
		return 0, fmt.Errorf("must be a number, it is %s", quote(text))
	}
	return number, checkRange(declared, number)
}

func checkRange(declared manifest.Parameter, number float64) error {
	low, high := declared.Min, declared.Max
	switch {
	case low != nil && high != nil && (number < *low || number > *high):
		return fmt.Errorf("must be from %v to %v, it is %v", *low, *high, number)
	case low != nil && number < *low:
		return fmt.Errorf("must be at least %v, it is %v", *low, number)
	case high != nil && number > *high:
		return fmt.Errorf("must be at most %v, it is %v", *high, number)
	default:
		return nil
	}
}

func setObject(target reflect.Value, value any) error {
	if text, ok := value.(string); ok {
		parsed, err := parseJSON(text)
		if err != nil {
			return errors.New("must be an object, it is text that is not JSON")
		}
		value = parsed
	}
	object, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("must be an object, it is %s", kindOf(value))
	}
	target.Set(reflect.ValueOf(object))
	return nil
}

// setList takes an array, text that is a JSON array, or a single value in place of a list of one.
func (b *binding) setList(target reflect.Value, f field, declared manifest.Parameter, value any) error {
	items, ok := value.([]any)
	if text, isText := value.(string); isText && strings.HasPrefix(strings.TrimSpace(text), "[") {
		parsed, err := parseJSON(text)
		if err != nil {
			return errors.New("must be an array, it is text that is not JSON")
		}
		items, ok = parsed.([]any)
	}
	if !ok {
		items = []any{value}
	}
	list := reflect.MakeSlice(f.typ, len(items), len(items))
	element := f
	element.typ = f.typ.Elem()
	for i, item := range items {
		if item == nil && element.typ == anyType {
			continue // null is one of any values
		}
		if item == nil {
			return fmt.Errorf("holds nothing at place %d", i+1)
		}
		if err := b.set(list.Index(i), element, declared, item); err != nil {
			return fmt.Errorf("at place %d: %w", i+1, err)
		}
	}
	target.Set(list)
	return nil
}

// wholeNumber reads an integer that may be written as 3, 3.0 or 3e2. Digits are never lost to a float.
func wholeNumber(text string) (int64, error) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || number != math.Trunc(number) || math.Abs(number) >= 1<<53 {
		return 0, fmt.Errorf("%s is not a whole number", quote(text))
	}
	return int64(number), nil
}

func parseBoolValue(value any) (bool, error) {
	if on, ok := value.(bool); ok {
		return on, nil
	}
	text, ok := scalarText(value)
	if !ok {
		return false, fmt.Errorf("must be true or false, it is %s", kindOf(value))
	}
	return parseBool(text)
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "true", "yes", "y", "on", "1", "1.0":
		return true, nil
	case "false", "no", "n", "off", "0", "0.0", "":
		return false, nil
	default:
		return false, fmt.Errorf("must be true or false, it is %s", quote(text))
	}
}

// scalarText is the text of a value that is text, a number or a boolean.
func scalarText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return strconv.FormatBool(v), true
	default:
		return "", false
	}
}

// plainNumbers gives a default from YAML the form that values from the host have.
func plainNumbers(value any) any {
	switch v := value.(type) {
	case nil, string, bool, json.Number:
		return v
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = plainNumbers(v[i])
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for name := range v {
			object[name] = plainNumbers(v[name])
		}
		return object
	default:
		raw, err := marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return json.Number(raw)
	}
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	default:
		return "nothing"
	}
}

// maxQuote is how much of a wrong value an error repeats, in bytes.
const maxQuote = 40

func quote(text string) string {
	if len(text) > maxQuote {
		return strconv.Quote(truncate(text, maxQuote)) + "…"
	}
	return strconv.Quote(text)
}
