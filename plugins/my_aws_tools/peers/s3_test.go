//go:build slow

package peers

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

const s3Host = "s3.versity.test"

// gateway is the S3 of Versity, which verifies signatures itself, with the tools in front of it.
type gateway struct {
	*toolstest.AWS
	*toolstest.Tools
}

// newGateway starts the gateway over an empty folder. Attributes are kept beside it, because not every file system of a
// test machine has any.
func newGateway(t *testing.T) *gateway {
	t.Helper()
	program := located(t, "DIFYPLUGIN_VERSITYGW")
	objects, attributes, address := t.TempDir(), t.TempDir(), freeAddress(t)
	g := &gateway{AWS: toolstest.Start(t)}
	serve(t, address, program, "--access", toolstest.AccessKeyID, "--secret", toolstest.SecretAccessKey, "--region", "us-east-1",
		"--port", address, "--quiet", "posix", "--sidecar", attributes, objects)
	publish(t, g.AWS, s3Host, address)
	t.Chdir(filepath.Join("..", "s3"))
	g.Tools = g.Run(t,
		plugin.Tool("s3_operator", s3.Operate), plugin.Tool("s3_file_uploader", s3.UploadFile), plugin.Tool("s3_files_uploader", s3.UploadFiles),
		plugin.Tool("s3_file_download", s3.DownloadFile), plugin.Tool("s3_files_download", s3.DownloadFiles),
		plugin.Tool("s3_list_buckets", s3.ListBuckets), plugin.Tool("s3_list_objects", s3.ListObjects), plugin.Tool("s3_create_bucket", s3.CreateBucket),
	)
	return g
}

func (g *gateway) run(t *testing.T, tool string, parameters map[string]any) host.Result {
	t.Helper()
	return g.SucceedAs(t, at(s3Host), tool, parameters)
}

func (g *gateway) fail(t *testing.T, tool string, parameters map[string]any) *host.PluginError {
	t.Helper()
	return g.FailAs(t, at(s3Host), tool, parameters)
}

// bucket makes a bucket with the tool for it.
func (g *gateway) bucket(t *testing.T, name string) string {
	t.Helper()
	g.run(t, "s3_create_bucket", map[string]any{"bucket_name": name})
	return name
}

func (g *gateway) write(t *testing.T, uri, text string) {
	t.Helper()
	g.run(t, "s3_operator", map[string]any{"s3_uri": uri, "operation_type": "write", "text_content": text})
}

// keys are the keys of a bucket by the tool that lists them, page by page.
func (g *gateway) keys(t *testing.T, bucket, prefix string, perPage int) []string {
	t.Helper()
	var keys []string
	token := ""
	for range 100 {
		page := g.run(t, "s3_list_objects", map[string]any{"bucket_name": bucket, "prefix": prefix, "max_keys": perPage, "continuation_token": token})
		for _, object := range toolstest.Output(t, page, "objects").([]any) {
			keys = append(keys, object.(map[string]any)["key"].(string))
		}
		if toolstest.Output(t, page, "is_truncated") == false {
			return keys
		}
		token = toolstest.Output(t, page, "next_continuation_token").(string)
	}
	t.Fatalf("the list of %s has no end", bucket)
	return nil
}

// browse opens a presigned URL as a client that knows nothing of AWS.
func (g *gateway) browse(t *testing.T, url string) (status int, content []byte) {
	t.Helper()
	transport := g.Box.Transport()
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if content, err = io.ReadAll(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, content
}

func bytesOf(t *testing.T, file *host.File) []byte {
	t.Helper()
	content, err := file.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// oddKeys hold what addresses, encodings and signatures give a meaning to.
func oddKeys() []string {
	return []string{
		"a#b.txt", "a?b=c&d.txt", "50%.txt", "%41%2F.txt", "日本語/報告 書.txt", "two  spaces.txt", "plus+sign.txt",
		"semi;colon,'quoted'.txt", `"double".txt`, "tilde~star*!(round)[square]{curly}.txt", "e\u0301 and \u00e9.txt", "at@colon:dollar$equals=.txt",
		"back\\slash^caret|pipe`tick<less>.txt",
	}
}

func TestSlowVersityTakesEveryKeyAsItStands(t *testing.T) {
	g := newGateway(t)
	b := g.bucket(t, "odd-keys")
	for _, key := range oddKeys() {
		uri := "s3://" + b + "/" + key
		g.write(t, uri, "content of "+key)
		toolstest.Same(t, "read "+key, "content of "+key, g.run(t, "s3_operator", map[string]any{"s3_uri": uri}).Text)
		toolstest.Same(t, "download "+key, "content of "+key, string(bytesOf(t, g.run(t, "s3_file_download", map[string]any{"s3_uri": uri}).Files[0])))
		signed := g.run(t, "s3_operator", map[string]any{"s3_uri": uri, "generate_presign_url": true, "presign_expiry": 60})
		status, content := g.browse(t, signed.Text)
		if status != http.StatusOK || string(content) != "content of "+key {
			t.Errorf("%s: the presigned URL gives status %d, %q", key, status, content)
		}
	}
	want := oddKeys()
	slices.Sort(want)
	toolstest.Same(t, "keys in one page", want, g.keys(t, b, "", 1000))
	toolstest.Same(t, "keys in pages of two", want, g.keys(t, b, "", 2))
	toolstest.Same(t, "keys under a prefix", []string{"日本語/報告 書.txt"}, g.keys(t, b, "日本語/", 1000))
}

func TestSlowVersityRefusesAPresignedURLThatWasChanged(t *testing.T) {
	g := newGateway(t)
	b := g.bucket(t, "presigned")
	g.write(t, "s3://"+b+"/a.txt", "a")
	g.write(t, "s3://"+b+"/b.txt", "b")
	signed := g.run(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.txt", "generate_presign_url": true, "presign_expiry": 60}).Text
	if status, content := g.browse(t, strings.Replace(signed, "/a.txt", "/b.txt", 1)); status != http.StatusForbidden {
		t.Errorf("status %d: %s", status, content)
	}
}

func TestSlowVersityKeepsFilesInOnePieceAndInParts(t *testing.T) {
	g := newGateway(t)
	b := g.bucket(t, "files")
	const part = 16 << 20
	for _, file := range []struct {
		name  string
		size  int
		parts string
	}{
		{"empty #0.bin", 0, ""},
		{"small?.bin", 1000, ""},
		{"one part 100%.bin", part, ""},
		{"one byte more+.bin", part + 1, "-2"},
		{"大きい ファイル #3?.bin", 2*part + 12345, "-3"},
	} {
		content := pattern(file.size)
		result := g.run(t, "s3_file_uploader", map[string]any{
			"bucket_name": b, "object_key": file.name, "input_file": g.File("file.bin", "application/x-odd", content),
		})
		toolstest.Same(t, file.name+": size", any(float64(file.size)), toolstest.Output(t, result, "size"))
		etag := toolstest.Output(t, result, "etag").(string)
		if (file.parts == "") == strings.Contains(etag, "-") || !strings.HasSuffix(strings.Trim(etag, `"`), file.parts) {
			t.Errorf("%s: the ETag is %s", file.name, etag)
		}
		got := g.run(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/" + file.name})
		toolstest.Same(t, file.name+": ETag", any(etag), toolstest.Output(t, got, "etag"))
		toolstest.Same(t, file.name+": type", any("application/x-odd"), toolstest.Output(t, got, "content_type"))
		if !bytes.Equal(content, bytesOf(t, got.Files[0])) {
			t.Errorf("%s came back with other content", file.name)
		}
	}
}

func TestSlowVersityServesBatches(t *testing.T) {
	g := newGateway(t)
	b := g.bucket(t, "batches")
	var files []any
	for _, key := range oddKeys() {
		name := strings.ReplaceAll(key, "/", " ")
		files = append(files, g.File(name, "text/plain", []byte("content of "+name)))
	}
	stored := g.run(t, "s3_files_uploader", map[string]any{"bucket_name": b, "key_prefix": "in #?%", "input_files": files, "generate_presign_url": true, "presign_expiry": 60})
	toolstest.Same(t, "uploaded", any(float64(len(files))), toolstest.Output(t, stored, "ok"))
	var uris []any
	for i, entry := range toolstest.Output(t, stored, "results").([]any) {
		entry := entry.(map[string]any)
		uris = append(uris, entry["s3_uri"])
		want := "content of " + files[i].(map[string]any)["filename"].(string)
		if status, content := g.browse(t, entry["presigned_url"].(string)); status != http.StatusOK || string(content) != want {
			t.Errorf("%s: the presigned URL gives status %d, %q", entry["s3_uri"], status, content)
		}
	}
	got := g.run(t, "s3_files_download", map[string]any{"s3_uris": append(uris, "s3://"+b+"/in/none.txt")})
	toolstest.Same(t, "downloaded", any(float64(len(files))), toolstest.Output(t, got, "ok"))
	toolstest.Same(t, "not downloaded", any(1.0), toolstest.Output(t, got, "failed"))
	for i, file := range got.Files {
		toolstest.Same(t, "content", "content of "+files[i].(map[string]any)["filename"].(string), string(bytesOf(t, file)))
	}
}

func TestSlowVersityListsBucketsAndFolders(t *testing.T) {
	g := newGateway(t)
	for _, name := range []string{"first", "second"} {
		g.bucket(t, name)
	}
	toolstest.Same(t, "buckets", any([]any{"first", "second"}), toolstest.Output(t, g.run(t, "s3_list_buckets", map[string]any{}), "bucket_names"))
	for _, key := range []string{"top.txt", "報告 #1/a.txt", "報告 #1/b.txt", "x%20y/a.txt"} {
		g.write(t, "s3://first/"+key, key)
	}
	page := g.run(t, "s3_list_objects", map[string]any{"bucket_name": "first", "delimiter": "/"})
	toolstest.Same(t, "folders", any([]any{"x%20y/", "報告 #1/"}), toolstest.Output(t, page, "common_prefixes"))
	toolstest.Same(t, "objects", any(1.0), toolstest.Output(t, page, "object_count"))
}

func TestSlowVersityAndTheToolsAgreeOnFailures(t *testing.T) {
	g := newGateway(t)
	b := g.bucket(t, "failures")
	g.write(t, "s3://"+b+"/a.txt", "first")
	read := map[string]any{"s3_uri": "s3://" + b + "/a.txt"}
	toolstest.WantFailure(t, g.fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/none.txt"}), plugin.BadRequest, "none.txt")
	toolstest.WantFailure(t, g.fail(t, "s3_operator", map[string]any{"s3_uri": "s3://no-such-bucket/a.txt"}), plugin.BadRequest, "no-such-bucket")
	toolstest.WantFailure(t, g.FailAs(t, at(s3Host, "aws_secret_access_key", "another-secret"), "s3_operator", read), plugin.Authorization)
	// For a key that nobody has, the gateway has a code of its own, of which the tool can only hand on the sentence.
	toolstest.WantFailure(t, g.FailAs(t, at(s3Host, "aws_access_key_id", "AKIANOBODYKNOWSTHISK"), "s3_operator", read), plugin.BadRequest, "access key ID")
	toolstest.WantFailure(t, g.fail(t, "s3_operator", map[string]any{
		"s3_uri": "s3://" + b + "/a.txt", "operation_type": "write", "text_content": "second", "overwrite": false,
	}), plugin.BadRequest, "a.txt")
	toolstest.Same(t, "what is there", "first", g.run(t, "s3_operator", read).Text)
}

// The gateway must hold the tools to their signatures, else these tests show nothing.
func TestSlowVersityRefusesRequestsThatAreNotSigned(t *testing.T) {
	g := newGateway(t)
	b := g.bucket(t, "unsigned")
	g.write(t, "s3://"+b+"/a.txt", "a")
	if status, content := g.browse(t, "https://"+net.JoinHostPort(s3Host, "443")+"/"+b+"/a.txt"); status != http.StatusForbidden {
		t.Errorf("status %d: %s", status, content)
	}
}
