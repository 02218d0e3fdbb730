package dynamodb

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// typed compares values of DynamoDB, whose types have an unexported field.
var typed = cmpopts.IgnoreUnexported(
	types.AttributeValueMemberS{}, types.AttributeValueMemberN{}, types.AttributeValueMemberB{}, types.AttributeValueMemberBOOL{},
	types.AttributeValueMemberNULL{}, types.AttributeValueMemberL{}, types.AttributeValueMemberM{}, types.AttributeValueMemberSS{},
	types.AttributeValueMemberNS{}, types.AttributeValueMemberBS{},
)

// numbers draws numbers that DynamoDB keeps, written in any way that JSON allows.
func numbers() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		whole := rapid.StringMatching(`-?(0|[1-9][0-9]{0,18})`).Draw(t, "whole")
		fraction := rapid.StringMatching(`(\.[0-9]{1,19})?`).Draw(t, "fraction")
		exponent := rapid.StringMatching(`([eE][+-]?[0-9]{1,2})?`).Draw(t, "exponent")
		return whole + fraction + exponent
	})
}

// anyJSON draws JSON of any kind, the objects for types that JSON lacks included.
func anyJSON(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil),
		rapid.Map(rapid.Bool(), func(on bool) any { return on }),
		rapid.Map(rapid.String(), func(text string) any { return text }),
		rapid.Map(numbers(), func(text string) any { return json.Number(text) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(data []byte) any { return plainValue(&types.AttributeValueMemberB{Value: data}) }),
		rapid.Map(rapid.SliceOfN(rapid.String(), 1, 3), func(set []string) any { return plainValue(&types.AttributeValueMemberSS{Value: set}) }),
		rapid.Map(rapid.SliceOfN(numbers(), 1, 3), func(set []string) any { return plainValue(&types.AttributeValueMemberNS{Value: set}) }),
	}
	if depth > 0 {
		inner := anyJSON(depth - 1)
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(inner, 0, 4), func(list []any) any { return list }),
			rapid.Map(rapid.MapOfN(rapid.String(), inner, 0, 4), func(object map[string]any) any { return object }),
		)
	}
	return rapid.OneOf(kinds...)
}

// shown is JSON as it comes back: numbers that a float64 does not keep are text, with every digit.
func shown(value any) any {
	switch v := value.(type) {
	case json.Number:
		return plainNumber(v.String())
	case []any:
		return plainList(v, shown)
	case map[string]any:
		object := map[string]any{}
		for name := range v {
			object[name] = shown(v[name])
		}
		return object
	default:
		return v
	}
}

func TestJSONComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := anyJSON(3).Draw(t, "value")
		stored, err := attributeValue(given)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(shown(given), plainValue(stored)); diff != "" {
			t.Errorf("given (-), come back (+):\n%s", diff)
		}
	})
}

func TestJSONTextComesBackAsItWas(t *testing.T) {
	for _, text := range []string{
		`null`, `true`, `false`, `""`, `"\u0000\u2028é😀"`, `0`, `-1`, `1.50`, `1e2`, `0.1`, `[]`, `{}`, `[[[]]]`, `{"":""}`,
		`{"a":[1,{"b":null}],"c":{"$other":1}}`, `{"$binary":""}`, `{"$binary":"AAEC"}`, `{"$string_set":["b","a"]}`,
		`{"$number_set":[1.5,-2]}`, `{"$binary_set":["AA==","/w=="]}`, `{"$binary":"AA==","beside":1}`, `"123"`,
	} {
		parsed, err := parseJSON(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		stored, err := attributeValue(parsed)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		again, err := json.Marshal(plainValue(stored))
		if err != nil {
			t.Fatal(err)
		}
		var want, got any
		if json.Unmarshal([]byte(text), &want) != nil || json.Unmarshal(again, &got) != nil {
			t.Fatalf("%s or %s is not JSON", text, again)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s came back as %s", text, again)
		}
	}
}

func TestAValueOfDynamoDBSurvivesBeingReadAndWrittenBack(t *testing.T) {
	stored := map[string]types.AttributeValue{
		"text":    &types.AttributeValueMemberS{Value: "12"},
		"bytes":   &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"texts":   &types.AttributeValueMemberSS{Value: []string{"x", "y"}},
		"numbers": &types.AttributeValueMemberNS{Value: []string{"1", "12345678901234567890"}},
		"blobs":   &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2, 3}}},
		"nested": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{
			"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberN{Value: "0.1"}, &types.AttributeValueMemberNULL{Value: true}}},
		}},
		"on": &types.AttributeValueMemberBOOL{Value: true},
	}
	written, err := attributeValues(plainItem(stored))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(stored, written, typed); diff != "" {
		t.Errorf("stored (-), written back (+):\n%s", diff)
	}
}

func TestNumbersKeepTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := numbers().Draw(t, "number")
		stored, err := attributeValue(json.Number(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := stored.(*types.AttributeValueMemberN).Value; got != text {
			t.Fatalf("%s was stored as %s", text, got)
		}
		if got := fmt.Sprint(plainValue(stored)); got != text {
			t.Fatalf("%s came back as %s", text, got)
		}
	})
}

// A reader of JSON that keeps numbers in a float64 shows the shortest digits that stand for it. Whether they are the
// number that was written is asked of exact arithmetic here.
func TestANumberIsANumberExactlyWhenAFloatShowsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := numbers().Draw(t, "number")
		var float float64
		if err := json.Unmarshal([]byte(text), &float); err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(float)
		if err != nil {
			t.Fatal(err)
		}
		exact, ok1 := new(big.Rat).SetString(text)
		read, ok2 := new(big.Rat).SetString(string(shown))
		if !ok1 || !ok2 {
			t.Fatalf("%s or %s is no number", text, shown)
		}
		_, isNumber := plainNumber(text).(json.Number)
		if want := exact.Cmp(read) == 0; isNumber != want {
			t.Fatalf("%s: number %v, want %v: a float shows %s", text, isNumber, want, shown)
		}
	})
}

func TestNumbersThatAFloatLosesAreText(t *testing.T) {
	for text, want := range map[string]any{
		"0":                                      json.Number("0"),
		"-0.10":                                  json.Number("-0.10"),
		"9007199254740992":                       json.Number("9007199254740992"),
		"9007199254740993":                       "9007199254740993",
		"0.1":                                    json.Number("0.1"),
		"1e125":                                  json.Number("1e125"),
		"123456789.123456":                       json.Number("123456789.123456"),
		"1234567890.123456789":                   "1234567890.123456789",
		"12345678901234567890123456789012345678": "12345678901234567890123456789012345678",
		"1E400":                                  "1E400",
		"+5":                                     "+5",
		"0x10":                                   "0x10",
		"NaN":                                    "NaN",
	} {
		if diff := cmp.Diff(want, plainNumber(text)); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
	}
}

func TestNumbersThatDynamoDBWouldNotKeepAreRefused(t *testing.T) {
	nines := strings.Repeat("9", 38)
	for text, want := range map[string]string{
		nines:                    "",
		nines + "000.0":          "",
		"0.000" + nines:          "",
		"-" + nines + "e80":      "",
		"0e999999999999999999":   "",
		"9.99e125":               "",
		"1e-130":                 "",
		nines + "9":              `"999999999999999999999999999999999999999" has 39 significant digits, DynamoDB keeps 38: store it as text`,
		"1e126":                  `"1e126" is outside of what DynamoDB keeps, 1e-130 to 9.9e125: store it as text`,
		"9e-131":                 `"9e-131" is outside of what DynamoDB keeps, 1e-130 to 9.9e125: store it as text`,
		"1e99999999999999999999": `"1e99999999999999999999" is outside of what DynamoDB keeps, 1e-130 to 9.9e125: store it as text`,
		"":                       `"" is not a number: write digits, as in 12, -0.5 or 1e-3`,
		"five":                   `"five" is not a number: write digits, as in 12, -0.5 or 1e-3`,
		"1.":                     `"1." is not a number: write digits, as in 12, -0.5 or 1e-3`,
		".5":                     `".5" is not a number: write digits, as in 12, -0.5 or 1e-3`,
		"01":                     `"01" is not a number: write digits, as in 12, -0.5 or 1e-3`,
		"1e":                     `"1e" is not a number: write digits, as in 12, -0.5 or 1e-3`,
		"1e+-5":                  `"1e+-5" is not a number: write digits, as in 12, -0.5 or 1e-3`,
	} {
		got := ""
		if err := checkNumber(text); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestWhatCannotBeStoredIsNamedWithItsPlace(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":1e200,"b":{"c":[1,1e300]}}`: "\"a\": \"1e200\" is outside of what DynamoDB keeps, 1e-130 to 9.9e125: store it as text\n" +
			`"b": "c": element 2: "1e300" is outside of what DynamoDB keeps, 1e-130 to 9.9e125: store it as text`,
		`{"a":{"$binary":"no base64!"}}`: `"a": $binary does not hold base64 (the standard alphabet, padded)`,
		`{"a":{"$binary":"AAE"}}`:        `"a": $binary does not hold base64 (the standard alphabet, padded)`,
		`{"a":{"$binary":"AA\n=="}}`:     `"a": $binary does not hold base64 (the standard alphabet, padded)`,
		`{"a":{"$binary":5}}`:            `"a": $binary must hold base64 text`,
		`{"a":{"$string_set":[]}}`:       `"a": $string_set must hold an array of at least one element`,
		`{"a":{"$string_set":"x"}}`:      `"a": $string_set must hold an array of at least one element`,
		`{"a":{"$string_set":[1]}}`:      `"a": $string_set must hold texts`,
		`{"a":{"$number_set":["x"]}}`:    `"a": $number_set "x" is not a number: write digits, as in 12, -0.5 or 1e-3`,
		`{"a":{"$number_set":[true]}}`:   `"a": $number_set must hold numbers`,
		`{"a":{"$binary_set":["x"]}}`:    `"a": $binary_set does not hold base64 (the standard alphabet, padded)`,
	} {
		parsed, err := parseJSON(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		_, err = attributeValues(parsed.(map[string]any))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := attributeValue(1.5); err == nil {
		t.Error("a float was taken, whose text is lost already")
	}
}

func TestAPageTokenLeadsBackToItsKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := map[string]types.AttributeValue{}
		for _, name := range slices.Sorted(maps.Keys(rapid.MapOfN(rapid.String(), rapid.Bool(), 1, 4).Draw(t, "names"))) {
			key[name] = rapid.OneOf(
				rapid.Map(rapid.String(), func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }),
				rapid.Map(numbers(), func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }),
				rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 9), func(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }),
			).Draw(t, "value")
		}
		token, err := pageToken(key)
		if err != nil {
			t.Fatal(err)
		}
		back, err := keyOfToken(token)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(key, back, typed); diff != "" {
			t.Errorf("ended at (-), continues at (+):\n%s", diff)
		}
	})
}

func TestATextThatIsNoTokenIsRefused(t *testing.T) {
	for name, token := range map[string]string{
		"no base64":              "{}",
		"no JSON":                "bm8ganNvbg",
		"an array":               "W10",
		"an empty key":           "e30",
		"a value without a type": "eyJpZCI6e319",                // {"id":{}}
		"a value of no key type": "eyJpZCI6eyJCT09MIjp0cnVlfX0", // {"id":{"BOOL":true}}
		"a key and more":         "eyJpZCI6eyJTIjoiYSJ9fXt9",    // {"id":{"S":"a"}}{}
		"a space at the end":     "eyJpZCI6eyJTIjoiYSJ9fQ ",     // {"id":{"S":"a"}}
	} {
		if key, err := keyOfToken(token); err == nil {
			t.Errorf("%s: taken for %v", name, key)
		}
	}
	if _, err := pageToken(map[string]types.AttributeValue{"id": &types.AttributeValueMemberBOOL{}}); err == nil {
		t.Error("a key that is no key made a token")
	}
}
