package aws

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxRecordedBody is how much of a body is kept in bytes, maxCalls how many calls.
const (
	maxRecordedBody = 64 << 10
	maxCalls        = 4096
)

// Call is what the cloud remembers of a request that was let in.
type Call struct {
	// At is when it came, by the clock of the cloud.
	At time.Time
	// Service, Region, Operation and the keys' owner are those of [Request].
	Service, Region, Operation   string
	AccountID, ARN, AccessKeyID  string
	Host, Method, Path, RawQuery string
	Presigned                    bool
	// Header is without Authorization and tokens; SignedHeaders are the names that the signature covers, in lower case.
	Header        http.Header
	SignedHeaders []string
	// Body is what was read of it, decoded, up to 64 KiB.
	Body []byte
}

// Name is service and operation, as in dynamodb.PutItem.
func (c Call) Name() string { return c.Service + "." + c.Operation }

// JSON is the body, or nil where it is no JSON object.
func (c Call) JSON() map[string]any {
	var object map[string]any
	if json.Unmarshal(c.Body, &object) != nil {
		return nil
	}
	return object
}

// Calls returns the latest requests that were let in, oldest first.
func (c *Cloud) Calls() []Call { return c.calls.all() }

// Operations returns the names of all calls, as in dynamodb.PutItem, oldest first.
func (c *Cloud) Operations() []string {
	var names []string
	for _, call := range c.Calls() {
		names = append(names, call.Name())
	}
	return names
}

// Forget empties the list of calls.
func (c *Cloud) Forget() {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	c.calls.list = nil
}

// record remembers calls.
type record struct {
	mu   sync.Mutex
	list []*Call
}

func (rec *record) all() []Call {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	calls := make([]Call, len(rec.list))
	for i, call := range rec.list {
		calls[i] = *call
		calls[i].Body = slices.Clone(call.Body)
	}
	return calls
}

// add remembers a request, and from now on what is read of its body.
func (rec *record) add(r *Request, sig signature) {
	header := r.Header.Clone()
	for _, secret := range []string{"Authorization", "X-Amz-Security-Token"} {
		header.Del(secret)
	}
	call := &Call{
		At:      r.cloud.now(),
		Service: r.Service, Region: r.Region, Operation: r.Operation.Name,
		AccountID: r.AccountID, ARN: r.ARN, AccessKeyID: r.AccessKeyID,
		Host: strings.ToLower(r.Host), Method: r.Method, Path: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery,
		Presigned: r.Presigned, Header: header, SignedHeaders: sig.headers,
	}
	rec.mu.Lock()
	rec.list = append(rec.list, call)
	if extra := len(rec.list) - maxCalls; extra > 0 {
		rec.list = slices.Delete(rec.list, 0, extra)
	}
	rec.mu.Unlock()
	if r.read {
		rec.note(call, r.body)
		return
	}
	r.Body = &notedBody{ReadCloser: r.Body, record: rec, call: call}
}

func (rec *record) note(call *Call, data []byte) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	call.Body = append(call.Body, data[:min(len(data), maxRecordedBody-len(call.Body))]...)
}

// notedBody remembers what is read.
type notedBody struct {
	io.ReadCloser
	record *record
	call   *Call
}

// Read implements [io.Reader].
func (b *notedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.record.note(b.call, p[:n])
	return n, err
}
