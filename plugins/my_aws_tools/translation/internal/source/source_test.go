package source_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/translation/internal/source"
)

// archive is a .tar.gz with two files.
func archive(t *testing.T) []byte {
	t.Helper()
	var packed bytes.Buffer
	zipped := gzip.NewWriter(&packed)
	files := tar.NewWriter(zipped)
	for _, name := range []string{"a.txt", "b.txt"} {
		if err := files.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(name))}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write([]byte(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

func TestFilesOfAnArchive(t *testing.T) {
	packed := archive(t)
	sum := sha256.Sum256(packed)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(packed)
	}))
	t.Cleanup(server.Close)
	right := hex.EncodeToString(sum[:])

	files, err := source.Archive{URL: server.URL + "/there", SHA256: right}.Files(t.Context(), "b.txt")
	if err != nil || len(files) != 1 || string(files["b.txt"]) != "b.txt" {
		t.Errorf("got %q, %v", files, err)
	}
	for name, c := range map[string]struct {
		archive     source.Archive
		path, words string
	}{
		"another checksum": {source.Archive{URL: server.URL + "/there", SHA256: strings.Repeat("0", 64)}, "a.txt", "its SHA-256 is " + right},
		"a missing file":   {source.Archive{URL: server.URL + "/there", SHA256: right}, "c.txt", "c.txt is not in it"},
		"no archive there": {source.Archive{URL: server.URL + "/gone", SHA256: right}, "a.txt", "404"},
	} {
		if _, err := c.archive.Files(t.Context(), c.path); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
