package agentcore_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/agentcore"
)

// says are the parts of an event: roles and texts in turn.
func says(pairs ...string) []json.RawMessage {
	var parts []json.RawMessage
	for i := 0; i+1 < len(pairs); i += 2 {
		part, err := json.Marshal(params{"conversational": params{"role": pairs[i], "content": params{"text": pairs[i+1]}}})
		if err != nil {
			panic(err) // texts can always be written
		}
		parts = append(parts, part)
	}
	return parts
}

// with are the IDs of a conversation in the memory notes, and further parameters.
func with(operation string, others params) params {
	all := params{"operation": operation, "memory_id": notes, "actor_id": "ann", "session_id": "s1"}
	maps.Copy(all, others)
	return all
}

func TestAMessageIsRecorded(t *testing.T) {
	c := newCloud(t)
	before := time.Now().Truncate(time.Millisecond)
	result := c.Succeed(t, remember, with("record", params{"information": " I like 茶.\n", "assistant_reply": "Noted."}))
	c.WantOperations(t, "CreateEvent")
	call := c.Calls()[0]
	body := call.JSON()
	at, _ := body["eventTimestamp"].(float64)
	if when := time.UnixMilli(int64(at * 1000)); when.Before(before) || when.After(time.Now()) {
		t.Errorf("the event is of %v", when)
	}
	delete(body, "eventTimestamp")
	delete(body, "clientToken")
	want := params{"actorId": "ann", "sessionId": "s1", "payload": []any{
		params{"conversational": params{"role": "USER", "content": params{"text": " I like 茶.\n"}}},
		params{"conversational": params{"role": "ASSISTANT", "content": params{"text": "Noted."}}},
	}}
	if diff := cmp.Diff(want, body); diff != "" {
		t.Errorf("the body differs (-want +got):\n%s", diff)
	}
	if call.Method != "POST" || call.Path != "/memories/"+notes+"/events" || call.Host != "bedrock-agentcore.us-east-1.amazonaws.com" {
		t.Errorf("%s %s%s", call.Method, call.Host, call.Path)
	}
	event := c.core.Events(notes)[0].ID
	if diff := cmp.Diff(params{
		"memory_id": notes, "actor_id": "ann", "session_id": "s1", "event_id": event, "memory_created": false, "success": true,
	}, toolstest.Object(t, result)); diff != "" {
		t.Errorf("the JSON differs (-want +got):\n%s", diff)
	}
	for _, line := range []string{"\n\nEvent ID: " + event + "\n", "\nMemory ID: " + notes + "\n", "\nActor ID: ann\n", "\nSession ID: s1\n", "\nInformation length: 11 characters\n"} {
		if !strings.Contains(result.Text, line) {
			t.Errorf("the text lacks %q: %s", line, result.Text)
		}
	}
	if kinds(result) != "text json text" {
		t.Errorf("the messages are %s", kinds(result))
	}
	wantOutputs(t, result, map[string]string{"memory_id": `"` + notes + `"`, "event_id": `"` + event + `"`, "memory_created": "false", "conversation_turns": "null", "turns_retrieved": "null"})
}

func TestSection3_4_TheTimeOfAnEventIsRightWhereverTheMachineIs(t *testing.T) {
	if os.Getenv(inTokyo) == "" {
		elsewhere := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
		elsewhere.Env = append(os.Environ(), inTokyo+"=1")
		if out, err := elsewhere.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Errorf("on a machine in Tokyo: %v\n%s", err, out)
		}
		return
	}
	c := newCloud(t)
	c.Succeed(t, remember, with("record", params{"information": "hi"}))
	if at := c.core.Events(notes)[0].Timestamp; time.Since(at).Abs() > time.Minute {
		t.Errorf("the event is of %v, now is %v", at.UTC(), time.Now().UTC())
	}
	result := c.Succeed(t, remember, with("retrieve", nil))
	text, _ := turnsOf(t, result.JSON[0])[0]["timestamp"].(string)
	if at, err := time.Parse("2006-01-02T15:04:05.999999-07:00", text); err != nil || time.Since(at).Abs() > time.Minute || !strings.HasSuffix(text, "+00:00") {
		t.Errorf("the turn is of %s", text)
	}
}

func TestPrivacyA8_NoMessageOfTheAssistantIsInvented(t *testing.T) {
	for _, reply := range []any{nil, ""} {
		c := newCloud(t)
		c.Succeed(t, remember, with("record", params{"information": "hi", "assistant_reply": reply}))
		if diff := cmp.Diff(says("USER", "hi"), c.core.Events(notes)[0].Payload, cmp.Transformer("text", func(raw json.RawMessage) any { return toolstest.Decode(t, raw) })); diff != "" {
			t.Errorf("the memory holds something else (-want +got):\n%s", diff)
		}
	}
}

func TestPrivacyA11_AMemoryIsCreatedOnlyByARecordThatNamesNone(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters params
		fails      string
	}{
		{"a record that names one", params{"operation": "record", "memory_id": notes, "information": "hi"}, ""},
		{"a record that names one and an actor", params{"operation": "record", "memory_id": notes, "actor_id": "ann", "information": "hi"}, ""},
		{"a record that names one that is not there", params{"operation": "record", "memory_id": "other-0123456789", "information": "hi"}, "no such memory"},
		{"section 3.4: a record of nothing", params{"operation": "record"}, "information is missing"},
		{"a record that may not", params{"operation": "record", "information": "hi", "create_memory": "false"}, "create_memory is off"},
		{"retrieve without a memory", params{"operation": "retrieve", "actor_id": "ann", "session_id": "s1"}, "memory_id is missing"},
		{"retrieve without anything", params{"operation": "retrieve", "information": "hi"}, "memory_id is missing; actor_id is missing; session_id is missing"},
		{"retrieve", params{"operation": "retrieve", "memory_id": notes, "actor_id": "ann", "session_id": "s1"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			if tt.fails == "" {
				c.Succeed(t, remember, tt.parameters)
			} else {
				toolstest.WantFailure(t, c.Fail(t, remember, tt.parameters), plugin.BadRequest, tt.fails)
			}
			if n := len(c.core.Memories()); n != 1 {
				t.Errorf("there are %d memories, one was there before", n)
			}
			if strings.Contains(fmt.Sprint(c.Operations()), "CreateMemory") {
				t.Errorf("%v", c.Operations())
			}
		})
	}
}

func TestARecordWithoutAMemoryCreatesOne(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, remember, params{"operation": "record", "information": "hi", "session_id": "mine", "memory_id": ` "" `, "actor_id": nil})
	c.WantOperations(t, "CreateMemory", "GetMemory", "CreateEvent")
	call := c.Calls()[0]
	if call.Method != "POST" || call.Path != "/memories/create" || call.Host != "bedrock-agentcore-control.us-east-1.amazonaws.com" {
		t.Errorf("%s %s%s", call.Method, call.Host, call.Path)
	}
	body := call.JSON()
	if token, _ := body["clientToken"].(string); len(token) < 33 {
		t.Errorf("the token against a second creation is %q", token)
	}
	if name, _ := body["name"].(string); !regexp.MustCompile(`^autoMemory_[0-9]{10}_[0-9a-f]{16}$`).MatchString(name) {
		t.Errorf("the name is %q", name)
	}
	delete(body, "clientToken")
	delete(body, "name")
	strategy := func(kind, name, namespace string) params {
		return params{kind: params{"name": name, "namespaceTemplates": []any{namespace}}}
	}
	if diff := cmp.Diff(params{
		"description": "Created by the AWS tools of Dify", "eventExpiryDuration": 90.0,
		"memoryStrategies": []any{
			strategy("semanticMemoryStrategy", "semanticMemory", "/semantic/{actorId}/{sessionId}"),
			strategy("summaryMemoryStrategy", "summaryMemory", "/summaries/{actorId}/{sessionId}"),
			strategy("userPreferenceMemoryStrategy", "userPreferenceMemory", "/userPreference/{actorId}/{sessionId}"),
		},
	}, body); diff != "" {
		t.Errorf("the body differs (-want +got):\n%s", diff)
	}
	memory := c.core.Memories()[1]
	got := toolstest.Object(t, result)
	actor, _ := got["actor_id"].(string)
	if got["memory_id"] != memory.ID || got["session_id"] != "mine" || !regexp.MustCompile(`^actor_[0-9a-f]{16}$`).MatchString(actor) || got["memory_created"] != true {
		t.Errorf("the JSON is %v", got)
	}
	event := c.core.Events(memory.ID)[0]
	if event.ActorID != actor || event.SessionID != "mine" {
		t.Errorf("the event is of %s, %s", event.ActorID, event.SessionID)
	}
	if first := result.Messages[0]; first.Type != "text" || !strings.Contains(result.Text, "The memory "+memory.ID+" was created, because no memory_id was given") {
		t.Errorf("the text is %s", result.Text)
	}
}

func TestSection3_4_NamesThatAreMadeUpAtTheSameTimeDiffer(t *testing.T) {
	c := newCloud(t)
	names := map[string]bool{}
	for range 5 {
		c.Succeed(t, remember, params{"operation": "record", "information": "hi"})
	}
	for _, m := range c.core.Memories()[1:] {
		names[m.Name] = true
	}
	if len(names) != 5 {
		t.Errorf("%d names", len(names))
	}
}

func TestSection3_4_IDsThatAreGivenAreKept(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, remember, params{"operation": "record", "information": "hi", "memory_id": `"'` + notes + ` "`, "actor_id": " 'ann/of:team' "})
	got := toolstest.Object(t, result)
	session, _ := got["session_id"].(string)
	if got["memory_id"] != notes || got["actor_id"] != "ann/of:team" || !regexp.MustCompile(`^session_[0-9a-f]{16}$`).MatchString(session) {
		t.Errorf("the JSON is %v", got)
	}
	c.WantOperations(t, "CreateEvent")
	result = c.Succeed(t, remember, params{"operation": "retrieve", "memory_id": notes, "actor_id": "ann/of:team", "session_id": session})
	if n := len(turnsOf(t, result.JSON[0])); n != 1 {
		t.Errorf("%d turns", n)
	}
	if path := c.Calls()[1].Path; path != "/memories/"+notes+"/actor/ann%2Fof%3Ateam/sessions/"+session {
		t.Errorf("the path is %s", path)
	}
}

func TestNothingIsSentForAWrongMemoryCall(t *testing.T) {
	long := strings.Repeat("茶", 100_001)
	for _, tt := range []struct {
		name       string
		parameters params
		words      []string
	}{
		{"no operation", params{}, []string{"operation is required"}},
		{"an odd operation", params{"operation": "forget"}, []string{"operation must be one of record, retrieve"}},
		{"an odd memory", with("record", params{"information": "hi", "memory_id": "a b"}), []string{`memory_id is "a b"`}},
		{"an odd actor", with("record", params{"information": "hi", "actor_id": "-ann"}), []string{`actor_id is "-ann"`}},
		{"a long actor", with("retrieve", params{"actor_id": strings.Repeat("a", 256)}), []string{"actor_id", "at most 255"}},
		{"an odd session", with("record", params{"information": "hi", "session_id": "a/b"}), []string{`session_id is "a/b"`}},
		{"a long session", with("retrieve", params{"session_id": strings.Repeat("s", 101)}), []string{"session_id", "at most 100"}},
		{"a long message", with("record", params{"information": long}), []string{"information has 100001 characters"}},
		{"a long reply", with("record", params{"information": "hi", "assistant_reply": long}), []string{"assistant_reply has 100001 characters"}},
		{"no turns", with("retrieve", params{"max_results": 0}), []string{"max_results is 0, and must be from 1 to 50"}},
		{"too many turns", with("retrieve", params{"max_results": "51"}), []string{"max_results is 51"}},
		{"half a turn", with("retrieve", params{"max_results": 1.5}), []string{"max_results must be a whole number"}},
		{"an odd order", with("retrieve", params{"order": "random"}), []string{"order must be one of oldest_first, newest_first"}},
		{"several at once", params{"operation": "record", "memory_id": "x", "actor_id": "-", "session_id": "-"}, []string{"4 parameters are wrong", "information", "memory_id", "actor_id", "session_id"}},
		{"half a pair of keys", with("retrieve", params{"aws_secret_access_key": "s"}), []string{"aws_access_key_id"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			failed := c.Fail(t, remember, tt.parameters)
			for _, word := range tt.words {
				if !strings.Contains(failed.Message, word) {
					t.Errorf("the error does not say %q: %.500s", word, failed.Message)
				}
			}
			c.WantNothingSent(t)
		})
	}
}

// turnsOf are the turns in an answer.
func turnsOf(t *testing.T, raw []byte) []params {
	t.Helper()
	list := []params{}
	for _, turn := range toolstest.Decode(t, raw).(params)["data"].(params)["conversation_turns"].([]any) {
		list = append(list, turn.(params))
	}
	return list
}

// lines are the messages of turns, one turn a line.
func lines(turns []params) []string {
	all := []string{}
	for _, turn := range turns {
		var line []string
		for _, m := range turn["messages"].([]any) {
			line = append(line, fmt.Sprint(m.(params)["role"], ":", m.(params)["content"].(params)["text"]))
		}
		all = append(all, strings.Join(line, " "))
	}
	return all
}

// talk puts events into a conversation, a second apart.
func talk(c *cloud, events ...[]json.RawMessage) {
	for i, payload := range events {
		c.core.AddEvent(notes, standin.MemoryEvent{
			ID: fmt.Sprintf("%04d#ab", i+1), ActorID: "ann", SessionID: "s1", Timestamp: created.Add(time.Duration(i) * time.Second), Payload: payload,
		})
	}
}

func TestSection3_4_TheLastTurnsAreRetrieved(t *testing.T) {
	c := newCloud(t)
	talk(c, says("USER", "one", "ASSISTANT", "1"), says("USER", "two"), says("ASSISTANT", "2"), says("TOOL", "ii"), says("USER", "three", "ASSISTANT", "3"))
	c.core.AddEvent(notes, standin.MemoryEvent{ActorID: "bob", SessionID: "s1", Timestamp: created.Add(time.Hour), Payload: says("USER", "another's")})
	result := c.Succeed(t, remember, with("retrieve", params{"max_results": 2.0}))
	message := func(role, text string) params {
		return params{"role": role, "content": params{"text": text}}
	}
	if diff := cmp.Diff(params{
		"success": true, "message": "2 turns were retrieved.",
		"data": params{
			"memory_id": notes, "actor_id": "ann", "session_id": "s1", "turns_requested": 2.0, "turns_retrieved": 2.0,
			"conversation_turns": []any{
				params{
					"turn_number": 1.0, "event_id": "0002#ab", "event_ids": []any{"0002#ab", "0003#ab", "0004#ab"}, "timestamp": "2025-01-02T03:04:06.678000+00:00",
					"messages": []any{message("USER", "two"), message("ASSISTANT", "2"), message("TOOL", "ii")},
				},
				params{
					"turn_number": 2.0, "event_id": "0005#ab", "event_ids": []any{"0005#ab"}, "timestamp": "2025-01-02T03:04:09.678000+00:00",
					"messages": []any{message("USER", "three"), message("ASSISTANT", "3")},
				},
			},
		},
	}, toolstest.Object(t, result)); diff != "" {
		t.Errorf("the JSON differs (-want +got):\n%s", diff)
	}
	if kinds(result) != "text json" {
		t.Errorf("the messages are %s", kinds(result))
	}
	if diff := cmp.Diff([]string{`ListEvents POST /memories/` + notes + `/actor/ann/sessions/s1 {"includePayloads":true,"maxResults":100}`}, c.bodies(t)); diff != "" {
		t.Errorf("the requests differ (-want +got):\n%s", diff)
	}
	wantOutputs(t, result, map[string]string{"turns_retrieved": "2", "event_id": "null", "memory_created": "false"})
}

func TestTurnsInTheirOrder(t *testing.T) {
	blob := []json.RawMessage{json.RawMessage(`{"blob":{"state":1}}`)}
	history := [][]json.RawMessage{says("ASSISTANT", "welcome"), says("USER", "one"), blob, says("ASSISTANT", "1"), says("USER", "two"), says("USER", "three", "ASSISTANT", "3")}
	for _, tt := range []struct {
		name       string
		oldest     bool
		page       int
		parameters params
		events     [][]json.RawMessage
		want       []string
		requests   int
	}{
		{"an empty conversation", false, 0, nil, nil, []string{}, 1},
		{"all", false, 0, nil, history, []string{"ASSISTANT:welcome", "USER:one ASSISTANT:1", "USER:two", "USER:three ASSISTANT:3"}, 1},
		{"the latest first", false, 0, params{"order": "newest_first"}, history, []string{"USER:three ASSISTANT:3", "USER:two", "USER:one ASSISTANT:1", "ASSISTANT:welcome"}, 1},
		{"the last", false, 0, params{"max_results": "1"}, history, []string{"USER:three ASSISTANT:3"}, 1},
		{"no more pages than the turns need", false, 1, params{"max_results": 2}, history, []string{"USER:two", "USER:three ASSISTANT:3"}, 2},
		{"a turn over several pages", false, 1, params{"max_results": 3}, history, []string{"USER:one ASSISTANT:1", "USER:two", "USER:three ASSISTANT:3"}, 5},
		{"a service that lists the oldest first", true, 1, params{"max_results": 2}, history, []string{"USER:two", "USER:three ASSISTANT:3"}, 6},
		{"no messages at all", false, 0, nil, [][]json.RawMessage{blob}, []string{}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.core.ListOldestFirst(tt.oldest, tt.page)
			talk(c, tt.events...)
			result := c.Succeed(t, remember, with("retrieve", tt.parameters))
			turns := turnsOf(t, result.JSON[0])
			if diff := cmp.Diff(tt.want, lines(turns)); diff != "" {
				t.Errorf("the turns differ (-want +got):\n%s", diff)
			}
			for i, turn := range turns {
				if turn["turn_number"] != float64(i+1) {
					t.Errorf("turn %d has the number %v", i+1, turn["turn_number"])
				}
			}
			if n := len(c.Calls()); n != tt.requests {
				t.Errorf("%d requests, want %d", n, tt.requests)
			}
		})
	}
}

func TestEventsOfTheSameTimeKeepTheirOrder(t *testing.T) {
	c := newCloud(t)
	for _, payload := range [][]json.RawMessage{says("USER", "one"), says("ASSISTANT", "1"), says("USER", "two"), says("ASSISTANT", "2")} {
		c.core.AddEvent(notes, standin.MemoryEvent{ActorID: "ann", SessionID: "s1", Timestamp: created, Payload: payload})
	}
	result := c.Succeed(t, remember, with("retrieve", nil))
	if diff := cmp.Diff([]string{"USER:one ASSISTANT:1", "USER:two ASSISTANT:2"}, lines(turnsOf(t, result.JSON[0]))); diff != "" {
		t.Errorf("the turns differ (-want +got):\n%s", diff)
	}
}

func TestErrorsOfAWSAboutMemoriesSayWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name, operation string
		fault           aws.Effect
		parameters      params
		kind            plugin.Kind
		words           []string
	}{
		{"creating is denied", "CreateMemory", aws.Deny(), params{"operation": "record", "information": "hi"}, plugin.Authorization, []string{"could not create a memory", "bedrock-agentcore:CreateMemory"}},
		{"too many memories", "CreateMemory", aws.Fail(402, "ServiceQuotaExceededException", "no"), params{"operation": "record", "information": "hi"}, plugin.RateLimit, []string{"quota"}},
		{"the name is taken", "CreateMemory", aws.Fail(409, "ConflictException", "odd"), params{"operation": "record", "information": "hi"}, plugin.BadRequest, []string{"at odds", "AWS said: odd"}},
		{"recording is denied", "CreateEvent", aws.Deny(), with("record", params{"information": "hi"}), plugin.Authorization, []string{"could not record", "bedrock-agentcore:CreateEvent", "memory/" + notes}},
		{"throttled", "CreateEvent", aws.Fail(429, "ThrottledException", "slow"), with("record", params{"information": "hi"}), plugin.RateLimit, []string{"try again"}},
		{"two at once", "CreateEvent", aws.Fail(409, "RetryableConflictException", "busy"), with("record", params{"information": "hi"}), plugin.Unavailable, []string{"another event"}},
		{"a failure of its own", "CreateEvent", aws.Fail(500, "ServiceException", "odd"), with("record", params{"information": "hi"}), plugin.Unavailable, []string{"try again"}},
		{"a parameter", "CreateEvent", aws.Fail(400, "ValidationException", "odd"), with("record", params{"information": "hi"}), plugin.BadRequest, []string{"AWS said: odd"}},
		{"reading is denied", "ListEvents", aws.Deny(), with("retrieve", nil), plugin.Authorization, []string{"could not read the events", "bedrock-agentcore:ListEvents"}},
		{"not there", "ListEvents", aws.Fail(404, "ResourceNotFoundException", "odd"), with("retrieve", nil), plugin.BadRequest, []string{"no such memory", "us-east-1"}},
		{"expired", "ListEvents", aws.Expire(), with("retrieve", nil), plugin.Authorization, []string{"expired"}},
		{"cut off", "ListEvents", aws.Cut(5), with("retrieve", nil), plugin.Unavailable, []string{"cut off"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: tt.operation, Effects: []aws.Effect{tt.fault}})
			toolstest.WantFailure(t, c.Fail(t, remember, tt.parameters), tt.kind, tt.words...)
		})
	}
}

func TestAMemoryWhoseRecordFailsIsNotLost(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "CreateEvent", Times: 1, Effects: []aws.Effect{aws.Deny()}})
	failed := c.Fail(t, remember, params{"operation": "record", "information": "hi", "actor_id": "ann", "session_id": "s1"})
	made := c.core.Memories()[1].ID
	toolstest.WantFailure(t, failed, plugin.Authorization, "The memory "+made+" was created", "memory_id "+made+", actor_id ann and session_id s1")
	c.Succeed(t, remember, params{"operation": "record", "information": "hi", "memory_id": made, "actor_id": "ann", "session_id": "s1"})
	if n := len(c.core.Memories()); n != 2 {
		t.Errorf("there are %d memories", n)
	}
}

func TestWhatIsCreatedIsCreatedOnceAlsoWhereTheAnswerIsLost(t *testing.T) {
	c := newCloud(t)
	for _, operation := range []string{"CreateMemory", "CreateEvent"} {
		c.Inject(aws.Fault{Operation: operation, Times: 1, Effects: []aws.Effect{aws.Drop()}})
	}
	result := c.Succeed(t, remember, params{"operation": "record", "information": "hi"})
	c.WantOperations(t, "CreateMemory", "CreateMemory", "GetMemory", "CreateEvent", "CreateEvent")
	memories := c.core.Memories()
	if len(memories) != 2 || len(c.core.Events(memories[1].ID)) != 1 || toolstest.Object(t, result)["memory_id"] != memories[1].ID {
		t.Errorf("there are %d memories, and %d events", len(memories), len(c.core.Events(memories[1].ID)))
	}
}

func TestARefusedRequestIsExplainedByTheStateOfTheMemory(t *testing.T) {
	for status, words := range map[string][]string{
		"FAILED":   {"the creation of the memory broken-0123456789 has failed: no capacity", "Delete it"},
		"DELETING": {"does not accept the request", "DELETING"},
	} {
		c := newCloud(t)
		c.core.AddMemory(standin.Memory{Region: "us-east-1", AccountID: toolstest.AccountID, ID: "broken-0123456789", Status: status, FailureReason: "no capacity"})
		failed := c.Fail(t, remember, with("record", params{"information": "hi", "memory_id": "broken-0123456789"}))
		for _, word := range words {
			if !strings.Contains(failed.Message, word) {
				t.Errorf("%s: the error does not say %q: %s", status, word, failed.Message)
			}
		}
		c.WantOperations(t, "CreateEvent", "GetMemory")
	}
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "GetMemory", Effects: []aws.Effect{aws.Deny()}})
	failed := c.Fail(t, remember, with("record", params{"information": "hi", "memory_id": "other-0123456789"}))
	toolstest.WantFailure(t, failed, plugin.BadRequest, "no such memory")
}
