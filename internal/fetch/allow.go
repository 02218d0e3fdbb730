package fetch

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// allowEntry is one entry of an allow list. Exactly one of name, suffix and
// prefix is set.
type allowEntry struct {
	name   string       // a host
	suffix string       // ".example.com" for *.example.com
	prefix netip.Prefix // an address or a CIDR
	port   uint16       // 0 is any port
}

// allowList is what an operator permits beyond public addresses.
type allowList []allowEntry

// parseAllowList reads a comma-separated list of hosts (db.example.com), host
// suffixes (*.example.com, which does not include example.com itself),
// addresses (10.0.0.5, fd12::1) and CIDRs (10.0.0.0/8). Hosts, suffixes and
// addresses may end in a port (db.example.com:8080, [fd12::1]:8080). Blanks
// around entries, and empty entries, are ignored.
func parseAllowList(list string) (allowList, error) {
	var allowed allowList
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		entry, err := parseAllowEntry(item)
		if err != nil {
			return nil, fmt.Errorf("entry %q: %w", item, err)
		}
		allowed = append(allowed, entry)
	}
	return allowed, nil
}

func parseAllowEntry(item string) (allowEntry, error) {
	if strings.Contains(item, "/") {
		return parseAllowCIDR(item)
	}
	var entry allowEntry
	host := item
	if h, p, err := net.SplitHostPort(item); err == nil {
		if entry.port, err = parsePort(p); err != nil {
			return allowEntry{}, err
		}
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	parent, isSuffix := strings.CutPrefix(host, "*.")
	canonical, err := canonicalHost(parent)
	if err != nil {
		return allowEntry{}, err
	}
	addr, err := netip.ParseAddr(canonical)
	switch {
	case err != nil && isSuffix:
		entry.suffix = "." + canonical
	case err != nil:
		entry.name = canonical
	case isSuffix:
		return allowEntry{}, errors.New("an address has no subdomains; list a CIDR, such as 10.0.0.0/8")
	default:
		addr = addr.Unmap()
		entry.prefix = netip.PrefixFrom(addr, addr.BitLen())
	}
	return entry, nil
}

func parseAllowCIDR(item string) (allowEntry, error) {
	prefix, err := netip.ParsePrefix(item)
	if err != nil {
		return allowEntry{}, errors.New("not a CIDR; list hosts, *.suffixes, addresses or CIDRs such as 10.0.0.0/8, without scheme and path")
	}
	if prefix.Addr().Is4In6() {
		return allowEntry{}, errors.New("write this range as IPv4, such as 10.0.0.0/8")
	}
	return allowEntry{prefix: prefix.Masked()}, nil
}

// permits reports whether an entry matches the host or the address, and the
// port. host is in canonical form.
func (l allowList) permits(host string, port uint16, addr netip.Addr) bool {
	if l.permitsName(host, port) {
		return true
	}
	addr = addr.Unmap().WithZone("")
	for _, entry := range l {
		if entry.prefix.IsValid() && entry.prefix.Contains(addr) && entry.matchesPort(port) {
			return true
		}
	}
	return false
}

// permitsName reports whether an entry matches the host by its name.
func (l allowList) permitsName(host string, port uint16) bool {
	for _, entry := range l {
		named := entry.name != "" && entry.name == host ||
			entry.suffix != "" && strings.HasSuffix(host, entry.suffix)
		if named && entry.matchesPort(port) {
			return true
		}
	}
	return false
}

func (e allowEntry) matchesPort(port uint16) bool { return e.port == 0 || e.port == port }
