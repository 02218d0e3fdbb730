package host_test

import (
	"context"
	"errors"
	"io"
	"math/big"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// sessionIn is the session id of a line of the host.
func sessionIn(line string) string {
	_, rest, _ := strings.Cut(line, `"session_id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestRequestIsWrittenAsTheDaemonWritesIt(t *testing.T) {
	tests := map[string]struct {
		call func(context.Context, *host.Conn) error
		want string
	}{
		"a tool with everything": {
			call: func(ctx context.Context, c *host.Conn) error {
				big, _ := new(big.Int).SetString("12345678901234567890", 10)
				_, err := c.Tool(ctx, host.Caller{
					UserID: "u1", Provider: "gonative", CredentialType: "api-key",
					Credentials: map[string]any{"region": "us-east-1", "access_key_id": "A<K>"},
					Context:     map[string]any{"k": "v"}, AppID: "app",
				}, "probe", map[string]any{"q": "hello", "n": big, "f": nil})
				return err
			},
			want: `{"session_id":"$S","conversation_id":null,"message_id":null,"app_id":"app","endpoint_id":null,"context":{"k":"v"},"event":"request","data":{"action":"invoke_tool","credential_type":"api-key","credentials":{"access_key_id":"A<K>","region":"us-east-1"},"provider":"gonative","tool":"probe","tool_parameters":{"f":null,"n":12345678901234567890,"q":"hello"},"type":"tool","user_id":"u1"}}`,
		},
		"a tool with nothing": {
			call: func(ctx context.Context, c *host.Conn) error {
				_, err := c.Tool(ctx, host.Caller{Provider: "p"}, "t", nil)
				return err
			},
			want: `{"session_id":"$S","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{"action":"invoke_tool","credentials":null,"provider":"p","tool":"t","tool_parameters":null,"type":"tool","user_id":""}}`,
		},
		"the root of a drive": {
			call: func(ctx context.Context, c *host.Conn) error {
				_, err := c.Browse(ctx, who(), "d", host.BrowseRequest{})
				return err
			},
			want: `{"session_id":"$S","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{"action":"invoke_online_drive_browse_files","credentials":null,"datasource":"d","provider":"p","request":{"bucket":null,"max_keys":20,"next_page_parameters":null,"prefix":""},"type":"datasource","user_id":"u1"}}`,
		},
		"the options of a parameter": {
			call: func(ctx context.Context, c *host.Conn) error {
				_, err := c.Options(ctx, who(), "t", "bucket")
				return err
			},
			want: `{"session_id":"$S","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,"event":"request","data":{"action":"fetch_parameter_options","credentials":{},"parameter":"bucket","provider":"p","provider_action":"t","type":"dynamic_parameter","user_id":"u1"}}`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var sent string
			opts := host.Options{OnLine: func(l host.Line) {
				if !l.FromPlugin {
					sent = string(l.Data)
				}
			}}
			c := connect(t, opts, answer(failLine, endLine))
			var failed *host.PluginError
			if err := tt.call(t.Context(), c); !errors.As(err, &failed) {
				t.Fatalf("the fake plugin fails every call, but this one ended with %v", err)
			}
			must(t, c.Close())
			if diff := cmp.Diff(strings.ReplaceAll(tt.want, "$S", sessionIn(sent)), sent); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRequestThatTheDaemonRefusesReachesNoPlugin(t *testing.T) {
	c := connect(t, host.Options{}, func(p *fakePlugin) {
		if _, ok := p.next(); ok {
			t.Error("the plugin received a request")
		}
	})
	tests := map[string]error{
		"no provider":   second(c.Tool(t.Context(), host.Caller{}, "t", nil)),
		"no tool":       second(c.Tool(t.Context(), who(), "", nil)),
		"no parameter":  second(c.Options(t.Context(), who(), "t", "")),
		"no datasource": second(c.Browse(t.Context(), who(), "", host.BrowseRequest{})),
		"negative page": second(c.Browse(t.Context(), who(), "d", host.BrowseRequest{MaxKeys: -1})),
		"no file id":    second(c.Download(t.Context(), who(), "d", "b", "")),
		"no action":     second(drain(c.Call(t.Context(), host.Request{Type: "tool"}))),
		"not JSON":      second(c.Tool(t.Context(), who(), "t", map[string]any{"f": func() {}})),
	}
	for name, err := range tests {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	must(t, c.Close())
}

func second[T any](_ T, err error) error { return err }

func drain(seq func(func(host.Message, error) bool)) (all []host.Message, err error) {
	for m, err := range seq {
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
	return all, nil
}

// TestSessions plays lines as answers to one call of a tool and compares the call's end, the violations found, and
// what strict mode makes of them.
func TestSessions(t *testing.T) {
	tests := map[string]struct {
		lines      []string
		err        host.Kind // of the call; "" is success
		violations []host.Kind
		strictCall host.Kind // of the call in strict mode
		strict     host.Kind // of Close in strict mode
	}{
		"a text and an end":              {lines: []string{text("a"), endLine}},
		"empty lines and returns":        {lines: []string{"", text("a") + "\r", "", endLine, ""}},
		"an end whose data is null":      {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"end","data":null}}`}},
		"unknown keys":                   {lines: []string{stream(`{"type":"text","message":{"text":"a","x":1},"meta":{},"y":2}`), endLine}},
		"garbage":                        {lines: []string{"Loading model...", endLine}, violations: []host.Kind{host.KindGarbage}, strict: host.KindGarbage},
		"half an object":                 {lines: []string{`{"event":"sess`, endLine}, violations: []host.Kind{host.KindGarbage}, strict: host.KindGarbage},
		"a numeric session id":           {lines: []string{`{"event":"session","session_id":7,"data":{}}`, endLine}, violations: []host.Kind{host.KindGarbage}, strict: host.KindGarbage},
		"an unknown event":               {lines: []string{`{"event":"progress","data":{}}`, endLine}, violations: []host.Kind{host.KindEvent}, strict: host.KindEvent},
		"a printed manifest":             {lines: []string{`{"name":"legacy"}`, endLine}, violations: []host.Kind{host.KindEvent}, strict: host.KindEvent},
		"a malformed log":                {lines: []string{`{"event":"log","data":"hi"}`, endLine}, violations: []host.Kind{host.KindEvent}, strict: host.KindEvent},
		"an error event":                 {lines: []string{`{"event":"error","data":{"error":"bad line"}}`, endLine}, violations: []host.Kind{host.KindFault}, strict: host.KindFault},
		"an error event of the session":  {lines: []string{`{"event":"error","session_id":"$S","data":{"error":"bad line"}}`, endLine}, violations: []host.Kind{host.KindFault}, strictCall: host.KindFault},
		"an unknown session":             {lines: []string{`{"event":"session","session_id":"x","data":{"type":"end","data":{}}}`, endLine}, violations: []host.Kind{host.KindSession}, strict: host.KindSession},
		"two ends":                       {lines: []string{endLine, endLine}, violations: []host.Kind{host.KindAfterEnd}, strict: host.KindAfterEnd},
		"a text after the end":           {lines: []string{endLine, text("late")}, violations: []host.Kind{host.KindAfterEnd}, strict: host.KindAfterEnd},
		"an end without data, then one":  {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"end"}}`, endLine}, violations: []host.Kind{host.KindEvent}, strictCall: host.KindEvent},
		"session data that is text":      {lines: []string{`{"event":"session","session_id":"$S","data":"x"}`, endLine}, violations: []host.Kind{host.KindEvent}, strictCall: host.KindEvent},
		"an unknown type of message":     {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"progress","data":{}}}`, endLine}, err: host.KindMessageType, violations: []host.Kind{host.KindMessageType}, strictCall: host.KindMessageType},
		"an unknown tool message":        {lines: []string{stream(`{"type":"video","message":{},"meta":null}`), endLine}, err: host.KindPayload, violations: []host.Kind{host.KindPayload}, strictCall: host.KindPayload},
		"an error that is text":          {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"error","data":"boom"}}`, endLine}, err: host.KindError, violations: []host.Kind{host.KindError}, strictCall: host.KindError},
		"an error that is null":          {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"error","data":null}}`, endLine}, err: host.KindError, violations: []host.Kind{host.KindError}, strictCall: host.KindError},
		"an error without a type":        {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"error","data":{"message":"m","args":{}}}}`, endLine}, err: host.KindError, violations: []host.Kind{host.KindError}, strictCall: host.KindError},
		"an error with a list of args":   {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"error","data":{"error_type":"E","message":"m","args":[]}}}`, endLine}, err: host.KindError, violations: []host.Kind{host.KindError}, strictCall: host.KindError},
		"an error with 11 args":          {lines: []string{errorWithArgs(11), endLine}, err: host.KindError, violations: []host.Kind{host.KindError}, strictCall: host.KindError},
		"a call back without an id":      {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"invoke","data":{"type":"storage","request":{}}}}`, endLine}, err: host.KindInvoke, violations: []host.Kind{host.KindInvoke}, strictCall: host.KindInvoke},
		"a call back without a request":  {lines: []string{`{"event":"session","session_id":"$S","data":{"type":"invoke","data":{"type":"storage","backwards_request_id":"r"}}}`, endLine}, err: host.KindInvoke, violations: []host.Kind{host.KindInvoke}, strictCall: host.KindInvoke},
		"a file that never ends":         {lines: []string{chunk("f", 0, 2, "QQ==", false, `{}`), endLine}, err: host.KindChunk, violations: []host.Kind{host.KindChunk}, strictCall: host.KindChunk},
		"chunks that are numbered wrong": {lines: []string{chunk("f", 1, 1, "QQ==", false, `{}`), chunk("f", 2, 1, "", true, `{}`), endLine}, violations: []host.Kind{host.KindChunkOrder}, strictCall: host.KindChunkOrder},
	}
	for name, tt := range tests {
		for _, strict := range []bool{false, true} {
			mode := "daemon"
			if strict {
				mode = "strict"
			}
			t.Run(mode+"/"+name, func(t *testing.T) {
				c := connect(t, host.Options{Strict: strict}, answer(tt.lines...))
				_, err := drain(c.Call(t.Context(), toolRequest()))
				closeErr := c.Close()
				wantCall, wantClose := tt.err, host.Kind("")
				if strict {
					wantCall, wantClose = tt.strictCall, tt.strict
				}
				if got := kindOf(err); got != wantCall || wantCall == "" && err != nil {
					t.Errorf("the call ended with %v, want kind %q", err, wantCall)
				}
				if got := kindOf(closeErr); got != wantClose || wantClose == "" && closeErr != nil {
					t.Errorf("Close returned %v, want kind %q", closeErr, wantClose)
				}
				if diff := cmp.Diff(tt.violations, kinds(c)); diff != "" {
					t.Error("violations:", diff)
				}
			})
		}
	}
}

func errorWithArgs(n int) string {
	args := make([]string, n)
	for i := range args {
		args[i] = `"` + strings.Repeat("a", i+1) + `":1`
	}
	return `{"event":"session","session_id":"$S","data":{"type":"error","data":{"error_type":"E","message":"m","args":{` + strings.Join(args, ",") + `}}}}`
}

func TestErrorOfThePluginReachesItsCaller(t *testing.T) {
	c := connect(t, host.Options{Strict: true}, answer(text("before"), failLine, endLine))
	messages, err := drain(c.Call(t.Context(), toolRequest()))
	var failed *host.PluginError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
	want := &host.PluginError{Type: "InvokeAuthorizationError", Message: "no", Args: map[string]any{"description": "no"}}
	if diff := cmp.Diff(want, failed); diff != "" {
		t.Error(diff)
	}
	if len(messages) != 1 || messages[0].Text() != "before" {
		t.Errorf("messages before the error: %v", messages)
	}
	must(t, c.Close())

	ten := connect(t, host.Options{Strict: true}, answer(errorWithArgs(10), endLine))
	if _, err := drain(ten.Call(t.Context(), toolRequest())); !errors.As(err, &failed) || len(failed.Args) != 10 {
		t.Errorf("an error with 10 args is right, but the call ended with %v", err)
	}
	must(t, ten.Close())
}

func TestErrorWithoutAnEndIsFoundAtClose(t *testing.T) {
	for name, lines := range map[string][]string{
		"no end":             {failLine},
		"a text, and no end": {failLine, text("late")},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, host.Options{Strict: true}, answer(lines...))
			if _, err := drain(c.Call(t.Context(), toolRequest())); err == nil {
				t.Error("the call succeeded")
			}
			if err := c.Close(); err == nil {
				t.Error("Close found no violation")
			}
			if got := kinds(c); !slices.Contains(got, host.KindMissingEnd) || len(got) != len(lines) {
				t.Errorf("violations: %v", got)
			}
		})
	}
}

func TestEndOfThePluginFailsItsCalls(t *testing.T) {
	c := connect(t, host.Options{}, func(p *fakePlugin) {
		in, _ := p.next()
		p.send(in.SessionID, text("half"))
	})
	messages, err := drain(c.Call(t.Context(), toolRequest()))
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(messages) != 1 {
		t.Errorf("got %d messages and %v", len(messages), err)
	}
	if _, err := drain(c.Call(t.Context(), toolRequest())); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a call after the end: %v", err)
	}
	if err := c.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Close: %v", err)
	}
	if diff := cmp.Diff([]host.Kind{host.KindMissingEnd}, kinds(c)); diff != "" {
		t.Error(diff)
	}
}

func TestCallAfterCloseFails(t *testing.T) {
	c := connect(t, host.Options{}, answer(endLine))
	must(t, c.Close())
	if _, err := drain(c.Call(t.Context(), toolRequest())); !errors.Is(err, host.ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestCloseLetsARunningCallEnd(t *testing.T) {
	received := make(chan struct{})
	c := connect(t, host.Options{Strict: true}, func(p *fakePlugin) {
		in, _ := p.next()
		close(received)
		if _, more := p.next(); more { // until the end of the input
			t.Error("a second request")
		}
		p.send(in.SessionID, text("done"), endLine)
	})
	ended := make(chan error, 1)
	go func() { ended <- second(drain(c.Call(t.Context(), toolRequest()))) }()
	<-received
	must(t, c.Close())
	must(t, <-ended)
}

func TestLongestLine(t *testing.T) {
	pad := func(id string, size int) string {
		line := strings.ReplaceAll(text(""), "$S", id)
		return strings.ReplaceAll(text(strings.Repeat("a", size-len(line))), "$S", id)
	}
	for name, tt := range map[string]struct {
		size int
		err  host.Kind
	}{
		"5,242,879 bytes are read":        {5_242_879, ""},
		"5,242,880 bytes kill the plugin": {5_242_880, host.KindLineTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			c := connect(t, host.Options{}, func(p *fakePlugin) {
				in, _ := p.next()
				p.send(in.SessionID, pad(in.SessionID, tt.size), endLine)
				p.next()
			})
			messages, err := drain(c.Call(t.Context(), toolRequest()))
			if kindOf(err) != tt.err {
				t.Errorf("the call ended with %v", err)
			}
			if tt.err == "" && len(messages) != 1 {
				t.Errorf("%d messages", len(messages))
			}
		})
	}
}

func TestLogsReachTheHook(t *testing.T) {
	var logs []host.Log
	c := connect(t, host.Options{OnLog: func(l host.Log) { logs = append(logs, l) }},
		answer(`{"event":"log","data":{"level":"INFO","message":"hi","timestamp":1732230000.5}}`, endLine))
	_, err := drain(c.Call(t.Context(), toolRequest()))
	must(t, err)
	must(t, c.Close())
	want := []host.Log{{Level: "INFO", Message: "hi", Time: time.UnixMilli(1732230000500)}}
	if diff := cmp.Diff(want, logs); diff != "" {
		t.Error(diff)
	}
}

func TestAbandonedCallIsNobodysFault(t *testing.T) {
	goOn := make(chan struct{})
	c := connect(t, host.Options{Strict: true}, func(p *fakePlugin) {
		in, _ := p.next()
		p.send(in.SessionID, text("1"))
		<-goOn
		p.send(in.SessionID, text("2"), endLine)
		p.next()
	})
	for range c.Call(t.Context(), toolRequest()) {
		break
	}
	close(goOn)
	must(t, c.Close())
	if got := kinds(c); got != nil {
		t.Errorf("violations: %v", got)
	}
}

func TestCancelledCallEndsAtOnce(t *testing.T) {
	c := connect(t, host.Options{}, func(p *fakePlugin) {
		in, _ := p.next()
		p.send(in.SessionID, text("1"))
		p.next()
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range c.Call(ctx, toolRequest()) {
		cancel()
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("got %v", last)
	}
}

func TestPluginThatDoesNotReadBlocksNobodyForGood(t *testing.T) {
	stop := make(chan struct{})
	c := connect(t, host.Options{}, func(*fakePlugin) { <-stop })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	for range 2 { // one is being written, one waits
		go func() { ended <- second(drain(c.Call(ctx, toolRequest()))) }()
	}
	cancel()
	for range 2 {
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	close(stop)
}

func TestTimeLimits(t *testing.T) {
	t.Run("a call without an end is given up after 600 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, host.Options{}, func(p *fakePlugin) {
				p.next()
				for range 70 {
					p.send("", heartbeat)
					time.Sleep(10 * time.Second) // of the bubble's time
				}
			})
			start := time.Now()
			_, err := drain(c.Call(t.Context(), toolRequest()))
			if took := time.Since(start); !errors.Is(err, host.ErrTimeout) || took != 600*time.Second {
				t.Errorf("after %v: %v", took, err)
			}
			if diff := cmp.Diff([]host.Kind{host.KindMissingEnd}, kinds(c)); diff != "" {
				t.Error(diff)
			}
		})
	})
	t.Run("a silent plugin is killed after 120 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			c := connect(t, host.Options{}, func(p *fakePlugin) {
				time.Sleep(100 * time.Second)
				p.send("", "any line counts")
				p.next()
				p.next()
			})
			_, err := drain(c.Call(t.Context(), toolRequest()))
			if took := time.Since(start); !errors.Is(err, host.ErrSilent) || took != 220*time.Second {
				t.Errorf("after %v: %v", took, err)
			}
			if err := c.Close(); !errors.Is(err, host.ErrSilent) {
				t.Errorf("Close: %v", err)
			}
		})
	})
	t.Run("a plugin that beats lives on", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, host.Options{ExecutionTimeout: time.Hour}, func(p *fakePlugin) {
				in, _ := p.next()
				for range 100 {
					time.Sleep(119 * time.Second)
					p.send("", heartbeat)
				}
				p.send(in.SessionID, endLine)
				p.next()
			})
			ctx, cancel := context.WithTimeout(t.Context(), 59*time.Minute)
			defer cancel()
			if _, err := drain(c.Call(ctx, toolRequest())); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the caller's own deadline comes first: %v", err)
			}
			if err := c.Ready(t.Context()); err != nil {
				t.Errorf("a live plugin is ready: %v", err)
			}
			select {
			case <-c.Done():
				t.Error("the plugin was killed")
			default:
			}
		})
	})
	t.Run("a plugin that goes on after Close is killed after 5 s", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c := connect(t, host.Options{}, func(p *fakePlugin) {
				for {
					if _, err := io.WriteString(p.out, heartbeat+"\n"); err != nil {
						return
					}
					time.Sleep(time.Second)
				}
			})
			start := time.Now()
			must(t, c.Close())
			if took := time.Since(start); took != 5*time.Second {
				t.Errorf("killed after %v", took)
			}
			if diff := cmp.Diff([]host.Kind{host.KindIgnoredClose}, kinds(c)); diff != "" {
				t.Error(diff)
			}
		})
	})
}

// TestHeadOfLine lets one caller read nothing. Its queue holds one message, so that the daemon's reader is stuck with
// the second, and another call waits.
func TestHeadOfLine(t *testing.T) {
	browse := host.Request{
		Caller: who(), Type: wire.TypeDatasource, Action: wire.ActionBrowseDrive,
		Fields: map[string]any{"datasource": "d", "request": map[string]any{}},
	}
	page := stream(`{"result":[]}`)
	for name, headOfLine := range map[string]bool{"an idle caller blocks the others": true, "an idle caller blocks nobody": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := connect(t, host.Options{HeadOfLine: headOfLine}, answer(page, page, page, page, endLine))
				idle, leave := context.WithCancel(t.Context())
				var callers sync.WaitGroup
				callers.Go(func() {
					for range c.Call(idle, browse) {
						<-idle.Done()
						return
					}
				})
				synctest.Wait()
				other := make(chan error, 1)
				callers.Go(func() { other <- second(drain(c.Call(t.Context(), browse))) })
				synctest.Wait()
				select {
				case err := <-other:
					if headOfLine {
						t.Errorf("the other call ended early: %v", err)
					}
					must(t, err)
					leave()
				default:
					if !headOfLine {
						t.Error("the other call waits")
					}
					leave()
					must(t, <-other)
				}
				callers.Wait()
			})
		})
	}
}

// TestCloseFreesAStuckReader closes a connection whose reader waits for a caller that reads nothing.
func TestCloseFreesAStuckReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := connect(t, host.Options{HeadOfLine: true}, answer(okLine, okLine, okLine, endLine))
		idle, leave := context.WithCancel(t.Context())
		var caller sync.WaitGroup
		caller.Go(func() {
			for range c.Call(idle, host.Request{Caller: who(), Type: wire.TypeTool, Action: wire.ActionValidateTool}) {
				<-idle.Done()
				return
			}
		})
		synctest.Wait()
		must(t, c.Close())
		if diff := cmp.Diff([]host.Kind{host.KindIgnoredClose}, kinds(c)); diff != "" {
			t.Error(diff)
		}
		leave()
		caller.Wait()
	})
}

func TestPluginThatClosesItsInputOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		_ = inR.Close()
		go func() {
			<-stop
			_ = outW.Close()
		}()
		c := host.Connect(inW, outR, host.Options{})
		_, err := drain(c.Call(t.Context(), toolRequest()))
		if !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("the call ended with %v", err)
		}
		close(stop)
		<-c.Done()
		if err := c.Close(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Close: %v", err)
		}
	})
}

func TestViolationsAreBounded(t *testing.T) {
	lines := slices.Repeat([]string{strings.Repeat("x", 5000)}, 150)
	found := 0
	c := connect(t, host.Options{OnViolation: func(*host.Violation) { found++ }}, answer(append(lines, endLine)...))
	_, err := drain(c.Call(t.Context(), toolRequest()))
	must(t, err)
	must(t, c.Close())
	kept := c.Violations()
	if len(kept) != 100 || found != 150 {
		t.Errorf("%d violations were kept and %d reported", len(kept), found)
	}
	if n := len(kept[0].Error()); n > 300 {
		t.Errorf("a violation quotes %d bytes", n)
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	c := connect(t, host.Options{Strict: true}, answer(text("a"), text("b"), endLine))
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			result, err := c.Tool(t.Context(), who(), "t", nil)
			if err != nil || result.Text != "ab" {
				t.Errorf("got %q, %v", result.Text, err)
			}
		})
	}
	callers.Wait()
	must(t, c.Close())
}
