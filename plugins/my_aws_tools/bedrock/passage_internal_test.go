package bedrock

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestImagesAreRead(t *testing.T) {
	const pixel = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
	for name, tt := range map[string]struct {
		text, mediaType string
		ok              bool
	}{
		"a data URI":                       {"data:image/gif;base64," + pixel, "image/gif", true},
		"a data URI that names another":    {"data:image/png;base64," + pixel, "image/gif", true},
		"bare base64":                      {pixel, "image/gif", true},
		"nothing":                          {"", "", false},
		"no base64":                        {"data:image/gif;base64,?", "", false},
		"a data URI without data":          {"data:image/gif;base64", "", false},
		"something that is no image":       {"PGh0bWw+", "", false},
		"more than is sent":                {strings.Repeat("A", maxImage+4), "", false},
		"a URI of something that is a web": {"https://example.com/a.gif", "", false},
	} {
		_, mediaType, ok := readImage(tt.text)
		if ok != tt.ok || ok && mediaType != tt.mediaType {
			t.Errorf("%s: %s, %t", name, mediaType, ok)
		}
	}
}

func TestPagesAreNumbers(t *testing.T) {
	for raw, want := range map[string]any{"3": int64(3), "3.0": int64(3), "3.5": 3.5, "null": nil, `"3"`: nil, "": nil} {
		p := passage{attributes: map[string]json.RawMessage{}}
		if raw != "" {
			p.attributes[sourcePage] = json.RawMessage(raw)
		}
		if got := p.page(); got != want {
			t.Errorf("%s is page %v, want %v", raw, got, want)
		}
	}
}

func TestDocumentsAreNamedByTheirPlace(t *testing.T) {
	for _, tt := range []struct{ kind, source, want string }{
		{"S3", "s3://bucket/a/b #1?x.txt", "b #1?x.txt"},
		{"S3", "s3://bucket/a/b%20c.txt", "b%20c.txt"},
		{"WEB", "https://example.com/a/b%20c.html?q=/d#e", "b c.html"},
		{"WEB", "https://example.com/", "example.com"},
		{"CUSTOM", "doc-7", "doc-7"},
		{"SQL", "SELECT a / b", ""},
		{"", "", ""},
	} {
		if got := (passage{sourceType: tt.kind, source: tt.source}).name(); got != tt.want {
			t.Errorf("%s is named %q, want %q", tt.source, got, tt.want)
		}
	}
}
