// Package numeric computes logarithms, exponentials and sums to the last bit, alike on every processor.
//
// The package math of Go promises neither: its results may be off by a bit, and where a processor can multiply and add
// in one step, the compiler lets it. Scores of translations are compared with those of Python, whose logarithms come
// from the C library and are rounded correctly nearly always, and the segmentation of Chinese text takes the greater of
// two sums of logarithms, where a bit can decide. So these functions work with pairs of numbers, of which the second
// holds what the first had to round away ("double-double", after T. J. Dekker, A floating-point technique for extending
// the available precision, 1971), and round once at the end.
package numeric

import "math"

// pair is the unevaluated sum of two numbers, with about 106 bits.
type pair struct{ high, low float64 }

// sum is a + b without loss.
func sum(a, b float64) pair {
	s := a + b
	part := s - a
	return pair{s, (a - (s - part)) + (b - part)}
}

// product is a * b without loss.
func product(a, b float64) pair {
	p := float64(a * b)
	return pair{p, math.FMA(a, b, -p)}
}

func (p pair) plus(q pair) pair {
	s, t := sum(p.high, q.high), sum(p.low, q.low)
	s = sum(s.high, s.low+t.high)
	return sum(s.high, s.low+t.low)
}

func (p pair) times(q pair) pair {
	r := product(p.high, q.high)
	r.low += float64(p.high*q.low) + float64(p.low*q.high)
	return sum(r.high, r.low)
}

func (p pair) over(q pair) pair {
	first := p.high / q.high
	rest := p.plus(q.times(pair{-first, 0}))
	second := rest.high / q.high
	rest = rest.plus(q.times(pair{-second, 0}))
	return sum(first, second).plus(pair{rest.high / q.high, 0})
}

// ln2 is the natural logarithm of 2.
var ln2 = pair{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}

// Log is the natural logarithm of x, rounded correctly but for about one value in 2^50. As in [math.Log] it is NaN for
// negative numbers and minus infinity for 0.
func Log(x float64) float64 {
	if !(x > 0) || math.IsInf(x, 1) {
		return math.Log(x)
	}
	fraction, exponent := math.Frexp(x)
	if fraction < math.Sqrt2/2 {
		fraction, exponent = fraction*2, exponent-1
	}
	// log m = 2 artanh((m-1)/(m+1)), whose argument is at most 0.172 here.
	ratio := pair{fraction - 1, 0}.over(sum(fraction, 1))
	square := ratio.times(ratio)
	series := pair{}
	for odd := 45; odd >= 1; odd -= 2 { // 0.172^46 is below 2^-106
		series = series.times(square).plus(pair{1, 0}.over(pair{float64(odd), 0}))
	}
	mantissa := ratio.times(series)
	return ln2.times(pair{float64(exponent), 0}).plus(pair{2 * mantissa.high, 2 * mantissa.low}).high
}

// Exp is e to the power of x, rounded correctly but for about one value in 2^50, or two where it is below 1e-307.
func Exp(x float64) float64 {
	if math.IsNaN(x) || x > 709.7 || x < -745.2 {
		return math.Exp(x)
	}
	twos := math.Round(x / ln2.high)
	rest := pair{x, 0}.plus(ln2.times(pair{-twos, 0})) // at most 0.347
	series := pair{1, 0}
	for n := 27; n >= 1; n-- { // 0.347^28/28! is below 2^-106
		series = pair{1, 0}.plus(series.times(rest).over(pair{float64(n), 0}))
	}
	return math.Ldexp(series.high, int(twos))
}

// Cube is the third power of x, rounded once.
func Cube(x float64) float64 {
	return product(x, x).times(pair{x, 0}).high
}

// Sum adds numbers as the function sum of Python 3.12 does: what each addition rounds away is added up beside the sum
// (A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974). The zero value is 0.
type Sum struct{ sum, lost float64 }

// Add adds a number.
func (s *Sum) Add(x float64) {
	total := s.sum + x
	if math.Abs(s.sum) >= math.Abs(x) {
		s.lost += (s.sum - total) + x
	} else {
		s.lost += (x - total) + s.sum
	}
	s.sum = total
}

// Value is the sum of all numbers so far.
func (s *Sum) Value() float64 {
	if s.lost != 0 && !math.IsInf(s.lost, 0) && !math.IsNaN(s.lost) {
		return s.sum + s.lost
	}
	return s.sum
}
