package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

type readLine struct {
	Head   string
	Length int64
}

func TestLinesAreCountedWholeAndKeptInPart(t *testing.T) {
	long := strings.Repeat("x", 3<<20)
	text := "first\n\n" + long + "\nlast\nno line"
	want := []readLine{{"first", 5}, {"", 0}, {long[:headSize], 3 << 20}, {"last", 4}}
	for name, from := range map[string]io.Reader{
		"at once":             strings.NewReader(text),
		"in halves":           iotest.HalfReader(strings.NewReader(text)),
		"with the end's data": iotest.DataErrReader(strings.NewReader(text)),
	} {
		t.Run(name, func(t *testing.T) {
			var got []readLine
			r := newLineReader(from)
			for {
				head, length, err := r.next()
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("the end is %v", err)
					}
					break
				}
				got = append(got, readLine{string(head), length})
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestALineIsRecognisedByItsBeginning(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		want       event
	}{
		{"heartbeat", `{"event":"heartbeat","session_id":null,"data":{}}`, event{name: "heartbeat"}},
		{"heartbeat with spaces", `{"event": "heartbeat", "session_id": null, "data": {}}`, event{name: "heartbeat"}},
		{"result", `{"event":"session","session_id":"s1","data":{"type":"stream","data":{"type":"end"`, event{"session", "s1", "stream"}},
		{"end", `{"event":"session","session_id":"s1","data":{"type":"end","data":{}}}`, event{"session", "s1", "end"}},
		{"end with spaces", `{"event": "session", "session_id": "s1", "data": {"type": "end", "data": {}}}`, event{"session", "s1", "end"}},
		{"a session without an id", `{"event":"session","session_id":null,"data":{"type":"end"}}`, event{"session", "", "end"}},
		{"the manifest, which the Python SDK prints first", `{"version":"0.1.0","type":"plugin","event":"heartbeat"}`, event{}},
		{"something else", `hello "event":"heartbeat"`, event{}},
		{"nothing", ``, event{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseEvent([]byte(tt.line)); got != tt.want {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
}
