package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// answers are the lines that a plugin writes for some requests, heartbeats aside. Its tool "t" is do.
func answers(t testing.TB, env map[string]string, do func(ctx context.Context, call *Call) error, requests ...string) []string {
	t.Helper()
	p, err := New(declare(t, toolOf("t")), Tool("t", func(ctx context.Context, call *Call, _ struct{}) error { return do(ctx, call) }))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.configure(func(name string) string { return env[name] }); err != nil {
		t.Fatal(err)
	}
	var out syncBuffer
	if err := p.Serve(t.Context(), strings.NewReader(strings.Join(requests, "\n")), &out, io.Discard, nil); err != nil {
		t.Error(err)
	}
	var lines []string
	for line := range strings.Lines(out.take()) {
		if line = strings.TrimSuffix(line, "\n"); line != heartbeat {
			lines = append(lines, line)
		}
	}
	return lines
}

func requestTo(session, tool string) string {
	return fmt.Sprintf(`{"session_id":%q,"event":"request","data":{"type":"tool","action":"invoke_tool","tool":%q,"tool_parameters":{}}}`, session, tool)
}

// Lines are whole, however many goroutines of however many calls send at once.
func TestLinesAreWholeWhenManySendAtOnce(t *testing.T) {
	const senders, each = 100, 20
	text := strings.Repeat("x", 3000)
	lines := answers(t, nil, func(_ context.Context, call *Call) error {
		var all sync.WaitGroup
		for i := range senders {
			all.Go(func() {
				for j := range each {
					if err := call.Text(fmt.Sprintf("%d/%d %s", i, j, text)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		return nil
	}, requestTo("S1", "t"), requestTo("S2", "t"))
	sent := map[string]int{}
	for _, line := range lines {
		var e wire.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%v: %.100s", err, line)
		}
		sent[*e.SessionID]++
	}
	want := senders*each + 1
	if diff := cmp.Diff(map[string]int{"S1": want, "S2": want}, sent); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A host that does not read must still be able to write: it may itself be waiting for us.
func TestBlockedOutputNeverStopsInput(t *testing.T) {
	const requests = 100
	started := make(chan struct{}, requests)
	p, err := New(declare(t, toolOf("t")), Tool("t", func(_ context.Context, call *Call, _ struct{}) error {
		started <- struct{}{}
		return call.Text("x")
	}))
	if err != nil {
		t.Fatal(err)
	}
	in, hostIn := io.Pipe()
	out := newHostOutput()
	out.pause()
	done := make(chan error, 1)
	go func() { done <- p.Serve(t.Context(), in, out, io.Discard, nil) }()
	for i := range requests {
		if _, err := io.WriteString(hostIn, requestTo(fmt.Sprint("S", i), "t")+"\n"+strings.Repeat("garbage\n", 3)); err != nil {
			t.Fatal(err)
		}
	}
	for range requests {
		<-started
	}
	out.resume()
	hostIn.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
	ends := 0
	for _, line := range out.take() {
		if strings.Contains(line, `{"type":"end"`) {
			ends++
		}
	}
	if ends != requests {
		t.Errorf("%d requests ended, want %d", ends, requests)
	}
}

// send is one thing that a tool sends.
type send struct {
	name string
	do   func(ctx context.Context, call *Call) error
}

// anySend draws something that a tool may send, right or wrong.
func anySend() *rapid.Generator[send] {
	text := rapid.OneOf(rapid.String(), rapid.Map(rapid.IntRange(0, 3000), func(n int) string { return strings.Repeat("<é\"", n/2) }),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	value := rapid.OneOf(rapid.Map(text, func(s string) any { return s }), rapid.SampledFrom([]any{
		nil, 1, math.Inf(1), math.NaN(),
		map[string]any{"a": []int{1}},
		[]any{},
		make(chan int), json.RawMessage("{}"), json.RawMessage(" [1\n] "), json.RawMessage("{"),
		json.RawMessage("{\"a\":\"\xff\"}"), json.RawMessage(nil), json.Number("1e"), errors.New("x"), func() {},
		struct{ A int }{1},
		(*int)(nil),
	}))
	return rapid.Custom(func(t *rapid.T) send {
		s, v, n := text.Draw(t, "text"), value.Draw(t, "value"), rapid.IntRange(0, 20_000).Draw(t, "n")
		return rapid.SampledFrom([]send{
			{"text", func(_ context.Context, call *Call) error { return call.Text(s) }},
			{"json", func(_ context.Context, call *Call) error { return call.JSON(v) }},
			{"variable", func(_ context.Context, call *Call) error { return call.Variable(s, v) }},
			{"stream", func(_ context.Context, call *Call) error { return call.StreamVariable("v", s) }},
			{"image", func(_ context.Context, call *Call) error { return call.Image(s) }},
			{"relay", func(_ context.Context, call *Call) error {
				raw, _ := v.(json.RawMessage)
				return call.Relay(Message{Type: s, Body: raw, Meta: map[string]any{s: v}})
			}},
			{"file", func(ctx context.Context, call *Call) error { return call.File(ctx, Bytes(s, s, make([]byte, n))) }},
			{"broken file", func(ctx context.Context, call *Call) error {
				return call.File(ctx, badBody(int64(n), int64(n)+1, io.EOF))
			}},
			{"step", func(_ context.Context, call *Call) error {
				step, err := call.Step(s, map[string]any{s: v})
				return errors.Join(err, step.Fail(errors.New(s)))
			}},
			{"log", func(_ context.Context, call *Call) error { call.Logger().Info(s, s, v); return nil }},
			{"progress", func(ctx context.Context, call *Call) error { call.Progress(ctx, s, 1, 2); return nil }},
			{"panic", func(context.Context, *Call) error { panic(v) }},
			{"error", func(context.Context, *Call) error { return errors.New(s) }},
		}).Draw(t, "send")
	})
}

// Whatever a tool sends, each line is a JSON object that the host takes, and the last one is the one end. A tool that
// could not send something did not succeed.
func TestWhateverAToolSendsTheHostCanRead(t *testing.T) {
	const limit = 60_000
	env := map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": fmt.Sprint(limit), "DIFYPLUGIN_FILE_LINKS": "off", "DIFYPLUGIN_PROGRESS": "messages"}
	rapid.Check(t, func(rt *rapid.T) {
		sends := rapid.SliceOfN(anySend(), 0, 6).Draw(rt, "sends")
		heeds := rapid.Bool().Draw(rt, "heeds errors")
		failed := false
		lines := answers(t, env, func(ctx context.Context, call *Call) error {
			for _, s := range sends {
				failed = failed || s.name == "panic"
				err := s.do(ctx, call)
				failed = failed || err != nil && s.name != "error"
				if err != nil && heeds {
					failed = true
					return err
				}
			}
			return nil
		}, requestTo("S1", "t"))
		ends, errs := 0, 0
		for i, line := range lines {
			var e wire.Event
			if err := json.Unmarshal([]byte(line), &e); err != nil || len(line) >= limit || strings.ToValidUTF8(line, "") != line {
				rt.Fatalf("line %d of %d bytes: %v: %.300q", i, len(line), err, line)
			}
			if e.Event != wire.EventSession {
				continue
			}
			var m wire.SessionMessage
			if err := json.Unmarshal(e.Data, &m); err != nil {
				rt.Fatal(err)
			}
			switch m.Type {
			case wire.SessionError:
				errs++
				var failure wire.Error
				if err := json.Unmarshal(m.Data, &failure); err != nil || failure.Args["description"] != failure.Message || failure.Type == "" {
					rt.Fatalf("error %s: %v", m.Data, err)
				}
			case wire.SessionEnd:
				ends++
				if i != len(lines)-1 {
					rt.Fatalf("line %d of %d is the end", i, len(lines))
				}
			}
		}
		if ends != 1 || errs > 1 || failed != (errs == 1) {
			rt.Fatalf("%d ends, %d errors, failed %v", ends, errs, failed)
		}
	})
}

func TestTheLabelOfAnOption(t *testing.T) {
	long := strings.Repeat("桶", 2000)
	cut := strings.Repeat("桶", 1022) + "…"
	for name, c := range map[string]struct {
		option Option
		want   map[string]string
	}{
		"none":         {Option{Value: "v"}, map[string]string{"en_US": "v"}},
		"not English":  {Option{Value: "v", Label: map[string]string{"zh_Hans": "桶"}}, map[string]string{"en_US": "v", "zh_Hans": "桶"}},
		"blank":        {Option{Value: "v", Label: map[string]string{"en_US": "", "ja_JP": ""}}, map[string]string{"en_US": "v"}},
		"too long":     {Option{Value: "v", Label: map[string]string{"en_US": long}}, map[string]string{"en_US": cut}},
		"a long value": {Option{Value: long}, map[string]string{"en_US": cut}},
		"long enough":  {Option{Value: "v", Label: map[string]string{"en_US": long[:1023*3]}}, map[string]string{"en_US": long[:1023*3]}},
	} {
		if diff := cmp.Diff(c.want, optionLabel(c.option)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCheckIsACommandOfEveryPlugin(t *testing.T) {
	good, ghost := []Part{Tool("t", doNothing[struct{}])}, []Part{Tool("ghost", doNothing[struct{}])}
	folder := declare(t, toolOf("t"))
	for name, c := range map[string]struct {
		parts []Part
		args  []string
		env   string
		want  int
	}{
		"agreement":        {good, []string{"check"}, "", 0},
		"disagreement":     {ghost, []string{"check"}, "", 1},
		"another argument": {good, []string{"dance"}, "", 2},
		"too many":         {good, []string{"check", "it"}, "", 2},
		"no parts":         {nil, []string{"check"}, "", 2},
		"wrong settings":   {good, []string{"check"}, "10 minutes", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PLUGIN_MAX_EXECUTION_TIMEOUT", c.env)
			if got := run(folder, c.parts, c.args); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

func TestInputFilesOpenUnderTheirLimit(t *testing.T) {
	c := newCalls(t, map[string]string{"FILES_URL": "http://dify.invalid"})
	for name, given := range map[string]struct {
		file InputFile
		want string
	}{
		"none":              {InputFile{}, "no file was given"},
		"too large":         {InputFile{Name: "a.pdf", Size: 2 << 20, source: c.plugin.fetch, url: "http://x"}, `file "a.pdf" has 2.0 MiB, at most 1.0 MiB are taken`},
		"a private address": {InputFile{Size: -1, source: c.plugin.fetch, url: c.dify.URL + "/a?sign=topsecret"}, "DIFYPLUGIN_FETCH_ALLOW"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := given.file.Open(t.Context(), 1<<20)
			if err == nil || !strings.Contains(err.Error(), given.want) || strings.Contains(err.Error(), "topsecret") || KindOf(err) != BadRequest {
				t.Errorf("error = %v (%s)", err, KindOf(err))
			}
		})
	}
}

func TestAnInputFileIsReadFromDify(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		io.WriteString(w, "at "+r.URL.String())
	}))
	defer server.Close()
	c := newCalls(t, map[string]string{"INTERNAL_FILES_URL": server.URL})
	for name, want := range map[string]Fetched{
		"a.pdf": {Type: "application/pdf", Name: "a.pdf"},
		"":      {Type: "text/plain", Name: "a"},
	} {
		f := InputFile{Name: name, Size: -1, source: c.plugin.fetch, url: "/files/tools/a?sign=1"}
		if name != "" {
			f.Type = "Application/PDF; x=y"
		}
		got, err := f.Open(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		got.Body.Close()
		if err != nil || string(body) != "at /files/tools/a?sign=1" {
			t.Errorf("body %s, %v", body, err)
		}
		want.Size = int64(len(body))
		got.Body = nil
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
