package plugin

import (
	"context"
	"io"
	"net/http"
)

// Fetched is an open download.
type Fetched struct {
	// Body is the content as it was sent, not decompressed. Close it.
	Body io.ReadCloser
	// Size is in bytes; -1 when the server did not say.
	Size int64
	// Type is the lower-case MIME type without parameters, as the server named it; it may be empty.
	Type string
	// Name is a base name, from the Content-Disposition header or the URL.
	Name string
}

// Fetch downloads a URL that a user typed, at most limit bytes of it: a longer body is an error, not a shorter file.
// http and https only; every redirect and every address is checked. Private and loopback addresses are refused
// unless the operator lists them in DIFYPLUGIN_FETCH_ALLOW, cloud metadata services always. Dify's own addresses are
// allowed as the environment names them.
func (c *Call) Fetch(ctx context.Context, url string, limit int64) (*Fetched, error) {
	return c.fetch(ctx, url, limit)
}

// InputFile is a file that a user gave to a tool: the type of a field for a parameter of type file; []InputFile is for
// files. Nothing is downloaded before Open.
type InputFile struct {
	// Name is the base name; it may be empty.
	Name string
	// Type is the MIME type; it may be empty.
	Type string
	// Kind is image, document, audio, video or custom; it may be empty.
	Kind string
	// Size is in bytes as Dify announced it; -1 when it did not.
	Size int64

	url    string
	source *fetchSource
}

// Open downloads the file, at most limit bytes, under the rules of [Call.Fetch].
func (f InputFile) Open(ctx context.Context, limit int64) (*Fetched, error) {
	return f.open(ctx, limit)
}

// Transport returns a round tripper for a cloud's client library. It is https only and follows the operator's
// HTTP(S)_PROXY, NO_PROXY, SSL_CERT_FILE and AWS_CA_BUNDLE. Hosts for which official is true are the service's own;
// any other host was typed by a user and must have public addresses, unless DIFYPLUGIN_ENDPOINT_ALLOW lists it.
// Make one for the life of the process and share it: it keeps connections, which carry no credentials.
func Transport(official func(host string) bool) (http.RoundTripper, error) {
	return newTransport(official)
}
