package sagemaker_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/sagemakerruntime"
	"github.com/aws/aws-sdk-go-v2/service/sagemakerruntime/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/sagemaker"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// start starts SageMaker with an endpoint e, and returns a client of the SDK for it.
func start(t *testing.T, model func(context.Context, sagemaker.Inference) sagemaker.Answer) (*sagemaker.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, endpoints := aws.New(), sagemaker.New()
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.AddAccount(aws.Account{ID: account, Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("runtime.sagemaker", endpoints)
	endpoints.Add(sagemaker.Endpoint{Region: "us-east-1", AccountID: account, Name: "e", Model: model})
	return endpoints, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: &http.Client{Transport: transport},
		Retryer: sdk.NopRetryer{},
	})
}

func echo(_ context.Context, in sagemaker.Inference) sagemaker.Answer {
	return sagemaker.Answer{Body: in.Body, ContentType: in.ContentType}
}

func TestAModelGetsTheRequestAndItsAnswerComesBack(t *testing.T) {
	endpoints, c := start(t, echo)
	out, err := c.InvokeEndpoint(t.Context(), &client.InvokeEndpointInput{
		EndpointName: sdk.String("e"), Body: []byte("1,2"), ContentType: sdk.String("text/csv"), Accept: sdk.String("application/json"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if string(out.Body) != "1,2" || sdk.ToString(out.ContentType) != "text/csv" || sdk.ToString(out.InvokedProductionVariant) != "AllTraffic" {
		t.Errorf("%s, %s, %s", out.Body, sdk.ToString(out.ContentType), sdk.ToString(out.InvokedProductionVariant))
	}
	want := []sagemaker.Invocation{{
		Endpoint: "e", Region: "us-east-1", Inference: sagemaker.Inference{Body: []byte("1,2"), ContentType: "text/csv", Accept: "application/json"},
	}}
	if diff := cmp.Diff(want, endpoints.Invocations()); diff != "" {
		t.Errorf("the invocations differ (-want +got):\n%s", diff)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfSageMaker(t *testing.T) {
	endpoints, c := start(t, echo)
	endpoints.Add(sagemaker.Endpoint{Region: "us-east-1", AccountID: account, Name: "loading", Loading: true})
	endpoints.Add(sagemaker.Endpoint{Region: "eu-west-1", AccountID: account, Name: "elsewhere"})
	body := []byte("{}")
	for _, tt := range []struct {
		name   string
		in     client.InvokeEndpointInput
		status int
		code   string
		words  string
	}{
		{"an unknown endpoint", client.InvokeEndpointInput{EndpointName: sdk.String("f"), Body: body}, 400, "ValidationError", "Endpoint f of account 123456789012 not found."},
		{"an endpoint of another region", client.InvokeEndpointInput{EndpointName: sdk.String("elsewhere"), Body: body}, 400, "ValidationError", "not found"},
		{"an odd name", client.InvokeEndpointInput{EndpointName: sdk.String("a_b"), Body: body}, 400, "ValidationError", "endpointName"},
		{"a long name", client.InvokeEndpointInput{EndpointName: sdk.String(strings.Repeat("n", 64)), Body: body}, 400, "ValidationError", "endpointName"},
		{"no body", client.InvokeEndpointInput{EndpointName: sdk.String("e"), Body: []byte{}}, 400, "ValidationError", "body"},
		{"a large body", client.InvokeEndpointInput{EndpointName: sdk.String("e"), Body: make([]byte, 6<<20+1)}, 413, "ValidationError", "6291456"},
		{"a model that is being loaded", client.InvokeEndpointInput{EndpointName: sdk.String("loading"), Body: body}, 429, "ModelNotReadyException", "not ready"},
	} {
		_, err := c.InvokeEndpoint(t.Context(), &tt.in)
		var answered smithy.APIError
		var status *smithyhttp.ResponseError
		if !errors.As(err, &answered) || !errors.As(err, &status) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if status.HTTPStatusCode() != tt.status || answered.ErrorCode() != tt.code || !strings.Contains(answered.ErrorMessage(), tt.words) {
			t.Errorf("%s: %d %s: %s", tt.name, status.HTTPStatusCode(), answered.ErrorCode(), answered.ErrorMessage())
		}
	}
	if reached := endpoints.Invocations(); len(reached) != 0 {
		t.Errorf("refused requests have reached a model: %+v", reached)
	}
}

func TestAModelThatFailsIsAnsweredWithItsError(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer sagemaker.Answer
		status int32
		words  string
	}{
		{"a wrong input", sagemaker.Fails(400, "no field text"), 400, "no field text"},
		{"an exception", sagemaker.Fails(500, "CUDA out of memory"), 500, "CUDA out of memory"},
		{"60 seconds", sagemaker.TimesOut(), 0, "Your invocation timed out"},
		{"an answer that is too large", sagemaker.Says(strings.Repeat("x", 6<<20+1)), 500, "too large"},
		{"a value that cannot be written", sagemaker.Returns(func() {}), 500, "unsupported type"},
	} {
		_, c := start(t, func(context.Context, sagemaker.Inference) sagemaker.Answer { return tt.answer })
		_, err := c.InvokeEndpoint(t.Context(), &client.InvokeEndpointInput{EndpointName: sdk.String("e"), Body: []byte("{}")})
		var failed *types.ModelError
		if !errors.As(err, &failed) {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if sdk.ToInt32(failed.OriginalStatusCode) != tt.status || !strings.Contains(sdk.ToString(failed.OriginalMessage), tt.words) ||
			!strings.HasSuffix(sdk.ToString(failed.LogStreamArn), "log-group:/aws/sagemaker/Endpoints/e") {
			t.Errorf("%s: %d %s, %s", tt.name, sdk.ToInt32(failed.OriginalStatusCode), sdk.ToString(failed.OriginalMessage), sdk.ToString(failed.LogStreamArn))
		}
	}
}
