package lambda

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReadableJSONMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := documents(3).Draw(t, "value")
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		text, err := readable(raw)
		if err != nil {
			t.Fatal(err)
		}
		var got, normal any
		if json.Unmarshal([]byte(text), &got) != nil || json.Unmarshal(raw, &normal) != nil || !reflect.DeepEqual(normal, got) {
			t.Fatalf("%s became %s", raw, text)
		}
		if strings.ContainsAny(text, "\n") {
			t.Fatalf("more than one line: %s", text)
		}
	})
}

// documents are JSON values of a depth.
func documents(depth int) *rapid.Generator[any] {
	scalars := rapid.OneOf(
		rapid.String().AsAny(), rapid.Float64Range(-1e12, 1e12).AsAny(), rapid.Int32().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil),
	)
	if depth == 0 {
		return scalars
	}
	below := documents(depth - 1)
	return rapid.OneOf(scalars, rapid.SliceOfN(below, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), below, 0, 4).AsAny())
}

func TestNamesKeepTheirOrderAndNumbersTheirDigits(t *testing.T) {
	got, err := readable([]byte(`{"z":1.00,"a":[0.1,-1e-7,{}],"z":"\u003c\"\n"}`))
	if want := `{"z": 1.00, "a": [0.1, -1e-7, {}], "z": "<\"\n"}`; err != nil || got != want {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestBrokenJSONIsNotReadable(t *testing.T) {
	for _, raw := range []string{`{"a":`, `[1,]`, `{a:1}`, `]`} {
		if got, err := readable([]byte(raw)); err == nil {
			t.Errorf("%s became %s", raw, got)
		}
	}
}
