package stepfunctions

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// machine is a state machine, by the parts of its ARN.
type machine struct {
	arn string // with a version or an alias, if the user named one
	// prefix is the ARN up to the account and its colon, the same for the state machine and its executions.
	prefix, region, name string
}

// execution is an execution, by the parts of its ARN.
type execution struct {
	arn                           string
	prefix, region, machine, name string
	express                       bool
}

const (
	arnPrefix   = `(?P<prefix>arn:aws[a-z-]*:states:(?P<region>[a-z0-9-]+):[0-9]{12}:)`
	arnName     = `(?P<name>[^\s:/]{1,80})`
	machineForm = "write it like arn:aws:states:us-east-1:123456789012:stateMachine:NAME; a version or an alias may follow behind a colon"
	// maxARN is how many characters an ARN has at most.
	maxARN = 256
)

var (
	machinePattern = regexp.MustCompile(`^` + arnPrefix + `stateMachine:` + arnName + `(?::[^\s:/]{1,80})?$`)
	labelPattern   = regexp.MustCompile(`^` + arnPrefix + `stateMachine:[^\s:/]+/[^\s:/]+$`)
	// An execution that a Map Run has started has the label of that behind the name of the state machine.
	executionPattern = regexp.MustCompile(`^` + arnPrefix + `execution:(?P<machine>[^\s:/]{1,80})(?:/[^\s:/]+)?:(?P<name>[^\s:]+)$`)
	expressPattern   = regexp.MustCompile(`^` + arnPrefix + `express:(?P<machine>[^\s:/]{1,80}):(?P<name>[^\s:]+):[^\s:]+$`)
)

// parseMachine reads the ARN of a state machine. White space around it is none of it.
func parseMachine(text string) (machine, error) {
	text = strings.TrimSpace(text)
	if labelPattern.MatchString(text) {
		return machine{}, fmt.Errorf("is the ARN of a map state (%s), which cannot be started by itself: leave out what follows the slash", param.Clip(text))
	}
	found := machinePattern.FindStringSubmatch(text)
	if found == nil || len(text) > maxARN {
		return machine{}, fmt.Errorf("is %q, which is not the ARN of a state machine: %s", param.Clip(text), machineForm)
	}
	part := func(name string) string { return found[machinePattern.SubexpIndex(name)] }
	m := machine{arn: text, prefix: part("prefix"), region: part("region"), name: part("name")}
	if !account.ValidRegion(m.region) {
		return machine{}, fmt.Errorf("names the region %q, which is not written like one: %s", param.ClipTo(m.region, 60), machineForm)
	}
	return m, nil
}

// parseExecution reads the ARN of an execution.
func parseExecution(text string) (execution, bool) {
	for _, pattern := range []*regexp.Regexp{executionPattern, expressPattern} {
		found := pattern.FindStringSubmatch(text)
		if found == nil || len(text) > maxARN {
			continue
		}
		part := func(name string) string { return found[pattern.SubexpIndex(name)] }
		return execution{
			arn: text, prefix: part("prefix"), region: part("region"), machine: part("machine"), name: part("name"), express: pattern == expressPattern,
		}, true
	}
	return execution{}, false
}

// checkRegion refuses an ARN of another region than the one that was entered beside it. A region that stands in the
// credentials of the provider is only what applies where nothing else is said.
func (m machine) checkRegion(given string) error {
	given = strings.ToLower(strings.TrimSpace(given))
	if given == "" || given == m.region {
		return nil
	}
	return fmt.Errorf("is in the region %s, and aws_region is %q: clear aws_region, or enter the state machine of that region", m.region, param.ClipTo(given, 60))
}

// execution reads the ARN of an execution that is to be picked up, which must be one of the state machine.
func (m machine) execution(text string) (execution, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return execution{}, nil
	}
	e, ok := parseExecution(text)
	switch {
	case !ok:
		return e, fmt.Errorf("is %q, which is not the ARN of an execution: enter the execution_arn that this tool has returned", param.Clip(text))
	case e.express:
		return e, fmt.Errorf("is an execution of an EXPRESS state machine, and AWS does not let those be looked up: see the log of the state machine in CloudWatch")
	case m.arn != "" && (e.prefix != m.prefix || e.machine != m.name):
		return e, fmt.Errorf("is %s, which is not an execution of the state machine %s: enter both of the same state machine", param.Clip(text), m.arn)
	}
	return e, nil
}
