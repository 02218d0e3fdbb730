package fetch

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestADownloadBringsTheBytesAndWhatTheyAre(t *testing.T) {
	type seen struct{ Method, Query, Authorization, Cookie, Encoding string }
	var got seen
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = seen{r.Method, r.URL.RawQuery, r.Header.Get("Authorization"), r.Header.Get("Cookie"), r.Header.Get("Accept-Encoding")}
		w.Header().Set("Content-Type", "Application/PDF; charset=binary")
		w.Header().Set("Content-Disposition", `attachment; filename="../x"; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf`)
		w.Header().Set("Content-Encoding", "gzip")
		io.WriteString(w, "as stored")
	})
	resp, content, err := getAll(t, realClient(t, Config{FetchAllow: "127.0.0.1"}), srv.URL+"/p?sign=a%2Fb+c", 100)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(seen{Method: "GET", Query: "sign=a%2Fb+c", Encoding: "identity"}, got); diff != "" {
		t.Errorf("request: %s", diff)
	}
	want := &Response{Size: 9, Type: "application/pdf", Encoding: "gzip", Name: "résumé.pdf"}
	if diff := cmp.Diff(want, resp, cmpopts.IgnoreFields(Response{}, "Body")); diff != "" || content != "as stored" {
		t.Errorf("content %q, response: %s", content, diff)
	}
}

func TestTheLimitHoldsWhetherOrNotTheSizeIsAnnounced(t *testing.T) {
	const limit = 1000
	for _, announced := range []bool{true, false} {
		for _, size := range []int{0, 1, limit - 1, limit, limit + 1, 3 * limit} {
			t.Run(fmt.Sprintf("%d bytes, announced %t", size, announced), func(t *testing.T) {
				srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
					if announced {
						w.Header().Set("Content-Length", strconv.Itoa(size))
					} else {
						w.(http.Flusher).Flush()
					}
					io.WriteString(w, strings.Repeat("x", size))
				})
				resp, content, err := getAll(t, realClient(t, Config{FetchAllow: "127.0.0.1"}), srv.URL, limit)
				if size > limit {
					wantKind(t, err, TooLarge)
					if (resp == nil) != announced || len(content) > limit {
						t.Errorf("response %v and %d bytes of content", resp, len(content))
					}
					return
				}
				if err != nil || len(content) != size {
					t.Fatalf("%d bytes, %v", len(content), err)
				}
				if want := map[bool]int64{true: int64(size), false: -1}[announced]; resp.Size != want {
					t.Errorf("Size = %d, want %d", resp.Size, want)
				}
			})
		}
	}
}

func TestALimitMustBePositive(t *testing.T) {
	for _, limit := range []int64{0, -1} {
		_, err := (&network{}).client(t, Config{}).Get(t.Context(), "http://a.test/", limit)
		wantKind(t, err, Invalid)
	}
}

func TestAnErrorOfTheBodyStays(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.(http.Flusher).Flush()
		io.WriteString(w, "123") // after the byte too many comes the end, which is no success
	})
	resp, err := realClient(t, Config{FetchAllow: "127.0.0.1"}).Get(t.Context(), srv.URL, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	n, err := resp.Body.Read(make([]byte, 10))
	if wantKind(t, err, TooLarge); n != 0 {
		t.Errorf("%d more bytes", n)
	}
}

func TestACutBodyIsAnError(t *testing.T) {
	for name, head := range map[string]string{
		"shorter than announced": "Content-Length: 10\r\n\r\nabc",
		"a cut chunk":            "Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
		"a missing last chunk":   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			srv := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				defer conn.Close()
				io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+head)
			})
			_, content, err := getAll(t, realClient(t, Config{FetchAllow: "127.0.0.1"}), srv.URL, 100)
			if content != "abc" || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("content %q, error %v, want abc and io.ErrUnexpectedEOF", content, err)
			}
			wantKind(t, err, Unreachable)
		})
	}
}

func TestAnAnswerWithoutSuccessIsAStatusError(t *testing.T) {
	for code, hint := range map[int]string{304: "304", 400: "check the URL", 403: "expired", 404: "404 Not Found", 429: "try again", 503: "try again", 302: "302"} {
		srv := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
		_, err := realClient(t, Config{FetchAllow: "127.0.0.1"}).Get(t.Context(), srv.URL+"/p?sign=canary", 100)
		failed := wantKind(t, err, Status)
		if failed.Status != code || !strings.Contains(failed.Error(), hint) || failed.URL != srv.URL+"/p" {
			t.Errorf("status %d: %+v", code, failed)
		}
	}
}

func TestRedirectsAreFollowedAndChecked(t *testing.T) {
	hops := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			left, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/hop/"))
			switch {
			case err != nil:
				io.WriteString(w, "arrived")
			case left > 0:
				w.Header().Set("Location", fmt.Sprintf("/hop/%d", left-1))
				w.WriteHeader([]int{301, 302, 303, 307, 308}[left%5])
			default:
				w.Header().Set("Location", to)
				w.WriteHeader(302)
			}
		}
	}
	tests := []struct {
		name, to string
		hops     int
		kind     Kind // "" when the download succeeds
	}{
		{"one redirect to a path", "/end?sign=canary", 1, ""},
		{"ten redirects", "/end", 10, ""},
		{"eleven redirects", "/end", 11, Refused},
		{"to another public host", "http://other.test/end", 1, ""},
		{"to a private host", "http://db.test/end", 1, Refused},
		{"to a private host after several hops", "http://db.test/end", 5, Refused},
		{"to a private address", "http://10.0.0.1/end?sign=canary", 1, Refused},
		{"to loopback in an odd spelling", "http://2130706433/", 1, Invalid},
		{"to metadata", "//169.254.169.254/latest", 1, Refused},
		{"to metadata by name", "http://metadata.google.internal/", 1, Refused},
		{"to a file", "file:///etc/passwd", 1, Invalid},
		{"to a URL with a password", "http://user:canary@other.test/", 1, Refused},
		{"through backslashes", `\\10.0.0.1\x`, 1, Invalid},
		{"to something unreadable", "http://%zz/canary", 1, Invalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := serve(t, hops(tt.to))
			n := &network{
				names:   map[string][][]string{"a.test": {{"93.184.216.34"}}, "other.test": {{"93.184.216.35"}}, "db.test": {{"10.0.0.5"}}},
				backend: srv.Listener.Addr().String(),
			}
			_, content, err := getAll(t, n.client(t, Config{}), "http://a.test/hop/"+strconv.Itoa(tt.hops-1), 100)
			for _, dialled := range n.dials() {
				if !strings.HasPrefix(dialled.String(), "93.184.216.") {
					t.Errorf("dialled %s", dialled)
				}
			}
			if tt.kind == "" {
				if err != nil || content != "arrived" {
					t.Errorf("content %q, error %v", content, err)
				}
				return
			}
			if failed := wantKind(t, err, tt.kind); strings.Contains(failed.Error(), "canary") {
				t.Errorf("the error holds a secret: %v", failed)
			}
		})
	}
}

func TestARedirectFromHTTPSToHTTPIsRefused(t *testing.T) {
	srv, certFile := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://a.test/plain", http.StatusFound)
	}, "a.test")
	n := &network{names: map[string][][]string{"a.test": {{"93.184.216.34"}}}, backend: srv.Listener.Addr().String()}
	_, err := n.client(t, Config{CertFiles: []string{certFile}}).Get(t.Context(), "https://a.test/", 100)
	if failed := wantKind(t, err, Refused); !strings.Contains(failed.Reason, "from https to http") {
		t.Errorf("refused for another reason: %v", failed)
	}
}

func TestDifysOwnOriginsAreExemptAndNothingElseIs(t *testing.T) {
	var location string
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/redirect" {
			w.Header().Set("Location", location)
			w.WriteHeader(302)
			return
		}
		io.WriteString(w, r.URL.RequestURI())
	})
	other := serve(t, reply("secret"))
	for setting, cfg := range map[string]Config{
		"FILES_URL": {FilesURL: srv.URL}, "INTERNAL_FILES_URL": {InternalFilesURL: srv.URL + "/"}, "DIFY_INNER_API_URL": {InnerAPIURL: srv.URL + "/base"},
	} {
		t.Run(setting, func(t *testing.T) {
			c := realClient(t, cfg)
			if _, content, err := getAll(t, c, srv.URL+"/x?y", 100); err != nil || content != "/x?y" {
				t.Errorf("own origin: %q, %v", content, err)
			}
			_, err := c.Get(t.Context(), other.URL, 100)
			wantKind(t, err, Refused)
			_, err = c.Get(t.Context(), strings.Replace(srv.URL, "127.0.0.1", "localhost", 1), 100)
			wantKind(t, err, Refused)
			_, err = c.Get(t.Context(), strings.Replace(srv.URL, "http:", "https:", 1), 100)
			wantKind(t, err, Refused)
			location = other.URL
			_, err = c.Get(t.Context(), srv.URL+"/redirect", 100)
			wantKind(t, err, Refused)
			location = "/x"
			if _, content, err := getAll(t, c, srv.URL+"/redirect", 100); err != nil || content != "/x" {
				t.Errorf("redirect within the own origin: %q, %v", content, err)
			}
		})
	}
}

func TestAFileOfDifyIsFetchedFromItsInternalAddress(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.RequestURI()) })
	c := realClient(t, Config{FilesURL: "https://dify.test", InternalFilesURL: srv.URL})
	for _, url := range []string{"/files/tools/a.png?sign=1", "https://dify.test/files/tools/a.png?sign=1"} {
		if _, content, err := getAll(t, c, url, 100); err != nil || content != "/files/tools/a.png?sign=1" {
			t.Errorf("%s: %q, %v", url, content, err)
		}
	}
	_, err := realClient(t, Config{}).Get(t.Context(), "/files/tools/a.png?sign=canary", 100)
	if failed := wantKind(t, err, Invalid); !strings.Contains(failed.Error(), "INTERNAL_FILES_URL") {
		t.Errorf("error %v", failed)
	}
}

func TestAHostThatCannotBeReachedIsNamed(t *testing.T) {
	n := &network{names: map[string][][]string{"down.test": {{"93.184.216.34"}}}}
	c := n.client(t, Config{})
	for _, host := range []string{"down.test", "unknown.test"} {
		_, err := c.Get(t.Context(), "http://"+host+"/p?sign=canary", 100)
		failed := wantKind(t, err, Unreachable)
		if !strings.Contains(failed.Error(), host) || strings.Contains(failed.Error(), "canary") || !strings.Contains(failed.Error(), "check the host") {
			t.Errorf("error %v", failed)
		}
	}
}

func TestCertificateFilesAreTrusted(t *testing.T) {
	srv, certFile := serveTLS(t, reply("ok"), "a.test")
	n := &network{names: map[string][][]string{"a.test": {{"93.184.216.34"}}}, backend: srv.Listener.Addr().String()}
	if _, content, err := getAll(t, n.client(t, Config{CertFiles: []string{certFile}}), "https://a.test/", 100); err != nil || content != "ok" {
		t.Errorf("with the file: %q, %v", content, err)
	}
	_, err := n.client(t, Config{}).Get(t.Context(), "https://a.test/", 100)
	if failed := wantKind(t, err, Unreachable); !strings.Contains(failed.Error(), "SSL_CERT_FILE") {
		t.Errorf("without the file: %v", failed)
	}
}

func TestTheContextEndsADownloadAtAnyPoint(t *testing.T) {
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
	})
	c := realClient(t, Config{FetchAllow: "127.0.0.1"})
	t.Run("before the request", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Get(ctx, srv.URL, 100)
		if wantKind(t, err, Canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("before the header", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := c.Get(ctx, srv.URL, 100)
		if wantKind(t, err, Timeout); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("while the body is read", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		resp, err := c.Get(ctx, srv.URL+"/body", 100)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		cancel()
		_, err = io.ReadAll(resp.Body)
		if wantKind(t, err, Canceled); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("by closing the body", func(t *testing.T) {
		gone := make(chan struct{})
		srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done() // the connection is freed
			close(gone)
		})
		resp, err := c.Get(t.Context(), srv.URL, 100)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		select {
		case <-gone:
		case <-time.After(10 * time.Second):
			t.Error("the server still holds the connection")
		}
	})
}

// pipes is a network in memory, for tests with a false clock. The server end
// of each connection is given to answer, after the request was read.
func pipes(answer func(conn net.Conn)) connectFunc {
	return func(context.Context, netip.AddrPort, addressCheck) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer server.Close()
			if _, err := http.ReadRequest(bufio.NewReader(server)); err == nil {
				answer(server)
			}
		}()
		return client, nil
	}
}

// silence keeps the connection open until the client closes it.
func silence(conn net.Conn) { io.Copy(io.Discard, conn) }

func pipedClient(t *testing.T, answer func(conn net.Conn)) *Client {
	t.Helper()
	n := &network{names: map[string][][]string{"a.test": {{"93.184.216.34"}}}}
	c, err := newClient(Config{Resolver: n.resolve}, pipes(answer))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAServerThatNeverAnswersIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := pipedClient(t, silence).Get(t.Context(), "http://a.test/p?sign=canary", 100)
		wantKind(t, err, Timeout)
		if took := time.Since(start); took != time.Minute {
			t.Errorf("gave up after %s, want 1m", took)
		}
	})
}

func TestABodyThatStallsIsATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipedClient(t, func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
			for range 3 {
				io.WriteString(conn, "x")
				<-time.After(59 * time.Second)
			}
			io.WriteString(conn, "x")
			silence(conn)
		})
		start := time.Now()
		_, content, err := getAll(t, c, "http://a.test/", 100)
		wantKind(t, err, Timeout)
		if took := time.Since(start); took != (3*59+60)*time.Second || content != "xxxx" {
			t.Errorf("gave up after %s with %q, want 3m57s with xxxx: the time counts from the last byte", took, content)
		}
	})
}

func TestTheReadersOwnPausesDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipedClient(t, func(conn net.Conn) {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\na")
			io.WriteString(conn, "b")
		})
		resp, err := c.Get(t.Context(), "http://a.test/", 100)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		for _, want := range "ab" {
			<-time.After(10 * time.Minute)
			got := make([]byte, 1)
			if _, err := io.ReadFull(resp.Body, got); err != nil || got[0] != byte(want) {
				t.Errorf("read %q, %v, want %q", got, err, want)
			}
		}
	})
}

func TestEachRedirectGetsItsOwnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := 0
		c := pipedClient(t, func(conn net.Conn) {
			<-time.After(40 * time.Second)
			if served++; served < 3 {
				io.WriteString(conn, "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
				return
			}
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
		})
		if _, content, err := getAll(t, c, "http://a.test/", 100); err != nil || content != "ok" {
			t.Errorf("%q, %v", content, err)
		}
	})
}
