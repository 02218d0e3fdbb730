package account

import (
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
)

// The services behind the hosts of Amazon OpenSearch, by the names that signatures and policies have for them.
const (
	// SearchDomains are the domains of Amazon OpenSearch Service, which run on machines of one's own choice.
	SearchDomains = "es"
	// SearchCollections are the collections of Amazon OpenSearch Serverless.
	SearchCollections = "aoss"
)

// SearchHost reads the host of an OpenSearch domain or collection, in lower case and without a port, such as
// search-pictures-abc.us-east-1.es.amazonaws.com: which of the two it is, and in which region. Other hosts are not ok.
//
// The forms are those of "Collection endpoints for Amazon OpenSearch Serverless" and of "Creating and managing Amazon
// OpenSearch Service domains" in the developer guide.
func SearchHost(host string) (service, region string, ok bool) {
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu"} {
		if name, found := strings.CutSuffix(host, suffix); found {
			labels := strings.Split(name, ".") // NAME.REGION.es
			if len(labels) == 3 {
				return searchService(labels[0], labels[2], labels[1])
			}
		}
	}
	for _, suffix := range []string{".on.aws", ".on.amazonwebservices.com.cn"} {
		if name, found := strings.CutSuffix(host, suffix); found {
			labels := strings.Split(name, ".") // NAME.aoss.REGION
			if len(labels) == 3 {
				return searchService(labels[0], labels[1], labels[2])
			}
		}
	}
	return "", "", false
}

func searchService(name, service, region string) (string, string, bool) {
	if name == "" || !hostIsPlain(name) || !ValidRegion(region) {
		return "", "", false
	}
	switch strings.TrimSuffix(service, "-fips") {
	case "es", "aos":
		return SearchDomains, region, true
	case "aoss":
		return SearchCollections, region, true
	}
	return "", "", false
}

// officialSearch reports whether a host is one of OpenSearch whose addresses are AWS's own. A domain inside a private
// network has addresses that its owner chooses.
func officialSearch(host string) bool {
	_, _, ok := SearchHost(host)
	return ok && !strings.HasPrefix(host, "vpc-")
}

// endpointSetting is the variable with which an operator allows hosts that users enter.
const endpointSetting = "DIFYPLUGIN_ENDPOINT_ALLOW"

// Listed reports whether the operator has allowed a host by its name, or an address, in DIFYPLUGIN_ENDPOINT_ALLOW. The
// transport of an account reads the same list when it looks at the addresses of a host; this is for hosts that need the
// operator's permission whatever their addresses are. port is "" for the usual one.
func Listed(host, port string) bool {
	if port == "" {
		port = "443"
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(strings.Split(os.Getenv(endpointSetting), ","), func(item string) bool {
		return lists(strings.ToLower(strings.TrimSpace(item)), host, port)
	})
}

// lists reports whether an item, a host, a *.suffix, an address or a CIDR, names a host.
func lists(item, host, port string) bool {
	if prefix, err := netip.ParsePrefix(item); err == nil {
		addr, err := netip.ParseAddr(host)
		return err == nil && prefix.Contains(addr)
	}
	if bare, only, err := net.SplitHostPort(item); err == nil {
		if only != port {
			return false
		}
		item = bare
	}
	item = strings.TrimSuffix(strings.Trim(item, "[]"), ".")
	if parent, ok := strings.CutPrefix(item, "*"); ok {
		return strings.HasPrefix(parent, ".") && len(parent) > 1 && strings.HasSuffix(host, parent)
	}
	return item != "" && item == host
}

// CheckHost refuses to show the identity of the machine to a host that a user has entered for a tool, unless it is a
// host of AWS. What the keys of a user are shown to is the user's business.
func (a *Account) CheckHost(host string) error {
	if _, _, ok := SearchHost(host); ok || Official(host) || a.identity.keys.set() {
		return nil
	}
	return plugin.Errorf(plugin.Authorization, "%s is no host of AWS, and there are no keys: fill in %s and %s, because the identity of the "+
		"machine on which the plugin runs is never shown to an endpoint that a user chose", clip(host), fieldID, fieldSecret)
}
