package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/sandbox"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
)

const (
	appID     = "1250000000"
	secretID  = "AKIDsandboxExample0001"
	secretKey = "sandboxSecretKeyExample01"
)

// servedRegions are those that exist in the sandbox. The hosts of others do not.
var servedRegions = []string{"ap-guangzhou", "ap-shanghai", "ap-singapore", "eu-frankfurt"}

// cloud is a COS on this machine, with a drive that is connected to it inside the test's own process.
type cloud struct {
	*standin.Store
	box   *sandbox.Sandbox
	drive *drive
	wire  *recorder
}

// newCloud starts a COS with one account that may do everything.
func newCloud(t testing.TB, opts ...standin.Option) *cloud {
	t.Helper()
	store, err := standin.New(t.TempDir(), append(opts, standin.RequireEverythingSigned())...)
	if err != nil {
		t.Fatal(err)
	}
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{Store: store, box: box, wire: &recorder{next: box.Transport()}}
	c.drive = newDrive(func(func(string) bool) (http.RoundTripper, error) { return c.wire, nil })
	c.drive.firstWait = 5 * time.Millisecond
	t.Cleanup(func() {
		c.wire.next.CloseIdleConnections()
		if err := errors.Join(box.Close(), store.Close()); err != nil {
			t.Error(err)
		}
	})
	c.mount(t, serviceHost)
	for _, region := range servedRegions {
		for _, name := range []string{"cos", "cos-internal"} {
			c.mount(t, name+"."+region+".myqcloud.com")
			c.mount(t, "*."+name+"."+region+".myqcloud.com")
			c.mount(t, "*."+name+"."+region+".tencentcos.cn")
		}
	}
	c.mount(t, "*.cos.accelerate.myqcloud.com")
	c.account(t, standin.Key{SecretID: secretID, SecretKey: secretKey})
	return c
}

func (c *cloud) mount(t testing.TB, pattern string) {
	t.Helper()
	if err := c.box.Handle(pattern, c.Store); err != nil {
		t.Fatal(err)
	}
}

func (c *cloud) account(t testing.TB, keys ...standin.Key) {
	t.Helper()
	if err := c.AddAccount(standin.Account{AppID: appID, Keys: keys}); err != nil {
		t.Fatal(err)
	}
}

// bucket makes a bucket with objects whose content is their key.
func (c *cloud) bucket(t testing.TB, name, region string, keys ...string) string {
	t.Helper()
	full, err := c.CreateBucket(appID, name, region)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		c.put(t, full, key, key, standin.Meta{})
	}
	return full
}

func (c *cloud) put(t testing.TB, bucket, key, content string, meta standin.Meta) {
	t.Helper()
	if strings.HasSuffix(key, "/") {
		content = ""
	}
	if err := c.Put(bucket, key, strings.NewReader(content), meta); err != nil {
		t.Fatal(err)
	}
}

// fail makes requests fail; the returned injection counts them.
func (c *cloud) fail(action standin.Action, times int, effects ...standin.Effect) *standin.Injection {
	return c.Inject(standin.Fault{Action: action, Times: times, Effects: effects})
}

// user returns the account of a user who entered these fields.
func user(t testing.TB, pairs ...string) account {
	t.Helper()
	a, err := newAccount(userCredentials(pairs...))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func userCredentials(pairs ...string) plugin.Credentials {
	return credentials(append([]string{"secret_id", secretID, "secret_key", secretKey}, pairs...)...)
}

// fetched is a file that was downloaded as the SDK does it.
type fetched struct {
	plugin.File
	content string
}

func (c *cloud) download(ctx context.Context, a account, bucket, key string) (fetched, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	file, err := c.drive.download(ctx, a, plugin.DownloadRequest{Bucket: bucket, ID: key}, slog.New(slog.DiscardHandler))
	if err != nil {
		return fetched{}, err
	}
	content, err := readFile(ctx, file)
	return fetched{file, content}, err
}

func readFile(ctx context.Context, file plugin.File) (string, error) {
	body, err := file.Open(ctx)
	if err != nil {
		return "", err
	}
	content, err := io.ReadAll(body)
	return string(content), errors.Join(err, body.Close())
}

// browseAll follows the cursor to the end and returns all entries, and how many stood on each page.
func (c *cloud) browseAll(ctx context.Context, a account, bucket, prefix string, maxKeys int) (entries []plugin.Entry, pages []int, err error) {
	in := plugin.BrowseRequest{Bucket: bucket, Prefix: prefix, MaxKeys: maxKeys}
	for {
		page, err := c.drive.browse(ctx, a, in)
		if err != nil {
			return entries, pages, err
		}
		entries = append(entries, page.Entries...)
		pages = append(pages, len(page.Entries))
		if page.Next == nil {
			return entries, pages, nil
		}
		in.Cursor = page.Next
	}
}

func ids(entries []plugin.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.ID)
	}
	return out
}

// recorder sees the requests that leave the drive, signed and complete.
type recorder struct {
	next *http.Transport

	mu       sync.Mutex
	requests []*http.Request
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.mu.Lock()
	r.requests = append(r.requests, req.Clone(context.Background()))
	r.mu.Unlock()
	return r.next.RoundTrip(req)
}

// take returns the requests since the last call.
func (r *recorder) take() []*http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.requests
	r.requests = nil
	return taken
}

// hosts returns the hosts of the requests since the last call.
func (r *recorder) hosts() []string {
	var out []string
	for _, req := range r.take() {
		out = append(out, req.URL.Host)
	}
	return out
}

// impatient makes the drive give up on a silent server soon, yet not on a busy machine.
func (c *cloud) impatient() { c.drive.patience = time.Second }
