package plugin

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// logged are the levels and messages of what do writes to the log of a call whose secret is "s3cret-value".
func logged(t *testing.T, do func(log *slog.Logger)) [][2]string {
	t.Helper()
	p, err := New(declare(t, toolOf("t")), Tool("t", func(_ context.Context, call *Call, _ struct{}) error { do(call.Logger()); return nil }))
	if err != nil {
		t.Fatal(err)
	}
	request := `{"session_id":"S1","event":"request","data":{"type":"tool","action":"invoke_tool","tool":"t","credentials":{"access_key":"s3cret-value"}}}`
	var out syncBuffer
	if err := p.Serve(t.Context(), strings.NewReader(request), &out, io.Discard, nil); err != nil {
		t.Fatal(err)
	}
	var lines [][2]string
	dec := json.NewDecoder(strings.NewReader(out.take()))
	for {
		var e wire.Event
		if err := dec.Decode(&e); err != nil {
			return lines
		}
		if e.Event != wire.EventLog {
			continue
		}
		var l wire.Log
		if err := json.Unmarshal(e.Data, &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, [2]string{l.Level, l.Message})
	}
}

func TestLoggerWritesToTheHostsLog(t *testing.T) {
	got := logged(t, func(log *slog.Logger) {
		log.Debug("d", "n", 1)
		log.Info("i", "a b", "c d")
		log.Warn("w")
		log.Error("e", slog.Group("g", "x", 1, slog.Group("h", "y", true)))
		log.Log(t.Context(), slog.LevelInfo+1, "between")
		log.Log(t.Context(), slog.LevelError+4, "above")
		log.With("k", "v").WithGroup("req").With("id", 7).Info("grouped", "z", 9, slog.Group("", "inline", 1))
		log.WithGroup("").Info("no group", "z", 9)
	})
	want := [][2]string{
		{"DEBUG", "t: d n=1"},
		{"INFO", "t: i a b=c d"},
		{"WARNING", "t: w"},
		{"ERROR", "t: e g.x=1 g.h.y=true"},
		{"INFO", "t: between"},
		{"ERROR", "t: above"},
		{"INFO", "t: grouped k=v req.id=7 req.z=9 req.inline=1"},
		{"INFO", "t: no group z=9"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLoggersDoNotShareAttributes(t *testing.T) {
	got := logged(t, func(log *slog.Logger) {
		shared := log.With("a", 1)
		one, two := shared.With("b", 2), shared.With("c", 3)
		one.Info("one")
		two.Info("two")
	})
	want := [][2]string{{"INFO", "t: one a=1 b=2"}, {"INFO", "t: two a=1 c=3"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNoLogLineHoldsASecret(t *testing.T) {
	got := logged(t, func(log *slog.Logger) {
		log.Info("s3cret-value")
		log.Info("m", "k", "s3cret-value", "url", "https://u:p@h/x?sig=hidden")
		log.With("k", "s3cret-value").Info("m")
		log.Info("m", "k", secretValuer{}, slog.Group("s3cret-value", "k", 1))
		log.Info(strings.Repeat("x", 20_000) + "s3cret-value")
	})
	for _, line := range got {
		if strings.Contains(line[1], "s3cret") || strings.Contains(line[1], "hidden") || strings.Contains(line[1], "u:p") {
			t.Errorf("the log holds a secret: %.200s", line[1])
		}
		if len(line[1]) > maxErrorText+8 {
			t.Errorf("a line of %d bytes", len(line[1]))
		}
	}
	if len(got) != 5 {
		t.Errorf("%d lines", len(got))
	}
}

type secretValuer struct{}

func (secretValuer) LogValue() slog.Value { return slog.StringValue("s3cret-value") }
