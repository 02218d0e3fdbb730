package fetch

import (
	"path"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestAFileNameComesFromTheHeaderOrTheURL(t *testing.T) {
	tests := []struct{ name, header, path, want string }{
		{"the header wins", `attachment; filename="a.txt"`, "/b.txt", "a.txt"},
		{"the extended form wins", `attachment; filename="a.txt"; filename*=UTF-8''%e4%b8%ad.txt`, "/b.txt", "中.txt"},
		{"in either order", `attachment; filename*=UTF-8''%e4%b8%ad.txt; filename="a.txt"`, "/b.txt", "中.txt"},
		{"an unknown charset falls back to the plain form", `attachment; filename*=koi8-r''%A3.txt; filename="a.txt"`, "/b.txt", "a.txt"},
		{"raw UTF-8", `attachment; filename="中.txt"`, "", "中.txt"},
		{"no quotes and raw UTF-8", `attachment; filename=中.txt`, "", "中.txt"},
		{"no quotes and spaces", `attachment; filename=my file.txt; size=3`, "", "my file.txt"},
		{"quoted quotes", `attachment; filename="a\"b.txt"`, "", `a"b.txt`},
		{"no header", "", "/x/b%20c.txt", "b%20c.txt"},
		{"a header without a name", "inline", "/x/b.txt", "b.txt"},
		{"a header that cannot be read", "=;;=", "/x/b.txt", "b.txt"},
		{"slashes are directories", `attachment; filename="../../etc/passwd"`, "", "passwd"},
		{"escaped slashes are directories", `attachment; filename*=UTF-8''..%2f..%2fpasswd`, "", "passwd"},
		{"backslashes are directories", `attachment; filename*=UTF-8''C%3A%5Cdir%5Ca.txt`, "", "a.txt"},
		{"two dots are no name", `attachment; filename=".."`, "/b.txt", "b.txt"},
		{"control characters are dropped", "attachment; filename*=UTF-8''a%00%0d%0ab%1b%c2%85.txt", "", "ab.txt"},
		{"direction overrides are dropped", "attachment; filename*=UTF-8''a%e2%80%aegpj.exe", "", "agpj.exe"},
		{"invalid UTF-8 is replaced", "attachment; filename=\"a\xff.txt\"", "", "a_.txt"},
		{"a URL of a folder has no name", "", "/x/", ""},
		{"a URL without a path has no name", "", "", ""},
		{"a dot path has no name", "", "/..", ""},
		{"a hidden file keeps its dot", "", "/.env", ".env"},
		{"a long name keeps its extension", "", "/" + strings.Repeat("é", 200) + ".txt", strings.Repeat("é", 125) + ".txt"},
		{"a long end is no extension", "", "/a." + strings.Repeat("b", 300), "a." + strings.Repeat("b", 253)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := fileName(tt.header, tt.path); got != tt.want {
				t.Errorf("fileName(%q, %q) = %q, want %q", tt.header, tt.path, got, tt.want)
			}
		})
	}
}

func TestAFileNameIsAlwaysSafe(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		name := baseName(rapid.String().Draw(rt, "name") + rapid.SampledFrom([]string{"", "/", `\`, "..", "\x00", ".txt"}).Draw(rt, "end"))
		if name == "" {
			return
		}
		if path.Base(name) != name || strings.ContainsAny(name, `/\`) || name == "." || name == ".." ||
			strings.ContainsFunc(name, unicode.IsControl) || !utf8.ValidString(name) || len(name) > 255 {
			rt.Errorf("baseName returned %q", name)
		}
	})
}

func TestAMediaTypeIsLowerCaseWithoutParameters(t *testing.T) {
	for header, want := range map[string]string{
		"text/plain": "text/plain", "Text/HTML; Charset=UTF-8": "text/html", "image/png;": "image/png", " image/png ; a=b; a=c": "image/png",
		"": "", "text": "", "a b/c": "", "/": "", "text/plain; charset": "text/plain", "application/vnd.ms-excel;x=\"": "application/vnd.ms-excel",
	} {
		if got := mediaType(header); got != want {
			t.Errorf("mediaType(%q) = %q, want %q", header, got, want)
		}
	}
}
