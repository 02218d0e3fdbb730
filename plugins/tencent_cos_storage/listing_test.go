package main

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/google/go-cmp/cmp"
	"github.com/tencentyun/cos-go-sdk-v5"
)

func document(inner string) string {
	return "<?xml version='1.0' encoding='utf-8' ?><ListBucketResult><Name>b-1</Name>" + inner + "</ListBucketResult>"
}

func contents(keys ...string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, "<Contents><Key>%s</Key><Size>5</Size></Contents>", escapeKey(key))
	}
	return b.String()
}

func prefixes(keys ...string) string {
	var b strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&b, "<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", escapeKey(key))
	}
	return b.String()
}

const encoded = "<EncodingType>url</EncodingType>"

func parse(t *testing.T, text string) *cos.BucketGetResult {
	t.Helper()
	var answer cos.BucketGetResult
	if err := xml.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatal(err)
	}
	return &answer
}

func TestReadListing(t *testing.T) {
	file := func(id, name string) plugin.Entry { return plugin.Entry{ID: id, Name: name, Size: 5} }
	folder := func(id, name string) plugin.Entry { return plugin.Entry{ID: id, Name: name, Folder: true} }
	tests := []struct {
		name, prefix, marker, body string
		want                       listing
		wrong                      string
	}{
		{
			name: "files and folders stand in the order of their keys",
			body: contents("b.txt", "文档.pdf", "Z") + prefixes("a/", "c/"),
			want: listing{entries: []plugin.Entry{file("Z", "Z"), folder("a/", "a"), file("b.txt", "b.txt"), folder("c/", "c"), file("文档.pdf", "文档.pdf")}},
		},
		{
			name: "names are the last segment", prefix: "docs/",
			body: contents("docs/a b+c%d#e?.txt") + prefixes("docs/sub folder/"),
			want: listing{entries: []plugin.Entry{file("docs/a b+c%d#e?.txt", "a b+c%d#e?.txt"), folder("docs/sub folder/", "sub folder")}},
		},
		{
			name: "placeholders of folders are not shown", prefix: "docs/",
			body: contents("docs/", "docs/a", "docs/x/"),
			want: listing{entries: []plugin.Entry{file("docs/a", "a")}},
		},
		{
			name: "a folder without a name is shown as a slash", prefix: "docs/",
			body: prefixes("docs//"),
			want: listing{entries: []plugin.Entry{folder("docs//", "/")}},
		},
		{
			name: "an empty folder", body: "", want: listing{entries: []plugin.Entry{}},
		},
		{
			name: "the next page begins where COS says",
			body: contents("a") + "<IsTruncated>true</IsTruncated><NextMarker>a%20b</NextMarker>",
			want: listing{entries: []plugin.Entry{file("a", "a")}, next: "a b"},
		},
		{
			name: "a missing NextMarker is the last key",
			body: contents("a", "z") + prefixes("m/") + "<IsTruncated>true</IsTruncated>",
			want: listing{entries: []plugin.Entry{file("a", "a"), folder("m/", "m"), file("z", "z")}, next: "z"},
		},
		{
			name: "a missing NextMarker is the last folder",
			body: contents("a") + prefixes("m/") + "<IsTruncated>true</IsTruncated>",
			want: listing{entries: []plugin.Entry{file("a", "a"), folder("m/", "m")}, next: "m/"},
		},
		{
			name: "a missing NextMarker is the placeholder, even though it is not shown", prefix: "docs/",
			body: contents("docs/") + "<IsTruncated>true</IsTruncated>",
			want: listing{entries: []plugin.Entry{}, next: "docs/"},
		},
		{
			name: "a NextMarker on the last page is not looked at",
			body: contents("a") + "<IsTruncated>false</IsTruncated><NextMarker>a</NextMarker>",
			want: listing{entries: []plugin.Entry{file("a", "a")}},
		},
		{
			name: "what was on earlier pages is not shown again", marker: "m/",
			body: contents("n") + prefixes("m/"),
			want: listing{entries: []plugin.Entry{file("n", "n")}},
		},
		{
			name: "a cursor that stands still is an error", marker: "m",
			body:  contents("n") + "<IsTruncated>true</IsTruncated><NextMarker>m</NextMarker>",
			wrong: "more entries but not where they begin",
		},
		{
			name: "a cursor that goes back is an error", marker: "m",
			body:  contents("n") + "<IsTruncated>true</IsTruncated><NextMarker>a</NextMarker>",
			wrong: "more entries but not where they begin",
		},
		{
			name:  "more entries without any is an error",
			body:  "<IsTruncated>true</IsTruncated>",
			wrong: "more entries but not where they begin",
		},
		{
			name: "an entry of another folder is an error", prefix: "docs/",
			body: contents("other/a"), wrong: `"other/a", which is not in the folder "docs/"`,
		},
		{
			name:  "a key that is not encoded as announced is an error",
			body:  "<Contents><Key>50%</Key></Contents>",
			wrong: "not encoded as it says",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := readListing(parse(t, document(encoded+tt.body)), tt.prefix, tt.marker)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("error = %v, want %q", err, tt.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(listing{})); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestReadListingTakesKeysAsTheyAreWhereNothingIsEncoded(t *testing.T) {
	got, err := readListing(parse(t, document("<Contents><Key>50%+a</Key></Contents>")), "", "")
	if err != nil || len(got.entries) != 1 || got.entries[0].ID != "50%+a" {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestFolderPrefix(t *testing.T) {
	for id, want := range map[string]string{"": "", "doc": "doc/", "doc/": "doc/", "a/b": "a/b/", "/": "/"} {
		if got := folderPrefix(id); got != want {
			t.Errorf("folderPrefix(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestCursor(t *testing.T) {
	for _, tt := range []struct {
		cursor map[string]any
		want   string
		wrong  bool
	}{
		{nil, "", false},
		{map[string]any{}, "", false},
		{map[string]any{"marker": nil}, "", false},
		{map[string]any{"marker": "a/b c"}, "a/b c", false},
		{map[string]any{"marker": 1}, "", true},
	} {
		got, err := cursorMarker(tt.cursor)
		if got != tt.want || (err != nil) != tt.wrong {
			t.Errorf("cursorMarker(%v) = %q, %v", tt.cursor, got, err)
		}
	}
	if page := (listing{next: "x"}).page(); page.Next["marker"] != "x" {
		t.Errorf("next = %v", page.Next)
	}
	if page := (listing{}).page(); page.Next != nil {
		t.Errorf("next of the last page = %v", page.Next)
	}
}

func FuzzListingXML(f *testing.F) {
	for _, seed := range []struct{ prefix, marker, body string }{
		{"", "", ""},
		{"", "", encoded},
		{"", "", encoded + contents("a")},
		{"", "", contents("a")},
		{"docs/", "", encoded + contents("docs/", "docs/a") + prefixes("docs/b/")},
		{"docs/", "", encoded + contents("other/a")},
		{"", "", encoded + contents("文档 +%#?.pdf")},
		{"", "", encoded + contents("/lead", "a//b", "a/../b")},
		{"", "", encoded + contents("\x01\x7f\n")},
		{"", "", encoded + prefixes("/")},
		{"", "", "<IsTruncated>true</IsTruncated>"},
		{"", "a", encoded + contents("b") + "<IsTruncated>true</IsTruncated>"},
		{"", "a", encoded + contents("b") + "<IsTruncated>true</IsTruncated><NextMarker>b</NextMarker>"},
		{"", "b", encoded + contents("b") + "<IsTruncated>true</IsTruncated><NextMarker>b</NextMarker>"},
		{"", "b", encoded + contents("a") + "<IsTruncated>true</IsTruncated><NextMarker>a</NextMarker>"},
		{"", "", encoded + "<Contents><Key>%zz</Key></Contents>"},
		{"", "", encoded + "<NextMarker>%</NextMarker><IsTruncated>true</IsTruncated>"},
		{"", "", "<Contents><Key>a</Key><Size>-1</Size></Contents>"},
		{"", "", "<Contents><Key>a</Key><Size>9223372036854775807</Size></Contents>"},
		{"", "", "<Contents><Size>x</Size></Contents>"},
		{"", "", "<Contents></Contents><CommonPrefixes></CommonPrefixes>"},
		{"a", "", encoded + contents("a", "ab") + prefixes("a/")},
		{"", "", "<IsTruncated>maybe</IsTruncated>"},
		{"", "", "<Contents><Key>&amp;lt;&#x4e2d;</Key></Contents>"},
	} {
		f.Add(seed.prefix, seed.marker, []byte(document(seed.body)))
	}
	f.Fuzz(func(t *testing.T, prefix, marker string, text []byte) {
		var answer cos.BucketGetResult
		if xml.Unmarshal(text, &answer) != nil {
			return
		}
		got, err := readListing(&answer, prefix, marker)
		if err != nil {
			return
		}
		for _, e := range got.entries {
			if !strings.HasPrefix(e.ID, prefix) || e.Folder && e.ID == prefix || e.ID <= marker {
				t.Errorf("entry %q in folder %q after %q", e.ID, prefix, marker)
			}
			if e.Name == "" || e.Size < 0 {
				t.Errorf("entry %+v cannot be shown", e)
			}
		}
		if !slices.IsSortedFunc(got.entries, func(a, b plugin.Entry) int { return strings.Compare(a.ID, b.ID) }) {
			t.Errorf("entries are not in order: %v", got.entries)
		}
		if got.next != "" && got.next <= marker || answer.IsTruncated && got.next == "" {
			t.Errorf("next = %q after %q", got.next, marker)
		}
	})
}
