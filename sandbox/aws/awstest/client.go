// Package awstest lets the tests of the stand-ins use AWS's own SDK.
package awstest

import (
	"io"
	"net/http"
)

// Client is an HTTP client for the SDK. It hides the WriteTo of the SDK's request bodies: where the SDK has closed one
// already, that fails with io.EOF, and net/http then closes the connection in the middle of the answer.
func Client(transport http.RoundTripper) *http.Client {
	return &http.Client{Transport: plain{transport}}
}

type plain struct{ next http.RoundTripper }

// RoundTrip implements [http.RoundTripper].
func (p plain) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.Clone(r.Context())
		r.Body = struct {
			io.Reader
			io.Closer
		}{r.Body, r.Body}
	}
	return p.next.RoundTrip(r)
}
