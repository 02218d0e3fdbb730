package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	standin "github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/google/go-cmp/cmp"
)

// process is the plugin as a child process, as Dify runs it, in front of a cloud in the sandbox.
type process struct {
	*cloud
	*host.Process
	backend *backend
	folder  string // working, home and temporary directory of the plugin

	logs   notes // the plugin's log and its standard error
	output notes // everything that the plugin wrote
}

// notes collects text from several goroutines.
type notes struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (n *notes) Write(data []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(data)
}

func (n *notes) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (p *process) logged() string { return p.logs.String() }

func (p *process) written() string { return p.output.String() }

// backend is Dify, with a list of the calls that the plugin made back into it.
type backend struct {
	*host.Dify

	mu    sync.Mutex
	calls []string
}

func (b *backend) Invoke(ctx context.Context, in host.Invocation) iter.Seq2[any, error] {
	b.mu.Lock()
	b.calls = append(b.calls, in.Type)
	b.mu.Unlock()
	return b.Dify.Invoke(ctx, in)
}

func (b *backend) made() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.calls)
}

// start starts the plugin. Further variables of its environment may be given.
func start(t *testing.T, role string, environment ...string) *process {
	t.Helper()
	dify, err := host.NewDify(host.DifyOptions{Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cloud: newCloud(t), backend: &backend{Dify: dify}, folder: t.TempDir()}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.Process, err = host.Start(t.Context(), host.Command{
		Path: program,
		Dir:  p.folder,
		Env: slices.Concat(p.box.Environ(), environment, []string{
			roleVariable + "=" + role, "INSTALL_METHOD=local", "HOME=" + p.folder, "TMPDIR=" + p.folder,
			"GOCOVERDIR=" + t.TempDir(),
		}),
		Stderr: io.MultiWriter(&p.logs, &p.output),
	}, host.Options{
		Strict:  true,
		Backend: p.backend,
		OnLog:   func(l host.Log) { fmt.Fprintln(&p.logs, l.Message) },
		OnLine: func(l host.Line) {
			if l.FromPlugin {
				fmt.Fprintf(&p.output, "%s\n", l.Data)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(p.Process.Close(), dify.Close()); err != nil {
			t.Error(err)
		}
	})
	return p
}

// as is a user who entered these fields besides the usual ones.
func as(pairs ...string) host.Caller {
	values := map[string]any{"secret_id": secretID, "secret_key": secretKey, "region": "ap-guangzhou"}
	for i := 0; i < len(pairs); i += 2 {
		values[pairs[i]] = pairs[i+1]
	}
	return host.Caller{Provider: "tencent_cos_storage", Credentials: values, CredentialType: "api-key"}
}

const datasource = "tencent_cos_storage"

// useEverything uses every feature once: check, buckets, folders, a small and a large file.
func (p *process) useEverything(t *testing.T, who host.Caller, bucket string) {
	t.Helper()
	if err := p.ValidateDatasource(t.Context(), who); err != nil {
		t.Error(err)
	}
	if _, err := p.Browse(t.Context(), who, datasource, host.BrowseRequest{}); err != nil {
		t.Error(err)
	}
	folder, err := p.Browse(t.Context(), who, datasource, host.BrowseRequest{Bucket: bucket, Prefix: "folder/"})
	if err != nil || len(folder.Buckets) != 1 || len(folder.Buckets[0].Files) != 2 {
		t.Errorf("folder %v, %v", folder, err)
		return
	}
	for _, file := range folder.Buckets[0].Files {
		got, err := p.Download(t.Context(), who, datasource, bucket, file.ID)
		if err != nil || got.Size != file.Size {
			t.Errorf("%s: %v, %v", file.ID, got, err)
		}
	}
}

// filled makes a bucket with a small and a large file in a folder.
func (p *process) filled(t *testing.T, name, region string) string {
	t.Helper()
	bucket := p.bucket(t, name, region, "folder/", "folder/small-file.txt")
	if err := p.PutGenerated(bucket, "folder/large-file.bin", 6<<20, 7, standin.Meta{}); err != nil {
		t.Fatal(err)
	}
	return bucket
}

func TestPluginAnswersLikeTheOneThatItReplaces(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	p.bucket(t, "a", "ap-guangzhou", "doc.txt", "文档/", "文档/中文 +%.pdf")
	p.bucket(t, "b", "eu-frankfurt")
	buckets, err := p.Browse(t.Context(), as(), datasource, host.BrowseRequest{})
	if err != nil {
		t.Fatal(err)
	}
	want := host.BrowseResult{Buckets: []host.BucketPage{
		{Bucket: "a-" + appID, Files: []host.DriveFile{}, Next: map[string]any{}},
		{Bucket: "b-" + appID, Files: []host.DriveFile{}, Next: map[string]any{}},
	}}
	if diff := cmp.Diff(want, buckets); diff != "" {
		t.Errorf("buckets: -want +got\n%s", diff)
	}
	first, err := p.Browse(t.Context(), as(), datasource, host.BrowseRequest{Bucket: "a-" + appID, MaxKeys: 1})
	if err != nil {
		t.Fatal(err)
	}
	want = host.BrowseResult{Buckets: []host.BucketPage{{
		Bucket: "a-" + appID, Files: []host.DriveFile{{ID: "doc.txt", Name: "doc.txt", Size: 7, Type: "file"}},
		Truncated: true, Next: map[string]any{"marker": "doc.txt"},
	}}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("first page: -want +got\n%s", diff)
	}
	second, err := p.Browse(t.Context(), as(), datasource, host.BrowseRequest{Bucket: "a-" + appID, MaxKeys: 1, Next: first.Buckets[0].Next})
	if err != nil {
		t.Fatal(err)
	}
	want = host.BrowseResult{Buckets: []host.BucketPage{{
		Bucket: "a-" + appID, Files: []host.DriveFile{{ID: "文档/", Name: "文档", Type: "folder"}}, Next: map[string]any{},
	}}}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Errorf("second page: -want +got\n%s", diff)
	}
	file, err := p.Download(t.Context(), as(), datasource, "a-"+appID, "文档/中文 +%.pdf")
	if err != nil {
		t.Fatal(err)
	}
	content, err := file.Bytes()
	if err != nil || string(content) != "文档/中文 +%.pdf" || file.Name != "中文 +%.pdf" || file.Type != "application/pdf" {
		t.Errorf("%q %q %q, %v", file.Name, file.Type, content, err)
	}
}

func TestPluginHandsFilesOfAnySizeOver(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	bucket := p.bucket(t, "a", "ap-guangzhou")
	for _, size := range []int64{0, 1, 3 << 20, 5 << 20, 9 << 20} {
		key := fmt.Sprintf("file-%d.bin", size)
		if err := p.PutGenerated(bucket, key, size, 7, standin.Meta{}); err != nil {
			t.Fatal(err)
		}
		file, err := p.Download(t.Context(), as(), datasource, bucket, key)
		if err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		content, err := file.Bytes()
		if err != nil || file.Name != key || string(content) != large(size) {
			t.Errorf("%s: %q with %d bytes, %v", key, file.Name, len(content), err)
		}
	}
	if diff := cmp.Diff([]string{"upload_file", "upload_file"}, p.backend.made()); diff != "" {
		t.Errorf("back-calls: -want +got\n%s", diff)
	}
}

func TestPluginNeverHandsADamagedFileOver(t *testing.T) {
	for _, tt := range []struct {
		name   string
		size   int64
		effect standin.Effect
	}{
		{"a small one that is corrupted", 100_000, standin.FlipBit(50_000)},
		{"a large one that is corrupted", 6 << 20, standin.FlipBit(6<<20 - 1)},
		{"a large one that is cropped", 6 << 20, standin.WrongLength(-1)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, "plugin")
			bucket := p.bucket(t, "a", "ap-guangzhou")
			if err := p.PutGenerated(bucket, "file.bin", tt.size, 7, standin.Meta{}); err != nil {
				t.Fatal(err)
			}
			p.fail(standin.GetObject, 0, tt.effect)
			file, err := p.Download(t.Context(), as(), datasource, bucket, "file.bin")
			if err == nil || !strings.Contains(err.Error(), "checksum differs") {
				t.Errorf("%v, %v", file, err)
			}
			for _, link := range strings.Fields(p.written()) {
				if strings.Contains(link, "binary_link") {
					t.Errorf("a link was sent: %s", link)
				}
			}
		})
	}
}

func TestPluginShowsWhatIsWrongAsASentence(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin")
	tests := []struct {
		name string
		call func() error
		kind string
		says string
	}{
		{
			"credentials that are missing",
			func() error {
				return p.ValidateDatasource(t.Context(), host.Caller{Provider: datasource, Credentials: map[string]any{}})
			},
			"CredentialsValidateFailedError", "lack SecretId (secret_id), SecretKey (secret_key), Region (region)",
		},
		{
			"credentials that are wrong",
			func() error { return p.ValidateDatasource(t.Context(), as("secret_key", "x")) },
			"CredentialsValidateFailedError", "SecretKey does not belong to the SecretId",
		},
		{
			"a bucket that does not exist",
			func() error {
				_, err := p.Browse(t.Context(), as(), datasource, host.BrowseRequest{Bucket: "none-1"})
				return err
			},
			"InvokeBadRequestError", `no bucket "none-1"`,
		},
		{
			"an endpoint that is not public",
			func() error {
				_, err := p.Browse(t.Context(), as("endpoint", "192.168.0.1", "bucket", "b-1"), datasource, host.BrowseRequest{Bucket: "b-1"})
				return err
			},
			string(plugin.BadRequest), "DIFYPLUGIN_ENDPOINT_ALLOW",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var failed *host.PluginError
			if err := tt.call(); !errors.As(err, &failed) || tt.kind != "" && failed.Type != tt.kind || !strings.Contains(failed.Message, tt.says) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestPluginUsesACustomDomain(t *testing.T) {
	t.Parallel()
	p := start(t, "plugin", "DIFYPLUGIN_ENDPOINT_ALLOW=files.example.com")
	bucket := p.filled(t, "a", "ap-guangzhou")
	if err := p.BindDomain("files.example.com", bucket); err != nil {
		t.Fatal(err)
	}
	p.mount(t, "files.example.com")
	p.useEverything(t, as("endpoint", "https://files.example.com", "bucket", bucket), bucket)
	for _, req := range p.box.Requests() {
		if req.Host != "files.example.com" || req.Method != http.MethodGet {
			t.Errorf("%s %s", req.Method, req.Host)
		}
	}
}
