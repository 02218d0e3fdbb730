package bedrock

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// knowledgeBase is a knowledge base, as a user names it.
type knowledgeBase struct {
	id string
	// arn, region and partition are those of its ARN, or empty where only the ID was given.
	arn, region, partition string
}

const knowledgeBaseForm = "enter the ID of ten letters and digits that the Bedrock console shows, or the ARN"

var (
	idPattern  = regexp.MustCompile(`^[0-9a-zA-Z]{10}$`)
	arnPattern = regexp.MustCompile(`^arn:(aws[a-z-]*):bedrock:([a-z0-9-]+):[0-9]{12}:knowledge-base/([0-9a-zA-Z]{10})$`)
)

// parseKnowledgeBase reads an ID or an ARN. White space around it is none of it.
func parseKnowledgeBase(text string) (knowledgeBase, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return knowledgeBase{}, errors.New("is required: " + knowledgeBaseForm)
	}
	if idPattern.MatchString(text) {
		return knowledgeBase{id: text}, nil
	}
	parts := arnPattern.FindStringSubmatch(text)
	if parts == nil || !account.ValidRegion(parts[2]) {
		return knowledgeBase{}, fmt.Errorf("is %q, which is no knowledge base: %s", param.Clip(text), knowledgeBaseForm)
	}
	return knowledgeBase{id: parts[3], arn: text, region: parts[2], partition: parts[1]}, nil
}

// readKnowledgeBase reads a knowledge base that must not be in another region than the one that was entered beside it.
// The region of the provider's credentials is only what applies where nothing else is said.
func readKnowledgeBase(text, region string) (knowledgeBase, error) {
	k, err := parseKnowledgeBase(text)
	if err != nil {
		return k, err
	}
	region = strings.ToLower(strings.TrimSpace(region))
	if region == "" || k.region == "" || region == k.region {
		return k, nil
	}
	return k, fmt.Errorf("is in the region %s, and aws_region is %q: clear aws_region, or enter the knowledge base of that region", k.region, param.Clip(region))
}

// place is where requests about a knowledge base go.
type place struct{ region, partition string }

// in is the place of the knowledge base.
func (k knowledgeBase) in(acct *account.Account) place {
	if k.region != "" {
		return place{k.region, k.partition}
	}
	return placeOf(acct)
}

// placeOf is where the account works.
func placeOf(acct *account.Account) place { return place{acct.Region(), acct.Partition()} }

// resource is the knowledge base as policies name it. The account of an ID is not known.
func (k knowledgeBase) resource(at place) string {
	if k.arn != "" {
		return k.arn
	}
	return fmt.Sprintf("arn:%s:bedrock:%s:*:knowledge-base/%s", at.partition, at.region, k.id)
}

// parseID reads the ID of a part of a knowledge base. White space around it is none of it.
func parseID(text, what string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", fmt.Errorf("is required: enter the ID of the %s", what)
	}
	if !idPattern.MatchString(text) {
		return "", fmt.Errorf("is %q, and the ID of a %s has ten letters and digits", param.Clip(text), what)
	}
	return text, nil
}
