package s3

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSection3_23Bug5AndSection3_24Bug6_FourFilesMoveAtATimeAndResultsComeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var running, most atomic.Int32
		began := time.Now()
		var got []int
		inOrder(12, func(i int) int {
			most.Store(max(most.Load(), running.Add(1)))
			time.Sleep(time.Duration(12-i%4) * time.Second) // the later ones of four are done first
			running.Add(-1)
			return i
		}, func(i, result int) {
			if i != result {
				t.Errorf("result %d came at place %d", result, i)
			}
			got = append(got, result)
		})
		if most.Load() != atOnce || len(got) != 12 {
			t.Errorf("%d at once, %d results", most.Load(), len(got))
		}
		if took := time.Since(began); took > 40*time.Second {
			t.Errorf("twelve pieces of work of about 11 s took %v", took)
		}
	})
}

func TestNothingIsDoneForAnEmptyBatch(t *testing.T) {
	inOrder(0, func(int) int { t.Error("worked"); return 0 }, func(int, int) { t.Error("received") })
}
