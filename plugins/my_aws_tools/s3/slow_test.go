//go:build slow

package s3

import (
	"bytes"
	"crypto/sha256"
	"io"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/internal/shipped"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

const mib = 1 << 20

func TestSlowSection3_21Bug4Section3_22Bug8Section3_24Bug3_AnObjectOf200MiBGoesUpAndDownInConstantMemory(t *testing.T) {
	w := &world{AWS: toolstest.Start(t), store: standin.New()}
	w.Register("s3", w.store)
	p := shipped.Start(t, "my_aws_tools", w.Environ()...)
	b := w.bucket(t, "us-east-1")
	content := bytes.Repeat([]byte("0123456789abcdef0123456789abcde\n"), 200*mib/32)
	sum := sha256.Sum256(content)
	tool := func(name string, in map[string]any) host.Result {
		t.Helper()
		result, err := p.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), name, in)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return result
	}
	tool("s3_file_uploader", map[string]any{"bucket_name": b, "input_file": w.File("large.bin", "application/zip", content)})
	up := p.Peak(t)
	stored, _ := w.store.Object(b, "large.bin")
	if sha256.Sum256(stored.Content) != sum {
		t.Errorf("%d bytes were stored, or others", len(stored.Content))
	}
	for _, result := range []host.Result{
		tool("s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/large.bin"}),
		tool("s3_files_download", map[string]any{"s3_uris": []any{"s3://" + b + "/large.bin"}}),
	} {
		body, err := result.Files[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.New()
		_, err = io.Copy(hash, body)
		if err := body.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || [sha256.Size]byte(hash.Sum(nil)) != sum {
			t.Errorf("other bytes arrived, %v", err)
		}
	}
	down := p.Peak(t)
	t.Logf("at most %d MiB resident after the upload, %d MiB after the downloads", up/mib, down/mib)
	if down > 64*mib {
		t.Errorf("%d MiB resident, more than 64", down/mib)
	}
}
