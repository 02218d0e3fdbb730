package account_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
)

var operation = account.Operation{
	Doing: "read s3://documents/a.txt", Service: "S3", Action: "s3:GetObject", Resource: "arn:aws:s3:::documents/a.txt", Region: "eu-west-1",
	Faults: map[string]account.Fault{"NoSuchKey": {Kind: plugin.BadRequest, Text: "there is no such object in {region}{said}"}},
}

// answer is an error as the SDK returns it for an answer of AWS.
func answer(status int, code, message string) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: &awshttp.ResponseError{
		RequestID: "REQUEST1",
		ResponseError: &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      &smithy.GenericAPIError{Code: code, Message: message},
		},
	}}
}

// unanswered is an error as the SDK returns it when there was no answer.
func unanswered(err error) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: &smithyhttp.RequestSendError{
		Err: &url.Error{Op: "Get", URL: "https://documents.s3.eu-west-1.amazonaws.com/a.txt?X-Amz-Signature=SECRETSIGNATURE", Err: err},
	}}
}

func TestErrorsSayWhatHappenedAndWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		kind plugin.Kind
		says []string
	}{
		{"access denied", answer(403, "AccessDenied", "User: arn:aws:iam::1:user/x is not authorized"), plugin.Authorization, []string{
			"could not read s3://documents/a.txt: access was denied", "the permission s3:GetObject on arn:aws:s3:::documents/a.txt", "AWS said: User: arn:aws:iam::1:user/x is not authorized", "(S3, AccessDenied, request ID REQUEST1)",
		}},
		{"an unknown key", answer(403, "InvalidAccessKeyId", "x"), plugin.Authorization, []string{"AWS does not know the access key in eu-west-1", "aws_access_key_id"}},
		{"an unknown key, in the words of JSON", answer(400, "UnrecognizedClientException", "x"), plugin.Authorization, []string{"AWS does not know the access key"}},
		{"a wrong secret", answer(403, "SignatureDoesNotMatch", "x"), plugin.Authorization, []string{"aws_secret_access_key does not belong to aws_access_key_id"}},
		{"a wrong token", answer(400, "InvalidToken", "x"), plugin.Authorization, []string{"aws_session_token does not belong to the access key"}},
		{"expired keys", answer(400, "ExpiredTokenException", "x"), plugin.Authorization, []string{"the temporary credentials have expired"}},
		{"a clock that is off", answer(403, "RequestTimeTooSkewed", "x"), plugin.Authorization, []string{"set the clock"}},
		{"a clock that is off, in the words of JSON", answer(400, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2"), plugin.Authorization, []string{"set the clock"}},
		{"a clock that is fast", answer(403, "SignatureDoesNotMatch", "Signature not yet current: 2 is still later than 1"), plugin.Authorization, []string{"set the clock"}},
		{"a wrong region", answer(400, "AuthorizationHeaderMalformed", "the region 'a' is wrong; expecting 'b'"), plugin.BadRequest, []string{"signed for another region", "aws_region"}},
		{"a wrong region, in the words of queries", answer(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region."), plugin.BadRequest, []string{"signed for another region"}},
		{"a region that is not active", answer(403, "OptInRequired", "x"), plugin.Authorization, []string{"switch the region on"}},
		{"throttling", answer(400, "ThrottlingException", "Rate exceeded"), plugin.RateLimit, []string{"S3 asks for fewer requests", "Rate exceeded"}},
		{"S3's word for throttling", answer(503, "SlowDown", "x"), plugin.RateLimit, nil},
		{"a quota", answer(400, "ServiceQuotaExceededException", "x"), plugin.RateLimit, nil},
		{"a failure of the service", answer(500, "InternalError", "x"), plugin.Unavailable, []string{"S3 has a failure of its own"}},
		{"a service that is down", answer(503, "ServiceUnavailable", "x"), plugin.Unavailable, nil},
		{"a slow upload", answer(400, "RequestTimeout", "x"), plugin.Connection, []string{"too slow"}},
		{"a code of the operation's", answer(404, "NoSuchKey", "not there"), plugin.BadRequest, []string{"there is no such object in eu-west-1; AWS said: not there"}},
		{"a code with a namespace", answer(400, "com.amazon.coral.service#AccessDeniedException", "x"), plugin.Authorization, []string{"(S3, AccessDeniedException, "}},
		{"an unknown code, 400", answer(400, "ValidationException", "1 validation error detected"), plugin.BadRequest, []string{"S3 refused the request; AWS said: 1 validation error detected", "ValidationException"}},
		{"an unknown code, 401", answer(401, "Whatever", "x"), plugin.Authorization, []string{"access was denied"}},
		{"an unknown code, 403", answer(403, "Whatever", "x"), plugin.Authorization, []string{"access was denied"}},
		{"an unknown code, 429", answer(429, "Whatever", "x"), plugin.RateLimit, nil},
		{"an unknown code, 502", answer(502, "Whatever", "x"), plugin.Unavailable, nil},
		{"a redirect", answer(301, "PermanentRedirect", "x"), plugin.BadRequest, []string{"sends the request elsewhere, which is not followed"}},
		{"no code", answer(404, "", ""), plugin.BadRequest, []string{"HTTP status 404"}},

		{"no such host", unanswered(&net.DNSError{Err: "no such host", Name: "documents.s3.eu-west-1.amazonaws.com", IsNotFound: true}), plugin.Connection, []string{"the host documents.s3.eu-west-1.amazonaws.com was not found", "aws_region (eu-west-1)"}},
		{"a certificate that is not trusted", unanswered(&tls.CertificateVerificationError{Err: errors.New("x")}), plugin.Connection, []string{"the certificate of documents.s3.eu-west-1.amazonaws.com is not trusted", "SSL_CERT_FILE"}},
		{"a refused connection", unanswered(&net.OpError{Op: "dial", Err: errors.New("connection refused")}), plugin.Connection, []string{"no connection to documents.s3.eu-west-1.amazonaws.com (dial: connection refused)"}},
		{"a connection that took too long", unanswered(&net.OpError{Op: "dial", Err: context.DeadlineExceeded}), plugin.Connection, []string{"no connection to"}},
		{"a broken answer", &smithy.OperationError{Err: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 200}}, Err: errors.New("EOF")}}, plugin.Unavailable, []string{"cut off or cannot be understood"}},
		{"a web page of a proxy", &smithy.OperationError{Err: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: 502}}, Err: errors.New("<html>")}}, plugin.Unavailable, []string{"HTTP status 502"}},
		{"the time is up", &smithy.OperationError{Err: fmt.Errorf("canceled: %w", context.DeadlineExceeded)}, plugin.Unavailable, []string{"could not read s3://documents/a.txt: context deadline exceeded"}},
		{"the user has given up", &smithy.OperationError{Err: fmt.Errorf("canceled: %w", context.Canceled)}, plugin.Unavailable, []string{"context canceled"}},
		{"an error that is one already", fmt.Errorf("x: %w", plugin.Errorf(plugin.RateLimit, "come back later")), plugin.RateLimit, []string{"could not read s3://documents/a.txt: come back later"}},
		{"a parameter that the SDK refuses", &smithy.OperationError{Err: errors.New("input member Bucket must not be empty")}, plugin.BadRequest, []string{"input member Bucket must not be empty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := account.Error(tt.err, operation)
			if kind := plugin.KindOf(got); kind != tt.kind {
				t.Errorf("kind %s", kind)
			}
			for _, part := range tt.says {
				if !strings.Contains(got.Error(), part) {
					t.Errorf("lacks %q: %v", part, got)
				}
			}
			if strings.Contains(got.Error(), "SECRETSIGNATURE") || strings.Contains(got.Error(), "{") {
				t.Errorf("%v", got)
			}
			if !errors.Is(got, tt.err) && !errors.Is(got, context.DeadlineExceeded) && !errors.Is(got, context.Canceled) {
				t.Errorf("the cause is lost: %v", got)
			}
		})
	}
	if account.Error(nil, operation) != nil {
		t.Error("no error became one")
	}
}

func TestErrorsHoldNoSecrets(t *testing.T) {
	const token = "IQoJb3JpZ2luX2VjSECRETTOKEN"
	for _, message := range []string{
		"The Canonical String for this request should have been\n'POST\n/\n\nhost:x\nx-amz-security-token:" + token + "'",
		"The String-to-Sign should have been 'AWS4-HMAC-SHA256\n2026\n" + token + "'",
		"see https://b.s3.amazonaws.com/k?X-Amz-Security-Token=" + token + " for more",
		"see https://b.s3.amazonaws.com/k?a=" + token,
		"Credential=AKIAIOSFODNN7EXAMPLE/20261122, Signature=" + token,
		"the key ASIAIOSFODNN7EXAMPLE is wrong",
	} {
		for _, code := range []string{"AccessDenied", "ValidationException", "SignatureDoesNotMatch"} {
			got := account.Error(answer(403, code, message), operation).Error()
			for _, secret := range []string{token, "IOSFODNN7EXAMPLE"} {
				if strings.Contains(got, secret) {
					t.Errorf("%s shows %s: %s", code, secret, got)
				}
			}
			if strings.ContainsAny(got, "\n\r") {
				t.Errorf("more than one line: %q", got)
			}
		}
	}
	long := account.Error(answer(400, "ValidationException", strings.Repeat("長い", 5000)), operation).Error()
	if len(long) > 3000 {
		t.Errorf("an error of %d bytes", len(long))
	}
}

func TestCodeIsThatOfTheAnswer(t *testing.T) {
	for want, err := range map[string]error{
		"NoSuchKey":             answer(404, "NoSuchKey", ""),
		"AccessDeniedException": answer(400, "com.amazon.coral.service#AccessDeniedException", ""),
		"":                      errors.New("x"),
	} {
		if got := account.Code(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if account.Code(nil) != "" {
		t.Error("no error has a code")
	}
}
