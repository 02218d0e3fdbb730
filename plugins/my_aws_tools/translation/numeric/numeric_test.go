package numeric_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/numeric"
)

func TestResultsAreTheNearestNumbers(t *testing.T) {
	for name, c := range map[string]struct{ got, want float64 }{
		"log 2":               {numeric.Log(2), 0.6931471805599453},
		"log 10":              {numeric.Log(10), 2.302585092994046},
		"log 0.1":             {numeric.Log(0.1), -2.3025850929940455},
		"log 1":               {numeric.Log(1), 0},
		"log 60101967":        {numeric.Log(60101967), 17.91155312775522},
		"log 0":               {numeric.Log(0), math.Inf(-1)},
		"log of infinity":     {numeric.Log(math.Inf(1)), math.Inf(1)},
		"log of the smallest": {numeric.Log(5e-324), -744.4400719213812},
		"exp 1":               {numeric.Exp(1), math.E},
		"exp 0":               {numeric.Exp(0), 1},
		"exp -1":              {numeric.Exp(-1), 0.36787944117144233},
		"exp -0.1":            {numeric.Exp(-0.1), 0.9048374180359595},
		"exp of little":       {numeric.Exp(-2499999999.75), 0},
		"exp of much":         {numeric.Exp(710), math.Inf(1)},
		"cube of 0.1":         {numeric.Cube(0.1), 0.0010000000000000002},
		"cube of a third":     {numeric.Cube(1.0 / 3), 0.03703703703703703},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", name, c.got, c.want)
		}
	}
	if got := numeric.Log(-1); !math.IsNaN(got) {
		t.Errorf("the logarithm of a negative number is %v", got)
	}
}

func TestLogarithmAndExponentialAreWhatMathComputesToABit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(1e-300, 1e300).Draw(t, "x")
		if got, want := numeric.Log(x), math.Log(x); math.Abs(got-want) > 4.5e-16*math.Abs(want) {
			t.Errorf("log %v is %v, about %v was expected", x, got, want)
		}
		y := rapid.Float64Range(-700, 700).Draw(t, "y")
		if got, want := numeric.Exp(y), math.Exp(y); math.Abs(got-want) > 4.5e-16*want {
			t.Errorf("exp %v is %v, about %v was expected", y, got, want)
		}
	})
}

func TestCubeIsRoundedOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Float64Range(0, 1).Draw(t, "x")
		exact := new(big.Float).SetPrec(200).SetFloat64(x)
		want, _ := new(big.Float).SetPrec(200).Mul(new(big.Float).SetPrec(200).Mul(exact, exact), exact).Float64()
		if got := numeric.Cube(x); got != want && want > 1e-290 {
			t.Errorf("the cube of %v is %v, not %v", x, got, want)
		}
	})
}

func TestSumsLoseNothingOnTheWay(t *testing.T) {
	var s numeric.Sum
	for range 10 {
		s.Add(0.1)
	}
	if got := s.Value(); got != 1 {
		t.Errorf("ten tenths are %v", got)
	}
	for _, x := range []float64{1e100, 1, -1e100} {
		s.Add(x)
	}
	if got := s.Value(); got != 2 {
		t.Errorf("what a large number hid is lost: %v", got)
	}
	s.Add(math.Inf(1))
	if got := s.Value(); !math.IsInf(got, 1) {
		t.Errorf("a sum with infinity is %v", got)
	}
}

func BenchmarkLog(b *testing.B) {
	for b.Loop() {
		numeric.Log(1234.5)
	}
}
