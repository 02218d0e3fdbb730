package cos_test

import (
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	sdk "github.com/tencentyun/cos-go-sdk-v5"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID   = "1250000000"
	region  = "ap-guangzhou"
	service = "https://service.cos.myqcloud.com/"
)

var (
	owner = cos.Key{SecretID: "AKIDowner", SecretKey: "ownerSecret"}
	temp  = cos.Key{SecretID: "AKIDtemp", SecretKey: "tempSecret", SessionToken: "token/1+=="}
)

// newStore returns a store with one account, whose keys are owner, temp and
// those given, and the bucket documents-1250000000 in ap-guangzhou.
func newStore(t testing.TB, keys []cos.Key, opts ...cos.Option) (*cos.Store, string) {
	t.Helper()
	store, err := cos.New("", opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	account := cos.Account{AppID: appID, UIN: "100000000001", Keys: append([]cos.Key{owner, temp}, keys...)}
	if err := store.AddAccount(account); err != nil {
		t.Fatal(err)
	}
	return store, createBucket(t, store, appID, "documents", region)
}

func createBucket(t rapid.TB, store *cos.Store, appID, name, region string) string {
	t.Helper()
	bucket, err := store.CreateBucket(appID, name, region)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func put(t testing.TB, store *cos.Store, bucket, key, body string) {
	t.Helper()
	putMeta(t, store, bucket, key, body, cos.Meta{})
}

func putMeta(t testing.TB, store *cos.Store, bucket, key, body string, meta cos.Meta) {
	t.Helper()
	if err := store.Put(bucket, key, strings.NewReader(body), meta); err != nil {
		t.Fatal(err)
	}
}

func bucketURL(bucket, region string) string {
	return fmt.Sprintf("https://%s.cos.%s.myqcloud.com/", bucket, region)
}

// objectURL is where the bucket of newStore keeps an object. Slashes are escaped
// too, so that no client touches them.
func objectURL(key string) string {
	return bucketURL("documents-"+appID, region) + url.PathEscape(key)
}

// answer is what a test sees of a response.
type answer struct {
	*http.Response
	body string
	// fault is the error document, if the body is one.
	fault struct {
		XMLName      xml.Name `xml:"Error"`
		Code         string
		Message      string
		StringToSign string
		FormatString string
		SignTime     string
		Resource     string
		RequestID    string `xml:"RequestId"`
		TraceID      string `xml:"TraceId"`
	}
}

// newRequest returns a request signed with a key, as the Go SDK signs.
func newRequest(key cos.Key, method, target, body string, header map[string]string) *http.Request {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	sdk.AddAuthorizationHeader(key.SecretID, key.SecretKey, key.SessionToken, r, sdk.NewAuthTime(time.Hour))
	r.Header.Del("Host") // the SDK leaves it there; servers never see it
	return r
}

// do sends a signed request without a network.
func do(t rapid.TB, store *cos.Store, key cos.Key, method, target string, header map[string]string) answer {
	t.Helper()
	return serve(t, store, newRequest(key, method, target, "", header))
}

func serve(t rapid.TB, store *cos.Store, r *http.Request) answer {
	t.Helper()
	recorder := httptest.NewRecorder()
	store.ServeHTTP(recorder, r)
	a := answer{Response: recorder.Result(), body: recorder.Body.String()}
	if a.StatusCode >= http.StatusMultipleChoices && a.body != "" {
		if err := xml.Unmarshal([]byte(a.body), &a.fault); err != nil {
			t.Fatalf("the error document is no XML: %v\n%s", err, a.body)
		}
	}
	return a
}

// wantFault checks an error answer.
func wantFault(t rapid.TB, a answer, status int, code string) {
	t.Helper()
	if a.StatusCode != status || a.fault.Code != code {
		t.Errorf("got %d %s (%s), want %d %s", a.StatusCode, a.fault.Code, a.fault.Message, status, code)
	}
}

func wantStatus(t rapid.TB, a answer, status int) {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("got %d %s, want %d", a.StatusCode, a.fault.Code, status)
	}
}

// mount puts a store into a running sandbox.
func mount(t testing.TB, store *cos.Store) *sandbox.Sandbox {
	t.Helper()
	sb, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sb.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	for _, pattern := range store.HostPatterns() {
		if err := sb.Handle(pattern, store); err != nil {
			t.Fatal(err)
		}
	}
	return sb
}

// sdkClient is Tencent's Go SDK, going through a sandbox.
func sdkClient(t testing.TB, sb *sandbox.Sandbox, key cos.Key, bucketURL string) *sdk.Client {
	t.Helper()
	transport := sb.Transport()
	transport.DisableCompression = true
	t.Cleanup(transport.CloseIdleConnections)
	base := &sdk.BaseURL{BucketURL: mustURL(t, bucketURL), ServiceURL: mustURL(t, service)}
	client := sdk.NewClient(base, &http.Client{Transport: &sdk.AuthorizationTransport{
		SecretID: key.SecretID, SecretKey: key.SecretKey, SessionToken: key.SessionToken, Transport: transport,
	}})
	client.Conf.RetryOpt.Count = 1
	client.Conf.ObjectKeySimplifyCheck = false
	return client
}

func mustURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
