package lambda

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/cloudplugins/difyplugin/plugin"
)

// maxAnswer bounds an answer in bytes. Lambda's own end a little above 6 MiB; an endpoint of a user's choice could send
// anything.
const maxAnswer = 8 << 20

// line is the way to Lambda for one request. It notices whether the request left this machine, which decides what an
// error may say about the function, and it ends answers that no function can have made.
type line struct {
	next lambda.HTTPClient
	// sent is true from the moment at which Lambda may have got the request.
	sent atomic.Bool
}

// Do implements [lambda.HTTPClient].
func (l *line) Do(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteHeaders: func() { l.sent.Store(true) }}
	answer, err := l.next.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, err
	}
	if answer.ContentLength > maxAnswer {
		_ = answer.Body.Close() // the answer is refused whatever happens to the connection
		return nil, errTooLong()
	}
	answer.Body = &bounded{ReadCloser: answer.Body, left: maxAnswer}
	return answer, nil
}

func errTooLong() error {
	return plugin.Errorf(plugin.Unavailable, "what answers in place of Lambda sends more than %d bytes: check aws_endpoint_url", maxAnswer)
}

// bounded is a body that fails when it is longer than it may be.
type bounded struct {
	io.ReadCloser
	left int64
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLong()
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	if b.left < 0 {
		return 0, errTooLong()
	}
	return n, err
}
