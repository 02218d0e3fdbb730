package fetch

import "net/netip"

// verdict says what the policy thinks of an address before it looks at any
// allow list.
type verdict int

const (
	// public addresses are always permitted.
	public verdict = iota
	// restricted addresses are permitted when the operator lists them.
	restricted
	// forbidden addresses are never permitted.
	forbidden
)

// addressRange is one entry of the special-purpose table.
type addressRange struct {
	prefix  netip.Prefix
	verdict verdict
	// reason completes the sentence "10.0.0.1 is ...".
	reason string
	// inner returns the IPv4 addresses that an IPv6 address of this range
	// stands for; nil where there is none.
	inner func(ipv6 [16]byte) []netip.Addr
}

// addressRanges is the special-purpose table; the first entry that contains an
// address decides.
type addressRanges []addressRange

// specialPurpose returns the addresses that are not public, after the IANA
// special-purpose registries for IPv4 and IPv6 (RFC 6890) and the cloud
// providers' documentation of their metadata services.
func specialPurpose() addressRanges {
	const metadata = "the address of a cloud metadata service"
	table := []struct {
		prefix  string
		verdict verdict
		reason  string
		inner   func([16]byte) []netip.Addr
	}{
		// Metadata services that do not live in link-local space come first,
		// because the ranges around them may be listed.
		{"100.100.100.200/32", forbidden, metadata, nil}, // Alibaba Cloud
		{"100.96.0.96/32", forbidden, metadata, nil},     // Volcano Engine
		{"168.63.129.16/32", forbidden, metadata, nil},   // Azure's wire server
		{"192.0.0.192/32", forbidden, metadata, nil},     // Oracle Cloud, classic
		{"fd00:ec2::/32", forbidden, metadata, nil},      // AWS: IMDS, DNS, time, pod identity
		{"fd20:ce::254/128", forbidden, metadata, nil},   // Google Cloud
		{"fd00:42::42/128", forbidden, metadata, nil},    // Scaleway

		{"169.254.169.254/32", forbidden, metadata, nil},
		{"169.254.0.0/16", forbidden, "a link-local address, where cloud metadata services live", nil},
		{"fe80::/10", forbidden, "a link-local address", nil},
		{"0.0.0.0/32", forbidden, "the unspecified address", nil},
		{"::/128", forbidden, "the unspecified address", nil},
		{"224.0.0.0/4", forbidden, "a multicast address", nil},
		{"ff00::/8", forbidden, "a multicast address", nil},
		{"255.255.255.255/32", forbidden, "the broadcast address", nil},

		{"127.0.0.0/8", restricted, "a loopback address", nil},
		{"::1/128", restricted, "a loopback address", nil},
		{"10.0.0.0/8", restricted, "a private address", nil},
		{"172.16.0.0/12", restricted, "a private address", nil},
		{"192.168.0.0/16", restricted, "a private address", nil},
		{"fc00::/7", restricted, "a private address (unique local)", nil},
		{"fec0::/10", restricted, "a private address (site-local)", nil},
		{"100.64.0.0/10", restricted, "an address shared behind a carrier's NAT", nil},

		{"0.0.0.0/8", restricted, "an address of this very network", nil},
		{"192.0.0.0/24", restricted, "reserved for protocols", nil},
		{"192.0.2.0/24", restricted, "reserved for documentation", nil},
		{"192.88.99.0/24", restricted, "a retired 6to4 relay address", nil},
		{"198.18.0.0/15", restricted, "reserved for benchmarks", nil},
		{"198.51.100.0/24", restricted, "reserved for documentation", nil},
		{"203.0.113.0/24", restricted, "reserved for documentation", nil},
		{"240.0.0.0/4", restricted, "reserved for the future", nil},

		{"::ffff:0:0/96", restricted, "an IPv4 address written as IPv6", lastFour},
		{"::ffff:0:0:0/96", restricted, "an IPv4 address translated to IPv6", lastFour},
		{"::/96", restricted, "an IPv4 address written as IPv6", lastFour},
		{"64:ff9b::/96", restricted, "an IPv4 address behind NAT64", lastFour},
		{"64:ff9b:1::/48", restricted, "an IPv4 address behind a local NAT64", localNAT64},
		{"2002::/16", restricted, "an IPv4 address behind 6to4", sixToFour},
		{"2001::/32", restricted, "an IPv4 address behind Teredo", teredo},
		{"2001::/23", restricted, "reserved for protocols", nil},
		{"2001:db8::/32", restricted, "reserved for documentation", nil},
		{"3fff::/20", restricted, "reserved for documentation", nil},

		// Only 2000::/3 has been handed out for global use. Whatever is left
		// around it is nobody's public address, now or by a later registry
		// entry that this table does not know yet.
		{"::/3", restricted, "not a public IPv6 address", nil},
		{"4000::/2", restricted, "not a public IPv6 address", nil},
		{"8000::/1", restricted, "not a public IPv6 address", nil},
	}
	ranges := make(addressRanges, len(table))
	for i, row := range table {
		ranges[i] = addressRange{netip.MustParsePrefix(row.prefix), row.verdict, row.reason, row.inner}
	}
	return ranges
}

// judgement is what the special-purpose table says about one address.
type judgement struct {
	verdict verdict
	reason  string
	// inner are the IPv4 addresses that the judged IPv6 address stands for.
	inner []netip.Addr
}

// judge looks addr up. An IPv6 address that leads to a forbidden IPv4 address
// is itself forbidden.
func (r addressRanges) judge(addr netip.Addr) judgement {
	addr = addr.WithZone("") // a prefix never contains an address with a zone
	for _, entry := range r {
		if !entry.prefix.Contains(addr) {
			continue
		}
		found := judgement{verdict: entry.verdict, reason: entry.reason}
		if entry.inner != nil {
			found.inner = entry.inner(addr.As16())
		}
		for _, inner := range found.inner {
			if hidden := r.judge(inner); hidden.verdict == forbidden {
				found.verdict = forbidden
				found.reason += "; it leads to " + inner.String() + ", " + hidden.reason
				return found
			}
		}
		return found
	}
	return judgement{verdict: public}
}

// lastFour reads an IPv4 address from the last four bytes.
func lastFour(ipv6 [16]byte) []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte(ipv6[12:]))}
}

// sixToFour reads the address of the 6to4 router (RFC 3056).
func sixToFour(ipv6 [16]byte) []netip.Addr {
	return []netip.Addr{netip.AddrFrom4([4]byte(ipv6[2:6]))}
}

// teredo reads the addresses of the Teredo server and of the client, the
// latter stored with all its bits inverted (RFC 4380).
func teredo(ipv6 [16]byte) []netip.Addr {
	client := [4]byte{^ipv6[12], ^ipv6[13], ^ipv6[14], ^ipv6[15]}
	return []netip.Addr{netip.AddrFrom4([4]byte(ipv6[4:8])), netip.AddrFrom4(client)}
}

// localNAT64 reads the address at each place where RFC 6052 may put it: it
// depends on the prefix length that the network chose, which nobody outside
// knows. A reading that starts with a zero byte belongs to another length.
func localNAT64(ipv6 [16]byte) []netip.Addr {
	var readings []netip.Addr
	for _, at := range [][4]int{{6, 7, 9, 10}, {7, 9, 10, 11}, {9, 10, 11, 12}, {12, 13, 14, 15}} {
		bytes := [4]byte{ipv6[at[0]], ipv6[at[1]], ipv6[at[2]], ipv6[at[3]]}
		if bytes[0] != 0 {
			readings = append(readings, netip.AddrFrom4(bytes))
		}
	}
	return readings
}
