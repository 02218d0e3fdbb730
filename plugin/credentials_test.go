package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCredentialsNeverShowTheirValues(t *testing.T) {
	type account struct{ credentials Credentials }
	type public struct{ Credentials Credentials }
	c := NewCredentials(map[string]any{"key": "s3cret", "blank": "", "number": json.Number("771177")})
	call := &Call{credentials: c}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t", "%08.3f"} {
		fmt.Fprintf(&shown, verb+"\n", c)
		fmt.Fprintf(&shown, verb+"\n", &c)
		fmt.Fprintf(&shown, verb+"\n", account{c})
		fmt.Fprintf(&shown, verb+"\n", &account{c})
		fmt.Fprintf(&shown, verb+"\n", public{c})
		fmt.Fprintf(&shown, verb+"\n", []any{c, account{c}})
		fmt.Fprintf(&shown, verb+"\n", call)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(handler).Info("x", "c", c, "p", &c, "a", account{c}, "in", public{c}, "list", []any{c})
	}
	raw, err := json.Marshal([]any{c, &c, account{c}, public{c}, map[string]any{"c": c}})
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(raw)
	hexed := fmt.Sprintf("%x", "s3cret")
	for _, secret := range []string{"s3cret", "771177", hexed} {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("a value is shown: %s", secret)
		}
	}
	if got := fmt.Sprint(c); got != "credentials(key, number)" {
		t.Errorf("printed as %s", got)
	}
}

func TestCredentialsAreReadWithoutTheWhiteSpaceOfPasting(t *testing.T) {
	c := NewCredentials(map[string]any{"key": " abc\n", "on": true, "off": "no", "yes": "Yes", "n": json.Number("3"), "list": []any{}, "null": nil, "odd": "perhaps"})
	for name, want := range map[string]string{"key": "abc", "on": "true", "n": "3", "list": "", "null": "", "missing": ""} {
		if got := c.Get(name); got != want {
			t.Errorf("Get(%s) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{"on": true, "yes": true, "off": false, "odd": false, "missing": false} {
		if got := c.Bool(name); got != want {
			t.Errorf("Bool(%s) = %v, want %v", name, got, want)
		}
	}
	if diff := cmp.Diff([]string{"key", "n", "odd", "off", "on", "yes"}, c.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestCredentialsAreACopy(t *testing.T) {
	values := map[string]any{"key": "before"}
	c := NewCredentials(values)
	values["key"] = "after"
	if got := c.Get("key"); got != "before" {
		t.Errorf("got %s", got)
	}
	if got := (Credentials{}).Get("key") + fmt.Sprint(Credentials{}.Names()); got != "[]" {
		t.Errorf("no credentials: %s", got)
	}
}
