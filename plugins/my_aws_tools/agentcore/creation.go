package agentcore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcorecontrol"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcorecontrol/types"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/cloudplugins/difyplugin/plugin"
)

// expiryDays is how long a memory that this tool creates keeps events.
const expiryDays = 90

const (
	// firstLook lies between the first two looks at a memory in the making, which takes minutes; each further pause is
	// half as long again, up to longestLook.
	firstLook   = 2 * time.Second
	longestLook = 10 * time.Second
)

// suffix tells names apart that are made up at the same time.
func suffix() string {
	random := make([]byte, 8)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// create makes a memory and waits until it is ACTIVE. From the moment at which there is one, m has its ID, also where an
// error is returned.
func (m *memory) create(ctx context.Context, call *plugin.Call) error {
	out, err := m.control().CreateMemory(ctx, &bedrockagentcorecontrol.CreateMemoryInput{
		Name: aws.String(fmt.Sprintf("autoMemory_%d_%s", time.Now().Unix(), suffix())), Description: aws.String("Created by the AWS tools of Dify"),
		EventExpiryDuration: aws.Int32(expiryDays), MemoryStrategies: strategies(),
	})
	if err == nil && (out.Memory == nil || out.Memory.Id == nil) {
		err = errors.New("the answer of AgentCore names no memory: look at the memories in the AgentCore console before you run this again")
	}
	if err != nil {
		return m.explain(err, "create a memory", "CreateMemory")
	}
	m.id = *out.Memory.Id
	call.Logger().InfoContext(ctx, "a memory was created because a record named none", "memory", m.id)
	return m.awaitActive(ctx, call)
}

// strategies extract facts, summaries and preferences from the events of a session. Their namespaces are part of what
// workflows search for.
func strategies() []types.MemoryStrategyInput {
	return []types.MemoryStrategyInput{
		&types.MemoryStrategyInputMemberSemanticMemoryStrategy{Value: types.SemanticMemoryStrategyInput{
			Name: aws.String("semanticMemory"), NamespaceTemplates: []string{"/semantic/{actorId}/{sessionId}"},
		}},
		&types.MemoryStrategyInputMemberSummaryMemoryStrategy{Value: types.SummaryMemoryStrategyInput{
			Name: aws.String("summaryMemory"), NamespaceTemplates: []string{"/summaries/{actorId}/{sessionId}"},
		}},
		&types.MemoryStrategyInputMemberUserPreferenceMemoryStrategy{Value: types.UserPreferenceMemoryStrategyInput{
			Name: aws.String("userPreferenceMemory"), NamespaceTemplates: []string{"/userPreference/{actorId}/{sessionId}"},
		}},
	}
}

// look asks how far a memory is.
func (m *memory) look(ctx context.Context) (*types.Memory, error) {
	id := m.bareID()
	out, err := m.control().GetMemory(ctx, &bedrockagentcorecontrol.GetMemoryInput{MemoryId: &id})
	if err == nil && out.Memory == nil {
		err = errors.New("the answer of AgentCore holds no memory")
	}
	if err != nil {
		return nil, m.explain(err, "look at the memory "+m.id, "GetMemory")
	}
	return out.Memory, nil
}

// awaitActive waits for a memory in the making, as long as the call may take.
func (m *memory) awaitActive(ctx context.Context, call *plugin.Call) error {
	began := time.Now()
	for pause := firstLook; ; pause = min(pause*3/2, longestLook) {
		found, err := m.look(ctx)
		if err != nil {
			return m.waitError(err)
		}
		switch found.Status {
		case types.MemoryStatusActive:
			return nil
		case types.MemoryStatusFailed:
			return m.failed(found)
		case types.MemoryStatusDeleting:
			return plugin.Errorf(plugin.BadRequest, "the memory %s is being deleted: fill in another memory_id", m.id)
		}
		call.Progress(ctx, "waiting for the memory "+m.id, int64(time.Since(began).Seconds()), 0)
		if err := smithytime.SleepWithContext(ctx, pause+mathrand.N(pause/5)); err != nil {
			return m.waitError(err)
		}
	}
}

func (m *memory) failed(found *types.Memory) error {
	m.unusable = true
	reason := aws.ToString(found.FailureReason)
	if reason == "" {
		reason = "AWS gives no reason"
	}
	return plugin.Errorf(plugin.Unavailable, "the creation of the memory %s has failed: %s. Delete it in the AgentCore console", m.id, reason)
}

// waitError says how to pick up a memory that was not waited for to its end.
func (m *memory) waitError(err error) error {
	if isOver(err) {
		return plugin.Errorf(plugin.Unavailable, "the memory %s was not ACTIVE within the time that Dify gives a tool. Its creation goes on, and a call "+
			"with memory_id %s waits for it", m.id, m.id)
	}
	return plugin.Errorf(plugin.KindOf(err), "%w. The creation of the memory %s goes on, and a call with this memory_id waits for it", err, m.id)
}

// isOver reports whether the call has ended before a request was answered.
func isOver(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// whenActive performs a request, and performs it again after a wait where it was refused because the memory is still in
// the making. Only then is the memory looked at: usually it is there, and the caller need not be allowed to look.
func (m *memory) whenActive(ctx context.Context, call *plugin.Call, request func() error) error {
	refusal := request()
	if refusal == nil || plugin.KindOf(refusal) != plugin.BadRequest {
		return refusal
	}
	found, err := m.look(ctx)
	if err != nil {
		return refusal // which says more than that the memory cannot be looked at
	}
	switch found.Status {
	case types.MemoryStatusCreating, types.MemoryStatusUpdating:
	case types.MemoryStatusFailed:
		return m.failed(found)
	default:
		return refusal
	}
	if err := m.awaitActive(ctx, call); err != nil {
		return err
	}
	return request()
}
