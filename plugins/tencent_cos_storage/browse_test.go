package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestBrowseListsTheBucketsOfAllRegions(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	for i, region := range servedRegions {
		c.bucket(t, fmt.Sprintf("b%d", i), region, "file.txt")
	}
	page, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{MaxKeys: 1})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"b0-" + appID, "b1-" + appID, "b2-" + appID, "b3-" + appID}
	if diff := cmp.Diff(plugin.Page{Buckets: want}, page); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	c.wire.take()
	for i, bucket := range want {
		page, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{Bucket: bucket, MaxKeys: 10})
		if err != nil || len(page.Entries) != 1 {
			t.Errorf("%s: %v, %v", bucket, page.Entries, err)
		}
		if diff := cmp.Diff([]string{bucket + ".cos." + servedRegions[i] + ".myqcloud.com"}, c.wire.hosts()); diff != "" {
			t.Errorf("a bucket that was listed with its region needs one request: -want +got\n%s", diff)
		}
	}
}

func TestBrowseOfAnAccountWithoutBucketsIsEmpty(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	page, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{MaxKeys: 20})
	if err != nil || page.Buckets == nil || len(page.Buckets) != 0 {
		t.Errorf("page = %+v, %v", page, err)
	}
}

func TestBrowseGathersAllPagesOfBuckets(t *testing.T) {
	t.Parallel()
	for _, marker := range []bool{true, false} {
		t.Run(fmt.Sprintf("with NextMarker %v", marker), func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			var want []string
			for i := range maxPage + 7 {
				want = append(want, c.bucket(t, fmt.Sprintf("b%05d", i), "ap-guangzhou"))
			}
			if !marker {
				c.fail(standin.GetService, 0, standin.WithoutNextMarker())
			}
			page, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{MaxKeys: 1})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, page.Buckets); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if got := len(c.wire.take()); got != 2 {
				t.Errorf("%d requests", got)
			}
		})
	}
}

func TestBrowseRefusesAListOfBucketsThatDoesNotAdvance(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	if err := c.box.Handle(serviceHost, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, "<ListAllMyBucketsResult><IsTruncated>true</IsTruncated><NextMarker>a-1</NextMarker><Buckets><Bucket><Name>a-1</Name></Bucket></Buckets></ListAllMyBucketsResult>")
	})); err != nil {
		t.Fatal(err)
	}
	_, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{MaxKeys: 1})
	if err == nil || !strings.Contains(err.Error(), "not where they begin") {
		t.Errorf("error = %v", err)
	}
	if got := len(c.wire.take()); got != 2 {
		t.Errorf("%d requests", got)
	}
}

func TestBrowseShowsJustTheEnteredBuckets(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	page, err := c.drive.browse(t.Context(), user(t, "bucket", "z-1 a-1"), plugin.BrowseRequest{MaxKeys: 1})
	if diff := cmp.Diff(plugin.Page{Buckets: []string{"z-1", "a-1"}}, page); diff != "" || err != nil {
		t.Errorf("error %v, -want +got\n%s", err, diff)
	}
	if got := c.wire.take(); len(got) != 0 {
		t.Errorf("%d requests were sent", len(got))
	}
}

func TestBrowseFindsABucketInAnotherRegion(t *testing.T) {
	t.Parallel()
	listing := standin.Key{SecretID: secretID, SecretKey: secretKey}
	withoutService := standin.Key{SecretID: secretID, SecretKey: secretKey, Grants: []standin.Grant{{Actions: []standin.Action{standin.GetBucket}}}}
	tests := []struct {
		name  string
		opts  []standin.Option
		key   standin.Key
		hosts []string // without the suffix; nil means that it is not found
	}{
		{"by the list of buckets", nil, listing, []string{"%s.cos.ap-guangzhou", "service.cos", "%s.cos.eu-frankfurt"}},
		{"by the answer", []standin.Option{standin.RedirectWrongRegion()}, withoutService, []string{"%s.cos.ap-guangzhou", "%s.cos.eu-frankfurt"}},
		{"not at all without both", nil, withoutService, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t, tt.opts...)
			c.account(t, tt.key)
			bucket := c.bucket(t, "far", "eu-frankfurt", "a.txt")
			in := plugin.BrowseRequest{Bucket: bucket, MaxKeys: 20}
			page, err := c.drive.browse(t.Context(), user(t), in)
			if tt.hosts == nil {
				if err == nil || !strings.Contains(err.Error(), `in the region "ap-guangzhou"`) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if err != nil || len(page.Entries) != 1 {
				t.Fatalf("page %v, %v", page, err)
			}
			var want []string
			for _, host := range tt.hosts {
				want = append(want, strings.Replace(host, "%s", bucket, 1)+".myqcloud.com")
			}
			if diff := cmp.Diff(want, c.wire.hosts()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if _, err := c.drive.browse(t.Context(), user(t), in); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want[len(want)-1:], c.wire.hosts()); diff != "" {
				t.Errorf("the second time it is known: -want +got\n%s", diff)
			}
		})
	}
}

func TestBrowseFollowsABucketThatMoved(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "moved", "eu-frankfurt", "a.txt")
	a := user(t)
	c.drive.regions.put(a, bucket, "ap-singapore")
	page, err := c.drive.browse(t.Context(), a, plugin.BrowseRequest{Bucket: bucket, MaxKeys: 20})
	if err != nil || len(page.Entries) != 1 {
		t.Errorf("page %v, %v", page, err)
	}
}

func TestBrowseOfAFolder(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou", "doc.txt", "doc/", "doc/b.txt", "doc/a/", "doc/a/x", "doc/empty/", "documents/y", "z")
	tests := []struct {
		prefix string
		want   []plugin.Entry
	}{
		{"", []plugin.Entry{{ID: "doc.txt", Name: "doc.txt", Size: 7}, {ID: "doc/", Name: "doc", Folder: true}, {ID: "documents/", Name: "documents", Folder: true}, {ID: "z", Name: "z", Size: 1}}},
		{"doc/", []plugin.Entry{{ID: "doc/a/", Name: "a", Folder: true}, {ID: "doc/b.txt", Name: "b.txt", Size: 9}, {ID: "doc/empty/", Name: "empty", Folder: true}}},
		{"doc", []plugin.Entry{{ID: "doc/a/", Name: "a", Folder: true}, {ID: "doc/b.txt", Name: "b.txt", Size: 9}, {ID: "doc/empty/", Name: "empty", Folder: true}}},
		{"doc/empty/", []plugin.Entry{}},
		{"no/such/folder", []plugin.Entry{}},
	}
	for _, tt := range tests {
		page, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{Bucket: bucket, Prefix: tt.prefix, MaxKeys: 100})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(plugin.Page{Entries: tt.want}, page); diff != "" {
			t.Errorf("folder %q: -want +got\n%s", tt.prefix, diff)
		}
	}
}

func TestBrowseNeverReturnsMoreThanAskedNorAnEmptyPageWithMore(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	bucket := c.bucket(t, "docs", "ap-guangzhou", "f/", "f/1", "f/2", "f/3")
	entries, pages, err := c.browseAll(t.Context(), user(t), bucket, "f/", 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"f/1", "f/2", "f/3"}, ids(entries)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 1, 1}, pages); diff != "" {
		t.Errorf("pages: -want +got\n%s", diff)
	}
	for _, req := range c.wire.take() {
		if got := req.URL.Query().Get("max-keys"); got != "1" {
			t.Errorf("max-keys = %s", got)
		}
	}
	if _, _, err := c.browseAll(t.Context(), user(t), bucket, "", 5000); err != nil {
		t.Error(err)
	}
	if got := c.wire.take()[0].URL.Query().Get("max-keys"); got != "1000" {
		t.Errorf("max-keys = %s", got)
	}
}

func TestBrowseEndsBehindEndlessEmptyPages(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	n := 0
	if err := c.box.Handle("empty-1.cos.ap-guangzhou.myqcloud.com", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		fmt.Fprintf(w, "<ListBucketResult><IsTruncated>true</IsTruncated><NextMarker>%05d</NextMarker></ListBucketResult>", n)
	})); err != nil {
		t.Fatal(err)
	}
	_, err := c.drive.browse(t.Context(), user(t), plugin.BrowseRequest{Bucket: "empty-1", MaxKeys: 1})
	if err == nil || plugin.KindOf(err) != plugin.Unavailable || n != maxEmptyPages {
		t.Errorf("error %v after %d pages", err, n)
	}
}

// naive is what a folder holds, by definition.
func naive(keys []string, prefix string) []string {
	found := map[string]bool{}
	for _, key := range keys {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok || rest == "" {
			continue
		}
		if at := strings.IndexByte(rest, '/'); at >= 0 {
			rest = rest[:at+1]
		}
		found[prefix+rest] = true
	}
	var out []string
	for id := range found {
		out = append(out, id)
	}
	slices.Sort(out)
	return out
}

func TestPagingToTheEndShowsEveryEntryOnce(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	withoutMarkers := newCloud(t)
	withoutMarkers.fail(standin.GetBucket, 0, standin.WithoutNextMarker())
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		segment := rapid.SampledFrom([]string{"a", "b", "ab", "a b", "中", "+", "%2F", "", ".", "..", "#?"})
		key := rapid.Custom(func(rt *rapid.T) string {
			return strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(rt, "segments"), "/")
		}).Filter(func(key string) bool { return key != "" })
		keys := rapid.SliceOfNDistinct(key, 0, 25, rapid.ID).Draw(rt, "keys")
		prefix := rapid.SampledFrom([]string{"", "a/", "a", "b/", "/", "中/", "a/b/"}).Draw(rt, "prefix")
		maxKeys := rapid.IntRange(1, 8).Draw(rt, "max_keys")
		for _, c := range []*cloud{c, withoutMarkers} {
			bucket := c.bucket(t, fmt.Sprintf("n%d", n), "ap-guangzhou", keys...)
			entries, pages, err := c.browseAll(context.Background(), user(t), bucket, prefix, maxKeys)
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(naive(keys, folderPrefix(prefix)), ids(entries)); diff != "" {
				rt.Fatalf("-want +got\n%s", diff)
			}
			for i, size := range pages {
				if size > maxKeys || size == 0 && i < len(pages)-1 {
					rt.Fatalf("pages %v with max_keys %d", pages, maxKeys)
				}
			}
		}
	})
}
