package host

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHeaderOptionsAreReadAsWerkzeugReadsThem(t *testing.T) {
	tests := map[string]struct {
		header, value string
		options       map[string]string
	}{
		"nothing":                       {"", "", map[string]string{}},
		"no options":                    {" form-data ", "form-data", map[string]string{}},
		"tokens and quoted texts":       {`form-data; name=a;filename="b c"`, "form-data", map[string]string{"name": "a", "filename": "b c"}},
		"names in capitals":             {`form-data; NAME="a"`, "form-data", map[string]string{"name": "a"}},
		"the last one wins":             {`form-data; name="a"; name="b"`, "form-data", map[string]string{"name": "b"}},
		"a backslash of Windows stays":  {`form-data; filename="C:\x\y.txt"`, "form-data", map[string]string{"filename": `C:\x\y.txt`}},
		"a backslash before the end":    {`form-data; filename="a\\"; name="b"`, "form-data", map[string]string{"filename": `a\`, "name": "b"}},
		"an open quote is no option":    {`form-data; filename="a; name="b"`, "form-data", map[string]string{"filename": "a; name="}},
		"an open quote at the end":      {`form-data; name="a"; filename="b`, "form-data", map[string]string{"name": "a"}},
		"an option without a value":     {`form-data; name; filename="b"`, "form-data", map[string]string{"filename": "b"}},
		"an empty value":                {`form-data; name=; filename=""`, "form-data", map[string]string{"filename": ""}},
		"an empty option":               {`form-data;; name="a"`, "form-data", map[string]string{"name": "a"}},
		"percent-encoded UTF-8":         {`form-data; filename*=utf-8'en'%e4%b8%ad.txt`, "form-data", map[string]string{"filename": "中.txt"}},
		"percent-encoded, then broken":  {`form-data; filename*=utf-8''%zz`, "form-data", map[string]string{"filename": "%zz"}},
		"percent-encoded, wrong bytes":  {`form-data; filename*=utf-8''%ff`, "form-data", map[string]string{"filename": "\uFFFD"}},
		"an unknown charset":            {`form-data; filename*=koi8-r''%c1`, "form-data", map[string]string{"filename": "%c1"}},
		"an extended name, plain value": {`form-data; filename*=a.txt`, "form-data", map[string]string{"filename": "a.txt"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			value, options := parseHeaderOptions(tt.header)
			if value != tt.value {
				t.Errorf("value %q, want %q", value, tt.value)
			}
			if diff := cmp.Diff(tt.options, options); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExtensionFitsTheType(t *testing.T) {
	tests := map[[2]string]string{
		{"A.PDF", "application/pdf"}:     ".pdf",
		{"a.jpeg", "image/jpeg"}:         ".jpeg",
		{"a", "image/png"}:               ".png",
		{"a.txt", "image/png"}:           ".png",
		{"a.xyz", "application/x-no-no"}: ".bin",
	}
	for in, want := range tests {
		if got := extensionFor(in[0], in[1]); got != want {
			t.Errorf("%s of type %s: %s, want %s", in[0], in[1], got, want)
		}
	}
}
