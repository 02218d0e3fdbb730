package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// startSlow starts a slowPlugin, which has ended when the test does: after that the clock of its bubble stands still.
func startSlow(t *testing.T, answer string) *child {
	toPlugin, in := io.Pipe()
	out, fromPlugin := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		slowPlugin(toPlugin, fromPlugin, answer)
	}()
	t.Cleanup(func() {
		_, _ = in.Close(), out.Close() // which never fail
		<-ended
	})
	return &child{name: "slow", in: in, lines: newLineReader(out)}
}

// slowPlugin answers one call after the other, each in a millisecond, with what comes of the session.
func slowPlugin(in io.Reader, out io.WriteCloser, answer string) {
	defer out.Close()
	for lines := bufio.NewScanner(in); lines.Scan(); {
		<-time.After(time.Millisecond)
		session, _ := stringField(lines.Bytes(), "session_id")
		fmt.Fprintln(out, `{"event":"heartbeat","session_id":null,"data":{}}`)
		fmt.Fprintln(out, `{"event":"session","session_id":"somebody else","data":{"type":"end","data":{}}}`)
		fmt.Fprintf(out, `{"event":"session","session_id":%q,"data":{"type":"stream","data":{"type":"end"}}}`+"\n", session)
		fmt.Fprintf(out, `{"event":"session","session_id":%q,"data":{"type":%q,"data":{}}}`+"\n", session, answer)
	}
}

func TestAnExchangeKeepsItsNumberOfCallsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		latencies, took, err := startSlow(t, "end").exchange(4, 10*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		// The answers of the first nine milliseconds start another call each; the one on the deadline does not.
		want := series{0.001, 0.002, 0.003}
		for range 10 {
			want = append(want, 0.004)
		}
		if diff := cmp.Diff(want, latencies); diff != "" {
			t.Errorf("latencies: -want +got\n%s", diff)
		}
		if took != 13*time.Millisecond {
			t.Errorf("it took %s", took)
		}
	})
}

func TestACallThatFailsEndsTheExchange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, err := startSlow(t, "error").exchange(100, time.Second)
		if err == nil || !strings.HasPrefix(err.Error(), `slow failed: {"event":"session","session_id":"s1"`) {
			t.Errorf("%v", err)
		}
	})
}

func TestACallThatFailsIsQuoted(t *testing.T) {
	c := testWorkshop(t).start(t, testdata+"echo")
	if err := c.write(strings.Replace(echoRequest("S1"), `"text"`, `"other"`, 1)); err != nil {
		t.Fatal(err)
	}
	if err := c.end("S1"); err == nil || !strings.Contains(err.Error(), "text is required") {
		t.Errorf("%v", err)
	}
}
