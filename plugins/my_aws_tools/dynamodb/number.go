package dynamodb

import (
	"fmt"
	"strconv"
	"strings"
)

// The limits of a number in DynamoDB: its significant digits, and the power of ten of its first one.
const (
	maxDigits   = 38
	minExponent = -130
	maxExponent = 125
)

// decimal is the value of a number that is written with digits, without a way through a float. Two numbers are equal
// when their decimals are.
type decimal struct {
	negative bool
	digits   string // without zeros at either end; "" for zero
	exponent int    // of the first digit, as a power of ten
}

// parseDecimal reads a number as JSON writes it: -12, 0.5, 1e-3.
func parseDecimal(text string) (decimal, bool) {
	unsigned, negative := strings.CutPrefix(text, "-")
	mantissa, exponent, ok := cutExponent(unsigned)
	whole, fraction, dotted := strings.Cut(mantissa, ".")
	if !ok || !isDigits(whole) || dotted && !isDigits(fraction) || len(whole) > 1 && whole[0] == '0' {
		return decimal{}, false
	}
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return decimal{}, true
	}
	first := len(whole) - 1 - (len(whole+fraction) - len(digits))
	return decimal{negative: negative, digits: strings.TrimRight(digits, "0"), exponent: first + exponent}, true
}

// cutExponent splits 12e-3 into 12 and -3. An exponent that no computer could hold is taken for a very large one.
func cutExponent(text string) (mantissa string, exponent int, ok bool) {
	at := strings.IndexAny(text, "eE")
	if at < 0 {
		return text, 0, true
	}
	mantissa, power := text[:at], text[at+1:]
	negative := strings.HasPrefix(power, "-")
	if negative || strings.HasPrefix(power, "+") {
		power = power[1:]
	}
	if !isDigits(power) {
		return "", 0, false
	}
	const huge = 1 << 30
	exponent, err := strconv.Atoi(power)
	if err != nil || exponent > huge {
		exponent = huge
	}
	if negative {
		exponent = -exponent
	}
	return mantissa, exponent, true
}

func isDigits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

// checkNumber reports why DynamoDB could not keep a number.
func checkNumber(text string) error {
	d, ok := parseDecimal(text)
	switch {
	case !ok:
		return fmt.Errorf("%s is not a number: write digits, as in 12, -0.5 or 1e-3", quote(text))
	case len(d.digits) > maxDigits:
		return fmt.Errorf("%s has %d significant digits, DynamoDB keeps %d: store it as text", quote(text), len(d.digits), maxDigits)
	case d.exponent > maxExponent, d.digits != "" && d.exponent < minExponent:
		return fmt.Errorf("%s is outside of what DynamoDB keeps, 1e%d to 9.9e%d: store it as text", quote(text), minExponent, maxExponent)
	default:
		return nil
	}
}

// survivesFloat reports whether a reader that keeps numbers in a float64, as those of JSON do, shows the number that
// is written here: 0.1 does, 9007199254740993 does not.
func survivesFloat(text string) bool {
	written, ok := parseDecimal(text)
	if !ok {
		return false
	}
	float, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return false
	}
	shown, ok := parseDecimal(strconv.FormatFloat(float, 'e', -1, 64))
	return ok && shown == written
}

// maxQuote is how many characters of a wrong value an error repeats.
const maxQuote = 40

func quote(text string) string {
	if runes := []rune(text); len(runes) > maxQuote {
		return fmt.Sprintf("%q…", string(runes[:maxQuote]))
	}
	return fmt.Sprintf("%q", text)
}
