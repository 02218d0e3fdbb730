package fetch

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAURLHasOneCanonicalForm(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"an ordinary URL stays as it is", "https://a.test/p/q?x=1&y=%2F", "https://a.test/p/q?x=1&y=%2F"},
		{"blanks around it are dropped", " https://a.test/ \n", "https://a.test/"},
		{"scheme and host are lower-cased", "HTTPS://A.Test/P", "https://a.test/P"},
		{"a trailing dot is dropped", "https://a.test./", "https://a.test/"},
		{"the fragment is dropped", "https://a.test/p#f", "https://a.test/p"},
		{"an empty port is dropped", "https://a.test:/", "https://a.test/"},
		{"a port loses its leading zeros", "https://a.test:00080/", "https://a.test:80/"},
		{"a written default port stays", "https://a.test:443/", "https://a.test:443/"},
		{"an IPv6 address is shortened", "http://[2606:4700:0:0::1111]/", "http://[2606:4700::1111]/"},
		{"an IPv6 address keeps its port", "http://[2606:4700::1111]:81/", "http://[2606:4700::1111]:81/"},
		{"an address with a trailing dot is an address", "http://8.8.8.8./", "http://8.8.8.8/"},
		{"escapes in the path stay", "https://a.test/a%2Fb%20c", "https://a.test/a%2Fb%20c"},
		{"a backslash in the query stays", `https://a.test/?p=a\b`, `https://a.test/?p=a\b`},
		{"blanks and other letters in the query are escaped", "https://a.test/?q=a b é+%2F&s", "https://a.test/?q=a%20b%20%C3%A9+%2F&s"},
		{"underscores are used in container networks", "http://my_app:80/", "http://my_app:80/"},
		{"a punycode name is a name", "http://xn--fsqu00a.xn--0zwm56d/", "http://xn--fsqu00a.xn--0zwm56d/"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseTarget(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOddURLsAreRefusedWithoutBeingResolved(t *testing.T) {
	tests := []struct {
		name, raw string
		kind      Kind
	}{
		{"another scheme", "ftp://a.test/", Invalid},
		{"a file", "file:///etc/passwd", Invalid},
		{"a gopher", "gopher://a.test/_x", Invalid},
		{"no scheme", "a.test/x", Invalid},
		{"no scheme but slashes", "//a.test/x", Invalid},
		{"nothing", "", Invalid},
		{"no host", "http:///x", Invalid},
		{"no slashes", "http:a.test", Invalid},
		{"one slash", "http:/a.test", Invalid},
		{"another relative path", "/v1/x", Invalid},
		{"a user name", "http://user@a.test/", Refused},
		{"a password", "http://user:canary@a.test/", Refused},
		{"an empty user name", "http://@a.test/", Refused},
		{"a host in front of the real one", "http://a.test@127.0.0.1/", Refused},
		{"a host in front, with a backslash", `http://a.test\@127.0.0.1/`, Invalid},
		{"backslashes for slashes", `http:\\127.0.0.1\`, Invalid},
		{"a backslash in the path", `http://a.test/\127.0.0.1`, Invalid},
		{"a decimal address", "http://2130706433/", Invalid},
		{"a hexadecimal address", "http://0x7f000001/", Invalid},
		{"a hexadecimal part", "http://0x7f.1/", Invalid},
		{"an upper-case hexadecimal part", "http://0X7F.1/", Invalid},
		{"an empty hexadecimal part", "http://127.0.0.0x/", Invalid},
		{"an octal address", "http://0177.0.0.1/", Invalid},
		{"two parts", "http://127.1/", Invalid},
		{"three parts", "http://127.0.1/", Invalid},
		{"five parts", "http://127.0.0.0.1/", Invalid},
		{"a short address with a trailing dot", "http://127.1./", Invalid},
		{"an address with a trailing dot", "http://127.0.0.1./", Refused},
		{"two trailing dots", "http://127.0.0.1../", Invalid},
		{"a part above 255", "http://127.0.0.256/", Invalid},
		{"zero", "http://0/", Invalid},
		{"zeros", "http://0.0.0.0/", Refused},
		{"percent-encoded digits", "http://%31%32%37.0.0.1/", Invalid},
		{"full-width digits", "http://１２７.0.0.1/", Invalid},
		{"circled digits", "http://①②⑦.0.0.1/", Invalid},
		{"an ideographic full stop", "http://127。0。0。1/", Invalid},
		{"letters outside ASCII", "http://例子.test/", Invalid},
		{"a zone", "http://[fe80::1%25eth0]/", Invalid},
		{"a zone on loopback", "http://[::1%25lo]/", Invalid},
		{"IPv4 in brackets", "http://[127.0.0.1]/", Invalid},
		{"loopback over IPv6", "http://[::1]/", Refused},
		{"the long form of loopback", "http://[0:0:0:0:0:0:0:1]/", Refused},
		{"a mapped address", "http://[::ffff:127.0.0.1]/", Refused},
		{"a mapped address in hexadecimal", "http://[::ffff:7f00:1]/", Refused},
		{"a mapped public address", "http://[::ffff:8.8.8.8]/", Refused},
		{"a mapped metadata address", "http://[::ffff:a9fe:a9fe]/", Refused},
		{"port zero", "http://a.test:0/", Invalid},
		{"a port out of range", "http://a.test:65536/", Invalid},
		{"a negative port", "http://a.test:-1/", Invalid},
		{"a port that is a name", "http://a.test:http/", Invalid},
		{"an empty label", "http://a..test/", Invalid},
		{"a leading dot", "http://.test/", Invalid},
		{"just a dot", "http://./", Invalid},
		{"a label of 64 characters", "http://" + strings.Repeat("a", 64) + ".test/", Invalid},
		{"a name of 254 characters", "http://" + strings.Repeat("a.", 126) + "aa/", Invalid},
		{"a space in the host", "http://a test/", Invalid},
		{"a control character", "http://a.test/\x01", Invalid},
		{"a tab in the host", "http://127.0.0\t.1/", Invalid},
		{"a character that names cannot have", "http://a!b/", Invalid},
		{"a bad escape", "http://a.test/%zz", Invalid},
	}
	n := &network{}
	c := n.client(t, Config{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.Get(t.Context(), tt.raw, 1)
			if failed := wantKind(t, err, tt.kind); strings.Contains(failed.Error(), "canary") {
				t.Errorf("the error holds a password: %v", failed)
			}
		})
	}
	if len(n.lookups) > 0 || len(n.dials()) > 0 {
		t.Errorf("looked up %v, dialled %v", n.lookups, n.dials())
	}
}

func TestAnOddHostSaysHowToWriteIt(t *testing.T) {
	for url, advice := range map[string]string{
		"http://例子.test/": "xn-- form", "http://127.1/": "four decimal numbers", "http://[fe80::1%25eth0]/": "leave the zone out",
		"http:a.test": "https://host/path", "http://a.test:0/": "between 1 and 65535", "http://u:p@a.test/": "remove the part before the @",
	} {
		_, err := parseTarget(url)
		if err == nil || !strings.Contains(err.Error(), advice) {
			t.Errorf("%s: %v, want %q", url, err, advice)
		}
	}
}

func TestAURLThatCannotBeReadIsNotQuoted(t *testing.T) {
	c := (&network{}).client(t, Config{})
	for _, raw := range []string{"http://user:canary#@a.test/", "http://user:canary @a.test/", "http://a.test:canary/", "canary://x", "http://canary%zz"} {
		_, err := c.Get(t.Context(), raw, 1)
		if failed := wantKind(t, err, Invalid); strings.Contains(failed.Error(), "canary") {
			t.Errorf("the error for %q quotes it: %v", raw, failed)
		}
	}
}

// legacyIPv4 reads an address as the C function inet_aton does: one to four
// decimal, octal or hexadecimal parts, the last of which fills what is left.
func legacyIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(strings.TrimSuffix(host, "."), ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		base := 10
		switch lower := strings.ToLower(part); {
		case strings.HasPrefix(lower, "0x"):
			part, base = lower[2:], 16
			if part == "" {
				part = "0"
			}
		case len(part) > 1 && part[0] == '0':
			base = 8
		}
		n, err := strconv.ParseUint(part, base, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		if i == len(parts)-1 {
			sum += n
			break
		}
		if n > 255 {
			return netip.Addr{}, false
		}
		sum += n << (24 - 8*i)
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), sum <= 0xffffffff
}

func FuzzAcceptedURLsAreHarmless(f *testing.F) {
	for _, seed := range []string{
		"https://a.test/x?y#z", "http://127.0.0.1/", "http://127.1/", "http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/",
		"http://[::1]/", "http://[::ffff:7f00:1]/", "http://[fe80::1%25eth0]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:7f00:1::]/",
		"http://user:pass@a.test/", "http://a.test@10.0.0.1/", `http://a.test\@10.0.0.1/`, "ftp://a.test/", "file:///etc/passwd", "//a.test/", "/files/x",
		"http:a.test", "http://a.test:0/", "http://a.test:65536/", "http://127.0.0.1./", "http://１２７.0.0.1/", "http://127。0。0。1/",
		"http://8.8.8.8:00080/", "HTTP://A.TEST.:80/%2e%2e", "http://metadata.google.internal./", "http://[::]/", "http://0/", "http://169.254.169.254", "http://\t127.0.0.1",
		"http://[2001:0:808:808::5601:5601]/", "http://[100.64.0.1]/", "http://1.1.1.1:@10.0.0.1/", "http://10.0.0.1#@1.1.1.1/", "http://10.0.0.1?@1.1.1.1/", "http://A? #",
	} {
		f.Add(seed)
	}
	c, err := New(Config{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		to, err := c.inspect(raw)
		if err != nil {
			wantAnError(t, err)
			return
		}
		again, err := url.Parse(to.String()) // as net/http, a proxy or a log would read it
		if err != nil {
			t.Fatalf("the canonical form %q of %q cannot be read: %v", to, raw, err)
		}
		if again.Scheme != "http" && again.Scheme != "https" {
			t.Errorf("%q was accepted with scheme %q", raw, again.Scheme)
		}
		if again.User != nil || again.Fragment != "" {
			t.Errorf("%q was accepted as %q, with user information or a fragment", raw, to)
		}
		host := again.Hostname()
		if host != to.origin.host {
			t.Errorf("%q is read as host %q and as %q", raw, to.origin.host, host)
		}
		if addr, ok := legacyIPv4(host); ok {
			wantPublic(t, raw, addr)
		}
		if addr, err := netip.ParseAddr(host); err == nil {
			wantPublic(t, raw, addr)
		}
		if strings.HasSuffix(host, ".") || host != strings.ToLower(host) || strings.ContainsAny(host, `\@/%#?[] `) {
			t.Errorf("%q was accepted with host %q", raw, host)
		}
		if twice, err := c.inspect(to.String()); err != nil || twice.String() != to.String() {
			t.Errorf("the canonical form %q of %q becomes %v, %v", to, raw, twice, err)
		}
	})
}

func wantAnError(t *testing.T, err error) {
	t.Helper()
	if failed, ok := err.(*Error); !ok || failed.Reason == "" || failed.Kind != Invalid && failed.Kind != Refused {
		t.Errorf("error is %#v, want an *Error with a reason", err)
	}
}

// wantPublic judges by the standard library alone, so that it does not share
// the mistakes of the table.
func wantPublic(t *testing.T, raw string, addr netip.Addr) {
	t.Helper()
	if addr.IsPrivate() || addr.IsLoopback() || addr.IsLinkLocalUnicast() || addr.IsMulticast() || addr.IsUnspecified() ||
		addr.Is4In6() || !addr.IsGlobalUnicast() || addr.Zone() != "" {
		t.Errorf("%q was accepted, and leads to %s", raw, addr)
	}
}
