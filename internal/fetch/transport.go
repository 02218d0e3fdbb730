package fetch

import "net/http"

// cloudTransport is the http.RoundTripper of a cloud SDK.
type cloudTransport struct {
	pool     *pool
	official func(host string) bool
}

// Transport returns the connections for a cloud SDK. It speaks https only:
// a plain http request fails before anything is sent. Hosts for which official
// holds are connected to as they are, because inside a cloud they often
// resolve to private addresses; official gets a host in lower case without
// port, and nil means that no host is official. Every other host was typed by
// a user: all addresses that it resolves to must be public, or permitted by
// DIFYPLUGIN_ENDPOINT_ALLOW.
//
// It follows no redirects, decodes no bodies, and honours proxies and
// certificate files. How long an answer may take differs from service to
// service: the context of the request bounds it, nothing else does. All
// transports of a client share one set of connections, which carry no
// credentials; http.Client.CloseIdleConnections closes the idle ones.
//
// Refusals are of type *Error; network errors are passed on as they are, so
// that the SDK can decide about retries.
func (c *Client) Transport(official func(host string) bool) http.RoundTripper {
	if official == nil {
		official = func(string) bool { return false }
	}
	return &cloudTransport{pool: c.endpoint, official: official}
}

// RoundTrip implements http.RoundTripper.
func (t *cloudTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme != "https" {
		closeBody(req)
		return nil, &Error{
			Kind: Refused, URL: printable(req.URL), Host: req.URL.Hostname(),
			Reason: "refused: nothing is sent to a cloud over plain http; use an https endpoint",
		}
	}
	to, err := canonicalTarget(req.URL)
	if err != nil {
		closeBody(req)
		return nil, err
	}
	if t.official(to.origin.host) {
		return t.pool.roundTrip(req)
	}
	resp, err := t.pool.roundTripChecked(req, to.origin)
	if refused, ok := located(err, to.URL); ok {
		return nil, refused
	}
	return resp, err
}

// CloseIdleConnections closes the connections that no request is using.
func (t *cloudTransport) CloseIdleConnections() { t.pool.closeIdle() }
