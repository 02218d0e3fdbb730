package transcribe_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/transcribe"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/transcribe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tool   = "transcribe_asr"
	bucket = "media-of-the-tester"
	// call is an object that lies in the bucket.
	call = "s3://" + bucket + "/call.mp3"
	// mediaHost serves what users link to.
	mediaHost = "media.example.com"
)

// mp3 begins as files of this kind do.
var mp3 = append([]byte("ID3\x04\x00\x00"), make([]byte, 4000)...)

// cloud is Transcribe and S3 with the tool that calls them.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	store *s3.Store
	jobs  *standin.Service
	media http.HandlerFunc
}

// newCloud starts Transcribe, which hears a short talk at once, and S3 with a bucket that holds one object.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	return newCloudWith(t, plugin.Tool(tool, transcribe.Transcribe))
}

func newCloudWith(t *testing.T, part plugin.Part) *cloud {
	t.Helper()
	t.Setenv("DIFYPLUGIN_FETCH_ALLOW", mediaHost)
	c := &cloud{AWS: toolstest.Start(t)}
	c.store, c.jobs = services(t, c.Cloud)
	if err := c.Box.Handle(mediaHost, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { c.media(w, r) })); err != nil {
		t.Fatal(err)
	}
	c.serve("audio/mpeg", mp3)
	c.Tools = c.Run(t, part)
	return c
}

// services registers Transcribe and S3.
func services(t *testing.T, in *aws.Cloud) (*s3.Store, *standin.Service) {
	t.Helper()
	store := s3.New()
	in.Register("s3", store)
	jobs, err := standin.New(in, store)
	if err != nil {
		t.Fatal(err)
	}
	in.Register("transcribe", jobs)
	jobs.Hear(talk())
	if err := store.AddBucket(s3.Bucket{Name: bucket, Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	put(t, store, "call.mp3")
	return store, jobs
}

func put(t *testing.T, store *s3.Store, key string) {
	t.Helper()
	if _, err := store.Put(bucket, key, mp3, s3.Attributes{ContentType: "audio/mpeg"}); err != nil {
		t.Fatal(err)
	}
}

// talk is what two people say.
func talk() standin.Speech {
	return standin.Speech{Words: []standin.Word{
		{Text: "Hello", Speaker: "spk_0", Start: 0.04, End: 0.5},
		{Text: ",", Speaker: "spk_0", Mark: true},
		{Text: "world", Speaker: "spk_0", Start: 0.6, End: 1.25},
		{Text: ".", Speaker: "spk_0", Mark: true},
		{Text: "Hi", Speaker: "spk_1", Start: 2, End: 2.5},
		{Text: ".", Speaker: "spk_1", Mark: true},
	}}
}

// serve makes the host of the media answer with content.
func (c *cloud) serve(mediaType string, content []byte) {
	c.media = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write(content)
	}
}

// with are parameters that succeed, and more, which may replace them.
func with(pairs ...any) map[string]any {
	parameters := map[string]any{"file_url": call, "s3_bucket_name": bucket}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

const link = "https://" + mediaHost + "/talks/monday.mp3?sign=secret"

// linked are parameters with media that have to be uploaded.
func linked(pairs ...any) map[string]any { return with(append([]any{"file_url", link}, pairs...)...) }

// started is the body of the only request to start a job.
func (c *cloud) started(t *testing.T) map[string]any {
	t.Helper()
	var found []map[string]any
	for _, call := range c.Calls() {
		if call.Operation == "StartTranscriptionJob" {
			found = append(found, call.JSON())
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d jobs were started: %v", len(found), c.Operations())
	}
	return found[0]
}

func (c *cloud) wantOnlyTheCall(t *testing.T) {
	t.Helper()
	toolstest.Same(t, "objects in the bucket", []string{"call.mp3"}, c.store.Keys(bucket))
	if n := c.store.Unfinished(); n != 0 {
		t.Errorf("%d uploads are unfinished", n)
	}
}
