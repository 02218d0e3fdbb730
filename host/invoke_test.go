package host_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// callBack makes one call back into Dify for the plugin's first request, and returns the events of its answers as
// "event message data".
func callBack(t *testing.T, opts host.Options, req host.Request, kind, request string) []string {
	t.Helper()
	var answers []string
	c := connect(t, opts, func(p *fakePlugin) {
		in, _ := p.next()
		p.send(in.SessionID, `{"event":"session","session_id":"$S","data":{"type":"invoke","data":{"type":"`+kind+`","backwards_request_id":"r1","request":`+request+`}}}`)
		for {
			answer, ok := p.next()
			if !ok {
				return
			}
			if answer.Event != wire.EventReply || answer.SessionID != in.SessionID {
				t.Errorf("not an answer of the session: %+v", answer)
			}
			reply, err := wire.DecodeReply(answer.Data)
			if err != nil || reply.ID != "r1" {
				t.Errorf("reply %+v: %v", reply, err)
			}
			answers = append(answers, strings.TrimSpace(fmt.Sprint(reply.Event, " ", reply.Message, " ", string(reply.Data))))
			if reply.Event == wire.ReplyEnd {
				p.send(in.SessionID, endLine)
			}
		}
	})
	_, err := drain(c.Call(t.Context(), req))
	must(t, err)
	must(t, c.Close())
	return answers
}

func newDify(t *testing.T, opts host.DifyOptions) *host.Dify {
	t.Helper()
	d, err := host.NewDify(opts)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

func TestStorage(t *testing.T) {
	set := func(key, value string) string {
		return fmt.Sprintf(`{"opt":"set","key":%q,"value":%q}`, key, value)
	}
	use := func(opt, key string) string { return fmt.Sprintf(`{"opt":%q,"key":%q}`, opt, key) }
	failed := func(text string) []string { return []string{"error " + text + " null", "end  null"} }
	response := func(data string) []string { return []string{"response struct " + data, "end  null"} }
	tests := map[string]struct {
		before []string // requests
		last   string
		want   []string
	}{
		"a value is kept":      {[]string{set("k", "6162")}, use("get", "k"), response(`{"data":"6162"}`)},
		"a value is set":       {nil, set("k", ""), response(`{"data":"ok"}`)},
		"no value":             {nil, use("get", "k"), failed("load data failed, please check if the key is correct or you have not set it")},
		"a value is deleted":   {[]string{set("k", "61")}, use("del", "k"), response(`{"data":"ok","deleted_num":1}`)},
		"nothing to delete":    {nil, use("del", "k"), response(`{"data":"ok","deleted_num":0}`)},
		"deleted is gone":      {[]string{set("k", "61"), use("del", "k")}, use("exist", "k"), response(`{"data":false,"exist_num":0}`)},
		"a value exists":       {[]string{set("k", "61")}, use("exist", "k"), response(`{"data":true,"exist_num":1}`)},
		"a key of 256 bytes":   {nil, set(strings.Repeat("k", 256), "61"), response(`{"data":"ok"}`)},
		"a key of 257 bytes":   {nil, set(strings.Repeat("k", 257), "61"), failed("key length must be less than 256 characters")},
		"a key that climbs":    {nil, set("../k", "61"), failed("invalid key: path traversal attempt detected")},
		"a key with backslash": {nil, use("get", `a\\b`), failed("invalid key: path traversal attempt detected")},
		"a value at the quota": {nil, set("k", strings.Repeat("61", 8)), response(`{"data":"ok"}`)},
		"a value too large":    {nil, set("k", strings.Repeat("61", 9)), failed("allocated size is greater than max storage size")},
		"the sum too large":    {[]string{set("a", strings.Repeat("61", 5))}, set("b", strings.Repeat("61", 4)), failed("allocated size is greater than max storage size")},
		"a value replaced":     {[]string{set("a", strings.Repeat("61", 8))}, set("a", strings.Repeat("62", 8)), response(`{"data":"ok"}`)},
		"a value freed":        {[]string{set("a", strings.Repeat("61", 8)), use("del", "a")}, set("b", strings.Repeat("62", 8)), response(`{"data":"ok"}`)},
		"a value not hex":      {nil, set("k", "xyz"), failed("decode data failed: encoding/hex: invalid byte: U+0078 'x'")},
		"no key":               {nil, use("get", ""), failed("unmarshal backwards invoke request failed: error validating struct: opt and key are required")},
		"an unknown operation": {nil, use("list", "k"), failed("unmarshal backwards invoke request failed: error validating struct: opt must be get, set, del or exist")},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts := host.Options{Strict: true, Backend: newDify(t, host.DifyOptions{
				Permissions: host.Permissions{Storage: true, StorageSize: 8},
			})}
			for _, request := range tt.before {
				callBack(t, opts, toolRequest(), "storage", request)
			}
			if diff := cmp.Diff(tt.want, callBack(t, opts, toolRequest(), "storage", tt.last)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCallsBackThatAreRefused(t *testing.T) {
	granted := host.Permissions{Storage: true, Tool: true}
	model := host.Request{Caller: who(), Type: "model", Action: "invoke_llm"}
	tests := map[string]struct {
		permissions    host.Permissions
		request        host.Request
		kind, request2 string
		want           string
	}{
		"storage without permission": {host.Permissions{Tool: true}, toolRequest(), "storage", `{"opt":"get","key":"k"}`, "permission denied, you need to enable storage access in plugin manifest"},
		"a tool without permission":  {host.Permissions{Storage: true}, toolRequest(), "tool", `{}`, "permission denied, you need to enable tool access in plugin manifest"},
		"a model":                    {granted, toolRequest(), "llm", `{}`, "permission denied, you need to enable llm access in plugin manifest"},
		"an unknown type":            {granted, toolRequest(), "encrypt", `{}`, "unsupported invoke type: encrypt"},
		"a call of a model":          {granted, model, "storage", `{"opt":"get","key":"k"}`, "you can not invoke dify from model"},
		"a tool without a name":      {granted, toolRequest(), "tool", `{"tool_type":"builtin","provider":"p"}`, "unmarshal backwards invoke request failed: error validating struct: tool_type, provider and tool are required"},
		"a tool that is not here":    {granted, toolRequest(), "tool", `{"tool_type":"builtin","provider":"p","tool":"t"}`, "tool t of provider p is not here: this stand-in for Dify was given no tools"},
		"an upload without a folder": {granted, toolRequest(), "upload_file", `{"filename":"a","mimetype":"b"}`, "this stand-in for Dify keeps no files: it was given no folder"},
		"an upload without a type":   {granted, toolRequest(), "upload_file", `{"filename":"a","mime_type":"b"}`, "unmarshal backwards invoke request failed: error validating struct: filename and mimetype are required"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			opts := host.Options{Backend: newDify(t, host.DifyOptions{Permissions: tt.permissions})}
			got := callBack(t, opts, tt.request, tt.kind, tt.request2)
			if diff := cmp.Diff([]string{"error " + tt.want + " null", "end  null"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	t.Run("without a backend", func(t *testing.T) {
		got := callBack(t, host.Options{}, toolRequest(), "storage", `{"opt":"get","key":"k"}`)
		if len(got) != 2 || !strings.HasPrefix(got[0], "error this host answers no calls back") {
			t.Errorf("got %q", got)
		}
	})
}

func TestToolsAreCalledBack(t *testing.T) {
	var called host.ToolInvocation
	d := newDify(t, host.DifyOptions{
		Permissions: host.Permissions{Tool: true},
		Tool: func(_ context.Context, call host.ToolInvocation) iter.Seq2[host.ToolMessage, error] {
			called = call
			return func(yield func(host.ToolMessage, error) bool) {
				if yield(host.ToolMessage{Type: "text", Message: map[string]any{"text": "hi"}}, nil) {
					yield(host.ToolMessage{}, errors.New("the tool broke"))
				}
			}
		},
	})
	got := callBack(t, host.Options{Backend: d}, toolRequest(), "tool", `{"tool_type":"builtin","provider":"p","tool":"t","tool_parameters":{"q":"x"}}`)
	want := []string{`response stream {"type":"text","message":{"text":"hi"},"meta":null}`, "error the tool broke null", "end  null"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(host.ToolInvocation{ToolType: "builtin", Provider: "p", Tool: "t", Parameters: map[string]any{"q": "x"}}, called); diff != "" {
		t.Error(diff)
	}
}

// waiting is a backend whose answer takes until the session is over.
type waiting struct{ ended chan error }

func (w waiting) Invoke(ctx context.Context, _ host.Invocation) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		<-ctx.Done()
		w.ended <- ctx.Err()
		yield("too late", nil)
	}
}

func TestCallBackEndsWithItsSession(t *testing.T) {
	w := waiting{make(chan error, 1)}
	c := connect(t, host.Options{Backend: w}, func(p *fakePlugin) {
		in, _ := p.next()
		p.send(in.SessionID, `{"event":"session","session_id":"$S","data":{"type":"invoke","data":{"type":"storage","backwards_request_id":"r1","request":{}}}}`, endLine)
		if answer, ok := p.next(); ok {
			t.Errorf("an answer after the session's end: %s", answer.Data)
		}
	})
	_, err := drain(c.Call(t.Context(), toolRequest()))
	must(t, err)
	if err := <-w.ended; err == nil {
		t.Error("the context of the call back is still alive")
	}
	must(t, c.Close())
}
