package account

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/google/go-cmp/cmp"
)

// busy is a service that is always overloaded.
type busy struct{ requests []*http.Request }

func (b *busy) RoundTrip(r *http.Request) (*http.Response, error) {
	b.requests = append(b.requests, r)
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("")), Request: r}, nil
}

func testAccount(p *Process, at endpoints) *Account {
	a := &Account{process: p, region: "eu-west-1", endpoint: at}
	a.identity = identity{account: a, keys: keys{id: "AKIA", secret: "secret"}}
	return a
}

func TestARequestIsSentThreeTimesAtMost(t *testing.T) {
	var waits []int
	service := &busy{}
	a := testAccount(NewProcess(service, Backoff(func(attempt int, _ error) (time.Duration, error) {
		waits = append(waits, attempt)
		return 0, nil
	})), nil)
	if _, err := sts.NewFromConfig(a.Config(STS)).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{}); err == nil {
		t.Error("an overloaded service answered")
	}
	if diff := cmp.Diff([]int{1, 2}, waits); diff != "" || len(service.requests) != Attempts {
		t.Errorf("%d requests, waits: -want +got\n%s", len(service.requests), diff)
	}
}

func TestEveryServiceHasOneHostPerRegion(t *testing.T) {
	service := &busy{}
	cfg := testAccount(NewProcess(service, Backoff(func(int, error) (time.Duration, error) { return 0, nil })), nil).Config(DynamoDB)
	cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIA", SecretAccessKey: "secret", AccountID: "123456789012"}, nil
	})
	_, _ = dynamodb.NewFromConfig(cfg).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if host := service.requests[0].URL.Host; host != "dynamodb.eu-west-1.amazonaws.com" {
		t.Errorf("the host is %s", host)
	}
}

func TestBodiesHaveChecksumsUnlessTheStoreIsNotAWS(t *testing.T) {
	for _, tt := range []struct {
		at   endpoints
		want string
		host string
	}{
		{nil, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "documents.s3.eu-west-1.amazonaws.com"},
		{endpoints{STS: "https://sts.example.com"}, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "documents.s3.eu-west-1.amazonaws.com"},
		{endpoints{S3: "https://storage.example.com"}, "UNSIGNED-PAYLOAD", "storage.example.com"},
	} {
		service := &busy{}
		a := testAccount(NewProcess(service, Backoff(func(int, error) (time.Duration, error) { return 0, nil })), tt.at)
		client := s3.NewFromConfig(a.Config(S3), func(o *s3.Options) { o.UsePathStyle = a.PathStyle() })
		_, _ = client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("documents"), Key: aws.String("k"), Body: strings.NewReader("body")})
		first := service.requests[0]
		if got := first.Header.Get("X-Amz-Content-Sha256"); got != tt.want || first.URL.Host != tt.host {
			t.Errorf("%v: %s at %s", tt.at, got, first.URL.Host)
		}
	}
}
