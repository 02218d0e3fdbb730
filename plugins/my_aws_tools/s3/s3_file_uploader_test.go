package s3

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func TestUploadFileStoresAFileUnderItsName(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	result := w.Succeed(t, "s3_file_uploader", map[string]any{
		"bucket_name": b, "key_prefix": "/reports/", "input_file": w.File("report #1.pdf", "application/pdf", []byte("%PDF")),
	})
	uri := "s3://" + b + "/reports/report #1.pdf"
	toolstest.Same(t, "text", uri, result.Text)
	toolstest.Same(t, "messages", []string{"json", "text"}, kinds(result))
	toolstest.Same(t, "JSON", map[string]any{"bucket_name": b, "object_key": "reports/report #1.pdf", "s3_uri": uri}, jsonOf(t, result))
	stored, _ := w.store.Object(b, "reports/report #1.pdf")
	toolstest.Same(t, "stored", standin.Object{
		Attributes: standin.Attributes{ContentType: "application/pdf", SSE: "AES256"}, Content: []byte("%PDF"), ETag: stored.ETag,
	}, stored)
	toolstest.Same(t, "size", any(4.0), toolstest.Output(t, result, "size"))
	toolstest.Same(t, "encryption", any("AES256"), toolstest.Output(t, result, "server_side_encryption"))
	toolstest.Same(t, "operations", []string{"PutObject"}, w.sent())
}

func TestUploadFileTakesAKeyOfTheUsersOwn(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	for given, want := range map[string]string{"/x.bin": "in/x.bin", "a?b#c d%": "in/a?b#c d%", "": "in/f.bin", " ": "in/ "} {
		result := w.Succeed(t, "s3_file_uploader", map[string]any{
			"bucket_name": b, "key_prefix": "in", "object_key": given, "input_file": w.File("f.bin", "", []byte("1")),
		})
		toolstest.Same(t, "key of "+given, any(want), toolstest.Output(t, result, "object_key"))
	}
}

func TestSection3_23Bug2_AFileThatDifyDidNotTagIsTakenToo(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	file := w.File("a.txt", "text/plain", []byte("hello"))
	delete(file, "dify_model_identity")
	w.Succeed(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": file})
	toolstest.Same(t, "keys", []string{"a.txt"}, w.store.Keys(b))
}

func TestAFileBeyondOnePartGoesInParts(t *testing.T) {
	for name, test := range map[string]struct {
		size int
		want []string
	}{
		"exactly one part":  {partSize, []string{"PutObject"}},
		"one byte more":     {partSize + 1, []string{"CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"}},
		"exactly two parts": {2 * partSize, []string{"CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucket(t, "us-east-1")
			w.store.AddKMSKey("key-1")
			content := bytes.Repeat([]byte("0123456789abcde\n"), test.size/16+1)[:test.size]
			result := w.Succeed(t, "s3_file_uploader", map[string]any{
				"bucket_name": b, "input_file": w.File("a.bin", "application/zip", content), "sse_type": "aws:kms", "kms_key_id": "key-1",
				"storage_class": "GLACIER_IR",
			})
			toolstest.Same(t, "operations", test.want, w.sent())
			stored, _ := w.store.Object(b, "a.bin")
			if !bytes.Equal(stored.Content, content) {
				t.Errorf("%d bytes were stored, or others", len(stored.Content))
			}
			toolstest.Same(t, "attributes", standin.Attributes{ContentType: "application/zip", SSE: "aws:kms", KMSKeyID: "key-1", StorageClass: "GLACIER_IR"}, stored.Attributes)
			toolstest.Same(t, "size", any(float64(test.size)), toolstest.Output(t, result, "size"))
			toolstest.Same(t, "unfinished", 0, w.store.Unfinished())
		})
	}
}

func TestAnUploadThatFailsLeavesNothingBehind(t *testing.T) {
	for name, operation := range map[string]string{"at a part": "UploadPart", "at the end": "CompleteMultipartUpload"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucket(t, "us-east-1")
			w.fail(operation, 0, aws.Break())
			failed := w.Fail(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": w.File("a.bin", "", make([]byte, partSize+1))})
			toolstest.Same(t, "kind", "InvokeServerUnavailableError", failed.Type)
			toolstest.Same(t, "unfinished", 0, w.store.Unfinished())
			toolstest.Same(t, "keys", []string(nil), w.store.Keys(b))
			if w.last(t, "AbortMultipartUpload").Operation == "" {
				t.Error("the upload was not aborted")
			}
		})
	}
}

// broken serves a file that breaks off after so many bytes.
func (w *world) broken(t *testing.T, length, after int) map[string]any {
	t.Helper()
	err := w.Box.Handle("broken.example.com", http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) {
		out.Header().Set("Content-Length", "99999999")
		for sent := 0; sent < after; sent += 1 << 16 {
			_, _ = out.Write(make([]byte, min(1<<16, after-sent)))
		}
		panic(http.ErrAbortHandler)
	}))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"url": "https://broken.example.com/a.bin?sign=secret", "filename": "a.bin", "size": length}
}

func TestAFileThatBreaksOffIsNotStored(t *testing.T) {
	for name, after := range map[string]int{"in its first part": 1 << 20, "in a later part": partSize + 1<<20} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DIFYPLUGIN_FETCH_ALLOW", "broken.example.com")
			w := newWorld(t)
			b := w.bucket(t, "us-east-1")
			failed := w.Fail(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": w.broken(t, 99999999, after)})
			toolstest.Same(t, "kind", "InvokeConnectionError", failed.Type)
			holds(t, failed.Message, "a.bin")
			if strings.Contains(failed.Message, "secret") {
				t.Errorf("the signature stands in: %s", failed.Message)
			}
			toolstest.Same(t, "keys", []string(nil), w.store.Keys(b))
			toolstest.Same(t, "unfinished", 0, w.store.Unfinished())
		})
	}
}

func TestUploadFileNamesEveryWrongParameter(t *testing.T) {
	w := newWorld(t)
	file := w.File("a.txt", "text/plain", []byte("a"))
	w.refused(t, "s3_file_uploader", map[string]any{
		"bucket_name": "not a bucket", "input_file": file, "sse_type": "AES256", "kms_key_id": "k", "bucket_key_enabled": true,
		"generate_presign_url": true, "presign_expiry": 700000, "object_key": strings.Repeat("k", 1025),
	}, "bucket_name", "kms_key_id", "bucket_key_enabled", "presign_expiry", "object_key", "5 parameters")
	w.refused(t, "s3_file_uploader", map[string]any{"bucket_name": "", "input_file": nil}, "bucket_name is required", "input_file is required")
	w.refused(t, "s3_file_uploader", map[string]any{"bucket_name": "docs", "input_file": file, "sse_type": "rot13"}, "AES256, aws:kms, aws:kms:dsse")
	w.refused(t, "s3_file_uploader", map[string]any{"bucket_name": "docs", "input_file": file, "storage_class": "SHELF"}, "STANDARD_IA")
}

func TestSection3_22Bug1_FailuresOfAnyKindFailTheCall(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	file := w.File("a.txt", "text/plain", []byte("a"))
	file["url"] = strings.Replace(file["url"].(string), "secret", "wrong", 1)
	failed := w.Fail(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": file})
	holds(t, failed.Message, "a.txt", "404")
	toolstest.Same(t, "operations", []string(nil), w.sent())
	w.fail("PutObject", 0, aws.Drop())
	failed = w.Fail(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": w.File("a.txt", "text/plain", []byte("a"))})
	toolstest.Same(t, "kind", "InvokeConnectionError", failed.Type)
}

func TestSection3_22Bug2_ABlankExpiryIsAnHour(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	for _, blank := range []any{nil, "", " "} {
		result := w.Succeed(t, "s3_file_uploader", map[string]any{
			"bucket_name": b, "input_file": w.File("a.txt", "text/plain", []byte("a")), "generate_presign_url": true, "presign_expiry": blank,
		})
		toolstest.Same(t, "expiry", any(3600.0), jsonOf(t, result)["presign_expiry"])
		toolstest.Same(t, "text", jsonOf(t, result)["presigned_url"], any(result.Text))
		if status, content := w.open(t, result.Text); status != 200 || content != "a" {
			t.Errorf("the URL gives status %d, %q", status, content)
		}
	}
}

func TestSection3_22Bug3_AKeyNeverHoldsTheSignatureOfAURL(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	file := w.File("", "text/plain", []byte("a"))
	result := w.Succeed(t, "s3_file_uploader", map[string]any{"bucket_name": b, "input_file": file})
	toolstest.Same(t, "key", any("file-preview"), toolstest.Output(t, result, "object_key"))
}

func TestSection3_22Bug4_WhatIsThereIsKeptWhereOverwriteIsOff(t *testing.T) {
	for name, size := range map[string]int{"in one request": 1, "in parts": partSize + 1} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucket(t, "us-east-1", "a.bin")
			in := map[string]any{"bucket_name": b, "input_file": w.File("a.bin", "", make([]byte, size)), "overwrite": false}
			failed := w.Fail(t, "s3_file_uploader", in)
			toolstest.Same(t, "kind", "InvokeBadRequestError", failed.Type)
			holds(t, failed.Message, "overwrite")
			stored, _ := w.store.Object(b, "a.bin")
			toolstest.Same(t, "stored", "a.bin", string(stored.Content))
			toolstest.Same(t, "unfinished", 0, w.store.Unfinished())
			in["overwrite"] = nil // blank is the default, which is on
			w.Succeed(t, "s3_file_uploader", in)
			stored, _ = w.store.Object(b, "a.bin")
			toolstest.Same(t, "size", size, len(stored.Content))
		})
	}
}

func TestSection3_22Bug5_AURLForLongerThanSevenDaysIsRefusedBeforeTheUpload(t *testing.T) {
	w := newWorld(t)
	w.refused(t, "s3_file_uploader", map[string]any{
		"bucket_name": "docs", "input_file": w.File("a", "", []byte("a")), "generate_presign_url": true, "presign_expiry": 604801,
	}, "604800")
}

func TestSection3_22Bug6_URLsAreSignedWithVersion4InOldRegionsToo(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	result := w.Succeed(t, "s3_file_uploader", map[string]any{
		"bucket_name": b, "input_file": w.File("a", "", []byte("a")), "generate_presign_url": true, "presign_expiry": "604800",
	})
	holds(t, result.Text, "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Expires=604800")
	if strings.Contains(result.Text, "AWSAccessKeyId=") {
		t.Error("the URL is signed with version 2")
	}
}

func TestABucketsPolicyThatDemandsEncryptionIsSatisfied(t *testing.T) {
	w := newWorld(t)
	b := bucketName(t)
	w.add(t, standin.Bucket{Name: b, Region: "us-east-1", Owner: "123456789012", MustEncrypt: "aws:kms"})
	in := map[string]any{"bucket_name": b, "input_file": w.File("a", "", []byte("a"))}
	failed := w.Fail(t, "s3_file_uploader", in)
	toolstest.Same(t, "kind", "InvokeAuthorizationError", failed.Type)
	holds(t, failed.Message, "s3:PutObject", "explicit deny")
	in["sse_type"] = "aws:kms"
	w.Succeed(t, "s3_file_uploader", in)
}
