package bedrockruntime

import (
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// Guardrail is a guardrail and how it judges.
type Guardrail struct {
	// Region and AccountID say where the guardrail is.
	Region, AccountID string
	// ID has lower-case letters and digits only.
	ID string
	// Versions are the published ones, such as 1 and 2. DRAFT always exists.
	Versions []string
	// Judge decides about a text; where it is nil, nothing is ever found.
	Judge func(text string) Judgement
}

// Judgement is what a guardrail found.
type Judgement struct {
	// Intervenes makes the action GUARDRAIL_INTERVENED.
	Intervenes bool
	// Reason is the actionReason; it may be empty.
	Reason string
	// Outputs replace the content. Where nothing intervenes there are none.
	Outputs []string
	// Assessments are as AWS writes them, such as {"topicPolicy": {"topics": […]}}.
	Assessments []map[string]any
	// Detected are the assessments with which a request for all that was looked at is answered, in place of Assessments.
	Detected []map[string]any
}

// ARN is the name of the guardrail in policies.
func (g Guardrail) ARN() string {
	return fmt.Sprintf("arn:%s:bedrock:%s:%s:guardrail/%s", partition(g.Region), g.Region, g.AccountID, g.ID)
}

// AddGuardrail adds a guardrail, or replaces the one of its ID.
func (s *Service) AddGuardrail(g Guardrail) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guardrails[g.ARN()] = g
}

// The patterns of the API reference.
var (
	guardrailID      = regexp.MustCompile(`^[a-z0-9]+$`)
	guardrailARN     = regexp.MustCompile(`^arn:aws(?:-[^:]+)?:bedrock:([a-z0-9-]{1,20}):([0-9]{12}):guardrail/([a-z0-9]+)$`)
	guardrailVersion = regexp.MustCompile(`^(([1-9][0-9]{0,7})|(DRAFT))$`)
)

const (
	maxGuardrailID   = 2048      // characters of an ID or ARN
	maxGuardrailBody = 5_000_000 // bytes
	// textUnit is how many characters cost one unit of most policies.
	textUnit = 1000
)

// guardrailOf is the ARN that an identifier means.
func guardrailOf(r *aws.Request, identifier string) (string, bool) {
	if guardrailARN.MatchString(identifier) {
		return identifier, true
	}
	return Guardrail{Region: r.Region, AccountID: r.AccountID, ID: identifier}.ARN(), guardrailID.MatchString(identifier)
}

func (s *Service) applyGuardrail(w http.ResponseWriter, r *aws.Request, identifier, version string) *aws.Error {
	arn, ok := guardrailOf(r, identifier)
	switch {
	case !ok || len(identifier) > maxGuardrailID:
		return constraint(identifier, "guardrailIdentifier", guardrailARN)
	case !guardrailVersion.MatchString(version):
		return constraint(version, "guardrailVersion", guardrailVersion)
	}
	body, failed := readBody(r, maxGuardrailBody)
	if failed != nil {
		return failed
	}
	d, failed := openDocument(body)
	if failed != nil {
		return failed
	}
	d.choice("source", true, "INPUT", "OUTPUT")
	scope := d.choice("outputScope", false, "INTERVENTIONS", "FULL")
	text := d.content()
	if failed := d.end(); failed != nil {
		return failed
	}
	s.mu.Lock()
	g, there := s.guardrails[arn]
	s.mu.Unlock()
	if !there || strings.Split(arn, ":")[3] != r.Region || version != "DRAFT" && !slices.Contains(g.Versions, version) {
		return &aws.Error{Status: http.StatusNotFound, Code: "ResourceNotFoundException", Message: "The guardrail identifier or version provided in the request does not exist."}
	}
	var found Judgement
	if g.Judge != nil {
		found = g.Judge(text)
	}
	return writeJSON(w, http.StatusOK, found.answer(text, scope == "FULL"))
}

func constraint(value, name string, pattern *regexp.Regexp) *aws.Error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", value, name, pattern)
}

// content is the text of all blocks.
func (d *document) content() string {
	var texts []string
	for _, raw := range d.list("content", true, 1, math.MaxInt) {
		d.insideOf("content", raw, func(block *document) {
			block.inside("text", true, func(text *document) {
				texts = append(texts, text.text("text", true, 1, math.MaxInt))
				for _, raw := range text.list("qualifiers", false, 1, 3) {
					if q := text.textOf("qualifiers", raw, 1, math.MaxInt); !slices.Contains([]string{"grounding_source", "query", "guard_content"}, q) {
						text.failf("qualifiers", "%s is not a valid enum value", q)
					}
				}
			})
		})
	}
	return strings.Join(texts, "\n")
}

// answer is the body of the answer.
func (j Judgement) answer(text string, full bool) map[string]any {
	size := utf8.RuneCountInString(text)
	units := (size + textUnit - 1) / textUnit
	usage := map[string]int{
		"topicPolicyUnits": units, "contentPolicyUnits": units, "wordPolicyUnits": units, "sensitiveInformationPolicyUnits": units,
		"sensitiveInformationPolicyFreeUnits": units, "contextualGroundingPolicyUnits": 0, "contentPolicyImageUnits": 0,
		"automatedReasoningPolicyUnits": 0, "automatedReasoningPolicies": 0,
	}
	coverage := map[string]any{"textCharacters": map[string]int{"guarded": size, "total": size}}
	assessments := j.Assessments
	if full && j.Detected != nil {
		assessments = j.Detected
	}
	listed := []map[string]any{}
	for _, assessment := range assessments {
		whole := map[string]any{"invocationMetrics": map[string]any{"guardrailProcessingLatency": 311, "usage": usage, "guardrailCoverage": coverage}}
		for policy, found := range assessment {
			whole[policy] = found
		}
		listed = append(listed, whole)
	}
	outputs := []map[string]string{}
	for _, output := range j.Outputs {
		outputs = append(outputs, map[string]string{"text": output})
	}
	answer := map[string]any{
		"action": "NONE", "outputs": outputs, "assessments": listed, "usage": usage, "guardrailCoverage": coverage,
	}
	if j.Intervenes {
		answer["action"] = "GUARDRAIL_INTERVENED"
	}
	if j.Reason != "" {
		answer["actionReason"] = j.Reason
	}
	return answer
}
