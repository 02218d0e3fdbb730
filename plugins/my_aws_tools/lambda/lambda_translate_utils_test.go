package lambda_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
)

// translation are parameters with which lambda_translate_utils runs, with those that differ.
func translation(pairs ...any) map[string]any {
	parameters := map[string]any{"text_content": "Hello", "src_lang": "en_US", "dest_lang": "zh_CN"}
	for i := 0; i+1 < len(pairs); i += 2 {
		parameters[pairs[i].(string)] = pairs[i+1]
	}
	return parameters
}

func TestATranslationSendsEachField(t *testing.T) {
	c := newCloud(t, functions{"translate_tool": echo, "mine": echo})
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		function   string
		want       string
	}{
		{
			"with the defaults", translation(), "translate_tool",
			`{"src_contents":["Hello"],"src_lang":"en_US","dest_lang":"zh_CN","dictionary_id":"","request_type":"term_mapping",
				"model_id":"anthropic.claude-3-sonnet-20240229-v1:0"}`,
		},
		{
			"with everything", translation("text_content", " \"é\" <&>\n", "model_id", "amazon.nova-pro-v1:0", "dictionary_name", "terms",
				"request_type", "translate", "lambda_name", "mine"), "mine",
			`{"src_contents":[" \"é\" <&>\n"],"src_lang":"en_US","dest_lang":"zh_CN","dictionary_id":"terms","request_type":"translate",
				"model_id":"amazon.nova-pro-v1:0"}`,
		},
		{
			"with blanks", translation("model_id", "", "dictionary_name", nil, "request_type", "", "lambda_name", nil), "translate_tool",
			`{"src_contents":["Hello"],"src_lang":"en_US","dest_lang":"zh_CN","dictionary_id":"","request_type":"term_mapping",
				"model_id":"anthropic.claude-3-sonnet-20240229-v1:0"}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.Forget()
			c.Succeed(t, "lambda_translate_utils", tt.parameters)
			call := c.request(t)
			toolstest.WantJSON(t, "the JSON", tt.want, call.Body)
			if want := "/2015-03-31/functions/" + tt.function + "/invocations"; call.Path != want {
				t.Errorf("the path is %s, want %s", call.Path, want)
			}
			if kind := call.Header.Get("X-Amz-Invocation-Type"); kind != "RequestResponse" {
				t.Errorf("the invocation type is %s", kind)
			}
		})
	}
}

func TestSection3_15Bug1_TheTextIsTheResponseAsItWasReceived(t *testing.T) {
	for _, payload := range []string{
		`{"translation":"“你好”, \"Ada\" 😀"}`,
		`{"translation":"\u4f60\u597d \ud83d\ude00 \\n C:\\temp\\"}`,
		`plain text: é\`,
		`"a\tb"`,
		"",
	} {
		c := newCloud(t, functions{"translate_tool": returning(payload)})
		result := c.Succeed(t, "lambda_translate_utils", translation())
		if diff := cmp.Diff(payload, result.Text); diff != "" {
			t.Errorf("the text differs (-want +got):\n%s", diff)
		}
		if len(result.JSON) != 0 || kinds(result)[0] != "text" {
			t.Errorf("the messages are %v, want the text first and no JSON", kinds(result))
		}
		if got := outputs(result)["response_text"]; got != quoted(t, payload) {
			t.Errorf("the output response_text is %s", got)
		}
		wantObject := "null"
		if strings.HasPrefix(payload, "{") {
			wantObject = payload
		}
		if got := outputs(result)["response_json"]; got != wantObject {
			t.Errorf("the output response_json is %s, want %s", got, wantObject)
		}
	}
}

func TestSection3_15Bug2_NothingIsSentWhenAFieldIsMissing(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"the text", translation("text_content", ""), []string{"text_content is required"}},
		{"both languages", translation("src_lang", nil, "dest_lang", ""), []string{"src_lang is required", "dest_lang is required"}},
		{"languages of white space", translation("src_lang", " ", "dest_lang", "\n"), []string{"src_lang is required", "dest_lang is required"}},
		{"an odd request", translation("request_type", "summarize"), []string{"request_type must be one of term_mapping, segment_only, translate"}},
		{"an odd function", translation("lambda_name", "a b"), []string{`lambda_name is "a b"`}},
		{"a function elsewhere", translation("lambda_name", "arn:aws:lambda:eu-west-1:123456789012:function:f", "aws_region", "us-east-1"), []string{"lambda_name is in the region eu-west-1"}},
		{"a text that is too long", translation("text_content", strings.Repeat("x", 6<<20)), []string{"text_content has", "at most 6291456"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"translate_tool": echo})
			toolstest.WantFailure(t, c.Fail(t, "lambda_translate_utils", tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_15Bug3_ATranslationThatFailsFailsTheTool(t *testing.T) {
	c := newCloud(t, functions{"translate_tool": func(standin.Event) standin.Result { return standin.Fails("KeyError", "'dictionary_id'") }})
	toolstest.WantFailure(t, c.Fail(t, "lambda_translate_utils", translation()), plugin.Unavailable, "translate_tool has failed", "KeyError: 'dictionary_id'")
}
