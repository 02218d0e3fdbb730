package account

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/cloudplugins/difyplugin/plugin"
)

// Process is what all calls of a process share: connections, which carry no keys, and for a few minutes the temporary
// keys of assumed roles. A program needs none of its own; see [Process.Context] for tests.
type Process struct {
	transport http.RoundTripper
	sessions  *sessions
	backoff   retry.BackoffDelayer // nil for the SDK's own
}

// ProcessOption changes what [NewProcess] makes.
type ProcessOption func(*Process)

// Backoff sets how long a client waits before it sends a request again. The attempt counts from 1.
func Backoff(wait func(attempt int, err error) (time.Duration, error)) ProcessOption {
	return func(p *Process) { p.backoff = retry.BackoffDelayerFunc(wait) }
}

// NewProcess makes a process that sends its requests through a transport.
func NewProcess(transport http.RoundTripper, opts ...ProcessOption) *Process {
	p := &Process{transport: transport, sessions: newSessions()}
	for _, opt := range opts {
		opt(p)
	}
	return p
}

// Context makes accounts that are opened under it use this process. Accounts that are opened under no such context use
// one process that is made when the first of them is opened, with a transport as [plugin.Transport] makes it from the
// environment.
func (p *Process) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, processKey{}, p)
}

type processKey struct{}

// theProcess is made once and never changed. It stands in a variable because it is what its name says, one for the
// whole process: with a second one, connections would not be shared.
var theProcess = sync.OnceValues(func() (*Process, error) {
	transport, err := plugin.Transport(Official)
	if err != nil {
		return nil, plugin.Errorf(plugin.Unavailable, "the connections to AWS cannot be set up as the environment of the plugin asks for it: %w", err)
	}
	return NewProcess(transport), nil
})

func processOf(ctx context.Context) (*Process, error) {
	if p, ok := ctx.Value(processKey{}).(*Process); ok {
		return p, nil
	}
	return theProcess()
}

// open checks everything before anybody is asked.
func (p *Process) open(given entry, saved plugin.Credentials) (*Account, error) {
	stored, storedErr := readEntry(saved)
	who, whoErr := choose(given, stored)
	region, regionErr := chooseRegion(given.region, stored.region, stored.endpoint.set())
	if err := joinSentences(plugin.Authorization, storedErr, whoErr, regionErr); err != nil {
		return nil, err
	}
	a := &Account{process: p, region: region, endpoint: stored.endpoint}
	a.identity = identity{account: a, keys: who.keys, role: who.role}
	if err := a.checkAmbient(); err != nil {
		return nil, err
	}
	return a, nil
}

// client follows no redirects: to follow one would send a signed request to wherever the answer says.
func (p *Process) client() *http.Client {
	return &http.Client{
		Transport:     plainBodies{p.transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// plainBodies lets request bodies be read and nothing else. The SDK closes a body as soon as an answer begins, and the
// WriteTo of its bodies then fails with io.EOF, for which net/http closes the connection in the middle of the answer.
type plainBodies struct{ http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (p plainBodies) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // the caller's request stays as it is
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return p.RoundTripper.RoundTrip(r)
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] looks for.
func (p plainBodies) CloseIdleConnections() {
	if c, ok := p.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (p *Process) retryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = Attempts
		if p.backoff != nil {
			o.Backoff = p.backoff
		}
	})
}

// Close closes the idle connections and forgets all temporary keys.
func (p *Process) Close() {
	p.sessions.clear()
	p.client().CloseIdleConnections()
}

// joinSentences makes one error of several, so that a user corrects a form once. It keeps the kind of the first that
// has one.
func joinSentences(kind plugin.Kind, faults ...error) error {
	err := errors.Join(faults...)
	if err == nil {
		return nil
	}
	return plugin.Errorf(kind, "%s", sentences(faults))
}
