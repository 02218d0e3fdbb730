package cos_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	sdk "github.com/tencentyun/cos-go-sdk-v5"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

// vectors are requests that Tencent's Python SDK signed; testdata/make_vectors.py
// makes them.
type vectors struct {
	Now       int64  `json:"now"`
	Bucket    string `json:"bucket"`
	Region    string `json:"region"`
	SecretID  string `json:"secret_id"`
	SecretKey string `json:"secret_key"`
	Temporary struct {
		SecretID     string `json:"secret_id"`
		SecretKey    string `json:"secret_key"`
		SessionToken string `json:"session_token"`
	} `json:"temporary"`
	Vectors []vector `json:"vectors"`
}

type vector struct {
	Name      string            `json:"name"`
	Method    string            `json:"method"`
	Host      string            `json:"host"`
	Target    string            `json:"target"`
	Headers   map[string]string `json:"headers"`
	Temporary bool              `json:"temporary"`
}

func loadVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/signature_vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var loaded vectors
	if err := json.Unmarshal(data, &loaded); err != nil {
		t.Fatal(err)
	}
	if len(loaded.Vectors) == 0 {
		t.Fatal("there are no vectors")
	}
	return loaded
}

// store returns a store that knows the keys of the vectors, at their time plus
// an offset.
func (v vectors) store(t *testing.T, offset time.Duration, opts ...cos.Option) *cos.Store {
	t.Helper()
	now := time.Unix(v.Now, 0).Add(offset)
	store, err := cos.New("", append(opts, cos.Clock(func() time.Time { return now }))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	err = store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{
		{SecretID: v.SecretID, SecretKey: v.SecretKey},
		{SecretID: v.Temporary.SecretID, SecretKey: v.Temporary.SecretKey, SessionToken: v.Temporary.SessionToken},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// request reads the vector as a server reads it from the wire.
func (v vector) request(t *testing.T) *http.Request {
	t.Helper()
	var wire strings.Builder
	fmt.Fprintf(&wire, "%s %s HTTP/1.1\r\nHost: %s\r\n", v.Method, v.Target, v.Host)
	for name, value := range v.Headers {
		fmt.Fprintf(&wire, "%s: %s\r\n", name, value)
	}
	wire.WriteString("\r\nhello")
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire.String())))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSignaturesOfThePythonSDKAreAccepted(t *testing.T) {
	loaded := loadVectors(t)
	// There is no bucket in this store, so that whatever passes the check of
	// its signature is answered with NoSuchBucket, and the service with a list.
	store := loaded.store(t, 0)
	for _, v := range loaded.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			a := serve(t, store, v.request(t))
			if strings.HasPrefix(v.Host, "service.") {
				wantStatus(t, a, http.StatusOK)
				return
			}
			if v.Method == http.MethodHead {
				wantStatus(t, a, http.StatusNotFound)
				return
			}
			wantFault(t, a, http.StatusNotFound, "NoSuchBucket")
		})
	}
}

func TestASignatureCoversEverythingThatItLists(t *testing.T) {
	loaded := loadVectors(t)
	store := loaded.store(t, 0)
	for _, v := range loaded.Vectors {
		for name, mutated := range mutations(t, v) {
			t.Run(v.Name+"/"+name, func(t *testing.T) {
				a := serve(t, store, mutated)
				if mutated.Method == http.MethodHead {
					wantStatus(t, a, http.StatusForbidden)
					return
				}
				wantFault(t, a, http.StatusForbidden, "SignatureDoesNotMatch")
			})
		}
	}
}

// mutations are requests that each differ from the vector in one signed place.
func mutations(t *testing.T, v vector) map[string]*http.Request {
	t.Helper()
	signature := v.Headers["Authorization"]
	if signature == "" {
		query, err := url.ParseQuery(strings.SplitN(v.Target, "?", 2)[1])
		if err != nil {
			t.Fatal(err)
		}
		signature = "q-header-list=" + query.Get("q-header-list") + "&q-url-param-list=" + query.Get("q-url-param-list")
	}
	mutated := make(map[string]*http.Request)
	change := func(name string, f func(r *http.Request)) {
		r := v.request(t)
		f(r)
		mutated[name] = r
	}
	change("another path", func(r *http.Request) { r.URL.Path += "x" })
	change("another method", func(r *http.Request) {
		r.Method = map[bool]string{true: http.MethodPut, false: http.MethodGet}[r.Method == http.MethodGet]
	})
	change("another signature", func(r *http.Request) {
		flip := func(text string) string {
			at := strings.Index(text, "q-signature=") + len("q-signature=")
			return text[:at] + map[bool]string{true: "0", false: "f"}[text[at] == 'f'] + text[at+1:]
		}
		if v.Headers["Authorization"] != "" {
			r.Header.Set("Authorization", flip(v.Headers["Authorization"]))
			return
		}
		r.URL.RawQuery = flip(r.URL.RawQuery)
	})
	for _, name := range listed(signature, "q-header-list") {
		if name == "host" {
			change("another host", func(r *http.Request) { r.Host = strings.Replace(r.Host, "cos.", "cos-internal.", 1) })
			continue
		}
		if name == "x-cos-security-token" {
			continue // another token is another key
		}
		change("another "+name, func(r *http.Request) { r.Header.Set(name, r.Header.Get(name)+"x") })
		change("a second "+name, func(r *http.Request) { r.Header.Add(name, "x") })
		change("no "+name, func(r *http.Request) { r.Header.Del(name) })
	}
	for _, name := range listed(signature, "q-url-param-list") {
		change("another "+name, func(r *http.Request) {
			query := r.URL.Query()
			query.Set(name, query.Get(name)+"x")
			r.URL.RawQuery = query.Encode()
		})
		change("no "+name, func(r *http.Request) {
			query := r.URL.Query()
			query.Del(name)
			r.URL.RawQuery = query.Encode()
		})
	}
	return mutated
}

func listed(authorization, list string) []string {
	for field := range strings.SplitSeq(authorization, "&") {
		if names, ok := strings.CutPrefix(field, list+"="); ok && names != "" {
			return strings.Split(names, ";")
		}
	}
	return nil
}

func TestSignaturesAreOnlyValidInTheirTime(t *testing.T) {
	loaded := loadVectors(t)
	v := loaded.Vectors[0] // valid from 60 seconds before until 10000 after
	for _, test := range []struct {
		name    string
		offset  time.Duration
		code    string
		message string
	}{
		{"just before the end", 10000 * time.Second, "", ""},
		{"after the end", 10001 * time.Second, "AccessDenied", "Request has expired"},
		{"within the tolerated skew", -16 * time.Minute, "", ""},
		{"long before the start", -17 * time.Minute, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := serve(t, loaded.store(t, test.offset), v.request(t))
			if test.code == "" {
				wantStatus(t, a, http.StatusOK)
				return
			}
			wantFault(t, a, http.StatusForbidden, test.code)
			if a.fault.Message != test.message {
				t.Errorf("message %q, want %q", a.fault.Message, test.message)
			}
		})
	}
}

func TestMalformedAuthorizationsAreRefused(t *testing.T) {
	store, _ := newStore(t, nil)
	for name, change := range map[string]func(string) string{
		"nothing":                   func(string) string { return "" },
		"another scheme":            func(string) string { return "Bearer abc" },
		"another algorithm":         func(a string) string { return strings.Replace(a, "sha1", "sha256", 1) },
		"no key":                    func(a string) string { return strings.Replace(a, "q-ak=", "q-xx=", 1) },
		"no signature":              func(a string) string { return a[:strings.Index(a, "&q-signature=")] },
		"times that are no numbers": func(a string) string { return strings.ReplaceAll(a, "-time=", "-time=x") },
		"a list in upper case":      func(a string) string { return strings.Replace(a, "=host", "=Host", 1) },
		"an unsorted list":          func(a string) string { return strings.Replace(a, "=host", "=range;host", 1) },
		"a signature beyond its key": func(a string) string {
			return strings.Replace(a, "q-sign-time=", "q-sign-time=1;99999999999&q-old=", 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(owner, http.MethodGet, service, "", nil)
			r.Header.Set("Authorization", change(r.Header.Get("Authorization")))
			wantFault(t, serve(t, store, r), http.StatusForbidden, "AccessDenied")
		})
	}
}

func TestAListedHeaderOrParameterMustBeSent(t *testing.T) {
	store, _ := newStore(t, nil)
	for name, list := range map[string]string{"header": "q-header-list=", "parameter": "q-url-param-list="} {
		t.Run(name, func(t *testing.T) {
			r := newRequest(owner, http.MethodGet, service, "", nil)
			authorization := strings.Replace(r.Header.Get("Authorization"), list, list+"absent;", 1)
			r.Header.Set("Authorization", strings.ReplaceAll(authorization, ";&", "&"))
			wantFault(t, serve(t, store, r), http.StatusForbidden, "SignatureDoesNotMatch")
		})
	}
}

func TestUnknownKeysAndForeignTokensAreTheSameToTheService(t *testing.T) {
	expired := cos.Key{SecretID: "AKIDexpired", SecretKey: "s", SessionToken: "t", Expires: time.Unix(1, 0)}
	fresh := cos.Key{SecretID: "AKIDfresh", SecretKey: "s", SessionToken: "t", Expires: time.Now().Add(time.Hour)}
	store, _ := newStore(t, []cos.Key{expired, fresh})
	with := func(key cos.Key, change func(*cos.Key)) cos.Key {
		change(&key)
		return key
	}
	for _, test := range []struct {
		name string
		key  cos.Key
		ok   bool
	}{
		{"a permanent key", owner, true},
		{"a temporary key with its token", temp, true},
		{"a temporary key before its end", fresh, true},
		{"a temporary key after its end", expired, false},
		{"an unknown key", with(owner, func(k *cos.Key) { k.SecretID = "AKIDnobody" }), false},
		{"a temporary key without its token", with(temp, func(k *cos.Key) { k.SessionToken = "" }), false},
		{"a temporary key with another token", with(temp, func(k *cos.Key) { k.SessionToken = "other" }), false},
		{"a permanent key with a token", with(owner, func(k *cos.Key) { k.SessionToken = "other" }), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := do(t, store, test.key, http.MethodGet, service, nil)
			if test.ok {
				wantStatus(t, a, http.StatusOK)
				return
			}
			wantFault(t, a, http.StatusForbidden, "InvalidAccessKeyId")
		})
	}
}

func TestAWrongSecretIsExplainedAsTheServiceExplainsIt(t *testing.T) {
	store, _ := newStore(t, nil)
	wrong := owner
	wrong.SecretKey = "wrong"
	a := do(t, store, wrong, http.MethodGet, objectURL("文档/a b.txt"), nil)
	wantFault(t, a, http.StatusForbidden, "SignatureDoesNotMatch")
	if want := "get\n/文档/a b.txt\n\nhost=documents-1250000000.cos.ap-guangzhou.myqcloud.com\n"; a.fault.FormatString != want {
		t.Errorf("FormatString %q, want %q", a.fault.FormatString, want)
	}
	if !strings.HasPrefix(a.fault.StringToSign, "sha1\n") || a.fault.SignTime == "" {
		t.Errorf("StringToSign %q and SignTime %q", a.fault.StringToSign, a.fault.SignTime)
	}
	if want := "documents-1250000000.cos.ap-guangzhou.myqcloud.com/文档/a b.txt"; a.fault.Resource != want {
		t.Errorf("Resource %q, want %q", a.fault.Resource, want)
	}
	if id := a.Header.Get("x-cos-request-id"); id == "" || id != a.fault.RequestID {
		t.Errorf("x-cos-request-id %q, RequestId %q", id, a.fault.RequestID)
	}
	if a.fault.TraceID == "" || strings.Contains(a.body, "ownerSecret") {
		t.Errorf("the document lacks a TraceId or holds the secret:\n%s", a.body)
	}
}

func TestEverythingMustBeSignedWhenTheStoreDemandsIt(t *testing.T) {
	strict, _ := newStore(t, nil, cos.RequireEverythingSigned())
	lenient, _ := newStore(t, nil)
	for _, store := range []*cos.Store{strict, lenient} {
		put(t, store, "documents-"+appID, "report.txt", "hello")
	}
	for name, request := range map[string]func() *http.Request{
		"a parameter": func() *http.Request {
			r := newRequest(owner, http.MethodGet, service, "", nil)
			r.URL.RawQuery = "max-keys=5"
			return r
		},
		"an x-cos header": func() *http.Request {
			r := newRequest(owner, http.MethodGet, service, "", nil)
			r.Header.Set("x-cos-late", "1")
			return r
		},
		"the host": func() *http.Request { return presigned(t, owner, "report.txt", false) },
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, serve(t, lenient, request()), http.StatusOK)
			wantFault(t, serve(t, strict, request()), http.StatusForbidden, "AccessDenied")
		})
	}
	wantStatus(t, do(t, strict, temp, http.MethodGet, service+"?max-keys=5", nil), http.StatusOK)
	wantStatus(t, serve(t, strict, presigned(t, owner, "report.txt", true)), http.StatusOK)
}

func TestPresignedURLsOfTemporaryKeysCarryTheirToken(t *testing.T) {
	store, bucket := newStore(t, nil)
	put(t, store, bucket, "report.txt", "hello")
	r := presigned(t, temp, "report.txt", true)
	wantFault(t, serve(t, store, r), http.StatusForbidden, "InvalidAccessKeyId")
	r.URL.RawQuery += "&x-cos-security-token=" + url.QueryEscape(temp.SessionToken)
	wantStatus(t, serve(t, store, r), http.StatusOK)
}

// presigned is a GET of an object by a URL that the Go SDK presigned.
func presigned(t *testing.T, key cos.Key, name string, signHost bool) *http.Request {
	t.Helper()
	base := mustURL(t, bucketURL("documents-"+appID, region))
	client := sdk.NewClient(&sdk.BaseURL{BucketURL: base, ServiceURL: base}, nil)
	u, err := client.Object.GetPresignedURL(t.Context(), http.MethodGet, name, key.SecretID, key.SecretKey, time.Hour, nil, signHost)
	if err != nil {
		t.Fatal(err)
	}
	return httptest.NewRequest(http.MethodGet, u.String(), nil)
}
