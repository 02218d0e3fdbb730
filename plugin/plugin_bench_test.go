package plugin

import (
	"reflect"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/manifest"
)

// BenchmarkBind receives the parameters of a call of the usual size.
func BenchmarkBind(b *testing.B) {
	type input struct {
		URI       string         `param:"uri"`
		Operation string         `param:"operation"`
		Limit     int64          `param:"limit"`
		Verbose   bool           `param:"verbose"`
		Expiry    time.Duration  `param:"expiry,unit=s"`
		Body      string         `param:"body,literal"`
		Options   map[string]any `param:"options"`
	}
	fields, err := inputFields(reflect.TypeFor[input]())
	if err != nil {
		b.Fatal(err)
	}
	tool, err := manifest.FindTool(declare(b, toolOf("sample",
		parameterOf("uri", "string", object{"required": true}),
		parameterOf("operation", "select", optionsOf("read", "write", "list")),
		parameterOf("limit", "number", object{"default": 1000}),
		parameterOf("verbose", "boolean"),
		parameterOf("expiry", "number"),
		parameterOf("body", "string"),
		parameterOf("options", "object"),
	)), "sample")
	if err != nil {
		b.Fatal(err)
	}
	params, err := parseJSON(`{"uri":"s3://bucket/key","operation":"write","limit":"","verbose":"yes","expiry":3600,"body":"a body","options":{"a":1}}`)
	if err != nil {
		b.Fatal(err)
	}
	binding := &binding{fields: fields, declared: tool, params: params.(map[string]any)}
	b.ReportAllocs()
	for b.Loop() {
		var in input
		if err := binding.into(reflect.ValueOf(&in).Elem()); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodeInline reads a file of a drive into the line that carries it.
func BenchmarkEncodeInline(b *testing.B) {
	for name, size := range map[string]int{"4 KiB": 4 << 10, "3.9 MB": 3_900_000} {
		b.Run(name, func(b *testing.B) {
			p := &Plugin{budget: newBudget(inlineBudget)}
			f := Bytes("file.bin", "application/octet-stream", make([]byte, size))
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				line, err := p.encode(b.Context(), f)
				if err != nil {
					b.Fatal(err)
				}
				p.budget.release(line)
			}
		})
	}
}
