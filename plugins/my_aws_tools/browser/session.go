package browser

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentcore"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

// managed is the browser that every AWS account has.
const managed = "aws.browser.v1"

const (
	maxSessionID = 40 // characters
	maxBrowserID = 100
)

// isSessionID follows the pattern of session IDs in the API reference of StopBrowserSession.
func isSessionID(text string) bool {
	return text != "" && len(text) <= maxSessionID && !strings.ContainsFunc(text, isNotAlphanumeric)
}

// isBrowserID accepts aws.browser.v1 and the IDs of browsers that accounts make.
func isBrowserID(text string) bool {
	return text != "" && len(text) <= maxBrowserID && !isNotAlphanumeric(rune(text[0])) &&
		!strings.ContainsFunc(text, func(r rune) bool { return isNotAlphanumeric(r) && !strings.ContainsRune("._-", r) })
}

func isNotAlphanumeric(r rune) bool {
	return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// session names a browser session.
type session struct{ browser, id string }

// started is a session that was just started.
type started struct {
	session
	expires time.Time
}

// sessions starts and stops browser sessions in one account.
type sessions struct {
	acct   *account.Account
	client *bedrockagentcore.Client
}

func newSessions(acct *account.Account) sessions {
	return sessions{acct: acct, client: bedrockagentcore.NewFromConfig(acct.Config(account.BedrockAgentCore))}
}

// start starts a session. Its end is reckoned from before the request, so that it is never promised for too late.
func (s sessions) start(ctx context.Context, browser string, timeout time.Duration) (started, error) {
	ends := time.Now().Add(timeout)
	out, err := s.client.StartBrowserSession(ctx, &bedrockagentcore.StartBrowserSessionInput{
		BrowserIdentifier: aws.String(browser), Name: aws.String("browser-session-" + suffix()),
		SessionTimeoutSeconds: aws.Int32(int32(timeout / time.Second)),
	})
	if err != nil {
		return started{}, account.Error(err, s.operation("start a session of the browser "+browser, "bedrock-agentcore:StartBrowserSession", browser))
	}
	id := aws.ToString(out.SessionId)
	if !isSessionID(id) {
		return started{}, plugin.Errorf(plugin.Unavailable, "AgentCore has started a session of the browser %s without saying which: it ends by itself within %s; try again", browser, timeout)
	}
	return started{session{browser, id}, ends}, nil
}

// suffix is what tells the names of sessions apart.
func suffix() string {
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	return hex.EncodeToString(random)
}

// stop stops a session and reports whether it was still there.
func (s sessions) stop(ctx context.Context, of session) (was bool, err error) {
	_, err = s.client.StopBrowserSession(ctx, &bedrockagentcore.StopBrowserSessionInput{
		BrowserIdentifier: aws.String(of.browser), SessionId: aws.String(of.id),
	})
	if account.Code(err) == "ResourceNotFoundException" {
		return false, nil
	}
	return err == nil, account.Error(err, s.operation("stop the browser session "+of.id, "bedrock-agentcore:StopBrowserSession", of.browser))
}

func (s sessions) operation(doing, action, browser string) account.Operation {
	return account.Operation{
		Doing: doing, Service: "Bedrock AgentCore", Action: action, Resource: arn(s.acct, browser), Region: s.acct.Region(),
		Faults: map[string]account.Fault{
			"ResourceNotFoundException":     {Kind: plugin.BadRequest, Text: "there is no such browser in the region {region}: check browser_identifier and aws_region{said}"},
			"ServiceQuotaExceededException": {Kind: plugin.RateLimit, Text: "as many browser sessions run as the quota of the account allows: close some, or raise the quota{said}"},
			"ValidationException":           {Kind: plugin.BadRequest, Text: "AgentCore does not accept a parameter{said}"},
			"ConflictException":             {Kind: plugin.Unavailable, Text: "the session is just being changed by somebody else: try again in a minute{said}"},
		},
	}
}

// arn is the name of a browser in policies. The account is left open: the keys do not say it.
func arn(acct *account.Account, browser string) string {
	if browser == managed {
		return fmt.Sprintf("arn:%s:bedrock-agentcore:%s:aws:browser/%s", acct.Partition(), acct.Region(), browser)
	}
	return fmt.Sprintf("arn:%s:bedrock-agentcore:%s:*:browser-custom/%s", acct.Partition(), acct.Region(), browser)
}
