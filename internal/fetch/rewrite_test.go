package fetch

import (
	"strings"
	"testing"
)

func TestURLsOfDifyFilesLeadToTheInternalAddress(t *testing.T) {
	const signed = "/files/tools/6a.pdf?timestamp=1&nonce=a%2Fb&sign=x+y%3D"
	both := Config{FilesURL: "https://dify.test", InternalFilesURL: "http://api:5001"}
	below := Config{FilesURL: "https://dify.test/base/", InternalFilesURL: "http://api:5001/in"}
	tests := []struct {
		name string
		cfg  Config
		raw  string
		want string
	}{
		{"a relative URL goes to the internal address", both, signed, "http://api:5001" + signed},
		{"a relative URL goes to the public address when there is no other", Config{FilesURL: "https://dify.test/"}, signed, "https://dify.test" + signed},
		{"a relative URL goes to the internal address when there is no other", Config{InternalFilesURL: "http://api:5001/"}, signed, "http://api:5001" + signed},
		{"a public URL goes to the internal address", both, "https://dify.test" + signed, "http://api:5001" + signed},
		{"the default port may be written", both, "https://dify.test:443" + signed, "http://api:5001" + signed},
		{"the host's case does not matter", both, "HTTPS://Dify.Test." + signed, "http://api:5001" + signed},
		{"another scheme is another origin", both, "http://dify.test" + signed, "http://dify.test" + signed},
		{"another port is another origin", both, "https://dify.test:8443" + signed, "https://dify.test:8443" + signed},
		{"another host is another origin", both, "https://dify.test.evil.test" + signed, "https://dify.test.evil.test" + signed},
		{"a host in front is not the host", both, "https://dify.test@evil.test" + signed, "https://dify.test@evil.test" + signed},
		{"without an internal address nothing changes", Config{FilesURL: "https://dify.test"}, "https://dify.test" + signed, "https://dify.test" + signed},
		{"an internal URL stays", both, "http://api:5001" + signed, "http://api:5001" + signed},
		{"other paths of the public site stay", both, "https://dify.test/logo.png", "https://dify.test/logo.png"},
		{"a path of the settings is exchanged", below, "https://dify.test/base" + signed, "http://api:5001/in" + signed},
		{"a path of the settings is put in front", below, signed, "http://api:5001/in" + signed},
		{"a URL beside the path of the setting stays", below, "https://dify.test" + signed, "https://dify.test" + signed},
		{"an upload URL is a file URL", both, "https://dify.test/files/upload/for-plugin?sign=1", "http://api:5001/files/upload/for-plugin?sign=1"},
		{"escapes stay", both, "https://dify.test/files/a%2Fb%20c", "http://api:5001/files/a%2Fb%20c"},
		{"a setting that cannot be read matters only when it is needed", Config{FilesURL: "dify.test", InternalFilesURL: "http://api:5001"}, signed, "http://api:5001" + signed},
		{"a URL elsewhere stays", both, "https://a.test/files/x", "https://a.test/files/x"},
		{"blanks are dropped", both, " /files/x\n", "http://api:5001/files/x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := realClient(t, tt.cfg).Rewrite(tt.raw)
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("Rewrite(%q) = %q, want %q", tt.raw, got, tt.want)
			}
		})
	}
}

func TestARelativeURLNeedsASetting(t *testing.T) {
	_, err := realClient(t, Config{}).Rewrite("/files/x?sign=canary")
	failed := wantKind(t, err, Invalid).Error()
	if !strings.Contains(failed, "FILES_URL") || !strings.Contains(failed, "INTERNAL_FILES_URL") || strings.Contains(failed, "canary") {
		t.Errorf("error %q, want one that names both settings and no signature", failed)
	}
	_, err = realClient(t, Config{FilesURL: "localhost:5001"}).Rewrite("/files/x")
	if failed := wantKind(t, err, Invalid).Error(); !strings.Contains(failed, "setting FILES_URL is not") {
		t.Errorf("error %q, want one that says that FILES_URL is wrong", failed)
	}
}
