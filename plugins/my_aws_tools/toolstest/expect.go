package toolstest

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/google/go-cmp/cmp"
)

// WantFailure fails the test unless a failure is of a kind, says all of the words, and shows no secret.
func WantFailure(t testing.TB, failed *host.PluginError, kind plugin.Kind, words ...string) {
	t.Helper()
	if failed.Type != string(kind) {
		t.Errorf("the kind is %s, want %s: %s", failed.Type, kind, failed.Message)
	}
	for _, word := range words {
		if !strings.Contains(failed.Message, word) {
			t.Errorf("the error does not say %q: %.900s", word, failed.Message)
		}
	}
	for _, secret := range []string{SecretAccessKey, "AWS4-HMAC", "X-Amz-Signature", "sign=secret"} {
		if strings.Contains(failed.Message, secret) {
			t.Errorf("the error shows a secret: %s", failed.Message)
		}
	}
}

// WantNothingSent fails the test if anything was sent to anybody, where a call had to be refused before.
func (a *AWS) WantNothingSent(t testing.TB) {
	t.Helper()
	if sent := a.Operations(); len(sent) > 0 {
		t.Errorf("%v were sent, and the call was to be refused before", sent)
	}
	if a.Box == nil {
		return
	}
	for _, asked := range a.Box.Requests() {
		t.Errorf("%s %s%s was asked for, and the call was to be refused before", asked.Method, asked.Host, asked.Path)
	}
}

// WantOperations fails the test unless these operations were asked for, in this order, since the cloud was started or
// last forgot its calls.
func (a *AWS) WantOperations(t testing.TB, want ...string) {
	t.Helper()
	var got []string
	for _, call := range a.Calls() {
		got = append(got, call.Operation)
	}
	Same(t, "the operations", want, got)
}

// Same fails the test unless two values are equal.
func Same(t testing.TB, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", what, diff)
	}
}

// WantJSON fails the test unless two JSON texts say the same.
func WantJSON[T string | []byte | json.RawMessage](t testing.TB, what, want string, got T) {
	t.Helper()
	Same(t, what, Decode(t, want), Decode(t, got))
}

// Decode is the value of a JSON text.
func Decode[T string | []byte | json.RawMessage](t testing.TB, text T) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	return value
}

// OnlyJSON is the JSON message of a result that has one.
func OnlyJSON(t testing.TB, result host.Result) json.RawMessage {
	t.Helper()
	if len(result.JSON) != 1 {
		t.Fatalf("%d JSON messages, want one", len(result.JSON))
	}
	return result.JSON[0]
}

// Object is the JSON object of a result that has one.
func Object(t testing.TB, result host.Result) map[string]any {
	t.Helper()
	object, ok := Decode(t, OnlyJSON(t, result)).(map[string]any)
	if !ok {
		t.Fatalf("%s is no object", result.JSON[0])
	}
	return object
}

// Output is the value of an output of a result.
func Output(t testing.TB, result host.Result, name string) any {
	t.Helper()
	return Decode(t, result.Variables[name])
}
