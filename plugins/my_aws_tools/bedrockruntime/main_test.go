package bedrockruntime_test

import (
	"encoding/json"
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/bedrockruntime"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bucket is a bucket of the tester's in us-east-1.
const bucket = "pictures-of-the-tester"

// parts are all tools of the package.
func parts() []plugin.Part {
	return []plugin.Part{
		plugin.Tool("apply_guardrail", bedrockruntime.Apply), plugin.Tool("nova_canvas", bedrockruntime.Draw), plugin.Tool("nova_reel", bedrockruntime.Film),
	}
}

// cloud is Bedrock's runtime and S3, with the tools that call them.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	runtime *standin.Service
	store   *s3.Store
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), store: s3.New()}
	c.runtime = standin.New(standin.Videos(c.store))
	c.Register("bedrock-runtime", c.runtime)
	c.Register("s3", c.store)
	if err := c.store.AddBucket(s3.Bucket{Name: bucket, Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	c.Tools = c.Run(t, parts()...)
	return c
}

// put stores an object in the bucket.
func (c *cloud) put(t *testing.T, key, mediaType string, content []byte) {
	t.Helper()
	if _, err := c.store.Put(bucket, key, content, s3.Attributes{ContentType: mediaType}); err != nil {
		t.Fatal(err)
	}
}

// sent are the bodies of the requests of one operation.
func (c *cloud) sent(operation string) []map[string]any {
	var bodies []map[string]any
	for _, call := range c.Calls() {
		if call.Operation == operation {
			bodies = append(bodies, call.JSON())
		}
	}
	return bodies
}

// with is a copy of parameters with further ones: pairs of names and values.
func with(parameters map[string]any, pairs ...any) map[string]any {
	all := map[string]any{}
	for name, value := range parameters {
		all[name] = value
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		all[name] = pairs[i+1]
	}
	return all
}

// variables are the outputs of a result.
func variables(t *testing.T, result host.Result) map[string]any {
	t.Helper()
	all := map[string]any{}
	for name, raw := range result.Variables {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = value
	}
	return all
}

// content is what is in a file of a result.
func content(t *testing.T, file *host.File) []byte {
	t.Helper()
	data, err := file.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return data
}
