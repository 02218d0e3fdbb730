package account

import (
	"bytes"
	"testing"
)

func TestAKeyStandsForTheWholeOfACallerAndForNothingElse(t *testing.T) {
	p := NewProcess(nil)
	key := func(change func(*Account), parts ...string) [32]byte {
		a := testAccount(p, endpoints{"ssm": "https://a.example.com"})
		change(a)
		return a.Key(parts...)
	}
	same := func(*Account) {}
	keys := map[[32]byte]string{key(same, "a", "b"): "the first"}
	if again := key(same, "a", "b"); keys[again] == "" {
		t.Error("two calls of one user have different keys")
	}
	for name, other := range map[string][32]byte{
		"another key":         key(func(a *Account) { a.identity.keys.id = "ASIA" }, "a", "b"),
		"another secret":      key(func(a *Account) { a.identity.keys.secret = "guessed" }, "a", "b"),
		"another token":       key(func(a *Account) { a.identity.keys.token = "token" }, "a", "b"),
		"a role":              key(func(a *Account) { a.identity.role.arn = "arn" }, "a", "b"),
		"an external ID":      key(func(a *Account) { a.identity.role.externalID = "id" }, "a", "b"),
		"another region":      key(func(a *Account) { a.region = "eu-west-2" }, "a", "b"),
		"another endpoint":    key(func(a *Account) { a.endpoint = endpoints{"ssm": "https://b.example.com"} }, "a", "b"),
		"another service's":   key(func(a *Account) { a.endpoint = endpoints{"s3": "https://a.example.com"} }, "a", "b"),
		"no endpoint":         key(func(a *Account) { a.endpoint = nil }, "a", "b"),
		"other parts":         key(same, "a", "c"),
		"parts cut elsewhere": key(same, "ab"),
		"one part more":       key(same, "a", "b", ""),
		"parts as endpoints":  key(func(a *Account) { a.endpoint = nil }, "ssm", "https://a.example.com", "a", "b"),
	} {
		if known, twice := keys[other]; twice {
			t.Errorf("%s has the key of %s", name, known)
		}
		keys[other] = name
	}
	p = NewProcess(nil)
	if elsewhere := key(same, "a", "b"); keys[elsewhere] != "" || bytes.Equal(elsewhere[:], make([]byte, 32)) {
		t.Error("another process makes the same keys")
	}
}
