package aws

import (
	"context"
	"crypto/tls"
	"net/http"
	"slices"
	"sync"
)

// Fault makes matching requests fail. Requests that the cloud refuses anyway, for their signature or for lack of
// permission, are not counted and not touched.
type Fault struct {
	// Service, Operation and AccountID select requests; an empty field matches all.
	Service, Operation, AccountID string
	// Times is how many requests are affected; 0 means every one.
	Times int
	// Effects happen together.
	Effects []Effect
}

// Effect is one thing that goes wrong with an answer.
type Effect func(*plan)

// plan is all that goes wrong with one answer.
type plan struct {
	failure    func(Protocol) *Error
	holds      []<-chan struct{}
	drop       bool
	cutAt      int64 // -1: nowhere
	injections []*Injection
}

// Fail answers with an error.
func Fail(status int, code, message string) Effect {
	return func(p *plan) {
		p.failure = func(Protocol) *Error { return &Error{Status: status, Code: code, Message: message} }
	}
}

// Deny, Throttle, Expire, Break and Overload answer as the service does when a policy denies a request, when requests
// come too fast, when temporary keys have expired, when the service has an error of its own, and when it cannot cope.
func Deny() Effect { return failing(denied) }

// Throttle answers that requests come too fast.
func Throttle() Effect { return failing(throttled) }

// Expire answers that the temporary keys have expired.
func Expire() Effect { return failing(expiredToken) }

// Break answers with an internal error, status 500.
func Break() Effect { return failing(internalFailure) }

// Overload answers that the service is unavailable, status 503.
func Overload() Effect { return failing(unavailable) }

func failing(why cause) Effect {
	return func(p *plan) { p.failure = func(protocol Protocol) *Error { return refusal(protocol, why, "") } }
}

// Hold holds the whole answer back until the channel is closed. With nil it holds until the client goes away or the
// cloud closes.
func Hold(until <-chan struct{}) Effect {
	return func(p *plan) { p.holds = append(p.holds, until) }
}

// Drop performs the request and closes the connection without an answer.
func Drop() Effect { return func(p *plan) { p.drop = true } }

// Cut sends the headers and so many bytes of the body, and closes the connection. A body that is no longer than that
// arrives whole.
func Cut(after int64) Effect { return func(p *plan) { p.cutAt = after } }

// Injection is a fault that was injected.
type Injection struct {
	fault   Fault
	faults  *faults
	reached chan struct{}
	hits    int
}

// Inject makes matching requests fail from now on. Of several faults that match a request, all take effect.
func (c *Cloud) Inject(f Fault) *Injection {
	in := &Injection{fault: f, faults: &c.faults, reached: make(chan struct{})}
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.injected = append(c.faults.injected, in)
	return in
}

// Reached is closed when the fault has affected its first request: for a Hold when it begins to wait.
func (in *Injection) Reached() <-chan struct{} { return in.reached }

// Hits is the number of requests that the fault has been applied to.
func (in *Injection) Hits() int {
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	return in.hits
}

// Remove ends the fault. Requests that it already holds stay held.
func (in *Injection) Remove() {
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	in.faults.injected = slices.DeleteFunc(in.faults.injected, func(other *Injection) bool { return other == in })
}

// faults are the injected faults of a cloud.
type faults struct {
	mu       sync.Mutex
	injected []*Injection
}

// match collects what goes wrong with a request and counts it.
func (fs *faults) match(r *Request) plan {
	p := plan{cutAt: -1}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, in := range fs.injected {
		if !in.matches(r) {
			continue
		}
		in.hits++
		for _, effect := range in.fault.Effects {
			effect(&p)
		}
		p.injections = append(p.injections, in)
	}
	return p
}

func (in *Injection) matches(r *Request) bool {
	f := in.fault
	return (f.Times == 0 || in.hits < f.Times) &&
		(f.Service == "" || f.Service == r.Service) &&
		(f.Operation == "" || f.Operation == r.Operation.Name) &&
		(f.AccountID == "" || f.AccountID == r.AccountID)
}

// announce closes the channels of [Injection.Reached].
func (p *plan) announce() {
	for _, in := range p.injections {
		in.faults.mu.Lock()
		select {
		case <-in.reached:
		default:
			close(in.reached)
		}
		in.faults.mu.Unlock()
	}
	p.injections = nil
}

// answer is a response writer under a plan.
type answer struct {
	http.ResponseWriter
	closing context.Context // of the cloud
	r       *http.Request
	plan    plan
	sent    int64
	broken  bool
}

func newAnswer(closing context.Context, w http.ResponseWriter, r *http.Request) *answer {
	return &answer{ResponseWriter: w, closing: closing, r: r, plan: plan{cutAt: -1}}
}

// Unwrap lets [http.ResponseController] flush.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// apply takes the plan over and holds the answer back where it says so.
func (a *answer) apply(p plan) {
	a.plan = p
	if len(p.holds) > 0 {
		a.plan.announce()
	}
	for _, until := range p.holds {
		select {
		case <-until:
		case <-a.r.Context().Done():
			a.broken = true
		case <-a.closing.Done():
			a.broken = true
		}
	}
}

// WriteHeader implements [http.ResponseWriter].
func (a *answer) WriteHeader(status int) {
	if !a.broken && !a.plan.drop {
		a.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter]. Behind a cut it pretends.
func (a *answer) Write(p []byte) (int, error) {
	if a.broken || a.plan.drop {
		return len(p), nil
	}
	if at := a.plan.cutAt; at >= 0 && a.sent+int64(len(p)) > at {
		_, _ = a.ResponseWriter.Write(p[:at-a.sent])
		a.broken = true
		return len(p), nil
	}
	a.sent += int64(len(p))
	return a.ResponseWriter.Write(p)
}

// finish ends the answer, or the connection.
func (a *answer) finish() {
	a.plan.announce()
	if !a.broken && !a.plan.drop {
		return
	}
	control := http.NewResponseController(a.ResponseWriter)
	if !a.plan.drop {
		_ = control.Flush()
	}
	conn, _, err := control.Hijack()
	if err != nil {
		return // the client has gone, or a test looks at the answer without a connection
	}
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn() // without the goodbye of TLS, as a network that fails
	}
	_ = conn.Close()
}
