package s3

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

// probeInput is the input of the tool that stands for those of other services.
type probeInput struct {
	account.Input
	Ask bool `param:"ask"`
}

// inTool runs a function as a tool of another service.
func inTool(t *testing.T, w *world, do func(ctx context.Context, a *account.Account)) {
	t.Helper()
	tools := w.RunPlugin(t, os.DirFS("../account/testdata/probe"), plugin.Tool("whoami", func(ctx context.Context, call *plugin.Call, in probeInput) error {
		a, err := in.Open(ctx, call)
		if err == nil {
			do(ctx, a)
		}
		return err
	}))
	if _, err := tools.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), "whoami", nil); err != nil {
		t.Fatal(err)
	}
}

func TestToolsOfOtherServicesReadWriteAndDeleteObjects(t *testing.T) {
	w := newWorld(t)
	name := w.bucket(t, "eu-west-1", "in/report.txt")
	inTool(t, w, func(ctx context.Context, a *account.Account) {
		b := OpenBucket(ctx, a, name, slog.New(slog.DiscardHandler))
		content, mediaType, err := b.Read(ctx, "in/report.txt", 13)
		if string(content) != "in/report.txt" || mediaType != "text/plain" || err != nil {
			t.Errorf("read %q of the type %q, %v", content, mediaType, err)
		}
		_, _, err = b.Read(ctx, "in/report.txt", 12)
		if plugin.KindOf(err) != plugin.BadRequest || !strings.Contains(err.Error(), "it has 13 bytes, and at most 12 bytes are taken here") {
			t.Errorf("an object that is too large: %v", err)
		}
		large := bytes.Repeat([]byte("0123456789abcdef"), 2<<20) // 32 MiB
		if err := b.Write(ctx, "out/large.bin", "application/x-test", bytes.NewReader(large), -1); err != nil {
			t.Errorf("write: %v", err)
		}
		f, err := b.File(ctx, "out/large.bin", "")
		if err != nil || f.Name != "large.bin" || f.Size != int64(len(large)) || f.Type != "application/x-test" {
			t.Fatalf("the file is %+v, %v", f, err)
		}
		body, err := f.Open(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer body.Close()
		if got, err := io.ReadAll(body); !bytes.Equal(got, large) || err != nil {
			t.Errorf("the file has %d bytes, %v", len(got), err)
		}
		for range 2 { // the second time it is gone already
			if err := b.Delete(ctx, "out/large.bin"); err != nil {
				t.Errorf("delete: %v", err)
			}
		}
		if _, err := b.File(ctx, "out/large.bin", ""); plugin.KindOf(err) != plugin.BadRequest {
			t.Errorf("a deleted object: %v", err)
		}
		if got := b.URI("a b#c"); got != "s3://"+name+"/a b#c" {
			t.Errorf("the address is %q", got)
		}
	})
}

func TestFoldersAreRead(t *testing.T) {
	point := "arn:aws:s3:eu-west-1:" + toolstest.AccountID + ":accesspoint/videos"
	for uri, want := range map[string][2]string{
		"s3://bucket":                {"bucket", ""},
		"s3://bucket/":               {"bucket", ""},
		"s3://bucket//":              {"bucket", ""},
		" s3://bucket/a/b ":          {"bucket", "a/b/"},
		"S3://bucket//a/b//":         {"bucket", "a/b/"},
		"s3://bucket/with #?%":       {"bucket", "with #?%/"},
		"s3://" + point:              {point, ""},
		"s3://" + point + "/reports": {point, "reports/"},
	} {
		bucket, prefix, err := ParseFolder(uri)
		if bucket != want[0] || prefix != want[1] || err != nil {
			t.Errorf("%q is %q and %q, %v; want %q", uri, bucket, prefix, err, want)
		}
	}
	for uri, reason := range map[string]string{
		"":                                "is written like s3://bucket/folder/",
		"https://bucket.s3.amazonaws.com": "is written like s3://bucket/folder/",
		"s3://":                           "whose bucket is missing",
		"s3://not a bucket/x":             "whose bucket is \"not a bucket\"",
		"s3://bucket/" + strings.Repeat("x", 513): "whose folder has 513 bytes",
	} {
		if _, _, err := ParseFolder(uri); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: %v; want an error with %q", uri, err, reason)
		}
	}
}
