package stepfunctions_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sfn"
)

func TestAnExecutionIsStarted(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, tool, map[string]any{
		"state_machine_arn": " " + orders + "\n", "input_json": `{"名": 1.10}`, "execution_name": "order-7", "trace_header": "Root=1-67;Sampled=1",
	})
	if diff := cmp.Diff([]string{
		`StartExecution {"input":"{\"名\": 1.10}","name":"order-7","stateMachineArn":"` + orders + `","traceHeader":"Root=1-67;Sampled=1"}`,
	}, c.bodies(t)); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
	if call := c.Calls()[0]; call.Host != "states.us-east-1.amazonaws.com" || call.Header.Get("X-Amz-Target") != "AWSStepFunctions.StartExecution" {
		t.Errorf("the request went to %s as %s", call.Host, call.Header.Get("X-Amz-Target"))
	}
	wantObject(t, map[string]any{
		"state_machine_arn": orders, "execution_arn": running + "order-7", "execution_name": "order-7", "trace_header": "Root=1-67;Sampled=1",
	}, result)
	if result.Text != running+"order-7" || result.Messages[0].Type != "json" || result.Messages[1].Type != "text" {
		t.Errorf("the text is %q, after a message of type %s", result.Text, result.Messages[0].Type)
	}
	if diff := cmp.Diff(map[string]string{
		"state_machine_arn": `"` + orders + `"`, "execution_arn": `"` + running + `order-7"`, "execution_name": `"order-7"`,
		"trace_header": `"Root=1-67;Sampled=1"`, "stop_date": "null", "status": "null", "output_text": "null", "output_json": "null",
	}, outputs(result)); diff != "" {
		t.Errorf("the outputs differ (-want +got):\n%s", diff)
	}
	var start string
	if err := json.Unmarshal(result.Variables["start_date"], &start); err != nil {
		t.Fatal(err)
	}
	got, err := time.Parse("2006-01-02T15:04:05.999999-07:00", start)
	if want := c.started(t).Started.Truncate(time.Millisecond); err != nil || !got.Equal(want) {
		t.Errorf("start_date is %s, want %s", start, want)
	}
}

func TestOptionsThatAreLeftOutAreNotSent(t *testing.T) {
	for name, parameters := range map[string]map[string]any{
		"absent": {},
		"null":   {"input_json": nil, "execution_name": nil, "trace_header": nil, "tags_json": nil, "wait_for_result": nil, "execution_arn": nil, "state_machine_type": nil, "aws_region": nil},
		"blank":  {"input_json": " ", "execution_name": "", "trace_header": "", "tags_json": "", "wait_for_result": "false", "execution_arn": "", "state_machine_type": "", "aws_region": ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			parameters["state_machine_arn"] = orders
			result := c.Succeed(t, tool, parameters)
			if diff := cmp.Diff([]string{`StartExecution {"input":"{}","stateMachineArn":"` + orders + `"}`}, c.bodies(t)); diff != "" {
				t.Errorf("the requests differ (-want +got):\n%s", diff)
			}
			e := c.started(t)
			wantObject(t, map[string]any{"state_machine_arn": orders, "execution_arn": e.ARN, "execution_name": e.Name}, result)
		})
	}
}

func TestTheInputIsSentAsItIs(t *testing.T) {
	for _, tt := range []struct {
		input any
		want  string
	}{
		{` {"a": 1.0, "b": [{"a": 1}, {"a": 2}], "c": "\u00e9"} `, ` {"a": 1.0, "b": [{"a": 1}, {"a": 2}], "c": "\u00e9"} `},
		{`{"a": "a", "b": "a", "c": ["a", "a"]}`, `{"a": "a", "b": "a", "c": ["a", "a"]}`},
		{"0", "0"},
		{false, "false"},
		{[]any{}, "[]"},
		{map[string]any{"b": "<é>", "a": nil}, `{"a":null,"b":"<é>"}`},
		{`"` + strings.Repeat("x", 256<<10-2) + `"`, `"` + strings.Repeat("x", 256<<10-2) + `"`},
	} {
		c := newCloud(t)
		c.Succeed(t, tool, map[string]any{"state_machine_arn": orders, "input_json": tt.input})
		if got := string(c.started(t).Input); got != tt.want {
			t.Errorf("the input is %.200s, want %.200s", got, tt.want)
		}
	}
}

func TestAStateMachineIsFoundByItsVersionsAliasesAndRegion(t *testing.T) {
	c := newCloud(t)
	elsewhere := standard()
	elsewhere.Region = "eu-west-1"
	c.machines.Add(elsewhere)
	for _, tt := range []struct{ arn, region, host string }{
		{orders + ":PROD", "", "states.us-east-1.amazonaws.com"},
		{orders + ":3", "US-EAST-1", "states.us-east-1.amazonaws.com"},
		{strings.Replace(orders, "us-east-1", "eu-west-1", 1), "", "states.eu-west-1.amazonaws.com"},
	} {
		c.Forget()
		result := c.Succeed(t, tool, map[string]any{"state_machine_arn": tt.arn, "aws_region": tt.region})
		if got := object(t, result)["state_machine_arn"]; got != tt.arn || c.Calls()[0].Host != tt.host {
			t.Errorf("%s: %v at %s", tt.arn, got, c.Calls()[0].Host)
		}
	}
}

func TestSection3_31Bug1_TagsAreRefusedWithTheReason(t *testing.T) {
	for _, tags := range []any{
		`[{"key": "team", "value": "a"}]`, `{"team": "a"}`, "team=a", map[string]any{"team": "a"}, []any{map[string]any{"key": "k"}}, 7.0,
	} {
		c := newCloud(t)
		failed := c.Fail(t, tool, map[string]any{"state_machine_arn": orders, "tags_json": tags})
		toolstest.WantFailure(t, failed, plugin.BadRequest, "tags_json", "StartExecution takes none", "Tag the state machine")
		c.WantNothingSent(t)
	}
	for _, none := range []any{"{}", " [ ] ", "null", map[string]any{}, []any{}} {
		c := newCloud(t)
		c.Succeed(t, tool, map[string]any{"state_machine_arn": orders, "tags_json": none})
		if body := c.bodies(t)[0]; strings.Contains(body, "tags") {
			t.Errorf("%v was sent as tags: %s", none, body)
		}
	}
}

// with are parameters with a state machine.
func with(name string, value any) map[string]any {
	return map[string]any{"state_machine_arn": orders, name: value}
}

func TestNothingIsSentForWrongParameters(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no state machine", map[string]any{}, []string{"state_machine_arn is required"}},
		{"a name", with("state_machine_arn", "orders"), []string{`state_machine_arn is "orders"`, "arn:aws:states:"}},
		{"the ARN of something else", with("state_machine_arn", "arn:aws:lambda:us-east-1:123456789012:function:f"), []string{"state_machine_arn"}},
		{"the ARN of an execution", with("state_machine_arn", running+"e"), []string{"state_machine_arn"}},
		{"a map state", with("state_machine_arn", orders+"/each"), []string{"map state"}},
		{"an odd region", with("state_machine_arn", strings.Replace(orders, "us-east-1", "x", 1)), []string{`the region "x"`}},
		{"a long ARN", with("state_machine_arn", orders+strings.Repeat("x", 200)), []string{"state_machine_arn"}},
		{"section 3.31 bug 2: another region", map[string]any{"state_machine_arn": orders, "aws_region": "eu-west-1"}, []string{"us-east-1", "eu-west-1", "aws_region"}},
		{"no JSON", with("input_json", "{'a': 1}"), []string{"input_json is not JSON", "byte 2"}},
		{"JSON that ends early", with("input_json", `{"a": [`), []string{"input_json is not JSON"}},
		{"section 3.31 bug 3: a large input", with("input_json", `"`+strings.Repeat("é", 128<<10)+`"`), []string{"input_json has 262146 bytes", "262144"}},
		{"section 3.31 bug 5: a name twice", with("input_json", `{"a": 1, "b": {"x": [{"k": 1, "\u006b": 2}]}}`), []string{`input_json has the name "k" twice`}},
		{"section 3.31 bug 3: a long name", with("execution_name", strings.Repeat("n", 81)), []string{"execution_name has 81 characters", "80"}},
		{"a long trace header", with("trace_header", strings.Repeat("x", 257)), []string{"trace_header has 257 characters"}},
		{"an odd trace header", with("trace_header", "Root=é"), []string{"trace_header", "ASCII"}},
		{"an odd type", with("state_machine_type", "FAST"), []string{"state_machine_type must be one of STANDARD, EXPRESS"}},
		{"an odd switch", with("wait_for_result", "perhaps"), []string{"wait_for_result must be true or false"}},
		{"no ARN of an execution", with("execution_arn", "order-7"), []string{`execution_arn is "order-7"`}},
		{"an execution of another state machine", with("execution_arn", strings.Replace(running, "orders", "bills", 1)+"e"), []string{"execution_arn", "not an execution of the state machine"}},
		{"an execution of another region", with("execution_arn", strings.Replace(running, "us-east-1", "eu-west-1", 1)+"e"), []string{"not an execution of the state machine"}},
		{"an execution that cannot be looked up", with("execution_arn", "arn:aws:states:us-east-1:123456789012:express:quick:e:1"), []string{"execution_arn", "EXPRESS", "CloudWatch"}},
		{"several at once", map[string]any{"state_machine_arn": "x", "input_json": "{", "execution_name": "a b", "trace_header": "é", "tags_json": "{a}", "execution_arn": "y"}, []string{
			"state_machine_arn", "input_json", "execution_name", "trace_header", "tags_json", "execution_arn",
		}},
		{"half a pair of keys", with("aws_secret_access_key", "secret"), []string{"aws_access_key_id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			failed := c.Fail(t, tool, tt.parameters)
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %.500s", word, failed.Message)
				}
			}
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_31Bug3_NamesFollowTheRulesOfAWS(t *testing.T) {
	c := newCloud(t)
	for _, r := range " \t\u00a0\u3000<>{}[]?*\"#%\\^|~`$&,;:/\x00\x1f\x7f\u0085\ufffe\uffff\U0010ffff" {
		name := "a" + string(r) + "b"
		toolstest.WantFailure(t, c.Fail(t, tool, with("execution_name", name)), plugin.BadRequest, "execution_name is", "must not contain")
	}
	c.WantNothingSent(t)
	for _, name := range []string{"a", "order-7_B.c", "注文'7'(é)+=@!", strings.Repeat("é", 80)} {
		c.Succeed(t, tool, with("execution_name", name))
	}
}

func TestANameStartsAnExecutionOnce(t *testing.T) {
	c := newCloud(t)
	parameters := map[string]any{"state_machine_arn": orders, "execution_name": "order-7", "input_json": "{}"}
	first, second := c.Succeed(t, tool, parameters), c.Succeed(t, tool, parameters)
	if first.Text != second.Text || len(c.machines.Executions()) != 1 {
		t.Errorf("%s and %s were started", first.Text, second.Text)
	}
	parameters["input_json"] = `{"other": 1}`
	toolstest.WantFailure(t, c.Fail(t, tool, parameters), plugin.BadRequest, "an execution of this name", "choose another execution_name", running+"order-7")
}

func TestErrorsOfAWSSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name  string
		fault aws.Effect
		kind  plugin.Kind
		words []string
	}{
		{"denied", aws.Deny(), plugin.Authorization, []string{"states:StartExecution", orders}},
		{"expired", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"throttled", aws.Throttle(), plugin.RateLimit, []string{"try again"}},
		{"too many", aws.Fail(400, "ExecutionLimitExceeded", "no"), plugin.RateLimit, []string{"quota"}},
		{"the ARN", aws.Fail(400, "InvalidArn", "odd"), plugin.BadRequest, []string{"state_machine_arn", "AWS said: odd"}},
		{"the name", aws.Fail(400, "InvalidName", "odd"), plugin.BadRequest, []string{"execution_name"}},
		{"the input", aws.Fail(400, "InvalidExecutionInput", "odd"), plugin.BadRequest, []string{"input_json"}},
		{"being deleted", aws.Fail(400, "StateMachineDeleting", "no"), plugin.BadRequest, []string{"being deleted"}},
		{"a parameter", aws.Fail(400, "ValidationException", "odd"), plugin.BadRequest, []string{"AWS said: odd"}},
		{"the key", aws.Fail(400, "KmsAccessDeniedException", "no"), plugin.Authorization, []string{"kms:Decrypt"}},
		{"the state of the key", aws.Fail(400, "KmsInvalidStateException", "no"), plugin.Authorization, []string{"KMS"}},
		{"throttled by KMS", aws.Fail(400, "KmsThrottlingException", "no"), plugin.RateLimit, []string{"KMS"}},
		{"an unknown refusal", aws.Fail(400, "NewException", "strange"), plugin.BadRequest, []string{"strange"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: "StartExecution", Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, tool, map[string]any{"state_machine_arn": orders})
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not start an execution of the state machine "+orders)...)
			if strings.Contains(failed.Message, "may have been started") {
				t.Errorf("nothing was started, and the error is not sure of it: %s", failed.Message)
			}
		})
	}
	c := newCloud(t)
	toolstest.WantFailure(t, c.Fail(t, tool, with("state_machine_arn", orders+":TEST")), plugin.BadRequest, "no such state machine, version or alias", "us-east-1")
}

func TestAStartWhoseAnswerIsLostIsNotRepeated(t *testing.T) {
	for _, tt := range []struct {
		name       string
		effect     aws.Effect
		parameters map[string]any
		executions int
		words      []string
	}{
		{"dropped", aws.Drop(), map[string]any{}, 1, []string{"may have been started all the same", "look at the executions of the state machine"}},
		{"dropped, with a name", aws.Drop(), map[string]any{"execution_name": "order-7"}, 1, []string{"may have been started all the same", "execution_arn " + running + "order-7"}},
		{"cut", aws.Cut(5), map[string]any{}, 1, []string{"may have been started all the same"}},
		{"an error of its own", aws.Break(), map[string]any{}, 0, []string{"may have been started all the same"}},
		{"dropped, EXPRESS", aws.Drop(), map[string]any{"state_machine_arn": quick, "state_machine_type": "EXPRESS", "wait_for_result": true, "execution_name": "e"}, 1, []string{"look at the executions"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			broken := c.Inject(aws.Fault{Effects: []aws.Effect{tt.effect}})
			parameters := with("input_json", "{}")
			for name, value := range tt.parameters {
				parameters[name] = value
			}
			failed := c.Fail(t, tool, parameters)
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %s", word, failed.Message)
				}
			}
			if broken.Hits() != 1 || len(c.machines.Executions()) != tt.executions {
				t.Errorf("%d requests, %d executions", broken.Hits(), len(c.machines.Executions()))
			}
		})
	}
}

func TestAStartThatIsThrottledIsRepeated(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "StartExecution", Times: 2, Effects: []aws.Effect{aws.Throttle()}})
	c.Succeed(t, tool, map[string]any{"state_machine_arn": orders})
	if len(c.Calls()) != 3 || len(c.machines.Executions()) != 1 {
		t.Errorf("%d requests, %d executions", len(c.Calls()), len(c.machines.Executions()))
	}
}

func TestAHostThatCannotBeReachedHasCertainlyStartedNothing(t *testing.T) {
	c := newCloud(t)
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "nowhere.example.com")
	c.Tools = nil
	tools := c.Run(t, start())
	failed := tools.FailAs(t, toolstest.Credentials("aws_endpoint_url", "https://nowhere.example.com"), tool, map[string]any{"state_machine_arn": orders})
	toolstest.WantFailure(t, failed, plugin.Connection, "nowhere.example.com")
	if strings.Contains(failed.Message, "may have been started") {
		t.Errorf("nothing was sent, and the error is not sure of it: %s", failed.Message)
	}
}

func TestTheResultOfAnExecutionIsWaitedFor(t *testing.T) {
	for _, tt := range []struct{ output, json, object string }{
		{`{"total":12345678901234567890,"é":[]}`, `{"total":12345678901234567890,"é":[]}`, `{"total":12345678901234567890,"é":[]}`},
		{`[1,2]`, `[1,2]`, "null"},
		{`null`, `null`, "null"},
		{`"done"`, `"done"`, "null"},
	} {
		t.Run(tt.output, func(t *testing.T) {
			c := newCloud(t)
			machine := standard()
			machine.Takes = 0
			machine.Run = func(json.RawMessage) sfn.Outcome { return sfn.Outcome{Output: tt.output} }
			c.machines.Add(machine)
			result := c.Succeed(t, tool, map[string]any{"state_machine_arn": orders, "execution_name": "e", "trace_header": "Root=1", "wait_for_result": true})
			var output any
			if err := json.Unmarshal([]byte(tt.json), &output); err != nil {
				t.Fatal(err)
			}
			wantObject(t, map[string]any{
				"state_machine_arn": orders, "execution_arn": running + "e", "execution_name": "e", "trace_header": "Root=1", "status": "SUCCEEDED", "output": output,
			}, result)
			if result.Text != tt.output {
				t.Errorf("the text is %s", result.Text)
			}
			if got := outputs(result); got["output_json"] != tt.object || got["status"] != `"SUCCEEDED"` || string(result.Variables["stop_date"]) == "null" {
				t.Errorf("the outputs are %v", got)
			}
			if diff := cmp.Diff([]string{"states.StartExecution", "states.DescribeExecution"}, c.Operations()); diff != "" {
				t.Errorf("the requests differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAnExecutionThatDoesNotSucceedFailsTheTool(t *testing.T) {
	for _, tt := range []struct {
		outcome sfn.Outcome
		words   []string
	}{
		{sfn.Outcome{Status: "FAILED", Error: "OutOfStock", Cause: "no article 第7号"}, []string{"has failed: OutOfStock: no article 第7号"}},
		{sfn.Outcome{Status: "TIMED_OUT", Error: "States.Timeout"}, []string{"has run out of its time: States.Timeout"}},
		{sfn.Outcome{Status: "ABORTED"}, []string{"was aborted: it gave no reason"}},
		{sfn.Outcome{Status: "FAILED", Cause: strings.Repeat("x", 30000)}, []string{strings.Repeat("x", 2000) + "…"}},
	} {
		t.Run(tt.outcome.Status, func(t *testing.T) {
			for _, wait := range []bool{true, false} {
				c := newCloud(t)
				begun := c.Succeed(t, tool, map[string]any{"state_machine_arn": orders, "execution_name": "e"})
				if !c.machines.Finish(begun.Text, tt.outcome) {
					t.Fatal("there is no execution to be finished")
				}
				failed := c.Fail(t, tool, map[string]any{"state_machine_arn": orders, "execution_arn": begun.Text, "wait_for_result": wait})
				toolstest.WantFailure(t, failed, plugin.Unavailable, append(tt.words, running+"e")...)
			}
		})
	}
}

func TestAnExecutionIsPickedUp(t *testing.T) {
	c := newCloud(t)
	begun := c.Succeed(t, tool, map[string]any{"state_machine_arn": orders + ":PROD", "execution_name": "e", "trace_header": "Root=1"})
	c.Forget()
	look := map[string]any{"state_machine_arn": orders, "execution_arn": " " + begun.Text, "input_json": `{"not": "sent"}`, "execution_name": "other"}
	result := c.Succeed(t, tool, look)
	wantObject(t, map[string]any{
		"state_machine_arn": orders, "execution_arn": running + "e", "execution_name": "e", "trace_header": "Root=1", "status": "RUNNING",
	}, result)
	if result.Text != running+"e" || outputs(result)["stop_date"] != "null" || outputs(result)["output_text"] != "null" {
		t.Errorf("the text is %s, the outputs are %v", result.Text, outputs(result))
	}
	c.machines.Finish(begun.Text, sfn.Outcome{Output: `{"ok":true}`})
	for _, wait := range []any{nil, true} {
		look["wait_for_result"] = wait
		result = c.Succeed(t, tool, look)
		if result.Text != `{"ok":true}` || outputs(result)["status"] != `"SUCCEEDED"` {
			t.Errorf("the text is %s, the outputs are %v", result.Text, outputs(result))
		}
	}
	if diff := cmp.Diff([]string{
		`DescribeExecution {"executionArn":"` + running + `e"}`, `DescribeExecution {"executionArn":"` + running + `e"}`, `DescribeExecution {"executionArn":"` + running + `e"}`,
	}, c.bodies(t)); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
	for _, wait := range []bool{true, false} {
		failed := c.Fail(t, tool, map[string]any{"state_machine_arn": orders, "execution_arn": running + "unknown", "wait_for_result": wait})
		toolstest.WantFailure(t, failed, plugin.BadRequest, "no such execution", running+"unknown", "90 days")
	}
}

func TestAWaitThatMayNotLookSaysHowToPickUp(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "DescribeExecution", Effects: []aws.Effect{aws.Deny()}})
	failed := c.Fail(t, tool, map[string]any{"state_machine_arn": orders, "execution_name": "e", "wait_for_result": true})
	toolstest.WantFailure(t, failed, plugin.Authorization, "states:DescribeExecution", "The execution is not affected", "execution_arn "+running+"e")
}

func TestSection3_31Bug4_AnExpressStateMachineIsWaitedFor(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, tool, map[string]any{
		"state_machine_arn": quick, "state_machine_type": "EXPRESS", "wait_for_result": true, "input_json": `{"a": 1}`, "execution_name": "e", "trace_header": "Root=1",
	})
	if diff := cmp.Diff([]string{
		`StartSyncExecution {"input":"{\"a\": 1}","name":"e","stateMachineArn":"` + quick + `","traceHeader":"Root=1"}`,
	}, c.bodies(t)); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
	if at := c.Calls()[0].Host; at != "sync-states.us-east-1.amazonaws.com" {
		t.Errorf("the request went to %s", at)
	}
	wantObject(t, map[string]any{
		"state_machine_arn": quick, "execution_arn": c.started(t).ARN, "execution_name": "e", "trace_header": "Root=1", "status": "SUCCEEDED",
		"output": map[string]any{"a": 1.0},
	}, result)
	if result.Text != `{"a": 1}` {
		t.Errorf("the text is %s", result.Text)
	}
}

func TestAnExpressStateMachineThatFailsFailsTheTool(t *testing.T) {
	c := newCloud(t)
	c.machines.Add(sfn.StateMachine{Region: "us-east-1", AccountID: toolstest.AccountID, Name: "quick", Express: true, Run: func(json.RawMessage) sfn.Outcome {
		return sfn.Outcome{Status: "FAILED", Error: "Broken", Cause: "odd"}
	}})
	failed := c.Fail(t, tool, map[string]any{"state_machine_arn": quick, "state_machine_type": "EXPRESS", "wait_for_result": true})
	toolstest.WantFailure(t, failed, plugin.Unavailable, "has failed: Broken: odd", "express:quick:")
}

func TestTheTypeOfAStateMachineMattersOnlyForWaiting(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, tool, map[string]any{"state_machine_arn": quick, "state_machine_type": "EXPRESS", "execution_name": "e"})
	if result.Text != c.started(t).ARN || outputs(result)["execution_name"] != `"e"` {
		t.Errorf("the text is %s, the outputs are %v", result.Text, outputs(result))
	}
	failed := c.Fail(t, tool, map[string]any{"state_machine_arn": orders, "state_machine_type": "EXPRESS", "wait_for_result": true})
	toolstest.WantFailure(t, failed, plugin.BadRequest, "not an EXPRESS state machine", "set state_machine_type to STANDARD", "Nothing was started")
	failed = c.Fail(t, tool, map[string]any{"state_machine_arn": quick, "wait_for_result": true})
	toolstest.WantFailure(t, failed, plugin.BadRequest, "was started", "EXPRESS", "set state_machine_type to EXPRESS", c.machines.Executions()[1].ARN)
	if got := fmt.Sprint(c.Operations()); strings.Contains(got, "Describe") {
		t.Errorf("an execution of an EXPRESS state machine was looked up: %s", got)
	}
}

func TestAnEndpointOfTheUsersGetsEveryOperation(t *testing.T) {
	c := newCloud(t)
	t.Setenv("DIFYPLUGIN_ENDPOINT_ALLOW", "cloud.example.com")
	c.Endpoint(t, "cloud.example.com", "states")
	tools := c.Run(t, start())
	credentials := toolstest.Credentials("aws_endpoint_url", "sfn=https://cloud.example.com")
	tools.SucceedAs(t, credentials, tool, map[string]any{"state_machine_arn": quick, "state_machine_type": "EXPRESS", "wait_for_result": true})
	tools.SucceedAs(t, credentials, tool, map[string]any{"state_machine_arn": orders})
	for _, call := range c.Calls() {
		if call.Host != "cloud.example.com" {
			t.Errorf("%s went to %s", call.Operation, call.Host)
		}
	}
}
