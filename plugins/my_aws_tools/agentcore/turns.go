package agentcore

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// eventsPerPage is the most that ListEvents sends at a time.
const eventsPerPage = 100

// turn is a message of the user and what follows it, up to the next.
type turn struct {
	events   []string
	began    *time.Time
	messages []message
	asked    bool // begins with a message of the user
}

type message struct {
	role types.Role
	text string
}

// lastTurns reads as many events as the last turns need.
//
// The service lists the newest events first, but its reference does not promise it. So reading ends early only after
// the times of the events have shown that order; otherwise everything is read.
func (c conversation) lastTurns(ctx context.Context, m *memory) ([]turn, error) {
	var events []types.Event
	in := &bedrockagentcore.ListEventsInput{
		MemoryId: &m.id, ActorId: &c.actorID, SessionId: &c.sessionID, IncludePayloads: aws.Bool(true), MaxResults: aws.Int32(eventsPerPage),
	}
	const doing = "read the events of the memory "
	for {
		out, err := m.data.ListEvents(ctx, in)
		if err != nil {
			return nil, m.explain(err, doing+m.id, "ListEvents")
		}
		events = append(events, out.Events...)
		next := aws.ToString(out.NextToken)
		if next == "" || newestFirst(events) && asked(group(inOrder(events))) >= c.turns {
			break
		}
		if next == aws.ToString(in.NextToken) {
			return nil, m.explain(samePage(), doing+m.id, "ListEvents")
		}
		in.NextToken = &next
	}
	turns := group(inOrder(events))
	return turns[max(0, len(turns)-c.turns):], nil
}

// newestFirst reports whether events come in that order, beyond doubt.
func newestFirst(events []types.Event) bool {
	for i := 1; i < len(events); i++ {
		if at(events[i]).After(at(events[i-1])) {
			return false
		}
	}
	return len(events) > 1 && at(events[0]).After(at(events[len(events)-1]))
}

func at(e types.Event) time.Time { return aws.ToTime(e.EventTimestamp) }

// inOrder is a copy of events, oldest first. Events of the same time keep the order in which they happened.
func inOrder(events []types.Event) []types.Event {
	ordered := slices.Clone(events)
	if len(events) > 1 && !at(events[len(events)-1]).After(at(events[0])) {
		slices.Reverse(ordered)
	}
	slices.SortStableFunc(ordered, func(a, b types.Event) int { return at(a).Compare(at(b)) })
	return ordered
}

// group makes turns of events in their order. Parts of events that are no messages are left out.
func group(events []types.Event) []turn {
	var turns []turn
	for _, event := range events {
		for _, part := range event.Payload {
			said, ok := part.(*types.PayloadTypeMemberConversational)
			if !ok {
				continue
			}
			byUser := said.Value.Role == types.RoleUser
			if byUser || len(turns) == 0 {
				turns = append(turns, turn{began: event.EventTimestamp, asked: byUser})
			}
			turns[len(turns)-1].add(aws.ToString(event.EventId), said.Value)
		}
	}
	return turns
}

func (t *turn) add(event string, said types.Conversational) {
	if !slices.Contains(t.events, event) {
		t.events = append(t.events, event)
	}
	text, _ := said.Content.(*types.ContentMemberText)
	if text == nil {
		text = &types.ContentMemberText{}
	}
	t.messages = append(t.messages, message{said.Role, text.Value})
}

// asked counts the turns that are whole: one that begins with something else began in an event that was not read.
func asked(turns []turn) int {
	n := 0
	for _, t := range turns {
		if t.asked {
			n++
		}
	}
	return n
}

// shownTurns numbers the turns in the order in which they are listed.
func (c conversation) shownTurns(turns []turn) []map[string]any {
	turns = slices.Clone(turns)
	if c.newestFirst {
		slices.Reverse(turns)
	}
	shown := make([]map[string]any, len(turns))
	for i, t := range turns {
		messages := make([]map[string]any, len(t.messages))
		for j, m := range t.messages {
			messages[j] = map[string]any{"role": m.role, "content": map[string]any{"text": m.text}}
		}
		shown[i] = map[string]any{
			"turn_number": i + 1, "event_id": t.events[0], "event_ids": t.events, "timestamp": result.Time(t.began), "messages": messages,
		}
	}
	return shown
}
