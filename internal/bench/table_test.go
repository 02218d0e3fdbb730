package main

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheTableShowsMediansRatiosAndVerdicts(t *testing.T) {
	r := report{
		header: "A machine.",
		rows: []row{
			{
				name: "Start", unit: seconds, target: target{limit: 0.010},
				plugin: series{0.004, 0.005, 0.009}, bare: series{0.002, 0.0025, 0.003}, python: series{0.5},
			},
			{
				name: "Files", unit: mebibytesPerSecond, target: target{limit: 0.5, ratio: true, atLeast: true},
				plugin: series{400 * mib}, bare: series{1000 * mib},
			},
			{name: "Binary", unit: megabytes, target: target{limit: 10_000_000}, plugin: series{9_996_000}},
			{name: "Install", unit: seconds, target: target{limit: 2}},
			{name: "Calls", unit: perSecond, plugin: series{12345, 12345}, python: series{1234.5}},
		},
	}
	r.note("No daemon.")
	r.note("No daemon.")
	var got bytes.Buffer
	r.render(&got)
	want := `A machine.

| Measurement | n | Plugin (range) | Bare Go | Plugin ÷ bare | Python SDK | Plugin ÷ Python | Target | |
|---|--:|--:|--:|--:|--:|--:|--:|---|
| Start | 3 | 5.00 ms (4.00 ms to 9.00 ms) | 2.50 ms | 2.0 × | 500 ms | 0.010 × | ≤ 10.0 ms | met |
| Files | 1 | 400 MiB/s | 1,000 MiB/s | 0.40 × | – | – | ≥ 0.50 × bare | missed |
| Binary | 1 | 10.0 MB | – | – | – | – | ≤ 10.0 MB | met |
| Install | 0 | – | – | – | – | – | ≤ 2.00 s | not measured |
| Calls | 2 | 12,300 /s (12,300 /s to 12,300 /s) | – | – | 1,230 /s | 10 × |  |  |

- No daemon.
`
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAFigureOnTheLimitMeetsIt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		target target
		plugin float64
		bare   series
		want   string
	}{
		{"less is better: on the limit", target{limit: 10}, 10, nil, "met"},
		{"less is better: above", target{limit: 10}, 10.001, nil, "missed"},
		{"more is better: on the limit", target{limit: 10, atLeast: true}, 10, nil, "met"},
		{"more is better: below", target{limit: 10, atLeast: true}, 9.999, nil, "missed"},
		{"a ratio counts instead of the figure", target{limit: 0.5, ratio: true, atLeast: true}, 6, series{10}, "met"},
		{"a ratio without a baseline", target{limit: 0.5, ratio: true, atLeast: true}, 6, nil, "not measured"},
		{"no target", target{}, 6, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.target.verdict(row{plugin: series{tt.plugin}, bare: tt.bare}); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestNumbersHaveSignificantDigitsAndCommas(t *testing.T) {
	for _, tt := range []struct {
		value  float64
		digits int
		want   string
	}{
		{0, 3, "0"},
		{1, 3, "1.00"},
		{12.345, 3, "12.3"},
		{9.996, 3, "10.0"},
		{0.9999, 2, "1.0"},
		{99.96, 3, "100"},
		{999.9, 3, "1,000"},
		{123456, 3, "123,000"},
		{1234567, 3, "1,230,000"},
		{0.00123, 2, "0.0012"},
		{0.0083, 2, "0.0083"},
	} {
		if got := significant(tt.value, tt.digits); got != tt.want {
			t.Errorf("%v with %d digits is %q, want %q", tt.value, tt.digits, got, tt.want)
		}
	}
}

func TestFiguresAreWrittenInAFittingUnit(t *testing.T) {
	for want, got := range map[string]string{
		"850 µs": seconds(0.00085), "12.5 ms": seconds(0.0125), "1.50 s": seconds(1.5), "90.0 s": seconds(90),
		"15.0 MiB": mebibytes(15 << 20), "9.50 MB": megabytes(9_500_000), "64.0 MiB/s": mebibytesPerSecond(64 << 20),
		"2.0 ×": quotient(2), nothing: quotient(math.NaN()),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := quotient(math.Inf(1)); got != nothing {
		t.Errorf("a ratio to zero is %q", got)
	}
}
