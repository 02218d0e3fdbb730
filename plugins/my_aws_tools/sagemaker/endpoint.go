package sagemaker

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxName is how many characters the name of an endpoint has at most.
const maxName = 63

var (
	// The form of EndpointName in the reference of the SageMaker Runtime API.
	namePattern = regexp.MustCompile(`^[a-zA-Z0-9](-*[a-zA-Z0-9])*$`)
	arnPattern  = regexp.MustCompile(`^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:[0-9]{12}:endpoint/(.+)$`)
)

// parseEndpoint reads the name of an endpoint. White space around it is none of it. An ARN is refused: it names an
// account, and a request reaches the endpoints of the account that signs it and no others.
func parseEndpoint(text string) (string, error) {
	text = strings.TrimSpace(text)
	if found := arnPattern.FindStringSubmatch(text); found != nil {
		return "", fmt.Errorf("is an ARN: enter only the name at its end, %s, and its region as aws_region", param.Clip(found[1]))
	}
	if len(text) > maxName || !namePattern.MatchString(text) {
		return "", fmt.Errorf("is %q, which is not the name of a SageMaker endpoint: letters, digits and hyphens between them, at most %d characters", param.Clip(text), maxName)
	}
	return text, nil
}

// endpointARN is the endpoint for policies; a star stands for the account, which is not known.
func endpointARN(acct *account.Account, name string) string {
	return fmt.Sprintf("arn:%s:sagemaker:%s:*:endpoint/%s", acct.Partition(), acct.Region(), name)
}
