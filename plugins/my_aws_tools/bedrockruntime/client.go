package bedrockruntime

import (
	"bytes"
	"cmp"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// The longest answers in bytes: five images of Nova Canvas in base64, and everything else.
const (
	maxImageAnswer = 128 << 20
	maxAnswer      = 16 << 20
)

// client is Bedrock's runtime in one region, for one call of a tool.
type client struct {
	region string
	// runtime repeats what failed, as the SDK does; paying does so only for what AWS has not performed.
	runtime, paying *bedrockruntime.Client
	line            *line
}

// newClient makes a client for a region, that of the account where it is "", and for answers of at most limit bytes.
func newClient(acct *account.Account, region string, limit int64) client {
	cfg := acct.Config(account.BedrockRuntime)
	cfg.Region = cmp.Or(region, cfg.Region)
	c := client{region: cfg.Region, line: &line{next: cfg.HTTPClient, limit: limit}}
	cfg.HTTPClient = c.line
	c.runtime = bedrockruntime.NewFromConfig(cfg)
	retryer := cfg.Retryer
	cfg.Retryer = func() aws.Retryer { return unperformedOnly{retryer()} }
	c.paying = bedrockruntime.NewFromConfig(cfg)
	return c
}

// unperformedOnly repeats a request only where AWS has answered that it did not perform it.
type unperformedOnly struct{ aws.Retryer }

// IsErrorRetryable implements [aws.Retryer].
func (r unperformedOnly) IsErrorRetryable(err error) bool {
	code := account.Code(err)
	return strings.Contains(code, "Throttl") || slices.Contains([]string{"TooManyRequestsException", "ModelNotReadyException"}, code)
}

// line is the way to AWS. It notices whether a request left this machine, which decides what an error may say, and ends
// answers that are longer than any of AWS's.
type line struct {
	next  bedrockruntime.HTTPClient
	limit int64 // of an answer, in bytes
	// sent is true from the moment at which AWS may have got a request.
	sent atomic.Bool
	// keep makes the line keep the body of the latest answer, which it reads whole.
	keep bool
	body []byte
}

// Do implements [bedrockruntime.HTTPClient].
func (l *line) Do(r *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{WroteHeaders: func() { l.sent.Store(true) }}
	answer, err := l.next.Do(r.WithContext(httptrace.WithClientTrace(r.Context(), trace)))
	if err != nil {
		return nil, err
	}
	answer.Body = &bounded{ReadCloser: answer.Body, left: l.limit}
	if !l.keep {
		return answer, nil
	}
	defer answer.Body.Close()
	if l.body, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(l.body))
	return answer, nil
}

// bounded is a body that fails when it is longer than it may be.
type bounded struct {
	io.ReadCloser
	left int64 // below zero once it was too long
}

// Read implements [io.Reader].
func (b *bounded) Read(p []byte) (int, error) {
	var n int
	var err error
	if b.left >= 0 {
		n, err = b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
		b.left -= int64(n)
	}
	if b.left < 0 {
		return 0, plugin.Errorf(plugin.Unavailable, "what answers in place of Bedrock sends more than any answer of Bedrock has: check aws_endpoint_url")
	}
	return n, err
}
