package lambda_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/lambda"
)

type functions = map[string]func(standin.Event) standin.Result

func TestAFunctionIsInvokedAndItsResponseDelivered(t *testing.T) {
	c := newCloud(t, functions{"greet": returning(`{"greeting":"\u3053\u3093\u306b\u3061\u306f","n":12345678901234567890,"list":[1,{"a":null}]}`)})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "greet", "payload_json": `{"name": "Ada"}`})
	toolstest.WantJSON(t, "the JSON", `{"function_name":"greet","status_code":200,"executed_version":"$LATEST","invocation_type":"RequestResponse",
		"response_json":{"greeting":"こんにちは","n":12345678901234567890,"list":[1,{"a":null}]}}`, toolstest.OnlyJSON(t, result))
	if want := `{"greeting": "こんにちは", "n": 12345678901234567890, "list": [1, {"a": null}]}`; result.Text != want {
		t.Errorf("the text is %s, want %s", result.Text, want)
	}
	if got := kinds(result)[:2]; !cmp.Equal(got, []string{"json", "text"}) {
		t.Errorf("the first messages are %v, want the JSON and then the text", got)
	}
	if diff := cmp.Diff(map[string]string{
		"function_name": `"greet"`, "status_code": "200", "executed_version": `"$LATEST"`, "invocation_type": `"RequestResponse"`,
		"qualifier": "null", "logs": "null",
		"response_text": `"{\"greeting\": \"こんにちは\", \"n\": 12345678901234567890, \"list\": [1, {\"a\": null}]}"`,
		"response_json": `{"greeting":"\u3053\u3093\u306b\u3061\u306f","n":12345678901234567890,"list":[1,{"a":null}]}`,
	}, outputs(result)); diff != "" {
		t.Errorf("the outputs differ (-want +got):\n%s", diff)
	}
}

func TestTheRequestHasEachFieldWhereLambdaReadsIt(t *testing.T) {
	c := start(t)
	c.add(standin.Function{Name: "greet", Versions: []string{"3"}, Aliases: map[string]string{"PROD": "3"}}, echo)
	c.run(t)
	c.Succeed(t, "lambda_invoker", map[string]any{
		"lambda_name": " greet ", "payload_json": `{"名": 1.0}`, "qualifier": "PROD", "client_context_json": `{"custom": {"k": "é"}}`, "include_logs": true,
	})
	call := c.request(t)
	got := map[string]string{
		"method": call.Method, "host": call.Host, "path": call.Path, "query": call.RawQuery, "body": string(call.Body),
		"type": call.Header.Get("X-Amz-Invocation-Type"), "log": call.Header.Get("X-Amz-Log-Type"), "context": call.Header.Get("X-Amz-Client-Context"),
	}
	if diff := cmp.Diff(map[string]string{
		"method": "POST", "host": "lambda.us-east-1.amazonaws.com", "path": "/2015-03-31/functions/greet/invocations", "query": "Qualifier=PROD",
		"body": `{"名": 1.0}`, "type": "RequestResponse", "log": "Tail", "context": base64.StdEncoding.EncodeToString([]byte(`{"custom": {"k": "é"}}`)),
	}, got); diff != "" {
		t.Errorf("the request differs (-want +got):\n%s", diff)
	}
	run := c.functions.Invocations()[0]
	if run.Version != "3" || string(run.ClientContext) != `{"custom": {"k": "é"}}` {
		t.Errorf("the function ran as version %s with the context %s", run.Version, run.ClientContext)
	}
}

func TestOptionsThatAreLeftOutAreNotSent(t *testing.T) {
	for name, parameters := range map[string]map[string]any{
		"absent": {},
		"null":   {"payload_json": nil, "qualifier": nil, "client_context_json": nil, "include_logs": nil, "invocation_type": nil, "aws_region": nil},
		"blank":  {"payload_json": " ", "qualifier": "", "client_context_json": "", "include_logs": "false", "invocation_type": "", "aws_region": ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, functions{"greet": echo})
			parameters["lambda_name"] = "greet"
			c.Succeed(t, "lambda_invoker", parameters)
			call := c.request(t)
			if call.RawQuery != "" || call.Header.Get("X-Amz-Log-Type") != "" || call.Header.Get("X-Amz-Client-Context") != "" {
				t.Errorf("the request has options that nobody gave: %s %v", call.RawQuery, call.Header)
			}
			if string(call.Body) != "{}" || call.Header.Get("X-Amz-Invocation-Type") != "RequestResponse" {
				t.Errorf("the request is %s %s", call.Header.Get("X-Amz-Invocation-Type"), call.Body)
			}
		})
	}
}

func TestSection3_14Bug2_PayloadsThatCountAsFalseAreSentAsTheyAre(t *testing.T) {
	for _, tt := range []struct {
		payload any
		want    string
	}{
		{"0", "0"},
		{0.0, "0"},
		{"false", "false"},
		{false, "false"},
		{"[]", "[]"},
		{[]any{}, "[]"},
		{`""`, `""`},
		{"null", "null"},
		{map[string]any{"b": "<&>", "a": "é"}, `{"a":"é","b":"<&>"}`},
		{` {"a" : 1.10, "a": 2} `, `{"a" : 1.10, "a": 2}`},
		{"", "{}"},
	} {
		t.Run(fmt.Sprintf("%#v", tt.payload), func(t *testing.T) {
			c := newCloud(t, functions{"greet": echo})
			c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "greet", "payload_json": tt.payload})
			if got := strings.TrimSpace(c.payload(t)); got != tt.want {
				t.Errorf("the function got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAnEventIsNotWaitedFor(t *testing.T) {
	c := start(t)
	release := make(chan struct{})
	c.add(standin.Function{Name: "slow", Run: func(context.Context, standin.Event) standin.Result {
		<-release
		return standin.Result{}
	}}, nil)
	c.run(t)
	result := c.Succeed(t, "lambda_invoker", map[string]any{
		"lambda_name": "slow", "invocation_type": "Event", "include_logs": true, "client_context_json": `{"a": 1}`,
	})
	close(release)
	c.functions.Wait()
	toolstest.WantJSON(t, "the JSON", `{"function_name":"slow","status_code":202,"executed_version":null,"invocation_type":"Event"}`, toolstest.OnlyJSON(t, result))
	if !strings.Contains(result.Text, "was invoked (status 202)") {
		t.Errorf("the text is %q", result.Text)
	}
	if log := c.request(t).Header.Get("X-Amz-Log-Type"); log != "" {
		t.Errorf("section 3.14: a log was asked for that an Event does not have: %s", log)
	}
	if outputs(result)["response_text"] != "null" || outputs(result)["response_json"] != "null" {
		t.Errorf("an Event has no response: %v", outputs(result))
	}
	if runs := c.functions.Invocations(); len(runs) != 1 || runs[0].Type != "Event" {
		t.Errorf("runs: %+v", runs)
	}
}

func TestADryRunRunsNothing(t *testing.T) {
	c := newCloud(t, functions{"greet": echo})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "greet", "invocation_type": "DryRun", "include_logs": true})
	toolstest.WantJSON(t, "the JSON", `{"function_name":"greet","status_code":204,"executed_version":null,"invocation_type":"DryRun"}`, toolstest.OnlyJSON(t, result))
	if !strings.Contains(result.Text, "was not invoked (status 204)") {
		t.Errorf("the text is %q", result.Text)
	}
	if runs := c.functions.Invocations(); len(runs) != 0 {
		t.Errorf("a dry run has run %+v", runs)
	}
	if log := c.request(t).Header.Get("X-Amz-Log-Type"); log != "" {
		t.Errorf("section 3.14: a log was asked for that a DryRun does not have: %s", log)
	}
}

func TestAResponseIsDeliveredByWhatItIs(t *testing.T) {
	for _, tt := range []struct {
		name, payload, text, json, object string
	}{
		{"null is JSON", "null", "null", `"response_json":null`, "null"},
		{"a text", `"a/b é"`, `"a/b é"`, `"response_json":"a/b é"`, "null"},
		{"a list", `[1,"é",{}]`, `[1, "é", {}]`, `"response_json":[1,"é",{}]`, "null"},
		{"an object", ` {"a":[],"b":{"c":1e5,"d":-0.10}}`, `{"a": [], "b": {"c": 1e5, "d": -0.10}}`, `"response_json":{"a":[],"b":{"c":1e5,"d":-0.10}}`, `{"a":[],"b":{"c":1e5,"d":-0.10}}`},
		{"no JSON", "hello, é", "hello, é", `"response_text":"hello, é"`, "null"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"f": returning(tt.payload)})
			result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "f"})
			if result.Text != tt.text {
				t.Errorf("the text is %s, want %s", result.Text, tt.text)
			}
			toolstest.WantJSON(t, "the JSON", `{"function_name":"f","status_code":200,"executed_version":"$LATEST","invocation_type":"RequestResponse",`+tt.json+`}`, toolstest.OnlyJSON(t, result))
			if got := outputs(result)["response_json"]; got != tt.object {
				t.Errorf("the output response_json is %s, want %s", got, tt.object)
			}
			toolstest.WantJSON(t, "the JSON", `[`+outputs(result)["response_text"]+`]`, []byte(`[`+quoted(t, tt.text)+`]`))
		})
	}
}

func TestAnEmptyResponseSaysSo(t *testing.T) {
	c := newCloud(t, functions{"f": returning("")})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "f"})
	toolstest.WantJSON(t, "the JSON", `{"function_name":"f","status_code":200,"executed_version":"$LATEST","invocation_type":"RequestResponse"}`, toolstest.OnlyJSON(t, result))
	if !strings.Contains(result.Text, "its response is empty") || outputs(result)["response_text"] != "null" {
		t.Errorf("the text is %q, the outputs %v", result.Text, outputs(result))
	}
}

func TestSection3_14Bug4_AResponseThatIsNoTextIsAFile(t *testing.T) {
	picture := "\x89PNG\r\n\x1a\n\xff\xfe"
	c := newCloud(t, functions{"paint": returning(picture)})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "paint"})
	toolstest.WantJSON(t, "the JSON", `{"function_name":"paint","status_code":200,"executed_version":"$LATEST","invocation_type":"RequestResponse",
		"response_file":{"name":"paint-response.bin","mime_type":"image/png","size":10}}`, toolstest.OnlyJSON(t, result))
	if len(result.Files) != 1 {
		t.Fatalf("%d files, want one", len(result.Files))
	}
	content, err := result.Files[0].Bytes()
	if err != nil || string(content) != picture {
		t.Errorf("the file holds %q, %v", content, err)
	}
	if !strings.Contains(result.Text, "10 bytes") || !strings.Contains(result.Text, "paint-response.bin") {
		t.Errorf("the text is %q", result.Text)
	}
	if outputs(result)["response_text"] != "null" || outputs(result)["response_json"] != "null" {
		t.Errorf("the outputs are %v", outputs(result))
	}
}

func TestAResponseTooLongForOneMessageIsAFile(t *testing.T) {
	payload := "not JSON " + strings.Repeat("\x01", 1<<20) // which grows by its escapes
	c := newCloud(t, functions{"f": returning(payload)})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "f"})
	if len(result.Files) != 1 {
		t.Fatalf("%d files, want one", len(result.Files))
	}
	content, err := result.Files[0].Bytes()
	if err != nil || string(content) != payload {
		t.Errorf("the file holds %d bytes, %v", len(content), err)
	}
	toolstest.WantJSON(t, "the JSON", `{"function_name":"f","status_code":200,"executed_version":"$LATEST","invocation_type":"RequestResponse",
		"response_file":{"name":"f-response.txt","mime_type":"text/plain","size":1048585}}`, toolstest.OnlyJSON(t, result))
}

func TestTheLargestResponseThatIsNoFileFitsIntoALine(t *testing.T) {
	c := newCloud(t, functions{"f": returning(`"` + strings.Repeat("x", 4<<20-6) + `"`)})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "f"})
	if len(result.Files) != 0 || len(result.Text) != 4<<20-4 {
		t.Errorf("%d files, %d bytes of text", len(result.Files), len(result.Text))
	}
}

func TestSection3_14Bug1_AFunctionThatFailsFailsTheTool(t *testing.T) {
	for _, tt := range []struct {
		name   string
		result standin.Result
		words  []string
	}{
		{"an exception", standin.Fails("ValueError", "no such report: 第7号"), []string{"report has failed (Unhandled): ValueError: no such report: 第7号", "include_logs"}},
		{"its time limit", standin.TimesOut(3), []string{"Sandbox.Timedout", "timed out after 3.00 seconds"}},
		{"a handled one without a type", standin.Result{Error: "Handled", Payload: []byte(`{"errorMessage":{"code":7}}`)}, []string{"(Handled)", "map[code:7]"}},
		{"an answer that is no object", standin.Result{Error: "Unhandled", Payload: []byte("core dumped \xff")}, []string{"core dumped \uFFFD"}},
		{"no reason at all", standin.Result{Error: "Unhandled"}, []string{"it gave no reason"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"report": func(standin.Event) standin.Result { return tt.result }})
			toolstest.WantFailure(t, c.Fail(t, "lambda_invoker", map[string]any{"lambda_name": "report"}), plugin.Unavailable, tt.words...)
			if runs := c.functions.Invocations(); len(runs) != 1 {
				t.Errorf("the function ran %d times", len(runs))
			}
		})
	}
}

func TestTheLogOfAFailureIsShownOnlyWhenItIsAskedFor(t *testing.T) {
	fails := standin.Fails("KeyError", "'id'")
	fails.Log = "START\nsecret detail of the log\nEND\n"
	for _, asked := range []any{true, "yes", false, nil} {
		c := newCloud(t, functions{"f": func(standin.Event) standin.Result { return fails }})
		failed := c.Fail(t, "lambda_invoker", map[string]any{"lambda_name": "f", "include_logs": asked})
		toolstest.WantFailure(t, failed, plugin.Unavailable, "KeyError")
		want := asked == true || asked == "yes"
		if got := strings.Contains(failed.Message, "secret detail of the log"); got != want {
			t.Errorf("include_logs %v: the log is shown: %t", asked, got)
		}
	}
}

func TestTheEndOfTheLogIsReturnedWhenItIsAskedFor(t *testing.T) {
	log := strings.Repeat("é", 2048) + "x" // one byte more than 4 KiB: the cut goes through a character
	c := newCloud(t, functions{"f": func(standin.Event) standin.Result { return standin.Result{Payload: []byte("1"), Log: log} }})
	result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": "f", "include_logs": true})
	want := "\uFFFD" + strings.Repeat("é", 2047) + "x"
	toolstest.WantJSON(t, "the JSON", `{"function_name":"f","status_code":200,"executed_version":"$LATEST","invocation_type":"RequestResponse","response_json":1,
		"logs":`+quoted(t, want)+`}`, toolstest.OnlyJSON(t, result))
	if got := outputs(result)["logs"]; got != quoted(t, want) {
		t.Errorf("the output logs is %d bytes", len(got))
	}
}

// failures are those of AWS before a function runs.
func TestErrorsOfAWSSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault aws.Effect
		kind  plugin.Kind
		words []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"lambda:InvokeFunction", "arn:aws:lambda:us-east-1:*:function:f"}},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"try again"}},
		{"the payload", aws.Fail(400, "InvalidRequestContentException", "Could not parse"), plugin.BadRequest, []string{"JSON", "Could not parse"}},
		{"too large", aws.Fail(413, "RequestTooLargeException", "Request must be smaller"), plugin.BadRequest, []string{"S3"}},
		{"a parameter", aws.Fail(400, "InvalidParameterValueException", "odd"), plugin.BadRequest, []string{"AWS said: odd"}},
		{"being updated", aws.Fail(409, "ResourceConflictException", "in progress"), plugin.BadRequest, []string{"in progress"}},
		{"the key", aws.Fail(502, "KMSAccessDeniedException", "no"), plugin.Authorization, []string{"KMS"}},
		{"the network", aws.Fail(502, "ENILimitReachedException", "no"), plugin.Unavailable, []string{"VPC"}},
		{"the file system", aws.Fail(410, "EFSMountFailureException", "no"), plugin.Unavailable, []string{"file system"}},
		{"not ready", aws.Fail(502, "ResourceNotReadyException", "no"), plugin.Unavailable, []string{"not ready"}},
		{"a loop", aws.Fail(400, "RecursiveInvocationException", "no"), plugin.BadRequest, []string{"loop"}},
		{"the runtime", aws.Fail(502, "InvalidRuntimeException", "no"), plugin.BadRequest, []string{"deploy"}},
		{"an unknown refusal", aws.Fail(400, "NewException", "strange"), plugin.BadRequest, []string{"strange"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"f": echo})
			broken := c.Inject(aws.Fault{Operation: "Invoke", Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, "lambda_invoker", map[string]any{"lambda_name": "f"})
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not invoke the Lambda function f")...)
			if strings.Contains(failed.Message, "may have run") {
				t.Errorf("the function did not run, and the error is not sure of it: %s", failed.Message)
			}
			if broken.Hits() != 1 {
				t.Errorf("the request was sent %d times", broken.Hits())
			}
		})
	}
}

func TestAFunctionThatIsNotThereIsNamed(t *testing.T) {
	c := newCloud(t, functions{"f": echo})
	for _, parameters := range []map[string]any{
		{"lambda_name": "g"},
		{"lambda_name": "f", "qualifier": "PROD"},
		{"lambda_name": "f", "aws_region": "eu-west-1"},
	} {
		failed := c.Fail(t, "lambda_invoker", parameters)
		toolstest.WantFailure(t, failed, plugin.BadRequest, "no such function", "check lambda_name", "Function not found: arn:aws:lambda:")
	}
}

func TestAThrottledFunctionSaysWhyAndUntilWhen(t *testing.T) {
	for _, tt := range []struct {
		busy  standin.Busy
		words []string
	}{
		{standin.Busy{Reason: "ReservedFunctionConcurrentInvocationLimitExceeded", RetryAfter: "7"}, []string{"reserved for it", "in 7 seconds"}},
		{standin.Busy{Reason: "ConcurrentInvocationLimitExceeded"}, []string{"quota of the account", "us-east-1", "in a minute"}},
		{standin.Busy{Reason: "CallerRateLimitExceeded"}, []string{"too often"}},
		{standin.Busy{Reason: "SomethingNew"}, []string{"fewer requests"}},
	} {
		t.Run(tt.busy.Reason, func(t *testing.T) {
			c := start(t)
			c.add(standin.Function{Name: "f", Busy: &tt.busy}, echo)
			c.run(t)
			toolstest.WantFailure(t, c.Fail(t, "lambda_invoker", map[string]any{"lambda_name": "f"}), plugin.RateLimit, tt.words...)
			if len(c.Calls()) != 1 || len(c.functions.Invocations()) != 0 {
				t.Errorf("%d requests, %d runs", len(c.Calls()), len(c.functions.Invocations()))
			}
		})
	}
}

func TestNothingIsSentForWrongParameters(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no function", map[string]any{}, []string{"lambda_name is required"}},
		{"an odd name", map[string]any{"lambda_name": "no such/name"}, []string{`lambda_name is "no such/name"`, "ARN"}},
		{"a long name", map[string]any{"lambda_name": strings.Repeat("n", 65)}, []string{"lambda_name"}},
		{"the ARN of something else", map[string]any{"lambda_name": "arn:aws:states:us-east-1:123456789012:stateMachine:f"}, []string{"lambda_name"}},
		{"an ARN without a region", map[string]any{"lambda_name": "arn:aws:lambda:x:123456789012:function:f"}, []string{`the region "x"`}},
		{"another region", map[string]any{"lambda_name": "arn:aws:lambda:eu-west-1:123456789012:function:f", "aws_region": "us-east-1"}, []string{"eu-west-1", "us-east-1", "aws_region"}},
		{"no JSON", map[string]any{"lambda_name": "f", "payload_json": "{'a': 1}"}, []string{"payload_json is not JSON", "byte 2", "double quotes"}},
		{"JSON with more behind it", map[string]any{"lambda_name": "f", "payload_json": "{} {}"}, []string{"payload_json is not JSON"}},
		{"JSON that ends early", map[string]any{"lambda_name": "f", "payload_json": `{"a":`}, []string{"payload_json is not JSON"}},
		{"a payload that is too large", map[string]any{"lambda_name": "f", "payload_json": `"` + strings.Repeat(long, 6) + `"`}, []string{"6291458 bytes", "at most 6291456"}},
		{"an event that is too large", map[string]any{"lambda_name": "f", "invocation_type": "Event", "payload_json": `"` + long + `"`}, []string{"1048578 bytes", "at most 1048576", "Event"}},
		{"an odd type", map[string]any{"lambda_name": "f", "invocation_type": "Sometimes"}, []string{"invocation_type must be one of RequestResponse, Event, DryRun"}},
		{"an odd qualifier", map[string]any{"lambda_name": "f", "qualifier": "a b"}, []string{`qualifier is "a b"`}},
		{"two qualifiers", map[string]any{"lambda_name": "f:PROD", "qualifier": "TEST"}, []string{`qualifier is "TEST"`, `"PROD"`}},
		{"a context that is no JSON", map[string]any{"lambda_name": "f", "client_context_json": "custom"}, []string{"client_context_json is not JSON"}},
		{"a context that is no object", map[string]any{"lambda_name": "f", "client_context_json": "[1]"}, []string{"client_context_json must be a JSON object"}},
		{"a context that is too large", map[string]any{"lambda_name": "f", "client_context_json": `{"a":"` + strings.Repeat("x", 2678) + `"}`}, []string{"client_context_json has 3584 bytes", "3583"}},
		{"an odd switch", map[string]any{"lambda_name": "f", "include_logs": "perhaps"}, []string{"include_logs must be true or false"}},
		{"several at once", map[string]any{"lambda_name": "a b", "payload_json": "{", "qualifier": "c d", "client_context_json": "{"}, []string{"lambda_name", "payload_json", "qualifier", "client_context_json"}},
		{"half a pair of keys", map[string]any{"lambda_name": "f", "aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}, []string{"aws_secret_access_key"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"f": echo})
			failed := c.Fail(t, "lambda_invoker", tt.parameters)
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %.500s", word, failed.Message)
				}
			}
			c.WantNothingSent(t)
		})
	}
}

func TestWhatIsJustSmallEnoughIsSent(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
	}{
		{"a payload", map[string]any{"payload_json": `"` + strings.Repeat("x", 6<<20-2) + `"`}},
		{"an event", map[string]any{"invocation_type": "Event", "payload_json": `"` + strings.Repeat("x", 1<<20-2) + `"`}},
		{"a context", map[string]any{"client_context_json": `{"a":"` + strings.Repeat("x", 2677) + `"}`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t, functions{"f": returning("1")})
			tt.parameters["lambda_name"] = "f"
			c.Succeed(t, "lambda_invoker", tt.parameters)
		})
	}
}

func TestAFunctionIsFoundByEachOfItsNames(t *testing.T) {
	for _, tt := range []struct {
		name, qualifier, region string
		wantRegion, wantVersion string
	}{
		{"f", "", "", "us-east-1", "$LATEST"},
		{"f:PROD", "", "", "us-east-1", "3"},
		{"f:3", "3", "", "us-east-1", "3"},
		{"f", "$LATEST", "", "us-east-1", "$LATEST"},
		{"123456789012:function:f", "", "", "us-east-1", "$LATEST"},
		{"arn:aws:lambda:us-east-1:123456789012:function:f", "", "US-EAST-1", "us-east-1", "$LATEST"},
		{"arn:aws:lambda:us-east-1:123456789012:function:f:PROD", "PROD", "", "us-east-1", "3"},
		{"arn:aws:lambda:eu-west-1:123456789012:function:f", "", "", "eu-west-1", "$LATEST"},
		{"f", "", "eu-west-1", "eu-west-1", "$LATEST"},
	} {
		t.Run(tt.name+" "+tt.region, func(t *testing.T) {
			c := start(t)
			for _, region := range []string{"us-east-1", "eu-west-1"} {
				c.add(standin.Function{Name: "f", Region: region, Versions: []string{"3"}, Aliases: map[string]string{"PROD": "3"}}, echo)
			}
			c.run(t)
			result := c.Succeed(t, "lambda_invoker", map[string]any{"lambda_name": tt.name, "qualifier": tt.qualifier, "aws_region": tt.region})
			run := c.functions.Invocations()[0]
			if run.Region != tt.wantRegion || run.Version != tt.wantVersion {
				t.Errorf("version %s ran in %s, want %s in %s", run.Version, run.Region, tt.wantVersion, tt.wantRegion)
			}
			if got := outputs(result)["executed_version"]; got != quoted(t, tt.wantVersion) {
				t.Errorf("executed_version is %s", got)
			}
		})
	}
}

func TestTheKeysOfTheToolWinOverThoseOfTheProvider(t *testing.T) {
	c := newCloud(t, functions{"f": echo})
	c.SucceedAs(t, toolstest.Credentials("aws_access_key_id", "AKIAUNKNOWNUNKNOWN00", "aws_secret_access_key", "unknown"), "lambda_invoker",
		map[string]any{"lambda_name": "f", "aws_access_key_id": toolstest.AccessKeyID, "aws_secret_access_key": toolstest.SecretAccessKey})
	if len(c.functions.Invocations()) != 1 {
		t.Error("the function did not run")
	}
}
