package fetch

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
)

// Response is a download whose body is still to be read.
type Response struct {
	// Body must be closed; that frees the connection at any moment.
	Body io.ReadCloser
	// Size is the announced size in bytes, -1 when the server did not say.
	Size int64
	// Type is the lower-case MIME type without parameters, "" when the server
	// sent none or one that cannot be read.
	Type string
	// Encoding is the Content-Encoding, "" when there is none. The body is
	// never decoded.
	Encoding string
	// Name is the file name that the server proposes, else the last part of
	// the URL's path, else "". It has no directories and no control
	// characters, and at most 255 bytes.
	Name string
}

func newResponse(resp *http.Response, from target, limit int64, dog *watchdog) (*Response, error) {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, statusError(resp, from)
	}
	b := &body{stream: resp.Body, from: from, limit: limit, left: limit, dog: dog}
	if resp.ContentLength > limit {
		return nil, b.tooLarge(fmt.Sprintf("the file has %d bytes", resp.ContentLength))
	}
	return &Response{
		Body:     b,
		Size:     resp.ContentLength,
		Type:     mediaType(resp.Header.Get("Content-Type")),
		Encoding: strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding"))),
		Name:     fileName(resp.Header.Get("Content-Disposition"), from.Path),
	}, nil
}

func statusError(resp *http.Response, from target) *Error {
	text := strings.TrimSpace(fmt.Sprintf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode)))
	hint := "check the URL"
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		hint = "the file needs a login, or its link has expired; use a link that works without logging in"
	case code == http.StatusTooManyRequests, code >= 500:
		hint = "try again later"
	}
	return &Error{Kind: Status, URL: printable(from.URL), Status: resp.StatusCode, Reason: "the server answered " + text + "; " + hint}
}

// mediaType returns the MIME type in a Content-Type header.
func mediaType(header string) string {
	name, _, _ := strings.Cut(header, ";") // parameters are often malformed, and nobody needs them
	parsed, _, err := mime.ParseMediaType(name)
	if err != nil || !strings.Contains(parsed, "/") {
		return ""
	}
	return parsed
}

// watchdog cancels a transfer during which nothing arrives.
type watchdog struct {
	ctx    context.Context // of the transfer; its cause says why it ended
	cancel context.CancelCauseFunc
	stall  *time.Timer
}

// body reads the body of a response within its limits.
type body struct {
	stream io.ReadCloser
	from   target
	limit  int64
	left   int64 // of limit
	err    error // the error of all further reads
	dog    *watchdog
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.err != nil || len(p) == 0 {
		return 0, b.err
	}
	beyond := b.left == 0
	if beyond {
		p = make([]byte, 1) // the limit is reached: only the end may follow
	} else if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	b.dog.stall.Reset(stallTimeout)
	n, err := b.stream.Read(p)
	b.dog.stall.Stop()
	if beyond && n > 0 {
		n, err = 0, b.tooLarge("the file is larger")
	} else if err != nil && err != io.EOF {
		err = failure(b.dog.ctx, b.from.URL, err)
	}
	b.left -= int64(n)
	b.err = err
	return n, err
}

// Close implements io.Closer.
func (b *body) Close() error {
	b.dog.stall.Stop()
	b.dog.cancel(context.Canceled)
	return b.stream.Close()
}

func (b *body) tooLarge(found string) *Error {
	return &Error{
		Kind: TooLarge, URL: printable(b.from.URL),
		Reason: fmt.Sprintf("%s, more than the %d bytes that are permitted here; use a smaller file", found, b.limit),
	}
}
