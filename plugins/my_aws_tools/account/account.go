package account

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/logging"
	"github.com/cloudplugins/difyplugin/plugin"
)

// The services that the plugin calls, by the names that they have in aws_endpoint_url and in the configuration of the
// AWS command line.
const (
	S3                      = "s3"
	STS                     = "sts"
	DynamoDB                = "dynamodb"
	Lambda                  = "lambda"
	StepFunctions           = "sfn"
	Bedrock                 = "bedrock"
	BedrockRuntime          = "bedrock_runtime"
	BedrockAgent            = "bedrock_agent"
	BedrockAgentRuntime     = "bedrock_agent_runtime"
	BedrockAgentCore        = "bedrock_agentcore"
	BedrockAgentCoreControl = "bedrock_agentcore_control"
	SageMakerRuntime        = "sagemaker_runtime"
	Transcribe              = "transcribe"
	Comprehend              = "comprehend"
	SSM                     = "ssm"
	OpenSearch              = "opensearch"
)

// Attempts is how often a request is sent at most, the first time included.
const Attempts = 3

// Account is who calls AWS and from where, for the time of one call. Its methods may be called from any goroutine.
type Account struct {
	process  *Process
	identity identity
	region   string
	endpoint endpoints
}

// open resolves the credentials of a tool call and of the provider.
func open(ctx context.Context, given entry, saved plugin.Credentials) (*Account, error) {
	process, err := processOf(ctx)
	if err != nil {
		return nil, err
	}
	return process.open(given, saved)
}

// Config is the configuration of a client of one service, one of the constants. It carries the credentials, the
// region, the endpoint where one applies, the connections of the process and a standard retryer of three attempts;
// the deadline is that of the context of each request. Change the region of one client in the client's options.
func (a *Account) Config(service string) aws.Config {
	cfg := aws.Config{
		Region:      a.region,
		Credentials: a.identity,
		HTTPClient:  a.process.client(),
		Retryer:     a.process.retryer,
		Logger:      logging.Nop{},
		// One host per service, whatever the keys say about their account.
		AccountIDEndpointMode: aws.AccountIDEndpointModeDisabled,
		APIOptions:            forgetExpired(a.identity),
	}
	// Bodies have checksums, but for stores that only resemble S3 and may not know them.
	cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenSupported
	cfg.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenSupported
	if at, ok := a.endpoint.of(service); ok {
		cfg.BaseEndpoint = aws.String(at)
		cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		cfg.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	}
	return cfg
}

// Key stands for who calls AWS and from where, and for the given parts: for the whole of the credentials, the role, the
// endpoints and the region. It is for what a process keeps between calls, so that one user never gets what is another's.
// It is a hash under a key of the process, from which nothing can be read back.
func (a *Account) Key(parts ...string) [32]byte {
	id := a.identity
	key := cacheKey{"account", id.keys.id, id.keys.secret, id.keys.token, id.role.arn, id.role.externalID, a.region, fmt.Sprint(len(a.endpoint))}
	for _, service := range slices.Sorted(maps.Keys(a.endpoint)) {
		key = append(key, service, a.endpoint[service])
	}
	return a.process.sessions.fingerprint(append(key, parts...))
}

// Region is the region of the call, such as us-east-1.
func (a *Account) Region() string { return a.region }

// Partition is the partition of the region, as ARNs name it: aws, aws-cn or aws-us-gov among others.
func (a *Account) Partition() string { return partitionOf(a.region).name }

// DNSSuffix is the domain of the official hosts of the region, such as amazonaws.com or amazonaws.com.cn.
func (a *Account) DNSSuffix() string { return partitionOf(a.region).suffix }

// PathStyle reports whether buckets belong into the path of a request instead of its host: where the provider's
// credentials name an endpoint for S3.
func (a *Account) PathStyle() bool {
	_, own := a.endpoint.of(S3)
	return own
}

// Endpoint is the URL that the provider's credentials name for a service, or "" where it is reached at AWS.
func (a *Account) Endpoint(service string) string {
	at, _ := a.endpoint.of(service)
	return at
}

// Transport carries the requests of a client that is not one of the AWS SDK's, under the rules for all of them. It
// signs nothing.
func (a *Account) Transport() http.RoundTripper { return a.process.transport }
