package aws

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Cloud is a stand-in for AWS. It is an [http.Handler], and its methods may be called from any goroutine.
type Cloud struct {
	now func() time.Time

	context context.Context
	stop    context.CancelFunc
	faults  faults
	calls   record

	mu       sync.Mutex
	services map[string]Service
	bound    map[string]string
	accounts map[string]Account
	keys     map[string]holder
}

// Option changes how [New] makes a cloud.
type Option func(*Cloud)

// Clock sets the time by which signatures and keys are valid; the default is [time.Now].
func Clock(now func() time.Time) Option { return func(c *Cloud) { c.now = now } }

// New makes a cloud without accounts that offers STS.
func New(opts ...Option) *Cloud {
	c := &Cloud{
		now: time.Now, services: map[string]Service{}, bound: map[string]string{},
		accounts: map[string]Account{}, keys: map[string]holder{},
	}
	c.context, c.stop = context.WithCancel(context.Background())
	for _, opt := range opts {
		opt(c)
	}
	c.Register("sts", &tokenService{cloud: c})
	return c
}

// Close ends answers that are held back.
func (c *Cloud) Close() { c.stop() }

// Now is the time of the cloud.
func (c *Cloud) Now() time.Time { return c.now() }

// Register offers a service under the name that it has in host names, such as dynamodb, states or bedrock-runtime. A
// later registration replaces an earlier one.
func (c *Cloud) Register(service string, s Service) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.services[service] = s
}

// AddAccount adds an account, or replaces the one with its ID together with all its keys, sessions included.
func (c *Cloud) AddAccount(a Account) error {
	if err := a.validate(); err != nil {
		return fmt.Errorf("sandbox/aws: account %s: %w", a.ID, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, h := range c.keys {
		if h.account.ID == a.ID {
			delete(c.keys, id)
		}
	}
	c.accounts[a.ID] = a
	for _, key := range a.Keys {
		c.keys[key.AccessKeyID] = holderOf(a, key)
	}
	return nil
}

// exchange is one request on its way through the cloud.
type exchange struct {
	cloud    *Cloud
	target   target
	service  Service
	protocol Protocol
	w        *answer
	r        *Request
}

// ServeHTTP implements [http.Handler].
func (c *Cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("Date", c.now().UTC().Format(http.TimeFormat))
	w.Header().Set("X-Amzn-Requestid", id)
	w.Header().Set("X-Amz-Request-Id", id)
	x := &exchange{cloud: c, w: newAnswer(c.context, w, r), r: &Request{Request: r, ID: id, cloud: c}}
	if failed := x.perform(); failed != nil {
		failed.write(x.w, r, x.protocol, id)
	}
	x.w.finish()
}

// perform decides whether the request may be performed at all: where it goes, who asks, what for, whether that is
// allowed. Then it is performed, unless a fault was injected.
func (x *exchange) perform() *Error {
	query, ok := readPairs(x.r.URL.RawQuery)
	if !ok {
		return &Error{Status: http.StatusBadRequest, Code: "InvalidURI", Message: "Couldn't parse the specified URI."}
	}
	sig, rest, why, signed := readSignature(x.r.Request, query)
	if failed := x.route(sig); failed != nil {
		return failed
	}
	if !signed {
		return refusal(x.protocol, why, "")
	}
	if failed := x.authenticate(sig, query); failed != nil {
		return failed
	}
	if sig.presigned {
		x.r.Presigned = true
		x.r.URL.RawQuery = canonicalQuery(rest)
	}
	if failed := x.identify(); failed != nil {
		return failed
	}
	x.cloud.calls.add(x.r, sig)
	x.w.apply(x.cloud.faults.match(x.r))
	if planned := x.w.plan.failure; planned != nil {
		_, _ = x.r.Bytes() // a server that answers before it has read breaks the connection
		return planned(x.protocol)
	}
	return x.service.Serve(x.w, x.r)
}

// route finds the service.
func (x *exchange) route(sig signature) *Error {
	var known bool
	if x.target, known = x.cloud.target(x.r.Host); !known {
		return refusal(Query, unknownService, "")
	}
	if x.target.service == "" {
		x.target.service = sig.scope.service
	}
	x.cloud.mu.Lock()
	x.service = x.cloud.services[x.target.service]
	x.cloud.mu.Unlock()
	if x.service == nil {
		return &Error{Status: http.StatusNotFound, Code: "UnknownEndpoint", Message: "No service is registered in the sandbox as " + x.target.service + "."}
	}
	x.protocol = x.service.Protocol()
	x.r.Service, x.r.Bucket = x.target.service, x.target.bucket
	return nil
}

// authenticate checks the signature in the order in which AWS's own errors suggest.
func (x *exchange) authenticate(sig signature, query []pair) *Error {
	if failed := x.checkScope(sig); failed != nil {
		return failed
	}
	h, why, ok := x.cloud.holder(sig, x.target.china, x.target.bound)
	if !ok {
		return refusal(x.protocol, why, "")
	}
	if why, said, ok := sig.checkTime(x.cloud.now(), sig.scope.service); !ok {
		return refusal(x.protocol, why, said)
	}
	if !sig.covers(x.r.Request) {
		return refusal(x.protocol, denied, "There were headers present in the request which were not signed")
	}
	sent := x.r.Clone(x.r.Context()) // with the headers that decoding the body changes
	hash, failed := payloadHash(x.r.Request, sig)
	if failed != nil {
		return failed
	}
	if !sig.verify(sent, query, hash, h.SecretAccessKey) {
		return refusal(x.protocol, badSignature, "")
	}
	x.r.holder = h
	x.r.AccountID, x.r.ARN, x.r.UserID, x.r.AccessKeyID = h.account.ID, h.arn, h.userID, h.AccessKeyID
	return nil
}

// checkScope demands that the signature is for the service and the region that the request went to.
func (x *exchange) checkScope(sig signature) *Error {
	x.r.Region = cmp.Or(x.target.region, sig.scope.region)
	if x.target.bound {
		if sig.scope.service != signingName(x.target.service) {
			return refusal(x.protocol, wrongScope, "")
		}
		return nil
	}
	if sig.scope.service == signingName(x.target.service) && sig.scope.region == x.target.region {
		return nil
	}
	failed := refusal(x.protocol, wrongScope, "")
	if x.protocol == RestXML {
		failed.Message = fmt.Sprintf("The authorization header is malformed; the region '%s' is wrong; expecting '%s'", sig.scope.region, x.target.region)
		failed.Details = [][2]string{{"Region", x.target.region}}
	}
	return failed
}

// holder finds the key of a signature. Keys of another partition do not exist.
func (c *Cloud) holder(sig signature, china, anyPartition bool) (holder, cause, bool) {
	c.mu.Lock()
	h, ok := c.keys[sig.accessKeyID]
	c.mu.Unlock()
	switch {
	case !ok || h.account.China != china && !anyPartition:
		return holder{}, unknownKey, false
	case !hmac.Equal([]byte(sig.token), []byte(h.SessionToken)):
		if sig.token == "" || h.SessionToken == "" {
			return holder{}, unknownKey, false
		}
		return holder{}, badToken, false
	case !h.Expires.IsZero() && !c.now().Before(h.Expires):
		return holder{}, expiredToken, false
	}
	return h, 0, true
}

// identify asks the service what is wanted and checks the permission.
func (x *exchange) identify() *Error {
	op, failed := x.service.Identify(x.r)
	if failed != nil {
		return failed
	}
	if op.Action == "" {
		op.Action = signingName(x.r.Service) + ":" + op.Name
	}
	x.r.Operation = op
	// Anybody may ask who they are.
	if op.Action == "sts:GetCallerIdentity" || x.r.holder.allows(op) {
		return nil
	}
	return x.r.Denied()
}

// Denied is the error of a request that a policy does not allow, in the words of the service.
func (r *Request) Denied() *Error {
	r.cloud.mu.Lock()
	protocol := r.cloud.services[r.Service].Protocol()
	r.cloud.mu.Unlock()
	on := ""
	if r.Operation.Resource != "" {
		on = " on resource: " + r.Operation.Resource
	}
	return refusal(protocol, denied, fmt.Sprintf("User: %s is not authorized to perform: %s%s because no identity-based policy allows the %s action",
		r.ARN, r.Operation.Action, on, r.Operation.Action))
}

func requestID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	text := hex.EncodeToString(id)
	return strings.Join([]string{text[:8], text[8:12], text[12:16], text[16:20], text[20:]}, "-")
}
