package bedrock

import (
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// GuardrailInput are the parameters of a guardrail that judges questions and answers. Both are given, or neither.
type GuardrailInput struct {
	GuardrailID      string `param:"guardrail_id"`
	GuardrailVersion string `param:"guardrail_version"`
}

var (
	guardrailPattern = regexp.MustCompile(`^[a-z0-9]+$`)
	versionPattern   = regexp.MustCompile(`^([1-9][0-9]{0,4}|DRAFT)$`)
)

// maxGuardrailID is how many characters the ID of a guardrail has at most.
const maxGuardrailID = 64

// read checks the parameters; without a guardrail it is nil.
func (in GuardrailInput) read(wrong *param.Problems) *types.GuardrailConfiguration {
	id, version := strings.TrimSpace(in.GuardrailID), strings.TrimSpace(in.GuardrailVersion)
	switch {
	case id == "" && version == "":
		return nil
	case id == "":
		wrong.Addf("guardrail_id", "is blank, and guardrail_version is not: fill in both, or neither")
	case !guardrailPattern.MatchString(id) || len(id) > maxGuardrailID:
		wrong.Addf("guardrail_id", "is %q, and the ID of a guardrail has small letters and digits: enter the ID, not the name or the ARN", param.Clip(id))
	}
	switch {
	case version == "" && id != "":
		wrong.Addf("guardrail_version", "is blank, and guardrail_id is not: enter a number, or DRAFT")
	case version != "" && !versionPattern.MatchString(version):
		wrong.Addf("guardrail_version", "is %q: enter a number, or DRAFT", param.Clip(version))
	}
	return &types.GuardrailConfiguration{GuardrailId: aws.String(id), GuardrailVersion: aws.String(version)}
}
