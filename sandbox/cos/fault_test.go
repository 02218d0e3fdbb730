package cos_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

// faultyWorld is a mounted store with one object, and a client for it.
type faultyWorld struct {
	store  *cos.Store
	bucket string
	client *http.Client
	body   string
}

func newFaultyWorld(t *testing.T) faultyWorld {
	t.Helper()
	store, bucket := newStore(t, nil)
	sb := mount(t, store)
	transport := sb.Transport()
	transport.DisableKeepAlives = true
	t.Cleanup(transport.CloseIdleConnections)
	world := faultyWorld{store: store, bucket: bucket, client: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, body: strings.Repeat("0123456789", 10_000)}
	put(t, store, bucket, "x", world.body)
	return world
}

// get asks for the object over a real connection.
func (w faultyWorld) get(ctx context.Context, t *testing.T) (*http.Response, error) {
	t.Helper()
	r := newRequest(owner, http.MethodGet, objectURL("x"), "", nil).WithContext(ctx)
	r.RequestURI = ""
	return w.client.Do(r)
}

// read asks for the object and returns the answer with what arrived of it.
func (w faultyWorld) read(t *testing.T) (*http.Response, string, error) {
	t.Helper()
	resp, err := w.get(t.Context(), t)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

func (w faultyWorld) inject(effects ...cos.Effect) *cos.Injection {
	return w.store.Inject(cos.Fault{Action: cos.GetObject, Bucket: w.bucket, Key: "x", Effects: effects})
}

func TestErrorsOnDemand(t *testing.T) {
	w := newFaultyWorld(t)
	in := w.store.Inject(cos.Fault{Times: 2, Effects: []cos.Effect{cos.Fail(503, "SlowDown", "Reduce your request rate.")}})
	for range 2 {
		a := do(t, w.store, owner, http.MethodGet, objectURL("x"), nil)
		wantFault(t, a, 503, "SlowDown")
	}
	wantStatus(t, do(t, w.store, owner, http.MethodGet, objectURL("x"), nil), http.StatusOK)
	if in.Hits() != 2 {
		t.Errorf("hits %d, want 2", in.Hits())
	}
}

func TestFaultsMatchOnlyWhatTheyName(t *testing.T) {
	store, bucket := newStore(t, nil)
	put(t, store, bucket, "x", "")
	put(t, store, bucket, "y", "")
	fail := []cos.Effect{cos.Fail(500, "InternalError", "")}
	for _, test := range []struct {
		name   string
		fault  cos.Fault
		failed []string // of: GET x, HEAD x, GET y, GET bucket, GET service
	}{
		{"everything", cos.Fault{}, []string{"x", "head x", "y", "bucket", "service"}},
		{"an action", cos.Fault{Action: cos.GetObject}, []string{"x", "y"}},
		{"a key", cos.Fault{Key: "x"}, []string{"x", "head x"}},
		{"a bucket", cos.Fault{Bucket: bucket}, []string{"x", "head x", "y", "bucket"}},
		{"another bucket", cos.Fault{Bucket: "other"}, nil},
		{"an action on a key", cos.Fault{Action: cos.HeadObject, Key: "x"}, []string{"head x"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.fault.Effects = fail
			in := store.Inject(test.fault)
			defer in.Remove()
			var failed []string
			for _, try := range []struct{ name, method, target string }{
				{"x", http.MethodGet, objectURL("x")},
				{"head x", http.MethodHead, objectURL("x")},
				{"y", http.MethodGet, objectURL("y")},
				{"bucket", http.MethodGet, bucketURL(bucket, region)},
				{"service", http.MethodGet, service},
			} {
				if do(t, store, owner, try.method, try.target, nil).StatusCode == 500 {
					failed = append(failed, try.name)
				}
			}
			if diff := cmp.Diff(test.failed, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
		})
	}
	wantStatus(t, do(t, store, owner, http.MethodGet, objectURL("x"), nil), http.StatusOK)
}

func TestAFaultNeverHidesAnUnsignedRequest(t *testing.T) {
	w := newFaultyWorld(t)
	in := w.inject(cos.Fail(503, "SlowDown", ""))
	wrong := owner
	wrong.SecretKey = "wrong"
	wantFault(t, do(t, w.store, wrong, http.MethodGet, objectURL("x"), nil), 403, "SignatureDoesNotMatch")
	if in.Hits() != 0 {
		t.Errorf("hits %d, want 0", in.Hits())
	}
}

func TestRedirectsOnDemand(t *testing.T) {
	w := newFaultyWorld(t)
	w.inject(cos.Redirect("http://elsewhere.example/x"))
	resp, _, err := w.read(t)
	if err != nil || resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "http://elsewhere.example/x" {
		t.Errorf("got %d to %q, %v", resp.StatusCode, resp.Header.Get("Location"), err)
	}
}

func TestBodiesGoWrong(t *testing.T) {
	for _, test := range []struct {
		name    string
		effects []cos.Effect
		read    func(body string) string
		err     error
	}{
		{"a cut in the middle", []cos.Effect{cos.Cut(70_000)}, func(b string) string { return b[:70_000] }, io.ErrUnexpectedEOF},
		{"a cut before the first byte", []cos.Effect{cos.Cut(0)}, func(string) string { return "" }, io.ErrUnexpectedEOF},
		{"a cut at the end", []cos.Effect{cos.Cut(100_000)}, func(b string) string { return b }, nil},
		{"a cut behind the end", []cos.Effect{cos.Cut(1 << 40)}, func(b string) string { return b }, nil},
		{"a length that is too long", []cos.Effect{cos.WrongLength(5)}, func(b string) string { return b }, io.ErrUnexpectedEOF},
		{"a length that is too short", []cos.Effect{cos.WrongLength(-5)}, func(b string) string { return b[:len(b)-5] }, nil},
		{"a flipped bit", []cos.Effect{cos.FlipBit(65_537)}, func(b string) string { return b[:65_537] + "6" + b[65_538:] }, nil},
		{"two flipped bits and a cut", []cos.Effect{cos.FlipBit(0), cos.FlipBit(9), cos.Cut(10)}, func(string) string { return "1123456788" }, io.ErrUnexpectedEOF},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newFaultyWorld(t)
			in := w.inject(test.effects...)
			resp, body, err := w.read(t)
			if !errors.Is(err, test.err) {
				t.Errorf("error %v, want %v", err, test.err)
			}
			if want := test.read(w.body); body != want {
				t.Errorf("read %d bytes, want %d (or others)", len(body), len(want))
			}
			if resp.Header.Get("x-cos-hash-crc64ecma") != checksum(w.body) {
				t.Error("the checksum in the header is not that of the stored bytes")
			}
			<-in.Reached()
		})
	}
}

func TestHeadersAndCursorsGoMissing(t *testing.T) {
	w := newFaultyWorld(t)
	put(t, w.store, w.bucket, "y", "")
	w.store.Inject(cos.Fault{Effects: []cos.Effect{cos.WithoutHeader("x-cos-hash-crc64ecma"), cos.WithoutNextMarker()}})
	a := do(t, w.store, owner, http.MethodGet, objectURL("x"), nil)
	if a.body != w.body || a.Header.Get("x-cos-hash-crc64ecma") != "" {
		t.Errorf("got %d bytes with checksum %q", len(a.body), a.Header.Get("x-cos-hash-crc64ecma"))
	}
	if p := list(t, w.store, query("max-keys", "1")); !p.IsTruncated || p.NextMarker != "" {
		t.Errorf("truncated %v, next %q; want a truncated page without a cursor", p.IsTruncated, p.NextMarker)
	}
}

func TestADroppedConnectionHasNoAnswer(t *testing.T) {
	w := newFaultyWorld(t)
	w.inject(cos.Drop())
	resp, err := w.get(t.Context(), t)
	if err == nil {
		_ = resp.Body.Close()
		t.Errorf("got %s", resp.Status)
	}
}

func TestAHeldAnswerComesWhenItIsReleased(t *testing.T) {
	w := newFaultyWorld(t)
	release := make(chan struct{})
	in := w.inject(cos.Delay(time.Nanosecond), cos.Delay(0), cos.Hold(release))
	answered := make(chan error, 1)
	go func() {
		resp, err := w.get(t.Context(), t)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		answered <- err
	}()
	<-in.Reached()
	select {
	case err := <-answered:
		t.Fatalf("the answer was not held: %v", err)
	default:
	}
	close(release)
	if err := <-answered; err != nil {
		t.Errorf("after the release: %v", err)
	}
}

func TestAStalledBodyArrivesWhenItIsReleased(t *testing.T) {
	w := newFaultyWorld(t)
	release := make(chan struct{})
	in := w.inject(cos.Stall(1000, release))
	resp, err := w.get(t.Context(), t)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, 1000)
	if _, err := io.ReadFull(resp.Body, first); err != nil {
		t.Fatal(err)
	}
	<-in.Reached()
	close(release)
	rest, err := io.ReadAll(resp.Body)
	if err != nil || string(first)+string(rest) != w.body {
		t.Errorf("%d bytes after the stall, %v", len(rest), err)
	}
}

func TestWaitsEndWithTheClient(t *testing.T) {
	for name, effect := range map[string]cos.Effect{"hold": cos.Hold(nil), "stall": cos.Stall(10, nil), "delay": cos.Delay(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			w := newFaultyWorld(t)
			in := w.inject(effect)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() {
				resp, err := w.get(ctx, t)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				ended <- err
			}()
			<-in.Reached()
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("ended with %v", err)
			}
			// That the store closes without being told to end anything is
			// checked by the clean-up, that nothing is left by goleak.
		})
	}
}

func TestWaitsEndWithTheStore(t *testing.T) {
	for name, effect := range map[string]cos.Effect{"hold": cos.Hold(nil), "stall": cos.Stall(10, nil)} {
		t.Run(name, func(t *testing.T) {
			w := newFaultyWorld(t)
			in := w.inject(effect)
			ended := make(chan error, 1)
			go func() {
				resp, err := w.get(t.Context(), t)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				ended <- err
			}()
			<-in.Reached()
			if err := w.store.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := <-ended; err == nil {
				t.Error("the client got a whole answer")
			}
			wantFault(t, do(t, w.store, owner, http.MethodGet, objectURL("x"), nil), 503, "ServiceUnavailable")
		})
	}
}

func TestAClientThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	w := newFaultyWorld(t)
	if err := w.store.PutGenerated(w.bucket, "x", 16<<20, 1, cos.Meta{}); err != nil {
		t.Fatal(err)
	}
	r := newRequest(owner, http.MethodGet, objectURL("x"), "", map[string]string{"Range": "bytes=0-"})
	r.RequestURI = ""
	resp, err := w.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := w.store.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}
