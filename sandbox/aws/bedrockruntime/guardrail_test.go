package bedrockruntime_test

import (
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

// judged is a request to judge a text, with changes.
func judged(change func(*client.ApplyGuardrailInput)) *client.ApplyGuardrailInput {
	in := &client.ApplyGuardrailInput{
		GuardrailIdentifier: sdk.String("abc123"), GuardrailVersion: sdk.String("1"), Source: types.GuardrailContentSourceInput,
		Content: []types.GuardrailContentBlock{&types.GuardrailContentBlockMemberText{Value: types.GuardrailTextBlock{Text: sdk.String("You fool")}}},
	}
	if change != nil {
		change(in)
	}
	return in
}

func withGuardrail(t *testing.T) *client.Client {
	_, runtime, c := start(t)
	runtime.AddGuardrail(bedrockruntime.Guardrail{
		Region: "us-east-1", AccountID: account, ID: "abc123", Versions: []string{"1"},
		Judge: func(text string) bedrockruntime.Judgement {
			topic := map[string]any{"topicPolicy": map[string]any{"topics": []any{map[string]any{"name": "Insults", "type": "DENY", "action": "BLOCKED"}}}}
			quiet := map[string]any{"wordPolicy": map[string]any{"customWords": []any{}, "managedWordLists": []any{}}}
			if !strings.Contains(text, "fool") {
				return bedrockruntime.Judgement{Detected: []map[string]any{quiet}}
			}
			return bedrockruntime.Judgement{Intervenes: true, Reason: "Guardrail blocked.", Outputs: []string{"No."}, Assessments: []map[string]any{topic}}
		},
	})
	return c
}

func TestAGuardrailJudges(t *testing.T) {
	c := withGuardrail(t)
	out, err := c.ApplyGuardrail(t.Context(), judged(nil))
	if err != nil {
		t.Fatal(err)
	}
	if out.Action != types.GuardrailActionGuardrailIntervened || len(out.Outputs) != 1 || len(out.Assessments) != 1 || out.Assessments[0].TopicPolicy == nil ||
		out.Assessments[0].InvocationMetrics == nil || sdk.ToString(out.ActionReason) == "" || sdk.ToInt32(out.Usage.TopicPolicyUnits) != 1 {
		t.Errorf("the answer is %+v", out)
	}
	harmless := func(in *client.ApplyGuardrailInput) {
		in.Content = []types.GuardrailContentBlock{&types.GuardrailContentBlockMemberText{Value: types.GuardrailTextBlock{Text: sdk.String("Good morning")}}}
		in.GuardrailVersion = sdk.String("DRAFT")
	}
	for scope, assessments := range map[types.GuardrailOutputScope]int{"": 0, types.GuardrailOutputScopeInterventions: 0, types.GuardrailOutputScopeFull: 1} {
		out, err := c.ApplyGuardrail(t.Context(), judged(func(in *client.ApplyGuardrailInput) { harmless(in); in.OutputScope = scope }))
		if err != nil {
			t.Fatal(err)
		}
		if out.Action != types.GuardrailActionNone || len(out.Outputs) != 0 || len(out.Assessments) != assessments {
			t.Errorf("%q: the answer is %+v", scope, out)
		}
	}
}

func TestAGuardrailIsFoundByItsARN(t *testing.T) {
	c := withGuardrail(t)
	if _, err := c.ApplyGuardrail(t.Context(), judged(func(in *client.ApplyGuardrailInput) {
		in.GuardrailIdentifier = sdk.String("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123")
	})); err != nil {
		t.Error(err)
	}
}

func TestWrongRequestsToAGuardrailAreRefused(t *testing.T) {
	c := withGuardrail(t)
	block := func(text string, qualifiers ...types.GuardrailContentQualifier) []types.GuardrailContentBlock {
		return []types.GuardrailContentBlock{&types.GuardrailContentBlockMemberText{Value: types.GuardrailTextBlock{Text: sdk.String(text), Qualifiers: qualifiers}}}
	}
	for name, tt := range map[string]struct {
		change      func(*client.ApplyGuardrailInput)
		code, words string
	}{
		"an unknown source":      {func(in *client.ApplyGuardrailInput) { in.Source = "BOTH" }, "ValidationException", "BOTH is not a valid enum value"},
		"an unknown scope":       {func(in *client.ApplyGuardrailInput) { in.OutputScope = "SOME" }, "ValidationException", "SOME is not a valid"},
		"no content":             {func(in *client.ApplyGuardrailInput) { in.Content = []types.GuardrailContentBlock{} }, "ValidationException", "minimum item count: 1"},
		"an empty text":          {func(in *client.ApplyGuardrailInput) { in.Content = block("") }, "ValidationException", "expected minLength: 1"},
		"an unknown qualifier":   {func(in *client.ApplyGuardrailInput) { in.Content = block("a", "source") }, "ValidationException", "source is not a valid"},
		"a version that is none": {func(in *client.ApplyGuardrailInput) { in.GuardrailVersion = sdk.String("1.0") }, "ValidationException", "guardrailVersion"},
		"an ID that is none":     {func(in *client.ApplyGuardrailInput) { in.GuardrailIdentifier = sdk.String("My Guardrail") }, "ValidationException", "guardrailIdentifier"},
		"another version":        {func(in *client.ApplyGuardrailInput) { in.GuardrailVersion = sdk.String("2") }, "ResourceNotFoundException", "does not exist"},
		"another guardrail":      {func(in *client.ApplyGuardrailInput) { in.GuardrailIdentifier = sdk.String("xyz") }, "ResourceNotFoundException", "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.ApplyGuardrail(t.Context(), judged(tt.change))
			wantRefusal(t, err, tt.code, tt.words)
		})
	}
}
