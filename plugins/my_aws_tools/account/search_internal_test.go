package account

import (
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
)

func TestHostsOfOpenSearchSayWhatTheyAreAndWhere(t *testing.T) {
	for host, want := range map[string]string{
		"search-x.us-east-1.es.amazonaws.com":      "es us-east-1",
		"vpc-x.eu-west-1.es.amazonaws.com":         "es eu-west-1",
		"search-x.cn-north-1.es.amazonaws.com.cn":  "es cn-north-1",
		"search-x.aos.ap-northeast-1.on.aws":       "es ap-northeast-1",
		"vpc-x.aos.us-gov-west-1.on.aws":           "es us-gov-west-1",
		"id.us-east-1.aoss.amazonaws.com":          "aoss us-east-1",
		"id.us-east-1.aoss-fips.amazonaws.com":     "aoss us-east-1",
		"id.aoss.us-east-1.on.aws":                 "aoss us-east-1",
		"es.us-east-1.amazonaws.com":               "",
		"aoss.us-east-1.amazonaws.com":             "",
		"x.us-east-1.s3.amazonaws.com":             "",
		"search-x.us-east-1.es.amazonaws.com.evil": "",
		"search-x.us-east-1.es.example.com":        "",
		"a.b.us-east-1.es.amazonaws.com":           "",
		".us-east-1.es.amazonaws.com":              "",
		"localhost":                                "",
	} {
		service, region, ok := SearchHost(host)
		if got := strings.TrimSpace(service + " " + region); got != want || ok != (want != "") {
			t.Errorf("%s is %q, want %q", host, got, want)
		}
	}
}

func TestTheOperatorListsHostsByName(t *testing.T) {
	for _, tt := range []struct {
		list, host, port string
		want             bool
	}{
		{"", "search.example.com", "", false},
		{"search.example.com", "search.example.com", "", true},
		{" other.example.com , Search.Example.com. ", "SEARCH.example.com.", "", true},
		{"*.example.com", "a.search.example.com", "", true},
		{"*.example.com", "example.com", "", false},
		{"*.example.com", "badexample.com", "", false},
		{"*", "search.example.com", "", false},
		{"*.", "search.example.com", "", false},
		{"search.example.com:9200", "search.example.com", "9200", true},
		{"search.example.com:9200", "search.example.com", "", false},
		{"search.example.com:443", "search.example.com", "", true},
		{"search.example.com", "search.example.com", "9200", true},
		{"10.0.0.0/8", "10.1.2.3", "", true},
		{"10.0.0.0/8", "11.1.2.3", "", false},
		{"10.0.0.0/8", "search.example.com", "", false},
		{"[fd12::1]:9200", "fd12::1", "9200", true},
		{",,", "", "", false},
	} {
		t.Setenv(endpointSetting, tt.list)
		if got := Listed(tt.host, tt.port); got != tt.want {
			t.Errorf("%q lists %s:%s: %t, want %t", tt.list, tt.host, tt.port, got, tt.want)
		}
	}
}

func TestA28_TheIdentityOfTheMachineIsShownToHostsOfAWSOnly(t *testing.T) {
	machine, user := &Account{}, &Account{}
	user.identity.keys.id = "AKIATEST"
	for _, host := range []string{"search-x.us-east-1.es.amazonaws.com", "vpc-x.us-east-1.es.amazonaws.com", "id.us-east-1.aoss.amazonaws.com", "s3.us-east-1.amazonaws.com"} {
		if err := machine.CheckHost(host); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
	for _, host := range []string{"search.example.com", "10.0.0.1", "search-x.us-east-1.es.amazonaws.com.evil.example"} {
		if err := machine.CheckHost(host); plugin.KindOf(err) != plugin.Authorization || !strings.Contains(err.Error(), host) {
			t.Errorf("%s: %v", host, err)
		}
		if err := user.CheckHost(host); err != nil {
			t.Errorf("keys of a user and %s: %v", host, err)
		}
	}
}
