package dynamodb

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

var numberPattern = regexp.MustCompile(`^([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]{1,9}))?$`)

// readNumber reads a number and writes it as DynamoDB does: plain digits without needless zeros.
func readNumber(text string) (string, *aws.Error) {
	parts := numberPattern.FindStringSubmatch(text)
	if parts == nil || parts[2]+parts[3] == "" {
		return "", invalid("The parameter cannot be converted to a numeric value: %s", text)
	}
	exponent, _ := strconv.Atoi(parts[4]) // at most nine digits, or none
	leading := strings.TrimLeft(parts[2]+parts[3], "0")
	digits := strings.TrimRight(leading, "0")
	if digits == "" {
		return "0", nil
	}
	point := len(leading) - len(parts[3]) + exponent // the place of the point, from the first digit
	switch {
	case len(digits) > 38:
		return "", invalid("Attempting to store more than 38 significant digits in a Number")
	case point-1 > 125:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case point-1 < -130:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	}
	sign := strings.TrimPrefix(parts[1], "+")
	switch {
	case point <= 0:
		return sign + "0." + strings.Repeat("0", -point) + digits, nil
	case point >= len(digits):
		return sign + digits + strings.Repeat("0", point-len(digits)), nil
	default:
		return sign + digits[:point] + "." + digits[point:], nil
	}
}

// rational is the value of a number that was read.
func rational(text string) *big.Rat {
	value, _ := new(big.Rat).SetString(text) // plain digits, as readNumber writes them
	return value
}

// sum adds two numbers, or subtracts the second.
func sum(a, b string, subtract bool) (string, *aws.Error) {
	one, other := rational(a), rational(b)
	if subtract {
		other.Neg(other)
	}
	return readNumber(strings.TrimRight(one.Add(one, other).FloatString(200), "0"))
}
