package opensearch_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/opensearch"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/opensearch"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tool       = "opensearch_retrieve"
	domain     = "search-pictures-abc.us-east-1.es.amazonaws.com"
	collection = "07tjusf2h91cunochc.us-east-1.aoss.amazonaws.com"
)

// cloud is OpenSearch, Bedrock and S3 with the tool that calls them.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	search *standin.Service
	models *bedrockruntime.Service
	store  *s3.Store
}

// newCloud starts a cloud whose index pictures holds a cat, a dog and a bird, with vectors of 1,024 numbers, at domain
// and at collection.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), search: standin.New(), models: bedrockruntime.New(), store: s3.New()}
	c.Register("es", c.search)
	c.Register("aoss", c.search)
	c.Register("bedrock-runtime", c.models)
	c.Register("s3", c.store)
	if err := c.store.AddBucket(s3.Bucket{Name: "pictures-of-the-tester", Region: "us-east-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{domain, collection} {
		c.add(at, 1024)
	}
	c.Tools = c.Run(t, plugin.Tool(tool, opensearch.Retrieve))
	return c
}

// add adds the index pictures to a host, with vectors of another length.
func (c *cloud) add(at string, dimension int) {
	vector := func(words string) []float64 { return bedrockruntime.TextVector(words, dimension) }
	c.search.Add(standin.Index{Host: at, Name: "pictures", Vector: "pic_emb", Dimension: dimension, Documents: []standin.Document{
		{ID: "1", Vector: vector("a cat"), Source: map[string]any{"s3_uri": "s3://p/cat.jpg", "pic_name": "cat", "year": 2020, "size": map[string]any{"width": 640}}},
		{ID: "2", Vector: vector("a dog"), Source: map[string]any{"s3_uri": "s3://p/dog.jpg", "pic_name": "dog", "year": 2021}},
		{ID: "3", Vector: vector("birds"), Source: map[string]any{"s3_uri": "s3://p/bird.jpg", "year": 2022}},
	}})
}

// searching are parameters with which the tool runs, with those that differ, as pairs of name and value.
func searching(pairs ...any) map[string]any {
	parameters := map[string]any{
		"opensearch_endpoint": domain, "index_name": "pictures", "query_text": "a cat", "vector_size": "1024",
		"embedding_model_id": bedrockruntime.TitanImage,
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

// call is the only request of an operation, such as es.Search.
func (c *cloud) call(t *testing.T, operation string) aws.Call {
	t.Helper()
	var found []aws.Call
	for _, call := range c.Calls() {
		if call.Name() == operation {
			found = append(found, call)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d requests are %s, want one of %v", len(found), operation, c.Operations())
	}
	return found[0]
}

// searched is the only search.
func (c *cloud) searched(t *testing.T) aws.Call {
	t.Helper()
	for _, name := range c.Operations() {
		if strings.HasSuffix(name, ".Search") {
			return c.call(t, name)
		}
	}
	t.Fatalf("nothing was searched: %v", c.Operations())
	return aws.Call{}
}

// embedded is the body that the model got.
func (c *cloud) embedded(t *testing.T) string {
	t.Helper()
	return string(c.call(t, "bedrock-runtime.InvokeModel").Body)
}

// results are the results of a success, as JSON.
func results(t *testing.T, result host.Result) string {
	t.Helper()
	if len(result.JSON) != 1 || result.Messages[0].Type != "json" {
		t.Fatalf("%d JSON messages, the first message is a %s", len(result.JSON), result.Messages[0].Type)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(result.JSON[0], &object); err != nil || len(object) != 1 {
		t.Fatalf("%s: %v", result.JSON[0], err)
	}
	if !cmp.Equal(string(object["results"]), string(result.Variables["results"])) {
		t.Errorf("the output differs from the JSON: %s, %s", result.Variables["results"], object["results"])
	}
	return string(object["results"])
}

// names are the names of the results, in order.
func names(t *testing.T, result host.Result) []string {
	t.Helper()
	var list []struct {
		Name *string `json:"pic_name"`
	}
	if err := json.Unmarshal([]byte(results(t, result)), &list); err != nil {
		t.Fatal(err)
	}
	found := []string{}
	for _, item := range list {
		if item.Name == nil {
			found = append(found, "?")
			continue
		}
		found = append(found, *item.Name)
	}
	return found
}

// picture is a small image in the format PNG.
func picture(t *testing.T) []byte {
	t.Helper()
	canvas := image.NewRGBA(image.Rect(0, 0, 64, 64))
	canvas.Set(1, 1, color.White)
	var out bytes.Buffer
	if err := png.Encode(&out, canvas); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
