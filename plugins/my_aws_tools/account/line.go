package account

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/cloudplugins/difyplugin/plugin"
)

// Line is the way to a service for the requests of one call of a tool: the HTTPClient of a client made for it. It notices
// whether a request left this machine, which decides what an error may say about what was done, and it ends answers
// that are longer than any of the service's: an endpoint of a user's choice could send anything.
type Line struct {
	next    aws.HTTPClient
	service string
	limit   int64
	sent    atomic.Bool
}

// NewLine makes a line to a service, which errors call by its name. An answer has at most limit bytes; 0 is for answers
// that are read piece by piece, and have no limit here.
func NewLine(next aws.HTTPClient, service string, limit int64) *Line {
	return &Line{next: next, service: service, limit: limit}
}

// Sent reports whether the service may have got the latest request, or a part of it.
func (l *Line) Sent() bool { return l.sent.Load() }

// Do implements [aws.HTTPClient].
func (l *Line) Do(r *http.Request) (*http.Response, error) {
	l.sent.Store(false)
	trace := &httptrace.ClientTrace{WroteHeaders: func() { l.sent.Store(true) }}
	answer, err := l.next.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil || l.limit == 0 {
		return answer, err
	}
	if answer.ContentLength > l.limit {
		_ = answer.Body.Close() // the answer is refused whatever happens to the connection
		return nil, l.tooLong()
	}
	answer.Body = &bounded{ReadCloser: answer.Body, left: l.limit, tooLong: l.tooLong}
	return answer, nil
}

func (l *Line) tooLong() error {
	return plugin.Errorf(plugin.Unavailable, "what answers in place of %s sends more than %d bytes, which is more than any answer of %[1]s has: check aws_endpoint_url", l.service, l.limit)
}

// bounded is a body that fails when it is longer than it may be.
type bounded struct {
	io.ReadCloser
	left    int64 // below zero once it was too long
	tooLong func() error
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left >= 0 {
		n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
		if b.left -= int64(n); b.left >= 0 {
			return n, err
		}
	}
	return 0, b.tooLong()
}
