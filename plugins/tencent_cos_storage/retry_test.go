package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/tencentyun/cos-go-sdk-v5"
)

func answer(status int, code string, header ...string) *cos.ErrorResponse {
	resp := &http.Response{
		StatusCode: status, Header: http.Header{},
		Request: &http.Request{Method: http.MethodGet, URL: https("b-1.cos.ap-tokyo.myqcloud.com")},
	}
	for i := 0; i < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return &cos.ErrorResponse{Response: resp, Code: code}
}

func sent(err error) error { return &url.Error{Op: "Get", URL: "https://x/?secret", Err: err} }

func TestRetryOnlyWhatPasses(t *testing.T) {
	tests := []struct {
		name  string
		err   error
		tries int
	}{
		{"InternalError", answer(500, "InternalError"), maxTries},
		{"ServiceUnavailable", answer(503, "ServiceUnavailable"), maxTries},
		{"a gateway without a document", answer(502, ""), maxTries},
		{"too many requests", answer(429, "TooManyRequests"), maxTries},
		{"a network that COS found too slow", answer(400, "UserNetworkTooSlow"), maxTries},
		{"a connection that broke", sent(io.ErrUnexpectedEOF), maxTries},
		{"a silent server", sent(errSilent), maxTries},
		{"a name server that is out of order", sent(&net.DNSError{IsTemporary: true}), maxTries},
		{"access denied", answer(403, "AccessDenied"), 1},
		{"no such bucket", answer(404, "NoSuchBucket"), 1},
		{"a redirect", answer(301, "PermanentRedirect"), 1},
		{"not implemented", answer(501, "NotImplemented"), 1},
		{"a host that does not exist", sent(&net.DNSError{IsNotFound: true}), 1},
		{"an endpoint that is not allowed", sent(plugin.Errorf(plugin.BadRequest, "refused")), 1},
		{"an answer without an end", errTooLong, 1},
		{"a request that was cancelled", sent(context.Canceled), 1},
		{"Retry-After beyond patience", answer(503, "SlowDown", "Retry-After", "3600"), 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				_, err := retry(t.Context(), firstWait, func() (int, error) { tries++; return 0, tt.err })
				if tries != tt.tries || !errors.Is(err, tt.err) {
					t.Errorf("%d tries, want %d; error %v", tries, tt.tries, err)
				}
			})
		})
	}
}

func TestRetryReturnsTheFirstSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		got, err := retry(t.Context(), firstWait, func() (int, error) {
			if tries++; tries < 3 {
				return 0, answer(503, "SlowDown")
			}
			return 42, nil
		})
		if got != 42 || err != nil || tries != 3 {
			t.Errorf("got %d, %v after %d tries", got, err, tries)
		}
	})
}

func TestRetryWaitsLongerEachTimeAndAsLongAsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waits []time.Duration
		last := time.Now()
		_, _ = retry(t.Context(), firstWait, func() (int, error) {
			waits = append(waits, time.Since(last))
			last = time.Now()
			return 0, answer(500, "InternalError")
		})
		for i, wait := range waits[1:] {
			if want := firstWait << i; wait < want/2 || wait > want {
				t.Errorf("wait %d is %v, want %v to %v", i+1, wait, want/2, want)
			}
		}
		waits = nil
		_, _ = retry(t.Context(), firstWait, func() (int, error) {
			waits = append(waits, time.Since(last))
			last = time.Now()
			return 0, answer(503, "SlowDown", "Retry-After", "7")
		})
		for _, wait := range waits[1:] {
			if wait < 7*time.Second {
				t.Errorf("waited %v though COS asked for 7 s", wait)
			}
		}
	})
}

func TestRetryEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		tries := 0
		_, err := retry(ctx, firstWait, func() (int, error) { tries++; return 0, answer(503, "SlowDown", "Retry-After", "15") })
		if !errors.Is(err, context.Canceled) || time.Since(start) != time.Second || tries != 1 {
			t.Errorf("error %v after %v and %d tries", err, time.Since(start), tries)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"3":                             3 * time.Second,
		"-3":                            0,
		"soon":                          0,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second,
		"Fri, 02 Jan 2026 03:04:00 GMT": 0,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
		}
	}
}
