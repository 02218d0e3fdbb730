package main

import (
	"math"
	"slices"
)

// series is the outcome of several runs of the same experiment.
type series []float64

// median is the middle of the series, NaN when it is empty.
func (s series) median() float64 { return s.quantile(0.5) }

// quantile is the value below which the share q of the series lies, from 0 to 1, with linear interpolation between
// neighbours (type 7 of Hyndman and Fan, "Sample Quantiles in Statistical Packages", 1996).
func (s series) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	low := int(math.Floor(at))
	if low == len(sorted)-1 {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// spread is the least and the largest value.
func (s series) spread() (low, high float64) {
	return s.quantile(0), s.quantile(1)
}

// ratio is the quotient of two medians, NaN when one of them is missing.
func ratio(a, b series) float64 { return a.median() / b.median() }
