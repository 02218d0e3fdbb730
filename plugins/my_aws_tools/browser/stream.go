package browser

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/coder/websocket"
)

const (
	// signingName is the name of AgentCore in signatures.
	signingName = "bedrock-agentcore"
	// emptyHash is the SHA-256 of no body.
	emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	// maxMessage bounds one message of the browser, in bytes: a large screenshot or a long text has to fit.
	maxMessage = 64 << 20
	// handshakes is how often a connection is tried at most, and handshakePause the pause after the first time.
	handshakes     = 3
	handshakePause = 200 * time.Millisecond
)

// endpoint is where AgentCore's data plane answers for an account: the official host of the region, or the one that the
// credentials of the provider name.
func endpoint(acct *account.Account) string {
	if own := acct.Endpoint(account.BedrockAgentCore); own != "" {
		return strings.TrimSuffix(own, "/")
	}
	return "https://bedrock-agentcore." + acct.Region() + "." + acct.DNSSuffix()
}

// streamURL is the address of the automation stream of a session.
func streamURL(acct *account.Account, of session) string {
	return "wss" + strings.TrimPrefix(endpoint(acct), "https") + streamPath(of)
}

func streamPath(of session) string {
	return "/browser-streams/" + of.browser + "/sessions/" + of.id + "/automation"
}

// readStreamURL returns the session that a stream belongs to. Something signed is sent there, so that it must be a
// stream of the session that was asked for, at a host where AgentCore is expected.
func readStreamURL(acct *account.Account, text, id string) (session, error) {
	refused := func(why string) (session, error) {
		return session{}, plugin.Errorf(plugin.BadRequest, "the parameter %s names an address that is not connected to: %s. Delete the parameter, and start a session with init_browser_session",
			recordName(id), why)
	}
	at, err := url.Parse(text)
	expected, expectedErr := url.Parse(endpoint(acct))
	switch {
	case err != nil || expectedErr != nil || at.Scheme != "wss" || at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return refused("it is not written like wss://HOST/browser-streams/BROWSER/sessions/SESSION/automation")
	case !strings.EqualFold(at.Host, expected.Host):
		return refused(fmt.Sprintf("its host is %q and not %s, where AgentCore is in this region", at.Host, expected.Host))
	}
	rest, ok := strings.CutPrefix(at.Path, expected.Path+"/browser-streams/")
	browser, _, _ := strings.Cut(rest, "/")
	found := session{browser, id}
	if !ok || !isBrowserID(browser) || at.Path != expected.Path+streamPath(found) {
		return refused("it is not the automation stream of the session " + id)
	}
	return found, nil
}

// sign makes the headers of a handshake with the keys of an account.
func sign(ctx context.Context, acct *account.Account, of session, at time.Time) (http.Header, error) {
	keys, err := acct.Config(account.BedrockAgentCore).Credentials.Retrieve(ctx)
	if err != nil {
		return nil, account.Error(err, streamOperation(acct, of))
	}
	header, err := signed(ctx, keys, streamURL(acct, of), acct.Region(), at)
	if err != nil {
		return nil, plugin.Errorf(plugin.Unavailable, "the handshake with the browser session %s cannot be signed: %w", of.id, err)
	}
	return header, nil
}

// signed makes the headers of a handshake: those of a signed GET of the stream, to the last byte as botocore signs it.
// The signature is valid for some minutes around the time.
func signed(ctx context.Context, keys aws.Credentials, stream, region string, at time.Time) (http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https"+strings.TrimPrefix(stream, "wss"), http.NoBody)
	if err != nil {
		return nil, err
	}
	err = v4.NewSigner().SignHTTP(ctx, keys, request, emptyHash, signingName, region, at)
	return request.Header, err
}

// flat are the headers as a parameter holds them.
func flat(header http.Header) map[string]string {
	flat := map[string]string{}
	for name := range header {
		flat[name] = header.Get(name)
	}
	return flat
}

// connect opens the stream of a session, with headers that are signed for it. What may pass is tried again.
func connect(ctx context.Context, acct *account.Account, of session) (*websocket.Conn, error) {
	client := &http.Client{
		Transport:     acct.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	for try, pause := 1, handshakePause; ; try, pause = try+1, 2*pause {
		header, err := sign(ctx, acct, of, time.Now())
		if err != nil {
			return nil, err
		}
		socket, answer, err := websocket.Dial(ctx, streamURL(acct, of), &websocket.DialOptions{
			HTTPClient: client, HTTPHeader: header, CompressionMode: websocket.CompressionDisabled,
		})
		if err == nil {
			socket.SetReadLimit(maxMessage)
			return socket, nil
		}
		status := 0
		if answer != nil {
			status = answer.StatusCode
		}
		failed := handshakeError(acct, of, status, err)
		passing := status == http.StatusConflict || status == http.StatusTooManyRequests || status >= http.StatusInternalServerError || plugin.KindOf(failed) == plugin.Connection
		if !passing || try == handshakes || smithytime.SleepWithContext(ctx, pause+rand.N(pause)) != nil {
			return nil, failed
		}
	}
}

// handshakeError says why the stream of a session could not be opened. The status is 0 where there was no answer.
func handshakeError(acct *account.Account, of session, status int, err error) error {
	doing := "connect to the browser of the session " + of.id
	op := streamOperation(acct, of)
	switch {
	case status == 0:
		return account.Error(err, op)
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return plugin.Errorf(plugin.Authorization, "could not %s: access was denied: give these credentials the permission %s on %s in the IAM console, and set the clock of the "+
			"machine on which the plugin runs (Bedrock AgentCore, HTTP status %d)", doing, op.Action, op.Resource, status)
	case status == http.StatusNotFound, status == http.StatusGone:
		return plugin.Errorf(plugin.BadRequest, "could not %s: it has ended, although its parameter %s is still there. Clear it with close_browser_session, and start another session with "+
			"init_browser_session (Bedrock AgentCore, HTTP status %d)", doing, recordName(of.id), status)
	case status == http.StatusConflict:
		return plugin.Errorf(plugin.Unavailable, "could not %s: somebody else is connected to it: try again in some minutes (Bedrock AgentCore, HTTP status %d)", doing, status)
	case status == http.StatusTooManyRequests:
		return plugin.Errorf(plugin.RateLimit, "could not %s: Bedrock AgentCore asks for fewer requests at a time: try again in a minute (HTTP status %d)", doing, status)
	case status >= http.StatusInternalServerError:
		return plugin.Errorf(plugin.Unavailable, "could not %s: Bedrock AgentCore has a failure of its own: try again in a minute (HTTP status %d)", doing, status)
	}
	return plugin.Errorf(plugin.BadRequest, "could not %s: Bedrock AgentCore refused the connection (HTTP status %d)", doing, status)
}

func streamOperation(acct *account.Account, of session) account.Operation {
	return account.Operation{
		Doing: "connect to the browser of the session " + of.id, Service: "Bedrock AgentCore", Action: "bedrock-agentcore:ConnectBrowserAutomationStream",
		Resource: arn(acct, of.browser), Region: acct.Region(),
	}
}

// isEnd reports whether an error is that of a context.
func isEnd(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
