package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	awssample "github.com/cloudplugins/difyplugin/sandbox/aws/sample"
	"github.com/cloudplugins/difyplugin/sandbox/cos"
	"github.com/cloudplugins/difyplugin/sandbox/sample"
)

const showHelp = `Start a cloud on this machine, build the plugin tencent_cos_storage, start it as the host would, and show it at work:
buckets of several regions, a tree of folders paged to its end, a small file that fits into one answer, and a large one
that is uploaded. Then the same for the plugin my_aws_tools: uploads to Amazon S3 and downloads, single and in a batch,
a presigned URL, and a tool of each other service. Nothing leaves the machine. The files stay in a folder that is named.

Usage:

    difyplugin run [flags]

Examples:

    difyplugin run
    difyplugin run -o files
    difyplugin run -serve        keep the cloud for calls from another terminal, until interrupted
`

const (
	module     = "github.com/cloudplugins/difyplugin"
	cosPlugin  = "tencent_cos_storage"
	pageSize   = 100
	shownFiles = 6 // of a long folder
)

func runShow(ctx context.Context, s streams, args []string) error {
	flags := newFlags(s, "run", showHelp)
	output := flags.String("o", "", "`folder` for the files; by default a new temporary one")
	serve := flags.Bool("serve", false, "keep the cloud running and say how to use it from another terminal")
	if err := parse(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return usagef("run takes no arguments")
	}
	cloud, err := startCloud()
	if err != nil {
		return err
	}
	defer cloud.close()
	if *serve {
		return cloud.serve(ctx, s)
	}
	if *output == "" {
		if *output, err = os.MkdirTemp("", "difyplugin-run-"); err != nil {
			return err
		}
	}
	return cloud.show(ctx, s, *output)
}

// cloud is Tencent COS and AWS on this machine, filled with the samples.
type cloud struct {
	folder  string
	proxy   *sandbox.Sandbox
	store   *cos.Store
	account sample.Account
	aws     *aws.Cloud
	sample  *awssample.Account
}

func startCloud() (c *cloud, err error) {
	c = &cloud{}
	defer func() {
		if err != nil {
			c.close()
		}
	}()
	if c.folder, err = os.MkdirTemp("", "difyplugin-cloud-"); err != nil {
		return c, err
	}
	for _, name := range []string{"cos", "uploads"} {
		if err = os.Mkdir(filepath.Join(c.folder, name), 0o700); err != nil {
			return c, err
		}
	}
	if c.store, err = cos.New(filepath.Join(c.folder, "cos")); err != nil {
		return c, err
	}
	if c.account, err = sample.Fill(c.store); err != nil {
		return c, err
	}
	if c.proxy, err = sandbox.Start(); err != nil {
		return c, err
	}
	for _, pattern := range c.store.HostPatterns() {
		if err = c.proxy.Handle(pattern, c.store); err != nil {
			return c, err
		}
	}
	return c, c.startAWS()
}

func (c *cloud) close() {
	if c.sample != nil {
		_ = c.sample.Close()
	}
	if c.aws != nil {
		c.aws.Close()
	}
	if c.proxy != nil {
		_ = c.proxy.Close()
	}
	if c.store != nil {
		_ = c.store.Close()
	}
	_ = os.RemoveAll(c.folder)
}

// credentials are those of a reader who may do the three things that the plugin needs, and no more.
func (c *cloud) credentials() map[string]any {
	return map[string]any{
		"secret_id": c.account.Reader.SecretID, "secret_key": c.account.Reader.SecretKey, "region": c.account.Region,
	}
}

// serve keeps the cloud until the command is interrupted.
func (c *cloud) serve(ctx context.Context, s streams) error {
	fmt.Fprintf(s.out, "Tencent COS and AWS answer on this machine. In another terminal:\n\n")
	for _, variable := range append(c.proxy.Environ(), "FILES_URL=https://"+difyHost) {
		fmt.Fprintf(s.out, "    export %s\n", variable)
	}
	for _, plugin := range []struct {
		name, example string
		credentials   map[string]any
	}{
		{cosPlugin, "browse", c.credentials()},
		{awsPlugin, "tool bedrock_retrieve knowledge_base_id=" + awssample.KnowledgeBase + " query='When does the office open?'", awsCredentials()},
	} {
		file, err := c.save(plugin.name, plugin.credentials)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "    go run ./cmd/difyplugin call -credentials %s ./plugins/%s %s\n", file, plugin.name, plugin.example)
	}
	fmt.Fprintf(s.out, "\nWhat there is in AWS besides: go doc %s/sandbox/aws/sample AccountID\n\nInterrupt to end it.\n", module)
	<-ctx.Done()
	return nil
}

// save writes the credentials of a plugin into a file.
func (c *cloud) save(plugin string, credentials map[string]any) (string, error) {
	content, err := json.Marshal(credentials)
	if err != nil {
		return "", err
	}
	file := filepath.Join(c.folder, plugin+".json")
	return file, os.WriteFile(file, content, 0o600)
}

// show is the demonstration.
func (c *cloud) show(ctx context.Context, s streams, output string) error {
	fmt.Fprintf(s.out, "A cloud on this machine, Tencent COS and AWS behind the proxy %s\n", c.proxy.ProxyURL())
	dify, err := host.NewDify(host.DifyOptions{Folder: filepath.Join(c.folder, "uploads")})
	if err != nil {
		return err
	}
	defer dify.Close()
	if err := c.showCOS(ctx, s, output, dify); err != nil {
		return err
	}
	return c.showAWS(ctx, s, output, dify)
}

func (c *cloud) showCOS(ctx context.Context, s streams, output string, dify *host.Dify) error {
	process, err := c.startPlugin(ctx, s, cosPlugin, dify)
	if err != nil {
		return err
	}
	t := &tour{
		streams: s, cloud: c, plugin: process, output: output, progress: newProgress(s.out),
		who: host.Caller{UserID: "demo", Provider: cosPlugin, Credentials: c.credentials(), CredentialType: "api-key"},
	}
	return errors.Join(t.run(ctx), process.Close())
}

// startPlugin builds a plugin of this module and starts it as the host would. Its environment may be given more.
func (c *cloud) startPlugin(ctx context.Context, s streams, name string, dify *host.Dify, environment ...string) (*host.Process, error) {
	program, err := buildPlugin(ctx, s, c.folder, name)
	if err != nil {
		return nil, err
	}
	began := time.Now()
	process, err := host.Start(ctx, host.Command{
		Path: program, Dir: c.folder, Stderr: s.err,
		Env: slices.Concat(os.Environ(), c.proxy.Environ(), []string{"INSTALL_METHOD=local", "DIFYPLUGIN_PROGRESS=messages"}, environment),
	}, host.Options{Strict: true, Backend: dify})
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.out, "Started as process %d, ready after %s\n", process.PID(), time.Since(began).Round(time.Millisecond))
	return process, nil
}

// buildPlugin compiles a plugin of this module for this machine.
func buildPlugin(ctx context.Context, s streams, folder, name string) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find the source of %s: start the command inside a checkout of it, with Go installed: %w", module, err)
	}
	program := filepath.Join(folder, name)
	fmt.Fprintf(s.out, "Building plugins/%s\n", name)
	if err := build(ctx, filepath.Join(strings.TrimSpace(string(root)), "plugins", name), program, s.err); err != nil {
		return "", err
	}
	info, err := os.Stat(program)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(s.out, "Built one file of %s\n", byteCount(info.Size()))
	return program, nil
}

// tour goes through what the drive can do.
type tour struct {
	streams
	cloud  *cloud
	plugin *host.Process
	who    host.Caller
	output string

	progress *progress
}

func (t *tour) run(ctx context.Context) error {
	if err := t.plugin.ValidateDatasource(ctx, t.who); err != nil {
		return explain(err)
	}
	fmt.Fprintf(t.out, "The credentials are valid; they allow to list buckets, to list objects and to get objects\n\nBuckets\n")
	root, err := t.plugin.Browse(ctx, t.who, cosPlugin, host.BrowseRequest{})
	if err != nil {
		return explain(err)
	}
	for _, bucket := range root.Buckets {
		fmt.Fprintf(t.out, "  %s\n", bucket.Bucket)
	}
	for _, bucket := range root.Buckets {
		fmt.Fprintf(t.out, "\n%s\n", bucket.Bucket)
		if err := t.tree(ctx, bucket.Bucket, "", ""); err != nil {
			return explain(err)
		}
	}
	return t.downloads(ctx)
}

// tree shows a folder and all folders below it, each paged to its end.
func (t *tour) tree(ctx context.Context, bucket, folder, indent string) error {
	entries, pages, err := t.list(ctx, bucket, folder)
	if err != nil {
		return err
	}
	if len(entries) == 0 {
		fmt.Fprintf(t.out, "%s%12s  (empty)\n", indent, "")
	}
	files := 0
	for _, e := range entries {
		if e.Type == "folder" {
			fmt.Fprintf(t.out, "%s%12s  %s/\n", indent, "", e.Name)
			if err := t.tree(ctx, bucket, e.ID, indent+"    "); err != nil {
				return err
			}
			continue
		}
		if files++; files <= shownFiles {
			fmt.Fprintf(t.out, "%s%12s  %s\n", indent, byteCount(e.Size), e.Name)
		}
	}
	if files > shownFiles {
		fmt.Fprintf(t.out, "%s%12s  … and %d more, %d pages in all\n", indent, "", files-shownFiles, pages)
	}
	return nil
}

func (t *tour) list(ctx context.Context, bucket, folder string) (entries []host.DriveFile, pages int, err error) {
	var next map[string]any
	for {
		result, err := t.plugin.Browse(ctx, t.who, cosPlugin, host.BrowseRequest{Bucket: bucket, Prefix: folder, MaxKeys: pageSize, Next: next})
		if err != nil {
			return nil, pages, err
		}
		page := result.Buckets[0]
		entries = append(entries, page.Files...)
		if pages++; !page.Truncated {
			return entries, pages, nil
		}
		next = page.Next
	}
}

// downloads fetches the first small file that can be read, and the largest one.
func (t *tour) downloads(ctx context.Context) error {
	fmt.Fprintf(t.out, "\nDownloads\n")
	small := "报告/年度报告 2024.pdf"
	if err := t.download(ctx, t.cloud.account.Documents, small); err != nil {
		return explain(err)
	}
	keys, err := t.cloud.store.Keys(t.cloud.account.Backups)
	if err != nil {
		return err
	}
	large := slices.MaxFunc(keys, func(a, b string) int { return int(t.size(a) - t.size(b)) })
	return explain(t.download(ctx, t.cloud.account.Backups, large))
}

func (t *tour) size(key string) int64 {
	_, size, err := t.cloud.store.Stat(t.cloud.account.Backups, key)
	if err != nil {
		return 0
	}
	return size
}

// download fetches a file, saves it, and compares it with what the bucket holds.
func (t *tour) download(ctx context.Context, bucket, key string) error {
	began := time.Now()
	request := host.Request{
		Caller: t.who, Type: "datasource", Action: "invoke_online_drive_download_file",
		Fields: map[string]any{"datasource": cosPlugin, "request": map[string]any{"bucket": bucket, "id": key}},
	}
	for m, err := range t.plugin.Call(ctx, request) {
		if err != nil {
			return err
		}
		if step, ok := m.Step(); ok {
			t.progress.show(step)
		}
		if m.File == nil {
			continue
		}
		path, size, err := saveFile(m.File, t.output)
		if err != nil {
			return err
		}
		if err := t.compare(bucket, key, path); err != nil {
			return err
		}
		way := "in one line of the answer"
		if m.Type != "blob" {
			way = "uploaded to Dify, the answer is a link"
		}
		t.progress.clear()
		fmt.Fprintf(t.out, "  %s (%s, %s) %s, %s; same bytes as in the bucket\n      %s\n",
			m.File.Name, byteCount(size), m.File.Type, way, time.Since(began).Round(time.Millisecond), path)
	}
	return nil
}

func (t *tour) compare(bucket, key, path string) error {
	stored, err := t.cloud.store.Open(bucket, key)
	if err != nil {
		return err
	}
	defer stored.Close()
	saved, err := os.Open(path)
	if err != nil {
		return err
	}
	defer saved.Close()
	want, got := sha256.New(), sha256.New()
	_, err1 := io.Copy(want, stored)
	_, err2 := io.Copy(got, saved)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("compare %s: %w", path, err)
	}
	if !bytes.Equal(want.Sum(nil), got.Sum(nil)) {
		return fmt.Errorf("%s differs from the object %q", path, key)
	}
	return nil
}
