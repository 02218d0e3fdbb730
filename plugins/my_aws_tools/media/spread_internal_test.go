package media

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestPicturesAreSpreadAsTheyAlwaysWere(t *testing.T) {
	for _, tt := range []struct {
		total, count int
		want         []int
	}{
		{10, 3, []int{0, 4, 9}},
		{10, 4, []int{0, 3, 6, 9}},
		{7, 5, []int{0, 1, 3, 4, 6}},
		{100, 7, []int{0, 16, 33, 49, 66, 82, 99}},
		{10, 1, []int{9}},
		{10, 2, []int{0, 9}},
		{10, 10, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{3, 1_000_000_000_000, []int{0, 1, 2}},
		{1, 1, []int{0}},
		{1, 2, []int{0, 0}},
		{1, 3, []int{0}},
		{2, 2, []int{0, 1}},
		{2, 3, []int{0, 1}},
	} {
		if diff := cmp.Diff(tt.want, spread(tt.total, tt.count)); diff != "" {
			t.Errorf("%d of %d: -want +got\n%s", tt.count, tt.total, diff)
		}
	}
}

func TestPicturesAreInOrderAndEndWithTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total, count := rapid.IntRange(1, 5000).Draw(t, "total"), rapid.IntRange(1, 6000).Draw(t, "count")
		chosen := spread(total, count)
		if len(chosen) != min(count, total) && (total != 1 || count != 2) {
			t.Fatalf("%d pictures", len(chosen))
		}
		for i, index := range chosen {
			if index < 0 || index >= total || i > 0 && index <= chosen[i-1] && total > 1 {
				t.Fatalf("%v", chosen)
			}
		}
		if chosen[len(chosen)-1] != total-1 || count > 1 && chosen[0] != 0 {
			t.Fatalf("%v", chosen)
		}
	})
}
