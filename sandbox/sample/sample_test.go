package sample_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/tencentyun/cos-go-sdk-v5"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/cloudplugins/difyplugin/sandbox/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func fill(t *testing.T) (*cos.Store, sample.Account) {
	t.Helper()
	store, err := cos.New("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	account, err := sample.Fill(store)
	if err != nil {
		t.Fatal(err)
	}
	return store, account
}

func body(t *testing.T, store *cos.Store, bucket, key string) []byte {
	t.Helper()
	reader, err := store.Open(bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	data, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEveryDocumentIsWhatItsTypeSays(t *testing.T) {
	store, account := fill(t)
	seen := make(map[string]int)
	for _, bucket := range []string{account.Documents, account.Photos} {
		keys, err := store.Keys(bucket)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			meta, _, err := store.Stat(bucket, key)
			if err != nil {
				t.Fatal(err)
			}
			seen[meta.ContentType]++
			switch meta.ContentType {
			case "application/pdf":
				checkPDF(t, key, body(t, store, bucket, key))
			case "image/png":
				if _, err := png.Decode(bytes.NewReader(body(t, store, bucket, key))); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
		}
	}
	if seen["application/pdf"] < 4 || seen["image/png"] < 250 || seen["text/csv"] != 2 {
		t.Errorf("types: %v", seen)
	}
}

var (
	startPattern  = regexp.MustCompile(`startxref\n(\d+)\n%%EOF\n$`)
	offsetPattern = regexp.MustCompile(`(?m)^(\d{10}) 00000 n $`)
	streamPattern = regexp.MustCompile(`(?s)/Length (\d+) >>\nstream\n(.*)endstream`)
)

// checkPDF follows the file's own pointers, as a viewer does.
func checkPDF(t *testing.T, key string, data []byte) {
	t.Helper()
	start := startPattern.FindSubmatch(data)
	if !bytes.HasPrefix(data, []byte("%PDF-1.4\n")) || start == nil {
		t.Errorf("%s: no header or no end", key)
		return
	}
	at, _ := strconv.Atoi(string(start[1]))
	if !bytes.HasPrefix(data[at:], []byte("xref\n0 7\n0000000000 65535 f \n")) {
		t.Errorf("%s: startxref does not point to the table", key)
		return
	}
	offsets := offsetPattern.FindAllSubmatch(data[at:], -1)
	for i, offset := range offsets {
		n, _ := strconv.Atoi(string(offset[1]))
		if !bytes.HasPrefix(data[n:], fmt.Appendf(nil, "%d 0 obj\n", i+1)) {
			t.Errorf("%s: object %d is not at its offset", key, i+1)
		}
	}
	stream := streamPattern.FindSubmatch(data)
	if len(offsets) != 6 || stream == nil || string(stream[1]) != strconv.Itoa(len(stream[2])) {
		t.Errorf("%s: %d objects, or a stream of the wrong length", key, len(offsets))
	}
}

func TestTheSpecialCasesAreThere(t *testing.T) {
	store, account := fill(t)
	compressed, err := gzip.NewReader(bytes.NewReader(body(t, store, account.Documents, "tables/compressed/sales-2024.csv")))
	if err != nil {
		t.Fatal(err)
	}
	if table, err := io.ReadAll(compressed); err != nil || !strings.HasPrefix(string(table), "month,city,units\n2024-01,") {
		t.Errorf("the compressed table: %q, %v", table, err)
	}
	if meta, _, err := store.Stat(account.Documents, "tables/compressed/sales-2024.csv"); err != nil || meta.ContentEncoding != "gzip" {
		t.Errorf("its encoding: %+v, %v", meta, err)
	}
	if meta, _, err := store.Stat(account.Documents, "archived/contract-2009.pdf"); err != nil || meta.StorageClass != cos.Archive {
		t.Errorf("the archived object: %+v, %v", meta, err)
	}
	if _, size, err := store.Stat(account.Backups, "large/backup-64MiB.bin"); err != nil || size != 64<<20 {
		t.Errorf("the large object: %d bytes, %v", size, err)
	}
	if keys, err := store.Keys(account.Empty); err != nil || len(keys) != 0 {
		t.Errorf("the empty bucket: %q, %v", keys, err)
	}
	if _, err := sample.Fill(store); err == nil {
		t.Error("a store was filled twice")
	}
}

func TestTheReadersPermissionsSufficeToBrowse(t *testing.T) {
	store, account := fill(t)
	sb, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer sb.Close()
	for _, pattern := range store.HostPatterns() {
		if err := sb.Handle(pattern, store); err != nil {
			t.Fatal(err)
		}
	}
	transport := sb.Transport()
	defer transport.CloseIdleConnections()
	for _, key := range []cos.Key{account.Reader, account.Temporary} {
		signer := &sdk.AuthorizationTransport{SecretID: key.SecretID, SecretKey: key.SecretKey, SessionToken: key.SessionToken, Transport: transport}
		service := &url.URL{Scheme: "https", Host: "service.cos.myqcloud.com"}
		listed, _, err := sdk.NewClient(&sdk.BaseURL{ServiceURL: service}, &http.Client{Transport: signer}).Service.Get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		regions := make(map[string]int)
		entries := make(map[string]int)
		for _, bucket := range listed.Buckets {
			regions[bucket.Region]++
			base := &url.URL{Scheme: "https", Host: bucket.Name + ".cos." + bucket.Region + ".myqcloud.com"}
			client := sdk.NewClient(&sdk.BaseURL{BucketURL: base}, &http.Client{Transport: signer})
			page, _, err := client.Bucket.Get(t.Context(), &sdk.BucketGetOptions{MaxKeys: 1000})
			if err != nil {
				t.Fatal(err)
			}
			entries[bucket.Name] = len(page.Contents)
		}
		if len(regions) != 3 || entries[account.Photos] <= 250 || entries[account.Documents] < 10 {
			t.Errorf("regions %v, entries %v", regions, entries)
		}
	}
}
