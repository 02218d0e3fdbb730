package plugin

import (
	"testing"
	"testing/synctest"
)

func TestMemoryIsGivenBackOnlyAtRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var i idle
		i.enter()
		i.enter()
		i.leave()
		if i.timer != nil {
			t.Error("the timer runs beside a call")
		}
		i.leave()
		if i.timer == nil {
			t.Fatal("no timer after the last call")
		}
		timer := i.timer
		i.enter()
		if i.timer != nil || timer.Stop() {
			t.Error("a new call did not stop the timer")
		}
		i.leave()
		timer = i.timer
		i.stop()
		if i.timer != nil || timer.Stop() {
			t.Error("the timer outlives the plugin")
		}
		i.stop()
	})
}
