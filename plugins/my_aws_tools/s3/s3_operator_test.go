package s3

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func TestOperateReadsATextAndSaysNothingElse(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.put(t, b, "a.txt", "  hello\n世界 ")
	result := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
	toolstest.Same(t, "text", "  hello\n世界 ", result.Text)
	toolstest.Same(t, "messages", []string{"text"}, kinds(result))
	toolstest.Same(t, "size", any(15.0), toolstest.Output(t, result, "size"))
	toolstest.Same(t, "key", any("a.txt"), toolstest.Output(t, result, "key"))
	toolstest.Same(t, "URL", any(nil), toolstest.Output(t, result, "presigned_url"))
	toolstest.Same(t, "operations", []string{"GetObject"}, w.sent())
}

func TestOperateWritesATextAsItStands(t *testing.T) {
	for name, text := range map[string]string{"words": "hello", "white space": " \n ", "another script": "日本語", "what looks like JSON": `{"a":1}`} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucket(t, "us-east-1")
			result := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.txt", "operation_type": "write", "text_content": text})
			toolstest.Same(t, "text", "s3://"+b+"/a.txt", result.Text)
			toolstest.Same(t, "messages", []string{"text"}, kinds(result))
			stored, _ := w.store.Object(b, "a.txt")
			toolstest.Same(t, "stored", text, string(stored.Content))
			toolstest.Same(t, "etag", any(stored.ETag), toolstest.Output(t, result, "etag"))
		})
	}
}

func TestOperateGivesATextTheTypeOfItsExtension(t *testing.T) {
	for key, want := range map[string]string{
		"a": "text/plain; charset=utf-8", "a.txt": "text/plain; charset=utf-8", "a.unknown-to-all": "text/plain; charset=utf-8",
		"A.CSV": "text/csv", "a.md": "text/markdown", "a.json": "application/json", "a.html": "text/html", "x.d/a.yaml": "application/yaml",
		"a.jsonl": "application/jsonl", "a.tsv": "text/tab-separated-values", "a.xml": "text/xml", "a.css": "text/css", "a.js": "text/javascript",
		"a.svg": "image/svg+xml", "a.pdf": "application/pdf",
	} {
		toolstest.Same(t, key, want, textType(key))
	}
}

func TestOperateSendsWhatTheUserChose(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.store.AddKMSKey("alias/docs")
	w.Succeed(t, "s3_operator", map[string]any{
		"s3_uri": "s3://" + b + "/a.csv", "operation_type": "write", "text_content": "a,b", "sse_type": "aws:kms", "kms_key_id": "alias/docs",
		"bucket_key_enabled": true, "storage_class": "STANDARD_IA", "requester_pays": "yes", "overwrite": "false",
	})
	header := w.last(t, "PutObject").Header
	for name, want := range map[string]string{
		"Content-Type": "text/csv", "X-Amz-Server-Side-Encryption": "aws:kms", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "alias/docs",
		"X-Amz-Server-Side-Encryption-Bucket-Key-Enabled": "true", "X-Amz-Storage-Class": "STANDARD_IA", "X-Amz-Request-Payer": "requester",
		"If-None-Match": "*",
	} {
		toolstest.Same(t, name, want, header.Get(name))
	}
	w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.csv", "operation_type": "write", "text_content": "c"})
	for name := range w.last(t, "PutObject").Header {
		if strings.HasPrefix(name, "X-Amz-Server") || name == "X-Amz-Storage-Class" || name == "X-Amz-Request-Payer" || name == "If-None-Match" {
			t.Errorf("%s was sent without being asked for", name)
		}
	}
}

func TestSection3_27Bug1_WrongParametersAreNamedAtOnceAndNothingIsSent(t *testing.T) {
	w := newWorld(t)
	w.refused(t, "s3_operator", map[string]any{
		"s3_uri": "https://docs/a", "operation_type": "write", "generate_presign_url": true, "presign_expiry": 0,
		"sse_type": "AES256", "kms_key_id": "k", "bucket_key_enabled": true,
	}, "5 parameters", "s3_uri", "presign_expiry", "text_content is required", "kms_key_id", "bucket_key_enabled")
	w.refused(t, "s3_operator", map[string]any{}, "s3_uri is required")
	w.refused(t, "s3_operator", map[string]any{"s3_uri": "s3://docs/a", "operation_type": "delete"}, "read, write")
	w.refused(t, "s3_operator", map[string]any{"s3_uri": "s3://docs/a", "operation_type": "write", "text_content": nil}, "text_content")
}

func TestSection3_27Bug2_AnEmptyTextCanBeWrittenAndRead(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	in := map[string]any{"s3_uri": "s3://" + b + "/empty", "operation_type": "write", "text_content": ""}
	w.Succeed(t, "s3_operator", in)
	stored, ok := w.store.Object(b, "empty")
	if !ok || len(stored.Content) != 0 {
		t.Errorf("%v, %d bytes", ok, len(stored.Content))
	}
	toolstest.Same(t, "text", "", w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/empty"}).Text)
	url := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/empty", "generate_presign_url": true}).Text
	if status, _ := w.open(t, url); status != 200 {
		t.Errorf("status %d", status)
	}
}

func TestSection3_27Bug3_MissingCredentialsAreSaidPlainly(t *testing.T) {
	w := newWorld(t)
	failed := w.FailAs(t, nil, "s3_operator", map[string]any{"s3_uri": "s3://docs/a"})
	toolstest.Same(t, "kind", "InvokeAuthorizationError", failed.Type)
	holds(t, failed.Message, "aws_access_key_id")
	toolstest.Same(t, "requests", 0, len(w.Box.Requests()))
}

func TestSection3_27Bug4_WhatIsNoTextIsRefusedWithTheWayToGetIt(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.put(t, b, "a.png", "\x89PNG\xff\xfe")
	failed := w.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.png"})
	toolstest.Same(t, "kind", "InvokeBadRequestError", failed.Type)
	holds(t, failed.Message, "UTF-8", "s3_file_download")
}

func TestSection3_27Bug5_ATextHasALimitAndSaysSo(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.put(t, b, "just", strings.Repeat("a", maxText))
	w.put(t, b, "over", strings.Repeat("a", maxText+1))
	toolstest.Same(t, "length", maxText, len(w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/just"}).Text))
	failed := w.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/over"})
	holds(t, failed.Message, "4.0 MiB", "s3_file_download", "presigned")
}

func TestSection3_27Bug6_OnlyObjectsThatCanBeReadGetAURL(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a")
	failed := w.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/none", "generate_presign_url": true})
	toolstest.Same(t, "kind", "InvokeBadRequestError", failed.Type)
	holds(t, failed.Message, "no such object")
	w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a", "generate_presign_url": true})
	toolstest.Same(t, "range that was asked for", "bytes=0-0", w.last(t, "GetObject").Header.Get("Range"))
}

func TestSection3_27Bug7_AURLIsValidForSevenDaysAtMost(t *testing.T) {
	w := newWorld(t)
	for _, expiry := range []any{604801, 0, -1, 1.5, "8640000"} {
		w.refused(t, "s3_operator", map[string]any{"s3_uri": "s3://docs/a", "generate_presign_url": true, "presign_expiry": expiry}, "presign_expiry", "604800")
	}
	b := w.bucket(t, "us-east-1", "a")
	for given, want := range map[any]string{nil: "3600", "": "3600", "60": "60", 60.0: "60", 604800: "604800", 1: "1"} {
		result := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a", "generate_presign_url": "true", "presign_expiry": given})
		parsed, err := url.Parse(result.Text)
		if err != nil {
			t.Fatal(err)
		}
		toolstest.Same(t, "X-Amz-Expires", want, parsed.Query().Get("X-Amz-Expires"))
		toolstest.Same(t, "presign_expiry", want, string(result.Variables["presign_expiry"]))
	}
	// Where no URL is made, its validity does not matter.
	w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a", "presign_expiry": 0})
}

func TestSection3_27Bug8_KeysOfAnyCharactersAreReadAndWritten(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	keys := []string{"a#1.txt", "a?b=c&d", "100%", "a%20b", " a b ", "/a", "a//b", "dir/", "日本/🙂", "a+b", "~'()*!;:@,$=[]", "a\tb", "..."}
	for _, key := range keys {
		uri := "s3://" + b + "/" + key
		w.Succeed(t, "s3_operator", map[string]any{"s3_uri": uri, "operation_type": "write", "text_content": key})
		if stored, ok := w.store.Object(b, key); !ok || string(stored.Content) != key {
			t.Fatalf("%q was stored as one of %q", key, w.store.Keys(b))
		}
		toolstest.Same(t, "text", key, w.Succeed(t, "s3_operator", map[string]any{"s3_uri": uri}).Text)
		url := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": uri, "generate_presign_url": true}).Text
		if status, content := w.open(t, url); status != 200 || content != key {
			t.Errorf("the URL of %q gives status %d, %q", key, status, content)
		}
	}
}

func TestAPresignedURLHoldsNoSecret(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a")
	url := w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a", "generate_presign_url": true}).Text
	if strings.Contains(url, toolstest.SecretAccessKey) || strings.Contains(url, strings.ReplaceAll(toolstest.SecretAccessKey, "/", "%2F")) {
		t.Error("the secret key stands in the URL")
	}
	holds(t, url, "X-Amz-Algorithm=AWS4-HMAC-SHA256", "X-Amz-Signature=")
	for _, line := range w.Logs() {
		if text, _ := json.Marshal(line); strings.Contains(string(text), "X-Amz-Signature") {
			t.Errorf("the URL was logged: %s", text)
		}
	}
}

func TestEveryClassOfErrorHasItsKind(t *testing.T) {
	for name, test := range map[string]struct {
		effect     aws.Effect
		kind, word string
	}{
		"denied":            {aws.Deny(), "InvokeAuthorizationError", "s3:GetObject"},
		"throttled":         {aws.Throttle(), "InvokeRateLimitError", "fewer requests"},
		"expired":           {aws.Expire(), "InvokeAuthorizationError", "expired"},
		"an internal error": {aws.Break(), "InvokeServerUnavailableError", "try again"},
		"overloaded":        {aws.Overload(), "InvokeServerUnavailableError", "try again"},
		"no answer":         {aws.Drop(), "InvokeConnectionError", "connection"},
		"no such bucket":    {aws.Fail(404, "NoSuchBucket", "The specified bucket does not exist"), "InvokeBadRequestError", "no such bucket"},
		"archived":          {aws.Fail(403, "InvalidObjectState", "x"), "InvokeBadRequestError", "restore"},
		"a missing KMS key": {aws.Fail(400, "KMS.NotFoundException", "x"), "InvokeBadRequestError", "KMS key"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.bucket(t, "us-east-1", "a.txt")
			w.fail("GetObject", 0, test.effect)
			failed := w.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a.txt"})
			toolstest.Same(t, "kind", test.kind, failed.Type)
			holds(t, failed.Message, test.word, "s3://"+b+"/a.txt")
			if strings.Contains(failed.Message, toolstest.AccessKeyID) {
				t.Errorf("a key stands in: %s", failed.Message)
			}
		})
	}
}

func TestAFailureThatPassesIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	w.fail("PutObject", 2, aws.Throttle())
	w.Succeed(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/a", "operation_type": "write", "text_content": "x"})
	toolstest.Same(t, "operations", []string{"PutObject", "PutObject", "PutObject"}, w.sent())
}

func TestAnArchivedObjectSaysThatItMustBeRestored(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	if _, err := w.store.Put(b, "old", []byte("x"), standin.Attributes{StorageClass: "GLACIER"}); err != nil {
		t.Fatal(err)
	}
	failed := w.Fail(t, "s3_operator", map[string]any{"s3_uri": "s3://" + b + "/old"})
	holds(t, failed.Message, "archived", "restore")
}
