package agentcore_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

const builtIn = "aws.codeinterpreter.v1"

// program makes all code and commands have the same results.
func (c *cloud) program(events ...standin.Event) {
	c.core.Program(func(context.Context, standin.Invocation) []standin.Event { return events })
}

// wantNoSession checks that every session has ended, and how many there were.
func (c *cloud) wantNoSession(t *testing.T, started int) {
	t.Helper()
	if n := len(c.core.Sessions()); n != started || c.core.Running() != 0 {
		t.Errorf("%d sessions were started and %d are running, want %d and none", n, c.core.Running(), started)
	}
}

// ran are the results in an answer, with result as JSON.
func ran(t *testing.T, result host.Result) []params {
	t.Helper()
	var list []params
	for _, item := range toolstest.Object(t, result)["results"].([]any) {
		shown := item.(params)
		shown["result"] = toolstest.Decode(t, []byte(shown["result"].(string)))
		list = append(list, shown)
	}
	return list
}

func TestSection3_3_ACommandAndCodeAreRunAndTheirResultsAreJSON(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, interpret, params{"command": "pip install 茶", "language": "python", "code": " print(1)\n"})
	session := c.core.Sessions()[0].ID
	at := "/code-interpreters/" + builtIn + "/"
	if diff := cmp.Diff([]string{
		"StartCodeInterpreterSession PUT " + at + `sessions/start {"sessionTimeoutSeconds":900}`,
		"InvokeCodeInterpreter POST " + at + `tools/invoke {"arguments":{"command":"pip install 茶"},"name":"executeCommand"}`,
		"InvokeCodeInterpreter POST " + at + `tools/invoke {"arguments":{"code":" print(1)\n","language":"python"},"name":"executeCode"}`,
		"StopCodeInterpreterSession PUT " + at + `sessions/stop {}`,
	}, c.bodies(t)); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
	for _, call := range c.Calls() {
		if call.Host != "bedrock-agentcore.us-east-1.amazonaws.com" {
			t.Errorf("%s went to %s", call.Operation, call.Host)
		}
		if strings.HasPrefix(call.Operation, "Invoke") && call.Header.Get("X-Amzn-Code-Interpreter-Session-Id") != session {
			t.Errorf("%s is for the session %s", call.Operation, call.Header.Get("X-Amzn-Code-Interpreter-Session-Id"))
		}
	}
	if query := c.Calls()[3].RawQuery; query != "sessionId="+session {
		t.Errorf("what was stopped is %s", query)
	}
	got := toolstest.Object(t, result)
	raw := func(text string) string {
		return `{"content":[{"text":"` + text + `","type":"text"}],"isError":false,"structuredContent":{"executionTime":12.5,"exitCode":0,"stderr":"","stdout":"` + text + `"}}`
	}
	if diff := cmp.Diff(params{
		"status": "success", "session_id": session, "code_interpreter_id": builtIn, "session_kept": false, "files": []any{},
		"results": []any{
			params{"type": "command", "result": raw("pip install 茶"), "is_error": false, "exit_code": 0.0, "files": []any{}},
			params{"type": "code", "result": raw(` print(1)\n`), "is_error": false, "exit_code": 0.0, "files": []any{}},
		},
	}, got); diff != "" {
		t.Errorf("the JSON differs (-want +got):\n%s", diff)
	}
	if kinds(result) != "json" {
		t.Errorf("the messages are %s", kinds(result))
	}
	wantOutputs(t, result, map[string]string{
		"status": `"success"`, "session_id": `"` + session + `"`, "code_interpreter_id": `"` + builtIn + `"`, "session_kept": "false",
		"output_text": `" print(1)\n"`, "stdout": `" print(1)\n"`, "stderr": `""`, "exit_code": "0", "is_error": "false",
	})
	c.wantNoSession(t, 1)
}

func TestSection3_3_OneOfCommandAndCodeIsEnough(t *testing.T) {
	for name, tt := range map[string]struct {
		parameters params
		want       string
	}{
		"a command":                  {params{"command": "ls", "language": nil, "code": nil}, "executeCommand"},
		"a command and a language":   {params{"command": "ls", "language": "python", "code": ""}, "executeCommand"},
		"a command and blank code":   {params{"command": "ls", "language": "python", "code": " \n"}, "executeCommand"},
		"code":                       {params{"language": "javascript", "code": "1", "command": ""}, "executeCode"},
		"code of a third language":   {params{"language": "typescript", "code": "1", "command": nil}, "executeCode"},
		"code, and all others blank": {params{"language": "python", "code": "1", "session_id": "", "session_id_input": nil, "code_interpreter_id": "", "code_interpreter_id_input": "", "keep_session": "", "session_timeout_seconds": "", "input_files": nil, "output_files": "", "aws_ak": "", "aws_sk": nil, "aws_access_key_id": "", "aws_secret_access_key": " ", "aws_region": ""}, "executeCode"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Succeed(t, interpret, tt.parameters)
			runs := c.core.Invocations()
			if len(runs) != 1 || runs[0].Tool != tt.want || runs[0].Session.Timeout.Seconds() != 900 {
				t.Errorf("%+v", runs)
			}
			c.wantNoSession(t, 1)
		})
	}
}

func TestNothingIsSentForAWrongRun(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters params
		words      []string
	}{
		{"section 3.3: nothing to run", params{"language": "python"}, []string{"code and command are both blank"}},
		{"section 3.3: blanks to run", params{"language": "python", "code": " \n", "command": "\t"}, []string{"nothing to run"}},
		{"section 3.3: code without a language", params{"code": "1"}, []string{"language is missing"}},
		{"an odd language", params{"code": "1", "language": "perl"}, []string{"language must be one of python, javascript, typescript"}},
		{"an odd session", params{"command": "ls", "session_id": "a-b"}, []string{`session_id is "a-b"`}},
		{"an odd session of a model", params{"command": "ls", "session_id": "good", "session_id_input": "a b"}, []string{`session_id is "a b"`}},
		{"an odd code interpreter", params{"command": "ls", "code_interpreter_id": "mine"}, []string{`code_interpreter_id is "mine"`}},
		{"no time", params{"command": "ls", "session_timeout_seconds": 0}, []string{"session_timeout_seconds is 0, and must be a whole number from 1 to 28800"}},
		{"too much time", params{"command": "ls", "session_timeout_seconds": 28801}, []string{"session_timeout_seconds is 28801"}},
		{"half a second", params{"command": "ls", "session_timeout_seconds": 1.5}, []string{"session_timeout_seconds is 1.5"}},
		{"odd output files", params{"command": "ls", "output_files": `["a", 1]`}, []string{"output_files begins like a JSON array"}},
		{"too many output files", params{"command": "ls", "output_files": strings.Repeat("a\n", 51)}, []string{"output_files names 51 files"}},
		{"several at once", params{"code": "1", "session_id": "-", "code_interpreter_id": "-", "session_timeout_seconds": "0"}, []string{"4 parameters are wrong", "language", "session_id", "code_interpreter_id", "session_timeout_seconds"}},
		{"two pairs of keys", params{"command": "ls", "aws_ak": "a", "aws_sk": "b", "aws_access_key_id": "a", "aws_secret_access_key": "b"}, []string{"keys under two names"}},
		{"half a pair of keys", params{"command": "ls", "aws_ak": "a"}, []string{"aws_ak but not aws_sk"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			failed := c.Fail(t, interpret, tt.parameters)
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %.500s", word, failed.Message)
				}
			}
			c.WantNothingSent(t)
			c.wantNoSession(t, 0)
		})
	}
	c := newCloud(t)
	same := c.File("a.txt", "text/plain", []byte("a"))
	toolstest.WantFailure(t, c.Fail(t, interpret, params{"command": "ls", "input_files": []any{same, same}}), plugin.BadRequest, `two files of the name "a.txt"`)
	c.WantNothingSent(t)
}

func TestTheKeysOfTheReplacedPluginAreTaken(t *testing.T) {
	c := newCloud(t)
	c.SucceedAs(t, nil, interpret, params{"command": "ls", "aws_ak": toolstest.AccessKeyID, "aws_sk": toolstest.SecretAccessKey, "aws_region": "eu-west-1"})
	if call := c.Calls()[0]; call.AccessKeyID != toolstest.AccessKeyID || call.Region != "eu-west-1" {
		t.Errorf("%s in %s", call.AccessKeyID, call.Region)
	}
}

func TestPrivacyA11_ASessionThatACallHasStartedIsStopped(t *testing.T) {
	code := params{"language": "python", "code": "1", "command": "ls"}
	for _, tt := range []struct {
		name  string
		fault aws.Fault
		fails bool
	}{
		{"a success", aws.Fault{Operation: "none"}, false},
		{"a denied run", aws.Fault{Operation: "InvokeCodeInterpreter", Effects: []aws.Effect{aws.Deny()}}, true},
		{"a run that fails after another", aws.Fault{Operation: "InvokeCodeInterpreter", Effects: []aws.Effect{aws.Cut(3)}}, true},
		{"a lost start", aws.Fault{Operation: "StartCodeInterpreterSession", Times: 1, Effects: []aws.Effect{aws.Drop()}}, false},
		{"a stop that has to be repeated", aws.Fault{Operation: "StopCodeInterpreterSession", Times: 2, Effects: []aws.Effect{aws.Overload()}}, false},
		{"a stop whose answer is lost", aws.Fault{Operation: "StopCodeInterpreterSession", Times: 1, Effects: []aws.Effect{aws.Drop()}}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(tt.fault)
			if tt.fails {
				c.Fail(t, interpret, code)
			} else {
				result := c.Succeed(t, interpret, code)
				wantOutputs(t, result, map[string]string{"session_kept": "false"})
			}
			c.wantNoSession(t, 1)
			if strings.Contains(fmt.Sprint(c.Operations()), "CreateCodeInterpreter") {
				t.Errorf("%v", c.Operations())
			}
		})
	}
}

func TestASessionThatCannotBeStoppedCostsNoResult(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "StopCodeInterpreterSession", Effects: []aws.Effect{aws.Deny()}})
	result := c.Succeed(t, interpret, params{"command": "ls"})
	wantOutputs(t, result, map[string]string{"session_kept": "true", "stdout": `"ls"`})
	if logged := fmt.Sprint(c.Logs()); !strings.Contains(logged, "goes on until its time is up") || !strings.Contains(logged, "bedrock-agentcore:StopCodeInterpreterSession") {
		t.Errorf("the log is %s", logged)
	}
	c.Inject(aws.Fault{Operation: "InvokeCodeInterpreter", Effects: []aws.Effect{aws.Deny()}})
	failed := c.Fail(t, interpret, params{"command": "ls"})
	toolstest.WantFailure(t, failed, plugin.Authorization, "The session "+c.core.Sessions()[1].ID, "could not be stopped")
}

func TestASessionIsKeptAndUsedAgain(t *testing.T) {
	c := newCloud(t)
	first := c.Succeed(t, interpret, params{"command": "ls", "keep_session": "true", "session_timeout_seconds": 60.0})
	session := c.core.Sessions()[0]
	wantOutputs(t, first, map[string]string{"session_kept": "true", "session_id": `"` + session.ID + `"`})
	if session.Timeout.Seconds() != 60 || c.core.Running() != 1 {
		t.Errorf("%d sessions run, for %v", c.core.Running(), session.Timeout)
	}
	c.Forget()
	for _, ids := range []params{
		{"session_id": session.ID},
		{"session_id_input": " \"" + session.ID + "\" ", "session_id": "overruled"},
		{"session_id": session.ID, "code_interpreter_id_input": builtIn, "code_interpreter_id": "overruled-0123456789"},
	} {
		ids["command"] = "ls"
		result := c.Succeed(t, interpret, ids)
		wantOutputs(t, result, map[string]string{"session_kept": "true", "session_id": `"` + session.ID + `"`})
	}
	c.WantOperations(t, "InvokeCodeInterpreter", "InvokeCodeInterpreter", "InvokeCodeInterpreter")
	c.Inject(aws.Fault{Operation: "InvokeCodeInterpreter", Effects: []aws.Effect{aws.Deny()}})
	for _, parameters := range []params{{"session_id": session.ID}, {"keep_session": true}} {
		parameters["command"] = "ls"
		failed := c.Fail(t, interpret, parameters)
		running := c.core.Sessions()[len(c.core.Sessions())-1].ID
		toolstest.WantFailure(t, failed, plugin.Authorization, "The session goes on", "session_id "+running+" and code_interpreter_id "+builtIn)
	}
}

func TestACodeInterpreterOfOnesOwn(t *testing.T) {
	c := newCloud(t)
	c.core.AddInterpreter("us-east-1", toolstest.AccountID, "tools-0123456789")
	result := c.Succeed(t, interpret, params{"command": "ls", "code_interpreter_id": " tools-0123456789\n"})
	wantOutputs(t, result, map[string]string{"code_interpreter_id": `"tools-0123456789"`})
	c.wantNoSession(t, 1)
	failed := c.Fail(t, interpret, params{"command": "ls", "code_interpreter_id": "other-0123456789"})
	toolstest.WantFailure(t, failed, plugin.BadRequest, "could not start a session of the code interpreter other-0123456789", "no such code interpreter in the region us-east-1")
	failed = c.Fail(t, interpret, params{"command": "ls", "session_id": "gone"})
	toolstest.WantFailure(t, failed, plugin.BadRequest, "the session has ended", "leave session_id blank")
	if strings.Contains(failed.Message, "goes on") {
		t.Errorf("a session that is not there is offered for use: %s", failed.Message)
	}
}

func TestSection3_3_AllEventsOfTheStreamAreRead(t *testing.T) {
	c := newCloud(t)
	text := func(s string) []map[string]any { return []map[string]any{{"type": "text", "text": s}} }
	c.program(
		standin.Event{Content: text("one "), Structured: map[string]any{"stdout": "one ", "taskId": "t-1", "taskStatus": "working"}},
		standin.Event{Content: text("two")},
		standin.Event{Content: text("!"), Structured: map[string]any{"stdout": "two!", "stderr": "warning", "exitCode": 0, "executionTime": 3.5, "taskStatus": "completed"}},
	)
	result := c.Succeed(t, interpret, params{"command": "ls"})
	if diff := cmp.Diff(params{
		"content": []any{params{"type": "text", "text": "one "}, params{"type": "text", "text": "two"}, params{"type": "text", "text": "!"}}, "isError": false,
		"structuredContent": params{"stdout": "one two!", "stderr": "warning", "exitCode": 0.0, "executionTime": 3.5, "taskId": "t-1", "taskStatus": "completed"},
	}, ran(t, result)[0]["result"]); diff != "" {
		t.Errorf("the result differs (-want +got):\n%s", diff)
	}
	wantOutputs(t, result, map[string]string{"output_text": `"one two!"`, "stdout": `"one two!"`, "stderr": `"warning"`})
}

func TestSection3_3_ExceptionsInTheStreamFailTheTool(t *testing.T) {
	for _, tt := range []struct {
		exception string
		kind      plugin.Kind
		words     []string
	}{
		{"accessDeniedException", plugin.Authorization, []string{"bedrock-agentcore:InvokeCodeInterpreter", "code-interpreter/" + builtIn}},
		{"conflictException", plugin.RateLimit, []string{"busy"}},
		{"internalServerException", plugin.Unavailable, []string{"try again", "may have been run all the same"}},
		{"resourceNotFoundException", plugin.BadRequest, []string{"the session has ended"}},
		{"serviceQuotaExceededException", plugin.RateLimit, []string{"quota"}},
		{"throttlingException", plugin.RateLimit, []string{"try again"}},
		{"validationException", plugin.BadRequest, []string{"does not accept", "AWS said: odd"}},
		{"newException", plugin.BadRequest, []string{"could not run the command"}},
	} {
		t.Run(tt.exception, func(t *testing.T) {
			c := newCloud(t)
			c.program(standin.Printed("so far"), standin.Event{Exception: tt.exception, Message: "odd"})
			failed := c.Fail(t, interpret, params{"command": "ls"})
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not run the command")...)
			c.wantNoSession(t, 1)
		})
	}
}

func TestAProgramThatFailsIsAResult(t *testing.T) {
	c := newCloud(t)
	c.program(standin.Exited("half", "Traceback: odd", 3))
	result := c.Succeed(t, interpret, params{"command": "ls", "language": "python", "code": "1/0", "output_files": "missing.csv"})
	wantOutputs(t, result, map[string]string{"is_error": "true", "exit_code": "3", "stdout": `"half"`, "stderr": `"Traceback: odd"`, "status": `"success"`})
	for _, item := range ran(t, result) {
		if item["is_error"] != true || item["exit_code"] != 3.0 || item["result"].(params)["isError"] != true {
			t.Errorf("%v", item)
		}
	}
	c.wantNoSession(t, 1)
}

func TestAnExitCodeIsEnoughToTellAFailure(t *testing.T) {
	c := newCloud(t)
	quiet := standin.Exited("", "odd", 2)
	quiet.IsError = false
	c.program(quiet)
	result := c.Succeed(t, interpret, params{"command": "ls", "output_files": "missing.csv"})
	wantOutputs(t, result, map[string]string{"is_error": "true", "exit_code": "2", "stderr": `"odd"`})
	if item := ran(t, result)[0]; item["is_error"] != true || item["result"].(params)["isError"] != false {
		t.Errorf("%v", item)
	}
}

func TestSection3_3_WhatTheServiceCannotRunFailsTheTool(t *testing.T) {
	c := newCloud(t)
	c.program(standin.Refused("Language runtime is not available"))
	failed := c.Fail(t, interpret, params{"language": "python", "code": "1"})
	toolstest.WantFailure(t, failed, plugin.BadRequest, "could not run the code: the code interpreter says: Language runtime is not available")
	c.program(standin.Event{IsError: true, Structured: map[string]any{"stdout": "", "stderr": "", "executionTime": 0.0}})
	toolstest.WantFailure(t, c.Fail(t, interpret, params{"command": "ls"}), plugin.BadRequest, "it gives no reason")
	c.program(standin.Refused(strings.Repeat("茶", 1000)))
	if failed := c.Fail(t, interpret, params{"command": "ls"}); len(failed.Message) > 2200 {
		t.Errorf("the error has %d bytes", len(failed.Message))
	}
	c.program()
	toolstest.WantFailure(t, c.Fail(t, interpret, params{"command": "ls"}), plugin.Unavailable, "without a result")
	c.wantNoSession(t, 4)
}

func TestEveryKindOfContentArrives(t *testing.T) {
	c := newCloud(t)
	image, blob := []byte("\x89PNG\x00"), []byte{0, 1, 2, 255}
	encoded := func(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
	c.program(standin.Event{Content: []map[string]any{
		{"type": "text", "text": "<b>茶</b>"},
		{"type": "image", "data": encoded(image), "mimeType": "image/png"},
		{"type": "image", "data": encoded(image), "mimeType": "image/png", "name": "../plot?.png", "description": "a plot"},
		{"type": "image", "data": encoded(image), "mimeType": "image/png"},
		{"type": "resource_link", "uri": "file:///tmp/a.csv", "name": "a.csv", "mimeType": "text/csv", "size": 12},
		{"type": "resource", "resource": map[string]any{"type": "text", "uri": "file:///out/table.csv", "mimeType": "text/csv", "text": "a,b\n"}},
		{"type": "resource", "resource": map[string]any{"type": "blob", "uri": "file:///out/data", "mimeType": "application/octet-stream", "blob": encoded(blob)}},
		{"type": "resource", "resource": map[string]any{"type": "blob", "mimeType": "application/pdf", "blob": encoded(blob)}},
	}})
	result := c.Succeed(t, interpret, params{"language": "python", "code": "1"})
	if diff := cmp.Diff([]any{
		params{"type": "text", "text": "<b>茶</b>"},
		params{"type": "image", "mimeType": "image/png", "size": 5.0, "file": "code-image.png"},
		params{"type": "image", "mimeType": "image/png", "size": 5.0, "file": "plot_.png", "name": "../plot?.png", "description": "a plot"},
		params{"type": "image", "mimeType": "image/png", "size": 5.0, "file": "code-image-2.png"},
		params{"type": "resource_link", "uri": "file:///tmp/a.csv", "name": "a.csv", "mimeType": "text/csv", "size": 12.0},
		params{"type": "resource", "resource": params{"type": "text", "uri": "file:///out/table.csv", "mimeType": "text/csv", "size": 4.0, "file": "table.csv"}},
		params{"type": "resource", "resource": params{"type": "blob", "uri": "file:///out/data", "mimeType": "application/octet-stream", "size": 4.0, "file": "data"}},
		params{"type": "resource", "resource": params{"type": "blob", "mimeType": "application/pdf", "size": 4.0, "file": "code-file.pdf"}},
	}, ran(t, result)[0]["result"].(params)["content"]); diff != "" {
		t.Errorf("the content differs (-want +got):\n%s", diff)
	}
	if strings.Contains(string(result.JSON[0]), encoded(blob)) || strings.Contains(string(result.JSON[0]), `\\u003c`) {
		t.Errorf("the JSON is %s", result.JSON[0])
	}
	wantFiles(t, result, []sent{
		{"code-image.png", "image/png", image},
		{"plot_.png", "image/png", image},
		{"code-image-2.png", "image/png", image},
		{"table.csv", "text/csv", []byte("a,b\n")},
		{"data", "application/octet-stream", blob},
		{"code-file.pdf", "application/pdf", blob},
	})
	wantOutputs(t, result, map[string]string{"stdout": "null", "exit_code": "null", "is_error": "false"})
}

type sent struct {
	Name, Type string
	Content    []byte
}

func wantFiles(t *testing.T, result host.Result, want []sent) {
	t.Helper()
	var got []sent
	for _, file := range result.Files {
		content, err := file.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, sent{file.Name, file.Type, content})
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the files differ (-want +got):\n%s", diff)
	}
}

func TestLongTextsAreShownInPartAndSentAsFiles(t *testing.T) {
	c := newCloud(t)
	long := strings.Repeat("茶x", 20_000)
	c.program(standin.Exited(long, "short", 0))
	result := c.Succeed(t, interpret, params{"command": "cat", "language": "python", "code": "1"})
	var stdout string
	if err := json.Unmarshal(result.Variables["stdout"], &stdout); err != nil {
		t.Fatal(err)
	}
	if len(stdout) > 31<<10 || !strings.HasPrefix(long, stdout[:30<<10-4]) || !strings.Contains(stdout, "of 80000 bytes; all of them are in the file") {
		t.Errorf("%d bytes: … %s", len(stdout), stdout[len(stdout)-100:])
	}
	if n := len(result.Variables["results"]); n > 200<<10 {
		t.Errorf("the results have %d bytes", n)
	}
	wantFiles(t, result, []sent{{"command-output.txt", "text/plain", []byte(long)}})
	files := ran(t, result)[0]["files"].([]any)
	if len(files) != 1 || files[0] != "command-output.txt" {
		t.Errorf("the files of the command are %v", files)
	}
}

func TestFilesGoInAndOut(t *testing.T) {
	c := newCloud(t)
	picture := []byte{0xff, 0, 1}
	c.core.Program(func(_ context.Context, in standin.Invocation) []standin.Event {
		in.Session.Put("out/a.txt", bytes.ToUpper(in.Session.Files()["a.txt"]))
		in.Session.Put("b.bin", picture)
		return []standin.Event{standin.Printed("")}
	})
	for _, paths := range []string{" out/a.txt\r\n\nb.bin ", `["out/a.txt", "b.bin"]`} {
		c.Forget()
		result := c.Succeed(t, interpret, params{
			"language": "python", "code": "1", "output_files": paths,
			"input_files": []any{c.File("a.txt", "text/plain", []byte("tea")), c.File("empty.bin", "application/octet-stream", nil)},
		})
		wantFiles(t, result, []sent{{"a.txt", "text/plain", []byte("TEA")}, {"b.bin", "application/octet-stream", picture}})
		c.WantOperations(t, "StartCodeInterpreterSession", "InvokeCodeInterpreter", "InvokeCodeInterpreter", "InvokeCodeInterpreter", "StopCodeInterpreterSession")
		if diff := cmp.Diff([]string{
			`{"arguments":{"content":[{"blob":"dGVh","path":"a.txt"},{"blob":"","path":"empty.bin"}]},"name":"writeFiles"}`,
			`{"arguments":{"paths":["out/a.txt","b.bin"]},"name":"readFiles"}`,
		}, []string{after(c.bodies(t)[1]), after(c.bodies(t)[3])}); diff != "" {
			t.Errorf("the requests differ (-want +got):\n%s", diff)
		}
		if got := toolstest.Object(t, result)["files"]; fmt.Sprint(got) != "[a.txt b.bin]" {
			t.Errorf("the files are %v", got)
		}
	}
	failed := c.Fail(t, interpret, params{"command": "ls", "output_files": "none.csv"})
	toolstest.WantFailure(t, failed, plugin.BadRequest, "could not read the output files: the code interpreter says: File not found: none.csv")
	if c.core.Running() != 0 {
		t.Error("a session is left")
	}
}

// after is the body in a line of bodies.
func after(line string) string { return line[strings.Index(line, "{"):] }

func TestFilesOfASessionAreFetchedWithoutARun(t *testing.T) {
	c := newCloud(t)
	kept := c.Succeed(t, interpret, params{"input_files": []any{c.File("a.txt", "text/plain", []byte("tea"))}, "keep_session": true})
	wantOutputs(t, kept, map[string]string{"results": "[]", "stdout": "null", "output_text": "null", "is_error": "false"})
	result := c.Succeed(t, interpret, params{"output_files": "a.txt", "session_id": c.core.Sessions()[0].ID})
	wantFiles(t, result, []sent{{"a.txt", "text/plain", []byte("tea")}})
}

func TestAnInputFileThatIsTooLargeStopsTheCall(t *testing.T) {
	c := newCloud(t)
	half := make([]byte, 11<<20)
	failed := c.Fail(t, interpret, params{"command": "ls", "input_files": []any{c.File("a.bin", "", half), c.File("b.bin", "", half)}})
	toolstest.WantFailure(t, failed, plugin.BadRequest, `could not read the input file "b.bin", of at most 20 MiB in all`)
	c.WantOperations(t)
}

func TestCodeIsRunOnce(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect aws.Effect
		kind   plugin.Kind
		runs   int
		words  []string
	}{
		{"a lost answer", aws.Drop(), plugin.Connection, 1, []string{"may have been run all the same", "was not run a second time"}},
		{"an answer that breaks off", aws.Cut(20), plugin.Connection, 1, []string{"broke off", "may have been run all the same"}},
		{"an answer that breaks off at once", aws.Cut(0), plugin.Connection, 1, []string{"may have been run all the same"}},
		{"a failure of the service", aws.Break(), plugin.Unavailable, 0, []string{"may have been run all the same"}},
		{"an overloaded service", aws.Overload(), plugin.Unavailable, 0, []string{"may have been run all the same"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			in := c.Inject(aws.Fault{Operation: "InvokeCodeInterpreter", Effects: []aws.Effect{tt.effect}})
			failed := c.Fail(t, interpret, params{"command": "ls"})
			toolstest.WantFailure(t, failed, tt.kind, append(tt.words, "could not run the command")...)
			if in.Hits() != 1 || len(c.core.Invocations()) != tt.runs {
				t.Errorf("the request was sent %d times, and performed %d times", in.Hits(), len(c.core.Invocations()))
			}
			c.wantNoSession(t, 1)
		})
	}
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "InvokeCodeInterpreter", Times: 2, Effects: []aws.Effect{aws.Fail(429, "ThrottlingException", "slow")}})
	c.Succeed(t, interpret, params{"command": "ls"})
	if n := len(c.core.Invocations()); n != 1 {
		t.Errorf("the command was run %d times", n)
	}
}

func TestErrorsOfAWSAboutSessionsSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name, operation string
		fault           aws.Effect
		kind            plugin.Kind
		words           []string
	}{
		{"starting is denied", "StartCodeInterpreterSession", aws.Deny(), plugin.Authorization, []string{"bedrock-agentcore:StartCodeInterpreterSession", ":aws:code-interpreter/" + builtIn}},
		{"too many sessions", "StartCodeInterpreterSession", aws.Fail(402, "ServiceQuotaExceededException", "no"), plugin.RateLimit, []string{"quota"}},
		{"expired", "StartCodeInterpreterSession", aws.Expire(), plugin.Authorization, []string{"expired"}},
		{"a failure of its own", "StartCodeInterpreterSession", aws.Break(), plugin.Unavailable, []string{"try again"}},
		{"running is denied", "InvokeCodeInterpreter", aws.Deny(), plugin.Authorization, []string{"bedrock-agentcore:InvokeCodeInterpreter"}},
		{"throttled", "InvokeCodeInterpreter", aws.Fail(429, "ThrottlingException", "slow"), plugin.RateLimit, []string{"try again"}},
		{"a parameter", "InvokeCodeInterpreter", aws.Fail(400, "ValidationException", "odd"), plugin.BadRequest, []string{"AWS said: odd"}},
		{"busy", "InvokeCodeInterpreter", aws.Fail(409, "ConflictException", "odd"), plugin.RateLimit, []string{"busy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: tt.operation, Effects: []aws.Effect{tt.fault}})
			failed := c.Fail(t, interpret, params{"command": "ls"})
			toolstest.WantFailure(t, failed, tt.kind, tt.words...)
			if strings.Contains(failed.Message, "may have been run") {
				t.Errorf("nothing was run, and the error is not sure of it: %s", failed.Message)
			}
			if c.core.Running() != 0 {
				t.Error("a session is left")
			}
		})
	}
}
