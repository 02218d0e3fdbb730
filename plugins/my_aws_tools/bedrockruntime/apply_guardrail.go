package bedrockruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// ApplyInput is the input of apply_guardrail.
type ApplyInput struct {
	account.Input
	Guardrail   string `param:"guardrail_id"`
	Version     string `param:"guardrail_version"`
	Source      string `param:"source"`
	Text        string `param:"text,literal"`
	OutputScope string `param:"output_scope"`
	// GroundingSource and Query are what a text is compared with by a guardrail that checks for contextual grounding.
	GroundingSource string `param:"grounding_source,literal"`
	Query           string `param:"query,literal"`
}

// Apply is the tool apply_guardrail. It lets a guardrail judge a text, without any model.
//
// It sends a text with the action, what the guardrail puts in place of the content, and a line for each policy that
// found something; then the answer of AWS as JSON, unaltered but for "intervened", and the outputs. Metrics and the
// names of the guardrails that were applied are in the JSON and no policies of the text. An intervention is a success:
// what follows from it is the workflow's business.
func Apply(ctx context.Context, call *plugin.Call, in ApplyInput) error {
	judged, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	verdict, err := newClient(acct, judged.region, maxAnswer).apply(ctx, judged)
	if err != nil {
		return err
	}
	return verdict.send(call)
}

// judgement is what is asked of a guardrail, checked.
type judgement struct {
	guardrail, version string
	region             string // of the guardrail's ARN, or ""
	source             types.GuardrailContentSource
	scope              types.GuardrailOutputScope
	content            []types.GuardrailContentBlock
}

var (
	guardrailID  = regexp.MustCompile(`^[a-z0-9]+$`)
	guardrailARN = regexp.MustCompile(`^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):[0-9]{12}:guardrail/[a-z0-9]+$`)
)

// maxGuardrail is how many characters an ID or ARN of a guardrail has at most.
const maxGuardrail = 2048

func (in ApplyInput) read() (judgement, error) {
	var wrong param.Problems
	j := judgement{guardrail: strings.TrimSpace(in.Guardrail)}
	var err error
	j.region, err = readGuardrail(j.guardrail, in.Region)
	wrong.Add("guardrail_id", err)
	j.version, err = readVersion(in.Version)
	wrong.Add("guardrail_version", err)
	switch source := types.GuardrailContentSource(strings.ToUpper(strings.TrimSpace(in.Source))); source {
	case types.GuardrailContentSourceInput, types.GuardrailContentSourceOutput:
		j.source = source
	default:
		wrong.Addf("source", "must be INPUT, for what a user wrote, or OUTPUT, for what a model wrote; it is %q", param.Clip(in.Source))
	}
	if strings.TrimSpace(in.Text) == "" {
		wrong.Addf("text", "is empty: there is nothing to judge")
	}
	if in.OutputScope == string(types.GuardrailOutputScopeFull) { // the other one is what AWS does by itself
		j.scope = types.GuardrailOutputScopeFull
	}
	j.content = in.content()
	return j, wrong.Err("apply_guardrail")
}

// readGuardrail checks an ID or an ARN, and returns the region of an ARN.
func readGuardrail(guardrail, region string) (string, error) {
	found := guardrailARN.FindStringSubmatch(guardrail)
	region = strings.ToLower(strings.TrimSpace(region))
	switch {
	case len(guardrail) > maxGuardrail, found == nil && !guardrailID.MatchString(guardrail):
		return "", fmt.Errorf("is %q, which is neither the ID of a guardrail (lower-case letters and digits) nor its ARN: copy it from the Bedrock console", param.Clip(guardrail))
	case found == nil:
		return "", nil
	case !account.ValidRegion(found[1]):
		return "", fmt.Errorf("names the region %q, which is not written like one", param.Clip(found[1]))
	case region != "" && region != found[1]:
		return "", fmt.Errorf("is in the region %s, and aws_region is %q: clear aws_region, or enter the guardrail of that region", found[1], param.Clip(region))
	}
	return found[1], nil
}

// maxVersion is the largest number of a version.
const maxVersion = 99_999_999

// readVersion takes DRAFT and numbers, which may come as 1 or 1.0.
func readVersion(version string) (string, error) {
	version = strings.TrimSpace(version)
	if strings.EqualFold(version, "DRAFT") {
		return "DRAFT", nil
	}
	number, err := strconv.ParseFloat(version, 64)
	if err != nil || number != float64(int64(number)) || number < 1 || number > maxVersion {
		return "", fmt.Errorf("must be DRAFT or the number of a version, such as 1; it is %q", param.Clip(version))
	}
	return strconv.FormatInt(int64(number), 10), nil
}

// content are the blocks of a request. Where there is something to compare the text with, each says what it is.
func (in ApplyInput) content() []types.GuardrailContentBlock {
	blocks := []types.GuardrailContentBlock{}
	add := func(text string, qualifier ...types.GuardrailContentQualifier) {
		blocks = append(blocks, &types.GuardrailContentBlockMemberText{Value: types.GuardrailTextBlock{Text: aws.String(text), Qualifiers: qualifier}})
	}
	if in.GroundingSource == "" && in.Query == "" {
		add(in.Text)
		return blocks
	}
	if in.GroundingSource != "" {
		add(in.GroundingSource, types.GuardrailContentQualifierGroundingSource)
	}
	if in.Query != "" {
		add(in.Query, types.GuardrailContentQualifierQuery)
	}
	add(in.Text, types.GuardrailContentQualifierGuardContent)
	return blocks
}

// verdict is AWS's answer. Its parts are kept as they came, so that policies of tomorrow are in it, too.
type verdict struct {
	Action       string                       `json:"action"`
	ActionReason *string                      `json:"actionReason"`
	Outputs      []struct{ Text string }      `json:"outputs"`
	Assessments  []map[string]json.RawMessage `json:"assessments"`
	Usage        json.RawMessage              `json:"usage"`
	Coverage     json.RawMessage              `json:"guardrailCoverage"`

	raw map[string]json.RawMessage
}

func (c client) apply(ctx context.Context, j judgement) (verdict, error) {
	answered := &keeper{}
	_, err := c.runtime.ApplyGuardrail(ctx, &bedrockruntime.ApplyGuardrailInput{
		GuardrailIdentifier: aws.String(j.guardrail), GuardrailVersion: aws.String(j.version), Source: j.source,
		Content: j.content, OutputScope: j.scope,
	}, answered.stand)
	var v verdict
	if err == nil {
		v, err = readVerdict(answered.body)
	}
	return v, c.explain(err, "apply the guardrail "+j.guardrail, "bedrock:ApplyGuardrail", j.guardrail, map[string]account.Fault{
		"ResourceNotFoundException": {
			Kind: plugin.BadRequest, Text: "there is no such guardrail or version in {region}: check guardrail_id, guardrail_version and aws_region{said}",
		},
		"ValidationException": {Kind: plugin.BadRequest, Text: "Bedrock does not accept the request{said}"},
	})
}

// keeper keeps the body of the latest answer as it came.
type keeper struct {
	next bedrockruntime.HTTPClient
	body []byte
}

// stand puts the keeper before the client of a request.
func (k *keeper) stand(o *bedrockruntime.Options) { k.next, o.HTTPClient = o.HTTPClient, k }

// Do implements [bedrockruntime.HTTPClient].
func (k *keeper) Do(r *http.Request) (*http.Response, error) {
	answer, err := k.next.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if k.body, err = io.ReadAll(answer.Body); err != nil {
		return nil, err
	}
	answer.Body = io.NopCloser(bytes.NewReader(k.body))
	return answer, nil
}

func readVerdict(body []byte) (verdict, error) {
	var v verdict
	err := json.Unmarshal(body, &v.raw)
	if err == nil {
		err = json.Unmarshal(body, &v)
	}
	if err != nil || v.Action == "" {
		return v, plugin.Errorf(plugin.Unavailable, "the answer does not say what the guardrail decided: try again, and check aws_endpoint_url where it is used")
	}
	return v, nil
}

func (v verdict) intervened() bool {
	return v.Action == string(types.GuardrailActionGuardrailIntervened)
}

// output is the text of all outputs, a line each, or "" where there is none.
func (v verdict) output() string {
	var texts []string
	for _, output := range v.Outputs {
		texts = append(texts, output.Text)
	}
	return strings.Join(texts, "\n")
}

// text is the message for people. The single spaces are those of the plugins before this one.
func (v verdict) text() string {
	output := v.output()
	if len(v.Outputs) == 0 {
		output = "No output received"
	}
	text := "Action: " + v.Action + "\n Output: " + output + "\n "
	var lines []string
	for _, assessment := range v.Assessments {
		lines = append(lines, assessmentLines(assessment)...)
	}
	if len(lines) > 0 {
		text += "Assessments:\n " + strings.Join(lines, "\n ") + "\n "
	}
	return text
}

// policyNames are the policies of an assessment by name: that is how AWS ends the names of all of them, and what else is
// there are metrics.
func policyNames(assessment map[string]json.RawMessage) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(assessment)), func(name string) bool {
		return !strings.HasSuffix(name, "Policy") || string(assessment[name]) == "null"
	})
}

func assessmentLines(assessment map[string]json.RawMessage) []string {
	var lines []string
	for _, policy := range policyNames(assessment) {
		var topics struct {
			Topics []struct{ Name, Type, Action string }
		}
		if policy == "topicPolicy" && json.Unmarshal(assessment[policy], &topics) == nil && topics.Topics != nil {
			for _, topic := range topics.Topics {
				lines = append(lines, fmt.Sprintf("Policy: %s, Topic: %s, Type: %s, Action: %s", policy, topic.Name, topic.Type, topic.Action))
			}
			continue
		}
		lines = append(lines, fmt.Sprintf("Policy: %s, Data: %s", policy, compact(assessment[policy])))
	}
	return lines
}

func compact(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Compact(&out, raw) != nil {
		return string(raw)
	}
	return out.String()
}

// send sends what the guardrail decided.
func (v verdict) send(call *plugin.Call) error {
	if err := call.Text(v.text()); err != nil {
		return err
	}
	v.raw["intervened"] = json.RawMessage(strconv.FormatBool(v.intervened()))
	texts := []string{}
	for _, output := range v.Outputs {
		texts = append(texts, output.Text)
	}
	outputs := result.Outputs{
		"intervened": v.intervened(), "action": v.Action, "action_reason": v.ActionReason, "output": result.OrNull(v.output()), "outputs": texts,
		"assessments": orEmpty(v.raw["assessments"]), "usage": orNull(v.Usage), "guardrail_coverage": orNull(v.Coverage),
	}
	return errors.Join(call.JSON(v.raw), outputs.Send(call))
}

// orNull is JSON, or null where there is none.
func orNull(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

// orEmpty is an array in JSON, or an empty one.
func orEmpty(raw json.RawMessage) any {
	if len(raw) == 0 || string(raw) == "null" {
		return []any{}
	}
	return raw
}
