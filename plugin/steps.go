package plugin

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"log/slog"
	"maps"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Step is a node of the tree of steps that Dify shows beside a run, see [Call.Step].
type Step struct {
	call    *Call
	node    wire.LogNode
	started time.Time
	usage   Usage
}

// Usage is what a step cost; zero fields are not sent.
type Usage struct {
	Provider string
	Price    float64
	Currency string
	Tokens   int
}

// Step starts a step, which Dify shows beside the run. End it with Done or Fail.
func (c *Call) Step(label string, data map[string]any) (*Step, error) {
	return c.startStep(nil, label, data)
}

// Step starts a step below this one.
func (s *Step) Step(label string, data map[string]any) (*Step, error) {
	return s.call.startStep(&s.node.ID, label, data)
}

// Spent notes what the step cost; it is sent when the step ends.
func (s *Step) Spent(u Usage) { s.usage = u }

// Done ends the step. data replaces what Step was given, unless it is nil.
func (s *Step) Done(data map[string]any) error {
	if data != nil {
		s.node.Data = data
	}
	return s.end("success")
}

// Fail ends the step with an error. It does not fail the call.
func (s *Step) Fail(err error) error {
	text := s.call.redactor.clean(err.Error())
	s.node.Error = &text
	return s.end("error")
}

func (c *Call) startStep(parent *string, label string, data map[string]any) (*Step, error) {
	if data == nil {
		data = map[string]any{}
	}
	s := &Step{call: c, started: time.Now()}
	s.node = wire.LogNode{
		ID: newUUID(), Label: label, ParentID: parent, Status: "start", Data: data,
		Metadata: map[string]any{"started_at": c.clock(s.started)},
	}
	return s, c.send(wire.MessageLog, s.node, nil)
}

func (s *Step) end(status string) error {
	node := s.node
	node.Status = status
	node.Metadata = maps.Clone(node.Metadata)
	now := time.Now()
	node.Metadata["finished_at"] = s.call.clock(now)
	node.Metadata["elapsed_time"] = now.Sub(s.started).Seconds()
	s.usage.into(node.Metadata)
	return s.call.send(wire.MessageLog, node, nil)
}

func (u Usage) into(metadata map[string]any) {
	if u.Provider != "" {
		metadata["provider"] = u.Provider
	}
	if u.Price != 0 {
		metadata["total_price"] = u.Price
		metadata["currency"] = u.Currency
	}
	if u.Tokens != 0 {
		metadata["total_tokens"] = u.Tokens
	}
}

// clock is a moment in seconds on a clock that never jumps; only differences between its readings mean something.
func (c *Call) clock(t time.Time) float64 { return t.Sub(c.plugin.born).Seconds() }

// progress shows how far work is to the user where the operator wants that, and to the operator otherwise: Dify puts
// log messages in front of a tool's JSON, so they are not sent unasked.
func (c *Call) progress(_ context.Context, label string, done, total int64) {
	if !c.plugin.limits.progressMessages {
		c.Logger().LogAttrs(context.Background(), slog.LevelDebug, label, slog.Int64("done", done), slog.Int64("total", total))
		return
	}
	node := wire.LogNode{
		ID: c.progressID(label), Label: label, Status: "start",
		Data:     map[string]any{"done": done, "total": total},
		Metadata: map[string]any{"started_at": c.clock(time.Now())},
	}
	if total > 0 && done >= total {
		node.Status = "success"
	}
	_ = c.message(wire.MessageLog, node, nil) // progress is a courtesy: losing it loses no result
}

// progressID is the same for all reports of one piece of work.
func (c *Call) progressID(label string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.progressIDs == nil {
		c.progressIDs = map[string]string{}
	}
	if c.progressIDs[label] == "" {
		c.progressIDs[label] = newUUID()
	}
	return c.progressIDs[label]
}

// newUUID is a random UUID.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
