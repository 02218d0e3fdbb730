package cos

import (
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault makes matching requests fail. Requests that the store refuses anyway,
// for their signature or for lack of permission, are not counted and not
// touched.
type Fault struct {
	// Action, Bucket and Key select requests; an empty field matches all.
	// Bucket is a full name. Key never matches a request for a bucket.
	Action Action
	Bucket string
	Key    string
	// Times is how many requests are affected; 0 means every one.
	Times int
	// Effects happen together, for example Delay and Cut.
	Effects []Effect
}

// Effect is one thing that goes wrong with an answer.
type Effect func(*plan)

// plan is all that goes wrong with one answer.
type plan struct {
	failure           *failure
	waits             []wait
	drop              bool
	stall             *stall
	cutAt             int64 // -1: nowhere
	lengthDelta       int64
	flips             []int64
	withoutHeaders    []string
	withoutNextMarker bool
	injections        []*Injection
}

// wait holds the first byte of an answer back.
type wait struct {
	until <-chan struct{}
	delay time.Duration
}

// stall holds the rest of a body back.
type stall struct {
	after int64
	until <-chan struct{}
}

// Fail answers with an error document. The codes of the service are listed at
// https://cloud.tencent.com/document/product/436/7730; a client is slowed down
// with 503 SlowDown.
func Fail(status int, code, message string) Effect {
	return func(p *plan) { p.failure = &failure{status: status, code: code, message: message} }
}

// Redirect answers with 302 and a location, which may be any URL.
func Redirect(location string) Effect {
	return func(p *plan) {
		p.failure = &failure{
			status: http.StatusFound, code: "TemporaryRedirect",
			message: "The resource is temporarily elsewhere. Please use the location given.",
			header:  map[string]string{"Location": location},
		}
	}
}

// Delay holds the whole answer back for some time; none if d is not positive.
func Delay(d time.Duration) Effect {
	return func(p *plan) {
		if d > 0 {
			p.waits = append(p.waits, wait{delay: d})
		}
	}
}

// Hold holds the whole answer back until the channel is closed. With nil it
// holds until the client goes away or the store closes.
func Hold(until <-chan struct{}) Effect {
	return func(p *plan) { p.waits = append(p.waits, wait{until: until}) }
}

// Drop closes the connection without an answer.
func Drop() Effect { return func(p *plan) { p.drop = true } }

// Stall sends the headers and so many bytes of the body, and the rest once the
// channel is closed. With nil it stalls until the client goes away or the store
// closes.
func Stall(after int64, until <-chan struct{}) Effect {
	return func(p *plan) { p.stall = &stall{after: after, until: until} }
}

// Cut sends the headers and so many bytes of the body, and closes the
// connection. A body that is no longer than that arrives whole.
func Cut(after int64) Effect { return func(p *plan) { p.cutAt = after } }

// WrongLength adds delta to the Content-Length. A body that turns out shorter
// than announced ends with the connection; one that turns out longer is cropped.
func WrongLength(delta int64) Effect { return func(p *plan) { p.lengthDelta = delta } }

// FlipBit inverts one bit of the body's byte at an offset. Headers, the checksum
// among them, stay right.
func FlipBit(offset int64) Effect { return func(p *plan) { p.flips = append(p.flips, offset) } }

// WithoutHeader omits a header from the answer, such as x-cos-hash-crc64ecma.
func WithoutHeader(name string) Effect {
	return func(p *plan) { p.withoutHeaders = append(p.withoutHeaders, name) }
}

// WithoutNextMarker omits NextMarker from truncated lists.
func WithoutNextMarker() Effect { return func(p *plan) { p.withoutNextMarker = true } }

// Injection is a fault that was injected.
type Injection struct {
	fault   Fault
	faults  *faults
	reached chan struct{}
	hits    int
}

// Inject makes matching requests fail from now on. Of several faults that match
// a request, all take effect.
func (s *Store) Inject(f Fault) *Injection {
	in := &Injection{fault: f, faults: &s.faults, reached: make(chan struct{})}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.injected = append(s.faults.injected, in)
	return in
}

// Reached is closed when the fault has affected its first request: when a Hold
// or a Delay begins to wait, when a Stall has sent its bytes, else when the
// answer is complete.
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

// faults are the injected faults of a store.
type faults struct {
	mu       sync.Mutex
	injected []*Injection
}

// match collects what goes wrong with a request and counts it.
func (fs *faults) match(action Action, bucket, key string) plan {
	p := plan{cutAt: -1}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for _, in := range fs.injected {
		if !in.matches(action, bucket, key) {
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

func (in *Injection) matches(action Action, bucket, key string) bool {
	f := in.fault
	return (f.Times == 0 || in.hits < f.Times) &&
		(f.Action == "" || f.Action == action) &&
		(f.Bucket == "" || f.Bucket == bucket) &&
		(f.Key == "" || f.Key == key)
}

// announce closes the channels of [Injection.Reached].
func (p *plan) announce() {
	for _, in := range p.injections {
		in.announce()
	}
	p.injections = nil
}

func (in *Injection) announce() {
	in.faults.mu.Lock()
	defer in.faults.mu.Unlock()
	select {
	case <-in.reached:
	default:
		close(in.reached)
	}
}
