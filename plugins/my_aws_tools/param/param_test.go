package param_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

func TestProblemsAreNamedAtOnce(t *testing.T) {
	var wrong param.Problems
	wrong.Add("bucket_name", nil)
	if err := wrong.Err("s3_list_objects"); err != nil {
		t.Errorf("nothing is wrong, and the call is refused: %v", err)
	}
	wrong.Add("bucket_name", errors.New("is missing"))
	if got, want := wrong.Err("s3_list_objects").Error(), "s3_list_objects was not run: bucket_name is missing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	wrong.Addf("max_keys", "is %d, at most %d are possible", 2000, 1000)
	err := wrong.Err("s3_list_objects")
	if want := "s3_list_objects was not run, 2 parameters are wrong: bucket_name is missing; max_keys is 2000, at most 1000 are possible"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if plugin.KindOf(err) != plugin.BadRequest {
		t.Errorf("the kind is %s", plugin.KindOf(err))
	}
}

func TestClipCutsBetweenCharacters(t *testing.T) {
	if got := param.Clip(strings.Repeat("桶", 121)); got != strings.Repeat("桶", 120)+"…" {
		t.Errorf("got %q", got)
	}
	if got := param.Clip(strings.Repeat("桶", 120)); got != strings.Repeat("桶", 120) {
		t.Errorf("got %q", got)
	}
}

func TestJSON(t *testing.T) {
	for name, c := range map[string]struct {
		value     any
		want, err string
	}{
		"nothing":                            {value: nil},
		"text keeps every digit":             {value: `{"n": 1.2300}`, want: `{"n": 1.2300}`},
		"a value of a model":                 {value: map[string]any{"a": "<b>"}, want: `{"a":"<b>"}`},
		"text that is not JSON":              {value: `{'a': 1}`, err: "at byte 2"},
		"text that ends early":               {value: `{"a": 1`, err: "nothing may be missing at the end"},
		"an empty text":                      {value: "", err: "is not JSON"},
		"a value that JSON does not know of": {value: func() {}, err: "cannot be written as JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := param.JSON(c.value)
			if string(got) != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Errorf("got the error %v, want one with %q", err, c.err)
			}
		})
	}
}
