package transport_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// ask passes on what a call back yields, one line each.
func ask(ctx context.Context, _ wire.Inbound, out *transport.Session) {
	for reply, err := range out.Invoke(ctx, "storage", map[string]string{"opt": "get", "key": "k"}) {
		if err != nil {
			_ = out.Stream("failed: " + err.Error())
			continue
		}
		_ = out.Stream(fmt.Sprintf("%s %s %s", reply.Event, reply.Message, reply.Data))
	}
}

// invokeEvent is a call back as the daemon reads it.
type invokeEvent struct {
	Event     string
	SessionID string `json:"session_id"`
	Data      struct {
		Type string
		Data struct {
			Type    string
			ID      string `json:"backwards_request_id"`
			Request json.RawMessage
		}
	}
}

// startDaemon serves calls back; reply gets what it needs to write one answer.
func startDaemon(t *testing.T, reply func(call invokeEvent, w http.ResponseWriter, r *http.Request)) *httptest.Server {
	t.Helper()
	daemon := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var call invokeEvent
		body, err := io.ReadAll(r.Body)
		if err != nil || json.Unmarshal(body, &call) != nil || r.Method != http.MethodPost || r.URL.Path != "/backwards-invocation/transaction" {
			http.Error(w, "failed to parse request", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		reply(call, w, r)
	}))
	t.Cleanup(daemon.Close)
	return daemon
}

// envelope is a reply as the daemon sends it.
func envelope(session, id, event, message, data string) string {
	return fmt.Sprintf(`{"session_id":%q,"conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,`+
		`"event":"backwards_response","data":{"backwards_request_id":%q,"event":%q,"message":%q,"data":%s}}`, session, id, event, message, data)
}

func TestACallBackIsOnePostToTheDaemon(t *testing.T) {
	heads := make(chan http.Header, 1)
	calls := make(chan invokeEvent, 1)
	daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, r *http.Request) {
		heads <- r.Header
		calls <- call
		fmt.Fprintf(w, "%s\n\n", envelope("S1", call.Data.Data.ID, "end", "", "null"))
	})
	rig := startFunction(t, ask, func(s *transport.Serverless) { s.DaemonURL = daemon.URL + "/" })
	wantLines(t, rig.invoke(t, request("S1", `1`)), "S1 end")
	if got := (<-heads).Get("Dify-Plugin-Session-ID"); got != "S1" {
		t.Errorf("the call names session %q, want S1", got)
	}
	call := <-calls
	if len(call.Data.Data.ID) != 32 {
		t.Errorf("the call's id is %q, want 32 hexadecimal digits", call.Data.Data.ID)
	}
	call.Data.Data.ID = ""
	var want invokeEvent
	want.Event, want.SessionID, want.Data.Type, want.Data.Data.Type = "session", "S1", "invoke", "storage"
	want.Data.Data.Request = json.RawMessage(`{"key":"k","opt":"get"}`)
	if diff := cmp.Diff(want, call); diff != "" {
		t.Errorf("the call (-want +got):\n%s", diff)
	}
}

func TestAnswersToCallsBackOverHTTP(t *testing.T) {
	tests := []struct {
		name   string
		status int
		body   string // ID stands for the call's id
		want   []string
	}{
		{"an answer between keep-alives", 200, "\n\n" + envelope("S1", "ID", "response", "struct", `{"data":"31"}`) + "\n\n\r\n \n\n" + envelope("S1", "ID", "end", "", "null") + "\n\n", []string{
			`S1 stream "response struct {\"data\":\"31\"}"`,
		}},
		{"several answers", 200, envelope("S1", "ID", "response", "stream", `1`) + "\n\n" + envelope("S1", "ID", "response", "stream", `2`) + "\n\n" + envelope("S1", "ID", "end", "", "null"), []string{
			`S1 stream "response stream 1"`, `S1 stream "response stream 2"`,
		}},
		{"no answer", 200, envelope("S1", "ID", "end", "", "null") + "\n\n", nil},
		{"an error that Dify reports", 200, envelope("S1", "ID", "error", "permission denied", "null") + "\n\n" + envelope("S1", "ID", "end", "", "null") + "\n\n", []string{
			`S1 stream "error permission denied null"`,
		}},
		{"an error without an end", 200, envelope("S1", "ID", "error", "permission denied", "null") + "\n\n", []string{
			`S1 stream "error permission denied null"`,
		}},
		{"words after the end", 200, envelope("S1", "ID", "end", "", "null") + "\n\nnonsense", nil},
		{"answers to another call and events that nobody knows", 200, envelope("S1", "other", "response", "", "1") + "\n" + envelope("S1", "ID", "news", "", "2") + "\n" +
			request("S1", "3") + "\n" + envelope("S1", "ID", "end", "", "null") + "\n", nil},
		{"a session that the daemon does not know", 400, `{"backwards_request_id":"","event":"error","message":"failed to get session info from cache","data":{"error_type":"SessionNotFound"}}`, []string{
			`S1 stream "error failed to get session info from cache {\"error_type\":\"SessionNotFound\"}"`,
		}},
		{"the same over several lines", 400, "{\n\"event\": \"error\",\n \"message\": \"no session\"\n}\n", []string{`S1 stream "error no session "`}},
		{"a bare error in an answer", 200, `{"backwards_request_id":"","event":"error","message":"broken","data":null}`, []string{`S1 stream "error broken null"`}},
		{"a refusal in plain text", 500, "failed to\nparse request", []string{
			`S1 stream "failed: call back into Dify: the daemon answered 500 Internal Server Error: failed to parse request; check that DIFY_PLUGIN_DAEMON_URL names a daemon that serves functions"`,
		}},
		{"a long refusal", 502, strings.Repeat("é", 300), []string{
			`S1 stream "failed: call back into Dify: the daemon answered 502 Bad Gateway: ` + strings.Repeat("é", 200) + `…; check that DIFY_PLUGIN_DAEMON_URL names a daemon that serves functions"`,
		}},
		{"a page", 404, "<html>not here</html>", []string{
			`S1 stream "failed: call back into Dify: the daemon answered 404 Not Found; check that DIFY_PLUGIN_DAEMON_URL names a daemon that serves functions"`,
		}},
		{"a success that is no 200", 204, "", []string{
			`S1 stream "failed: call back into Dify: the daemon answered 204 No Content; check that DIFY_PLUGIN_DAEMON_URL names a daemon that serves functions"`,
		}},
		{"an answer that breaks off", 200, envelope("S1", "ID", "response", "struct", `1`) + "\n\n", []string{
			`S1 stream "response struct 1"`, `S1 stream "failed: read the answer of Dify: unexpected EOF"`,
		}},
		{"an answer that is no JSON", 200, "data: s3cr3t\n\n", []string{`S1 stream "failed: read the host's line: not valid JSON at byte 1"`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, strings.ReplaceAll(test.body, `"ID"`, `"`+call.Data.Data.ID+`"`))
			})
			rig := startFunction(t, ask, func(s *transport.Serverless) { s.DaemonURL = daemon.URL })
			wantLines(t, rig.invoke(t, request("S1", `1`)), append(test.want, "S1 end")...)
		})
	}
}

func TestAnswersAreYieldedAsTheyComeAlsoCompressed(t *testing.T) {
	next := make(chan struct{})
	daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("the call accepts no gzip")
		}
		w.Header().Set("Content-Encoding", "gzip")
		zip := gzip.NewWriter(w)
		for i := range 3 {
			fmt.Fprintf(zip, "%s\n\n", envelope("S1", call.Data.Data.ID, "response", "stream", fmt.Sprint(i)))
			_ = zip.Flush()
			w.(http.Flusher).Flush()
			select {
			case <-next: // the next answer is not made before this one was seen
			case <-r.Context().Done():
				return
			}
		}
		fmt.Fprintf(zip, "%s\n\n", envelope("S1", call.Data.Data.ID, "end", "", "null"))
		_ = zip.Close()
	})
	rig := startFunction(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
		for reply, err := range out.Invoke(ctx, "tool", nil) {
			_ = out.Stream(fmt.Sprint(string(reply.Data), err))
			if err != nil {
				return
			}
			next <- struct{}{}
		}
	}, func(s *transport.Serverless) { s.DaemonURL = daemon.URL })
	wantLines(t, rig.invoke(t, request("S1", `1`)),
		`S1 stream "0<nil>"`, `S1 stream "1<nil>"`, `S1 stream "2<nil>"`, "S1 end")
}

func TestACallBackIsNotSentOnByARedirect(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the call was sent on")
	}))
	defer elsewhere.Close()
	daemon := startDaemon(t, func(_ invokeEvent, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
	})
	rig := startFunction(t, ask, func(s *transport.Serverless) { s.DaemonURL = daemon.URL })
	wantLines(t, rig.invoke(t, request("S1", `1`)),
		`S1 stream "failed: call back into Dify: the daemon answered 307 Temporary Redirect; check that DIFY_PLUGIN_DAEMON_URL names a daemon that serves functions"`, "S1 end")
}

func TestADaemonThatCannotBeReachedIsNamed(t *testing.T) {
	gone := httptest.NewServer(nil)
	gone.Close()
	rig := startFunction(t, ask, func(s *transport.Serverless) { s.DaemonURL = gone.URL })
	got := rig.invoke(t, request("S1", `1`))
	if len(got) != 2 || !strings.Contains(got[0], gone.URL) || !strings.Contains(got[0], "DIFY_PLUGIN_DAEMON_URL") {
		t.Errorf("the answer is %q, want a failure that names the daemon and the setting", got)
	}
}

func TestACallBackThatTheDaemonWouldNotReadIsNotSent(t *testing.T) {
	daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, envelope("S1", call.Data.Data.ID, "end", "", "null"))
	})
	frame := len(`{"event":"session","session_id":"S1","data":{"type":"invoke","data":` +
		`{"type":"storage","backwards_request_id":"00000000000000000000000000000000","request":""}}}`)
	rig := startFunction(t, func(ctx context.Context, _ wire.Inbound, out *transport.Session) {
		for _, size := range []int{6 << 20, 6<<20 + 1} {
			failed := false
			for _, err := range out.Invoke(ctx, "storage", strings.Repeat("x", size-frame)) {
				var long *transport.LineTooLongError
				failed = errors.As(err, &long) && long.Size == 6<<20+1 && long.Limit == 6<<20
			}
			_ = out.Stream(failed)
		}
	}, func(s *transport.Serverless) { s.DaemonURL = daemon.URL })
	wantLines(t, rig.invoke(t, request("S1", `1`)), "S1 stream false", "S1 stream true", "S1 end")
}

func TestTheEndOfAContextEndsACallBack(t *testing.T) {
	aborted := make(chan struct{}, 1)
	daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, envelope("S1", call.Data.Data.ID, "response", "", "1"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		aborted <- struct{}{}
	})
	enough := errors.New("the author has had enough")
	rig := startFunction(t, func(ctx context.Context, in wire.Inbound, out *transport.Session) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		for _, err := range out.Invoke(ctx, "storage", nil) {
			if string(in.Data) == `"break"` {
				break
			}
			if err != nil {
				_ = out.Stream(err.Error())
			}
			cancel(enough)
		}
	}, func(s *transport.Serverless) { s.DaemonURL = daemon.URL })
	wantLines(t, rig.invoke(t, request("S1", `"cancel"`)), `S1 stream "the author has had enough"`, "S1 end")
	<-aborted
	wantLines(t, rig.invoke(t, request("S1", `"break"`)), "S1 end")
	<-aborted
}

func TestCallsBackLookTheSameOnEveryTransport(t *testing.T) {
	scripts := map[string][]string{
		"one answer":          {"response", "end"},
		"many answers":        {"response", "response", "response", "end"},
		"no answer":           {"end"},
		"an error":            {"error", "end"},
		"an error on the way": {"response", "error", "end"},
	}
	for name, events := range scripts {
		t.Run(name, func(t *testing.T) {
			lines := func(id string) []string {
				var all []string
				for i, event := range events {
					all = append(all, envelope("S1", id, event, "words", fmt.Sprint(i)))
				}
				return all
			}
			daemon := startDaemon(t, func(call invokeEvent, w http.ResponseWriter, _ *http.Request) {
				for _, line := range lines(call.Data.Data.ID) {
					fmt.Fprintf(w, "%s\n\n", line)
				}
			})
			function := startFunction(t, ask, func(s *transport.Serverless) { s.DaemonURL = daemon.URL })
			overHTTP := function.invoke(t, request("S1", `1`))

			var onStream []string
			synctest.Test(t, func(t *testing.T) {
				debug := startDebug(t, ask, nil)
				p := debug.admitted(t)
				p.post(t, request("S1", `1`))
				for _, line := range lines(p.call(t)) {
					p.post(t, line)
				}
				for len(onStream) == 0 || onStream[len(onStream)-1] != "S1 end" {
					onStream = append(onStream, summary(<-p.events))
				}
				_ = debug.finish()
			})
			if diff := cmp.Diff(onStream, overHTTP); diff != "" {
				t.Errorf("what the author sees (-on a stream +over HTTP):\n%s", diff)
			}
		})
	}
}
