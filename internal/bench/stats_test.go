package main

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTheMedianIsTheMiddleOfTheSortedValues(t *testing.T) {
	for _, tt := range []struct {
		name   string
		values series
		want   float64
	}{
		{"one value", series{7}, 7},
		{"an odd number of values in any order", series{9, 1, 5}, 5},
		{"an even number of values", series{4, 1, 3, 2}, 2.5},
		{"one outlier does not move it", series{1, 2, 1_000_000}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.values.median(); got != tt.want {
				t.Errorf("median %v, want %v", got, tt.want)
			}
		})
	}
	if got := (series{}).median(); !math.IsNaN(got) {
		t.Errorf("the median of nothing is %v", got)
	}
}

func TestAQuantileLiesBetweenItsNeighbours(t *testing.T) {
	values := series{40, 10, 20, 30, 50}
	for q, want := range map[float64]float64{0: 10, 0.25: 20, 0.5: 30, 0.99: 49.6, 1: 50} {
		if got := values.quantile(q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, got, want)
		}
	}
	if !slices.Equal(values, series{40, 10, 20, 30, 50}) {
		t.Errorf("the values were put into another order: %v", values)
	}
}

func TestQuantilesGrowAndStayWithinTheSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := series(rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), 1, 50).Draw(t, "values"))
		a, b := rapid.Float64Range(0, 1).Draw(t, "a"), rapid.Float64Range(0, 1).Draw(t, "b")
		low, high := values.spread()
		if low != slices.Min(values) || high != slices.Max(values) {
			t.Fatalf("spread %v to %v", low, high)
		}
		qa, qb := values.quantile(min(a, b)), values.quantile(max(a, b))
		const rounding = 1e-6
		if qa > qb+rounding || qa < low-rounding || qb > high+rounding {
			t.Fatalf("quantiles %v and %v of %v", qa, qb, values)
		}
	})
}

func TestARatioNeedsBothSides(t *testing.T) {
	if got := ratio(series{1, 2, 3}, series{4, 4}); got != 0.5 {
		t.Errorf("ratio %v", got)
	}
	if got := ratio(series{1}, nil); !math.IsNaN(got) {
		t.Errorf("the ratio to nothing is %v", got)
	}
}
