package agentcore

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"
	"pgregory.net/rapid"
)

// conversations are events with times that rise, each with up to three messages.
func conversations(t *rapid.T) []types.Event {
	var events []types.Event
	at := time.Unix(0, 0)
	for i := range rapid.IntRange(0, 12).Draw(t, "events") {
		at = at.Add(time.Duration(rapid.IntRange(1, 100).Draw(t, "pause")) * time.Millisecond)
		event := types.Event{EventId: aws.String(fmt.Sprint(i)), EventTimestamp: aws.Time(at)}
		for j := range rapid.IntRange(0, 3).Draw(t, "messages") {
			role := rapid.SampledFrom([]types.Role{types.RoleUser, types.RoleAssistant, types.RoleTool}).Draw(t, "role")
			event.Payload = append(event.Payload, said(role, fmt.Sprintf("%d.%d", i, j)))
		}
		events = append(events, event)
	}
	return events
}

// spoken are the texts in turns.
func spoken(turns []turn) []string {
	var texts []string
	for _, t := range turns {
		for _, m := range t.messages {
			texts = append(texts, m.text)
		}
	}
	return texts
}

func TestTurnsHoldEveryMessageOnceInItsOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := conversations(t)
		var want []string
		for i, event := range events {
			for j := range event.Payload {
				want = append(want, fmt.Sprintf("%d.%d", i, j))
			}
		}
		backwards := slices.Clone(events)
		slices.Reverse(backwards)
		if len(events) > 1 && (newestFirst(events) || !newestFirst(backwards)) {
			t.Fatal("the order of the list is not recognised")
		}
		for _, listed := range [][]types.Event{events, backwards} {
			turns := group(inOrder(listed))
			if got := spoken(turns); !slices.Equal(want, got) {
				t.Fatalf("got %v, want %v", got, want)
			}
			for i, turn := range turns {
				users := 0
				for _, m := range turn.messages {
					if m.role == types.RoleUser {
						users++
					}
				}
				startsByUser := turn.messages[0].role == types.RoleUser
				if users > 1 || users == 1 && !startsByUser || users == 0 && i > 0 || turn.asked != startsByUser {
					t.Fatalf("turn %d begins wrongly: %+v", i+1, turn)
				}
			}
		}
	})
}

func TestNamesOfFilesDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out files
		for range rapid.IntRange(1, 20).Draw(t, "files") {
			out.add(rapid.SampledFrom([]string{"a.png", "a-2.png", "a", "a-2", ".png"}).Draw(t, "name"), "", nil)
		}
		names := out.names()
		slices.Sort(names)
		if len(slices.Compact(names)) != len(out.list) {
			t.Fatalf("two files have one name: %v", out.names())
		}
	})
}
