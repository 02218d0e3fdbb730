package s3

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func contentOf(t *testing.T, f *host.File) []byte {
	t.Helper()
	body, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	content, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestDownloadFileHandsOverTheFileAndWhatIsKnownOfIt(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.put(t, b, "in/report #1?.txt", "hello")
	result := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/in/report #1?.txt"})
	toolstest.Same(t, "messages", []string{"blob", "json", "text"}, kinds(result))
	toolstest.Same(t, "content", "hello", string(contentOf(t, result.Files[0])))
	got := jsonOf(t, result)
	date := got["last_modified"].(string)
	toolstest.Same(t, "JSON", map[string]any{
		"bucket": b, "key": "in/report #1?.txt", "content_type": "text/plain", "content_length": 5.0, "etag": `"5d41402abc4b2a76b9719d911017c592"`,
		"last_modified": date, "s3_uri": "s3://" + b + "/in/report #1?.txt", "version_id": nil, "server_side_encryption": nil, "kms_key_id": nil,
		"bucket_key_enabled": false,
	}, got)
	holds(t, date, "T", "+00:00")
	toolstest.Same(t, "text", "bucket: "+b+"\nkey: in/report #1?.txt\ncontent_type: text/plain\ncontent_length: 5\netag: \"5d41402abc4b2a76b9719d911017c592\"\n"+
		"last_modified: "+date+"\ns3_uri: s3://"+b+"/in/report #1?.txt", result.Text)
}

func TestSection3_21Bug1_NothingIsCutOffAKey(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a", "a#1.txt", "a?x", "a%20b")
	for _, key := range []string{"a#1.txt", "a?x", "a%20b"} {
		result := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/" + key})
		toolstest.Same(t, "content", key, string(contentOf(t, result.Files[0])))
	}
}

func TestSection3_21Bug2_AnAddressWithoutAKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	w.refused(t, "s3_file_download", map[string]any{"s3_uri": "s3://docs/"}, "key is missing")
	w.refused(t, "s3_file_download", map[string]any{"s3_uri": nil}, "s3_uri is required")
}

func TestSection3_21Bug3_AKeyThatEndsWithASlashHasAFileName(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "dir/")
	result := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/dir/"})
	toolstest.Same(t, "name", "dir", result.Files[0].Name)
}

func TestSection3_21Bug4_AFileTooLargeForTheAnswerIsUploadedToDify(t *testing.T) {
	t.Setenv("PLUGIN_MAX_FILE_SIZE", "1048576")
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	content := strings.Repeat("0123456789abcdef", 1<<17)
	w.put(t, b, "large.txt", content)
	result := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/large.txt"})
	toolstest.Same(t, "messages", []string{"binary_link", "json", "text"}, kinds(result))
}

func TestSection3_21Bug6_AnOlderVersionCanBeRead(t *testing.T) {
	w := newWorld(t)
	b := bucketName(t)
	w.add(t, standin.Bucket{Name: b, Region: "us-east-1", Owner: "123456789012", Versioned: true})
	first := w.put(t, b, "a", "first")
	w.put(t, b, "a", "second")
	uri := "s3://" + b + "/a"
	toolstest.Same(t, "newest", "second", string(contentOf(t, w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": uri, "version_id": ""}).Files[0])))
	older := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": uri, "version_id": first})
	toolstest.Same(t, "older", "first", string(contentOf(t, older.Files[0])))
	toolstest.Same(t, "version", any(first), toolstest.Output(t, older, "version_id"))
}

func TestSection3_21Bug7_TheEncryptionIsTold(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	if _, err := w.store.Put(b, "a", []byte("x"), standin.Attributes{SSE: "aws:kms", KMSKeyID: "key-1", BucketKey: true}); err != nil {
		t.Fatal(err)
	}
	got := jsonOf(t, w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a"}))
	toolstest.Same(t, "encryption", []any{"aws:kms", "key-1", true}, []any{got["server_side_encryption"], got["kms_key_id"], got["bucket_key_enabled"]})
}

func TestADownloadThatBreaksOffIsTakenUpWhereItWas(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	content := strings.Repeat("0123456789abcdef", 1<<16)
	w.put(t, b, "a.txt", content)
	w.fail("GetObject", 2, aws.Cut(300_000))
	result := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
	if !bytes.Equal(contentOf(t, result.Files[0]), []byte(content)) {
		t.Error("other bytes arrived")
	}
	toolstest.Same(t, "operations", []string{"GetObject", "GetObject", "GetObject"}, w.sent())
	again := w.last(t, "GetObject")
	toolstest.Same(t, "range", "bytes=600000-", again.Header.Get("Range"))
	stored, _ := w.store.Object(b, "a.txt")
	toolstest.Same(t, "condition", stored.ETag, again.Header.Get("If-Match"))
}

func TestADownloadThatBreaksOffTooOftenFails(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.put(t, b, "a.txt", strings.Repeat("x", 1<<20))
	w.fail("GetObject", 0, aws.Cut(1000))
	failed := w.Fail(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
	toolstest.Same(t, "kind", "InvokeConnectionError", failed.Type)
	holds(t, failed.Message, "6000 of 1048576 bytes", "taken up again 5 times")
}

func TestAnObjectThatIsReplacedMeanwhileIsNotMixed(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.put(t, b, "a.txt", strings.Repeat("x", 1<<20))
	w.fail("GetObject", 1, aws.Cut(1000))
	w.store.ReplaceAfterRead(b, "a.txt", []byte(strings.Repeat("y", 1<<20)))
	failed := w.Fail(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
	toolstest.Same(t, "kind", "InvokeConnectionError", failed.Type)
	holds(t, failed.Message, "replaced")
}

func TestBytesThatAreNotThoseThatAreStoredAreAnError(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a.txt")
	w.store.Damage(b, "a.txt")
	failed := w.Fail(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
	toolstest.Same(t, "kind", "InvokeConnectionError", failed.Type)
	holds(t, failed.Message, "checksum differs")
}

// The checksum is over the whole, also of what arrived over two connections and was uploaded in parts.
func TestWhatThisToolUploadedIsCheckedWhenItIsRead(t *testing.T) {
	t.Setenv("PLUGIN_MAX_FILE_SIZE", "1048576")
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.Succeed(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": w.File("a.bin", "", bytes.Repeat([]byte("ab"), partSize/2+1))})
	w.fail("GetObject", 1, aws.Cut(1<<20))
	w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.bin"})
	w.store.Damage(b, "a.bin")
	w.fail("GetObject", 1, aws.Cut(1<<20))
	failed := w.Fail(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.bin"})
	holds(t, failed.Message, "checksum differs")
}

func TestAGenericTypeGivesWayToTheNames(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	for stored, want := range map[string]string{"binary/octet-stream": "application/pdf", "application/octet-stream": "application/pdf", "": "application/pdf", "text/x-own; charset=utf-8": "text/x-own"} {
		if _, err := w.store.Put(b, "a.pdf", []byte("x"), standin.Attributes{ContentType: stored}); err != nil {
			t.Fatal(err)
		}
		result := w.Succeed(t, "s3_file_download", map[string]any{"s3_uri": "s3://" + b + "/a.pdf"})
		toolstest.Same(t, stored, want, result.Files[0].Type)
	}
}
