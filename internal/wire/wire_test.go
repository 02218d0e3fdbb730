package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const canary = "c4nary-7f3a9b"

func TestDecodeInboundReadsWhatTheHostSends(t *testing.T) {
	in, err := DecodeInbound([]byte(`{"session_id":"S1","conversation_id":"C","message_id":null,"app_id":null,"endpoint_id":null,` +
		`"context":{"a":1},"event":"request","data":{"type":"tool"},"tenant_id":"unknown keys are ignored"}` + "\r"))
	if err != nil {
		t.Fatal(err)
	}
	conversation := "C"
	want := Inbound{
		SessionID: "S1", ConversationID: &conversation, Context: json.RawMessage(`{"a":1}`),
		Event: EventRequest, Data: json.RawMessage(`{"type":"tool"}`),
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeInboundRefusesWhatItCannotServe(t *testing.T) {
	for name, c := range map[string]struct{ line, session, want string }{
		"no JSON":                       {canary, "", "not valid JSON at byte"},
		"half a line":                   {`{"session_id":"S1","data":{"key":"` + canary, "", "not valid JSON at byte"},
		"an array":                      {`["` + canary + `"]`, "", `holds the wrong type of value: array`},
		"a number as event":             {`{"session_id":"S1","event":12345678901,"data":"` + canary + `"}`, "S1", `field "event" holds the wrong type of value: number`},
		"a number as session":           {`{"session_id":98765432101,"event":"request"}`, "", `field "session_id" holds the wrong type of value: number`},
		"an unknown event":              {`{"session_id":"S1","event":"` + canary + `"}`, "S1", "its event is neither request nor backwards_response"},
		"no event":                      {`{"session_id":"S1"}`, "S1", "its event is neither request nor backwards_response"},
		"no session":                    {`{"event":"request","data":"` + canary + `"}`, "", "it has no session_id"},
		"null":                          {`null`, "", "its event is neither"},
		"a wrong type beside a session": {`{"app_id":{"` + canary + `":1},"session_id":"S1","event":"request"}`, "S1", `field "app_id" holds the wrong type of value: object`},
	} {
		t.Run(name, func(t *testing.T) {
			in, err := DecodeInbound([]byte(c.line))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want one with %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "1234567") || strings.Contains(err.Error(), "9876543")) {
				t.Errorf("the error quotes the line: %v", err)
			}
			if in.SessionID != c.session {
				t.Errorf("session = %q, want %q", in.SessionID, c.session)
			}
		})
	}
}

func TestDecodeRequestKeepsEveryDigit(t *testing.T) {
	req, err := DecodeRequest(json.RawMessage(`{"type":"tool","action":"invoke_tool","tool":"t","tool_parameters":{"n":9007199254740993,"deep":[{"n":1e2}]},` +
		`"credentials":null,"request":{"bucket":null,"max_keys":20,"next_page_parameters":{"m":9007199254740995}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Request{
		Type: TypeTool, Action: ActionInvokeTool, Tool: "t",
		ToolParameters: map[string]any{"n": json.Number("9007199254740993"), "deep": []any{map[string]any{"n": json.Number("1e2")}}},
		Drive:          &DriveRequest{MaxKeys: "20", NextParameters: map[string]any{"m": json.Number("9007199254740995")}},
	}
	if diff := cmp.Diff(want, req); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDecodeRequestNeverQuotesTheRequest(t *testing.T) {
	for name, c := range map[string]struct{ data, want string }{
		"nothing":            {``, "not a complete JSON object"},
		"half":               {`{"credentials":{"k":"` + canary, "not"},
		"a wrong type":       {`{"credentials":"` + canary + `"}`, `field "credentials" holds the wrong type of value: string`},
		"a wrong number":     {`{"request":{"max_keys":"` + canary + `"}}`, "not a complete JSON object"},
		"no action":          {`{"type":"` + canary + `"}`, "type or action is missing"},
		"a number as a type": {`{"type":31415926535}`, `field "type" holds the wrong type of value: number`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DecodeRequest(json.RawMessage(c.data))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error = %v, want one with %q", err, c.want)
			}
			if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "314159") {
				t.Errorf("the error quotes the request: %v", err)
			}
		})
	}
}

func TestDecodeReply(t *testing.T) {
	got, err := DecodeReply(json.RawMessage(`{"backwards_request_id":"c1","event":"response","message":"struct","data":{"n":1}}`))
	want := Reply{ID: "c1", Event: ReplyResponse, Message: "struct", Data: json.RawMessage(`{"n":1}`)}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, (-want +got):\n%s", err, diff)
	}
	for name, data := range map[string]string{
		"nothing":      ``,
		"no id":        `{"event":"response","data":"` + canary + `"}`,
		"a wrong type": `{"backwards_request_id":"c1","event":{"` + canary + `":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := DecodeReply(json.RawMessage(data)); err == nil || strings.Contains(err.Error(), canary) {
				t.Errorf("error = %v, want one without %s", err, canary)
			}
		})
	}
}

func TestLines(t *testing.T) {
	stream, err := StreamLine("S1", Message{Type: MessageText, Message: json.RawMessage(`{"text":"<a> & b"}`)})
	if err != nil {
		t.Fatal(err)
	}
	invoke, err := InvokeLine("S1", Invoke{Type: "storage", ID: "c1", Request: map[string]string{"opt": "get"}})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		got  []byte
		want string
	}{
		"a heartbeat": {HeartbeatLine(), `{"event":"heartbeat","session_id":null,"data":{}}`},
		"a log line": {
			LogLine("INFO", "a < b", time.UnixMilli(1732230000123)),
			`{"event":"log","session_id":null,"data":{"level":"INFO","message":"a < b","timestamp":1732230000.123}}`,
		},
		"a fault":  {FaultLine("what"), `{"event":"error","session_id":null,"data":{"error":"what"}}`},
		"a result": {stream, `{"event":"session","session_id":"S1","data":{"type":"stream","data":{"type":"text","message":{"text":"<a> & b"},"meta":null}}}`},
		"a call":   {invoke, `{"event":"session","session_id":"S1","data":{"type":"invoke","data":{"type":"storage","backwards_request_id":"c1","request":{"opt":"get"}}}}`},
		"an end":   {EndLine("S1"), `{"event":"session","session_id":"S1","data":{"type":"end","data":{}}}`},
		"an error without args": {
			ErrorLine("S1", Error{Type: "T", Message: "m"}),
			`{"event":"session","session_id":"S1","data":{"type":"error","data":{"error_type":"T","message":"m","args":{}}}}`,
		},
		"an error whose args have no JSON form": {
			ErrorLine("S1", Error{Type: "T", Message: "m", Args: map[string]any{"x": math.NaN()}}),
			`{"event":"session","session_id":"S1","data":{"type":"error","data":{"error_type":"T","message":"m","args":{}}}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want+"\n", string(c.got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestErrorLineKeepsTheDescriptionAmongTooManyArgs(t *testing.T) {
	args := map[string]any{"description": "what the user reads"}
	for i := range 20 {
		args[fmt.Sprintf("a%02d", i)] = i
	}
	var event struct {
		Data struct{ Data Error }
	}
	if err := json.Unmarshal(ErrorLine("S1", Error{Type: "T", Args: args}), &event); err != nil {
		t.Fatal(err)
	}
	got := event.Data.Data.Args
	if len(got) != MaxErrorArgs || got["description"] != "what the user reads" {
		t.Errorf("args = %v, want %d of them with the description", got, MaxErrorArgs)
	}
}

func TestAResultWithoutJSONFormIsAnError(t *testing.T) {
	if line, err := StreamLine("S1", math.Inf(1)); err == nil {
		t.Errorf("got %s", line)
	}
	if before, _, err := BlobFrame("S1", map[string]any{"x": math.NaN()}); err == nil {
		t.Errorf("got %s", before)
	}
}

func TestRawJSONThatIsNotUTF8IsMadeSo(t *testing.T) {
	line, err := StreamLine("S1", json.RawMessage("{\"a\":\"b\xffc\"}"))
	want := `{"event":"session","session_id":"S1","data":{"type":"stream","data":{"a":"b` + "\uFFFD" + `c"}}}` + "\n"
	if err != nil || string(line) != want {
		t.Errorf("got %q, %v", line, err)
	}
}

// A blob written into its frame is the line that encoding/json would have made, whatever the names hold.
func TestABlobFrameIsTheLineAroundTheBlob(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		session := rapid.OneOf(rapid.String(), rapid.Just(`"message":{"blob":"`)).Draw(t, "session")
		name := rapid.OneOf(rapid.String(), rapid.Just(`x","message":{"blob":"`)).Draw(t, "name")
		blob := rapid.SliceOf(rapid.Byte()).Draw(t, "blob")
		meta := map[string]any{"file_name": name}
		before, after, err := BlobFrame(session, meta)
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(blob)
		if err != nil {
			t.Fatal(err)
		}
		if blob == nil {
			body = []byte(`""`)
		}
		message, err := json.Marshal(Blob{Blob: append([]byte{}, blob...)})
		if err != nil {
			t.Fatal(err)
		}
		want, err := StreamLine(session, Message{Type: MessageBlob, Message: message, Meta: meta})
		if err != nil {
			t.Fatal(err)
		}
		got := bytes.Join([][]byte{before, bytes.Trim(body, `"`), after}, nil)
		if !bytes.Equal(want, got) {
			t.Errorf("want %s got %s", want, got)
		}
	})
}
