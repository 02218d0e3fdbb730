package agentcore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	signer "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcorecontrol"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
	"github.com/cloudplugins/difyplugin/sandbox/aws/awstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	account = "123456789012"
	notes   = "notes-0123456789"
	builtIn = "aws.codeinterpreter.v1"
)

// world is AgentCore and the ways to it.
type world struct {
	core    *agentcore.Service
	cloud   *aws.Cloud
	http    *http.Client
	data    *client.Client
	control *bedrockagentcorecontrol.Client
}

// start starts AgentCore with the memory notes.
func start(t *testing.T) *world {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, core := aws.New(), agentcore.New()
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	core.Register(cloud)
	core.AddMemory(agentcore.Memory{Region: "us-east-1", AccountID: account, ID: notes})
	cfg := sdk.Config{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: awstest.Client(transport),
		Retryer: func() sdk.Retryer { return sdk.NopRetryer{} },
	}
	return &world{
		core: core, cloud: cloud, http: &http.Client{Transport: transport}, data: client.NewFromConfig(cfg), control: bedrockagentcorecontrol.NewFromConfig(cfg),
	}
}

// send sends a signed request with any body.
func (w *world) send(t *testing.T, method, host, path, body string, header http.Header) (status int, code, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://"+host+".us-east-1.amazonaws.com"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[name] = values
	}
	sum := sha256.Sum256([]byte(body))
	keys := sdk.Credentials{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}
	if err := signer.NewSigner().SignHTTP(t.Context(), keys, r, hex.EncodeToString(sum[:]), "bedrock-agentcore", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	got, err := w.http.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, got.Header.Get("X-Amzn-Errortype"), string(text)
}

func TestAWrongRequestIsRefused(t *testing.T) {
	const (
		control, data = "bedrock-agentcore-control", "bedrock-agentcore"
		events        = "/memories/" + notes + "/events"
		search        = "/memories/" + notes + "/retrieve"
		list          = "/memories/" + notes + "/actor/a/sessions/s"
		sessions      = "/code-interpreters/" + builtIn + "/sessions/"
		tools         = "/code-interpreters/" + builtIn + "/tools/invoke"
		said          = `{"actorId":"a","sessionId":"s","eventTimestamp":1,"payload":[{"conversational":%s}]}`
		found         = `{"namespace":"/","searchCriteria":{"searchQuery":"q"%s}}`
	)
	w := start(t)
	session, err := w.data.StartCodeInterpreterSession(t.Context(), &client.StartCodeInterpreterSessionInput{CodeInterpreterIdentifier: sdk.String(builtIn)})
	if err != nil {
		t.Fatal(err)
	}
	running := http.Header{"X-Amzn-Code-Interpreter-Session-Id": {*session.SessionId}}
	for _, tt := range []struct {
		name, method, host, path, body string
		status                         int
		code, words                    string
	}{
		{"an unknown path", "GET", data, "/memories", "", 404, "UnknownOperationException", ""},
		{"another method", "GET", data, events, "", 404, "UnknownOperationException", ""},
		{"the other host", "POST", data, "/memories/create", "{}", 404, "UnknownOperationException", ""},
		{"an unknown path of the other host", "PUT", control, "/memories/create", "{}", 404, "UnknownOperationException", ""},
		{"an odd name", "POST", control, "/memories/create", `{"name":"a-b","eventExpiryDuration":90}`, 400, "ValidationException", "'name'"},
		{"a short life", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":2}`, 400, "ValidationException", "from 3 to 3650"},
		{"an empty description", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"description":""}`, 400, "ValidationException", "description"},
		{"an unknown field", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"strategies":[]}`, 400, "SerializationException", "strategies"},
		{"a strategy of two kinds", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"memoryStrategies":[{"semanticMemoryStrategy":{"name":"a"},"summaryMemoryStrategy":{"name":"b"}}]}`, 400, "SerializationException", "exactly one"},
		{"an unknown strategy", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"memoryStrategies":[{"otherStrategy":{"name":"a"}}]}`, 400, "ValidationException", "otherStrategy"},
		{"a strategy without a name", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"memoryStrategies":[{"semanticMemoryStrategy":{}}]}`, 400, "ValidationException", "'name'"},
		{"two namespaces", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"memoryStrategies":[{"semanticMemoryStrategy":{"name":"a","namespaces":["/a","/b"]}}]}`, 400, "ValidationException", "namespaces"},
		{"an odd namespace of a strategy", "POST", control, "/memories/create", `{"name":"a","eventExpiryDuration":90,"memoryStrategies":[{"semanticMemoryStrategy":{"name":"a","namespaceTemplates":["/{a"]}}]}`, 400, "ValidationException", "namespaces"},
		{"an odd ID", "GET", control, "/memories/notes/details", "", 400, "ValidationException", "memoryId"},
		{"an unknown memory", "GET", control, "/memories/other-0123456789/details", "", 404, "ResourceNotFoundException", "other"},
		{"an ARN for the control plane", "GET", control, "/memories/arn%3Aaws%3Abedrock-agentcore%3Aus-east-1%3A" + account + "%3Amemory%2F" + notes + "/details", "", 400, "ValidationException", "memoryId"},
		{"an odd view", "GET", control, "/memories/" + notes + "/details?view=some", "", 400, "ValidationException", "view"},
		{"an ARN of another region", "POST", data, "/memories/arn%3Aaws%3Abedrock-agentcore%3Aeu-west-1%3A" + account + "%3Amemory%2F" + notes + "/retrieve", "{}", 404, "ResourceNotFoundException", ""},

		{"no body", "POST", data, events, "", 400, "SerializationException", ""},
		{"no actor", "POST", data, events, `{"sessionId":"s","eventTimestamp":1,"payload":[]}`, 400, "ValidationException", "actorId"},
		{"no session", "POST", data, events, `{"actorId":"a","eventTimestamp":1,"payload":[]}`, 400, "ValidationException", "sessionId"},
		{"no time", "POST", data, events, `{"actorId":"a","sessionId":"s","payload":[]}`, 400, "ValidationException", "eventTimestamp"},
		{"a time as text", "POST", data, events, `{"actorId":"a","sessionId":"s","eventTimestamp":"now","payload":[]}`, 400, "SerializationException", ""},
		{"no payload", "POST", data, events, `{"actorId":"a","sessionId":"s","eventTimestamp":1}`, 400, "ValidationException", "payload"},
		{"an odd role", "POST", data, events, fmt.Sprintf(said, `{"role":"user","content":{"text":"x"}}`), 400, "ValidationException", "role"},
		{"no text", "POST", data, events, fmt.Sprintf(said, `{"role":"USER","content":{}}`), 400, "ValidationException", "content"},
		{"an empty text", "POST", data, events, fmt.Sprintf(said, `{"role":"USER","content":{"text":""}}`), 400, "ValidationException", "1 to 100000"},
		{"a long text", "POST", data, events, fmt.Sprintf(said, `{"role":"USER","content":{"text":"`+strings.Repeat("x", 100001)+`"}}`), 400, "ValidationException", "100001"},
		{"an odd actor", "POST", data, "/memories/" + notes + "/actor/-/sessions/s", "{}", 400, "ValidationException", "actorId"},
		{"a large page", "POST", data, list, `{"maxResults":101}`, 400, "ValidationException", "1 to 100"},
		{"an odd token", "POST", data, list, `{"nextToken":"x"}`, 400, "ValidationException", "nextToken"},

		{"no namespace", "POST", data, search, `{"searchCriteria":{"searchQuery":"q"}}`, 400, "ValidationException", "namespacePath"},
		{"two ways to name one", "POST", data, search, `{"namespace":"/","namespacePath":"/","searchCriteria":{"searchQuery":"q"}}`, 400, "ValidationException", "namespacePath"},
		{"an odd namespace", "POST", data, search, `{"namespace":"a b","searchCriteria":{"searchQuery":"q"}}`, 400, "ValidationException", "namespace"},
		{"no criteria", "POST", data, search, `{"namespace":"/"}`, 400, "ValidationException", "searchCriteria"},
		{"no query", "POST", data, search, `{"namespace":"/","searchCriteria":{}}`, 400, "ValidationException", "searchQuery"},
		{"a deep search", "POST", data, search, fmt.Sprintf(found, `,"topK":101`), 400, "ValidationException", "topK"},
		{"an odd strategy ID", "POST", data, search, fmt.Sprintf(found, `,"memoryStrategyId":"/"`), 400, "ValidationException", "memoryStrategyId"},
		{"no filters", "POST", data, search, fmt.Sprintf(found, `,"metadataFilters":[]`), 400, "ValidationException", "metadataFilters"},
		{"an odd operator", "POST", data, search, fmt.Sprintf(found, `,"metadataFilters":[{"left":{"metadataKey":"a"},"operator":"LIKE"}]`), 400, "ValidationException", "LIKE"},
		{"an operator without a value", "POST", data, search, fmt.Sprintf(found, `,"metadataFilters":[{"left":{"metadataKey":"a"},"operator":"BEFORE"}]`), 400, "ValidationException", "BEFORE"},
		{"a value of two types", "POST", data, search, fmt.Sprintf(found, `,"metadataFilters":[{"left":{"metadataKey":"a"},"operator":"EQUALS_TO","right":{"metadataValue":{"stringValue":"a","numberValue":1}}}]`), 400, "SerializationException", "exactly one"},
		{"no key", "POST", data, search, fmt.Sprintf(found, `,"metadataFilters":[{"left":{},"operator":"EXISTS"}]`), 400, "ValidationException", "metadataKey"},

		{"an odd code interpreter", "PUT", data, "/code-interpreters/mine/sessions/start", "{}", 400, "ValidationException", "codeInterpreterIdentifier"},
		{"an unknown code interpreter", "PUT", data, "/code-interpreters/mine-0123456789/sessions/start", "{}", 404, "ResourceNotFoundException", "mine"},
		{"a long session", "PUT", data, sessions + "start", `{"sessionTimeoutSeconds":28801}`, 400, "ValidationException", "1 to 28800"},
		{"an empty name", "PUT", data, sessions + "start", `{"name":""}`, 400, "ValidationException", "'name'"},
		{"a short token", "PUT", data, sessions + "start", `{"clientToken":"short"}`, 400, "ValidationException", "clientToken"},
		{"no session to stop", "PUT", data, sessions + "stop", "{}", 400, "ValidationException", "sessionId"},
		{"an unknown session", "PUT", data, sessions + "stop?sessionId=unknown", "{}", 404, "ResourceNotFoundException", "unknown"},
		{"no arguments", "POST", data, tools, `{"name":"executeCode"}`, 400, "ValidationException", "arguments"},
		{"no code", "POST", data, tools, `{"name":"executeCode","arguments":{"language":"python"}}`, 400, "ValidationException", "'code'"},
		{"an odd language", "POST", data, tools, `{"name":"executeCode","arguments":{"language":"perl","code":""}}`, 400, "ValidationException", "language"},
		{"no command", "POST", data, tools, `{"name":"executeCommand","arguments":{}}`, 400, "ValidationException", "command"},
		{"no files", "POST", data, tools, `{"name":"writeFiles","arguments":{"content":[]}}`, 400, "ValidationException", "content"},
		{"no paths", "POST", data, tools, `{"name":"readFiles","arguments":{}}`, 400, "ValidationException", "paths"},
		{"an unknown tool", "POST", data, tools, `{"name":"fly","arguments":{}}`, 400, "ValidationException", "fly"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, code, answer := w.send(t, tt.method, tt.host, tt.path, tt.body, running)
			if status != tt.status || code != tt.code || !strings.Contains(answer, tt.words) {
				t.Errorf("%d %s %s", status, code, answer)
			}
		})
	}
	if len(w.core.Memories()) != 1 || len(w.core.Events(notes)) != 0 || len(w.core.Sessions()) != 1 || len(w.core.Invocations()) != 0 {
		t.Error("refused requests were performed")
	}
}

func TestAMemoryIsMadeOnceForAToken(t *testing.T) {
	w := start(t)
	in := &bedrockagentcorecontrol.CreateMemoryInput{Name: sdk.String("diary"), EventExpiryDuration: sdk.Int32(3), ClientToken: sdk.String("token")}
	var ids []string
	for range 2 {
		out, err := w.control.CreateMemory(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *out.Memory.Id)
	}
	in.ClientToken = sdk.String("another")
	_, err := w.control.CreateMemory(t.Context(), in)
	if ids[0] != ids[1] || len(w.core.Memories()) != 2 || err == nil || !strings.Contains(err.Error(), "ConflictException") {
		t.Errorf("%v, %v", ids, err)
	}
}

func TestEventsAreListedInPages(t *testing.T) {
	w := start(t)
	for i := range 5 {
		_, err := w.data.CreateEvent(t.Context(), &client.CreateEventInput{
			MemoryId: sdk.String(notes), ActorId: sdk.String("a/b"), SessionId: sdk.String("s"), EventTimestamp: sdk.Time(time.Unix(int64(1000+i%4), 0)),
			Payload: []types.PayloadType{&types.PayloadTypeMemberConversational{Value: types.Conversational{
				Role: types.RoleUser, Content: &types.ContentMemberText{Value: fmt.Sprint(i)},
			}}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func(payloads bool) (texts []string) {
		in := &client.ListEventsInput{MemoryId: sdk.String(notes), ActorId: sdk.String("a/b"), SessionId: sdk.String("s"), MaxResults: sdk.Int32(2), IncludePayloads: &payloads}
		for {
			out, err := w.data.ListEvents(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Events {
				for _, part := range e.Payload {
					texts = append(texts, part.(*types.PayloadTypeMemberConversational).Value.Content.(*types.ContentMemberText).Value)
				}
			}
			if out.NextToken == nil {
				return texts
			}
			in.NextToken = out.NextToken
		}
	}
	if diff := cmp.Diff([]string{"3", "2", "1", "4", "0"}, read(true)); diff != "" {
		t.Errorf("newest first (-want +got):\n%s", diff)
	}
	w.core.ListOldestFirst(true, 1)
	if diff := cmp.Diff([]string{"0", "4", "1", "2", "3"}, read(true)); diff != "" {
		t.Errorf("oldest first (-want +got):\n%s", diff)
	}
	if got := read(false); got != nil {
		t.Errorf("without payloads: %v", got)
	}
}

func TestASessionEndsWhenItIsStoppedOrItsTimeIsUp(t *testing.T) {
	w := start(t)
	begin := func(timeout int32) string {
		out, err := w.data.StartCodeInterpreterSession(t.Context(), &client.StartCodeInterpreterSessionInput{
			CodeInterpreterIdentifier: sdk.String(builtIn), SessionTimeoutSeconds: &timeout, Name: sdk.String("a session"),
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.SessionId
	}
	invoke := func(id string) error {
		out, err := w.data.InvokeCodeInterpreter(t.Context(), &client.InvokeCodeInterpreterInput{
			CodeInterpreterIdentifier: sdk.String(builtIn), SessionId: &id, Name: types.ToolNameExecuteCommand, Arguments: &types.ToolArguments{Command: sdk.String("ls")},
		})
		if err != nil {
			return err
		}
		return out.GetStream().Close()
	}
	id := begin(60)
	if err := invoke(id); err != nil {
		t.Error(err)
	}
	_, err := w.data.StopCodeInterpreterSession(t.Context(), &client.StopCodeInterpreterSessionInput{CodeInterpreterIdentifier: sdk.String(builtIn), SessionId: &id})
	if err != nil {
		t.Error(err)
	}
	var gone *types.ResourceNotFoundException
	if err := invoke(id); !errors.As(err, &gone) {
		t.Errorf("a session that was stopped: %v", err)
	}
	over := begin(60)
	w.core.Sessions()[1].Timeout = 0
	if err := invoke(over); !errors.As(err, &gone) || w.core.Running() != 0 {
		t.Errorf("a session whose time is up: %v", err)
	}
}

func TestEventsOfAStreamArriveInTheirOrder(t *testing.T) {
	w := start(t)
	w.core.Program(func(context.Context, agentcore.Invocation) []agentcore.Event {
		return []agentcore.Event{
			agentcore.Printed("one"),
			{Content: []map[string]any{{"type": "image", "data": "AAE=", "mimeType": "image/png"}}},
			{Exception: "throttlingException", Message: "slow"},
		}
	})
	session, err := w.data.StartCodeInterpreterSession(t.Context(), &client.StartCodeInterpreterSessionInput{CodeInterpreterIdentifier: sdk.String(builtIn)})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.data.InvokeCodeInterpreter(t.Context(), &client.InvokeCodeInterpreterInput{
		CodeInterpreterIdentifier: sdk.String(builtIn), SessionId: session.SessionId, Name: types.ToolNameExecuteCode,
		Arguments: &types.ToolArguments{Code: sdk.String("1"), Language: types.ProgrammingLanguagePython},
	})
	if err != nil {
		t.Fatal(err)
	}
	stream := out.GetStream()
	defer stream.Close()
	var blocks []types.ContentBlock
	for event := range stream.Events() {
		blocks = append(blocks, event.(*types.CodeInterpreterStreamOutputMemberResult).Value.Content...)
	}
	if len(blocks) != 2 || sdk.ToString(blocks[0].Text) != "one" || !bytes.Equal(blocks[1].Data, []byte{0, 1}) {
		t.Errorf("the blocks are %+v", blocks)
	}
	var slow *types.ThrottlingException
	if err := stream.Err(); !errors.As(err, &slow) || slow.ErrorMessage() != "slow" {
		t.Errorf("the stream ended with %v", err)
	}
}

func TestFilesStayInTheirSession(t *testing.T) {
	w := start(t)
	session, err := w.data.StartCodeInterpreterSession(t.Context(), &client.StartCodeInterpreterSessionInput{CodeInterpreterIdentifier: sdk.String(builtIn)})
	if err != nil {
		t.Fatal(err)
	}
	invoke := func(tool types.ToolName, arguments *types.ToolArguments) types.CodeInterpreterResult {
		out, err := w.data.InvokeCodeInterpreter(t.Context(), &client.InvokeCodeInterpreterInput{
			CodeInterpreterIdentifier: sdk.String(builtIn), SessionId: session.SessionId, Name: tool, Arguments: arguments,
		})
		if err != nil {
			t.Fatal(err)
		}
		stream := out.GetStream()
		defer stream.Close()
		event, ok := (<-stream.Events()).(*types.CodeInterpreterStreamOutputMemberResult)
		if !ok {
			t.Fatalf("no result: %v", stream.Err())
		}
		return event.Value
	}
	written := invoke(types.ToolNameWriteFiles, &types.ToolArguments{Content: []types.InputContentBlock{
		{Path: sdk.String("a.txt"), Text: sdk.String("tea")}, {Path: sdk.String("b/c.bin"), Blob: []byte{0xff}},
	}})
	if sdk.ToBool(written.IsError) {
		t.Errorf("%+v", written)
	}
	read := invoke(types.ToolNameReadFiles, &types.ToolArguments{Paths: []string{"a.txt", "b/c.bin"}})
	if len(read.Content) != 2 || sdk.ToString(read.Content[0].Resource.Text) != "tea" || !bytes.Equal(read.Content[1].Resource.Blob, []byte{0xff}) {
		t.Errorf("%+v", read.Content)
	}
	for _, refused := range []types.CodeInterpreterResult{
		invoke(types.ToolNameReadFiles, &types.ToolArguments{Paths: []string{"none"}}),
		invoke(types.ToolNameWriteFiles, &types.ToolArguments{Content: []types.InputContentBlock{{Path: sdk.String("../a"), Text: sdk.String("")}}}),
	} {
		if !sdk.ToBool(refused.IsError) {
			t.Errorf("%+v", refused)
		}
	}
}

// browsers is another part of the same host.
type browsers struct{ paths []string }

func (b *browsers) Protocol() aws.Protocol { return aws.RestJSON }

func (b *browsers) Identify(*aws.Request) (aws.Operation, *aws.Error) {
	return aws.Operation{Name: "StartBrowserSession"}, nil
}

func (b *browsers) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	b.paths = append(b.paths, r.URL.Path)
	_ = json.NewEncoder(w).Encode("served") // the client may have gone
	return nil
}

func TestOtherPartsOfTheHostHaveAPlace(t *testing.T) {
	w, other := start(t), &browsers{}
	w.core.Handle("/browsers", other)
	for path, want := range map[string]int{"/browsers/aws.browser.v1/sessions/start": 200, "/browsers": 200, "/browsersets": 404, "/memories/x": 404} {
		if status, _, answer := w.send(t, "PUT", "bedrock-agentcore", path, "{}", nil); status != want {
			t.Errorf("%s: %d %s", path, status, answer)
		}
	}
	if status, _, _ := w.send(t, "PUT", "bedrock-agentcore-control", "/browsers", "{}", nil); status != 404 || len(other.paths) != 2 {
		t.Errorf("%d, %v", status, other.paths)
	}
	if got := w.cloud.Operations(); len(got) != 2 || got[0] != "bedrock-agentcore.StartBrowserSession" {
		t.Errorf("%v", got)
	}
}
