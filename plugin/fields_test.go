package plugin

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestInputFieldsRefusesWhatCannotReceiveAParameter(t *testing.T) {
	type Shared struct {
		A string `param:"a"`
	}
	type Name string
	for name, c := range map[string]struct {
		input any
		want  []string
	}{
		"no struct":         {"text", []string{"the input must be a struct, it is string"}},
		"an untagged field": {struct{ A string }{}, []string{"field A has no param tag"}},
		"an unexported field": {struct {
			a string `param:"a"`
		}{}, []string{"field a must be exported and name its parameter"}},
		"a tag without a name": {struct {
			A string `param:",secret"`
		}{}, []string{"field A must be exported and name its parameter"}},
		"an unknown option": {struct {
			A string `param:"a,loud"`
		}{}, []string{`field A: unknown option "loud" in the param tag: there are literal, secret and unit=ms, s, m or h`}},
		"an unknown unit": {struct {
			A time.Duration `param:"a,unit=d"`
		}{}, []string{`unknown option "unit=d"`}},
		"a duration of no unit": {struct {
			A time.Duration `param:"a"`
		}{}, []string{"a time.Duration, and only that, needs a unit: `param:\"a,unit=s\"`"}},
		"a unit without purpose": {struct {
			A int `param:"a,unit=s"`
		}{}, []string{"a time.Duration, and only that, needs a unit"}},
		"a small integer": {struct {
			A int8 `param:"a"`
		}{}, []string{"field A: a parameter cannot be received as int8"}},
		"a list of lists": {struct {
			A [][]string `param:"a"`
		}{}, []string{"cannot be received as [][]string"}},
		"a map of texts": {struct {
			A map[string]string `param:"a"`
		}{}, []string{"cannot be received as map[string]string"}},
		"a list of pointers": {struct {
			A []*int `param:"a"`
		}{}, []string{"cannot be received as []*int"}},
		"a channel": {struct {
			A chan int `param:"a"`
		}{}, []string{"cannot be received as chan int"}},
		"an embedded pointer": {struct{ *Shared }{}, []string{"field Shared: embed the struct itself, not a pointer to it"}},
		"an embedded text":    {struct{ Name }{}, []string{"field Name has no param tag"}},
		"one parameter twice": {struct {
			Shared
			B string `param:"a"`
		}{}, []string{`field B: parameter "a" has another field already`}},
		"several faults": {struct {
			A string
			B int8 `param:"b"`
		}{}, []string{"field A has no param tag", "field B: a parameter cannot be received as int8"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := inputFields(reflect.TypeOf(c.input))
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error = %v\nwant %s", err, want)
				}
			}
		})
	}
}

func TestInputFieldsReadsTheTags(t *testing.T) {
	type input struct {
		Body   *string       `param:"body,literal,secret"`
		Expiry time.Duration `param:"expiry,unit=m"`
		Many   []InputFile   `param:"many"`
	}
	got, err := inputFields(reflect.TypeFor[input]())
	if err != nil || len(got) != 3 {
		t.Fatalf("got %v, %v", got, err)
	}
	if f := got[0]; f.name != "body" || !f.pointer || !f.literal || !f.secret || f.typ.Kind() != reflect.String {
		t.Errorf("body = %+v", f)
	}
	if f := got[1]; f.unit != time.Minute {
		t.Errorf("expiry = %+v", f)
	}
}
