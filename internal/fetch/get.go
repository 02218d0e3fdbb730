package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const (
	maxRedirects = 10
	userAgent    = "difyplugin"
)

// Get downloads a URL that a user typed, or that Dify handed out for a file.
// It follows up to 10 redirects, checks each target like the first, and never
// goes from https to http. It sends no credentials and no cookies. Limit is
// the largest permitted body in bytes, and must be positive.
//
// The caller closes the body of the response. Reading it fails with an *Error
// of Kind TooLarge when more than limit bytes arrive, of Kind Timeout when no
// byte arrives for 60 seconds, and with one that wraps io.ErrUnexpectedEOF
// when the connection ends before the announced size. Time during which the
// caller does not read does not count. ctx covers the reads as well.
//
// All errors are of type *Error.
func (c *Client) Get(ctx context.Context, rawURL string, limit int64) (*Response, error) {
	if limit <= 0 {
		return nil, &Error{Kind: Invalid, Reason: "the size limit of a download must be positive, not " + strconv.FormatInt(limit, 10)}
	}
	first, err := c.resolveURL(rawURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	stall := time.AfterFunc(stallTimeout, func() { cancel(errStalled) })
	resp, last, err := c.follow(ctx, first, stall)
	stall.Stop()
	if err == nil {
		var response *Response
		if response, err = newResponse(resp, last, limit, &watchdog{ctx, cancel, stall}); err == nil {
			return response, nil
		}
		resp.Body.Close()
	}
	cancel(nil)
	return nil, err
}

// resolveURL turns what was typed into the URL to request.
func (c *Client) resolveURL(rawURL string) (target, error) {
	absolute, err := c.Rewrite(rawURL)
	if err != nil {
		return target{}, err
	}
	return c.inspect(absolute)
}

// inspect is the part of the policy that needs no network: it accepts http and
// https URLs whose host is one of Dify's own, a permitted address, or a name.
func (c *Client) inspect(rawURL string) (target, error) {
	to, err := parseTarget(rawURL)
	if err != nil || c.origins.include(to.origin) {
		return to, err
	}
	if err := c.fetch.policy.checkHost(to.origin.host, to.origin.port); err != nil {
		refused, _ := located(err, to.URL)
		return target{}, refused
	}
	return to, nil
}

// follow requests to and the URLs that it redirects to, until one answers with
// a body. It restarts the watchdog for each of them.
func (c *Client) follow(ctx context.Context, to target, stall *time.Timer) (*http.Response, target, error) {
	for redirects := 0; ; redirects++ {
		stall.Reset(stallTimeout)
		resp, err := c.request(ctx, to)
		if err != nil {
			return nil, to, redirected(failure(ctx, to.URL, err), redirects)
		}
		if !isRedirect(resp) {
			return resp, to, nil
		}
		resp.Body.Close()
		if redirects == maxRedirects {
			return nil, to, &Error{
				Kind: Refused, URL: printable(to.URL), Host: to.origin.host,
				Reason: fmt.Sprintf("refused: more than %d redirects; use the final address of the file", maxRedirects),
			}
		}
		if to, err = c.redirect(to, resp.Header.Get("Location")); err != nil {
			return nil, to, redirected(err, redirects+1)
		}
	}
}

func (c *Client) request(ctx context.Context, to target) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return nil, &Error{Kind: Invalid, URL: printable(to.URL), Reason: "no request can be made for this URL; check how it is written"}
	}
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Accept-Encoding", "identity")
	if c.origins.include(to.origin) {
		return c.fetch.roundTrip(req)
	}
	return c.fetch.roundTripChecked(req, to.origin)
}

// redirect returns the target to which from redirects, checked as if it had
// been typed.
func (c *Client) redirect(from target, location string) (target, error) {
	next, err := from.Parse(location)
	if err != nil || checkBackslashes(location) != nil {
		return target{}, &Error{Kind: Invalid, URL: printable(from.URL), Reason: "the server redirects to something that is not a URL"}
	}
	if from.Scheme == "https" && next.Scheme == "http" {
		return target{}, &Error{
			Kind: Refused, URL: printable(next), Host: next.Hostname(),
			Reason: "refused: " + from.Host + " redirects from https to http, which anybody on the way could read and change; use the final address of the file",
		}
	}
	return c.resolveURL(next.String())
}

// isRedirect reports whether resp points elsewhere.
func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// redirected adds to err that the user did not type the URL which it names.
func redirected(err error, redirects int) error {
	failed, ok := errors.AsType[*Error](err)
	if !ok || redirects == 0 {
		return err
	}
	explained := *failed
	explained.Reason += " (the URL redirects there)"
	return &explained
}
