package fetch

import (
	"net/netip"
	"strings"
	"testing"
)

func TestAnAllowListPermitsWhatItListsAndNothingElse(t *testing.T) {
	tests := []struct {
		name, list, host string
		port             uint16
		addr             string
		want             bool
	}{
		{"an empty list permits nothing", "", "a.test", 80, "10.0.0.1", false},
		{"blanks and empty entries are ignored", " , a.test ,, ", "a.test", 80, "10.0.0.1", true},
		{"a host is listed by name", "a.test", "a.test", 80, "10.0.0.1", true},
		{"case and a trailing dot do not matter", "A.Test.", "a.test", 80, "10.0.0.1", true},
		{"a host is not its subdomains", "a.test", "b.a.test", 80, "10.0.0.1", false},
		{"a host is not a longer name that ends like it", "a.test", "xa.test", 80, "10.0.0.1", false},
		{"a suffix is its subdomains at any depth", "*.a.test", "c.b.a.test", 80, "10.0.0.1", true},
		{"a suffix is not the domain itself", "*.a.test", "a.test", 80, "10.0.0.1", false},
		{"a suffix ends at a dot", "*.a.test", "xa.test", 80, "10.0.0.1", false},
		{"a suffix may have a port", "*.a.test:81", "b.a.test", 80, "10.0.0.1", false},
		{"a host with its port", "a.test:81", "a.test", 81, "10.0.0.1", true},
		{"a host with another port", "a.test:81", "a.test", 80, "10.0.0.1", false},
		{"an address", "10.0.0.1", "a.test", 80, "10.0.0.1", true},
		{"another address", "10.0.0.1", "a.test", 80, "10.0.0.2", false},
		{"an address with its port", "10.0.0.1:81", "a.test", 81, "10.0.0.1", true},
		{"an address with another port", "10.0.0.1:81", "a.test", 80, "10.0.0.1", false},
		{"an IPv6 address", "fd12::1", "a.test", 80, "fd12::1", true},
		{"an IPv6 address in brackets", "[fd12::1]", "a.test", 80, "fd12::1", true},
		{"an IPv6 address with its port", "[fd12::1]:81", "a.test", 81, "fd12::1", true},
		{"an IPv6 address with another port", "[fd12::1]:81", "a.test", 80, "fd12::1", false},
		{"a CIDR", "10.0.0.0/8", "a.test", 80, "10.9.8.7", true},
		{"a CIDR with bits beyond its length", "10.1.2.3/8", "a.test", 80, "10.9.8.7", true},
		{"outside a CIDR", "10.0.0.0/8", "a.test", 80, "11.0.0.1", false},
		{"an IPv6 CIDR", "fd00::/8", "a.test", 80, "fd12::1", true},
		{"an IPv6 CIDR is not IPv4", "::/0", "a.test", 80, "10.0.0.1", false},
		{"an IPv6 CIDR is not IPv4 in its mapped form", "::/0", "a.test", 80, "::ffff:10.0.0.1", false},
		{"an IPv4 address in its mapped form", "10.0.0.1", "a.test", 80, "::ffff:10.0.0.1", true},
		{"a mapped address stands for its IPv4 address", "::ffff:10.0.0.1", "a.test", 80, "10.0.0.1", true},
		{"the second entry counts too", "b.test,a.test", "a.test", 80, "10.0.0.1", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := parseAllowList(tt.list)
			if err != nil {
				t.Fatal(err)
			}
			if got := list.permits(tt.host, tt.port, netip.MustParseAddr(tt.addr)); got != tt.want {
				t.Errorf("%q permits %s:%d at %s = %t, want %t", tt.list, tt.host, tt.port, tt.addr, got, tt.want)
			}
		})
	}
}

func TestAMalformedAllowListIsAnErrorThatNamesSettingAndEntry(t *testing.T) {
	for _, entry := range []string{
		"*", "*.", "http://a.test", "a.test/path", "10.0.0.0/33", "10.0.0.0/x", "::ffff:10.0.0.0/104", "a.test:0", "a.test:65536", "a.test:http",
		"127.1", "0x7f.1", "2130706433", "fe80::1%eth0", "a b", "a..b", "*.10.0.0.1", "user@a.test", "fd00::/129", "a.*.test",
	} {
		for setting, cfg := range map[string]Config{
			"DIFYPLUGIN_FETCH_ALLOW":    {FetchAllow: "ok.test," + entry},
			"DIFYPLUGIN_ENDPOINT_ALLOW": {EndpointAllow: "ok.test," + entry},
		} {
			_, err := New(cfg)
			if err == nil {
				t.Errorf("New accepted %q in %s", entry, setting)
				continue
			}
			if !strings.Contains(err.Error(), setting) || !strings.Contains(err.Error(), entry) {
				t.Errorf("the error %q does not name %s and %q", err, setting, entry)
			}
		}
	}
}
