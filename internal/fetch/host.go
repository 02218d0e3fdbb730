package fetch

import (
	"net/netip"
	"strconv"
	"strings"
)

// invalidHost explains why a host or port cannot be used.
type invalidHost string

func (e invalidHost) Error() string { return string(e) }

// canonicalHost gives a host its one spelling: lower case, no brackets, no
// trailing dot, addresses as netip prints them. Spellings that other programs
// read as an address and this one would read as a name (127.1, 0x7f000001,
// 2130706433, full-width digits) are errors, so that nothing which the checks
// look at means something else to a resolver or a proxy.
func canonicalHost(host string) (string, error) {
	if strings.Contains(host, ":") {
		return canonicalIPv6(host)
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if err := checkName(name); err != nil {
		return "", err
	}
	if endsInNumber(name) {
		addr, err := netip.ParseAddr(name)
		if err != nil {
			return "", invalidHost("the host " + name + " is an unusual spelling of an IP address; write four decimal numbers, such as 192.0.2.1")
		}
		return addr.String(), nil
	}
	return name, nil
}

func canonicalIPv6(host string) (string, error) {
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return "", invalidHost("the host is not a valid IPv6 address")
	}
	if addr.Zone() != "" {
		return "", invalidHost("the host is an IPv6 address with a zone, which only means something on one machine; leave the zone out")
	}
	return addr.String(), nil
}

// checkName accepts host names as DNS and container networks use them: labels
// of up to 63 letters, digits, hyphens and underscores, 253 characters in all.
func checkName(name string) error {
	if name == "" {
		return invalidHost("the host is missing; write https://host/path")
	}
	if len(name) > 253 {
		return invalidHost("the host name is longer than 253 characters")
	}
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return invalidHost("the host name has an empty part, or one longer than 63 characters, between its dots")
		}
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		case c >= 0x80:
			return invalidHost("the host name has letters outside ASCII; write it in its xn-- form")
		default:
			return invalidHost("the host name has a character that host names cannot have")
		}
	}
	return nil
}

// endsInNumber reports whether the C library and browsers would read name as
// an IPv4 address: its last label is a decimal, octal or hexadecimal number.
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if digits, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(digits, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// parsePort reads a port number between 1 and 65535.
func parsePort(port string) (uint16, error) {
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return 0, invalidHost("the port must be a number between 1 and 65535")
	}
	return uint16(n), nil
}
