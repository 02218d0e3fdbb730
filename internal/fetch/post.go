package fetch

import (
	"context"
	"io"
	"net/http"
)

// Post sends size bytes of body to a URL that Dify itself handed out, such as
// a signed upload URL; never pass a URL that a user typed, because the address
// is not checked. The URL is rewritten as by Rewrite. Redirects are not
// followed: the answer of the server is returned whatever its status, and the
// caller closes its body.
//
// A size of -1 sends the body in chunks. A body that is shorter or longer than
// size is an error, and so is one whose Read fails; the server then sees a
// broken request. Post closes body if it is an io.Closer, and does so early
// when ctx ends, to free a Read that blocks; the Read of any other body must end
// with ctx by itself. The wait for an answer ends 5 minutes after the last byte
// is sent; ctx bounds the whole, the body of the answer included.
//
// All errors are of type *Error; they wrap the error of body.
func (c *Client) Post(ctx context.Context, rawURL, contentType string, size int64, body io.Reader) (*http.Response, error) {
	req, to, err := c.postRequest(ctx, rawURL, body)
	if err != nil {
		if closer, ok := body.(io.Closer); ok {
			closer.Close()
		}
		return nil, err
	}
	req.ContentLength = size
	if size == 0 {
		closeBody(req)
		req.Body = http.NoBody
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set("User-Agent", userAgent)
	// RoundTrip does not return while a Read of the body is blocked.
	stop := context.AfterFunc(ctx, func() { closeBody(req) })
	defer stop()
	resp, err := c.fetch.roundTrip(req)
	if err != nil {
		return nil, failure(ctx, to.URL, err)
	}
	return resp, nil
}

func (c *Client) postRequest(ctx context.Context, rawURL string, body io.Reader) (*http.Request, target, error) {
	absolute, err := c.Rewrite(rawURL)
	if err != nil {
		return nil, target{}, err
	}
	to, err := parseTarget(absolute)
	if err != nil {
		return nil, target{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), body)
	if err != nil {
		return nil, target{}, &Error{Kind: Invalid, URL: printable(to.URL), Reason: "no request can be made for this URL"}
	}
	return req, to, nil
}
