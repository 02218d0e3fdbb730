package fetch

import (
	"net/netip"
	"strings"
)

// The settings with which an operator permits more than public addresses.
const (
	fetchAllowSetting    = "DIFYPLUGIN_FETCH_ALLOW"
	endpointAllowSetting = "DIFYPLUGIN_ENDPOINT_ALLOW"
)

// policy decides about hosts that a user typed.
type policy struct {
	setting string // the environment variable that holds allow
	allow   allowList
	ranges  addressRanges
}

// checkAddress returns a refusal unless addr, which host resolved to, may be
// contacted. host is in canonical form.
func (p policy) checkAddress(host string, port uint16, addr netip.Addr) error {
	found := p.ranges.judge(addr)
	switch {
	case found.verdict == public:
		return nil
	case found.verdict == restricted && p.listed(host, port, addr, found.inner):
		return nil
	}
	return p.refusal(host, addr, found)
}

// listed reports whether the operator permits a restricted address. An IPv6
// address that leads to restricted IPv4 addresses needs these to be permitted
// too: whoever lists a NAT64 prefix to reach the internet has not opened the
// private network behind it.
func (p policy) listed(host string, port uint16, addr netip.Addr, inner []netip.Addr) bool {
	if !p.allow.permits(host, port, addr) {
		return false
	}
	for _, hidden := range inner {
		if p.checkAddress(host, port, hidden) != nil {
			return false
		}
	}
	return true
}

func (p policy) refusal(host string, addr netip.Addr, found judgement) *Error {
	var reason strings.Builder
	reason.WriteString("refused: " + host)
	if host != addr.String() {
		reason.WriteString(" resolves to " + addr.String() + ", which")
	}
	reason.WriteString(" is " + found.reason)
	if found.verdict == forbidden {
		reason.WriteString("; such addresses are never contacted, and " + p.setting + " cannot permit them")
	} else {
		reason.WriteString("; if the plugin may contact it, the operator lists it in " + p.setting)
	}
	return &Error{Kind: Refused, Host: host, Address: addr, Reason: reason.String()}
}

// checkHost is the part of the policy that needs no DNS: metadata services by
// their names, and addresses in place of a name. host is in canonical form.
func (p policy) checkHost(host string, port uint16) error {
	if isMetadataName(host) {
		return &Error{Kind: Refused, Host: host, Reason: "refused: " + host +
			" is the name of a cloud metadata service; such services are never contacted, and " + p.setting + " cannot permit them"}
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return p.checkAddress(host, port, addr)
	}
	return nil
}

// checkAnswer checks every address of a DNS answer. One address that is not
// permitted refuses the host: a name that points inside and outside at once is
// how DNS rebinding starts, and a proxy would be free to choose the inside.
func (p policy) checkAnswer(host string, port uint16, addrs []netip.Addr) error {
	for _, addr := range addrs {
		if err := p.checkAddress(host, port, addr); err != nil {
			return err
		}
	}
	return nil
}

// isMetadataName reports whether host is a name under which a cloud serves
// credentials to its machines. The addresses are checked as well; the names
// matter where only a proxy can resolve them.
func isMetadataName(host string) bool {
	switch host {
	case "metadata.google.internal", "metadata.goog", // Google Cloud
		"instance-data", "instance-data.ec2.internal", // AWS
		"metadata.tencentyun.com",                             // Tencent Cloud
		"metadata.azure.internal",                             // Azure
		"metadata.platformequinix.com", "metadata.packet.net": // Equinix Metal
		return true
	}
	return strings.HasSuffix(host, ".metadata.google.internal")
}
