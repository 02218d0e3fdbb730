package browser

import (
	"os"
	"strings"
	"testing"
)

func TestASearchGoesWhereTheDocumentsSay(t *testing.T) {
	for _, tt := range []struct{ template, query, want string }{
		{"", "a b", "https://html.duckduckgo.com/html/?q=a+b"},
		{"  ", "a&b=c#d/é", "https://html.duckduckgo.com/html/?q=a%26b%3Dc%23d%2F%C3%A9"},
		{"https://search.example.com/{query}?again={query}", "x", "https://search.example.com/x?again=x"},
	} {
		if got, err := searchAddress(tt.template, tt.query); got != tt.want || err != nil {
			t.Errorf("%q, %q: %s, %v", tt.template, tt.query, got, err)
		}
	}
	if declared, err := os.ReadFile("agentcore_browser_tool.yaml"); err != nil || !strings.Contains(string(declared), "default: '"+defaultSearch+"'") {
		t.Errorf("the declaration has another default, %v", err)
	}
}
