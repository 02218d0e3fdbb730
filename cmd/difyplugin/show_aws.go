package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sample"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
)

const (
	awsPlugin = "my_aws_tools"

	// difyHost is where Dify keeps the files that its users give to tools.
	difyHost = "dify.example.com"

	largeSize = 200 << 20
	largeSeed = 7
)

// startAWS adds AWS to the cloud, and the part of Dify that serves its users' files.
func (c *cloud) startAWS() (err error) {
	c.aws = aws.New()
	if c.sample, err = sample.Fill(c.aws); err != nil {
		return err
	}
	for _, pattern := range c.aws.HostPatterns() {
		if err := c.proxy.Handle(pattern, c.aws); err != nil {
			return err
		}
	}
	return c.proxy.Handle(difyHost, http.HandlerFunc(serveDifyFile))
}

// awsCredentials are those of the sample's user.
func awsCredentials() map[string]any {
	return map[string]any{
		"aws_access_key_id": sample.AccessKeyID, "aws_secret_access_key": sample.SecretAccessKey, "aws_region": sample.Region,
	}
}

// difyFile is the content behind a file's URL: the number at the end of its path is its size.
func difyFile(size int64) io.Reader { return cos.Generated(largeSeed, size) }

func serveDifyFile(w http.ResponseWriter, r *http.Request) {
	_, digits, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/files/"), "-")
	size, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || size < 0 {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	_, _ = io.Copy(w, difyFile(size)) // the client may go away
}

// inputFile is the value of a file parameter for a file of so many bytes.
func inputFile(name string, size int64) map[string]any {
	return map[string]any{
		"dify_model_identity": "__dify__file__", "url": fmt.Sprintf("https://%s/files/sample-%d", difyHost, size),
		"mime_type": "application/octet-stream", "type": "custom", "filename": name, "extension": ".bin", "size": size,
	}
}

// awsTour shows the tools over AWS.
type awsTour struct {
	streams
	cloud    *cloud
	plugin   *host.Process
	who      host.Caller
	output   string
	progress *progress
}

func (c *cloud) showAWS(ctx context.Context, s streams, output string, dify *host.Dify) error {
	fmt.Fprintf(s.out, "\nAWS, by the plugin %s\n", awsPlugin)
	process, err := c.startPlugin(ctx, s, awsPlugin, dify, "FILES_URL=https://"+difyHost)
	if err != nil {
		return err
	}
	t := &awsTour{
		streams: s, cloud: c, plugin: process, output: output, progress: newProgress(s.out),
		who: host.Caller{
			UserID: "demo", Provider: awsPlugin, CredentialType: "api-key",
			Credentials: awsCredentials(),
		},
	}
	return errors.Join(explain(t.run(ctx)), process.Close())
}

func (t *awsTour) run(ctx context.Context) error {
	buckets, err := t.call(ctx, "s3_list_buckets", map[string]any{"include_region": true})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "  Buckets: %s\n", buckets.Variables["bucket_names"])
	if err := t.upload(ctx); err != nil {
		return err
	}
	if err := t.uploadAndDownloadBatch(ctx); err != nil {
		return err
	}
	if err := t.presign(ctx); err != nil {
		return err
	}
	if err := t.downloadLarge(ctx); err != nil {
		return err
	}
	return t.others(ctx)
}

func (t *awsTour) call(ctx context.Context, tool string, parameters map[string]any) (host.Result, error) {
	result, err := t.plugin.Tool(ctx, t.who, tool, parameters)
	if err != nil {
		return result, fmt.Errorf("%s: %w", tool, err)
	}
	return result, nil
}

const largeKey = "backups/2026 报告 #1.bin"

func (t *awsTour) upload(ctx context.Context) error {
	began := time.Now()
	result, err := t.call(ctx, "s3_file_uploader", map[string]any{
		"bucket_name": sample.Archive, "object_key": largeKey, "input_file": inputFile("large.bin", largeSize),
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "  Uploaded %s as %s in %s, streamed in parts\n",
		byteCount(largeSize), result.Variables["s3_uri"], time.Since(began).Round(time.Millisecond))
	return nil
}

func (t *awsTour) uploadAndDownloadBatch(ctx context.Context) error {
	sizes := []int64{1 << 10, 1 << 20, 3 << 20, 5 << 20}
	files, uris := []any{}, []any{}
	for i, size := range sizes {
		name := fmt.Sprintf("part-%d.bin", i+1)
		files = append(files, inputFile(name, size))
		uris = append(uris, "s3://"+sample.Archive+"/batch/"+name)
	}
	result, err := t.call(ctx, "s3_files_uploader", map[string]any{"bucket_name": sample.Archive, "key_prefix": "batch", "input_files": files})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "  Uploaded a batch: %s of %s\n", result.Variables["ok"], result.Variables["count"])
	if result, err = t.call(ctx, "s3_files_download", map[string]any{"s3_uris": uris}); err != nil {
		return err
	}
	if len(result.Files) != len(sizes) {
		return fmt.Errorf("the batch came back as %d files, not %d", len(result.Files), len(sizes))
	}
	for i, f := range result.Files {
		if err := t.keep(f, sizes[i]); err != nil {
			return err
		}
	}
	objects, err := t.call(ctx, "s3_list_objects", map[string]any{"bucket_name": sample.Archive})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "  Downloaded the batch; %s holds %s objects\n", sample.Archive, objects.Variables["object_count"])
	return nil
}

// presign makes a URL that works without credentials, and uses it as anybody would.
func (t *awsTour) presign(ctx context.Context) error {
	result, err := t.call(ctx, "s3_operator", map[string]any{
		"s3_uri": "s3://" + sample.Archive + "/notes/hello.txt", "operation_type": "write", "text_content": "Hello from a workflow.\n",
		"generate_presign_url": true, "presign_expiry": 600,
	})
	if err != nil {
		return err
	}
	var link string
	if err := json.Unmarshal(result.Variables["presigned_url"], &link); err != nil {
		return fmt.Errorf("read the presigned URL: %w", err)
	}
	by, content, err := t.fetch(ctx, link)
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "  A presigned URL, fetched by %s: %s", by, content)
	return nil
}

// fetch gets a URL with curl, or without it with Go's own client.
func (t *awsTour) fetch(ctx context.Context, link string) (by, content string, err error) {
	if program, err := exec.LookPath("curl"); err == nil {
		cmd := exec.CommandContext(ctx, program, "--silent", "--show-error", "--fail", link)
		cmd.Env = t.cloud.proxy.Environ()
		out, err := cmd.CombinedOutput()
		if err != nil {
			return "", "", fmt.Errorf("fetch the presigned URL with curl: %w: %s", err, out)
		}
		return "curl", string(out), nil
	}
	transport := t.cloud.proxy.Transport()
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(link)
	if err != nil {
		return "", "", fmt.Errorf("fetch the presigned URL: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return "a plain client", string(body), err
}

func (t *awsTour) downloadLarge(ctx context.Context) error {
	began := time.Now()
	request := host.ToolRequest(t.who, "s3_file_download", map[string]any{"s3_uri": "s3://" + sample.Archive + "/" + largeKey})
	for m, err := range t.plugin.Call(ctx, request) {
		if err != nil {
			return fmt.Errorf("s3_file_download: %w", err)
		}
		if step, ok := m.Step(); ok {
			t.progress.show(step)
		}
		if m.File == nil {
			continue
		}
		t.progress.clear()
		if err := t.keep(m.File, largeSize); err != nil {
			return err
		}
		fmt.Fprintf(t.out, "  Downloaded %s in %s, handed over as a link\n", byteCount(m.File.Size), time.Since(began).Round(time.Millisecond))
	}
	return nil
}

// keep saves a file and compares it with what Dify's user had given.
func (t *awsTour) keep(f *host.File, size int64) error {
	path, _, err := saveFile(f, t.output)
	if err != nil {
		return err
	}
	want, got := sha256.New(), sha256.New()
	if _, err := io.Copy(want, difyFile(size)); err != nil {
		return err
	}
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if _, err := io.Copy(got, content); err != nil {
		return err
	}
	if !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
		return fmt.Errorf("%s has the SHA-256 %s, not %s", path, hex.EncodeToString(got.Sum(nil)), hex.EncodeToString(want.Sum(nil)))
	}
	fmt.Fprintf(t.out, "      %s (%s), the same bytes as were uploaded\n", path, byteCount(size))
	return nil
}
