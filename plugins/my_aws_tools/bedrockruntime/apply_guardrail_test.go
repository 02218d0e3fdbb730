package bedrockruntime_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

const guardrail = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123"

// everything is an assessment of every policy that there is.
func everything() map[string]any {
	return map[string]any{
		"topicPolicy":                map[string]any{"topics": []any{map[string]any{"name": "Tax advice", "type": "DENY", "action": "BLOCKED", "detected": true}}},
		"contentPolicy":              map[string]any{"filters": []any{map[string]any{"type": "INSULTS", "confidence": "HIGH", "filterStrength": "LOW", "action": "BLOCKED"}}},
		"wordPolicy":                 map[string]any{"customWords": []any{map[string]any{"match": "it's", "action": "BLOCKED"}}, "managedWordLists": []any{}},
		"sensitiveInformationPolicy": map[string]any{"piiEntities": []any{map[string]any{"match": "Ann", "type": "NAME", "action": "ANONYMIZED"}}, "regexes": []any{}},
		"contextualGroundingPolicy":  map[string]any{"filters": []any{map[string]any{"type": "GROUNDING", "threshold": 0.5, "score": 0.1, "action": "BLOCKED"}}},
		"automatedReasoningPolicy":   map[string]any{"findings": []any{map[string]any{"valid": map[string]any{"claimsTrueScenario": map[string]any{}}}}},
		"policyOfTomorrow":           map[string]any{"left": "as it is"},
		"appliedGuardrailDetails":    map[string]any{"guardrailId": "abc123", "guardrailVersion": "1"},
	}
}

// newGuardrail is a cloud with a guardrail that does not like insults.
func newGuardrail(t *testing.T) *cloud {
	c := newCloud(t)
	c.runtime.AddGuardrail(standin.Guardrail{
		Region: "us-east-1", AccountID: toolstest.AccountID, ID: "abc123", Versions: []string{"1", "2"},
		Judge: func(text string) standin.Judgement {
			harmless := map[string]any{"contentPolicy": map[string]any{"filters": []any{map[string]any{"type": "INSULTS", "action": "NONE", "detected": false}}}}
			if !strings.Contains(text, "fool") {
				return standin.Judgement{Detected: []map[string]any{harmless}}
			}
			return standin.Judgement{
				Intervenes: true, Reason: "Guardrail blocked.", Outputs: []string{"No insults, please.", "Not here."}, Assessments: []map[string]any{everything()},
			}
		},
	})
	return c
}

func guarded(pairs ...any) map[string]any {
	return with(map[string]any{"guardrail_id": "abc123", "guardrail_version": "1", "source": "INPUT", "text": "You fool"}, pairs...)
}

func TestApplySendsWhatAWSDocuments(t *testing.T) {
	plain := []any{map[string]any{"text": map[string]any{"text": " You  fool\n"}}}
	for name, tt := range map[string]struct {
		parameters map[string]any
		path       string
		body       map[string]any
	}{
		"an input": {
			guarded("text", " You  fool\n"), "/guardrail/abc123/version/1/apply",
			map[string]any{"source": "INPUT", "content": plain},
		},
		"an output, judged by the draft": {
			guarded("text", " You  fool\n", "source", "OUTPUT", "guardrail_version", "DRAFT"), "/guardrail/abc123/version/DRAFT/apply",
			map[string]any{"source": "OUTPUT", "content": plain},
		},
		"all that was looked at": {
			guarded("text", " You  fool\n", "output_scope", "FULL"), "/guardrail/abc123/version/1/apply",
			map[string]any{"source": "INPUT", "content": plain, "outputScope": "FULL"},
		},
		"an ARN": {
			guarded("text", " You  fool\n", "guardrail_id", guardrail), "/guardrail/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aguardrail%2Fabc123/version/1/apply",
			map[string]any{"source": "INPUT", "content": plain},
		},
		"a source and a question to compare with": {
			guarded("text", "Paris", "grounding_source", "The capital is Paris.", "query", "Which is the capital?"), "/guardrail/abc123/version/1/apply",
			map[string]any{"source": "INPUT", "content": []any{
				map[string]any{"text": map[string]any{"text": "The capital is Paris.", "qualifiers": []any{"grounding_source"}}},
				map[string]any{"text": map[string]any{"text": "Which is the capital?", "qualifiers": []any{"query"}}},
				map[string]any{"text": map[string]any{"text": "Paris", "qualifiers": []any{"guard_content"}}},
			}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newGuardrail(t)
			c.Succeed(t, "apply_guardrail", tt.parameters)
			calls := c.Calls()
			if len(calls) != 1 {
				t.Fatalf("%d requests were sent", len(calls))
			}
			if calls[0].Method != http.MethodPost || calls[0].Path != tt.path || calls[0].Host != "bedrock-runtime.us-east-1.amazonaws.com" {
				t.Errorf("the request is %s https://%s%s", calls[0].Method, calls[0].Host, calls[0].Path)
			}
			toolstest.Same(t, "the body", any(tt.body), any(calls[0].JSON()))
		})
	}
}

func TestATextThatPassesIsASuccess(t *testing.T) {
	c := newGuardrail(t)
	result := c.Succeed(t, "apply_guardrail", guarded("text", "Good morning"))
	toolstest.Same(t, "the text", "Action: NONE\n Output: No output received\n ", result.Text)
	got := variables(t, result)
	toolstest.Same(t, "intervened", false, got["intervened"])
	toolstest.Same(t, "output", nil, got["output"])
	toolstest.Same(t, "outputs", []any{}, got["outputs"])
	toolstest.Same(t, "assessments", []any{}, got["assessments"])
	all := c.Succeed(t, "apply_guardrail", guarded("text", "Good morning", "output_scope", "FULL"))
	if want := `Policy: contentPolicy, Data: {"filters":[{"action":"NONE","detected":false,"type":"INSULTS"}]}`; !strings.Contains(all.Text, want) {
		t.Errorf("the text of all that was looked at is %q", all.Text)
	}
}

func TestSection3_06Bug1_EveryOutputIsReturned(t *testing.T) {
	c := newGuardrail(t)
	result := c.Succeed(t, "apply_guardrail", guarded())
	if !strings.HasPrefix(result.Text, "Action: GUARDRAIL_INTERVENED\n Output: No insults, please.\nNot here.\n Assessments:\n Policy: ") || !strings.HasSuffix(result.Text, "\n ") {
		t.Errorf("the text is %q", result.Text)
	}
	got := variables(t, result)
	toolstest.Same(t, "output", "No insults, please.\nNot here.", got["output"])
	toolstest.Same(t, "outputs", []any{"No insults, please.", "Not here."}, got["outputs"])
}

func TestSection3_06Bug2_DataIsJSON(t *testing.T) {
	c := newGuardrail(t)
	lines := strings.Split(c.Succeed(t, "apply_guardrail", guarded()).Text, "\n ")
	want := map[string]bool{
		"Policy: topicPolicy, Topic: Tax advice, Type: DENY, Action: BLOCKED":                                                          true,
		`Policy: wordPolicy, Data: {"customWords":[{"action":"BLOCKED","match":"it's"}],"managedWordLists":[]}`:                        true,
		`Policy: contentPolicy, Data: {"filters":[{"action":"BLOCKED","confidence":"HIGH","filterStrength":"LOW","type":"INSULTS"}]}`:  true,
		`Policy: contextualGroundingPolicy, Data: {"filters":[{"action":"BLOCKED","score":0.1,"threshold":0.5,"type":"GROUNDING"}]}`:   true,
		`Policy: automatedReasoningPolicy, Data: {"findings":[{"valid":{"claimsTrueScenario":{}}}]}`:                                   true,
		`Policy: sensitiveInformationPolicy, Data: {"piiEntities":[{"action":"ANONYMIZED","match":"Ann","type":"NAME"}],"regexes":[]}`: true,
	}
	got := map[string]bool{}
	for _, line := range lines {
		if strings.HasPrefix(line, "Policy: ") {
			got[line] = true
		}
	}
	toolstest.Same(t, "the lines of policies", want, got)
}

func TestSection3_06Bug3_AnAnswerWithoutADecisionIsAFailure(t *testing.T) {
	for name, body := range map[string]string{"nothing at all": `{}`, "a decision that is missing": `{"outputs":[],"assessments":[]}`} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Register("bedrock-runtime", answering{Service: standin.New(), body: body})
			toolstest.WantFailure(t, c.Fail(t, "apply_guardrail", guarded()), plugin.Unavailable, "does not say what the guardrail decided")
		})
	}
}

// answering is Bedrock with an answer of its own.
type answering struct {
	*standin.Service
	body string
}

func (a answering) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	if _, err := r.Bytes(); err != nil {
		return &aws.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: err.Error()}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(a.body)) // the client may have gone
	return nil
}

func TestWrongParametersOfAGuardrailAreRefusedBeforeAnythingIsSent(t *testing.T) {
	for name, tt := range map[string]struct {
		parameters map[string]any
		words      []string
	}{
		"no such source":                      {guarded("source", "BOTH"), []string{`source must be INPUT`, `"BOTH"`}},
		"a version that is none":              {guarded("guardrail_version", "latest"), []string{"guardrail_version must be DRAFT or the number"}},
		"version 0":                           {guarded("guardrail_version", 0), []string{"guardrail_version must be DRAFT"}},
		"half a version":                      {guarded("guardrail_version", 1.5), []string{"guardrail_version must be DRAFT"}},
		"a version that is no number":         {guarded("guardrail_version", "NaN"), []string{"guardrail_version must be DRAFT"}},
		"a name in place of an ID":            {guarded("guardrail_id", "My Guardrail"), []string{"guardrail_id is", "neither the ID"}},
		"a path in place of an ID":            {guarded("guardrail_id", "../../model"), []string{"guardrail_id is"}},
		"an ARN of something else":            {guarded("guardrail_id", strings.Replace(guardrail, "guardrail/", "knowledge-base/", 1)), []string{"neither the ID"}},
		"an ARN of a region that is none":     {guarded("guardrail_id", strings.Replace(guardrail, "us-east-1", "x", 1)), []string{`names the region "x"`}},
		"an ARN of another region":            {guarded("guardrail_id", guardrail, "aws_region", "eu-west-1"), []string{"is in the region us-east-1", "eu-west-1"}},
		"nothing to judge":                    {guarded("text", " \n"), []string{"text is empty"}},
		"no text at all":                      {guarded("text", nil), []string{"text is required"}},
		"an ID that is longer than any":       {guarded("guardrail_id", strings.Repeat("a", 2049)), []string{"guardrail_id is"}},
		"another scope":                       {guarded("output_scope", "SOME"), []string{"output_scope must be one of"}},
		"several faults are named at once":    {guarded("source", "x", "guardrail_version", "y", "guardrail_id", "Z"), []string{"3 parameters are wrong", "source", "guardrail_version", "guardrail_id"}},
		"required parameters that are absent": {map[string]any{}, []string{"guardrail_id is required", "guardrail_version is required", "source is required", "text is required"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newGuardrail(t)
			toolstest.WantFailure(t, c.Fail(t, "apply_guardrail", tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_06Bug4_TheSourceIsInputOrOutputHoweverItIsWritten(t *testing.T) {
	c := newGuardrail(t)
	c.Succeed(t, "apply_guardrail", guarded("source", " output "))
	toolstest.Same(t, "source", any("OUTPUT"), c.sent("ApplyGuardrail")[0]["source"])
}

func TestSection3_06Bug5_TheTextIsInNoLog(t *testing.T) {
	c := newGuardrail(t)
	c.Succeed(t, "apply_guardrail", guarded("text", "You fool, Ann Example"))
	for _, line := range c.Logs() {
		t.Errorf("the host's log has %q", line.Message)
	}
}

func TestSection3_06Bug6_AVersionMayBeANumber(t *testing.T) {
	for _, version := range []any{2, 2.0, "2", " 2 ", "2.0"} {
		c := newGuardrail(t)
		c.Succeed(t, "apply_guardrail", guarded("guardrail_version", version))
		if path := c.Calls()[0].Path; path != "/guardrail/abc123/version/2/apply" {
			t.Errorf("%v became %s", version, path)
		}
	}
	c := newGuardrail(t)
	c.Succeed(t, "apply_guardrail", guarded("guardrail_version", "draft"))
	if path := c.Calls()[0].Path; path != "/guardrail/abc123/version/DRAFT/apply" {
		t.Errorf("draft became %s", path)
	}
}

func TestSection3_06Bug7_MetricsAndNamesAreNoPolicies(t *testing.T) {
	c := newGuardrail(t)
	result := c.Succeed(t, "apply_guardrail", guarded())
	for _, name := range []string{"invocationMetrics", "appliedGuardrailDetails"} {
		if strings.Contains(result.Text, name) {
			t.Errorf("the text lists %s as a policy: %s", name, result.Text)
		}
		if !strings.Contains(string(result.JSON[0]), name) {
			t.Errorf("the JSON lacks %s", name)
		}
	}
}

func TestSection3_06Bug8_AnInterventionIsABooleanAndTheAnswerIsJSON(t *testing.T) {
	c := newGuardrail(t)
	result := c.Succeed(t, "apply_guardrail", guarded())
	answer := toolstest.Object(t, result)
	toolstest.Same(t, "intervened", any(true), answer["intervened"])
	toolstest.Same(t, "action", any("GUARDRAIL_INTERVENED"), answer["action"])
	assessments, _ := answer["assessments"].([]any)
	if len(assessments) != 1 {
		t.Fatalf("%d assessments", len(assessments))
	}
	assessment, _ := assessments[0].(map[string]any)
	for policy, found := range everything() {
		toolstest.Same(t, policy, found, assessment[policy])
	}
	got := variables(t, result)
	toolstest.Same(t, "intervened", any(true), got["intervened"])
	toolstest.Same(t, "action_reason", any("Guardrail blocked."), got["action_reason"])
	toolstest.Same(t, "assessments", any(assessments), got["assessments"])
	toolstest.Same(t, "guardrail_coverage", any(map[string]any{"textCharacters": map[string]any{"guarded": 8.0, "total": 8.0}}), got["guardrail_coverage"])
	usage, _ := got["usage"].(map[string]any)
	toolstest.Same(t, "usage", any(1.0), usage["topicPolicyUnits"])
}

func TestAGuardrailIsAppliedInTheRegionOfItsARN(t *testing.T) {
	c := newCloud(t)
	c.runtime.AddGuardrail(standin.Guardrail{Region: "eu-west-1", AccountID: toolstest.AccountID, ID: "abc123", Versions: []string{"1"}})
	c.Succeed(t, "apply_guardrail", guarded("guardrail_id", strings.Replace(guardrail, "us-east-1", "eu-west-1", 1)))
	if region := c.Calls()[0].Region; region != "eu-west-1" {
		t.Errorf("the request went to %s", region)
	}
	c.Forget()
	c.Succeed(t, "apply_guardrail", guarded("aws_region", "eu-west-1"))
	if region := c.Calls()[0].Region; region != "eu-west-1" {
		t.Errorf("the request went to %s", region)
	}
}

func TestAGuardrailThatIsNotThereIsNamed(t *testing.T) {
	c := newGuardrail(t)
	for name, parameters := range map[string]map[string]any{
		"another ID": guarded("guardrail_id", "xyz"), "another version": guarded("guardrail_version", "3"), "another region": guarded("aws_region", "eu-west-1"),
	} {
		t.Run(name, func(t *testing.T) {
			toolstest.WantFailure(t, c.Fail(t, "apply_guardrail", parameters), plugin.BadRequest, "no such guardrail or version", "ResourceNotFoundException")
		})
	}
}

func TestErrorsOfAGuardrailNameThePermission(t *testing.T) {
	c := newGuardrail(t)
	c.Inject(aws.Fault{Effects: []aws.Effect{aws.Deny()}})
	failed := c.Fail(t, "apply_guardrail", guarded("text", "You fool, Ann Example"))
	toolstest.WantFailure(t, failed, plugin.Authorization, "bedrock:ApplyGuardrail", "abc123")
	if strings.Contains(failed.Message, "Ann Example") {
		t.Errorf("the error repeats the text: %s", failed.Message)
	}
}

func TestAnAnswerWithoutEndIsEnded(t *testing.T) {
	c := newCloud(t)
	c.Register("bedrock-runtime", endless{standin.New()})
	toolstest.WantFailure(t, c.Fail(t, "apply_guardrail", guarded()), plugin.Unavailable, "in place of Bedrock sends more than", "aws_endpoint_url")
}

// endless is Bedrock with an answer that is longer than anybody needs.
type endless struct{ *standin.Service }

func (endless) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	_, _ = r.Bytes() // a server that answers before it has read breaks the connection
	w.Header().Set("Content-Type", "application/json")
	spaces := []byte(strings.Repeat(" ", 1<<20))
	for range 20 {
		if _, err := w.Write(spaces); err != nil {
			return nil
		}
	}
	return nil
}
