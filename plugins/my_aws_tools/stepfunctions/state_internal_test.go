package stepfunctions

import (
	"testing"
	"time"
)

func TestTimesAreWrittenAsPythonWritesThem(t *testing.T) {
	tokyo := time.FixedZone("JST", 9*60*60)
	for _, tt := range []struct {
		time time.Time
		want string
	}{
		{time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), "2025-01-02T03:04:05+00:00"},
		{time.Date(2025, 1, 2, 3, 4, 5, 678_000_000, time.UTC), "2025-01-02T03:04:05.678000+00:00"},
		{time.Date(2025, 1, 2, 3, 4, 5, 999, time.UTC), "2025-01-02T03:04:05+00:00"},
		{time.Date(2025, 1, 2, 3, 4, 5, 0, tokyo), "2025-01-01T18:04:05+00:00"},
	} {
		if got := isoTime(&tt.time); got == nil || *got != tt.want {
			t.Errorf("%v is written as %v, want %s", tt.time, got, tt.want)
		}
	}
	if got := isoTime(nil); got != nil {
		t.Errorf("no time is written as %s", *got)
	}
}
