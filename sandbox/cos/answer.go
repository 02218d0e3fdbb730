package cos

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// answer is a response writer that lets a plan go wrong.
type answer struct {
	w       http.ResponseWriter
	r       *http.Request
	closing context.Context // ends when the store closes
	plan    plan
	begun   bool  // WriteHeader was called
	sent    bool  // and the headers were passed on
	length  int64 // the Content-Length announced, -1 for none
	written int64 // bytes of the body
	broken  bool  // nothing can be sent any more
}

var errConnectionCut = errors.New("the connection was cut on purpose")

func newAnswer(closing context.Context, w http.ResponseWriter, r *http.Request) *answer {
	return &answer{w: w, r: r, closing: closing, plan: plan{cutAt: -1}, length: -1}
}

func (a *answer) apply(p plan) { a.plan = p }

// Header implements [http.ResponseWriter].
func (a *answer) Header() http.Header { return a.w.Header() }

// Unwrap lets [http.ResponseController] reach the connection.
func (a *answer) Unwrap() http.ResponseWriter { return a.w }

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if a.begun {
		return
	}
	a.begun = true
	for _, w := range a.plan.waits {
		a.plan.announce()
		if !a.pause(w.until, w.delay) {
			a.cut()
			return
		}
	}
	if a.plan.drop {
		a.cut()
		return
	}
	for _, name := range a.plan.withoutHeaders {
		a.w.Header().Del(name)
	}
	a.announceLength()
	a.sent = true
	a.w.WriteHeader(status)
}

// announceLength misstates the Content-Length, if that is planned.
func (a *answer) announceLength() {
	length, err := strconv.ParseInt(a.w.Header().Get("Content-Length"), 10, 64)
	if err != nil {
		return
	}
	a.length = max(0, length+a.plan.lengthDelta)
	a.w.Header().Set("Content-Length", strconv.FormatInt(a.length, 10))
}

// Write implements [http.ResponseWriter]. It sends the body up to the next
// place where something goes wrong, and so on.
func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	done := 0
	for {
		if err := a.stop(); err != nil {
			return done, err
		}
		if done == len(p) {
			return done, nil
		}
		if a.length >= 0 && a.written >= a.length {
			return len(p), nil // beyond what was announced: cropped
		}
		n, err := a.w.Write(a.corrupt(p[done : done+a.room(len(p)-done)]))
		done += n
		a.written += int64(n)
		if err != nil {
			return done, err
		}
	}
}

// room is how many of n bytes can be sent before the next stop.
func (a *answer) room(n int) int {
	room := int64(n)
	if a.length >= 0 {
		room = min(room, a.length-a.written)
	}
	if a.plan.stall != nil {
		room = min(room, a.plan.stall.after-a.written)
	}
	if a.plan.cutAt >= 0 {
		room = min(room, a.plan.cutAt-a.written)
	}
	return int(room)
}

// stop stalls or cuts the answer where it has come to, if the plan says so.
func (a *answer) stop() error {
	if a.broken {
		return errConnectionCut
	}
	if s := a.plan.stall; s != nil && a.written >= s.after {
		a.plan.stall = nil
		_ = http.NewResponseController(a.w).Flush()
		a.plan.announce()
		if !a.pause(s.until, 0) {
			a.cut()
		}
	}
	if a.plan.cutAt >= 0 && a.written >= a.plan.cutAt {
		a.cut()
	}
	if a.broken {
		return errConnectionCut
	}
	return nil
}

// corrupt returns the next bytes with the planned bits flipped.
func (a *answer) corrupt(p []byte) []byte {
	copied := false
	for _, offset := range a.plan.flips {
		at := offset - a.written
		if at < 0 || at >= int64(len(p)) {
			continue
		}
		if !copied {
			p, copied = append([]byte(nil), p...), true
		}
		p[at] ^= 1
	}
	return p
}

// pause waits for a channel or, without one, for a time; without either for
// ever. It reports false when the client went away or the store closed first.
func (a *answer) pause(until <-chan struct{}, delay time.Duration) bool {
	var timer <-chan time.Time
	if until == nil && delay > 0 {
		t := time.NewTimer(delay)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-until:
		return true
	case <-timer:
		return true
	case <-a.r.Context().Done():
		return false
	case <-a.closing.Done():
		return false
	}
}

// cut sends what is buffered and closes the connection without the farewell of
// TLS, as a broken network would.
func (a *answer) cut() {
	if a.broken {
		return
	}
	a.broken = true
	control := http.NewResponseController(a.w)
	if a.sent {
		_ = control.Flush()
	}
	conn, _, err := control.Hijack()
	if err != nil {
		return
	}
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	_ = conn.Close()
}

// finish ends an answer that had no body to go wrong in.
func (a *answer) finish() {
	_ = a.stop()
	a.plan.announce()
}

// endWith makes reads and writes of the request's connection fail once the
// store closes, so that a client that neither reads nor writes holds nobody up.
// The function it returns ends that.
func (a *answer) endWith(closing context.Context) (release func()) {
	control := http.NewResponseController(a.w)
	failed := make(chan struct{})
	stop := context.AfterFunc(closing, func() {
		defer close(failed)
		_ = control.SetWriteDeadline(time.Unix(1, 0))
		_ = control.SetReadDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-failed
		}
	}
}
