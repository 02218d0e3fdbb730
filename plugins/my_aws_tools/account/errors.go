package account

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
)

// Operation is one request to AWS, for the errors about it.
type Operation struct {
	// Doing completes the words "could not", such as "read s3://documents/a.txt".
	Doing string
	// Service is the service as people call it, such as "DynamoDB".
	Service string
	// Action is the permission that it needs, as access policies name it, such as "s3:GetObject".
	Action string
	// Resource is what a policy has to name besides: an ARN, or "" for anything.
	Resource string
	// Region is where the request went.
	Region string
	// Faults are sentences for error codes that are particular to the operation. They win over the general ones.
	Faults map[string]Fault
}

// Fault is what an error code of AWS means to a user.
type Fault struct {
	Kind plugin.Kind
	// Text says what is wrong and what to do. It may hold {action}, {resource}, {region}, {service} and {said}, which
	// is what AWS said.
	Text string
}

// Error says to the user what went wrong and what to do: "could not read s3://documents/a.txt: access was denied: …
// (S3, AccessDenied, request ID 4ZB…)". The result is a [*plugin.Error] of a kind that Dify knows, which wraps err; nil
// stays nil. It never holds a key, a signature or the query of a URL.
func Error(err error, op Operation) error {
	if err == nil {
		return nil
	}
	var known *plugin.Error
	var answered smithy.APIError
	status, _ := statusAndID(err)
	switch {
	case errors.As(err, &known):
		return op.wrap(err, known.Kind, "%s", known.Message)
	case errors.As(err, &answered):
		return op.explainAnswer(err, answered)
	case ended(err):
		return fmt.Errorf("could not %s: %w", op.Doing, bare(err))
	case status != 0:
		return op.explainStatus(err, status)
	}
	return op.explainConnection(err)
}

// Code is the code of an error that AWS answered, such as NoSuchKey or ResourceNotFoundException, or "" where err is
// no such error.
func Code(err error) string {
	var answered smithy.APIError
	if !errors.As(err, &answered) {
		return ""
	}
	code := answered.ErrorCode()
	return code[strings.LastIndexByte(code, '#')+1:]
}

// explained is an error with a sentence in place of its own text, which may hold what users should not see.
type explained struct {
	text  string
	cause error
}

func (e *explained) Error() string { return e.text }

// Unwrap returns the cause, for those who look into it by type.
func (e *explained) Unwrap() error { return e.cause }

// wrap returns an error about the operation that hides the text of its cause.
func (op Operation) wrap(cause error, kind plugin.Kind, format string, args ...any) error {
	return plugin.Errorf(kind, "%w", &explained{text: "could not " + op.Doing + ": " + fmt.Sprintf(format, args...), cause: cause})
}

// ended reports whether the call itself was over: its time had run out, or the user had given up. A connection that
// took too long to open looks the same to errors.Is, but is one that could not be opened.
func ended(err error) bool {
	var connecting *net.OpError
	return !errors.As(err, &connecting) && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled))
}

// bare is what a context says, without the URLs around it.
func bare(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return context.DeadlineExceeded
	}
	return context.Canceled
}

// faults lists the error codes that all services share, under the names that their protocols have for them.
func faults() map[string]Fault {
	var (
		badKey    = Fault{plugin.Authorization, "AWS does not know the access key in {region}: copy " + fieldID + " again, check in the IAM console that the key is active, and for a key that begins with ASIA fill in its session token too; keys of AWS China and GovCloud are valid only in the regions there"}
		badSecret = Fault{plugin.Authorization, "the signature is wrong, so " + fieldSecret + " does not belong to " + fieldID + ": copy both again"}
		badToken  = Fault{plugin.Authorization, fieldToken + " does not belong to the access key: copy the key, the secret and the token again from the same source"}
		expired   = Fault{plugin.Authorization, "the temporary credentials have expired: fill in new ones, or use permanent keys, with a role if need be"}
		clock     = Fault{plugin.Authorization, "the signature is out of its time: set the clock of the machine on which the plugin runs"}
		noScope   = Fault{plugin.BadRequest, "the request was signed for another region than the one it went to ({region}): check " + fieldRegion + " and " + fieldEndpoint}
		inactive  = Fault{plugin.Authorization, "the AWS account or the region {region} is not active for it: switch the region on in the account settings, or finish signing up for the service"}
		denied    = Fault{plugin.Authorization, "access was denied: give these credentials the permission {action} on {resource} in the IAM console, and check the resource's own policy{said}"}
		tooMany   = Fault{plugin.RateLimit, "{service} asks for fewer requests at a time: try again in a minute, or raise the quota of the account{said}"}
		broken    = Fault{plugin.Unavailable, "{service} has a failure of its own: try again in a minute"}
		slow      = Fault{plugin.Connection, "the connection to {service} is too slow: try again"}
	)
	table := map[string]Fault{}
	for _, group := range []struct {
		fault Fault
		codes string
	}{
		{badKey, "InvalidAccessKeyId InvalidClientTokenId UnrecognizedClientException UnrecognizedClient InvalidAccessKeyIdException NotSignedUp"},
		{badSecret, "SignatureDoesNotMatch InvalidSignatureException InvalidSignature"},
		{badToken, "InvalidToken InvalidSecurityToken InvalidTokenException"},
		{expired, "ExpiredToken ExpiredTokenException TokenRefreshRequired RequestExpired"},
		{clock, "RequestTimeTooSkewed RequestInTheFuture"},
		{noScope, "AuthorizationHeaderMalformed IncompleteSignature IncompleteSignatureException"},
		{inactive, "OptInRequired SubscriptionRequiredException RegionDisabledException AccountProblem InvalidPayer AllAccessDisabled"},
		{denied, "AccessDenied AccessDeniedException UnauthorizedOperation AuthorizationError NotAuthorized UnauthorizedException ForbiddenException Forbidden"},
		{tooMany, "Throttling ThrottlingException ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException TooManyRequests SlowDown RequestLimitExceeded ProvisionedThroughputExceededException BandwidthLimitExceeded LimitExceededException ServiceQuotaExceededException PriorRequestNotComplete"},
		{broken, "InternalError InternalFailure InternalServerError InternalServerException InternalServiceError ServiceException ServiceUnavailable ServiceUnavailableException ServiceFailure"},
		{slow, "RequestTimeout RequestTimeoutException"},
	} {
		for code := range strings.FieldsSeq(group.codes) {
			table[code] = group.fault
		}
	}
	return table
}

// faultOf looks a code up. Some causes hide behind a code for many, and only the message tells.
func (op Operation) faultOf(answered smithy.APIError, status int) Fault {
	code, message := Code(answered), strings.ToLower(answered.ErrorMessage())
	general := faults()
	if found, ok := op.Faults[code]; ok {
		return found
	}
	switch found, ok := general[code]; {
	case code != "AccessDenied" && strings.HasPrefix(message, "signature expired"), strings.HasPrefix(message, "signature not yet current"):
		return general["RequestTimeTooSkewed"]
	case strings.HasPrefix(message, "credential should be scoped to"):
		return general["AuthorizationHeaderMalformed"]
	case ok:
		return found
	}
	return unknownFault(status, answered.ErrorFault())
}

// unknownFault goes by the status, and repeats what AWS said.
func unknownFault(status int, blame smithy.ErrorFault) Fault {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Fault{plugin.Authorization, "access was denied: check the permission {action} on {resource} in the IAM console{said}"}
	case status == http.StatusTooManyRequests:
		return Fault{plugin.RateLimit, "{service} asks for fewer requests at a time: try again in a minute{said}"}
	case status >= http.StatusInternalServerError, status == 0 && blame == smithy.FaultServer:
		return Fault{plugin.Unavailable, "{service} has a failure of its own: try again in a minute{said}"}
	case status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return Fault{plugin.BadRequest, "{service} sends the request elsewhere, which is not followed: check " + fieldRegion + " and " + fieldEndpoint + "{said}"}
	default:
		return Fault{plugin.BadRequest, "{service} refused the request{said}"}
	}
}

func (op Operation) explainAnswer(err error, answered smithy.APIError) error {
	status, id := statusAndID(err)
	found := op.faultOf(answered, status)
	said := oneLine(answered.ErrorMessage())
	if said != "" {
		said = "; AWS said: " + said
	}
	code := oneLine(Code(answered))
	if code == "" {
		code = fmt.Sprintf("HTTP status %d", status)
	}
	if id != "" {
		id = ", request ID " + oneLine(id)
	}
	return op.wrap(err, found.Kind, "%s (%s, %s%s)", op.fill(found.Text, said), op.service(), code, id)
}

// statusAndID are those of the answer; the status is 0 where there was none.
func statusAndID(err error) (status int, id string) {
	var withID *awshttp.ResponseError
	if errors.As(err, &withID) {
		id = withID.ServiceRequestID()
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Response != nil {
		status = answer.HTTPStatusCode()
	}
	return status, id
}

func (op Operation) service() string {
	if op.Service == "" {
		return "AWS"
	}
	return op.Service
}

func (op Operation) fill(text, said string) string {
	resource := "the resource"
	if op.Resource != "" {
		resource = op.Resource
	}
	return strings.NewReplacer(
		"{action}", op.Action, "{resource}", resource, "{region}", op.Region, "{service}", op.service(), "{said}", said,
	).Replace(text)
}

// explainStatus is about an answer that is not written as AWS writes them.
func (op Operation) explainStatus(err error, status int) error {
	if status < http.StatusBadRequest && status >= http.StatusOK && status < http.StatusMultipleChoices {
		return op.wrap(err, plugin.Unavailable, "%s sent an answer that is cut off or cannot be understood: try again, and check %s if it "+
			"is filled in", op.service(), fieldEndpoint)
	}
	found := unknownFault(status, smithy.FaultUnknown)
	return op.wrap(err, found.Kind, "%s (%s, HTTP status %d)", op.fill(found.Text, ""), op.service(), status)
}

func (op Operation) explainConnection(err error) error {
	var (
		unsent      *url.Error
		noHost      *net.DNSError
		certificate *tls.CertificateVerificationError
		sending     *smithyhttp.RequestSendError
	)
	host := op.service()
	if errors.As(err, &unsent) {
		if at, parseErr := url.Parse(unsent.URL); parseErr == nil && at.Host != "" {
			host = at.Host
		}
	}
	switch {
	case errors.As(err, &noHost):
		return op.wrap(err, plugin.Connection, "the host %s was not found: check %s (%s) and %s", host, fieldRegion, op.Region, fieldEndpoint)
	case errors.As(err, &certificate):
		return op.wrap(err, plugin.Connection, "the certificate of %s is not trusted: check %s, or set SSL_CERT_FILE or AWS_CA_BUNDLE where "+
			"a proxy brings its own certificates", host, fieldEndpoint)
	case unsent != nil, errors.As(err, &sending), isNetwork(err):
		return op.wrap(err, plugin.Connection, "no connection to %s (%s): check the network of the machine on which the plugin runs, "+
			"%s (%s) and %s", host, oneLine(innermost(err).Error()), fieldRegion, op.Region, fieldEndpoint)
	}
	return op.wrap(err, plugin.BadRequest, "%s", oneLine(innermost(err).Error()))
}

func isNetwork(err error) bool {
	var network net.Error
	return errors.As(err, &network)
}

// innermost is an error without what the SDK puts around it: names of operations, attempts, and the URL, whose query
// is nobody's business.
func innermost(err error) error {
	for {
		var unsent *url.Error
		var sending *smithyhttp.RequestSendError
		var operation *smithy.OperationError
		switch {
		case errors.As(err, &unsent):
			err = unsent.Err
		case errors.As(err, &sending):
			err = sending.Err
		case errors.As(err, &operation):
			err = operation.Err
		default:
			return err
		}
	}
}

var (
	// signatureWords begin the parts of AWS's messages that repeat the request, tokens included.
	signatureWords = lazily(`(?is)(the canonical string|string-to-sign|AWS4-HMAC-SHA256|X-Amz-[A-Za-z-]+=|Signature=).*`)
	// keyID is an access key ID; the prefixes are listed in the IAM User Guide under "Unique identifiers".
	keyID = lazily(`\b(AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}\b`)
	query = lazily(`(https?://[^\s?"']*)\?[^\s"']*`)
)

// oneLine makes a short line of what came from outside, without keys, signatures and queries of URLs.
func oneLine(text string) string {
	text = signatureWords().ReplaceAllString(text, "…")
	text = keyID().ReplaceAllString(text, "***")
	text = query().ReplaceAllString(text, "$1")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return clipTo(strings.TrimSpace(text), 400)
}
