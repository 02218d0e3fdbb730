package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

const (
	// backcallPath is where the daemon takes calls, below its base URL.
	backcallPath = "/backwards-invocation/transaction"
	// sessionHeader names the session on whose behalf a call is made.
	sessionHeader = "Dify-Plugin-Session-ID"
	// maxBackcall is the longest call that the daemon reads, in bytes.
	maxBackcall = 6 << 20
	// maxRefusedBody is how much is read of an answer that is not 200, in bytes.
	maxRefusedBody = 64 << 10
	// maxQuote is how much of a plain text the daemon's refusal is quoted with, in characters.
	maxQuote = 200
	// backcallConnections is how many connections to the daemon are kept for the next call.
	backcallConnections = 32
)

// daemonCalls carries calls back into Dify over HTTP, one POST each: the answer to a serverless request is no way for
// them, because the host sends nothing while it reads one.
type daemonCalls struct {
	url    string
	client *http.Client
}

func newDaemonCalls(base string, dial func(ctx context.Context, network, address string) (net.Conn, error)) *daemonCalls {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialWithin}).DialContext
	}
	pool := &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dial,
		MaxIdleConnsPerHost: backcallConnections,
		IdleConnTimeout:     time.Minute,
		TLSHandshakeTimeout: 10 * time.Second,
	}
	return &daemonCalls{
		url: strings.TrimRight(base, "/") + backcallPath,
		client: &http.Client{
			Transport: pool,
			// A call is not repeated elsewhere: it may write, and it names a session that only the daemon knows.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (d *daemonCalls) close() { d.client.CloseIdleConnections() }

// backcall implements [backcaller]. Only replies restart the limit of [InvokeTimeout]: the blank lines that the daemon
// sends every 25 s tell that the daemon lives, not that Dify works on an answer, and a call waits on every transport
// equally long.
func (d *daemonCalls) backcall(ctx context.Context, s *Session, id string, line []byte) iter.Seq2[wire.Reply, error] {
	return func(yield func(wire.Reply, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		limit := time.AfterFunc(InvokeTimeout, func() { cancel(ErrNoAnswer) })
		defer limit.Stop()
		replies, err := d.post(ctx, s, line)
		if err != nil {
			yield(wire.Reply{}, reason(ctx, err))
			return
		}
		defer replies.close()
		for {
			reply, err := replies.next(id)
			if err != nil {
				yield(wire.Reply{}, reason(ctx, err))
				return
			}
			limit.Stop() // the caller's own time does not count
			if !yield(reply, nil) || reply.Event == wire.ReplyEnd {
				return
			}
			limit.Reset(InvokeTimeout)
		}
	}
}

// reason prefers why a context ended over what the ended context broke.
func reason(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// post sends the call and returns its replies.
func (d *daemonCalls) post(ctx context.Context, s *Session, line []byte) (*daemonReplies, error) {
	if s.isEnded() {
		return nil, ErrEnded
	}
	body := bytes.TrimSuffix(line, []byte{'\n'})
	if len(body) > maxBackcall {
		return nil, &LineTooLongError{Size: len(body), Limit: maxBackcall}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("call back into Dify: %w; check DIFY_PLUGIN_DAEMON_URL", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(sessionHeader, s.id)
	resp, err := d.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("call back into Dify: %w; check that DIFY_PLUGIN_DAEMON_URL names the daemon and that it is reachable", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return refusedReplies(resp)
	}
	return &daemonReplies{lines: newLineReader(resp.Body), close: func() { _ = resp.Body.Close() }}, nil
}

// refusedReplies turns a refusal before the first reply into what a caller of any transport sees: an error that Dify
// reports, and the end.
func refusedReplies(resp *http.Response) (*daemonReplies, error) {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxRefusedBody)) // a text that broke off is quoted as far as it came
	var line bytes.Buffer
	reply, ok := bareReply(text)
	if !ok || reply.Event != wire.ReplyError || json.Compact(&line, text) != nil {
		return nil, fmt.Errorf("call back into Dify: the daemon answered %s%s; check that DIFY_PLUGIN_DAEMON_URL names a daemon that serves functions",
			resp.Status, quote(string(text)))
	}
	return &daemonReplies{lines: newLineReader(&line), close: func() {}}, nil
}

// daemonReplies are the lines of one answer. A refusal is a single bare reply, without an end.
type daemonReplies struct {
	lines  lineSource
	close  func()
	failed bool // whether an error was among them
}

// next returns the next reply to the call id. What belongs to no reply, or to another call, is passed over.
func (r *daemonReplies) next(id string) (wire.Reply, error) {
	for {
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) && r.failed {
			return wire.Reply{ID: id, Event: wire.ReplyEnd}, nil
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return wire.Reply{}, fmt.Errorf("read the answer of Dify: %w", err)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		reply, err := decodeDaemonReply(line)
		if err != nil {
			return wire.Reply{}, err
		}
		if reply.ID == "" {
			reply.ID = id
		}
		if reply.ID != id || !isReplyEvent(reply.Event) {
			continue
		}
		r.failed = r.failed || reply.Event == wire.ReplyError
		return reply, nil
	}
}

// decodeDaemonReply reads a reply in its envelope, or bare.
func decodeDaemonReply(line []byte) (wire.Reply, error) {
	if reply, ok := bareReply(line); ok {
		return reply, nil
	}
	in, err := wire.DecodeInbound(line)
	if err != nil {
		return wire.Reply{}, err
	}
	if in.Event != wire.EventReply {
		return wire.Reply{}, nil
	}
	return wire.DecodeReply(in.Data)
}

// bareReply reads a reply that came without an envelope: the daemon tells so that it does not know a session.
func bareReply(line []byte) (wire.Reply, bool) {
	var reply wire.Reply
	if err := json.Unmarshal(line, &reply); err != nil {
		return wire.Reply{}, false
	}
	return reply, isReplyEvent(reply.Event)
}

func isReplyEvent(event string) bool {
	switch event {
	case wire.ReplyResponse, wire.ReplyError, wire.ReplyEnd:
		return true
	default:
		return false
	}
}

// quote shows the start of a daemon's plain text, on one line.
func quote(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.TrimSpace(text))
	if text == "" || strings.HasPrefix(text, "<") {
		return "" // nothing, or a page
	}
	if runes := []rune(text); len(runes) > maxQuote {
		text = string(runes[:maxQuote]) + "…"
	}
	return ": " + text
}
