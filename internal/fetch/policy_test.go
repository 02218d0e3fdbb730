package fetch

import (
	"net/netip"
	"strings"
	"testing"
)

func TestThePolicyCombinesRangesAndAllowList(t *testing.T) {
	tests := []struct {
		name, allow, host, addr string
		refused                 bool
	}{
		{"public needs no listing", "", "a.test", "93.184.216.34", false},
		{"private is refused", "", "a.test", "10.0.0.1", true},
		{"private is permitted by its CIDR", "10.0.0.0/8", "a.test", "10.0.0.1", false},
		{"private is permitted by the host's name", "a.test", "a.test", "10.0.0.1", false},
		{"loopback is permitted by the host's name", "localhost", "localhost", "127.0.0.1", false},
		{"link-local is refused even when its CIDR is listed", "169.254.0.0/16,0.0.0.0/0", "a.test", "169.254.1.1", true},
		{"link-local is refused even when the host is listed", "a.test", "a.test", "fe80::1", true},
		{"metadata is refused even when the address is listed", "100.100.100.200,fd00:ec2::254,168.63.129.16", "a.test", "100.100.100.200", true},
		{"metadata over IPv6 too", "100.100.100.200,fd00:ec2::254,fd00::/8", "a.test", "fd00:ec2::254", true},
		{"Azure's wire server too", "168.63.129.16", "a.test", "168.63.129.16", true},
		{"unspecified too", "0.0.0.0/0", "a.test", "0.0.0.0", true},
		{"multicast too", "224.0.0.0/4", "a.test", "224.0.0.1", true},
		{"broadcast too", "255.255.255.255", "a.test", "255.255.255.255", true},
		{"NAT64 to a public address is permitted by its prefix", "64:ff9b::/96", "a.test", "64:ff9b::8.8.8.8", false},
		{"NAT64 to a private address needs both", "64:ff9b::/96", "a.test", "64:ff9b::10.0.0.1", true},
		{"NAT64 to a private address with both", "64:ff9b::/96,10.0.0.0/8", "a.test", "64:ff9b::10.0.0.1", false},
		{"NAT64 to metadata never", "64:ff9b::/96,169.254.0.0/16,a.test", "a.test", "64:ff9b::169.254.169.254", true},
		{"a mapped public address is refused", "", "::ffff:8.8.8.8", "::ffff:8.8.8.8", true},
		{"a mapped private address is permitted as its IPv4 address is", "10.0.0.0/8", "::ffff:10.0.0.1", "::ffff:10.0.0.1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			allow, err := parseAllowList(tt.allow)
			if err != nil {
				t.Fatal(err)
			}
			p := policy{fetchAllowSetting, allow, specialPurpose()}
			err = p.checkAddress(tt.host, 443, netip.MustParseAddr(tt.addr))
			if (err != nil) != tt.refused {
				t.Errorf("checkAddress(%s, %s) with %q = %v, want refused %t", tt.host, tt.addr, tt.allow, err, tt.refused)
			}
		})
	}
}

func TestARefusalNamesHostAddressReasonAndSetting(t *testing.T) {
	n := &network{names: map[string][][]string{"db.test": {{"10.0.0.5"}}, "meta.test": {{"169.254.169.254"}}}}
	tests := []struct{ name, url, want string }{
		{
			"a name that resolves to a private address", "http://db.test/dump?password=canary#canary",
			"http://db.test/dump: refused: db.test resolves to 10.0.0.5, which is a private address; if the plugin may contact it, the operator lists it in DIFYPLUGIN_FETCH_ALLOW",
		},
		{
			"an address", "http://127.0.0.1:6379/",
			"http://127.0.0.1:6379/: refused: 127.0.0.1 is a loopback address; if the plugin may contact it, the operator lists it in DIFYPLUGIN_FETCH_ALLOW",
		},
		{
			"an address that cannot be listed", "http://meta.test/latest",
			"http://meta.test/latest: refused: meta.test resolves to 169.254.169.254, which is the address of a cloud metadata service; such addresses are never contacted, and DIFYPLUGIN_FETCH_ALLOW cannot permit them",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := n.client(t, Config{}).Get(t.Context(), tt.url, 1)
			if got := wantKind(t, err, Refused).Error(); got != tt.want {
				t.Errorf("error\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
	if dials := n.dials(); len(dials) > 0 {
		t.Errorf("dialled %v", dials)
	}
}

func TestMetadataHostNamesAreRefusedEvenWhenListed(t *testing.T) {
	n := &network{}
	c := n.client(t, Config{FetchAllow: "metadata.google.internal,*.google.internal,metadata.tencentyun.com,instance-data"})
	for _, host := range []string{
		"metadata.google.internal", "METADATA.google.internal.", "x.metadata.google.internal", "metadata.goog",
		"metadata.tencentyun.com", "instance-data", "instance-data.ec2.internal",
	} {
		_, err := c.Get(t.Context(), "http://"+host+"/computeMetadata/v1/", 1)
		if failed := wantKind(t, err, Refused); !strings.Contains(failed.Reason, "metadata service") {
			t.Errorf("%s: %v", host, err)
		}
	}
	if len(n.lookups) > 0 {
		t.Errorf("looked up %v", n.lookups)
	}
}
