package sagemaker_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/sagemaker"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/comprehend"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cloud is SageMaker and Comprehend with the tools that call them.
type cloud struct {
	*toolstest.AWS
	*toolstest.Tools
	endpoints *standin.Service
	languages *comprehend.Service
}

// newCloud starts SageMaker with the endpoint e in us-east-1, whose model answers the same whatever it is asked.
func newCloud(t *testing.T, answer standin.Answer) *cloud {
	t.Helper()
	return newCloudWith(t, func(context.Context, standin.Inference) standin.Answer { return answer })
}

// newCloudWith starts SageMaker with the endpoint e in us-east-1 and a model.
func newCloudWith(t *testing.T, model func(context.Context, standin.Inference) standin.Answer) *cloud {
	t.Helper()
	c := &cloud{AWS: toolstest.Start(t), endpoints: standin.New(), languages: comprehend.New()}
	c.Register("runtime.sagemaker", c.endpoints)
	c.Register("comprehend", c.languages)
	c.endpoints.Add(standin.Endpoint{Region: "us-east-1", AccountID: toolstest.AccountID, Name: "e", Model: model})
	c.Tools = c.Run(t,
		plugin.Tool("chinese_toxicity_detector", sagemaker.DetectToxicity),
		plugin.Tool("sagemaker_text_rerank", sagemaker.Rerank),
		plugin.Tool("sagemaker_tts", sagemaker.Speak),
	)
	return c
}

// request is the only request that was let in.
func (c *cloud) request(t *testing.T) aws.Call {
	t.Helper()
	calls := c.Calls()
	if len(calls) != 1 {
		t.Fatalf("%v were sent, want one request", c.Operations())
	}
	return calls[0]
}

// wantInvoked fails the test unless the last request invoked the endpoint e with a body.
func (c *cloud) wantInvoked(t *testing.T, body string) {
	t.Helper()
	calls := c.Calls()
	if len(calls) == 0 {
		t.Fatal("nothing was sent")
	}
	call := calls[len(calls)-1]
	got := map[string]string{
		"operation": call.Name(), "method": call.Method, "host": call.Host, "path": call.Path, "query": call.RawQuery,
		"type": call.Header.Get("Content-Type"), "body": string(call.Body),
	}
	want := map[string]string{
		"operation": "runtime.sagemaker.InvokeEndpoint", "method": "POST", "host": "runtime.sagemaker.us-east-1.amazonaws.com",
		"path": "/endpoints/e/invocations", "query": "", "type": "application/json", "body": body,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the request differs (-want +got):\n%s", diff)
	}
}

// outputs are the outputs of a result as JSON texts.
func outputs(result host.Result) map[string]string {
	texts := map[string]string{}
	for name, raw := range result.Variables {
		texts[name] = string(raw)
	}
	return texts
}

// with are parameters with those that differ, as pairs of name and value.
func with(parameters map[string]any, pairs ...any) map[string]any {
	changed := map[string]any{}
	for name, value := range parameters {
		changed[name] = value
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		changed[pairs[i].(string)] = pairs[i+1]
	}
	return changed
}
