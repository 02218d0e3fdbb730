package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func get(ctx context.Context, t *testing.T, g guard) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://b-1.cos.ap-tokyo.myqcloud.com/", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return g.RoundTrip(req)
}

// slowBody sends one byte after each pause, until its request ends.
type slowBody struct {
	ctx    context.Context
	pauses []time.Duration
}

func (b *slowBody) Read(p []byte) (int, error) {
	if len(b.pauses) == 0 {
		return 0, io.EOF
	}
	if err := pause(b.ctx, b.pauses[0]); err != nil {
		return 0, context.Canceled // as net/http words it
	}
	b.pauses = b.pauses[1:]
	p[0] = 'x'
	return 1, nil
}

func (b *slowBody) Close() error { return nil }

func TestGuardGivesUpOnASilentServer(t *testing.T) {
	tests := []struct {
		name   string
		header time.Duration
		pauses []time.Duration
		read   int
		silent bool
	}{
		{"slow but steady", 50 * time.Second, []time.Duration{50 * time.Second, 50 * time.Second, 50 * time.Second}, 3, false},
		{"no headers", 61 * time.Second, nil, 0, true},
		{"a body that stalls", time.Second, []time.Duration{time.Second, 61 * time.Second}, 1, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := guard{patience: time.Minute, next: roundTrip(func(req *http.Request) (*http.Response, error) {
					if pause(req.Context(), tt.header) != nil {
						return nil, context.Canceled
					}
					return &http.Response{StatusCode: 200, Body: &slowBody{req.Context(), tt.pauses}}, nil
				})}
				resp, err := get(t.Context(), t, g)
				n := 0
				if err == nil {
					var data []byte
					data, err = io.ReadAll(resp.Body)
					n = len(data)
					_ = resp.Body.Close()
				}
				if n != tt.read || errors.Is(err, errSilent) != tt.silent || !tt.silent && err != nil {
					t.Errorf("read %d bytes, error %v", n, err)
				}
			})
		})
	}
}

func TestGuardDoesNotCountTimeThatTheReaderSpendsElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := guard{patience: time.Minute, next: roundTrip(func(req *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: &slowBody{req.Context(), []time.Duration{time.Second, time.Second}}}, nil
		})}
		resp, err := get(t.Context(), t, g)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for range 2 {
			<-time.After(time.Hour)
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestGuardKeepsTheCauseOfACancelledRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		g := guard{patience: time.Minute, next: roundTrip(func(req *http.Request) (*http.Response, error) {
			cancel()
			<-req.Context().Done()
			return nil, req.Context().Err()
		})}
		if _, err := get(ctx, t, g); !errors.Is(err, context.Canceled) || errors.Is(err, errSilent) {
			t.Errorf("error = %v", err)
		}
	})
}

// endless never stops sending.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
func (endless) Close() error               { return nil }

func TestGuardBoundsWhatIsReadOfAList(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int
		bodies bodyLimit
		want   int64
	}{
		{"a list", 200, limitedBodies, int64(limitedBodies)},
		{"an error", 500, endlessBodies, maxErrorBody},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := guard{patience: time.Minute, bodies: tt.bodies, next: roundTrip(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: tt.status, Header: http.Header{}, Body: endless{}}, nil
			})}
			resp, err := get(t.Context(), t, g)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			n, err := io.Copy(io.Discard, resp.Body)
			if n != tt.want || tt.status == 200 && !errors.Is(err, errTooLong) {
				t.Errorf("read %d bytes, error %v", n, err)
			}
		})
	}
}

func TestGuardAsksForBytesAsTheyAreStored(t *testing.T) {
	g := guard{patience: time.Minute, next: roundTrip(func(req *http.Request) (*http.Response, error) {
		if got := req.Header.Get("Accept-Encoding"); got != "identity" {
			t.Errorf("Accept-Encoding = %q", got)
		}
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})}
	resp, err := get(t.Context(), t, g)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
}

func TestGuardFindsTheRegionWhereTheServiceNamesIt(t *testing.T) {
	tests := []struct{ name, header, location, body, want string }{
		{"in the header", "ap-seoul", "", "", "ap-seoul"},
		{"in the location", "", "https://b-1.cos.ap-seoul.myqcloud.com/?prefix=", "", "ap-seoul"},
		{"in the document", "", "", "<Error><Code>PermanentRedirect</Code><Endpoint>b-1.cos.ap-seoul.myqcloud.com</Endpoint></Error>", "ap-seoul"},
		{"inside the provider's network", "", "", "<Error><Endpoint>cos-internal.ap-seoul.tencentcos.cn</Endpoint></Error>", "ap-seoul"},
		{"nowhere", "", "", "<Error><Code>NoSuchBucket</Code></Error>", ""},
		{"on a host that is not COS's", "", "https://b-1.cos.ap-seoul.myqcloud.com.evil.example/", "", ""},
		{"on the host of the acceleration", "", "https://b-1.cos.accelerate.myqcloud.com/", "", ""},
		{"in something that is no document", "", "", "<html>", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := guard{patience: time.Minute, next: roundTrip(func(*http.Request) (*http.Response, error) {
				resp := &http.Response{StatusCode: 301, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(tt.body))}
				for name, value := range map[string]string{regionHeader: tt.header, "Location": tt.location} {
					if value != "" {
						resp.Header.Set(name, value)
					}
				}
				return resp, nil
			})}
			resp, err := get(t.Context(), t, g)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(resp.Body)
			if got := resp.Header.Get(regionHeader); got != tt.want || err != nil || string(body) != tt.body {
				t.Errorf("region %q, want %q; body %q, %v", got, tt.want, body, err)
			}
		})
	}
}
