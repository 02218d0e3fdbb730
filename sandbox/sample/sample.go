package sample

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

const (
	appID = "1250000000"

	// frames is the number of entries of the folder to page through, more than
	// a page of any client.
	frames = 260

	// backupSize is the size of the large object, 64 MiB: more than a plugin
	// can hand over in one message.
	backupSize = 64 << 20
	backupSeed = 20250101
)

// Account is what a client needs to use the sample.
type Account struct {
	AppID string
	// Region is the one that a client should be configured with; buckets are
	// in other regions, too.
	Region string
	// Owner may do everything.
	Owner cos.Key
	// Reader may list buckets, list objects and get objects, and no more.
	Reader cos.Key
	// Temporary may do everything and has a session token. It does not expire.
	Temporary cos.Key
	// Documents, Photos, Backups and Empty are the full names of the buckets.
	Documents, Photos, Backups, Empty string
}

// Fill adds the sample's account, buckets and objects to a store that does not
// have them yet.
func Fill(store *cos.Store) (Account, error) {
	account := Account{
		AppID:     appID,
		Region:    "ap-guangzhou",
		Owner:     cos.Key{SecretID: "AKIDsampleownersampleownersampleown0", SecretKey: "sampleOwnerKeyOfTheSandbox000000"},
		Temporary: cos.Key{SecretID: "AKIDsampletemporarysampletemporary00", SecretKey: "sampleTemporaryKeyOfTheSandbox00", SessionToken: "sample-session-token"},
		Reader: cos.Key{
			SecretID: "AKIDsamplereadersamplereadersampler0", SecretKey: "sampleReaderKeyOfTheSandbox00000",
			Grants: []cos.Grant{{Actions: []cos.Action{cos.GetService, cos.GetBucket, cos.GetObject}}},
		},
	}
	err := store.AddAccount(cos.Account{
		AppID: appID, UIN: "100000000001",
		Keys: []cos.Key{account.Owner, account.Reader, account.Temporary},
	})
	if err != nil {
		return Account{}, fmt.Errorf("sample: %w", err)
	}
	if err := account.createBuckets(store); err != nil {
		return Account{}, fmt.Errorf("sample: %w", err)
	}
	for _, fill := range []func(*cos.Store) error{account.fillDocuments, account.fillPhotos, account.fillBackups} {
		if err := fill(store); err != nil {
			return Account{}, fmt.Errorf("sample: %w", err)
		}
	}
	return account, nil
}

func (a *Account) createBuckets(store *cos.Store) error {
	for _, bucket := range []struct {
		name, region string
		full         *string
	}{
		{"documents", a.Region, &a.Documents},
		{"photos", "ap-shanghai", &a.Photos},
		{"backups", "ap-singapore", &a.Backups},
		{"empty", "ap-singapore", &a.Empty},
	} {
		full, err := store.CreateBucket(appID, bucket.name, bucket.region)
		if err != nil {
			return err
		}
		*bucket.full = full
	}
	return nil
}

// entry is one object of the sample.
type entry struct {
	key  string
	body []byte
	meta cos.Meta
}

func text(key, contentType, body string) entry {
	return entry{key: key, body: []byte(body), meta: cos.Meta{ContentType: contentType}}
}

func pdf(key, title string, lines ...string) entry {
	return entry{key: key, body: document(title, lines), meta: cos.Meta{ContentType: "application/pdf"}}
}

func put(store *cos.Store, bucket string, entries []entry) error {
	written := time.Date(2025, 1, 15, 8, 30, 0, 0, time.UTC)
	for i, e := range entries {
		e.meta.LastModified = written.Add(time.Duration(i) * time.Hour)
		if err := store.Put(bucket, e.key, bytes.NewReader(e.body), e.meta); err != nil {
			return err
		}
	}
	return nil
}

func (a *Account) fillDocuments(store *cos.Store) error {
	compressed, err := compress(salesTable(2024))
	if err != nil {
		return err
	}
	archived := pdf("archived/contract-2009.pdf", "Contract of 2009", "This object is archived and must be restored before it can be read.")
	archived.meta.StorageClass = cos.Archive
	return put(store, a.Documents, []entry{
		text("README.md", "text/markdown", "# Documents\n\nReports, notes and tables of a company that does not exist.\n"),
		pdf("报告/年度报告 2024.pdf", "Annual Report 2024", "Revenue grew in every quarter.", "Costs did, too."),
		pdf("报告/季度/2024 第一季度.pdf", "First Quarter of 2024", "A quiet start."),
		pdf("报告/季度/2024 第二季度.pdf", "Second Quarter of 2024", "A warm spring."),
		text("报告/说明.txt", "text/plain", "这里是公司的报告。\n"),
		pdf("reports/2025/annual report.pdf", "Annual Report 2025", "Not written yet."),
		text("tables/sales-2025.csv", "text/csv", salesTable(2025)),
		{key: "tables/compressed/sales-2024.csv", body: compressed, meta: cos.Meta{ContentType: "text/csv", ContentEncoding: "gzip"}},
		text("notes/a+b & 100% #1?.txt", "text/plain", "Names may hold any character.\n"),
		text("notes/unknown type", "", "This object has no useful type and no extension.\n"),
		text("notes/empty.txt", "text/plain", ""),
		{key: "logo.png", body: picture(256, 128, 0), meta: cos.Meta{ContentType: "image/png"}},
		{key: "placeholder/"},
		archived,
	})
}

func (a *Account) fillPhotos(store *cos.Store) error {
	entries := []entry{
		{key: "2025/西湖/日出.png", body: picture(320, 200, 30), meta: cos.Meta{ContentType: "image/png"}},
		{key: "2025/西湖/日落.png", body: picture(320, 200, 15), meta: cos.Meta{ContentType: "image/png"}},
	}
	for i := range frames {
		entries = append(entries, entry{
			key:  fmt.Sprintf("many/frame-%03d.png", i+1),
			body: picture(16, 16, i),
			meta: cos.Meta{ContentType: "image/png"},
		})
	}
	return put(store, a.Photos, entries)
}

func (a *Account) fillBackups(store *cos.Store) error {
	meta := cos.Meta{ContentType: "application/octet-stream", LastModified: time.Date(2025, 2, 1, 0, 0, 0, 0, time.UTC)}
	return store.PutGenerated(a.Backups, "large/backup-64MiB.bin", backupSize, backupSeed, meta)
}

func salesTable(year int) string {
	var b strings.Builder
	b.WriteString("month,city,units\n")
	for month := 1; month <= 12; month++ {
		for i, city := range []string{"广州", "上海", "Singapore"} {
			fmt.Fprintf(&b, "%d-%02d,%s,%d\n", year, month, city, 100+7*month*(i+1))
		}
	}
	return b.String()
}

func compress(body string) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(body)); err != nil {
		return nil, fmt.Errorf("compress a table: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compress a table: %w", err)
	}
	return b.Bytes(), nil
}
