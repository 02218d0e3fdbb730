package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/tencentyun/cos-go-sdk-v5"
)

// operation is one request to COS, for the errors about it.
type operation struct {
	// doing completes "could not".
	doing string
	// action is the permission that it needs, as access policies name it.
	action string
	host   string
	region string
	bucket string
	key    string
}

// errorf returns an error about the operation.
func (op operation) errorf(kind plugin.Kind, format string, args ...any) error {
	return plugin.Errorf(kind, "could not %s: %w", op.doing, fmt.Errorf(format, args...))
}

// explain says to the user what went wrong and what to do. It never shows a URL, a signature or a secret.
func (op operation) explain(a account, err error) error {
	if err == nil {
		return nil
	}
	if answer, ok := answered(err); ok {
		return op.explainAnswer(a, answer)
	}
	return op.explainConnection(a, err)
}

// fault is what an error code of COS means to a user. The text may hold {action}, {resource}, {bucket}, {key} and
// {region}.
type fault struct {
	kind plugin.Kind
	text string
}

// faults lists the error codes that a user can cause or can do something about.
func faults() map[string]fault {
	var (
		badKey      = fault{plugin.Authorization, "COS does not know the SecretId: copy it again from the API keys page of the CAM console, and check there that the key is enabled"}
		badSecret   = fault{plugin.Authorization, "the signature is wrong, so the SecretKey does not belong to the SecretId: copy both again from the API keys page of the CAM console"}
		badToken    = fault{plugin.Authorization, "the session token does not belong to the SecretId, or has expired: enter new temporary keys, or leave the session token empty for permanent ones"}
		badClock    = fault{plugin.Authorization, "the signature is out of its time: set the clock of the machine on which the plugin runs"}
		archived    = fault{plugin.BadRequest, "the object is archived and cannot be read: restore it first in the COS console, and download it when it has been restored"}
		noBucket    = fault{plugin.BadRequest, "there is no bucket {bucket} in the region {region}: check the name of the bucket, and enter its region as Region. " + knownRegionsHint}
		noRegion    = fault{plugin.BadRequest, "COS does not know the region {region}. " + knownRegionsHint}
		tooMany     = fault{plugin.RateLimit, "COS asks for fewer requests at a time: try again in a minute"}
		outOfOrder  = fault{plugin.Unavailable, "COS has a failure of its own: try again in a minute"}
		slow        = fault{plugin.Connection, "the connection to COS is too slow: try again"}
		blocked     = fault{plugin.Authorization, "COS has blocked this: the Tencent Cloud account may be in arrears, or the content may have been blocked; look at the billing page and the messages of the console"}
		otherDomain = fault{plugin.BadRequest, "the endpoint is not bound to the bucket, or not any more: check the custom domains of the bucket in the COS console"}
		encrypted   = fault{plugin.BadRequest, "the object is encrypted with a key that only its owner has, so the plugin cannot read it"}
		kms         = fault{plugin.Authorization, "the KMS key that the object is encrypted with is disabled, deleted, or not allowed to these credentials: look at it in the KMS console"}
		denied      = fault{plugin.Authorization, "access was denied: give the account of the SecretId the permission {action} on {resource} in the CAM console, and check the bucket's own policies"}
		moved       = fault{plugin.BadRequest, "the bucket {bucket} is not in the region {region}: enter its own region as Region. " + knownRegionsHint}
	)
	return map[string]fault{
		"InvalidAccessKeyId":    badKey,
		"SignatureDoesNotMatch": badSecret,

		"ExpiredToken":         badToken,
		"InvalidToken":         badToken,
		"InvalidSecurityToken": badToken,
		"TokenRefreshRequired": badToken,

		"RequestTimeTooSkewed": badClock,
		"Request has expired":  badClock,

		"AccessDenied":       denied,
		"AccessForbidden":    {plugin.Authorization, "the bucket {bucket} refuses requests from here: check its hotlink protection, CORS and IP rules in the COS console"},
		"NoProcessAuthority": denied,

		"NoSuchBucket":       noBucket,
		"InvalidBucketName":  {plugin.BadRequest, "{bucket} is not the name of a bucket: " + bucketForm},
		"InvalidBucketState": {plugin.BadRequest, "the bucket {bucket} does not allow this in its present state: look at it in the COS console"},
		"NoSuchKey":          {plugin.BadRequest, "there is no object {key} in the bucket {bucket}: it may have been removed or renamed since the folder was shown; open the folder again"},
		"NoSuchVersion":      {plugin.BadRequest, "there is no object {key} in the bucket {bucket}: this version of it was removed; open the folder again"},
		"KeyTooLong":         {plugin.BadRequest, "the key is longer than COS allows, 850 bytes"},
		"InvalidObjectName":  {plugin.BadRequest, "{key} is not a key that COS accepts"},
		"InvalidURI":         {plugin.BadRequest, "{key} is not a key that COS accepts"},

		"InvalidObjectState":       archived,
		"RestoreAlreadyInProgress": {plugin.BadRequest, "the object is archived and is being restored: download it when that is done"},

		"InvalidRegionName":         noRegion,
		"InvalidRegion":             noRegion,
		"InvalidLocationConstraint": noRegion,
		"PermanentRedirect":         moved,
		"TemporaryRedirect":         moved,

		"PreconditionFailed": {plugin.Connection, "it was replaced while it was being read; nothing was stored, try again"},
		"InvalidRange":       {plugin.Connection, "it was replaced while it was being read; nothing was stored, try again"},

		"BucketAccelerateNotEnabled":   {plugin.BadRequest, "global acceleration is not switched on for the bucket {bucket}: switch it on in the COS console, or clear Endpoint and enter the region"},
		"ActionAccelerateNotSupported": {plugin.BadRequest, "the endpoint of the global acceleration cannot do this: clear Endpoint and enter the region"},
		"UserCnameInvalid":             otherDomain,
		"DNSRecordVerifyFailed":        otherDomain,
		"DomainConfigConflict":         otherDomain,

		"SSEHeaderNotAllowed":         encrypted,
		"SSEContentNotSupported":      encrypted,
		"SsecDecryptHeaderInvalid":    encrypted,
		"VerifyAlgorithmNotSupported": encrypted,
		"KmsException":                kms,
		"KmsKeyDisabled":              kms,
		"KmsKeyNotExist":              kms,

		"PaymentRequired":            blocked,
		"AccountProblem":             blocked,
		"UnavailableForLegalReasons": blocked,
		"DomainAuditFailed":          blocked,

		"SlowDown":             tooMany,
		"RequestLimitExceeded": tooMany,
		"TooManyRequests":      tooMany,
		"KmsFreqControl":       tooMany,

		"InternalError":        outOfOrder,
		"KmsInternalException": outOfOrder,
		"ServiceUnavailable":   outOfOrder,
		"RequestTimeout":       slow,
		"UserNetworkTooSlow":   slow,

		"MethodNotAllowed": {plugin.BadRequest, "what answers at {host} is not a bucket: check Endpoint"},
		"NotImplemented":   {plugin.BadRequest, "what answers at {host} does not know this request: check Endpoint"},
	}
}

// faultOf looks the answer's code up. Some causes hide behind a code for many, and only the message tells.
func faultOf(answer *cos.ErrorResponse) (fault, bool) {
	known := faults()
	message := strings.ToLower(answer.Message)
	switch {
	case answer.Code == "AccessDenied" && strings.Contains(message, "expired"):
		return known["Request has expired"], true
	case strings.Contains(message, "arrears"), strings.Contains(message, "overdue"):
		return known["AccountProblem"], true
	}
	found, ok := known[answer.Code]
	return found, ok
}

func (op operation) explainAnswer(a account, answer *cos.ErrorResponse) error {
	found, ok := faultOf(answer)
	if !ok {
		found = op.unknownFault(a, answer)
	}
	code := answer.Code
	if code == "" {
		code = fmt.Sprintf("HTTP status %d", answer.Response.StatusCode)
	}
	id := answer.RequestID
	if id == "" {
		id = answer.Response.Header.Get("X-Cos-Request-Id")
	}
	if id != "" {
		id = ", request ID " + id
	}
	text := op.fill(found.text)
	if op.action == "name/cos:GetService" && found.kind == plugin.Authorization && strings.Contains(found.text, "{action}") {
		text += "; or enter the buckets to be shown in Bucket, which makes this permission unnecessary"
	}
	return op.errorf(found.kind, "%s (%s)", text, oneLine(a, code+id))
}

// unknownFault goes by the status, and repeats what COS said.
func (op operation) unknownFault(a account, answer *cos.ErrorResponse) fault {
	status := answer.Response.StatusCode
	said := ""
	if answer.Message != "" {
		said = ", COS said: " + strings.NewReplacer("{", "(", "}", ")").Replace(oneLine(a, answer.Message))
	}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return fault{plugin.Authorization, "access was denied" + said + "; check the permission {action} on {resource} in the CAM console"}
	case status == http.StatusTooManyRequests:
		return fault{plugin.RateLimit, "COS asks for fewer requests at a time" + said + "; try again in a minute"}
	case status >= http.StatusInternalServerError:
		return fault{plugin.Unavailable, "{host} has a failure of its own" + said + "; try again in a minute"}
	case status < http.StatusBadRequest:
		return fault{plugin.BadRequest, "{host} sends the request elsewhere, which is not followed" + said + "; check Region and Endpoint"}
	default:
		return fault{plugin.BadRequest, "{host} refused the request" + said + "; check the credentials, Bucket and Endpoint"}
	}
}

func (op operation) fill(text string) string {
	return strings.NewReplacer(
		"{action}", op.action,
		"{resource}", op.resource(),
		"{bucket}", fmt.Sprintf("%q", op.bucket),
		"{key}", fmt.Sprintf("%q", clip(op.key)),
		"{region}", fmt.Sprintf("%q", op.region),
		"{host}", op.host,
	).Replace(text)
}

// resource is what an access policy has to name. Lists of buckets can only be allowed as a whole.
func (op operation) resource() string {
	if op.bucket == "" {
		return "the resource *"
	}
	region := op.region
	if region == accelerate { // which is a way to buckets of every region
		region = "*"
	}
	appID := op.bucket[strings.LastIndexByte(op.bucket, '-')+1:]
	return fmt.Sprintf("the resource qcs::cos:%s:uid/%s:%s/*", region, appID, op.bucket)
}

// oneLine makes a short line of what came from outside.
func oneLine(a account, text string) string {
	text, _, _ = strings.Cut(a.redact(text), "q-sign")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return clipTo(text, 400)
}

// isTransport reports whether an error is one of the connection: before the answer, or in the middle of it. The
// library reads answers as they arrive, so that one which was cut looks malformed.
func isTransport(err error) bool {
	var (
		unsent    *url.Error
		network   net.Error
		malformed *xml.SyntaxError
	)
	return errors.As(err, &unsent) || errors.As(err, &network) || errors.As(err, &malformed) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errSilent) || errors.Is(err, errNoDocument)
}

func (op operation) explainConnection(a account, err error) error {
	var (
		noHost      *net.DNSError
		certificate *tls.CertificateVerificationError
		known       *plugin.Error
		unsent      *url.Error
	)
	switch {
	case errors.As(err, &known):
		return op.errorf(known.Kind, "%w", known)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("could not %s: %w", op.doing, bare(err))
	case errors.Is(err, errSilent):
		return op.errorf(plugin.Connection, "%s sent nothing for too long: try again", op.host)
	case !errors.As(err, &unsent):
		return op.errorf(plugin.Unavailable, "%s sent an answer that is cut off or cannot be understood: try again, and check "+
			"Endpoint if there is one", op.host)
	case errors.As(err, &noHost):
		return op.errorf(plugin.Connection, "the host %s was not found: check %s", op.host, op.suspect(a))
	case errors.As(err, &certificate):
		return op.errorf(plugin.Connection, "the certificate of %s is not trusted: check Endpoint, or set SSL_CERT_FILE where a "+
			"proxy brings its own certificates", op.host)
	}
	return op.errorf(plugin.Connection, "no connection to %s (%s): check the network of the machine on which the plugin runs, and %s",
		op.host, oneLine(a, bare(err).Error()), op.suspect(a))
}

// suspect names the entries of the form that a host name was made of.
func (op operation) suspect(a account) string {
	switch {
	case op.host == serviceHost:
		return "that " + serviceHost + " is reachable"
	case a.endpoint != "":
		return fmt.Sprintf("the endpoint %q", a.endpoint)
	}
	return fmt.Sprintf("the region %q. %s", op.region, knownRegionsHint)
}

// bare is an error without the URL that it is about, whose query is nobody's business.
func bare(err error) error {
	var unsent *url.Error
	for errors.As(err, &unsent) {
		err = unsent.Err
	}
	return err
}
