package s3

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

func TestSection3_24Bug2AndBug5_DownloadFilesHandsOverFilesInOrderAndReportsEach(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a#1.txt", "in/x.txt", "y/x.txt")
	at := func(key string) string { return "s3://" + b + "/" + key }
	uris := []any{at("in/x.txt"), at("none"), at("a#1.txt"), "", nil, "not an address", at("y/x.txt")}
	result := w.Succeed(t, "s3_files_download", map[string]any{"s3_uris": uris})
	toolstest.Same(t, "messages", []string{"blob", "blob", "blob", "json", "text"}, kinds(result))
	var files []string
	for _, f := range result.Files {
		files = append(files, f.Name+": "+string(contentOf(t, f)))
	}
	// Section 3.24, bug 5: of two files with one name, the second has a number.
	toolstest.Same(t, "files", []string{"x.txt: in/x.txt", "a#1.txt: a#1.txt", "x-1.txt: y/x.txt"}, files)
	got := jsonOf(t, result)
	toolstest.Same(t, "counts", []any{5.0, 3.0, 2.0}, []any{got["count"], got["ok"], got["failed"]})
	var lines []string
	for _, item := range got["results"].([]any) {
		entry := item.(map[string]any)
		lines = append(lines, fmt.Sprint(entry["index"], " ", entry["key"], " ", entry["status"], " ", entry["filename"], " ", entry["content_length"]))
	}
	toolstest.Same(t, "results", []string{
		"0 in/x.txt ok x.txt 8", "1 none failed <nil> <nil>", "2 a#1.txt ok a#1.txt 7", "3 <nil> failed <nil> <nil>", "4 y/x.txt ok x-1.txt 7",
	}, lines)
	holds(t, result.Text, "bucket: "+b+"\nkey: in/x.txt\ncontent_length: 8\n\nFAILED [1] "+at("none")+": ", "FAILED [3] not an address: ")
}

func TestDownloadFilesFailsWhereAllFail(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	failed := w.Fail(t, "s3_files_download", map[string]any{"s3_uris": []any{"s3://" + b + "/a", "s3://" + b + "/b"}})
	toolstest.Same(t, "kind", "InvokeBadRequestError", failed.Type)
	holds(t, failed.Message, "none of the 2 files", "FAILED [0] s3://"+b+"/a", "FAILED [1] s3://"+b+"/b")
}

func TestAFileThatBreaksOffDoesNotTakeTheOthersWithIt(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a", "c")
	w.put(t, b, "b", strings.Repeat("x", 1<<20))
	w.store.Damage(b, "b")
	result := w.Succeed(t, "s3_files_download", map[string]any{"s3_uris": []any{"s3://" + b + "/a", "s3://" + b + "/b", "s3://" + b + "/c"}})
	toolstest.Same(t, "files", 2, len(result.Files))
	holds(t, jsonOf(t, result)["results"].([]any)[1].(map[string]any)["error"].(string), "checksum differs")
}

// A large file is on its way to Dify before its end is known to be right.
func TestALargeFileThatBreaksOffFailsTheCallAndHidesNoOtherFailure(t *testing.T) {
	t.Setenv("PLUGIN_MAX_FILE_SIZE", "1048576")
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a")
	w.put(t, b, "large", strings.Repeat("x", partSize+1))
	w.store.Damage(b, "large")
	failed := w.Fail(t, "s3_files_download", map[string]any{"s3_uris": []any{"s3://" + b + "/none", "s3://" + b + "/large", "s3://" + b + "/gone"}})
	holds(t, failed.Message, "checksum differs", "FAILED [0]", "/none", "FAILED [2]", "/gone")
}

// What waits for its turn must not wait for memory that those hold who wait for this one.
func TestFilesPassThroughWhereNoMemoryIsLeft(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1")
	var uris []any
	var want []string
	for i := range 7 {
		key := fmt.Sprintf("%d.bin", i)
		w.put(t, b, key, strings.Repeat(key, 10_000))
		uris, want = append(uris, "s3://"+b+"/"+key), append(want, strings.Repeat(key, 10_000))
	}
	memory := theProcess().memory
	for _, taken := range []int64{0, memoryBudget - 120_000, memoryBudget} {
		if !memory.TryAcquire(taken) {
			t.Fatal("memory is missing")
		}
		var got []string
		for _, f := range w.Succeed(t, "s3_files_download", map[string]any{"s3_uris": uris}).Files {
			got = append(got, string(contentOf(t, f)))
		}
		memory.Release(taken)
		toolstest.Same(t, fmt.Sprintf("contents with %d bytes taken", taken), want, got)
	}
	if !memory.TryAcquire(memoryBudget) {
		t.Fatal("memory was not given back")
	}
	memory.Release(memoryBudget)
}

func TestAThrottledBatchIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a", "b")
	w.fail("GetObject", 2, aws.Throttle())
	result := w.Succeed(t, "s3_files_download", map[string]any{"s3_uris": []any{"s3://" + b + "/a", "s3://" + b + "/b"}})
	toolstest.Same(t, "failed", any(0.0), toolstest.Output(t, result, "failed"))
}

func TestSection3_24Bug1_AListWrittenAsJSONIsAList(t *testing.T) {
	w := newWorld(t)
	b := w.bucket(t, "us-east-1", "a", "b")
	for _, uris := range []any{`["s3://` + b + `/a", "s3://` + b + `/b"]`, []any{"s3://" + b + "/a", "s3://" + b + "/b"}} {
		toolstest.Same(t, "files", 2, len(w.Succeed(t, "s3_files_download", map[string]any{"s3_uris": uris}).Files))
	}
	toolstest.Same(t, "files of one address", 1, len(w.Succeed(t, "s3_files_download", map[string]any{"s3_uris": "s3://" + b + "/a"}).Files))
}

func TestSection3_24Bug4_TheNumberOfFilesIsLimited(t *testing.T) {
	w := newWorld(t)
	uris := make([]any, maxBatch+1)
	for i := range uris {
		uris[i] = "s3://docs/a"
	}
	w.refused(t, "s3_files_download", map[string]any{"s3_uris": uris}, "1001", "1000")
}

func TestDownloadFilesRefusesWhatHoldsNoAddress(t *testing.T) {
	w := newWorld(t)
	w.refused(t, "s3_files_download", map[string]any{"s3_uris": []any{}}, "s3_uris")
	w.refused(t, "s3_files_download", map[string]any{"s3_uris": []any{" ", nil}}, "s3_uris is empty")
	w.refused(t, "s3_files_download", map[string]any{"s3_uris": []any{"docs/a", "s3://docs"}}, "docs/a", "key is missing")
	w.refused(t, "s3_files_download", map[string]any{"s3_uris": []any{3.0}}, "place 1")
}
