package plugin

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRedaction(t *testing.T) {
	for name, c := range map[string]struct {
		secrets    []string
		text, want string
	}{
		"a secret":                     {[]string{"abcdef"}, "key abcdef, abcdef", "key [redacted], [redacted]"},
		"white space around it":        {[]string{" abcdef\n"}, "key abcdef", "key [redacted]"},
		"a short one stands by chance": {[]string{"short"}, "a short text", "a short text"},
		"one inside another":           {[]string{"abcdef", "xx-abcdef-yy"}, "xx-abcdef-yy abcdef", "[redacted] [redacted]"},
		"two that overlap":             {[]string{"abcdef-123", "123-uvwxyz"}, "k=abcdef-123-uvwxyz.", "k=[redacted]."},
		"side by side":                 {[]string{"abcdef", "uvwxyz"}, "abcdefuvwxyz", "[redacted]"},
		"a query":                      {nil, `get "https://b.example.com/k?X-Amz-Signature=1&b=2": refused`, `get "https://b.example.com/k?[redacted]": refused`},
		"a user in a query's URL":      {nil, "https://user:pw@h/p?x=1", "https://h/p?[redacted]"},
		"a user in a URL":              {nil, "dial https://user:p@ss@h:8080/p failed", "dial https://h:8080/p failed"},
		"a bare user":                  {nil, "http://token@h", "http://h"},
		"another scheme":               {nil, "wss://h/p?X-Amz-Signature=1 HTTPS://h?a", "wss://h/p?[redacted] HTTPS://h?[redacted]"},
		"an address behind a path":     {nil, "https://h/p@q is no user", "https://h/p@q is no user"},
		"no URL":                       {nil, "really? user@example.com", "really? user@example.com"},
		"a proxy's answer":             {nil, "proxyconnect http://u:p@proxy:3128: refused; https://h/?a=1'", "proxyconnect http://proxy:3128: refused; https://h/?[redacted]'"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := newRedactor(c.secrets).clean(c.text); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestNoSecretSurvivesRedaction(t *testing.T) {
	letters := rapid.StringOfN(rapid.RuneFrom([]rune("ab")), minSecret, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		secrets := rapid.SliceOfN(letters, 1, 4).Draw(t, "secrets")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("ab ")), 0, 60, -1).Draw(t, "text") + secrets[0]
		got := newRedactor(secrets).clean(text)
		for _, s := range secrets {
			if strings.Contains(got, s) {
				t.Fatalf("%q holds %q", got, s)
			}
		}
	})
}

func TestSecretsOfCredentialsAreThoseThatTheDeclarationsCallSecret(t *testing.T) {
	credentials := map[string]any{"access_key": "secret-key", "region": "eu-central-1", "flag": true}
	for name, c := range map[string]struct {
		plugin *Plugin
		want   string
	}{
		"of tools":                  {&Plugin{declarations: declare(t, toolOf("a"))}, "secret-key"},
		"of a drive":                {&Plugin{declarations: declareDrive(t, "online_drive", "d")}, "secret-key"},
		"all, without declarations": {&Plugin{declarations: declareNothing}, "eu-central-1 secret-key"},
		"all, without any provider": {&Plugin{declarations: declareNoProvider(t)}, "eu-central-1 secret-key"},
	} {
		t.Run(name, func(t *testing.T) {
			got := slices.Sorted(slices.Values(newRedactor(c.plugin.secretValues(credentials)).secrets))
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
}
