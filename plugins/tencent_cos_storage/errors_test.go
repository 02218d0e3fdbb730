package main

import (
	"context"
	"crypto/tls"
	"encoding/xml"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
)

var errRefused = errors.New("dial tcp 10.0.0.1:443: connect: connection refused")

func listOperation() operation {
	return operation{
		doing: `list bucket "docs-1250000000"`, action: "name/cos:GetBucket", host: "docs-1250000000.cos.ap-tokyo.myqcloud.com",
		region: "ap-tokyo", bucket: "docs-1250000000",
	}
}

func getOperation() operation {
	op := listOperation()
	op.doing, op.action, op.key = `download "a/b.pdf" from bucket "docs-1250000000"`, "name/cos:GetObject", "a/b.pdf"
	return op
}

func serviceOperation() operation {
	return operation{doing: "list the buckets", action: "name/cos:GetService", host: serviceHost}
}

func TestErrorsOfCOSSayWhatToDo(t *testing.T) {
	tests := []struct {
		code   string
		status int
		op     operation
		kind   plugin.Kind
		says   []string
	}{
		{"InvalidAccessKeyId", 403, serviceOperation(), plugin.Authorization, []string{"does not know the SecretId", "copy it again"}},
		{"SignatureDoesNotMatch", 403, serviceOperation(), plugin.Authorization, []string{"SecretKey does not belong to the SecretId"}},
		{"AccessDenied", 403, serviceOperation(), plugin.Authorization, []string{"name/cos:GetService", "the resource *", "enter the buckets to be shown in Bucket"}},
		{"AccessDenied", 403, listOperation(), plugin.Authorization, []string{"name/cos:GetBucket", "qcs::cos:ap-tokyo:uid/1250000000:docs-1250000000/*", `"docs-1250000000"`}},
		{"AccessDenied", 403, getOperation(), plugin.Authorization, []string{"name/cos:GetObject", "a/b.pdf"}},
		{"RequestTimeTooSkewed", 403, listOperation(), plugin.Authorization, []string{"set the clock"}},
		{"Request has expired", 403, listOperation(), plugin.Authorization, []string{"set the clock"}},
		{"ExpiredToken", 400, listOperation(), plugin.Authorization, []string{"session token", "new temporary keys"}},
		{"InvalidToken", 403, listOperation(), plugin.Authorization, []string{"session token"}},
		{"NoSuchBucket", 404, listOperation(), plugin.BadRequest, []string{`no bucket "docs-1250000000" in the region "ap-tokyo"`, "Common regions"}},
		{"NoSuchKey", 404, getOperation(), plugin.BadRequest, []string{`no object "a/b.pdf"`, "open the folder again"}},
		{"InvalidObjectState", 403, getOperation(), plugin.BadRequest, []string{"archived", "restore it first"}},
		{"InvalidRegionName", 400, listOperation(), plugin.BadRequest, []string{`does not know the region "ap-tokyo"`}},
		{"PermanentRedirect", 301, listOperation(), plugin.BadRequest, []string{"not in the region"}},
		{"SlowDown", 503, listOperation(), plugin.RateLimit, []string{"fewer requests"}},
		{"RequestLimitExceeded", 503, listOperation(), plugin.RateLimit, []string{"fewer requests"}},
		{"InternalError", 500, listOperation(), plugin.Unavailable, []string{"failure of its own"}},
		{"ServiceUnavailable", 503, listOperation(), plugin.Unavailable, []string{"try again"}},
		{"UnavailableForLegalReasons", 451, getOperation(), plugin.Authorization, []string{"arrears"}},
		{"PreconditionFailed", 412, getOperation(), plugin.Connection, []string{"replaced while it was being read"}},
		{"BucketAccelerateNotEnabled", 400, listOperation(), plugin.BadRequest, []string{"switch it on"}},
		{"UserCnameInvalid", 400, listOperation(), plugin.BadRequest, []string{"custom domains"}},
		{"SomethingNew", 403, listOperation(), plugin.Authorization, []string{"COS said: the message", "name/cos:GetBucket"}},
		{"SomethingNew", 429, listOperation(), plugin.RateLimit, []string{"COS said: the message"}},
		{"SomethingNew", 500, listOperation(), plugin.Unavailable, []string{"COS said: the message"}},
		{"SomethingNew", 400, listOperation(), plugin.BadRequest, []string{"COS said: the message"}},
		{"", 302, listOperation(), plugin.BadRequest, []string{"not followed", "HTTP status 302"}},
	}
	for _, tt := range tests {
		t.Run(tt.code+" "+tt.op.action, func(t *testing.T) {
			failed := answer(tt.status, tt.code)
			failed.Message, failed.RequestID = "the message", "NjE1"
			err := tt.op.explain(account{}, sent(failed))
			if plugin.KindOf(err) != tt.kind {
				t.Errorf("kind = %s, want %s", plugin.KindOf(err), tt.kind)
			}
			for _, want := range append(tt.says, "could not "+tt.op.doing, tt.code, "request ID NjE1") {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q is missing in: %v", want, err)
				}
			}
		})
	}
}

func TestPermissionForAcceleratedBucketsIsForEveryRegion(t *testing.T) {
	op := listOperation()
	op.region = accelerate
	if err := op.explain(account{}, answer(403, "AccessDenied")); !strings.Contains(err.Error(), "qcs::cos:*:uid/") {
		t.Errorf("error = %v", err)
	}
}

func TestEveryKnownCodeHasAWholeSentence(t *testing.T) {
	for code := range faults() {
		failed := answer(400, code)
		text := getOperation().explain(account{}, failed).Error()
		if strings.ContainsAny(text, "{}") || !strings.Contains(text, "("+code+")") {
			t.Errorf("%s: %s", code, text)
		}
	}
}

func TestCausesThatOnlyTheMessageTells(t *testing.T) {
	for message, want := range map[string]string{
		"Request has expired":                "set the clock",
		"The account is in arrears":          "arrears",
		"Access Denied.":                     "the permission name/cos:GetBucket",
		"your account has an overdue amount": "billing page",
	} {
		failed := answer(403, "AccessDenied")
		failed.Message = message
		if err := listOperation().explain(account{}, failed); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", message, err)
		}
	}
}

func TestErrorsShowNoSecretWhateverTheServerSends(t *testing.T) {
	a := account{secretID: "AKIDcanary", secretKey: "KEYcanary", sessionToken: "TOKENcanary"}
	failed := answer(418, "Odd AKIDcanary", "X-Cos-Request-Id", "KEYcanary")
	failed.Message = "you sent AKIDcanary KEYcanary TOKENcanary\r\nq-sign-algorithm=sha1&q-signature=0123456789abcdef " + strings.Repeat("x", 1000)
	for _, err := range []error{
		listOperation().explain(a, failed),
		listOperation().explain(a, sent(errors.New("proxy says KEYcanary"))),
	} {
		for _, secret := range []string{"canary", "q-signature", "0123456789abcdef", "?secret", "\n"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q in: %v", secret, err)
			}
		}
		if len(err.Error()) > 1000 {
			t.Errorf("%d characters", len(err.Error()))
		}
	}
}

func TestErrorsOfTheConnection(t *testing.T) {
	tests := []struct {
		name string
		op   operation
		a    account
		err  error
		kind plugin.Kind
		says string
	}{
		{"a host that does not exist", listOperation(), account{}, sent(&net.DNSError{IsNotFound: true, Name: "x"}), plugin.Connection, `was not found: check the region "ap-tokyo". Common regions`},
		{"an endpoint that does not exist", listOperation(), account{endpoint: "{bucket}.x.example"}, sent(&net.DNSError{IsNotFound: true}), plugin.Connection, `check the endpoint "{bucket}.x.example"`},
		{"a certificate that is not trusted", listOperation(), account{}, sent(&tls.CertificateVerificationError{Err: io.EOF}), plugin.Connection, "SSL_CERT_FILE"},
		{"a refused connection", serviceOperation(), account{}, sent(errRefused), plugin.Connection, "connection refused"},
		{"a silent server", listOperation(), account{}, sent(errSilent), plugin.Connection, "sent nothing"},
		{"an empty answer", listOperation(), account{}, errNoDocument, plugin.Unavailable, "cannot be understood"},
		{"an answer that is no XML", listOperation(), account{}, &xml.SyntaxError{Msg: "x"}, plugin.Unavailable, "cannot be understood"},
		{"an endpoint that is not allowed", listOperation(), account{}, sent(plugin.Errorf(plugin.Authorization, "x is not allowed")), plugin.Authorization, "x is not allowed"},
		{"a deadline", listOperation(), account{}, sent(context.DeadlineExceeded), plugin.Unavailable, "could not list bucket"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.op.explain(tt.a, tt.err)
			if plugin.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "?secret") {
				t.Errorf("%s: %v", plugin.KindOf(err), err)
			}
		})
	}
}
