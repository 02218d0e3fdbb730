package main

import (
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/google/go-cmp/cmp"
)

func credentials(pairs ...string) plugin.Credentials {
	values := map[string]any{"secret_id": "AKIDexample", "secret_key": "key-example", "region": "ap-guangzhou"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return plugin.NewCredentials(values)
}

func TestAccountNamesEveryMissingFieldAtOnce(t *testing.T) {
	tests := []struct {
		name  string
		given map[string]any
		want  string
	}{
		{"nothing at all", nil, "the Tencent COS credentials lack SecretId (secret_id), SecretKey (secret_key), Region (region): fill in what is missing"},
		{"only blanks", map[string]any{"secret_id": " ", "secret_key": "\n", "region": nil}, "the Tencent COS credentials lack SecretId (secret_id), SecretKey (secret_key), Region (region): fill in what is missing"},
		{"no key", map[string]any{"secret_id": "a", "region": "ap-guangzhou"}, "the Tencent COS credentials lack SecretKey (secret_key): fill in what is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newAccount(plugin.NewCredentials(tt.given))
			if err == nil || err.Error() != tt.want {
				t.Errorf("error = %v\nwant    %s", err, tt.want)
			}
			if plugin.KindOf(err) != plugin.InvalidCredentials {
				t.Errorf("kind = %v", plugin.KindOf(err))
			}
		})
	}
}

func TestAccountNamesEveryWrongFieldAtOnce(t *testing.T) {
	_, err := newAccount(credentials("region", "Guangzhou!", "bucket", "no_app_id", "endpoint", "http://x.example.com",
		"secret_id", "AK ID", "session_token", "a\nb"))
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{`"Guangzhou!" is not the name of a region`, `"no_app_id" in Bucket cannot be used`, "is not encrypted", "the SecretId contains a space"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
}

func TestAccountNeverRepeatsASecretInAnError(t *testing.T) {
	for _, field := range []string{"secret_id", "secret_key", "session_token"} {
		_, err := newAccount(credentials(field, "canary value"))
		if err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: error = %v", field, err)
		}
	}
}

func TestAccountTrimsWhatWasPasted(t *testing.T) {
	got, err := newAccount(credentials("secret_id", " AKID1\n", "secret_key", "\tkey1 ", "region", " AP-Guangzhou ", "session_token", " token ",
		"bucket", " b-1 ", "endpoint", " COS.accelerate.myqcloud.com/ "))
	if err != nil {
		t.Fatal(err)
	}
	want := account{
		secretID: "AKID1", secretKey: "key1", sessionToken: "token", region: "ap-guangzhou",
		buckets: []string{"b-1"}, endpoint: "{bucket}.cos.accelerate.myqcloud.com",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(account{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestParseRegion(t *testing.T) {
	tests := []struct{ text, want string }{
		{"ap-guangzhou", "ap-guangzhou"},
		{"AP-Guangzhou", "ap-guangzhou"},
		{"cos.ap-beijing-1", "ap-beijing-1"},
		{"https://cos.ap-tokyo.myqcloud.com/", "ap-tokyo"},
		{"me-somewhere-new", "me-somewhere-new"},
		{"cossh", "ap-shanghai"},
		{"cosgz", "ap-guangzhou"},
		{"cosbj", "ap-beijing"},
		{"costj", "ap-beijing-1"},
		{"coscd", "ap-chengdu"},
		{"cossgp", "ap-singapore"},
		{"coshk", "ap-hongkong"},
		{"cosca", "na-toronto"},
		{"cosger", "eu-frankfurt"},
		{"cn-south", "cn-south"},
		{"ap_guangzhou", ""},
		{"ap-guangzhou.evil.example", ""},
		{"ap-guangzhou/x", ""},
		{"-ap", ""},
		{"ap-", ""},
		{"广州", ""},
	}
	for _, tt := range tests {
		got, err := parseRegion(tt.text)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("parseRegion(%q) = %q, %v; want %q", tt.text, got, err, tt.want)
		}
	}
}

func TestRegionHostsOfTheFirstGenerationHaveNoPrefix(t *testing.T) {
	for region, want := range map[string]string{
		"ap-guangzhou": "cos.ap-guangzhou.myqcloud.com",
		"cn-south":     "cn-south.myqcloud.com",
		"cn-south-2":   "cn-south-2.myqcloud.com",
		"sg":           "sg.myqcloud.com",
	} {
		if got := regionHost(region); got != want {
			t.Errorf("regionHost(%q) = %q, want %q", region, got, want)
		}
	}
}

func TestAcceleratedRegionOfThePythonPluginBecomesAnEndpoint(t *testing.T) {
	a, err := newAccount(credentials("region", "cos.accelerate"))
	if err != nil {
		t.Fatal(err)
	}
	if got := a.endpoint.host("b-1", a.region); got != "b-1.cos.accelerate.myqcloud.com" {
		t.Errorf("host = %q", got)
	}
}

func TestParseBuckets(t *testing.T) {
	tests := []struct {
		text  string
		want  []string
		wrong bool
	}{
		{"", nil, false},
		{"a-1", []string{"a-1"}, false},
		{"b-1,a-1, c-1;d-1  e-1\nf-1，g-1、h-1", []string{"b-1", "a-1", "c-1", "d-1", "e-1", "f-1", "g-1", "h-1"}, false},
		{"a-1,a-1", []string{"a-1"}, false},
		{"Docs-1250000000", []string{"docs-1250000000"}, false},
		{"docs", nil, true},
		{"docs-", nil, true},
		{"-1", nil, true},
		{"evil.example.com/-1", nil, true},
		{"a-1/../b-1", nil, true},
		{"a.b-1", nil, true},
		{strings.Repeat("a", 70) + "-1", nil, true},
	}
	for _, tt := range tests {
		got, err := parseBuckets(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || (err != nil) != tt.wrong {
			t.Errorf("parseBuckets(%q): error %v, -want +got\n%s", tt.text, err, diff)
		}
	}
}

func TestParseEndpoint(t *testing.T) {
	tests := []struct {
		name, text string
		host       string // for bucket b-1 in ap-tokyo; "" means refused
		usesRegion bool
		oneBucket  bool
	}{
		{"none", "", "b-1.cos.ap-tokyo.myqcloud.com", true, false},
		{"a host of COS", "cos.accelerate.myqcloud.com", "b-1.cos.accelerate.myqcloud.com", false, false},
		{"a host of COS with scheme and slash", "https://cos.accelerate.myqcloud.com/", "b-1.cos.accelerate.myqcloud.com", false, false},
		{"a host of COS with the region", "cos-internal.{region}.tencentcos.cn", "b-1.cos-internal.ap-tokyo.tencentcos.cn", true, false},
		{"a pattern", "{bucket}.cos.{region}.tencentcos.cn", "b-1.cos.ap-tokyo.tencentcos.cn", true, false},
		{"a pattern elsewhere", "{bucket}.cos.corp.example:8443", "b-1.cos.corp.example:8443", false, false},
		{"the host of one bucket", "b-1.cos.ap-tokyo.myqcloud.com", "b-1.cos.ap-tokyo.myqcloud.com", false, false},
		{"a custom domain", "files.example.com", "files.example.com", false, true},
		{"not encrypted", "http://files.example.com", "", false, false},
		{"another scheme", "ftp://files.example.com", "", false, false},
		{"a path", "files.example.com/a", "", false, false},
		{"a query", "files.example.com?a=b", "", false, false},
		{"a user", "user@files.example.com", "", false, false},
		{"no dot", "localhost", "", false, false},
		{"an unknown placeholder", "{name}.example.com", "", false, false},
		{"an IPv6 address", "[::1]", "", false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := parseEndpoint(tt.text)
			if err != nil {
				if tt.host != "" {
					t.Error(err)
				}
				return
			}
			if got := e.host("b-1", "ap-tokyo"); got != tt.host {
				t.Errorf("host = %q, want %q", got, tt.host)
			}
			if e.usesRegion() != tt.usesRegion || e.oneBucket() != tt.oneBucket {
				t.Errorf("usesRegion, oneBucket = %v, %v", e.usesRegion(), e.oneBucket())
			}
		})
	}
}

func TestCustomDomainNeedsExactlyOneBucket(t *testing.T) {
	for buckets, ok := range map[string]bool{"": false, "a-1": true, "a-1,b-1": false} {
		_, err := newAccount(credentials("endpoint", "files.example.com", "bucket", buckets))
		if (err == nil) != ok {
			t.Errorf("with Bucket %q: %v", buckets, err)
		}
	}
}

func TestAccountLimitedToBucketsRefusesOthers(t *testing.T) {
	limited, err := newAccount(credentials("bucket", "a-1 b-1"))
	if err != nil {
		t.Fatal(err)
	}
	open, err := newAccount(credentials())
	if err != nil {
		t.Fatal(err)
	}
	if err := limited.allows("b-1"); err != nil {
		t.Error(err)
	}
	if err := limited.allows("c-1"); err == nil || !strings.Contains(err.Error(), "a-1, b-1") {
		t.Errorf("error = %v", err)
	}
	if err := open.allows("c-1"); err != nil {
		t.Error(err)
	}
	if err := open.allows("evil.example.com/-1"); err == nil {
		t.Error("a bucket that leads to another host is accepted")
	}
}

func TestOnlyHostsOfCOSAreOfficial(t *testing.T) {
	for host, want := range map[string]bool{
		"service.cos.myqcloud.com":          true,
		"b-1.cos.ap-tokyo.myqcloud.com":     true,
		"b-1.cos.ap-tokyo.tencentcos.cn":    true,
		"myqcloud.com.example.com":          false,
		"evilmyqcloud.com":                  false,
		"cos.ap-tokyo.myqcloud.com.example": false,
		"":                                  false,
	} {
		if officialHost(host) != want {
			t.Errorf("officialHost(%q) = %v", host, !want)
		}
	}
}
