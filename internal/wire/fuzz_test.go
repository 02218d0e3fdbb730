package wire

import (
	"strings"
	"testing"
)

// FuzzDecodeInbound holds the reader of the host's lines to this: it never panics; what it accepts has a session and a
// known event; and no error quotes the line, which holds credentials. A canary stands wherever the fuzzer puts it.
func FuzzDecodeInbound(f *testing.F) {
	for _, seed := range [][2]string{
		{``, ``},
		{`{`, `}`},
		{`"`, `"`},
		{`[`, `]`},
		{`nul`, ``},
		{`-`, `1`},
		{`{"session_id":"S1","event":"request","data":{"k":"`, `"}}`},
		{`{"session_id":"S1","event":"backwards_response","data":{"backwards_request_id":"`, `"}}`},
		{`{"session_id":"`, `","event":"request","data":{}}`},
		{`{"session_id":"S1","event":"`, `"}`},
		{`{"session_id":["`, `"],"event":"request"}`},
		{`{"session_id":"S1","event":"request","data":`, `}`},
		{`{"session_id":"S1","app_id":{"`, `":1},"event":"request"}`},
		{`{"session_id":"S1","context":"`, `","event":"request"}`},
		{`{"`, `":1,"session_id":"S1","event":"request"}`},
		{`{"session_id":"S1","event":"request","data":"\u`, `"}`},
		{`{"session_id":"S1","event":"request","data":"\`, `"}`},
		{`{"session_id":"S1","event":"request","data":{"type":"tool","action":"invoke_tool","credentials":"`, `"}}`},
		{`{"session_id":"S1","event":"request","data":{"type":"tool","action":"a","request":{"max_keys":"`, `"}}}`},
		{`{"session_id":"S1","event":"request","data":{"type":5,"x":"`, `"}}`},
		{"\xff", "\xfe"},
		{"\ufeff{\"a\":\"", "\"}"},
		{`{"session_id":"S1","session_id":"`, `"}`},
		{`{"SESSION_ID":"S1","event":"request","a":`, `}`},
		{strings.Repeat("[", 200), strings.Repeat("]", 200)},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		in, err := DecodeInbound([]byte(before + canary + after))
		if err == nil {
			if in.SessionID == "" || in.Event != EventRequest && in.Event != EventReply {
				t.Fatalf("accepted session %q, event %q", in.SessionID, in.Event)
			}
			if in.Event == EventReply {
				_, err = DecodeReply(in.Data)
			} else {
				_, err = DecodeRequest(in.Data)
			}
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Fatalf("the error quotes the line: %v", err)
		}
	})
}
