package agentcore

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore/types"

	"github.com/cloudplugins/difyplugin/plugin"
)

// stream is a stream of events that are there already.
type stream chan types.CodeInterpreterStreamOutput

func (s stream) Events() <-chan types.CodeInterpreterStreamOutput { return s }
func (s stream) Close() error                                     { return nil }
func (s stream) Err() error                                       { return nil }

func streamOf(events ...types.CodeInterpreterStreamOutput) *bedrockagentcore.InvokeCodeInterpreterEventStream {
	s := make(stream, len(events))
	for _, event := range events {
		s <- event
	}
	close(s)
	return bedrockagentcore.NewInvokeCodeInterpreterEventStream(func(es *bedrockagentcore.InvokeCodeInterpreterEventStream) { es.Reader = s })
}

func eventOf(v types.CodeInterpreterResult) types.CodeInterpreterStreamOutput {
	return &types.CodeInterpreterStreamOutputMemberResult{Value: v}
}

func TestTheOutputOfACallIsBounded(t *testing.T) {
	ten := aws.String("0123456789")
	for name, event := range map[string]types.CodeInterpreterResult{
		"text":     {Content: []types.ContentBlock{{Text: ten}}},
		"bytes":    {Content: []types.ContentBlock{{Data: []byte(*ten)}}},
		"a file":   {Content: []types.ContentBlock{{Resource: &types.ResourceContent{Blob: []byte(*ten)}}}},
		"a text":   {Content: []types.ContentBlock{{Resource: &types.ResourceContent{Text: ten}}}},
		"printed":  {StructuredContent: &types.ToolResultStructuredContent{Stdout: ten}},
		"an error": {StructuredContent: &types.ToolResultStructuredContent{Stderr: ten}},
	} {
		t.Run(name, func(t *testing.T) {
			s := &session{left: 25}
			for call, fits := range []bool{true, true, false} {
				_, err := s.read(streamOf(eventOf(event)))
				if (err == nil) != fits {
					t.Errorf("answer %d: %v", call+1, err)
				}
				if err != nil && (plugin.KindOf(err) != plugin.BadRequest || !strings.Contains(err.Error(), "more output than 48 MiB")) {
					t.Error(err)
				}
			}
		})
	}
}

func TestEventsOfAnUnknownKindArePassedOver(t *testing.T) {
	unknown := &types.UnknownUnionMember{Tag: "heartbeat"}
	said := eventOf(types.CodeInterpreterResult{Content: []types.ContentBlock{{Text: aws.String("hi")}}})
	s := &session{left: maxOutput}
	got, err := s.read(streamOf(unknown, said, unknown))
	if err != nil || got.text() != "hi" {
		t.Errorf("%q, %v", got.text(), err)
	}
	if _, err := s.read(streamOf(unknown)); plugin.KindOf(err) != plugin.Unavailable {
		t.Errorf("an answer without a result: %v", err)
	}
}
