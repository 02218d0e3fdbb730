package main

import "testing"

func TestMediaType(t *testing.T) {
	tests := []struct{ name, stored, key, want string }{
		{"the object's own type", "text/x-special", "a.pdf", "text/x-special"},
		{"the object's own type without parameters", "Text/HTML; charset=utf-8", "a", "text/html"},
		{"no type", "", "reports/a.PDF", "application/pdf"},
		{"the type that stands for anything", "application/octet-stream", "a.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		{"the type of another service for anything", "binary/octet-stream", "a.md", "text/markdown"},
		{"the type that a command line tool leaves behind", "application/x-www-form-urlencoded", "a.csv", "text/csv"},
		{"a type that is none", "pdf", "a.txt", "text/plain"},
		{"a name without an extension", "application/octet-stream", "Makefile", ""},
		{"an extension in a folder's name", "", "a.pdf/readme", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := mediaType(tt.stored, tt.key); got != tt.want {
				t.Errorf("mediaType(%q, %q) = %q, want %q", tt.stored, tt.key, got, tt.want)
			}
		})
	}
}
