package fetch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/http/httpproxy"
)

func TestTheEnvironmentBecomesAConfig(t *testing.T) {
	tests := []struct {
		name string
		env  map[string]string
		want Config
	}{
		{"nothing is set", nil, Config{}},
		{
			"everything is set",
			map[string]string{
				"DIFYPLUGIN_FETCH_ALLOW": "a.test", "DIFYPLUGIN_ENDPOINT_ALLOW": "b.test",
				"FILES_URL": "https://f.test", "INTERNAL_FILES_URL": "http://api:5001", "DIFY_INNER_API_URL": "http://inner:5001",
				"HTTP_PROXY": "http://p:1", "HTTPS_PROXY": "http://p:2", "NO_PROXY": "c.test",
				"SSL_CERT_FILE": "/a.pem", "AWS_CA_BUNDLE": "/b.pem",
			},
			Config{
				FetchAllow: "a.test", EndpointAllow: "b.test",
				FilesURL: "https://f.test", InternalFilesURL: "http://api:5001", InnerAPIURL: "http://inner:5001",
				Proxy:     httpproxy.Config{HTTPProxy: "http://p:1", HTTPSProxy: "http://p:2", NoProxy: "c.test"},
				CertFiles: []string{"/a.pem", "/b.pem"},
			},
		},
		{
			"proxies may be written in lower case",
			map[string]string{"http_proxy": "http://p:1", "https_proxy": "http://p:2", "no_proxy": "c.test"},
			Config{Proxy: httpproxy.Config{HTTPProxy: "http://p:1", HTTPSProxy: "http://p:2", NoProxy: "c.test"}},
		},
		{
			"upper case wins",
			map[string]string{"HTTP_PROXY": "http://p:1", "http_proxy": "http://p:2"},
			Config{Proxy: httpproxy.Config{HTTPProxy: "http://p:1"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := FromEnv(func(name string) string { return tt.env[name] })
			if diff := cmp.Diff(tt.want, got, cmpopts.IgnoreFields(Config{}, "Resolver")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestACertificateFileThatCannotBeUsedIsAnErrorThatNamesIt(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, reason := range map[string]string{"/nowhere/ca.pem": "no such file", empty: "no certificate in PEM form", t.TempDir(): "is a directory"} {
		_, err := New(Config{CertFiles: []string{file}})
		if err == nil {
			t.Errorf("%s was accepted", file)
			continue
		}
		for _, want := range []string{file, "SSL_CERT_FILE", "AWS_CA_BUNDLE", reason} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("error %q does not say %q", err, want)
			}
		}
	}
}
