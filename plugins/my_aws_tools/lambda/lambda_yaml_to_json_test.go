package lambda_test

import (
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
)

func TestSection3_16Bug1_YAMLIsConverted(t *testing.T) {
	for _, tt := range []struct{ name, payload, text, object string }{
		{"a body that is JSON", `{"statusCode":200,"body":"{\"a\": \"é\", \"b\": 1.0}"}`, `{"a": "é", "b": 1.0}`, `{"a": "é", "b": 1.0}`},
		{"a body that is a list", `{"statusCode":200,"headers":{},"body":"[1, 2]"}`, `[1, 2]`, "null"},
		{"a body that is no JSON", `{"statusCode":200,"body":"a: 1"}`, "a: 1", "null"},
		{"an empty body", `{"statusCode":200,"body":""}`, "", "null"},
		{"section 3.16: a body that is an object", `{"statusCode":200,"body":{"b":[1,"\u00e9"],"a":12345678901234567890}}`, `{"b": [1, "é"], "a": 12345678901234567890}`, `{"b": [1, "é"], "a": 12345678901234567890}`},
		{"section 3.16: a body that is null", `{"statusCode":200,"body":null}`, "null", "null"},
		{"a status that is text", `{"statusCode":"200","body":"1"}`, "1", "null"},
		{"a status that is a float", `{"statusCode":200.0,"body":"1"}`, "1", "null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"convert": returning(tt.payload)})
			result := c.Succeed(t, "lambda_yaml_to_json", map[string]any{"yaml_content": "a: é\nb: <1>\n", "lambda_name": "convert"})
			if result.Text != tt.text || len(result.JSON) != 0 {
				t.Errorf("the text is %s, want %s; %d JSON messages", result.Text, tt.text, len(result.JSON))
			}
			if got := c.payload(t); got != `{"body":"a: é\nb: <1>\n"}` {
				t.Errorf("the function got %s", got)
			}
			if got := outputs(result)["response_text"]; got != quoted(t, tt.text) {
				t.Errorf("the output response_text is %s", got)
			}
			if got := strings.ReplaceAll(outputs(result)["response_json"], " ", ""); got != strings.ReplaceAll(tt.object, " ", "") {
				t.Errorf("the output response_json is %s, want %s", got, tt.object)
			}
		})
	}
}

func TestAnAnswerOfAnotherFormIsAFailure(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		kind          plugin.Kind
		words         []string
	}{
		{"a bad YAML", `{"statusCode":400,"body":"line 3: \u00e9"}`, plugin.BadRequest, []string{"did not convert", "status 400", "line 3: é"}},
		{"section 3.16: no status", `{"body":"{}"}`, plugin.Unavailable, []string{"has no statusCode", `{"body":"{}"}`}},
		{"a status that is none", `{"statusCode":"fine","body":"{}"}`, plugin.Unavailable, []string{"has no statusCode"}},
		{"a null status", `{"statusCode":null,"body":"{}"}`, plugin.Unavailable, []string{"has no statusCode"}},
		{"no body", `{"statusCode":200}`, plugin.Unavailable, []string{"has no body"}},
		{"a list", `[200,"{}"]`, plugin.Unavailable, []string{"is not a JSON object"}},
		{"null", `null`, plugin.Unavailable, []string{"is not a JSON object"}},
		{"no JSON", "{broken \xff", plugin.Unavailable, []string{"is not a JSON object", "broken \uFFFD"}},
		{"nothing", "", plugin.Unavailable, []string{"is not a JSON object", "nothing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"convert": returning(tt.payload)})
			failed := c.Fail(t, "lambda_yaml_to_json", map[string]any{"yaml_content": "a: 1", "lambda_name": "convert"})
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "the Lambda function convert")...)
		})
	}
}

func TestAFunctionThatFailsToConvertFailsTheTool(t *testing.T) {
	c := newCloud(t, functions{"convert": func(standin.Event) standin.Result { return standin.Fails("ScannerError", "line 1") }})
	failed := c.Fail(t, "lambda_yaml_to_json", map[string]any{"yaml_content": "a: 1", "lambda_name": "convert"})
	toolstest.WantFailure(t, failed, plugin.Unavailable, "convert has failed", "ScannerError: line 1")
}

func TestNothingIsSentWithoutYAMLOrAFunction(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no YAML", map[string]any{"lambda_name": "convert", "yaml_content": ""}, []string{"yaml_content is required"}},
		{"no function", map[string]any{"yaml_content": "a: 1"}, []string{"lambda_name is required", "ARN"}},
		{"a blank function", map[string]any{"yaml_content": "a: 1", "lambda_name": "  "}, []string{"lambda_name is required"}},
		{"an odd function", map[string]any{"yaml_content": "a: 1", "lambda_name": "a/b"}, []string{`lambda_name is "a/b"`}},
		{"a function elsewhere", map[string]any{"yaml_content": "a: 1", "lambda_name": "arn:aws:lambda:eu-west-1:123456789012:function:f", "aws_region": "us-east-1"}, []string{"lambda_name is in the region eu-west-1"}},
		{"too much YAML", map[string]any{"yaml_content": strings.Repeat("\n", 3<<20), "lambda_name": "convert"}, []string{"yaml_content has", "at most 6291456"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"convert": echo})
			toolstest.WantFailure(t, c.Fail(t, "lambda_yaml_to_json", tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_16Bug2_NeitherYAMLNorResultIsLogged(t *testing.T) {
	c := newCloud(t, functions{"convert": returning(`{"statusCode":200,"body":"{\"answer\": \"of the function\"}"}`)})
	each(t, func(t *testing.T, tool string, parameters map[string]any) {
		parameters["lambda_name"] = "convert"
		for _, name := range []string{"yaml_content", "text_content", "payload_json"} {
			if _, ok := parameters[name]; ok || tool == "lambda_invoker" && name == "payload_json" {
				parameters[name] = `"content of the user"`
			}
		}
		c.Succeed(t, tool, parameters)
		for _, line := range c.Logs() {
			if strings.Contains(line.Message, "content of the user") || strings.Contains(line.Message, "of the function") {
				t.Errorf("content stands in the log: %s", line.Message)
			}
		}
	})
}
