package agentcore

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

const (
	// maxMessage is the longest message that AgentCore takes, in characters.
	maxMessage = 100_000
	// maxTurns is how many turns are retrieved at most.
	maxTurns = 50
)

// RememberInput is the input of agentcore_memory.
type RememberInput struct {
	account.Input
	Operation   string `param:"operation"`
	Information string `param:"information,literal"`
	Reply       string `param:"assistant_reply,literal"`
	MemoryID    string `param:"memory_id"`
	ActorID     string `param:"actor_id"`
	SessionID   string `param:"session_id"`
	MaxResults  int    `param:"max_results"`
	Order       string `param:"order"`
	// Create lets a record without a memory_id create a memory.
	Create bool `param:"create_memory"`
}

// Remember records a message in a memory, or retrieves the last turns of a conversation.
//
// A record writes what the user said and, where there is one, the reply of the assistant, in one event. The IDs that
// are given are always used. A record without a memory_id creates a memory, with the three built-in strategies and
// events that are kept for 90 days, and waits until it is ACTIVE; where the time of the call is up first, the error names
// the memory, for which the next call then waits. A missing actor or session gets a new ID. It sends a text, a JSON
// object with the IDs, and a text with lines such as "Event ID: …".
//
// Retrieving creates nothing and needs all three IDs. It sends a text and then a JSON object with the turns, in the
// order in which they were said unless the latest shall come first. A turn begins with a message of the user.
func Remember(ctx context.Context, call *plugin.Call, in RememberInput) error {
	c, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	m := openMemory(acct, c.memoryID)
	if in.Operation == "retrieve" {
		return c.retrieve(ctx, call, m)
	}
	return c.record(ctx, call, m)
}

// conversation is what is recorded or retrieved, checked.
type conversation struct {
	memoryID, actorID, sessionID string
	information, reply           string
	turns                        int
	newestFirst                  bool
}

// read checks the parameters of the operation.
func (in RememberInput) read() (conversation, error) {
	c := conversation{
		memoryID: identifier(in.MemoryID), actorID: identifier(in.ActorID), sessionID: identifier(in.SessionID),
		information: in.Information, reply: in.Reply, turns: in.MaxResults, newestFirst: in.Order == "newest_first",
	}
	var wrong param.Problems
	if in.Operation == "retrieve" {
		wrong.Add("memory_id", required(c.memoryID))
		wrong.Add("actor_id", required(c.actorID))
		wrong.Add("session_id", required(c.sessionID))
		wrong.Add("max_results", checkCount(c.turns, maxTurns))
	} else {
		wrong.Add("information", checkMessage(c.information, true))
		wrong.Add("assistant_reply", checkMessage(c.reply, false))
		if c.memoryID == "" && !in.Create {
			wrong.Addf("memory_id", "is missing, and create_memory is off: fill in the ID of a memory, or let this tool create one")
		}
	}
	for _, id := range []struct {
		name, text string
		check      func(string) error
	}{{"memory_id", c.memoryID, checkMemoryID}, {"actor_id", c.actorID, checkActorID}, {"session_id", c.sessionID, checkSessionID}} {
		if id.text != "" {
			wrong.Add(id.name, id.check(id.text))
		}
	}
	return c, wrong.Err("agentcore_memory")
}

func checkMessage(text string, needed bool) error {
	if needed && text == "" {
		return errors.New("is missing: record needs what the user said")
	}
	if n := utf8.RuneCountInString(text); n > maxMessage {
		return fmt.Errorf("has %d characters, and AgentCore takes at most %d: record it in parts", n, maxMessage)
	}
	return nil
}

// record writes the message, after a memory was created for it where none was named.
func (c conversation) record(ctx context.Context, call *plugin.Call, m *memory) error {
	if c.actorID == "" {
		c.actorID = "actor_" + suffix()
	}
	if c.sessionID == "" {
		c.sessionID = "session_" + suffix()
	}
	created := c.memoryID == ""
	if created {
		if err := m.create(ctx, call); err != nil {
			return c.pickUp(err, m)
		}
		c.memoryID = m.id
	}
	var event string
	err := m.whenActive(ctx, call, func() (err error) {
		event, err = c.write(ctx, m)
		return err
	})
	if err != nil && created {
		return c.pickUp(err, m)
	}
	if err != nil {
		return err
	}
	return c.sendRecorded(call, event, created)
}

// pickUp adds to an error what there is already, so that a further call uses it instead of creating another memory.
func (c conversation) pickUp(err error, m *memory) error {
	if m.id == "" || m.unusable {
		return err
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The memory %s was created by this call, and the message is not in it yet: to go on with this memory, run this "+
		"tool again with memory_id %s, actor_id %s and session_id %s", err, m.id, m.id, c.actorID, c.sessionID)
}

// write records the message and returns the ID of its event.
func (c conversation) write(ctx context.Context, m *memory) (string, error) {
	payload := []types.PayloadType{said(types.RoleUser, c.information)}
	if c.reply != "" {
		payload = append(payload, said(types.RoleAssistant, c.reply))
	}
	out, err := m.data.CreateEvent(ctx, &bedrockagentcore.CreateEventInput{
		MemoryId: &m.id, ActorId: &c.actorID, SessionId: &c.sessionID, EventTimestamp: aws.Time(time.Now().UTC()), Payload: payload,
	})
	if err == nil && (out.Event == nil || out.Event.EventId == nil) {
		err = plugin.Errorf(plugin.Unavailable, "the answer of AgentCore names no event, so that it is not sure whether the message was recorded")
	}
	if err != nil {
		return "", m.explain(err, "record the message in the memory "+m.id, "CreateEvent")
	}
	return *out.Event.EventId, nil
}

func said(role types.Role, text string) types.PayloadType {
	return &types.PayloadTypeMemberConversational{Value: types.Conversational{Role: role, Content: &types.ContentMemberText{Value: text}}}
}

func (c conversation) sendRecorded(call *plugin.Call, event string, created bool) error {
	notice := fmt.Sprintf("Recording in the memory %s.\n", c.memoryID)
	if created {
		notice = fmt.Sprintf("The memory %s was created, because no memory_id was given. It stays until it is deleted in AWS; events are kept for %d days.\n", c.memoryID, expiryDays)
	}
	length := utf8.RuneCountInString(c.information)
	text := fmt.Sprintf("The message was recorded.\n\nEvent ID: %s\nMemory ID: %s\nActor ID: %s\nSession ID: %s\nInformation length: %d characters\n",
		event, c.memoryID, c.actorID, c.sessionID, length)
	object := map[string]any{
		"memory_id": c.memoryID, "actor_id": c.actorID, "session_id": c.sessionID, "event_id": event, "memory_created": created, "success": true,
	}
	outputs := result.Outputs{
		"memory_id": c.memoryID, "actor_id": c.actorID, "session_id": c.sessionID, "event_id": event, "memory_created": created,
		"turns_retrieved": nil, "conversation_turns": nil,
	}
	return errors.Join(call.Text(notice), call.JSON(object), call.Text(text), outputs.Send(call))
}

// retrieve reads the last turns.
func (c conversation) retrieve(ctx context.Context, call *plugin.Call, m *memory) error {
	var last []turn
	err := m.whenActive(ctx, call, func() (err error) {
		last, err = c.lastTurns(ctx, m)
		return err
	})
	if err != nil {
		return err
	}
	return c.sendTurns(call, last)
}

func (c conversation) sendTurns(call *plugin.Call, last []turn) error {
	turns := c.shownTurns(last)
	text := fmt.Sprintf("Read the last turns of the session %s in the memory %s.\n", c.sessionID, c.memoryID)
	object := map[string]any{
		"success": true, "message": fmt.Sprintf("%d turns were retrieved.", len(turns)),
		"data": map[string]any{
			"memory_id": c.memoryID, "actor_id": c.actorID, "session_id": c.sessionID, "turns_requested": c.turns, "turns_retrieved": len(turns),
			"conversation_turns": turns,
		},
	}
	outputs := result.Outputs{
		"memory_id": c.memoryID, "actor_id": c.actorID, "session_id": c.sessionID, "event_id": nil, "memory_created": false,
		"turns_retrieved": len(turns), "conversation_turns": turns,
	}
	return errors.Join(call.Text(text), call.JSON(object), outputs.Send(call))
}
