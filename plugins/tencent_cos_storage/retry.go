package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	// maxTries is how often one request is sent before its failure is believed.
	maxTries = 4
	// firstWait and longestWait bound the waits between tries, which double and vary. A drive has its own firstWait.
	firstWait   = 300 * time.Millisecond
	longestWait = 5 * time.Second
	// longestRetryAfter is how long COS may ask to wait; a user does not wait longer.
	longestRetryAfter = 20 * time.Second
)

// retry sends a read again when it failed for a reason that passes. The library would do that too, but without
// waiting in between, and on after its caller has gone.
func retry[T any](ctx context.Context, first time.Duration, read func() (T, error)) (T, error) {
	for try := 1; ; try++ {
		result, err := read()
		if err == nil || try == maxTries || ctx.Err() != nil || !passing(err) {
			return result, err
		}
		wait, worthIt := waitAfter(first, try, err)
		if !worthIt {
			return result, err
		}
		if ctxErr := pause(ctx, wait); ctxErr != nil {
			return result, fmt.Errorf("%w, after: %w", ctxErr, err)
		}
	}
}

// pause waits, or returns why the request ended before.
func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// passing reports whether the same request may succeed in a moment.
func passing(err error) bool {
	if answer, ok := answered(err); ok {
		switch answer.Code {
		case "RequestTimeout", "UserNetworkTooSlow":
			return true
		}
		status := answer.Response.StatusCode
		return status == http.StatusTooManyRequests ||
			status >= http.StatusInternalServerError && status != http.StatusNotImplemented
	}
	var (
		noHost      *net.DNSError
		certificate *tls.CertificateVerificationError
	)
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, errTooLong), isKind(err), errors.As(err, &certificate):
		return false
	case errors.As(err, &noHost):
		return !noHost.IsNotFound
	}
	return isTransport(err)
}

// waitAfter is how long to wait after a try. It is not worth it when COS asks for more time than a user has.
func waitAfter(first time.Duration, try int, err error) (wait time.Duration, worthIt bool) {
	wait = min(first<<(try-1), longestWait)
	wait = wait/2 + rand.N(wait/2+1) // so that many who failed at once do not come back at once
	if answer, ok := answered(err); ok {
		asked := retryAfter(answer.Response.Header.Get("Retry-After"), time.Now())
		return max(wait, asked), asked <= longestRetryAfter
	}
	return wait, true
}

// retryAfter reads a number of seconds or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now))
	}
	return 0
}
