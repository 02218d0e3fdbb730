package fetch

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"net/url"
)

// Kind says in one word why a transfer failed, so that callers can map it to
// an error kind of their own.
type Kind string

// The kinds of failure.
const (
	// Refused: the policy does not permit the target. Trying again is useless.
	Refused Kind = "refused"
	// Invalid: the URL cannot be used as it is written.
	Invalid Kind = "invalid"
	// TooLarge: the body is larger than the limit of the call.
	TooLarge Kind = "too large"
	// Status: the server answered, but not with success; see Error.Status.
	Status Kind = "status"
	// Unreachable: the name did not resolve, nobody answered, TLS failed, or
	// the connection broke before the body was complete.
	Unreachable Kind = "unreachable"
	// Timeout: the server, or the caller's deadline, took too long.
	Timeout Kind = "timeout"
	// Canceled: the caller gave up.
	Canceled Kind = "canceled"
)

// Error is the error of every transfer. Its text is meant for the user: it
// says what happened, to what, and what to do, and it holds no secret.
type Error struct {
	Kind Kind
	// URL is scheme, host and path of the URL concerned. Query and user
	// information are never part of it, because signatures and passwords
	// travel there. It is empty when the URL could not be read.
	URL string
	// Status is the HTTP status code for Kind Status, else 0.
	Status int
	// Host and Address are what the policy refused, for Kind Refused. Address
	// is the zero Addr when the refusal is not about an address.
	Host    string
	Address netip.Addr
	// Reason is the sentence without the URL.
	Reason string
	// Err is the cause, if there is one.
	Err error
}

// Error returns the URL and the reason.
func (e *Error) Error() string {
	if e.URL == "" {
		return e.Reason
	}
	return e.URL + ": " + e.Reason
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// errStalled is the cause with which the watchdog of a transfer cancels it.
var errStalled = errors.New("no data for " + stallTimeout.String())

// printable returns u without query, fragment and user information.
func printable(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// located returns the *Error in err, with u where it names no URL yet.
func located(err error, u *url.URL) (*Error, bool) {
	known, ok := errors.AsType[*Error](err)
	if !ok || known.URL != "" {
		return known, ok
	}
	placed := *known
	placed.URL = printable(u)
	return &placed, true
}

// failure turns an error of a running transfer into an *Error about u. ctx is
// the context of the transfer, whose cause tells a stalled server from a
// caller who gave up.
func failure(ctx context.Context, u *url.URL, err error) *Error {
	if known, ok := located(err, u); ok {
		return known
	}
	failed := &Error{URL: printable(u), Err: err}
	switch {
	case errors.Is(context.Cause(ctx), errStalled):
		failed.Kind, failed.Err = Timeout, errStalled
		failed.Reason = "the server sent nothing for " + stallTimeout.String() + "; try again later"
	case errors.Is(ctx.Err(), context.Canceled):
		failed.Kind, failed.Err = Canceled, context.Cause(ctx)
		failed.Reason = "the transfer was canceled"
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		failed.Kind, failed.Err = Timeout, context.Cause(ctx)
		failed.Reason = "the time allowed for this call ran out; allow more time or use a smaller file"
	case isTimeout(err):
		failed.Kind = Timeout
		failed.Reason = "the server did not answer in time (" + err.Error() + "); check that it is up, then try again"
	case errors.Is(err, io.ErrUnexpectedEOF):
		failed.Kind = Unreachable
		failed.Reason = "the connection ended before the whole body had arrived; try again"
	default:
		failed.Kind = Unreachable
		failed.Reason = "the transfer failed: " + err.Error() + advice(err)
	}
	return failed
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[net.Error](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && timeout.Timeout()
}

// advice says what to do about a network error.
func advice(err error) string {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "; if the server's certificate comes from a private authority, the operator names its file in SSL_CERT_FILE"
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return "; check the host name"
	}
	return "; check the host and the port, then try again"
}
