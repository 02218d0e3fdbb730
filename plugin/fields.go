package plugin

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// field is one field of an input struct and the parameter that it receives.
type field struct {
	name    string
	index   []int
	typ     reflect.Type // without the pointer
	pointer bool
	unit    time.Duration // of a time.Duration
	literal bool          // "" is a value
	secret  bool
}

var (
	durationType  = reflect.TypeFor[time.Duration]()
	inputFileType = reflect.TypeFor[InputFile]()
	objectType    = reflect.TypeFor[map[string]any]()
	anyType       = reflect.TypeFor[any]()
)

var durationUnits = map[string]time.Duration{
	"ms": time.Millisecond, "s": time.Second, "m": time.Minute, "h": time.Hour,
}

// inputFields reads the tags of an input struct. The error names every field that cannot receive a parameter.
func inputFields(t reflect.Type) ([]field, error) {
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("the input must be a struct, it is %s", t)
	}
	var fields []field
	var faults []error
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(t) {
		tag, tagged := f.Tag.Lookup("param")
		if f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct {
			continue // its fields follow
		}
		if f.Anonymous && !tagged && f.Type.Kind() == reflect.Pointer {
			faults = append(faults, fmt.Errorf("field %s: embed the struct itself, not a pointer to it", f.Name))
			continue
		}
		if !tagged {
			faults = append(faults, fmt.Errorf("field %s has no param tag", f.Name))
			continue
		}
		parsed, err := inputField(f, tag)
		if err == nil && names[parsed.name] {
			err = fmt.Errorf("field %s: parameter %q has another field already", f.Name, parsed.name)
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		names[parsed.name] = true
		fields = append(fields, parsed)
	}
	return fields, errors.Join(faults...)
}

func inputField(f reflect.StructField, tag string) (field, error) {
	name, options, _ := strings.Cut(tag, ",")
	parsed := field{name: name, index: f.Index, typ: f.Type}
	if f.Type.Kind() == reflect.Pointer {
		parsed.typ, parsed.pointer = f.Type.Elem(), true
	}
	if name == "" || !f.IsExported() {
		return parsed, fmt.Errorf("field %s must be exported and name its parameter", f.Name)
	}
	for option := range strings.SplitSeq(options, ",") {
		if err := parsed.apply(option); err != nil {
			return parsed, fmt.Errorf("field %s: %w", f.Name, err)
		}
	}
	if !receivable(parsed.typ) {
		return parsed, fmt.Errorf("field %s: a parameter cannot be received as %s", f.Name, f.Type)
	}
	if (parsed.typ == durationType) != (parsed.unit != 0) {
		return parsed, fmt.Errorf("field %s: a time.Duration, and only that, needs a unit: `param:%q`", f.Name, name+",unit=s")
	}
	return parsed, nil
}

func (f *field) apply(option string) error {
	unit, isUnit := strings.CutPrefix(option, "unit=")
	switch {
	case option == "":
	case option == "literal":
		f.literal = true
	case option == "secret":
		f.secret = true
	case isUnit && durationUnits[unit] != 0:
		f.unit = durationUnits[unit]
	default:
		return fmt.Errorf("unknown option %q in the param tag: there are literal, secret and unit=ms, s, m or h", option)
	}
	return nil
}

func receivable(t reflect.Type) bool {
	switch t {
	case durationType, inputFileType, objectType, anyType:
		return true
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Float64:
		return true
	case reflect.Slice:
		return t.Elem().Kind() != reflect.Slice && receivable(t.Elem())
	default:
		return false
	}
}
