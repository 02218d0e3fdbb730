//go:build slow

package lifecycle

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// blockedFor is longer than the 120 s of silence after which the host kills a plugin.
const blockedFor = 150 * time.Second

func TestSlowOutputBlockedForTwoAndAHalfMinutesLosesNothing(t *testing.T) {
	p := launch(t, "plugin")
	const calls, texts = 50, 4 // 12.5 MiB of results, far more than a pipe holds
	for i := range calls {
		p.send(request(fmt.Sprintf("S%d", i), "fill", fmt.Sprintf(`{"count":%d}`, texts)))
	}
	// Input is read all the while: this is far more than a pipe holds, too.
	padding := strings.Repeat("p", 1<<20)
	for i := range 16 {
		p.send(request(fmt.Sprintf("P%d", i), "echo", `{"text":"`+padding+`"}`))
	}

	blocked := time.NewTimer(blockedFor)
	notices := 0
	for waiting := true; waiting; {
		select {
		case line, ok := <-p.stderr:
			if !ok {
				t.Fatal("the plugin ended while its output was blocked")
			}
			if !strings.Contains(line, "has not read standard output") || len(line) > 120 {
				t.Errorf("on standard error: %q", line)
			}
			notices++
		case <-blocked.C:
			waiting = false
		}
	}
	if notices < 4 || notices > 5 {
		t.Errorf("%d signs of life in %s, one every 30 s was expected", notices, blockedFor)
	}

	p.readOutput()
	ends, filled := map[string]int{}, map[string]int{}
	for len(ends) < calls+16 {
		line := p.expect(`"event":"session"`)
		session := strings.SplitN(strings.SplitN(line, `"session_id":"`, 2)[1], `"`, 2)[0]
		switch {
		case strings.Contains(line, `"type":"end"`):
			ends[session]++
		case strings.Contains(line, `"type":"error"`):
			t.Errorf("a call failed: %.200s", line)
		case strings.HasPrefix(session, "S"):
			filled[session]++
		}
	}
	for session, n := range ends {
		if n != 1 || (strings.HasPrefix(session, "S") && filled[session] != texts) {
			t.Errorf("session %s: %d ends, %d texts", session, n, filled[session])
		}
	}
	p.stop()
}
