package cos_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

func TestGrantsLimitAKey(t *testing.T) {
	reader := cos.Key{SecretID: "AKIDreader", SecretKey: "s", Grants: []cos.Grant{
		{Actions: []cos.Action{cos.GetService, cos.GetBucket, cos.GetObject}, Buckets: []string{"documents-" + appID}},
	}}
	folder := cos.Key{SecretID: "AKIDfolder", SecretKey: "s", Grants: []cos.Grant{
		{Actions: []cos.Action{cos.GetBucket, cos.GetObject, cos.HeadBucket}, Prefix: "public/"},
	}}
	nobody := cos.Key{SecretID: "AKIDnobody", SecretKey: "s", Grants: []cos.Grant{}}
	store, bucket := newStore(t, []cos.Key{reader, folder, nobody})
	other := createBucket(t, store, appID, "other", region)
	put(t, store, bucket, "private/x", "x")
	put(t, store, bucket, "public/x", "x")

	root, elsewhere := bucketURL(bucket, region), bucketURL(other, region)
	for _, test := range []struct {
		name           string
		key            cos.Key
		method, target string
		allowed        bool
	}{
		{"the reader lists buckets", reader, http.MethodGet, service, true},
		{"the reader lists its bucket", reader, http.MethodGet, root, true},
		{"the reader reads an object", reader, http.MethodGet, objectURL("private/x"), true},
		{"the reader may not ask for headers", reader, http.MethodHead, objectURL("private/x"), false},
		{"the reader may not ask for the bucket", reader, http.MethodHead, root, false},
		{"the reader may not write", reader, http.MethodPut, objectURL("private/x"), false},
		{"the reader may not delete", reader, http.MethodDelete, objectURL("private/x"), false},
		{"the reader may not list another bucket", reader, http.MethodGet, elsewhere, false},
		{"the folder's key may not list buckets", folder, http.MethodGet, service, false},
		{"the folder's key lists its folder", folder, http.MethodGet, root + "?prefix=public%2F", true},
		{"the folder's key may not list the root", folder, http.MethodGet, root, false},
		{"the folder's key reads its folder", folder, http.MethodGet, objectURL("public/x"), true},
		{"the folder's key may not read elsewhere", folder, http.MethodGet, objectURL("private/x"), false},
		{"the folder's key asks for the bucket", folder, http.MethodHead, root, true},
		{"no grants allow nothing", nobody, http.MethodGet, objectURL("public/x"), false},
		{"a permanent key without limits does everything", owner, http.MethodDelete, objectURL("private/x"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := do(t, store, test.key, test.method, test.target, nil)
			if test.allowed {
				if a.StatusCode >= 300 {
					t.Errorf("got %d %s", a.StatusCode, a.fault.Code)
				}
				return
			}
			wantStatus(t, a, http.StatusForbidden)
			if test.method != http.MethodHead {
				wantFault(t, a, http.StatusForbidden, "AccessDenied")
			}
		})
	}
}

func TestABucketOfAnotherAccountIsDenied(t *testing.T) {
	store, _ := newStore(t, nil)
	if err := store.AddAccount(cos.Account{AppID: "1300000000"}); err != nil {
		t.Fatal(err)
	}
	foreign := createBucket(t, store, "1300000000", "theirs", region)
	wantFault(t, do(t, store, owner, http.MethodGet, bucketURL(foreign, region), nil), http.StatusForbidden, "AccessDenied")
}

func TestABucketIsFoundAtItsHosts(t *testing.T) {
	store, bucket := newStore(t, nil)
	if err := store.BindDomain("Files.Example.com", bucket); err != nil {
		t.Fatal(err)
	}
	fast := createBucket(t, store, appID, "fast", region)
	if err := store.Accelerate(fast); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, host string
		status     int
		code       string
	}{
		{"its region", bucket + ".cos.ap-guangzhou.myqcloud.com", 200, ""},
		{"the newer domain", bucket + ".cos.ap-guangzhou.tencentcos.cn", 200, ""},
		{"the internal name", bucket + ".cos-internal.ap-guangzhou.tencentcos.cn", 200, ""},
		{"a port", bucket + ".cos.ap-guangzhou.myqcloud.com:443", 200, ""},
		{"a domain of its own", "files.example.com", 200, ""},
		{"the accelerated host", fast + ".cos.accelerate.myqcloud.com", 200, ""},
		{"the accelerated host of a bucket without it", bucket + ".cos.accelerate.myqcloud.com", 400, "BucketAccelerateNotEnabled"},
		{"another region", bucket + ".cos.ap-shanghai.myqcloud.com", 404, "NoSuchBucket"},
		{"an unknown bucket", "nothing-" + appID + ".cos.ap-guangzhou.myqcloud.com", 404, "NoSuchBucket"},
		{"a bucket without its AppID", "documents.cos.ap-guangzhou.myqcloud.com", 404, "NoSuchBucket"},
		{"no COS host", "www.myqcloud.com", 404, "NoSuchBucket"},
		{"an unbound domain", "other.example.com", 404, "NoSuchBucket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := do(t, store, owner, http.MethodGet, "https://"+test.host+"/", nil)
			if test.code != "" {
				wantFault(t, a, test.status, test.code)
				return
			}
			wantStatus(t, a, test.status)
			if a.Header.Get("x-cos-bucket-region") != region {
				t.Errorf("region header %q", a.Header.Get("x-cos-bucket-region"))
			}
		})
	}
}

func TestTheWrongRegionCanBeARedirect(t *testing.T) {
	store, bucket := newStore(t, nil, cos.RedirectWrongRegion())
	a := do(t, store, owner, http.MethodGet, bucketURL(bucket, "ap-shanghai")+"a%2Fb?response-expires=0", nil)
	wantFault(t, a, http.StatusMovedPermanently, "PermanentRedirect")
	if got, want := a.Header.Get("Location"), bucketURL(bucket, region)+"a%2Fb?response-expires=0"; got != want {
		t.Errorf("location %q, want %q", got, want)
	}
	if got := a.Header.Get("x-cos-bucket-region"); got != region {
		t.Errorf("region header %q", got)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	store, bucket := newStore(t, nil)
	root := bucketURL(bucket, region)
	for _, test := range []struct {
		name, method, target string
		status               int
		code                 string
	}{
		{"an object", http.MethodGet, objectURL("absent"), 404, "NoSuchKey"},
		{"posting to the service", http.MethodPost, service, 405, "MethodNotAllowed"},
		{"putting a bucket", http.MethodPut, root, 405, "MethodNotAllowed"},
		{"posting an object", http.MethodPost, objectURL("x"), 405, "MethodNotAllowed"},
		{"patching an object", http.MethodPatch, objectURL("x"), 405, "MethodNotAllowed"},
		{"an access control list", http.MethodGet, root + "?acl", 501, "NotImplemented"},
		{"a multipart upload", http.MethodPost, objectURL("x") + "?uploads", 501, "NotImplemented"},
		{"a path of the service", http.MethodGet, service + "x", 400, "InvalidURI"},
		{"a malformed query", http.MethodGet, root + "?prefix=%zz", 400, "InvalidURI"},
	} {
		t.Run(test.name, func(t *testing.T) {
			wantFault(t, do(t, store, owner, test.method, test.target, nil), test.status, test.code)
		})
	}
	wantStatus(t, do(t, store, owner, http.MethodHead, objectURL("absent"), nil), http.StatusNotFound)
	wantStatus(t, do(t, store, owner, http.MethodDelete, objectURL("absent"), nil), http.StatusNoContent)
	a := do(t, store, owner, http.MethodHead, root, nil)
	if a.StatusCode != http.StatusOK || a.Header.Get("x-cos-bucket-region") != region {
		t.Errorf("head of the bucket: %d %v", a.StatusCode, a.Header)
	}
}

func TestStoresRefuseWhatTheServiceCouldNotHold(t *testing.T) {
	store, bucket := newStore(t, nil)
	for name, try := range map[string]func() error{
		"an account without a number": func() error { return store.AddAccount(cos.Account{AppID: "me"}) },
		"a key without a secret": func() error {
			return store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{{SecretID: "x"}}})
		},
		"a permanent key that expires": func() error {
			return store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{{SecretID: "x", SecretKey: "y", Expires: time.Now()}}})
		},
		"a key of another account": func() error { return store.AddAccount(cos.Account{AppID: "1300000000", Keys: []cos.Key{owner}}) },
		"a bucket of nobody":       func() error { _, err := store.CreateBucket("1400000000", "x", region); return err },
		"a bucket twice":           func() error { _, err := store.CreateBucket(appID, "documents", region); return err },
		"a bucket in upper case":   func() error { _, err := store.CreateBucket(appID, "Documents", region); return err },
		"a bucket in no region":    func() error { _, err := store.CreateBucket(appID, "x", "Guangzhou"); return err },
		"an object of no bucket":   func() error { return store.Put("nothing", "x", strings.NewReader(""), cos.Meta{}) },
		"an object without a key":  func() error { return store.Put(bucket, "", strings.NewReader(""), cos.Meta{}) },
		"a domain of no bucket":    func() error { return store.BindDomain("a.example", "nothing") },
		"speed for no bucket":      func() error { return store.Accelerate("nothing") },
	} {
		if try() == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestReplacingAnAccountRevokesItsKeys(t *testing.T) {
	store, _ := newStore(t, nil)
	if err := store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{temp}}); err != nil {
		t.Fatal(err)
	}
	wantFault(t, do(t, store, owner, http.MethodGet, service, nil), http.StatusForbidden, "InvalidAccessKeyId")
	wantStatus(t, do(t, store, temp, http.MethodGet, service, nil), http.StatusOK)
}
