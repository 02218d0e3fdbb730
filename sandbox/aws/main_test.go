package aws_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/awstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const accountID = "123456789012"

var (
	owner = aws.Key{AccessKeyID: "AKIAVECTORS000000000", SecretAccessKey: "vectors/secret+key", User: "owner"}
	temp  = aws.Key{AccessKeyID: "ASIAVECTORS000000000", SecretAccessKey: "temporary/secret+key", SessionToken: "token/of+the//session==", User: "temp"}
	china = aws.Key{AccessKeyID: "AKIACHINA00000000000", SecretAccessKey: "china/secret", User: "beijing"}
)

// vectorTime is when the vectors were signed.
var vectorTime = time.Date(2026, 11, 22, 12, 30, 15, 0, time.UTC)

// newCloud returns a cloud with an account, one in China, and an echo for every service that is not STS.
func newCloud(t testing.TB, opts ...aws.Option) *aws.Cloud {
	t.Helper()
	cloud := aws.New(opts...)
	t.Cleanup(cloud.Close)
	for _, a := range []aws.Account{
		{ID: accountID, Keys: []aws.Key{owner, temp}},
		{ID: "333333333333", China: true, Keys: []aws.Key{china}},
	} {
		if err := cloud.AddAccount(a); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("s3", echo{aws.RestXML})
	cloud.Register("dynamodb", echo{aws.JSON10})
	cloud.Register("transcribe", echo{aws.JSON11})
	cloud.Register("lambda", echo{aws.RestJSON})
	cloud.Register("bedrock-runtime", echo{aws.RestJSON})
	return cloud
}

// echo answers with what it was asked: the body, behind who asks and from where.
type echo struct{ protocol aws.Protocol }

func (e echo) Protocol() aws.Protocol { return e.protocol }

func (e echo) Identify(r *aws.Request) (aws.Operation, *aws.Error) {
	if e.protocol == aws.JSON10 || e.protocol == aws.JSON11 {
		return r.Target()
	}
	return aws.Operation{Name: "Echo", Resource: "arn:aws:" + r.Service + ":::" + r.Bucket + r.URL.Path}, nil
}

func (e echo) Serve(w http.ResponseWriter, r *aws.Request) *aws.Error {
	body, err := r.Bytes()
	if err != nil {
		if failed, ok := err.(*aws.Error); ok {
			return failed
		}
		return &aws.Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: err.Error()}
	}
	w.Header().Set("X-Echo", strings.Join([]string{r.ARN, r.Region, r.Bucket, r.Operation.Name, r.URL.RawQuery}, " "))
	_, _ = w.Write(body)
	return nil
}

// serve sends a request without a network.
func serve(cloud *aws.Cloud, r *http.Request) (*http.Response, string) {
	recorder := httptest.NewRecorder()
	cloud.ServeHTTP(recorder, r)
	return recorder.Result(), recorder.Body.String()
}

// mount puts a cloud into a running sandbox.
func mount(t testing.TB, cloud *aws.Cloud, more ...string) *sandbox.Sandbox {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Close(); err != nil {
			t.Errorf("close the sandbox: %v", err)
		}
	})
	for _, pattern := range append(cloud.HostPatterns(), more...) {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	return box
}

// config is that of AWS's Go SDK, going through a sandbox.
func config(t testing.TB, box *sandbox.Sandbox, key aws.Key, region string) sdk.Config {
	t.Helper()
	transport := box.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	return sdk.Config{
		Region: region, HTTPClient: awstest.Client(transport), RetryMaxAttempts: 1,
		RequestChecksumCalculation: sdk.RequestChecksumCalculationWhenSupported, // as when the SDK reads its own configuration
		Credentials:                sdk.CredentialsProviderFunc(credentials(key)),
	}
}

func readAll(t testing.TB, from io.ReadCloser) string {
	t.Helper()
	defer from.Close()
	data, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
