package toolstest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// StartInBubble is Start for a test in a bubble of [testing/synctest], where hours of waiting pass in no time. There is
// no sandbox and no network, in which a bubble's clock would stand still: requests are handed to the cloud directly.
// Calls have the usual 585 seconds. [AWS.Run] takes some of the folder's tools here, where all are needed elsewhere,
// and the tools find no Dify to call back.
func StartInBubble(t testing.TB) *AWS {
	t.Helper()
	cloud := newAWS(t, nil)
	t.Cleanup(cloud.Close)
	return cloud
}

// Pauses are the times that passed between the calls of an operation, such as DescribeExecution.
func (a *AWS) Pauses(operation string) []time.Duration {
	var pauses []time.Duration
	var last time.Time
	for _, call := range a.Calls() {
		if call.Operation != operation {
			continue
		}
		if !last.IsZero() {
			pauses = append(pauses, call.At.Sub(last))
		}
		last = call.At
	}
	return pauses
}

// direct is a transport without a network.
type direct struct{ cloud *aws.Cloud }

// RoundTrip implements [http.RoundTripper].
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if trace := httptrace.ContextClientTrace(r.Context()); trace != nil && trace.WroteHeaders != nil {
		trace.WroteHeaders()
	}
	received := r.Clone(r.Context())
	received.Host, received.RequestURI = r.URL.Host, r.URL.RequestURI()
	if received.Body == nil {
		received.Body = http.NoBody // as servers have it
	}
	recorder := httptest.NewRecorder()
	d.cloud.ServeHTTP(recorder, received)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	answer := recorder.Result()
	answer.Request = r
	return answer, nil
}
