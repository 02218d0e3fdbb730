package account

import (
	"slices"
	"strings"
)

// Official reports whether a host is one of those at which AWS offers the services that the plugin calls, such as
// sts.us-east-1.amazonaws.com, documents.s3.eu-west-1.amazonaws.com or
// search-pictures-abc.us-east-1.es.amazonaws.com. Hosts below the same domains that customers
// can point to addresses of their own choice, those of machines, load balancers and private links, are not official.
func Official(host string) bool {
	if officialSearch(host) {
		return true
	}
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu", ".api.aws", ".api.amazonwebservices.com.cn"} {
		if name, ok := strings.CutSuffix(host, suffix); ok {
			return officialName(strings.Split(name, "."))
		}
	}
	return false
}

// officialName judges what stands before the domain: a service, a region, and for S3 a bucket in front.
func officialName(labels []string) bool {
	labels = slices.DeleteFunc(labels, func(label string) bool { return label == "dualstack" })
	last := len(labels) - 1
	if last < 1 {
		return len(labels) == 1 && slices.Contains([]string{"s3", "sts"}, labels[0]) // the hosts without a region
	}
	if !ValidRegion(labels[last]) {
		return labels[last] == "s3" // a bucket at the host without a region
	}
	service := labels[last-1]
	if service == "s3" || service == "s3-fips" {
		return true
	}
	return slices.Contains(officialServices(), strings.TrimSuffix(strings.Join(labels[:last], "."), "-fips"))
}

// officialServices are the names of the services in AWS's host names.
func officialServices() []string {
	return []string{
		"sts", "dynamodb", "lambda", "states", "sync-states", "bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime",
		"bedrock-agentcore", "bedrock-agentcore-control", "runtime.sagemaker", "transcribe", "comprehend", "ssm",
	}
}
