package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"hash/crc64"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/google/go-cmp/cmp"
)

func TestKeysOfEveryKindSurviveBrowseAndDownload(t *testing.T) {
	t.Parallel()
	c := newCloud(t, standin.Clock(time.Now))
	keys := []string{
		"plain.txt", "中文 文档.pdf", "a b c.txt", "a+b.txt", "50%.txt", "%41.txt", "#1?.txt", "q?prefix=x&marker=y", "/lead.txt", "//two",
		"a//b.txt", "a/../b.txt", "a/./b.txt", "..", ".", "../up.txt", "tab\tnewline\n.txt", "bell\a.txt", "<&>\"'.xml", "~!@$^*()_-={}[]|\\:;,.",
		"emoji 🗂.txt", "é", "e\u0301", strings.Repeat("深", 280), "trailing ", " leading",
	}
	bucket := c.bucket(t, "keys", "ap-guangzhou", keys...)
	a := user(t)
	found := map[string]bool{}
	var walk func(prefix string)
	walk = func(prefix string) {
		entries, _, err := c.browseAll(t.Context(), a, bucket, prefix, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Folder {
				walk(e.ID)
				continue
			}
			got, err := c.download(t.Context(), a, bucket, e.ID)
			if err != nil || got.content != e.ID || got.Size != int64(len(e.ID)) {
				t.Errorf("%q: content %q, size %d, %v", e.ID, got.content, got.Size, err)
			}
			found[e.ID] = true
		}
	}
	walk("")
	for _, key := range keys {
		if !found[key] {
			t.Errorf("%q is not found by browsing", key)
		}
	}
	if len(found) != len(keys) {
		t.Errorf("%d of %d keys", len(found), len(keys))
	}
}

func TestDownloadTellsNameTypeAndSize(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou")
	tests := []struct {
		key, stored, name, mediaType string
	}{
		{"a/b/report.pdf", "", "report.pdf", "application/pdf"},
		{"a/page", "text/html; charset=utf-8", "page", "text/html"},
		{"notes.md", "application/octet-stream", "notes.md", "text/markdown"},
		{"data.bin", "", "data.bin", ""},
	}
	for _, tt := range tests {
		c.put(t, bucket, tt.key, "content", standin.Meta{ContentType: tt.stored})
		got, err := c.download(t.Context(), user(t), bucket, tt.key)
		if err != nil || got.Name != tt.name || got.Type != tt.mediaType || got.Size != 7 || got.content != "content" {
			t.Errorf("%s: %q %q %d %q, %v", tt.key, got.Name, got.Type, got.Size, got.content, err)
		}
	}
}

func TestDownloadIsOneGETAndNothingElse(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou", "a.txt")
	if _, err := c.download(t.Context(), user(t), bucket, "a.txt"); err != nil {
		t.Fatal(err)
	}
	requests := c.wire.take()
	if len(requests) != 1 || requests[0].Method != http.MethodGet || requests[0].Header.Get("Range") != "" {
		t.Errorf("%d requests, the first %v", len(requests), requests[0])
	}
}

func TestDownloadOfAnEmptyObject(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou")
	c.put(t, bucket, "empty.txt", "", standin.Meta{})
	got, err := c.download(t.Context(), user(t), bucket, "empty.txt")
	if err != nil || got.Size != 0 || got.content != "" {
		t.Errorf("size %d, content %q, %v", got.Size, got.content, err)
	}
}

func TestDownloadRefusesWhatIsNoFile(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou", "folder/", "archive.bin")
	c.put(t, bucket, "cold.bin", "x", standin.Meta{StorageClass: standin.Archive})
	c.put(t, bucket, "thawed.bin", "x", standin.Meta{StorageClass: standin.DeepArchive, Restored: true})
	tests := []struct {
		name, bucket, key, says string
	}{
		{"a folder", bucket, "folder/", `"folder/" is a folder`},
		{"no key", bucket, "", "is a folder"},
		{"no bucket", "", "a.txt", "names no bucket"},
		{"a bucket that is none", "../x", "a.txt", "is not the name of a bucket"},
		{"a key that does not exist", bucket, "gone.txt", `no object "gone.txt"`},
		{"a bucket that does not exist", "none-" + appID, "a.txt", `no bucket "none-` + appID},
		{"an archived object", bucket, "cold.bin", "restore it first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := c.download(t.Context(), user(t), tt.bucket, tt.key)
			if err == nil || !strings.Contains(err.Error(), tt.says) || plugin.KindOf(err) != plugin.BadRequest {
				t.Errorf("error = %v", err)
			}
		})
	}
	if got, err := c.download(t.Context(), user(t), bucket, "thawed.bin"); err != nil || got.content != "x" {
		t.Errorf("a restored object: %q, %v", got.content, err)
	}
}

// large is the content of an object that is larger than the buffers on its way.
func large(size int64) string {
	var b strings.Builder
	_, _ = io.Copy(&b, standin.Generated(7, size))
	return b.String()
}

const largeSize = 1 << 20

func TestDownloadSurvivesABrokenConnection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		times   int
		effects []standin.Effect
		ranges  []string // of the requests after the first
	}{
		{"cut in the middle", 1, []standin.Effect{standin.Cut(300_000)}, []string{"bytes=300000-"}},
		{"cut before the first byte", 1, []standin.Effect{standin.Cut(0)}, []string{""}},
		{"cut three times", 3, []standin.Effect{standin.Cut(100_000)}, []string{"bytes=100000-", "bytes=200000-", "bytes=300000-"}},
		{"stalled", 1, []standin.Effect{standin.Stall(400_000, nil)}, []string{"bytes=400000-"}},
		{"without an answer", 1, []standin.Effect{standin.Drop()}, []string{""}},
		{"silent before the first byte", 1, []standin.Effect{standin.Hold(nil)}, []string{""}},
		{"slow before the first byte", 1, []standin.Effect{standin.Delay(100 * time.Millisecond)}, nil},
		{"503 first", 2, []standin.Effect{standin.Fail(503, "ServiceUnavailable", "")}, []string{"", ""}},
		{"429 first", 1, []standin.Effect{standin.Fail(429, "TooManyRequests", "")}, []string{""}},
		{"cut without a checksum", 1, []standin.Effect{standin.Cut(5), standin.WithoutHeader("x-cos-hash-crc64ecma")}, []string{"bytes=5-"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.impatient()
			bucket := c.bucket(t, "docs", "ap-guangzhou")
			if err := c.PutGenerated(bucket, "large.bin", largeSize, 7, standin.Meta{}); err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(tt.name, "without a checksum") {
				c.fail(standin.GetObject, 0, standin.WithoutHeader("x-cos-hash-crc64ecma"))
			}
			c.fail(standin.GetObject, tt.times, tt.effects...)
			got, err := c.download(t.Context(), user(t), bucket, "large.bin")
			if err != nil || got.content != large(largeSize) {
				t.Fatalf("%d bytes, %v", len(got.content), err)
			}
			var ranges []string
			for _, req := range c.wire.take()[1:] {
				ranges = append(ranges, req.Header.Get("Range"))
				if req.Header.Get("Range") != "" && req.Header.Get("If-Match") == "" {
					t.Error("the rest may be that of another object: If-Match is missing")
				}
			}
			if diff := cmp.Diff(tt.ranges, ranges); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestDownloadIsAnErrorWhenItCannotBeWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		effects []standin.Effect
		kind    plugin.Kind
		says    string
	}{
		{"cut every time", []standin.Effect{standin.Cut(1000)}, plugin.Connection, "of 1048576 bytes, also when it was taken up again 5 times"},
		{"stalled every time", []standin.Effect{standin.Stall(10, nil)}, plugin.Connection, "no data arrived"},
		{"a flipped bit", []standin.Effect{standin.FlipBit(500_000)}, plugin.Connection, "its checksum differs"},
		{"a length that is too short", []standin.Effect{standin.WrongLength(-1)}, plugin.Connection, "its checksum differs"},
		{"a length that is too long", []standin.Effect{standin.WrongLength(1)}, plugin.Connection, ""},
		{"access denied", []standin.Effect{standin.Fail(403, "AccessDenied", "")}, plugin.Authorization, "name/cos:GetObject"},
		{"too many requests", []standin.Effect{standin.Fail(429, "TooManyRequests", "")}, plugin.RateLimit, "fewer requests"},
		{"out of order", []standin.Effect{standin.Fail(503, "ServiceUnavailable", "")}, plugin.Unavailable, "failure of its own"},
		{"a redirect", []standin.Effect{standin.Redirect("https://elsewhere.example.com/")}, plugin.BadRequest, "is not in the region"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			c.impatient()
			bucket := c.bucket(t, "docs", "ap-guangzhou")
			if err := c.PutGenerated(bucket, "large.bin", largeSize, 7, standin.Meta{}); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(tt.name, "stalled") {
				c.drive.patience = 100 * time.Millisecond // to be too impatient would not change what is tested
			}
			c.fail(standin.GetObject, 0, tt.effects...)
			_, err := c.download(t.Context(), user(t), bucket, "large.bin")
			if err == nil || plugin.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "large.bin") {
				t.Errorf("%s: %v", plugin.KindOf(err), err)
			}
			if refused := c.box.Refused(); len(refused) > 0 {
				t.Errorf("the plugin tried to go elsewhere: %v", refused)
			}
		})
	}
}

// script answers the requests of one object one after the other.
func script(t *testing.T, answers ...http.HandlerFunc) *cloud {
	t.Helper()
	c := newCloud(t)
	n := 0
	if err := c.box.Handle("odd-1.cos.ap-guangzhou.myqcloud.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n++; n > len(answers) {
			http.Error(w, "no more answers", http.StatusTeapot)
			return
		}
		answers[n-1](w, r)
	})); err != nil {
		t.Fatal(err)
	}
	return c
}

func cut(w http.ResponseWriter, body string, length int) {
	w.Header().Set("ETag", `"e"`)
	w.Header().Set("Content-Length", strconv.Itoa(length))
	_, _ = io.WriteString(w, body)
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

func TestDownloadResumesOnlyWithTheRightRest(t *testing.T) {
	t.Parallel()
	first := func(w http.ResponseWriter, _ *http.Request) { cut(w, "0123", 10) }
	rest := func(status int, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"e"`)
			for i := 0; i < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "456789")
		}
	}
	tests := []struct {
		name string
		rest http.HandlerFunc
		says string
	}{
		{"the right one", rest(206, "Content-Range", "bytes 4-9/10"), ""},
		{"everything again", rest(200), "did not send the rest"},
		{"another part", rest(206, "Content-Range", "bytes 3-8/10"), "did not send the rest"},
		{"a part of something longer", rest(206, "Content-Range", "bytes 4-9/11"), "did not send the rest"},
		{"no range named", rest(206), "did not send the rest"},
		{"another object", rest(206, "Content-Range", "bytes 4-9/10", "ETag", `"f"`), "was replaced"},
		{"longer than announced", func(w http.ResponseWriter, r *http.Request) {
			rest(206, "Content-Range", "bytes 4-9/10", "Content-Length", "7")(w, r)
			_, _ = io.WriteString(w, "!")
		}, "the connection broke after 11 of 10"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := script(t, first, tt.rest)
			got, err := c.download(t.Context(), user(t), "odd-1", "a.txt")
			if tt.says == "" {
				if err != nil || got.content != "0123456789" {
					t.Errorf("%q, %v", got.content, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.says) || plugin.KindOf(err) != plugin.Connection {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestDownloadOfABodyWithoutALength(t *testing.T) {
	t.Parallel()
	chunked := func(sum string, cut bool) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Cos-Hash-Crc64ecma", sum)
			_, _ = io.WriteString(w, "0123456789")
			_ = http.NewResponseController(w).Flush()
			if cut {
				panic(http.ErrAbortHandler)
			}
		}
	}
	sum := strconv.FormatUint(crc64.Checksum([]byte("0123456789"), crc64.MakeTable(crc64.ECMA)), 10)
	for _, tt := range []struct {
		name, sum string
		cut       bool
		says      string
	}{
		{"whole", sum, false, ""},
		{"corrupted", "1", false, "its checksum differs"},
		{"cut", sum, true, "the connection broke after 10 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := script(t, chunked(tt.sum, tt.cut))
			got, err := c.download(t.Context(), user(t), "odd-1", "a.txt")
			switch {
			case tt.says == "" && (err != nil || got.Size != -1 || got.content != "0123456789"):
				t.Errorf("size %d, %q, %v", got.Size, got.content, err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("error = %v", err)
			}
		})
	}
}

func gzipped(t *testing.T, texts ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&b)
		_, writeErr := io.WriteString(w, text)
		if err := errors.Join(writeErr, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestDownloadUnpacksWhatIsStoredPacked(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of text\n", 100_000)
	tests := []struct {
		name, encoding, stored, want string
		says                         string
		effects                      []standin.Effect
	}{
		{"gzip", "gzip", gzipped(t, long), long, "", nil},
		{"gzip in upper case", "GZIP", gzipped(t, "x"), "x", "", nil},
		{"gzip in two members", "gzip", gzipped(t, "a", "b"), "ab", "", nil},
		{"an empty object", "gzip", "", "", "", nil},
		{"what only claims to be packed", "gzip", "plain text", "plain text", "", nil},
		{"another encoding", "br", "brotli", "brotli", "", nil},
		{"a packed object that ends too early", "gzip", gzipped(t, long)[:500], "", "cannot be unpacked", nil},
		{"a packed object with a flipped bit", "gzip", gzipped(t, large(100_000)), "", "checksum differs", []standin.Effect{standin.FlipBit(50)}},
		{"a packed object that is cut and resumed", "gzip", gzipped(t, large(100_000)), large(100_000), "", []standin.Effect{standin.Cut(50_000)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			bucket := c.bucket(t, "docs", "ap-guangzhou")
			c.put(t, bucket, "a.csv", tt.stored, standin.Meta{ContentEncoding: tt.encoding, ContentType: "text/csv"})
			if len(tt.effects) > 0 {
				c.fail(standin.GetObject, 1, tt.effects...)
			}
			got, err := c.download(t.Context(), user(t), bucket, "a.csv")
			if tt.says != "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if err != nil || got.content != tt.want {
				t.Errorf("%d bytes, %v", len(got.content), err)
			}
			if packed := tt.encoding != "br"; packed != (got.Size == -1) {
				t.Errorf("size = %d", got.Size)
			}
		})
	}
}

func TestFileCanBeOpenedAgainAsLongAsItIsTheSame(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou")
	c.put(t, bucket, "a.csv", gzipped(t, "content"), standin.Meta{ContentEncoding: "gzip"})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	file, err := c.drive.download(ctx, user(t), plugin.DownloadRequest{Bucket: bucket, ID: "a.csv"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if content, err := readFile(ctx, file); err != nil || content != "content" {
			t.Errorf("%q, %v", content, err)
		}
	}
	c.put(t, bucket, "a.csv", gzipped(t, "another"), standin.Meta{ContentEncoding: "gzip"})
	if _, err := readFile(ctx, file); err == nil || !strings.Contains(err.Error(), "replaced while it was being read") {
		t.Errorf("error = %v", err)
	}
}

func TestDownloadEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou")
	if err := c.PutGenerated(bucket, "large.bin", largeSize, 7, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	stalled := c.fail(standin.GetObject, 0, standin.Stall(1000, nil))
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("the time is over")
	go func() {
		<-stalled.Reached()
		cancel(cause)
	}()
	_, err := c.download(ctx, user(t), bucket, "large.bin")
	if err == nil || stalled.Hits() != 1 {
		t.Errorf("error %v after %d requests", err, stalled.Hits())
	}
}

func TestFileThatIsNeverOpenedIsReleasedWithItsRequest(t *testing.T) {
	t.Parallel()
	var request context.Context
	d := newDrive(func(func(string) bool) (http.RoundTripper, error) {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			request = req.Context()
			return &http.Response{StatusCode: 200, Body: endless{}, ContentLength: -1, Request: req}, nil
		}), nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := d.download(ctx, user(t), plugin.DownloadRequest{Bucket: "b-1", ID: "a"}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if request.Err() != nil {
		t.Fatal("the request ended before its file could be opened")
	}
	cancel()
	if request.Err() == nil {
		t.Error("the request goes on after its caller has gone")
	}
}

func TestDownloadTakesNoMemoryForLargeFiles(t *testing.T) {
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou")
	const size = 16 << 20
	if err := c.PutGenerated(bucket, "huge.bin", size, 7, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	file, err := c.drive.download(ctx, user(t), plugin.DownloadRequest{Bucket: bucket, ID: "huge.bin"}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	body, err := file.Open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	before := heap()
	if _, err := io.CopyN(io.Discard, body, size/2); err != nil {
		t.Fatal(err)
	}
	if grown := heap() - before; grown > 4<<20 {
		t.Errorf("half of a file of %d bytes is read, and %d bytes more are in memory", size, grown)
	}
}

// heap is how many bytes are reachable.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
