package sagemaker_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

func TestAModelThatFailsFailsTheToolWithItsOwnWords(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer standin.Answer
		kind   plugin.Kind
		words  []string
	}{
		{
			"an exception", standin.Fails(500, "Traceback:\n  CUDA out of memory"), plugin.Unavailable,
			[]string{"could not invoke the SageMaker endpoint e", "answered with status 500 and said: Traceback: CUDA out of memory", "log-group:/aws/sagemaker/Endpoints/e"},
		},
		{"a request that it does not understand", standin.Fails(400, "no field texts"), plugin.BadRequest, []string{"status 400", "no field texts"}},
		{"an error without words", standin.Fails(503, ""), plugin.Unavailable, []string{"status 503 and said: nothing"}},
		{"a time limit", standin.TimesOut(), plugin.Unavailable, []string{"60 seconds", "log-group:/aws/sagemaker/Endpoints/e"}},
		{"many words", standin.Fails(500, strings.Repeat("字", 5000)), plugin.Unavailable, []string{strings.Repeat("字", 1000) + "…"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, tt.answer)
			toolstest.WantFailure(t, c.Fail(t, detector, judging()), tt.kind, tt.words...)
			if asked := len(c.endpoints.Invocations()); asked != 1 {
				t.Errorf("a model that fails was asked, and paid for, %d times", asked)
			}
		})
	}
}

func TestWhatAModelSaysShowsNoSignatures(t *testing.T) {
	c := newCloud(t, standin.Fails(500, "cannot read https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef"))
	failed := c.Fail(t, detector, judging())
	toolstest.WantFailure(t, failed, plugin.Unavailable, "cannot read https://b.s3.amazonaws.com/k")
	if strings.Contains(failed.Message, "abcdef") {
		t.Errorf("the error shows a signature: %s", failed.Message)
	}
}

func TestAnEndpointThatCannotAnswerSaysWhy(t *testing.T) {
	c := newCloud(t, standin.Says("{}"))
	c.endpoints.Add(standin.Endpoint{Region: "us-east-1", AccountID: toolstest.AccountID, Name: "loading", Loading: true})
	toolstest.WantFailure(t, c.Fail(t, detector, judging("sagemaker_endpoint", "loading")), plugin.Unavailable, "still being loaded")
	toolstest.WantFailure(t, c.Fail(t, detector, judging("sagemaker_endpoint", "none")), plugin.BadRequest, "endpoint none", "in the region us-east-1", "Endpoint none of account 123456789012 not found")
	toolstest.WantFailure(t, c.Fail(t, detector, judging("aws_region", "eu-west-1")), plugin.BadRequest, "in the region eu-west-1")
}

func TestErrorsOfSageMakerAreToldApart(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect aws.Effect
		kind   plugin.Kind
		words  []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"sagemaker:InvokeEndpoint on arn:aws:sagemaker:us-east-1:*:endpoint/e"}},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"SageMaker asks for fewer requests"}},
		{"broken", aws.Fail(500, "InternalFailure", "x"), plugin.Unavailable, []string{"failure of its own"}},
		{"overloaded", aws.Fail(503, "ServiceUnavailable", "x"), plugin.Unavailable, []string{"failure of its own"}},
		{"a broken dependency", aws.Fail(530, "InternalDependencyException", "x"), plugin.Unavailable, []string{"failure of its own"}},
		{"a lost connection", aws.Drop(), plugin.Connection, []string{"runtime.sagemaker.us-east-1.amazonaws.com"}},
		{"a cut answer", aws.Cut(3), plugin.Unavailable, []string{"cut off"}},
		{"a model error without details", aws.Fail(424, "ModelError", "x"), plugin.Unavailable, []string{"under /aws/sagemaker/Endpoints"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, standin.Says(`{"prediction": 0}`))
			c.Inject(aws.Fault{Effects: []aws.Effect{tt.effect}})
			toolstest.WantFailure(t, c.Fail(t, detector, judging()), tt.kind, append(tt.words, "could not invoke the SageMaker endpoint e")...)
		})
	}
}

func TestAFailureThatPassesIsTriedAgain(t *testing.T) {
	c := newCloud(t, standin.Says(`{"prediction": 0}`))
	c.Inject(aws.Fault{Times: 2, Effects: []aws.Effect{aws.Overload()}})
	if got := c.Succeed(t, detector, judging()).Text; got != "SAFE" {
		t.Errorf("the verdict is %s", got)
	}
}

func TestAnAnswerWithoutAnEndIsNotRead(t *testing.T) {
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "models.example.com")
	c := newCloud(t, standin.Answer{})
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		block := make([]byte, 1<<20)
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	if err := c.Box.Handle("models.example.com", endless); err != nil {
		t.Fatal(err)
	}
	failed := c.FailAs(t, toolstest.Credentials("aws_endpoint_url", "https://models.example.com"), detector, judging())
	toolstest.WantFailure(t, failed, plugin.Unavailable, "more than 8388608 bytes", "aws_endpoint_url")
}

func TestTheModelGetsWhatIsSentAndNothingElse(t *testing.T) {
	var got standin.Inference
	c := newCloudWith(t, func(_ context.Context, in standin.Inference) standin.Answer {
		got = in
		return standin.Says(`{"prediction": 0}`)
	})
	c.Succeed(t, detector, judging())
	if string(got.Body) != `{"text":"你好"}` || got.ContentType != "application/json" || got.Accept != "" {
		t.Errorf("the model got %s as %s, and was to answer as %q", got.Body, got.ContentType, got.Accept)
	}
}
