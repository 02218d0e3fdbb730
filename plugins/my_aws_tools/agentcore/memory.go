package agentcore

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcorecontrol"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// The forms and the limits, in characters, of identifiers: the API reference of AgentCore.
var (
	memoryID    = lazily(`^(?:arn:aws[a-z-]*:bedrock-agentcore:([a-z0-9-]+):[0-9]{12}:memory/)?[a-zA-Z][a-zA-Z0-9-_]{0,99}-[a-zA-Z0-9]{10}$`)
	actorID     = lazily(`^[a-zA-Z0-9][a-zA-Z0-9-_/]*(?::[a-zA-Z0-9-_/]+)*[a-zA-Z0-9-_/]*$`)
	plainID     = lazily(`^[a-zA-Z0-9][a-zA-Z0-9-_]*$`)
	namespaceID = lazily(`^[a-zA-Z0-9/][a-zA-Z0-9-_/]*(?::[a-zA-Z0-9-_/]+)*[a-zA-Z0-9-_/]*$`)
)

const (
	maxActor     = 255
	maxSession   = 100
	maxStrategy  = 100
	maxNamespace = 1024
)

// lazily compiles a pattern when it is first needed: a plugin starts in less time than it takes to compile them all.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// identifier is a parameter without the white space and the quotation marks that models and people put around it.
func identifier(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return strings.ContainsRune(" \t\r\n\"'", r) })
}

func checkMemoryID(id string) error {
	if memoryID().MatchString(id) {
		return nil
	}
	return fmt.Errorf("is %q, which is not the ID of a memory: it is written like notes-0a1B2c3D4e, or is the ARN that ends in it", param.Clip(id))
}

func checkActorID(id string) error {
	if len(id) <= maxActor && actorID().MatchString(id) {
		return nil
	}
	return fmt.Errorf("is %q, which cannot be an actor: it begins with a letter or a digit, may hold - _ / : besides, and has at most %d characters", param.Clip(id), maxActor)
}

func checkSessionID(id string) error { return checkPlain(id, maxSession) }

func checkPlain(id string, most int) error {
	if len(id) <= most && plainID().MatchString(id) {
		return nil
	}
	return fmt.Errorf("is %q: it begins with a letter or a digit, may hold - and _ besides, and has at most %d characters", param.Clip(id), most)
}

func checkNamespace(namespace string) error {
	switch {
	case strings.Contains(namespace, "*"):
		return fmt.Errorf("is %q, and AgentCore knows no wildcards in namespaces: leave out the * and all behind it, since a namespace stands for everything below it", param.Clip(namespace))
	case len(namespace) > maxNamespace || !namespaceID().MatchString(namespace):
		return fmt.Errorf("is %q, which cannot be a namespace: it is written like /semantic/actor_1/session_1, with letters, digits, - _ / : and at most %d characters", param.Clip(namespace), maxNamespace)
	}
	return nil
}

func required(text string) error {
	if text == "" {
		return errors.New("is missing")
	}
	return nil
}

// memory is a memory resource of AgentCore and the way to it.
type memory struct {
	account *account.Account
	// id is an ID or an ARN.
	id     string
	region string
	// unusable says that its creation has failed.
	unusable bool
	data     *bedrockagentcore.Client
}

// openMemory does not look whether the memory is there. The region is that of its ARN, where it is one.
func openMemory(acct *account.Account, id string) *memory {
	m := &memory{account: acct, id: id, region: acct.Region()}
	if parts := memoryID().FindStringSubmatch(id); parts != nil && parts[1] != "" {
		m.region = parts[1]
	}
	cfg := acct.Config(account.BedrockAgentCore)
	cfg.Region = m.region
	m.data = bedrockagentcore.NewFromConfig(cfg)
	return m
}

// control is the client of the host that makes memories and knows their state. Most calls need none.
func (m *memory) control() *bedrockagentcorecontrol.Client {
	cfg := m.account.Config(account.BedrockAgentCoreControl)
	cfg.Region = m.region
	return bedrockagentcorecontrol.NewFromConfig(cfg)
}

// bareID is the ID in an ARN, or the ID.
func (m *memory) bareID() string { return m.id[strings.LastIndexByte(m.id, '/')+1:] }

// explain says what became of a request about the memory.
func (m *memory) explain(err error, doing, operation string) error {
	resource := ""
	if m.id != "" {
		resource = fmt.Sprintf("arn:%s:bedrock-agentcore:%s:*:memory/%s", m.account.Partition(), m.region, m.bareID())
	}
	return account.Error(err, account.Operation{
		Doing: doing, Service: "AgentCore Memory", Action: "bedrock-agentcore:" + operation, Resource: resource, Region: m.region,
		Faults: memoryFaults(),
	})
}

// memoryFaults are the errors of operations on memories, after the API reference of AgentCore.
func memoryFaults() map[string]account.Fault {
	refused := account.Fault{Kind: plugin.BadRequest, Text: "AgentCore does not accept the request{said}"}
	return map[string]account.Fault{
		"ResourceNotFoundException":  {Kind: plugin.BadRequest, Text: "there is no such memory in the region {region}: check memory_id and aws_region{said}"},
		"ValidationException":        refused,
		"InvalidInputException":      refused,
		"ConflictException":          {Kind: plugin.BadRequest, Text: "it is at odds with what is there already{said}"},
		"RetryableConflictException": {Kind: plugin.Unavailable, Text: "another event of the session is being written: try again{said}"},
	}
}
