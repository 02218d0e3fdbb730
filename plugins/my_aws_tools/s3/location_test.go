package s3

import (
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"pgregory.net/rapid"
)

func TestAddressesAreTakenAsTheyStand(t *testing.T) {
	for name, test := range map[string]struct {
		uri  string
		want location
	}{
		"a plain key":                     {"s3://docs/a/b.txt", location{"docs", "a/b.txt"}},
		"a hash":                          {"s3://docs/a#1.txt", location{"docs", "a#1.txt"}},
		"a question mark":                 {"s3://docs/a?b=c", location{"docs", "a?b=c"}},
		"percent signs are not decoded":   {"s3://docs/a%20b", location{"docs", "a%20b"}},
		"spaces at the ends":              {"s3://docs/ a ", location{"docs", " a "}},
		"a slash in front":                {"s3://docs//a", location{"docs", "/a"}},
		"a slash at the end":              {"s3://docs/a/", location{"docs", "a/"}},
		"any script":                      {"s3://docs/日本/🙂.txt", location{"docs", "日本/🙂.txt"}},
		"a line break":                    {"s3://docs/a\nb", location{"docs", "a\nb"}},
		"the scheme in capitals":          {"S3://docs/a", location{"docs", "a"}},
		"a bucket with dots":              {"s3://my.docs/a", location{"my.docs", "a"}},
		"a bucket from long ago":          {"s3://My_Docs/a", location{"My_Docs", "a"}},
		"an access point":                 {"s3://arn:aws:s3:us-east-1:123456789012:accesspoint/mine/a/b", location{"arn:aws:s3:us-east-1:123456789012:accesspoint/mine", "a/b"}},
		"an access point by the CLI form": {"s3://arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:mine/a", location{"arn:aws-cn:s3:cn-north-1:123456789012:accesspoint:mine", "a"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseURI(test.uri)
			if err != nil || got != test.want {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

func TestWhatIsNoAddressIsRefusedWithTheForm(t *testing.T) {
	for name, test := range map[string]struct{ uri, word string }{
		"no scheme":            {"docs/a", "s3://bucket/key"},
		"another scheme":       {"https://docs/a", "s3://bucket/key"},
		"nothing":              {"", "s3://bucket/key"},
		"no bucket":            {"s3:///a", "bucket is missing"},
		"no key":               {"s3://docs", "key is missing"},
		"no key but a slash":   {"s3://docs/", "key is missing"},
		"a bucket with a port": {"s3://docs:80/a", "bucket"},
		"a bucket with a user": {"s3://me@docs/a", "bucket"},
		"too long a key":       {"s3://docs/" + strings.Repeat("é", 513), "1026 bytes"},
		"half an access point": {"s3://arn:aws:s3:us-east-1:12:accesspoint/mine/a", "access point"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseURI(test.uri)
			if err == nil {
				t.Fatal("was accepted")
			}
			holds(t, err.Error(), test.word)
			if len(err.Error()) > 500 {
				t.Errorf("the error repeats %d bytes", len(err.Error()))
			}
		})
	}
}

func TestAnAddressReadsBackAsWhatItWasWrittenFrom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := location{
			bucket: rapid.StringMatching(`[a-z0-9][a-z0-9.-]{1,40}[a-z0-9]`).Draw(t, "bucket"),
			key:    rapid.StringN(1, 200, 1024).Draw(t, "key"),
		}
		if got, err := parseURI(at.uri()); err != nil || got != at {
			t.Errorf("%q reads as %+v, %v", at.uri(), got, err)
		}
	})
}

func TestNamesOfFilesAreTheLastPartsOfKeys(t *testing.T) {
	for key, want := range map[string]string{
		"a": "a", "a/b.txt": "b.txt", "a/b/": "b", "a//": "a", "/": "downloaded_file", "///": "downloaded_file",
	} {
		toolstest.Same(t, key, want, fileName(key))
	}
}

func TestKeysAreJoinedWithOneSlash(t *testing.T) {
	for _, test := range []struct{ prefix, name, want string }{
		{"", "a.txt", "a.txt"},
		{"reports", "a.txt", "reports/a.txt"},
		{"/reports/", "/a.txt", "reports/a.txt"},
		{"/", "a.txt", "a.txt"},
		{" reports ", " a ", " reports / a "},
		{"a//b", "c//d/", "a//b/c//d/"},
	} {
		toolstest.Same(t, test.prefix+" + "+test.name, test.want, joinKey(test.prefix, test.name))
	}
}

// The same rule numbers the keys of uploads and the names of downloads.
func TestSection3_23Bug3_NumbersStandInFrontOfTheExtensionOfTheNameAlone(t *testing.T) {
	taken := names{}
	var got []string
	for _, name := range []string{"a.txt", "a.txt", "a-1.txt", "a.txt", ".env", ".env", "v1.0/readme", "v1.0/readme", "v1.0/.env", "v1.0/.env", "a.tar.gz", "a.tar.gz"} {
		got = append(got, taken.unique(name))
	}
	toolstest.Same(t, "names", []string{
		"a.txt", "a-1.txt", "a-1-1.txt", "a-2.txt", ".env", ".env-1", "v1.0/readme", "v1.0/readme-1", "v1.0/.env", "v1.0/.env-1", "a.tar.gz", "a.tar-1.gz",
	}, got)
}
