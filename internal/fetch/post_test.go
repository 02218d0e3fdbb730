package fetch

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnUploadReachesTheSignedURL(t *testing.T) {
	type seen struct {
		Method, URI, Type, Content string
		Length                     int64
		Chunked                    bool
	}
	var got seen
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		content, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.RequestURI, r.Header.Get("Content-Type"), string(content), r.ContentLength, len(r.TransferEncoding) > 0}
		w.WriteHeader(http.StatusCreated)
		io.WriteString(w, `{"id":"1"}`)
	})
	private := Config{FilesURL: "https://dify.test", InternalFilesURL: srv.URL}
	tests := []struct {
		name, url, body string
		cfg             Config
		size            int64
		want            seen
	}{
		{"a URL that Dify handed out may be private", srv.URL + "/files/upload?sign=a%2Fb", "abc", Config{}, 3, seen{"POST", "/files/upload?sign=a%2Fb", "text/x", "abc", 3, false}},
		{"a relative URL is completed", "/files/upload?sign=1", "abc", private, 3, seen{"POST", "/files/upload?sign=1", "text/x", "abc", 3, false}},
		{"a public URL goes to the internal address", "https://dify.test/files/upload?sign=1", "abc", private, 3, seen{"POST", "/files/upload?sign=1", "text/x", "abc", 3, false}},
		{"an empty body has a length too", srv.URL + "/", "", Config{}, 0, seen{"POST", "/", "text/x", "", 0, false}},
		{"an unknown size is sent in chunks", srv.URL + "/", "abc", Config{}, -1, seen{"POST", "/", "text/x", "abc", -1, true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, err := realClient(t, tt.cfg).Post(t.Context(), tt.url, "text/x", tt.size, io.MultiReader(strings.NewReader(tt.body)))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			answer, err := io.ReadAll(resp.Body)
			if resp.StatusCode != 201 || string(answer) != `{"id":"1"}` || err != nil {
				t.Errorf("answer %d %s, %v", resp.StatusCode, answer, err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnUploadFollowsNoRedirect(t *testing.T) {
	requests := 0
	srv := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	resp, err := realClient(t, Config{}).Post(t.Context(), srv.URL, "text/x", 3, strings.NewReader("abc"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusTemporaryRedirect || requests != 1 {
		t.Errorf("status %d after %d requests", resp.StatusCode, requests)
	}
}

func TestABrokenUploadIsAnError(t *testing.T) {
	whole := make(chan bool, 1)
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		whole <- err == nil
	})
	broken := errors.New("the source broke")
	part := strings.Repeat("x", 1<<20) // enough that the server sees the request begin
	for name, body := range map[string]io.Reader{
		"a body that fails":      io.MultiReader(strings.NewReader(part), iotest.ErrReader(broken)),
		"a body that is shorter": strings.NewReader(part),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := realClient(t, Config{}).Post(t.Context(), srv.URL+"/p?sign=canary", "text/x", 2<<20, body)
			if failed := wantKind(t, err, Unreachable); strings.Contains(failed.Error(), "canary") {
				t.Errorf("the error holds the signature: %v", failed)
			}
			if strings.HasSuffix(name, "fails") && !errors.Is(err, broken) {
				t.Errorf("the error %v does not wrap that of the body", err)
			}
			if <-whole {
				t.Error("the server saw a complete request")
			}
		})
	}
}

// closeRecorder is a body that knows whether it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return nil
}

func TestAnUploadToAURLThatCannotBeUsedIsRefused(t *testing.T) {
	for url, kind := range map[string]Kind{
		"ftp://a.test/": Invalid, "a.test": Invalid, "http://user:canary@a.test/": Refused, "/files/upload?sign=canary": Invalid,
	} {
		body := &closeRecorder{Reader: strings.NewReader("abc")}
		_, err := (&network{}).client(t, Config{}).Post(t.Context(), url, "text/x", 3, body)
		if failed := wantKind(t, err, kind); strings.Contains(failed.Error(), "canary") {
			t.Errorf("the error holds a secret: %v", failed)
		}
		if !body.closed {
			t.Errorf("%s: the body was not closed", url)
		}
	}
}

func TestAnUploadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	srv := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		r.Body.Read(make([]byte, 1))
		cancel() // while the upload waits for its source
		io.Copy(io.Discard, r.Body)
	})
	source, feed := io.Pipe()
	defer feed.Close()
	go io.WriteString(feed, strings.Repeat("x", 1<<20))
	_, err := realClient(t, Config{}).Post(ctx, srv.URL, "text/x", 2<<20, source)
	if wantKind(t, err, Canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestDifyHasFiveMinutesToStoreAnUpload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := pipedClient(t, func(conn net.Conn) {
			silence(conn)
		})
		start := time.Now()
		_, err := c.Post(t.Context(), "http://a.test/upload", "text/x", 0, strings.NewReader(""))
		wantKind(t, err, Timeout)
		if took := time.Since(start); took != 5*time.Minute {
			t.Errorf("gave up after %s, want 5m", took)
		}
	})
}
