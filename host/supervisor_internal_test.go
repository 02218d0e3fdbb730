package host

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// silentPlugin is a connection whose plugin reads its input and says nothing; die ends it.
func silentPlugin() (c *Conn, die func()) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	die = func() { _, _ = inR.Close(), outW.Close() }
	go func() {
		_, _ = io.Copy(io.Discard, inR)
		die()
	}()
	return Connect(inW, outR, Options{Silence: 24 * time.Hour}), die
}

// TestPausesBetweenStarts lets a plugin die, and its next five starts fail.
func TestPausesBetweenStarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, die := silentPlugin()
		var starts []time.Duration
		epoch := time.Now()
		broken := errors.New("broken")
		s, err := supervise(t.Context(), Options{}, func(context.Context) (plugin, error) {
			starts = append(starts, time.Since(epoch))
			switch len(starts) {
			case 1:
				return first, nil
			case 7:
				c, _ := silentPlugin()
				return c, nil
			default:
				return nil, broken
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		die()
		synctest.Wait()

		// A call waits 6 s for a process, and then says why there is none.
		before := time.Now()
		for _, err := range s.Call(t.Context(), Request{Type: "t", Action: "a"}) {
			if !errors.Is(err, broken) {
				t.Errorf("the call ended with %v", err)
			}
		}
		if took := time.Since(before); took != 6*time.Second {
			t.Errorf("the call waited %v", took)
		}

		time.Sleep(time.Hour) // of the bubble's time
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		var want []time.Duration
		for _, s := range []float64{0, 0, 0.5, 1.5, 3.5, 7.5, 15.5} {
			want = append(want, time.Duration(s*float64(time.Second)))
		}
		if diff := cmp.Diff(want, starts); diff != "" {
			t.Error(diff)
		}
	})
}

// TestCallWaitsForTheNextProcess comes while there is none, and is answered by the next one.
func TestCallWaitsForTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, die := silentPlugin()
		second, dieToo := silentPlugin()
		started := 0
		s, err := supervise(t.Context(), Options{}, func(context.Context) (plugin, error) {
			started++
			if started == 1 {
				return first, nil
			}
			time.Sleep(5 * time.Second) // of the bubble's time: a slow start
			return second, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		die()
		synctest.Wait()
		time.AfterFunc(5*time.Second+time.Millisecond, dieToo)
		for _, err := range s.Call(t.Context(), Request{Type: "t", Action: "a"}) {
			if !errors.Is(err, io.ErrUnexpectedEOF) { // the call had reached the second process
				t.Errorf("the call ended with %v", err)
			}
		}
		_ = s.Close()
		if started < 2 {
			t.Error("no second process was started")
		}
	})
}

func TestPastSessionsForgetTheOldest(t *testing.T) {
	var p pastSessions
	p.put("first", sessionFailed)
	for range maxPastSessions {
		p.put(newUUID(), sessionEnded)
	}
	if _, known := p.state("first"); known || len(p.order) != maxPastSessions || len(p.states) != maxPastSessions {
		t.Errorf("%d sessions are remembered, the first one: %t", len(p.order), known)
	}
}
