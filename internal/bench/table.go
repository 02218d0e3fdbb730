package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
)

// report is the table and what stands around it.
type report struct {
	header string
	rows   []row
	notes  []string
}

// row is one figure of the plugin beside the same of the baselines.
type row struct {
	name   string
	unit   unit
	target target

	plugin, bare, python series // empty where there is nothing to compare with
}

// unit writes a figure. Figures are in seconds, bytes, or pieces per second.
type unit func(float64) string

func (r *report) note(text string) {
	if !slices.Contains(r.notes, text) {
		r.notes = append(r.notes, text)
	}
}

// render writes the table as Markdown.
func (r *report) render(w io.Writer) {
	if r.header != "" {
		fmt.Fprintf(w, "%s\n\n", r.header)
	}
	fmt.Fprintln(w, "| Measurement | n | Plugin (range) | Bare Go | Plugin ÷ bare | Python SDK | Plugin ÷ Python | Target | |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, row := range r.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row.cells(), " | "))
	}
	if len(r.notes) > 0 {
		fmt.Fprintln(w)
	}
	for _, note := range r.notes {
		fmt.Fprintf(w, "- %s\n", note)
	}
}

const nothing = "–"

func (r row) cells() []string {
	return []string{
		r.name,
		strconv.Itoa(len(r.plugin)),
		r.ranged(),
		r.figure(r.bare), quotient(ratio(r.plugin, r.bare)),
		r.figure(r.python), quotient(ratio(r.plugin, r.python)),
		r.target.text(r.unit), r.target.verdict(r),
	}
}

func (r row) figure(s series) string {
	if len(s) == 0 {
		return nothing
	}
	return r.unit(s.median())
}

// ranged is the plugin's own figure, with its range where that says anything.
func (r row) ranged() string {
	text := r.figure(r.plugin)
	if len(r.plugin) < 2 {
		return text
	}
	low, high := r.plugin.spread()
	return fmt.Sprintf("%s (%s to %s)", text, r.unit(low), r.unit(high))
}

// target is what a figure should reach. The zero target asks for nothing.
type target struct {
	limit   float64 // in the unit of the row, or a ratio
	ratio   bool    // whether the plugin's ratio to the bare program counts, and not its own figure
	atLeast bool    // whether more is better
}

func (t target) text(u unit) string {
	if t == (target{}) {
		return ""
	}
	sign := "≤ "
	if t.atLeast {
		sign = "≥ "
	}
	if t.ratio {
		return sign + quotient(t.limit) + " bare"
	}
	return sign + u(t.limit)
}

// verdict says whether the median reaches the target.
func (t target) verdict(r row) string {
	got := r.plugin.median()
	if t.ratio {
		got = ratio(r.plugin, r.bare)
	}
	switch {
	case t == target{}:
		return ""
	case math.IsNaN(got):
		return "not measured"
	case t.atLeast == (got >= t.limit) || got == t.limit:
		return "met"
	default:
		return "missed"
	}
}

// quotient writes a ratio with two significant digits.
func quotient(q float64) string {
	if math.IsNaN(q) || math.IsInf(q, 0) {
		return nothing
	}
	return significant(q, 2) + " ×"
}

func seconds(v float64) string {
	switch {
	case v < 1e-3:
		return significant(v*1e6, 3) + " µs"
	case v < 1:
		return significant(v*1e3, 3) + " ms"
	default:
		return significant(v, 3) + " s"
	}
}

func mebibytes(v float64) string { return significant(v/mib, 3) + " MiB" }

func megabytes(v float64) string { return significant(v/1e6, 3) + " MB" }

func mebibytesPerSecond(v float64) string { return mebibytes(v) + "/s" }

func perSecond(v float64) string { return significant(v, 3) + " /s" }

// significant writes a number that is not negative, rounded to so many digits, in full and with commas.
func significant(v float64, digits int) string {
	if v == 0 {
		return "0"
	}
	decimals := digits - 1 - int(math.Floor(math.Log10(v)))
	scale := math.Pow10(decimals)
	if rounded := math.Round(v*scale) / scale; rounded >= math.Pow10(digits-decimals) { // 9.99 became 10.0
		decimals--
	}
	text := strconv.FormatFloat(math.Round(v*scale)/scale, 'f', max(decimals, 0), 64)
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction == "" {
		return whole
	}
	return whole + "." + fraction
}
