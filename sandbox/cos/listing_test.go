package cos_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

// page is a ListBucketResult.
type page struct {
	Name, EncodingType, Prefix, Marker, Delimiter, NextMarker string
	MaxKeys                                                   int
	IsTruncated                                               bool
	CommonPrefixes                                            []struct{ Prefix string }
	Contents                                                  []struct {
		Key, LastModified, ETag, StorageClass string
		Size                                  int64
		Owner                                 struct{ ID, DisplayName string }
	}
}

func (p page) keys() []string {
	var keys []string
	for _, o := range p.Contents {
		keys = append(keys, o.Key)
	}
	return keys
}

func (p page) prefixes() []string {
	var prefixes []string
	for _, c := range p.CommonPrefixes {
		prefixes = append(prefixes, c.Prefix)
	}
	return prefixes
}

func list(t rapid.TB, store *cos.Store, query url.Values) page {
	t.Helper()
	a := do(t, store, owner, http.MethodGet, bucketURL("documents-"+appID, region)+"?"+query.Encode(), nil)
	wantStatus(t, a, http.StatusOK)
	var p page
	if err := xml.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("the list is no XML: %v\n%s", err, a.body)
	}
	return p
}

func query(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return q
}

func TestAListShowsWhatTheServiceShows(t *testing.T) {
	store, bucket := newStore(t, nil)
	put(t, store, bucket, "a&b <c>.txt", "hello")
	putMeta(t, store, bucket, "old/x", "", cos.Meta{StorageClass: cos.Archive})

	p := list(t, store, query("delimiter", "", "max-keys", "5000"))
	if p.Name != bucket || p.MaxKeys != 1000 || p.IsTruncated || p.EncodingType != "" {
		t.Errorf("page: %+v", p)
	}
	if diff := cmp.Diff([]string{"a&b <c>.txt", "old/x"}, p.keys()); diff != "" {
		t.Fatalf("keys (-want +got):\n%s", diff)
	}
	first := p.Contents[0]
	if first.ETag != `"5d41402abc4b2a76b9719d911017c592"` || first.Size != 5 || first.StorageClass != "STANDARD" || first.Owner.ID != appID {
		t.Errorf("object: %+v", first)
	}
	if got := p.Contents[1].StorageClass; got != "ARCHIVE" {
		t.Errorf("storage class %q, want ARCHIVE", got)
	}
}

func TestAListGroupsAndPages(t *testing.T) {
	store, bucket := newStore(t, nil)
	for _, key := range []string{"a.txt", "b/", "b/1", "b/2/3", "c/1", "c/2", "d", "文/件"} {
		put(t, store, bucket, key, "")
	}
	for _, test := range []struct {
		name           string
		query          url.Values
		keys, prefixes []string
		next           string
	}{
		{"everything", query(), []string{"a.txt", "b/", "b/1", "b/2/3", "c/1", "c/2", "d", "文/件"}, nil, ""},
		{"the root folder", query("delimiter", "/"), []string{"a.txt", "d"}, []string{"b/", "c/", "文/"}, ""},
		{"a folder with its placeholder", query("prefix", "b/", "delimiter", "/"), []string{"b/", "b/1"}, []string{"b/2/"}, ""},
		{"a prefix without a slash", query("prefix", "b", "delimiter", "/"), nil, []string{"b/"}, ""},
		{"a page that ends in a common prefix", query("delimiter", "/", "max-keys", "2"), []string{"a.txt"}, []string{"b/"}, "b/"},
		{"the page after a common prefix", query("delimiter", "/", "max-keys", "2", "marker", "b/"), []string{"d"}, []string{"c/"}, "d"},
		{"the page after a key inside a common prefix", query("delimiter", "/", "marker", "c/1"), []string{"d"}, []string{"c/", "文/"}, ""},
		{"a page that just fits", query("prefix", "c/", "max-keys", "2"), []string{"c/1", "c/2"}, nil, ""},
		{"no keys at all", query("max-keys", "0"), nil, nil, ""},
		{"a marker behind the end", query("marker", "龍"), nil, nil, ""},
		{"a placeholder as marker inside its folder", query("prefix", "b/", "delimiter", "/", "marker", "b/"), []string{"b/1"}, []string{"b/2/"}, ""},
		{"url encoding", query("prefix", "文/", "encoding-type", "url"), []string{"%E6%96%87/%E4%BB%B6"}, nil, ""},
		{"an encoded cursor", query("delimiter", "/", "marker", "c/", "max-keys", "1", "encoding-type", "url"), []string{"d"}, nil, "d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := list(t, store, test.query)
			if diff := cmp.Diff(test.keys, p.keys()); diff != "" {
				t.Errorf("keys (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.prefixes, p.prefixes()); diff != "" {
				t.Errorf("prefixes (-want +got):\n%s", diff)
			}
			if p.NextMarker != test.next || p.IsTruncated != (test.next != "") {
				t.Errorf("truncated %v, next %q; want next %q", p.IsTruncated, p.NextMarker, test.next)
			}
		})
	}
}

func TestBadListParametersAreRefused(t *testing.T) {
	store, _ := newStore(t, nil)
	for bad, code := range map[string]string{
		"max-keys=-1": "InvalidArgument", "max-keys=x": "InvalidArgument", "max-keys=": "InvalidArgument", "max-keys=1.5": "InvalidArgument",
		"encoding-type=base64": "InvalidArgument", "delimiter=ab": "InvalidDelimiter",
	} {
		a := do(t, store, owner, http.MethodGet, bucketURL("documents-"+appID, region)+"?"+bad, nil)
		wantFault(t, a, http.StatusBadRequest, code)
	}
}

func TestControlCharactersBreakAListUnlessItIsEncoded(t *testing.T) {
	store, bucket := newStore(t, nil)
	put(t, store, bucket, "line\x01feed", "")
	a := do(t, store, owner, http.MethodGet, bucketURL(bucket, region), nil)
	if err := xml.Unmarshal([]byte(a.body), new(page)); err == nil {
		t.Errorf("the raw list is well-formed:\n%s", a.body)
	}
	if diff := cmp.Diff([]string{"line%01feed"}, list(t, store, query("encoding-type", "url")).keys()); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// entries is what paging to the end must find, computed from the definition: a
// key behind the marker is shown as itself or as its common prefix, and never
// as a common prefix that the marker names.
func entries(keys []string, prefix, delimiter, marker string) []string {
	found := make(map[string]bool)
	for _, key := range keys {
		if !strings.HasPrefix(key, prefix) || key <= marker {
			continue
		}
		entry := key
		if before, _, ok := strings.Cut(key[len(prefix):], delimiter); ok && delimiter != "" {
			entry = prefix + before + delimiter
		}
		if entry != marker || entry == key {
			found[entry] = true
		}
	}
	var sorted []string
	for entry := range found {
		sorted = append(sorted, entry)
	}
	slices.Sort(sorted)
	return sorted
}

func TestPagingToTheEndFindsEveryEntryOnceInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		store, err := cos.New("")
		if err != nil {
			rt.Fatal(err)
		}
		defer store.Close()
		if err := store.AddAccount(cos.Account{AppID: appID, Keys: []cos.Key{owner}}); err != nil {
			rt.Fatal(err)
		}
		bucket := createBucket(rt, store, appID, "documents", region)
		text := rapid.StringOfN(rapid.SampledFrom([]rune("ab/%文\x02")), 0, 6, -1)
		keys := rapid.SliceOfNDistinct(text.Filter(func(s string) bool { return s != "" }), 0, 25, rapid.ID[string]).Draw(rt, "keys")
		for _, key := range keys {
			if err := store.PutGenerated(bucket, key, 1, 1, cos.Meta{}); err != nil {
				rt.Fatal(err)
			}
		}
		prefix := rapid.StringOfN(rapid.SampledFrom([]rune("ab/文")), 0, 2, -1).Draw(rt, "prefix")
		delimiter := rapid.SampledFrom([]string{"", "/", "a", "文"}).Draw(rt, "delimiter")
		start := text.Draw(rt, "marker")
		limit := rapid.IntRange(1, 7).Draw(rt, "max-keys")

		var got []string
		for marker, more := start, true; more; {
			p := list(rt, store, query("prefix", prefix, "delimiter", delimiter, "marker", marker,
				"max-keys", fmt.Sprint(limit), "encoding-type", "url"))
			onPage := append(p.keys(), p.prefixes()...)
			if len(onPage) > limit || p.IsTruncated && len(onPage) < limit {
				rt.Fatalf("a page of %d with %d entries, truncated %v", limit, len(onPage), p.IsTruncated)
			}
			slices.SortFunc(onPage, func(a, b string) int { return strings.Compare(decode(rt, a), decode(rt, b)) })
			for _, entry := range onPage {
				got = append(got, decode(rt, entry))
			}
			if more = p.IsTruncated; more && decode(rt, p.NextMarker) != got[len(got)-1] {
				rt.Fatalf("next marker %q, last entry %q", decode(rt, p.NextMarker), got[len(got)-1])
			}
			marker = decode(rt, p.NextMarker)
		}
		if diff := cmp.Diff(entries(keys, prefix, delimiter, start), got); diff != "" {
			rt.Fatalf("entries (-want +got):\n%s", diff)
		}
	})
}

func decode(t rapid.TB, text string) string {
	decoded, err := url.PathUnescape(text)
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// buckets is a ListAllMyBucketsResult.
type buckets struct {
	Owner              struct{ ID, DisplayName string }
	Marker, NextMarker string
	IsTruncated        bool
	Buckets            struct {
		Bucket []struct{ Name, Location, CreationDate, BucketType string }
	}
}

func (b buckets) names() []string {
	var names []string
	for _, bucket := range b.Buckets.Bucket {
		names = append(names, bucket.Name+"@"+bucket.Location)
	}
	return names
}

func listBuckets(t *testing.T, store *cos.Store, key cos.Key, target string) buckets {
	t.Helper()
	a := do(t, store, key, http.MethodGet, target, nil)
	wantStatus(t, a, http.StatusOK)
	var b buckets
	if err := xml.Unmarshal([]byte(a.body), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestTheServiceListsTheBucketsOfTheKeysAccount(t *testing.T) {
	store, _ := newStore(t, nil)
	createBucket(t, store, appID, "archive", "ap-shanghai")
	createBucket(t, store, appID, "photos", region)
	stranger := cos.Key{SecretID: "AKIDstranger", SecretKey: "s"}
	if err := store.AddAccount(cos.Account{AppID: "1300000000", Keys: []cos.Key{stranger}}); err != nil {
		t.Fatal(err)
	}

	all := listBuckets(t, store, owner, service)
	want := []string{"archive-1250000000@ap-shanghai", "documents-1250000000@ap-guangzhou", "photos-1250000000@ap-guangzhou"}
	if diff := cmp.Diff(want, all.names()); diff != "" {
		t.Errorf("buckets (-want +got):\n%s", diff)
	}
	if all.IsTruncated || all.Owner.ID != "qcs::cam::uin/100000000001:uin/100000000001" || all.Buckets.Bucket[0].BucketType != "cos" {
		t.Errorf("list: %+v", all)
	}
	if diff := cmp.Diff(want[1:], listBuckets(t, store, owner, "https://cos.ap-guangzhou.myqcloud.com/").names()); diff != "" {
		t.Errorf("buckets of a region's host (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[:1], listBuckets(t, store, owner, service+"?region=ap-shanghai").names()); diff != "" {
		t.Errorf("buckets of a region (-want +got):\n%s", diff)
	}

	a := do(t, store, stranger, http.MethodGet, service, nil)
	if !strings.Contains(a.body, "<Buckets/>") {
		t.Errorf("an account without buckets:\n%s", a.body)
	}
}

func TestBucketListsPage(t *testing.T) {
	store, _ := newStore(t, nil)
	for i := range 4 {
		createBucket(t, store, appID, fmt.Sprintf("more-%d", i), region)
	}
	var got []string
	marker := ""
	for range 3 {
		b := listBuckets(t, store, owner, service+"?max-keys=2&marker="+marker)
		got = append(got, b.names()...)
		if marker = b.NextMarker; b.IsTruncated != (marker != "") {
			t.Fatalf("truncated %v with next marker %q", b.IsTruncated, marker)
		}
	}
	if len(got) != 5 || marker != "" {
		t.Errorf("three pages of two: %q, next %q", got, marker)
	}
	for _, bad := range []string{"0", "2001", "x", "-1"} {
		wantFault(t, do(t, store, owner, http.MethodGet, service+"?max-keys="+bad, nil), http.StatusBadRequest, "InvalidArgument")
	}
}
