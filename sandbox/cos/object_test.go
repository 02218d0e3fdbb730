package cos_test

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"hash/crc64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

func checksum(body string) string {
	return strconv.FormatUint(crc64.Checksum([]byte(body), crc64.MakeTable(crc64.ECMA)), 10)
}

func TestAnObjectComesWithTheHeadersOfTheService(t *testing.T) {
	store, bucket := newStore(t, nil)
	modified := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	putMeta(t, store, bucket, "报告.txt", "hello", cos.Meta{
		ContentType: "text/plain", ContentEncoding: "gzip", ContentDisposition: "inline", CacheControl: "no-store",
		StorageClass: "STANDARD_IA", LastModified: modified, User: map[string]string{"author": "me"},
	})
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		a := do(t, store, owner, method, objectURL("报告.txt"), nil)
		wantStatus(t, a, http.StatusOK)
		for name, want := range map[string]string{
			"Content-Type": "text/plain", "Content-Encoding": "gzip", "Content-Disposition": "inline", "Cache-Control": "no-store",
			"Content-Length": "5", "ETag": `"5d41402abc4b2a76b9719d911017c592"`, "Last-Modified": "Mon, 06 May 2024 07:08:09 GMT",
			"Accept-Ranges": "bytes", "x-cos-hash-crc64ecma": checksum("hello"), "x-cos-storage-class": "STANDARD_IA",
			"x-cos-meta-author": "me", "Server": "tencent-cos",
		} {
			if got := a.Header.Get(name); got != want {
				t.Errorf("%s %s: got %q, want %q", method, name, got, want)
			}
		}
		if want := map[string]string{http.MethodGet: "hello"}[method]; a.body != want {
			t.Errorf("%s: body %q, want %q", method, a.body, want)
		}
	}
	a := do(t, store, owner, http.MethodGet, objectURL("报告.txt")+"?response-content-type=text%2Fhtml", nil)
	if got := a.Header.Get("Content-Type"); got != "text/html" {
		t.Errorf("replaced type: %q", got)
	}
}

func TestRanges(t *testing.T) {
	store, bucket := newStore(t, nil)
	put(t, store, bucket, "x", "0123456789")
	put(t, store, bucket, "empty", "")
	for _, test := range []struct {
		name, key, header string
		status            int
		body, content     string
	}{
		{"the first bytes", "x", "bytes=0-3", 206, "0123", "bytes 0-3/10"},
		{"from the middle to the end", "x", "bytes=7-", 206, "789", "bytes 7-9/10"},
		{"the last bytes", "x", "bytes=-2", 206, "89", "bytes 8-9/10"},
		{"more than there is", "x", "bytes=8-99", 206, "89", "bytes 8-9/10"},
		{"more of the end than there is", "x", "bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		{"behind the end", "x", "bytes=10-", 416, "", "bytes */10"},
		{"nothing of the end", "x", "bytes=-0", 416, "", "bytes */10"},
		{"of an empty object", "empty", "bytes=0-", 416, "", "bytes */0"},
		{"backwards", "x", "bytes=5-4", 200, "0123456789", ""},
		{"several", "x", "bytes=0-1,3-4", 200, "0123456789", ""},
		{"another unit", "x", "lines=0-1", 200, "0123456789", ""},
		{"no numbers", "x", "bytes=a-b", 200, "0123456789", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := do(t, store, owner, http.MethodGet, objectURL(test.key), map[string]string{"Range": test.header})
			if a.StatusCode != test.status || a.Header.Get("Content-Range") != test.content {
				t.Errorf("got %d with %q, want %d with %q", a.StatusCode, a.Header.Get("Content-Range"), test.status, test.content)
			}
			if test.status == 416 {
				wantFault(t, a, 416, "InvalidRange")
				return
			}
			if a.body != test.body || a.Header.Get("Content-Length") != fmt.Sprint(len(test.body)) {
				t.Errorf("body %q of length %s, want %q", a.body, a.Header.Get("Content-Length"), test.body)
			}
		})
	}
}

func TestPreconditions(t *testing.T) {
	store, bucket := newStore(t, nil)
	modified := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	putMeta(t, store, bucket, "x", "hello", cos.Meta{LastModified: modified})
	tag := `"5d41402abc4b2a76b9719d911017c592"`
	at := func(d time.Duration) string { return modified.Add(d).Format(http.TimeFormat) }
	for _, test := range []struct {
		name, header, value string
		status              int
	}{
		{"the tag matches", "If-Match", tag, 200},
		{"a bare tag matches", "If-Match", strings.Trim(tag, `"`), 200},
		{"another tag does not match", "If-Match", `"0"`, 412},
		{"one tag of a list matches", "If-Match", `"0", ` + tag, 200},
		{"the same tag is not sent again", "If-None-Match", tag, 304},
		{"any tag is not sent again", "If-None-Match", "*", 304},
		{"another tag is sent", "If-None-Match", `"0"`, 200},
		{"not modified since", "If-Modified-Since", at(0), 304},
		{"modified since", "If-Modified-Since", at(-time.Second), 200},
		{"unmodified since", "If-Unmodified-Since", at(0), 200},
		{"not unmodified since", "If-Unmodified-Since", at(-time.Second), 412},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := do(t, store, owner, http.MethodGet, objectURL("x"), map[string]string{test.header: test.value})
			if test.status == 412 {
				wantFault(t, a, 412, "PreconditionFailed")
				return
			}
			wantStatus(t, a, test.status)
			if test.status == 304 && (a.body != "" || a.Header.Get("ETag") != tag) {
				t.Errorf("304 with body %q and tag %q", a.body, a.Header.Get("ETag"))
			}
		})
	}
}

func TestArchivedObjectsMustBeRestored(t *testing.T) {
	store, bucket := newStore(t, nil)
	for _, class := range []string{cos.Archive, cos.DeepArchive} {
		putMeta(t, store, bucket, class, "old", cos.Meta{StorageClass: class})
		a := do(t, store, owner, http.MethodGet, objectURL(class), nil)
		wantFault(t, a, http.StatusForbidden, "InvalidObjectState")
		wantStatus(t, do(t, store, owner, http.MethodHead, objectURL(class), nil), http.StatusOK)
		if err := store.Restore(bucket, class); err != nil {
			t.Fatal(err)
		}
		if a := do(t, store, owner, http.MethodGet, objectURL(class), nil); a.body != "old" || a.Header.Get("x-cos-restore") == "" {
			t.Errorf("restored: %d %q", a.StatusCode, a.body)
		}
	}
	if err := store.Restore(bucket, "absent"); err == nil {
		t.Error("an absent object was restored")
	}
}

// strangeKeys are keys that file systems, URLs and XML have trouble with.
func strangeKeys() []string {
	return []string{
		"中文/年度 报告.pdf", "a b", "a+b", "a%b%20c", "a#b?c&d=e;f", "/leading", "a//b", "a/../../b", "../../../etc/passwd", "..", ".", "./x",
		"C:\\x", "con", "\x01\n\t\x7f", "🎉", strings.Repeat("长", 283) + "x", "folder/", "~", "\"'<>&`|*", "e\u0301", "\u00e9",
	}
}

func TestKeysOfEveryKindStayThemselvesAndInsideTheFolder(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "objects")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	store, err := cos.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{owner}}); err != nil {
		t.Fatal(err)
	}
	bucket := createBucket(t, store, appID, "documents", region)

	keys := strangeKeys()
	for _, key := range keys {
		a := serve(t, store, newRequest(owner, http.MethodPut, objectURL(key), "body of "+key, nil))
		wantStatus(t, a, http.StatusOK)
	}
	for _, key := range keys {
		if a := do(t, store, owner, http.MethodGet, objectURL(key), nil); a.body != "body of "+key {
			t.Errorf("%q: got %d %q", key, a.StatusCode, a.body)
		}
	}
	slices.Sort(keys)
	stored, err := store.Keys(bucket)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys, stored); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if around, err := os.ReadDir(parent); err != nil || len(around) != 1 {
		t.Errorf("files outside the folder: %v, %v", around, err)
	}

	for _, key := range keys {
		wantStatus(t, do(t, store, owner, http.MethodDelete, objectURL(key), nil), http.StatusNoContent)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("bodies left behind: %v, %v", left, err)
	}
}

func TestUploadsAreCheckedBeforeTheyAreVisible(t *testing.T) {
	store, _ := newStore(t, nil)
	digest := func(body string) string {
		sum := md5.Sum([]byte(body))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	for _, test := range []struct {
		name, key string
		header    map[string]string
		status    int
		code      string
	}{
		{"the right digest", "x", map[string]string{"Content-MD5": digest("hello")}, 200, ""},
		{"the digest of something else", "x", map[string]string{"Content-MD5": digest("other")}, 400, "BadDigest"},
		{"no digest at all", "x", map[string]string{"Content-MD5": "rubbish"}, 400, "InvalidDigest"},
		{"a short digest", "x", map[string]string{"Content-MD5": "aGVsbG8="}, 400, "InvalidDigest"},
		{"the longest key", strings.Repeat("k", cos.MaxKeyLength), nil, 200, ""},
		{"a longer key", strings.Repeat("k", cos.MaxKeyLength+1), nil, 400, "KeyTooLong"},
		{"a key that is no text", "\xff", nil, 400, "InvalidObjectName"},
		{"a copy", "x", map[string]string{"x-cos-copy-source": "a/b"}, 501, "NotImplemented"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := serve(t, store, newRequest(owner, http.MethodPut, objectURL(test.key), "hello", test.header))
			if test.code != "" {
				wantFault(t, a, test.status, test.code)
				wantStatus(t, do(t, store, owner, http.MethodHead, objectURL(test.key), nil), http.StatusNotFound)
				return
			}
			wantStatus(t, a, http.StatusOK)
			if a.Header.Get("ETag") != `"5d41402abc4b2a76b9719d911017c592"` || a.Header.Get("x-cos-hash-crc64ecma") != checksum("hello") {
				t.Errorf("headers: %v", a.Header)
			}
			do(t, store, owner, http.MethodDelete, objectURL(test.key), nil)
		})
	}
	tooLarge := newRequest(owner, http.MethodPut, objectURL("x"), "hello", nil)
	tooLarge.ContentLength = cos.MaxUploadSize + 1
	wantFault(t, serve(t, store, tooLarge), http.StatusBadRequest, "EntityTooLarge")
}

func TestAnUploadKeepsItsHeaders(t *testing.T) {
	store, bucket := newStore(t, nil)
	wantStatus(t, serve(t, store, newRequest(owner, http.MethodPut, objectURL("x"), "hello", map[string]string{
		"Content-Type": "text/plain", "Content-Encoding": "gzip", "x-cos-storage-class": "ARCHIVE", "x-cos-meta-author": "me",
	})), http.StatusOK)
	meta, size, err := store.Stat(bucket, "x")
	if err != nil {
		t.Fatal(err)
	}
	meta.LastModified = time.Time{}
	want := cos.Meta{ContentType: "text/plain", ContentEncoding: "gzip", StorageClass: "ARCHIVE", User: map[string]string{"author": "me"}}
	if diff := cmp.Diff(want, meta); diff != "" || size != 5 {
		t.Errorf("size %d, meta (-want +got):\n%s", size, diff)
	}
}

func TestReplacingAnObjectDoesNotDisturbItsReaders(t *testing.T) {
	dir := t.TempDir()
	store, err := cos.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{owner}}); err != nil {
		t.Fatal(err)
	}
	bucket := createBucket(t, store, appID, "documents", region)
	put(t, store, bucket, "x", "before")
	reader, err := store.Open(bucket, "x")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	put(t, store, bucket, "x", "after")
	if got, err := io.ReadAll(reader); err != nil || string(got) != "before" {
		t.Errorf("old reader: %q, %v", got, err)
	}
	if a := do(t, store, owner, http.MethodGet, objectURL("x"), nil); a.body != "after" {
		t.Errorf("new reader: %q", a.body)
	}
	if bodies, err := os.ReadDir(dir); err != nil || len(bodies) != 1 {
		t.Errorf("bodies in the folder: %v, %v", bodies, err)
	}
}

func TestAnObjectIsNotNewerThanItsLastModifiedHeaderSays(t *testing.T) {
	now := time.Now().Truncate(time.Second).Add(999 * time.Millisecond)
	store, bucket := newStore(t, nil, cos.Clock(func() time.Time { return now }))
	put(t, store, bucket, "x", "hello")
	modified := do(t, store, owner, http.MethodGet, objectURL("x"), nil).Header.Get("Last-Modified")
	wantStatus(t, do(t, store, owner, http.MethodGet, objectURL("x"), map[string]string{"If-Unmodified-Since": modified}), http.StatusOK)
	wantStatus(t, do(t, store, owner, http.MethodGet, objectURL("x"), map[string]string{"If-Modified-Since": modified}), http.StatusNotModified)
}

func TestGeneratedObjectsAreTheSameHoweverTheyAreRead(t *testing.T) {
	store, bucket := newStore(t, nil)
	const size = 100_003
	if err := store.PutGenerated(bucket, "big", size, 7, cos.Meta{}); err != nil {
		t.Fatal(err)
	}
	want, err := io.ReadAll(cos.Generated(7, size))
	if err != nil || len(want) != size {
		t.Fatalf("%d bytes, %v", len(want), err)
	}
	a := do(t, store, owner, http.MethodGet, objectURL("big"), nil)
	if a.body != string(want) || a.Header.Get("x-cos-hash-crc64ecma") != checksum(string(want)) {
		t.Errorf("whole: %d bytes, checksum %s", len(a.body), a.Header.Get("x-cos-hash-crc64ecma"))
	}
	for _, span := range [][2]int{{0, 0}, {1, 9}, {7, 8}, {99_999, 100_002}} {
		a := do(t, store, owner, http.MethodGet, objectURL("big"), map[string]string{"Range": fmt.Sprintf("bytes=%d-%d", span[0], span[1])})
		if a.body != string(want[span[0]:span[1]+1]) {
			t.Errorf("range %v differs", span)
		}
	}
	other, err := io.ReadAll(cos.Generated(8, size))
	if err != nil || bytes.Equal(other, want) {
		t.Errorf("another seed gives the same bytes, %v", err)
	}
	if err := store.PutGenerated(bucket, "x", -1, 0, cos.Meta{}); err == nil {
		t.Error("a negative size was accepted")
	}
}
