package bedrock

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

var (
	modelPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:_-]*$`)
	// profilePattern is the ID of an inference profile: that of a model with a part of the world before it. No maker of
	// models has a name of two letters.
	profilePattern  = regexp.MustCompile(`^(global|apac|us-gov|[a-z]{2})\.[a-z0-9-]+\.`)
	modelARNPattern = regexp.MustCompile(`^arn:(aws[a-z-]*):(bedrock|sagemaker):([a-z0-9-]+):(?:[0-9]{12})?:[A-Za-z0-9-]+/[A-Za-z0-9._:/-]+$`)
	foundationModel = regexp.MustCompile(`^arn:(aws[a-z-]*):bedrock:([a-z0-9-]+)::foundation-model/[A-Za-z0-9._:-]+$`)
)

// How many characters the ID and the ARN of a model have at most.
const (
	maxModelID  = 256
	maxModelARN = 2048
)

// checkModel accepts the ID or the ARN of a model or an inference profile. "" is none.
func checkModel(text string) error {
	switch {
	case text == "", modelPattern.MatchString(text) && len(text) <= maxModelID, modelARNPattern.MatchString(text) && len(text) <= maxModelARN:
		return nil
	}
	return fmt.Errorf("is %q, which is neither the ID nor the ARN of a model or an inference profile: write it as the Bedrock console does, such as amazon.nova-lite-v1:0", param.Clip(text))
}

// modelARN is the ARN of a foundation model. ARNs and the IDs of inference profiles, whose ARNs hold the account's
// number, are left as they are: Bedrock takes both.
func modelARN(text string, at place) string {
	if strings.HasPrefix(text, "arn:") || profilePattern.MatchString(text) {
		return text
	}
	return fmt.Sprintf("arn:%s:bedrock:%s::foundation-model/%s", at.partition, at.region, text)
}

// checkReranker accepts the ID or the ARN of a foundation model, which is all that Bedrock lets sort passages.
func checkReranker(text string) error {
	if err := checkModel(text); err != nil {
		return err
	}
	if strings.HasPrefix(text, "arn:") && !foundationModel.MatchString(text) || profilePattern.MatchString(text) {
		return errors.New("is an inference profile or a model of your own, and only foundation models can sort passages: enter one such as amazon.rerank-v1:0")
	}
	return nil
}

// checkPlace refuses the ARN of a model that is elsewhere than the knowledge base.
func checkPlace(text string, at place) error {
	parts := foundationModel.FindStringSubmatch(text)
	if parts == nil || parts[1] == at.partition && parts[2] == at.region {
		return nil
	}
	return fmt.Errorf("is a model in the region %s, and the knowledge base is in %s: enter the ID of the model alone, without its ARN", param.Clip(parts[2]), at.region)
}
