package pytext_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/pytext"
)

func TestLowerIsThatOfPython(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "",
		"already lower":        "already lower",
		"Hello":                "hello",
		"ÄÖÜ ẞ":                "äöü ß",
		"İstanbul":             "i\u0307stanbul",
		"ΟΔΥΣΣΕΥΣ":             "οδυσσευς",
		"Σ":                    "σ",
		"ΑΣ'":                  "ας'",
		"ΑΣ'Α":                 "ασ'α",
		"'Σ":                   "'σ",
		"Α\u0301Σ\u0301 Β":     "α\u0301ς\u0301 β",
		"ΑΣ2":                  "ας2",
		"Ａ":                    "ａ",
		"𐐀":                    "𐐨",
		"中文":                   "中文",
		"ǅ":                    "ǆ",
		"\u1e9e\u2126\u212a":   "ß\u03c9k",
		"ΑΣ\u00ad\u02b0\ufe0f": "ας\u00ad\u02b0\ufe0f",
	} {
		if got := pytext.Lower(text); got != want {
			t.Errorf("%q in lower case is %q, want %q", text, got, want)
		}
	}
}

func TestWhiteSpaceIsThatOfPython(t *testing.T) {
	text := "\u3000a\x1cb\x1dc\x1ed\x1fe\u0085f\u00a0g\u2028h\ti\u200bj\ufeffk \n"
	want := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i\u200bj\ufeffk"}
	if diff := cmp.Diff(want, pytext.Fields(text)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := pytext.TrimRight(" a\x1f\u2003"); got != " a" {
		t.Errorf("got %q", got)
	}
	if got := pytext.Trim("\x1f a\x1f\u2003"); got != "a" {
		t.Errorf("got %q", got)
	}
}
