package opensearch

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestEndpointsAreWhereTheyAreWrittenToBe(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "*.example.com, 10.0.0.0/8, ported.example.org:9200")
	for text, want := range map[string]endpoint{
		"search-x.us-east-1.es.amazonaws.com:8443":     {"https://search-x.us-east-1.es.amazonaws.com:8443", "search-x.us-east-1.es.amazonaws.com", "es", "us-east-1"},
		"https://search-x.us-east-1.es.amazonaws.com/": {"https://search-x.us-east-1.es.amazonaws.com", "search-x.us-east-1.es.amazonaws.com", "es", "us-east-1"},
		"id.cn-north-1.aoss.amazonaws.com.cn":          {"https://id.cn-north-1.aoss.amazonaws.com.cn", "id.cn-north-1.aoss.amazonaws.com.cn", "aoss", "cn-north-1"},
		"search.example.com:9200/a/b%20c//":            {"https://search.example.com:9200/a/b%20c", "search.example.com", "es", ""},
		"10.1.2.3":                                     {"https://10.1.2.3", "10.1.2.3", "es", ""},
		"ported.example.org:9200":                      {"https://ported.example.org:9200", "ported.example.org", "es", ""},
	} {
		got, err := parseEndpoint(text, "")
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(endpoint{})); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"ported.example.org", "ported.example.org:9201", "example.com", "11.1.2.3"} {
		if got, err := parseEndpoint(text, ""); err == nil || !strings.Contains(err.Error(), "DIFYPLUGIN_ENDPOINT_ALLOW") {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
}

func TestWhatIsReadAsAnEndpointIsEncryptedAndOfAWS(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at, err := parseEndpoint(rapid.StringMatching(`(https?://)?([a-z@.:/?#%-]{0,8})?(search-x\.us-east-1\.es\.amazonaws\.com)?[a-z@.:/?#%0-9-]{0,8}`).Draw(t, "text"), "")
		if err != nil {
			return
		}
		rest, ok := strings.CutPrefix(at.url, "https://")
		if !ok || !strings.HasPrefix(rest, at.host) || !strings.HasSuffix(at.host, ".us-east-1.es.amazonaws.com") || strings.ContainsAny(rest, "@?#/") {
			t.Fatalf("%+v", at)
		}
	})
}

func TestPoliciesNameAnEndpointByItsResource(t *testing.T) {
	for want, at := range map[string]endpoint{
		"arn:aws:es:us-east-1:*:domain/my-pictures/*":        {host: "search-my-pictures-abc123.us-east-1.es.amazonaws.com", service: "es", region: "us-east-1"},
		"arn:aws:es:us-east-1:*:domain/pictures/*":           {host: "vpc-pictures-abc123.us-east-1.es.amazonaws.com", service: "es", region: "us-east-1"},
		"arn:aws:aoss:us-east-1:*:collection/07tjusf2h91cun": {host: "07tjusf2h91cun.us-east-1.aoss.amazonaws.com", service: "aoss", region: "us-east-1"},
		"arn:aws:es:us-east-1:*:domain/*/*":                  {host: "search.example.com", service: "es"},
	} {
		if got := at.resource("aws", "us-east-1"); got != want {
			t.Errorf("%s is %s, want %s", at.host, got, want)
		}
	}
}
