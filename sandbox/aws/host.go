package aws

import (
	"net"
	"regexp"
	"slices"
	"strings"
)

// target is what the host of a request names.
type target struct {
	// service is the name under which a service is registered; empty for a bound host that serves all.
	service string
	// region is empty for hosts that name none.
	region string
	bucket string
	china  bool
	// bound says that the host is one of [Cloud.Bind].
	bound bool
}

// HostPatterns are the hosts of AWS that the cloud answers for.
func (c *Cloud) HostPatterns() []string {
	return []string{"*.amazonaws.com", "*.amazonaws.com.cn", "*.on.aws"}
}

// Bind makes the cloud answer at another host, for clients with an endpoint of their own: for one service, or for all
// registered ones when service is empty. Any region is right there, and buckets are in the path.
func (c *Cloud) Bind(host, service string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bound[strings.ToLower(host)] = service
}

func (c *Cloud) target(hostport string) (target, bool) {
	host := strings.ToLower(hostport)
	if bare, _, err := net.SplitHostPort(host); err == nil {
		host = bare
	}
	c.mu.Lock()
	service, ok := c.bound[host]
	c.mu.Unlock()
	if ok {
		return target{service: service, bound: true}, true
	}
	if name, ok := strings.CutSuffix(host, ".amazonaws.com.cn"); ok {
		t, ok := parseHost(name)
		t.china = true
		return t, ok && strings.HasPrefix(t.region, "cn-")
	}
	if name, ok := strings.CutSuffix(host, ".amazonaws.com"); ok {
		t, ok := parseHost(name)
		return t, ok && !strings.HasPrefix(t.region, "cn-")
	}
	if name, ok := strings.CutSuffix(host, ".on.aws"); ok {
		return searchTarget(strings.Split(name, "."), 1)
	}
	return target{}, false
}

// searchTarget reads the hosts of OpenSearch: NAME.REGION.es and NAME.REGION.aoss, or with the service at another place
// NAME.aos.REGION and NAME.aoss.REGION.
func searchTarget(labels []string, service int) (target, bool) {
	if len(labels) != 3 || !regionPattern.MatchString(labels[3-service]) {
		return target{}, false
	}
	switch labels[service] {
	case "es", "aos":
		return target{service: "es", region: labels[3-service]}, true
	case "aoss":
		return target{service: "aoss", region: labels[3-service]}, true
	}
	return target{}, false
}

var regionPattern = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+){1,3}-[0-9]{1,2}$`)

// parseHost reads what stands before the domain: SERVICE.REGION, s3.REGION, BUCKET.s3.REGION, NAME.REGION.es, and the
// hosts of S3 and STS without a region, which are in us-east-1.
func parseHost(name string) (target, bool) {
	labels := slices.DeleteFunc(strings.Split(name, "."), func(label string) bool { return label == "dualstack" })
	if t, ok := searchTarget(labels, 2); ok {
		return t, true
	}
	last := len(labels) - 1
	if !regionPattern.MatchString(labels[last]) {
		labels = append(labels, "us-east-1")
		last++
		if global := labels[last-1]; global != "s3" && global != "sts" {
			return target{}, false
		}
	}
	region := labels[last]
	if last == 0 {
		return target{}, false
	}
	if labels[last-1] == "s3" {
		return target{service: "s3", region: region, bucket: strings.Join(labels[:last-1], ".")}, true
	}
	return target{service: strings.Join(labels[:last], "."), region: region}, true
}

// signingName is the name of a service in signatures and in the actions of policies.
func signingName(service string) string {
	switch service {
	case "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime":
		return "bedrock"
	case "bedrock-agentcore-control":
		return "bedrock-agentcore"
	case "runtime.sagemaker":
		return "sagemaker"
	case "sync-states":
		return "states"
	}
	return service
}
