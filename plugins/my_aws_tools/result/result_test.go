package result_test

import (
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

func TestTimeIsWrittenAsPythonDoes(t *testing.T) {
	tokyo := time.FixedZone("Tokyo", 9*60*60)
	for name, c := range map[string]struct {
		at   time.Time
		want string
	}{
		"whole seconds have no fraction":       {time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), "2025-01-02T03:04:05+00:00"},
		"a fraction has six digits":            {time.Date(2025, 1, 2, 3, 4, 5, 120_000_000, time.UTC), "2025-01-02T03:04:05.120000+00:00"},
		"less than a microsecond is no more":   {time.Date(2025, 1, 2, 3, 4, 5, 999, time.UTC), "2025-01-02T03:04:05+00:00"},
		"times of other zones come out in UTC": {time.Date(2025, 1, 2, 12, 4, 5, 0, tokyo), "2025-01-02T03:04:05+00:00"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := result.Time(&c.at); got != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
		})
	}
	if got := result.Time(nil); got != nil {
		t.Errorf("no time is %v", got)
	}
}

func TestNoTextIsNull(t *testing.T) {
	if got := result.OrNull(""); got != nil {
		t.Errorf("got %v", got)
	}
	if got := result.OrNull("a"); got != "a" {
		t.Errorf("got %v", got)
	}
}
