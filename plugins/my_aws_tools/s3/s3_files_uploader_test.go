package s3

import (
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

func TestSection3_23Bug4_UploadFilesReportsEachFileInOrder(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	missing := w.File("b.txt", "text/plain", []byte("b"))
	missing["url"] = "https://dify.example.com/files/0/none"
	untagged := w.File("c.txt", "text/plain", []byte("c"))
	delete(untagged, "dify_model_identity")
	result := w.Succeed(t, "s3_files_uploader", map[string]any{
		"bucket_name": b, "key_prefix": "in", "sse_type": "AES256",
		"input_files": []any{w.File("a.txt", "text/plain", []byte("a")), missing, untagged, w.File("a.txt", "text/plain", []byte("a2")), w.File("d.txt", "", nil)},
	})
	toolstest.Same(t, "messages", []string{"json", "text"}, kinds(result))
	got := jsonOf(t, result)
	results := got["results"].([]any)
	errorText := results[1].(map[string]any)["error"]
	ok := func(index float64, key string) map[string]any {
		return map[string]any{
			"index": index, "bucket_name": b, "object_key": key, "s3_uri": "s3://" + b + "/" + key, "status": "ok", "server_side_encryption": "AES256",
		}
	}
	toolstest.Same(t, "JSON", map[string]any{"count": 5.0, "ok": 4.0, "failed": 1.0, "results": []any{
		ok(0, "in/a.txt"),
		// Section 3.23, bug 4: also a file that could not be read has its key.
		map[string]any{"index": 1.0, "bucket_name": b, "object_key": "in/b.txt", "s3_uri": "s3://" + b + "/in/b.txt", "status": "failed", "error": errorText},
		ok(2, "in/c.txt"), ok(3, "in/a-1.txt"), ok(4, "in/d.txt"),
	}}, got)
	holds(t, errorText.(string), "404")
	toolstest.Same(t, "text", "s3://"+b+"/in/a.txt\nFAILED [1]: "+errorText.(string)+"\ns3://"+b+"/in/c.txt\ns3://"+b+"/in/a-1.txt\ns3://"+b+"/in/d.txt", result.Text)
	toolstest.Same(t, "results", any(results), toolstest.Output(t, result, "results"))
	second, _ := w.store.Object(b, "in/a-1.txt")
	toolstest.Same(t, "the second of two files with one name", "a2", string(second.Content))
}

func TestUploadFilesFailsWhereAllFail(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.fail("PutObject", 0, aws.Deny())
	failed := w.Fail(t, "s3_files_uploader", map[string]any{
		"bucket_name": b, "input_files": []any{w.File("a.txt", "text/plain", []byte("a")), w.File("b.txt", "text/plain", []byte("b"))},
	})
	toolstest.Same(t, "kind", "InvokeAuthorizationError", failed.Type)
	holds(t, failed.Message, "none of the 2 files", "FAILED [0]", "/a.txt", "FAILED [1]", "/b.txt")
}

func TestUploadFilesReturnsURLsWhereAskedFor(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	result := w.Succeed(t, "s3_files_uploader", map[string]any{
		"bucket_name": b, "input_files": w.File("a.txt", "text/plain", []byte("hello")), "generate_presign_url": true, "presign_expiry": 60.0,
	})
	if status, content := w.open(t, result.Text); status != 200 || content != "hello" {
		t.Errorf("the URL gives status %d, %q", status, content)
	}
	first := jsonOf(t, result)["results"].([]any)[0].(map[string]any)
	toolstest.Same(t, "URL", any(result.Text), first["presigned_url"])
	toolstest.Same(t, "expiry", any(60.0), first["presign_expiry"])
}

func TestUploadFilesNamesEveryWrongParameter(t *testing.T) {
	w := newWorld(t)
	file := w.File("a", "", []byte("a"))
	w.refused(t, "s3_files_uploader", map[string]any{"bucket_name": "b c", "input_files": []any{}, "sse_type": "rot13"}, "bucket_name", "input_files is empty", "sse_type")
	w.refused(t, "s3_files_uploader", map[string]any{"bucket_name": "docs", "input_files": []any{"text"}}, "input_files", "file")
	w.refused(t, "s3_files_uploader", map[string]any{"bucket_name": "docs", "input_files": []any{file}, "sse_type": "aws:kms:dsse", "bucket_key_enabled": true}, "bucket_key_enabled")
}

func TestSection3_23Bug1_AnEntryIsFetchedUnderTheRulesForTypedURLs(t *testing.T) {
	for _, url := range []string{"http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/x", "file:///etc/passwd", "http://[::1]/x"} {
		w := newWorld(t)
		b := w.bucket(t, "us-east-1")
		failed := w.Fail(t, "s3_files_uploader", map[string]any{
			"bucket_name": b, "input_files": []any{map[string]any{"url": url, "filename": "a"}},
		})
		toolstest.Same(t, url, "InvokeBadRequestError", failed.Type)
		toolstest.Same(t, "operations", []string(nil), w.sent())
	}
}

func TestSection3_23Bug6_NothingIsOverwrittenWhereOverwriteIsOff(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a.txt")
	result := w.Succeed(t, "s3_files_uploader", map[string]any{
		"bucket_name": b, "overwrite": false, "input_files": []any{w.File("a.txt", "", []byte("new")), w.File("b.txt", "", []byte("new"))},
	})
	toolstest.Same(t, "failed", any(1.0), toolstest.Output(t, result, "failed"))
	stored, _ := w.store.Object(b, "a.txt")
	toolstest.Same(t, "stored", "a.txt", string(stored.Content))
}

func TestSection3_23Bug7_AKeyOfKMSWithoutItsEncryptionIsNotIgnored(t *testing.T) {
	w := newWorld(t)
	w.refused(t, "s3_files_uploader", map[string]any{
		"bucket_name": "docs", "input_files": []any{w.File("a", "", []byte("a"))}, "kms_key_id": "key-1", "sse_type": "",
	}, "kms_key_id", "aws:kms")
}
