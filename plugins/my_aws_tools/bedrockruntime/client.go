package bedrockruntime

import (
	"cmp"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// The longest answers in bytes: five images of Nova Canvas in base64, and everything else.
const (
	maxImageAnswer = 128 << 20
	maxAnswer      = 16 << 20
)

// client is Bedrock's runtime in one region, for one call of a tool.
type client struct {
	region string
	// runtime repeats what failed, as the SDK does; paying does so only for what AWS has not performed.
	runtime, paying *bedrockruntime.Client
	line            *account.Line
}

// newClient makes a client for a region, that of the account where it is "", and for answers of at most limit bytes.
func newClient(acct *account.Account, region string, limit int64) client {
	cfg := acct.Config(account.BedrockRuntime)
	cfg.Region = cmp.Or(region, cfg.Region)
	c := client{region: cfg.Region, line: account.NewLine(cfg.HTTPClient, "Bedrock", limit)}
	cfg.HTTPClient = c.line
	c.runtime = bedrockruntime.NewFromConfig(cfg)
	cfg.Retryer = account.Once(cfg.Retryer)
	c.paying = bedrockruntime.NewFromConfig(cfg)
	return c
}
