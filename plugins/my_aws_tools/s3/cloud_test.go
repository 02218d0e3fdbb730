package s3

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// world is an S3 on this machine and the tools in front of it.
type world struct {
	*toolstest.AWS
	*toolstest.Tools
	store *standin.Store
}

func newWorld(t testing.TB, opts ...standin.Option) *world {
	t.Helper()
	w := &world{AWS: toolstest.Start(t), store: standin.New(opts...)}
	w.Register("s3", w.store)
	w.Tools = w.Run(t, parts()...)
	return w
}

// parts are the tools of this package.
func parts() []plugin.Part {
	return []plugin.Part{
		plugin.Tool("s3_operator", Operate), plugin.Tool("s3_file_uploader", UploadFile), plugin.Tool("s3_files_uploader", UploadFiles),
		plugin.Tool("s3_file_download", DownloadFile), plugin.Tool("s3_files_download", DownloadFiles),
		plugin.Tool("s3_list_buckets", ListBuckets), plugin.Tool("s3_list_objects", ListObjects), plugin.Tool("s3_create_bucket", CreateBucket),
	}
}

// bucket makes a bucket in us-east-1, or elsewhere, that belongs to the tester. Its name is the test's own, because the
// process remembers regions of buckets. Objects have their key as their content.
func (w *world) bucket(t testing.TB, region string, keys ...string) string {
	t.Helper()
	name := bucketName(t)
	w.add(t, standin.Bucket{Name: name, Region: region, Owner: toolstest.AccountID})
	for _, key := range keys {
		w.put(t, name, key, key)
	}
	return name
}

// bucketName makes a name of a bucket out of the name of the test.
func bucketName(t testing.TB) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(t.Name()))
	if len(name) > 60 {
		name = name[len(name)-60:]
	}
	return "b" + name
}

func (w *world) add(t testing.TB, b standin.Bucket) {
	t.Helper()
	if err := w.store.AddBucket(b); err != nil {
		t.Fatal(err)
	}
}

func (w *world) put(t testing.TB, bucket, key, content string) string {
	t.Helper()
	version, err := w.store.Put(bucket, key, []byte(content), standin.Attributes{ContentType: "text/plain"})
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// fail makes the next so many requests of an operation fail.
func (w *world) fail(operation string, times int, effects ...aws.Effect) {
	w.Inject(aws.Fault{Service: "s3", Operation: operation, Times: times, Effects: effects})
}

// asked are the requests to AWS by method and address, in order; those that were refused are among them.
func (w *world) asked() []string {
	var asked []string
	for _, r := range w.Box.Requests() {
		if strings.HasSuffix(r.Host, ".amazonaws.com") {
			asked = append(asked, r.Method+" "+r.Host+r.Path)
		}
	}
	return asked
}

// sent are the operations that were let in, in order.
func (w *world) sent() []string {
	var names []string
	for _, call := range w.Calls() {
		names = append(names, call.Operation)
	}
	return names
}

// last is the latest request of an operation.
func (w *world) last(t testing.TB, operation string) aws.Call {
	t.Helper()
	calls := w.Calls()
	for i := len(calls) - 1; i >= 0; i-- {
		if calls[i].Operation == operation {
			return calls[i]
		}
	}
	t.Fatalf("no %s was sent", operation)
	return aws.Call{}
}

// refused checks that a tool fails with a sentence that holds all words, before anything is sent.
func (w *world) refused(t *testing.T, tool string, parameters map[string]any, words ...string) {
	t.Helper()
	failed := w.Fail(t, tool, parameters)
	if failed.Type != string(plugin.BadRequest) {
		t.Errorf("the kind is %s", failed.Type)
	}
	holds(t, failed.Message, words...)
	if sent := w.Box.Requests(); len(sent) > 0 {
		t.Errorf("%d requests were sent before the parameters were checked", len(sent))
	}
}

func holds(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in: %s", word, text)
		}
	}
}

// jsonOf returns the one JSON result.
func jsonOf(t *testing.T, result host.Result) map[string]any {
	t.Helper()
	if len(result.JSON) != 1 {
		t.Fatalf("%d JSON results", len(result.JSON))
	}
	var got map[string]any
	if err := json.Unmarshal(result.JSON[0], &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// kinds are the types of the messages in order, variables left out.
func kinds(result host.Result) []string {
	var kinds []string
	for _, m := range result.Messages {
		if m.Type != "variable" {
			kinds = append(kinds, m.Type)
		}
	}
	return kinds
}

// open asks for a presigned URL as a browser does.
func (w *world) open(t *testing.T, url string) (status int, content string) {
	t.Helper()
	transport := w.Box.Transport()
	defer transport.CloseIdleConnections()
	answer, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	buffer := make([]byte, 4096)
	for err == nil {
		var n int
		n, err = answer.Body.Read(buffer)
		text.Write(buffer[:n])
	}
	return answer.StatusCode, text.String()
}
