package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/google/go-cmp/cmp"
)

// The promises of PRIVACY.md, one test or more for each. Their numbers C01 to C16 are those of the privacy policy's
// statements in their order.

// exercise uses every feature of a drive inside this process: check, buckets, folders, downloads, a bucket in another
// region, a download that breaks off, a wrong request.
func (c *cloud) exercise(t *testing.T, fields ...string) (near, far string) {
	t.Helper()
	near = c.bucket(t, "near", "ap-guangzhou", "folder/", "folder/a.txt", "b.txt")
	far = c.bucket(t, "far", "eu-frankfurt", "c.txt")
	a := user(t, fields...)
	if err := c.drive.Check(t.Context(), userCredentials(fields...)); err != nil {
		t.Error(err)
	}
	for _, bucket := range []string{near, far} {
		if _, _, err := c.browseAll(t.Context(), a, bucket, "", 1); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.drive.browse(t.Context(), a, plugin.BrowseRequest{MaxKeys: 20}); err != nil {
		t.Error(err)
	}
	cut := c.fail(standin.GetObject, 1, standin.Cut(3))
	if got, err := c.download(t.Context(), a, near, "folder/a.txt"); err != nil || got.content != "folder/a.txt" || cut.Hits() != 1 {
		t.Errorf("%q, %v", got.content, err)
	}
	if _, err := c.download(t.Context(), a, far, "c.txt"); err != nil {
		t.Error(err)
	}
	if _, err := c.download(t.Context(), a, far, "gone.txt"); err == nil {
		t.Error("an object that does not exist was downloaded")
	}
	return near, far
}

func TestC01_NothingGoesToDiskOrIntoLogs(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	bucket := p.filled(t, "confidential", "ap-guangzhou")
	p.useEverything(t, as(), bucket)
	p.fail(standin.GetBucket, 0, standin.Fail(403, "AccessDenied", "Access Denied."))
	if _, err := p.Browse(t.Context(), as(), datasource, host.BrowseRequest{Bucket: bucket, Prefix: "folder/"}); err == nil {
		t.Error("the failure did not arrive")
	}
	p.fail(standin.GetObject, 1, standin.Cut(10))
	if _, err := p.Download(t.Context(), as(), datasource, bucket, "folder/small-file.txt"); err != nil {
		t.Error(err)
	}
	checkNothingWritten(t, p)
	for _, name := range []string{"confidential", "small-file", "large-file"} {
		if logs := p.logged(); strings.Contains(logs, name) {
			t.Errorf("%q stands in the log:\n%s", name, logs)
		}
	}
}

// checkNothingWritten looks for files in the plugin's folders and, where the system counts them, for bytes written.
func checkNothingWritten(t *testing.T, p *process) {
	t.Helper()
	err := filepath.WalkDir(p.folder, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			t.Errorf("the plugin wrote %s", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	counted, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(counted), "\nwrite_bytes: 0\n") {
		t.Errorf("the plugin wrote to a disk:\n%s", counted)
	}
}

func TestC02_DataTravelsOverTLSToCOSOnly(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	bucket := p.filled(t, "a", "ap-guangzhou")
	p.useEverything(t, as(), bucket)
	want := []string{bucket + ".cos.ap-guangzhou.myqcloud.com", "cos.ap-guangzhou.myqcloud.com", "service.cos.myqcloud.com"}
	hosts := map[string]bool{}
	for _, req := range p.box.Requests() {
		hosts[req.Host] = true
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(hosts))); diff != "" {
		t.Errorf("hosts: -want +got\n%s", diff)
	}
	if refused := p.box.Refused(); len(refused) > 0 {
		t.Errorf("the plugin also tried: %v", refused)
	}
}

func TestC03_OnlyWhatTheUserAsksForIsAccessed(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	mine := c.bucket(t, "mine", "ap-guangzhou", "a/x.txt", "a/y.txt", "b.txt")
	c.bucket(t, "other", "ap-guangzhou", "secret.txt")
	a := user(t)
	steps := []struct {
		name string
		do   func() error
		want []string
	}{
		{"check", func() error { return c.drive.Check(t.Context(), userCredentials()) }, []string{
			"GET service.cos.myqcloud.com/?max-keys=1", "GET cos.ap-guangzhou.myqcloud.com/?max-keys=1",
		}},
		{"check of a bucket", func() error { return c.drive.Check(t.Context(), userCredentials("bucket", mine)) }, []string{
			"GET " + mine + ".cos.ap-guangzhou.myqcloud.com/?encoding-type=url&max-keys=1",
		}},
		{"browse a folder", func() error { _, _, err := c.browseAll(t.Context(), a, mine, "a/", 20); return err }, []string{
			"GET " + mine + ".cos.ap-guangzhou.myqcloud.com/?delimiter=%2F&encoding-type=url&max-keys=20&prefix=a%2F",
		}},
		{"download", func() error { _, err := c.download(t.Context(), a, mine, "a/x.txt"); return err }, []string{
			"GET " + mine + ".cos.ap-guangzhou.myqcloud.com/a%2Fx.txt",
		}},
	}
	for _, step := range steps {
		c.wire.take()
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
		var got []string
		for _, req := range c.wire.take() {
			got = append(got, req.Method+" "+req.URL.Host+req.URL.RequestURI())
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", step.name, diff)
		}
	}
}

func TestC04_NothingIsStoredOrGivenToThirdParties(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	bucket := p.filled(t, "a", "ap-guangzhou")
	p.useEverything(t, as(), bucket)
	if diff := cmp.Diff([]string{"upload_file"}, p.backend.made()); diff != "" {
		t.Errorf("calls back into Dify: only the one large file goes there. -want +got\n%s", diff)
	}
	if refused := p.box.Refused(); len(refused) > 0 {
		t.Errorf("the plugin tried to reach: %v", refused)
	}
	checkNothingWritten(t, p)
}

func TestC05_EveryRequestUsesHTTPS(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	near, _ := c.exercise(t)
	c.fail(standin.GetBucket, 1, standin.Redirect("http://"+near+".cos.ap-guangzhou.myqcloud.com/"))
	if _, _, err := c.browseAll(t.Context(), user(t), near, "", 20); err == nil {
		t.Error("a redirect to plain http did not fail")
	}
	for _, req := range c.wire.take() {
		if req.URL.Scheme != "https" {
			t.Errorf("%s", req.URL.Redacted())
		}
	}
	for _, endpoint := range []string{"http://files.example.com", "HTTP://{bucket}.cos.example.com"} {
		if err := c.drive.Check(t.Context(), userCredentials("endpoint", endpoint, "bucket", near)); err == nil || len(c.wire.take()) > 0 {
			t.Errorf("%s is accepted: %v", endpoint, err)
		}
	}
	if refused := c.box.Refused(); len(refused) > 0 {
		t.Errorf("refused: %v", refused)
	}
}

// signature is an Authorization header of COS.
var signature = regexp.MustCompile(`^q-sign-algorithm=sha1&q-ak=([^&]+)&q-sign-time=\d+;\d+&q-key-time=\d+;\d+&q-header-list=[^&]*&q-url-param-list=[^&]*&q-signature=[0-9a-f]{40}$`)

func TestC06_EveryRequestIsSigned(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.exercise(t)
	requests := c.wire.take()
	if len(requests) < 10 {
		t.Fatalf("%d requests", len(requests))
	}
	for _, req := range requests {
		if !signature.MatchString(req.Header.Get("Authorization")) {
			t.Errorf("%s %s: Authorization is %q", req.Method, req.URL.Host, req.Header.Get("Authorization"))
		}
	}
}

func TestC07_NothingOfAUserRemainsInMemory(t *testing.T) {
	t.Parallel()
	// What is free is overwritten, so that the dump shows what can still be reached and not what was there before.
	p := start(t, "heap", "GODEBUG=clobberfree=1")
	canaries := map[string]string{
		"secret_id": fmt.Sprintf("AKID%scanary", "Forgotten"), "secret_key": "KEY" + "ForgottenCanary",
		"session_token": "TOKEN" + "ForgottenCanary",
	}
	p.account(t, standin.Key{SecretID: canaries["secret_id"], SecretKey: canaries["secret_key"], SessionToken: canaries["session_token"]})
	bucket := p.bucket(t, "a", "ap-guangzhou", "folder/")
	content := strings.Repeat("CONTENT"+"ForgottenCanary", 1000)
	p.put(t, bucket, "folder/small-file.txt", content, standin.Meta{})
	p.put(t, bucket, "folder/large-file.txt", strings.Repeat(content, 400), standin.Meta{})
	who := as("secret_id", canaries["secret_id"], "secret_key", canaries["secret_key"], "session_token", canaries["session_token"])
	p.useEverything(t, who, bucket)
	if err := p.Process.Close(); err != nil {
		t.Fatal(err)
	}
	memory, err := os.ReadFile(filepath.Join(p.folder, dumpName))
	if err != nil || len(memory) < 100_000 {
		t.Fatalf("a dump of %d bytes, %v", len(memory), err)
	}
	canaries["content"] = "CONTENT" + "ForgottenCanary"
	for name, value := range canaries {
		if at := bytes.Index(memory, []byte(value)); at >= 0 {
			t.Errorf("%s is still in memory: %q", name, memory[max(0, at-60):min(len(memory), at+60)])
		}
	}
}

func TestC08_COSIsReachedThroughItsOfficialLibrary(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.exercise(t)
	for _, req := range c.wire.take() {
		if agent := req.Header.Get("User-Agent"); !strings.HasPrefix(agent, "cos-go-sdk-v5/") {
			t.Errorf("User-Agent: %s", agent)
		}
	}
	policy, err := fs.ReadFile(declarations, "PRIVACY.md")
	if err != nil || !strings.Contains(string(policy), "cos-go-sdk-v5") {
		t.Errorf("the policy does not name the library; %v", err)
	}
}

// allowed is a key with these permissions and no other.
func allowed(actions ...standin.Action) standin.Key {
	return standin.Key{SecretID: secretID, SecretKey: secretKey, Grants: []standin.Grant{{Actions: actions}}}
}

func TestC09_ThreePermissionsAreEnough(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.account(t, allowed(standin.GetService, standin.GetBucket, standin.GetObject))
	c.exercise(t)
}

func TestC09_TwoPermissionsOnOneBucketAreEnoughWhenItIsEntered(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "only", "ap-guangzhou", "folder/a.txt")
	key := allowed(standin.GetBucket, standin.GetObject)
	key.Grants[0].Buckets = []string{bucket}
	c.account(t, key)
	a := user(t, "bucket", bucket)
	if err := c.drive.Check(t.Context(), userCredentials("bucket", bucket)); err != nil {
		t.Error(err)
	}
	page, err := c.drive.browse(t.Context(), a, plugin.BrowseRequest{MaxKeys: 20})
	if diff := cmp.Diff([]string{bucket}, page.Buckets); diff != "" || err != nil {
		t.Errorf("%v, -want +got\n%s", err, diff)
	}
	if _, _, err := c.browseAll(t.Context(), a, bucket, "folder/", 20); err != nil {
		t.Error(err)
	}
	if got, err := c.download(t.Context(), a, bucket, "folder/a.txt"); err != nil || got.content != "folder/a.txt" {
		t.Errorf("%q, %v", got.content, err)
	}
}

func TestC10_PermissionsAreUsedForNothingElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.exercise(t)
	listing := []string{"delimiter", "encoding-type", "marker", "max-keys", "prefix"}
	for _, req := range c.wire.take() {
		if req.Method != http.MethodGet || req.Body != nil && req.Body != http.NoBody {
			t.Errorf("%s %s", req.Method, req.URL.Host)
		}
		for name := range req.URL.Query() {
			if req.URL.Path != "/" || !slices.Contains(listing, name) {
				t.Errorf("%s asks for %q", req.URL.Path, name)
			}
		}
	}
}

// secrets are the values of an account that may turn up in places where they do not belong.
var secrets = map[string]string{"SecretId": "AKIDcanary0001", "SecretKey": "KEYcanary0001", "session token": "TOKENcanary0001"}

func canaryFields() []string {
	return []string{"secret_id", secrets["SecretId"], "secret_key", secrets["SecretKey"], "session_token", secrets["session token"]}
}

func canaryKey() standin.Key {
	return standin.Key{SecretID: secrets["SecretId"], SecretKey: secrets["SecretKey"], SessionToken: secrets["session token"]}
}

func TestC11_CredentialsOnlyAddressAndSign(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.account(t, canaryKey())
	c.exercise(t, canaryFields()...)
	for _, req := range c.wire.take() {
		if match := signature.FindStringSubmatch(req.Header.Get("Authorization")); match == nil || match[1] != secrets["SecretId"] {
			t.Errorf("Authorization: %s", req.Header.Get("Authorization"))
		}
		if req.Header.Get("X-Cos-Security-Token") != secrets["session token"] {
			t.Error("the session token is missing")
		}
		req.Header.Del("Authorization")
		req.Header.Del("X-Cos-Security-Token")
		dumped, err := httputil.DumpRequestOut(req, true)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range secrets {
			if bytes.Contains(dumped, []byte(value)) {
				t.Errorf("the %s is also somewhere else in the request:\n%s", name, dumped)
			}
		}
		path := strings.ReplaceAll(string(dumped), "\r\nHost: "+req.URL.Host, "")
		if strings.Contains(path, "ap-guangzhou") {
			t.Errorf("the region is used for more than the host:\n%s", dumped)
		}
	}
}

func TestC12_CredentialsNeverGoToDiskStorageOrLogs(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	p.account(t, canaryKey())
	bucket := p.filled(t, "a", "ap-guangzhou")
	who := as(canaryFields()...)
	p.useEverything(t, who, bucket)
	echo := fmt.Sprintf("you are %s with %s and %s", secrets["SecretId"], secrets["SecretKey"], secrets["session token"])
	for _, code := range []string{"SignatureDoesNotMatch", "AccessDenied", "SomethingNew"} {
		p.fail(standin.GetBucket, 1, standin.Fail(403, code, echo))
		if _, err := p.Browse(t.Context(), who, datasource, host.BrowseRequest{Bucket: bucket}); err == nil {
			t.Errorf("%s did not arrive", code)
		}
	}
	if err := p.ValidateDatasource(t.Context(), as(append(canaryFields(), "secret_key", secrets["SecretKey"]+"2")...)); err == nil {
		t.Error("a wrong key is accepted")
	}
	if err := p.ValidateDatasource(t.Context(), as(append(canaryFields(), "secret_key", secrets["SecretKey"]+" 2")...)); err == nil {
		t.Error("a malformed key is accepted")
	}
	checkNothingWritten(t, p)
	written := p.written()
	for name, value := range secrets {
		if at := strings.Index(written, value); at >= 0 {
			t.Errorf("the %s was written: %s", name, written[max(0, at-200):min(len(written), at+100)])
		}
	}
	if strings.Contains(written, "q-signature") {
		t.Error("a signature was written")
	}
}

func TestC13_CredentialsAreThoseOfEachRequest(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	other := standin.Account{AppID: "1260000000", Keys: []standin.Key{{SecretID: "AKIDother", SecretKey: "other-key"}}}
	if err := c.AddAccount(other); err != nil {
		t.Fatal(err)
	}
	mine := c.bucket(t, "mine", "ap-guangzhou", "a.txt")
	theirs, err := c.CreateBucket(other.AppID, "theirs", "ap-guangzhou")
	if err != nil {
		t.Fatal(err)
	}
	tenants := map[string]account{mine: user(t), theirs: user(t, "secret_id", "AKIDother", "secret_key", "other-key")}
	var running sync.WaitGroup
	for bucket, tenant := range tenants {
		for range 10 {
			running.Go(func() {
				page, err := c.drive.browse(context.Background(), tenant, plugin.BrowseRequest{MaxKeys: 20})
				if diff := cmp.Diff([]string{bucket}, page.Buckets); diff != "" || err != nil {
					t.Errorf("error %v, -want +got\n%s", err, diff)
				}
				if _, err := c.drive.browse(context.Background(), tenant, plugin.BrowseRequest{Bucket: bucket, MaxKeys: 20}); err != nil {
					t.Error(err)
				}
			})
		}
	}
	running.Wait()
	for bucket := range tenants {
		stranger := user(t, "secret_key", "wrong")
		if _, err := c.drive.browse(t.Context(), stranger, plugin.BrowseRequest{Bucket: bucket, MaxKeys: 20}); plugin.KindOf(err) != plugin.Authorization {
			t.Errorf("%s: what an earlier request was allowed is open to the next: %v", bucket, err)
		}
	}
}

// tap is a wire between the plugin and the proxy that keeps what the plugin sends.
type tap struct{ notes }

// listen forwards connections to the proxy. It ends with the test, after idle has closed the connections.
func (w *tap) listen(t *testing.T, proxy string, idle func()) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", proxy)
			if err != nil {
				_ = from.Close()
				return
			}
			for _, way := range []func(){
				func() { _, _ = io.Copy(io.MultiWriter(to, w), from) },
				func() { _, _ = io.Copy(from, to) },
			} {
				running.Go(func() {
					way()
					_, _ = from.Close(), to.Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		idle() // else the plugin's connections keep this one waiting
		running.Wait()
	})
	return listener.Addr().String()
}

func TestC14_TheSecretKeyIsNeverSentAndTheRestOnlyEncrypted(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.account(t, canaryKey())
	wire := &tap{}
	proxy := url.URL{Scheme: "http", Host: wire.listen(t, c.box.ProxyURL().Host, c.wire.next.CloseIdleConnections)}
	c.wire.next.Proxy = http.ProxyURL(&proxy)
	c.exercise(t, canaryFields()...)
	for _, req := range c.wire.take() {
		dumped, err := httputil.DumpRequestOut(req, true)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(dumped, []byte(secrets["SecretKey"])) {
			t.Errorf("the SecretKey is sent: %s", dumped)
		}
	}
	seen := wire.String()
	if !strings.Contains(seen, "CONNECT service.cos.myqcloud.com:443") {
		t.Fatal("the wire is not the plugin's")
	}
	for name, value := range secrets {
		if strings.Contains(seen, value) {
			t.Errorf("the %s can be read on the wire", name)
		}
	}
}

func TestC15_CredentialsGoToNoHostButCOS(t *testing.T) {
	t.Parallel()
	foreign := "elsewhere.example.com"
	redirects := map[string]http.HandlerFunc{
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://"+foreign+"/", http.StatusFound)
		},
		"a region that is a host": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Cos-Bucket-Region", foreign+"/x")
			w.WriteHeader(http.StatusMovedPermanently)
		},
		"an endpoint that is no host of COS": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusMovedPermanently)
			_, _ = io.WriteString(w, "<Error><Code>PermanentRedirect</Code><Endpoint>"+foreign+"</Endpoint></Error>")
		},
	}
	for name, answer := range redirects {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			if err := c.box.Handle("b-1.cos.ap-guangzhou.myqcloud.com", answer); err != nil {
				t.Fatal(err)
			}
			c.mount(t, foreign)
			if _, _, err := c.browseAll(t.Context(), user(t), "b-1", "", 20); err == nil {
				t.Error("browsing did not fail")
			}
			if _, err := c.download(t.Context(), user(t), "b-1", "a.txt"); err == nil {
				t.Error("downloading did not fail")
			}
			for _, host := range c.wire.hosts() {
				if !officialHost(host) {
					t.Errorf("a signed request went to %s", host)
				}
			}
			if refused := c.box.Refused(); len(refused) > 0 {
				t.Errorf("the plugin tried to reach %v", refused)
			}
		})
	}
}

func TestC15_AnEndpointGetsRequestsForItsBucketAndNothingElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "a", "ap-guangzhou", "a.txt")
	if err := c.BindDomain("files.example.com", bucket); err != nil {
		t.Fatal(err)
	}
	c.mount(t, "files.example.com")
	a := user(t, "endpoint", "files.example.com", "bucket", bucket)
	if _, err := c.download(t.Context(), a, bucket, "a.txt"); err != nil {
		t.Error(err)
	}
	if _, err := c.download(t.Context(), a, "other-"+appID, "a.txt"); err == nil {
		t.Error("another bucket is looked for at the domain of this one")
	}
	if diff := cmp.Diff([]string{"files.example.com"}, c.wire.hosts()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	pattern := user(t, "endpoint", "{bucket}.storage.example.com")
	if _, err := c.drive.browse(t.Context(), pattern, plugin.BrowseRequest{MaxKeys: 20}); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{serviceHost}, c.wire.hosts()); diff != "" {
		t.Errorf("lists of buckets: -want +got\n%s", diff)
	}
}

// policies are the texts of PRIVACY.md by their date, as SHA-256. A changed text needs a new date, and a line here.
var policies = map[string]string{
	"22 November 2026": "c3157458ca1fdeac5a1f21d161dd0fdba4f7026d26d6b9203cb0c6eb3a1d3fce",
}

func TestC16_ChangesOfThePolicyAreDated(t *testing.T) {
	policy, err := fs.ReadFile(declarations, "PRIVACY.md")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^Effective date: (.+)$`).FindSubmatch(policy)
	if match == nil {
		t.Fatal("the policy has no effective date")
	}
	date := string(match[1])
	if _, err := time.Parse("2 January 2006", date); err != nil {
		t.Error(err)
	}
	if sum := sha256.Sum256(policy); policies[date] != hex.EncodeToString(sum[:]) {
		t.Errorf("the text of %s was another one (this one is %x): give it a new date", date, sum)
	}
	if got := load(t).Privacy; got != "PRIVACY.md" {
		t.Errorf("the manifest points to %q", got)
	}
}
