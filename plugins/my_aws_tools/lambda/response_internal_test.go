package lambda

import (
	"strings"
	"testing"
)

func TestResponsesAreSortedByWhatTheyAreAndHowLong(t *testing.T) {
	f := function{text: "f:3", name: "f"}
	for _, tt := range []struct {
		name, payload  string
		file, mimeType string
	}{
		{"the longest text", strings.Repeat("x", maxMessage-2), "", ""},
		{"a text that is too long", strings.Repeat("x", maxMessage-1), "f-response.txt", "text/plain"},
		{"a text that is too long by its escapes", strings.Repeat("\x01", maxMessage/6+1), "f-response.txt", "text/plain"},
		{"JSON that is too long", `["` + strings.Repeat("x", maxMessage-7) + `"]`, "f-response.json", "application/json"},
		{"JSON that is not", `["` + strings.Repeat("x", maxMessage-8) + `"]`, "", ""},
		{"a picture", "\x89PNG\r\n\x1a\n\xff", "f-response.bin", "image/png"},
		{"anything", "\xff\x00\xfe", "f-response.bin", "application/octet-stream"},
		{"a text that was cut in a character", "caf\xc3", "f-response.bin", "text/plain"},
	} {
		r, err := newResponse(f, []byte(tt.payload), readable)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var name, mimeType string
		if r.file != nil {
			name, mimeType = r.file.Name, r.file.Type
			if r.raw != nil || !strings.Contains(r.text, name) || r.file.Size != int64(len(tt.payload)) {
				t.Errorf("%s: %d bytes are in %s, and the text is %.200q", tt.name, r.file.Size, name, r.text)
			}
		}
		if name != tt.file || mimeType != tt.mimeType {
			t.Errorf("%s: the file is %q (%s), want %q (%s)", tt.name, name, mimeType, tt.file, tt.mimeType)
		}
	}
}
