package sagemaker_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

const detector = "chinese_toxicity_detector"

// judging are parameters with which chinese_toxicity_detector runs.
func judging(pairs ...any) map[string]any {
	return with(map[string]any{"sagemaker_endpoint": "e", "content_text": "你好"}, pairs...)
}

func TestATextIsJudged(t *testing.T) {
	c := newCloud(t, standin.Says(`{"prediction": 1}`))
	result := c.Succeed(t, detector, judging("content_text", " 你好 <&> \"x\"\n", "sagemaker_endpoint", " e "))
	c.wantInvoked(t, `{"text":" 你好 <&> \"x\"\n"}`)
	if result.Text != "NO_SAFE" || result.Messages[0].Type != "text" {
		t.Errorf("the text is %q, the first message a %s", result.Text, result.Messages[0].Type)
	}
	toolstest.WantJSON(t, "the JSON", `{"label":"NO_SAFE","toxic":true,"prediction":1}`, toolstest.OnlyJSON(t, result))
	if diff := cmp.Diff(map[string]string{"label": `"NO_SAFE"`, "toxic": "true", "raw_prediction": `"1"`}, outputs(result)); diff != "" {
		t.Errorf("the outputs differ (-want +got):\n%s", diff)
	}
}

// The details of section 3.28: what counts as 0 and as 1.
func TestPredictionsAreReadInEachFormInWhichModelsWriteThem(t *testing.T) {
	for answer, want := range map[string]string{
		`{"prediction": 0}`:                                      "SAFE",
		`{"prediction": 1}`:                                      "NO_SAFE",
		`{"prediction": 0.0, "score": 0.9}`:                      "SAFE",
		`{"prediction": 1.0}`:                                    "NO_SAFE",
		`{"prediction": false}`:                                  "SAFE",
		`{"prediction": true}`:                                   "NO_SAFE",
		`{"prediction": "0"}`:                                    "SAFE",
		`{"prediction": " 1 "}`:                                  "NO_SAFE",
		`{"prediction": "False"}`:                                "SAFE",
		`{"prediction": [1]}`:                                    "NO_SAFE",
		`{"body": "{\"prediction\": 0}"}`:                        "SAFE",
		` {"statusCode":200,"body":"{\"prediction\":1}"}` + "\n": "NO_SAFE",
	} {
		t.Run(answer, func(t *testing.T) {
			c := newCloud(t, standin.Says(answer))
			if got := c.Succeed(t, detector, judging()).Text; got != want {
				t.Errorf("the verdict is %s, want %s", got, want)
			}
		})
	}
}

func TestSection3_28Bug1_ABodyMayBeAnObjectAndAnAnswerAList(t *testing.T) {
	for answer, want := range map[string]string{
		`{"body": {"prediction": 1}}`:             "NO_SAFE",
		`[{"prediction": 0}]`:                     "SAFE",
		`[{"body": "[{\"prediction\": \"1\"}]"}]`: "NO_SAFE",
	} {
		t.Run(answer, func(t *testing.T) {
			c := newCloud(t, standin.Says(answer))
			if got := c.Succeed(t, detector, judging()).Text; got != want {
				t.Errorf("the verdict is %s, want %s", got, want)
			}
		})
	}
}

func TestSection3_28Bug2_WhatIsNoVerdictIsAnErrorAndNeverOne(t *testing.T) {
	for answer, words := range map[string][]string{
		`{}`:                                  {"empty object"},
		`{"label": 1, "error": "x"}`:          {"it has the keys error, label"},
		`{"prediction": null}`:                {"the prediction is null"},
		`{"prediction": 2}`:                   {`the prediction is "2"`},
		`{"prediction": 0.5}`:                 {`the prediction is "0.5"`},
		`{"prediction": -1}`:                  {`the prediction is "-1"`},
		`{"prediction": "SAFE"}`:              {`the prediction is "safe"`},
		`{"prediction": ""}`:                  {`the prediction is ""`},
		`{"prediction": {"label":0}}`:         {"the prediction is an object"},
		`{"prediction": [0, 1]}`:              {"the prediction is a list"},
		`{"body": "Internal error"}`:          {"its body: it is not JSON", "Internal error"},
		`{"body": null}`:                      {"it is null"},
		`[]`:                                  {"it is a list of 0"},
		`[{"prediction":0},{"prediction":1}]`: {"it is a list of 2"},
		`0`:                                   {"it is a number"},
		`"SAFE"`:                              {"it is a text"},
		`{"prediction": NaN}`:                 {"NaN or Infinity"},
		`{"prediction": 0} trailing`:          {"it is not JSON"},
		``:                                    {"it is empty"},
		`<html>`:                              {"it is not JSON", "<html>"},
		strings.Repeat("[", 9) + `{"prediction":0}` + strings.Repeat("]", 9): {"wrapped too often"},
	} {
		t.Run(answer, func(t *testing.T) {
			c := newCloud(t, standin.Says(answer))
			failed := c.Fail(t, detector, judging())
			toolstest.WantFailure(t, failed, plugin.Unavailable, append(words, "SageMaker endpoint e", "prediction of 0 or 1", "Check that sagemaker_endpoint")...)
		})
	}
}

func TestSection3_28Bug3_NothingIsSentWithoutATextOrAnEndpoint(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no text", judging("content_text", nil), []string{"content_text is required"}},
		{"an empty text", judging("content_text", ""), []string{"content_text is required"}},
		{"neither", map[string]any{}, []string{"content_text is required", "sagemaker_endpoint is required"}},
		{"an odd endpoint", judging("sagemaker_endpoint", "a_b"), []string{`sagemaker_endpoint is "a_b"`, "letters, digits and hyphens"}},
		{"an endpoint that leads elsewhere", judging("sagemaker_endpoint", "../x"), []string{`sagemaker_endpoint is "../x"`}},
		{"a long endpoint", judging("sagemaker_endpoint", strings.Repeat("n", 64)), []string{"at most 63 characters"}},
		{"an ARN", judging("sagemaker_endpoint", "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/e"), []string{"sagemaker_endpoint is an ARN", "name at its end, e"}},
		{
			"a text that is too long and an odd endpoint", judging("content_text", strings.Repeat("x", 6<<20), "sagemaker_endpoint", "-"),
			[]string{"2 parameters are wrong", "content_text makes a request of 6291467 bytes", "at most 6291456", `sagemaker_endpoint is "-"`},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, standin.Says(`{"prediction": 0}`))
			toolstest.WantFailure(t, c.Fail(t, detector, tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_28Bug4_EachCallReachesItsOwnEndpointAndRegion(t *testing.T) {
	c := newCloud(t, standin.Says(`{"prediction": 0}`))
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		c.endpoints.Add(standin.Endpoint{Region: region, AccountID: "123456789012", Name: "other-" + region, Model: func(context.Context, standin.Inference) standin.Answer {
			return standin.Says(`{"prediction": 1}`)
		}})
	}
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		if got := c.Succeed(t, detector, judging("sagemaker_endpoint", "other-"+region, "aws_region", region)).Text; got != "NO_SAFE" {
			t.Errorf("the verdict is %s", got)
		}
		if last := c.endpoints.Invocations()[len(c.endpoints.Invocations())-1]; last.Endpoint != "other-"+region || last.Region != region {
			t.Errorf("the endpoint %s in %s was asked", last.Endpoint, last.Region)
		}
	}
	if got := c.Succeed(t, detector, judging()).Text; got != "SAFE" {
		t.Errorf("the verdict is %s", got)
	}
}
