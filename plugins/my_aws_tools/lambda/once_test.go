package lambda_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/lambda"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
)

// each runs a test with the three tools, each with parameters under which it invokes the function f.
func each(t *testing.T, test func(t *testing.T, tool string, parameters map[string]any)) {
	for tool, parameters := range map[string]map[string]any{
		"lambda_invoker":         {"lambda_name": "f"},
		"lambda_translate_utils": {"lambda_name": "f", "text_content": "a", "src_lang": "en", "dest_lang": "zh"},
		"lambda_yaml_to_json":    {"lambda_name": "f", "yaml_content": "a: 1"},
	} {
		t.Run(tool, func(t *testing.T) { test(t, tool, parameters) })
	}
}

const uncertain = "may have run all the same, and was not invoked a second time"

func TestSection3_14Bug5_AFunctionWhoseAnswerIsLostRunsOnce(t *testing.T) {
	for _, tt := range []struct {
		name    string
		effects []aws.Effect
		kind    plugin.Kind
	}{
		{"the connection is dropped", []aws.Effect{aws.Drop()}, plugin.Connection},
		{"the answer is cut off", []aws.Effect{aws.Cut(3)}, plugin.Unavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			each(t, func(t *testing.T, tool string, parameters map[string]any) {
				c := newCloud(t, functions{"f": returning(`{"statusCode": 200, "body": "{}"}`)})
				c.Inject(aws.Fault{Operation: "Invoke", Effects: tt.effects})
				toolstest.WantFailure(t, c.Fail(t, tool, parameters), tt.kind, "the Lambda function f", uncertain)
				if runs := len(c.functions.Invocations()); runs != 1 {
					t.Errorf("the function ran %d times", runs)
				}
			})
		})
	}
}

func TestSection3_14Bug5_AnErrorOfTheServiceIsNotAnsweredWithASecondRequest(t *testing.T) {
	for name, effect := range map[string]aws.Effect{
		"500":             aws.Break(),
		"503":             aws.Overload(),
		"an own error":    aws.Fail(500, "ServiceException", "The service encountered an error."),
		"a gateway's 504": aws.Fail(504, "", ""),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, functions{"f": echo})
			c.Inject(aws.Fault{Operation: "Invoke", Effects: []aws.Effect{effect}})
			toolstest.WantFailure(t, c.Fail(t, "lambda_invoker", map[string]any{"lambda_name": "f"}), plugin.Unavailable, uncertain)
			if sent := len(c.Calls()); sent != 1 {
				t.Errorf("%d requests were sent", sent)
			}
		})
	}
}

// overtime is the context of a call whose time is up when the channel is closed.
type overtime struct {
	context.Context
	up <-chan struct{}
}

func (o overtime) Done() <-chan struct{} { return o.up }

func (o overtime) Err() error {
	select {
	case <-o.up:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestSection3_14Bug5_AFunctionThatOutlastsTheCallRunsOnce(t *testing.T) {
	c := start(t)
	running, release := make(chan struct{}), make(chan struct{})
	c.add(standin.Function{Name: "slow", Run: func(context.Context, standin.Event) standin.Result {
		close(running) // a second run would panic here
		<-release
		return standin.Result{}
	}}, nil)
	c.Tools = c.Run(t,
		plugin.Tool("lambda_invoker", func(ctx context.Context, call *plugin.Call, in lambda.InvokerInput) error {
			return lambda.Invoke(overtime{ctx, running}, call, in)
		}),
		plugin.Tool("lambda_translate_utils", lambda.Translate),
		plugin.Tool("lambda_yaml_to_json", lambda.ConvertYAML),
	)
	defer close(release)
	failed := c.Fail(t, "lambda_invoker", map[string]any{"lambda_name": "slow"})
	toolstest.WantFailure(t, failed, plugin.Unavailable, "slow did not answer within the time", "may still be running", "was not invoked a second time", "Event")
	if runs := len(c.functions.Invocations()); runs != 1 {
		t.Errorf("the function ran %d times", runs)
	}
}

func TestAFunctionThatCannotBeReachedHasCertainlyNotRun(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "nowhere.example.com")
	c := newCloud(t, functions{"f": echo})
	failed := c.FailAs(t, toolstest.Credentials("aws_endpoint_url", "https://nowhere.example.com"), "lambda_invoker", map[string]any{"lambda_name": "f"})
	toolstest.WantFailure(t, failed, plugin.Connection, "nowhere.example.com")
	if strings.Contains(failed.Message, "may have run") {
		t.Errorf("nothing was sent, and the error is not sure of it: %s", failed.Message)
	}
}

func TestARoleThatCannotBeAssumedHasRunNothing(t *testing.T) {
	c := newCloud(t, functions{"f": echo})
	c.Inject(aws.Fault{Service: "sts", Effects: []aws.Effect{aws.Drop()}})
	failed := c.FailAs(t, toolstest.Credentials("aws_role_arn", "arn:aws:iam::123456789012:role/none"), "lambda_invoker", map[string]any{"lambda_name": "f"})
	toolstest.WantFailure(t, failed, plugin.Connection, "assume the role")
	if strings.Contains(failed.Message, "may have run") {
		t.Errorf("Lambda was not asked, and the error is not sure of it: %s", failed.Message)
	}
}

func TestAnAnswerThatNoFunctionCanHaveMadeIsNotRead(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "lambda.example.com")
	for name, announced := range map[string]bool{"with its length": true, "without its length": false} {
		t.Run(name, func(t *testing.T) {
			c := start(t)
			answer := &flood{announced: announced}
			if err := c.Box.Handle("lambda.example.com", answer); err != nil {
				t.Fatal(err)
			}
			c.run(t)
			failed := c.FailAs(t, toolstest.Credentials("aws_endpoint_url", "https://lambda.example.com"), "lambda_invoker", map[string]any{"lambda_name": "f"})
			toolstest.WantFailure(t, failed, plugin.Unavailable, "more than 8388608 bytes", "aws_endpoint_url", uncertain)
		})
	}
}

// flood answers with 9 MiB, or with so much that whoever makes room for it has no memory left.
type flood struct{ announced bool }

func (f *flood) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	if f.announced {
		w.Header().Set("Content-Length", strconv.FormatInt(1<<50, 10))
	}
	block := bytes.Repeat([]byte("x"), 1<<20)
	for range 9 {
		_, _ = w.Write(block) // the client goes away in between
	}
}

func TestALogThatCannotBeReadCostsNoResponse(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "lambda.example.com")
	for _, functionError := range []string{"", "Unhandled"} {
		c := start(t)
		err := c.Box.Handle("lambda.example.com", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-Amz-Log-Result", "no base64!")
			if functionError != "" {
				w.Header().Set("X-Amz-Function-Error", functionError)
			}
			_, _ = w.Write([]byte(`{"errorType":"Odd"}`))
		}))
		if err != nil {
			t.Fatal(err)
		}
		c.run(t)
		credentials := toolstest.Credentials("aws_endpoint_url", "https://lambda.example.com")
		parameters := map[string]any{"lambda_name": "f", "include_logs": true}
		if functionError != "" {
			toolstest.WantFailure(t, c.FailAs(t, credentials, "lambda_invoker", parameters), plugin.Unavailable, "Odd", "no log that can be read")
			continue
		}
		result := c.SucceedAs(t, credentials, "lambda_invoker", parameters)
		if result.Text != `{"errorType": "Odd"}` || outputs(result)["logs"] != "null" {
			t.Errorf("the text is %s, the log %s", result.Text, outputs(result)["logs"])
		}
		if logs := c.Logs(); len(logs) != 1 || !strings.Contains(logs[0].Message, "is lost") {
			t.Errorf("the operator reads %v", logs)
		}
	}
}
