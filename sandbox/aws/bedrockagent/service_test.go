package bedrockagent_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockagent"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagent/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"go.uber.org/goleak"

	"github.com/aws/smithy-go/middleware"
	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/awstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockagent"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

func updated() time.Time { return time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC) }

func handbook() bedrockagent.KnowledgeBase {
	return bedrockagent.KnowledgeBase{
		Region: "us-east-1", AccountID: account, ID: "KB12345678", Name: "handbook", UpdatedAt: updated(),
		DataSources: []bedrockagent.DataSource{{ID: "DS12345678", Name: "files", Description: "d", UpdatedAt: updated(), Takes: -1}},
	}
}

// start starts the service with the knowledge base handbook, and returns a client of the SDK for it.
func start(t *testing.T) (*bedrockagent.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, bases := aws.New(), bedrockagent.New()
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
	cloud.Register("bedrock-agent", bases)
	bases.Add(handbook())
	return bases, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: awstest.Client(transport),
		Retryer: sdk.NopRetryer{},
	})
}

func TestListsArePagedWithTokensOfTheirOwn(t *testing.T) {
	bases, c := start(t)
	for i := range 11 {
		k := handbook()
		k.ID = "KB2234567" + string(rune('A'+i))
		bases.Add(k)
	}
	elsewhere := handbook()
	elsewhere.Region, elsewhere.ID = "eu-west-1", "KB32345678"
	bases.Add(elsewhere)
	first, err := c.ListKnowledgeBases(t.Context(), &client.ListKnowledgeBasesInput{})
	if err != nil || len(first.KnowledgeBaseSummaries) != 10 || first.NextToken == nil {
		t.Fatalf("%+v, %v", first, err)
	}
	k := first.KnowledgeBaseSummaries[0]
	if sdk.ToString(k.KnowledgeBaseId) != "KB12345678" || sdk.ToString(k.Name) != "handbook" || k.Status != types.KnowledgeBaseStatusActive ||
		!k.UpdatedAt.Equal(updated()) || k.Description != nil {
		t.Errorf("%+v", k)
	}
	second, err := c.ListKnowledgeBases(t.Context(), &client.ListKnowledgeBasesInput{NextToken: first.NextToken, MaxResults: sdk.Int32(5)})
	if err != nil || len(second.KnowledgeBaseSummaries) != 2 || second.NextToken != nil {
		t.Errorf("%+v, %v", second, err)
	}
	sources, err := c.ListDataSources(t.Context(), &client.ListDataSourcesInput{KnowledgeBaseId: sdk.String("KB12345678")})
	if err != nil || len(sources.DataSourceSummaries) != 1 || sources.DataSourceSummaries[0].Status != types.DataSourceStatusAvailable ||
		sdk.ToString(sources.DataSourceSummaries[0].Description) != "d" {
		t.Errorf("%+v, %v", sources, err)
	}
	_, err = c.ListDataSources(t.Context(), &client.ListDataSourcesInput{KnowledgeBaseId: sdk.String("KB12345678"), NextToken: first.NextToken})
	wantCode(t, "the token of another list", err, "ValidationException")
}

// begin starts a job and returns its ID.
func begin(t *testing.T, c *client.Client, token string) string {
	t.Helper()
	out, err := c.StartIngestionJob(t.Context(), &client.StartIngestionJobInput{
		KnowledgeBaseId: sdk.String("KB12345678"), DataSourceId: sdk.String("DS12345678"), ClientToken: sdk.String(token), Description: sdk.String("x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.IngestionJob.Status != types.IngestionJobStatusStarting && token == "" {
		t.Errorf("the job begins as %s", out.IngestionJob.Status)
	}
	return *out.IngestionJob.IngestionJobId
}

func get(t *testing.T, c *client.Client, id string) *types.IngestionJob {
	t.Helper()
	out, err := c.GetIngestionJob(t.Context(), &client.GetIngestionJobInput{
		KnowledgeBaseId: sdk.String("KB12345678"), DataSourceId: sdk.String("DS12345678"), IngestionJobId: sdk.String(id),
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.IngestionJob
}

func TestAJobRunsUntilItIsFinished(t *testing.T) {
	bases, c := start(t)
	token := strings.Repeat("t", 36)
	id := begin(t, c, token)
	if again := begin(t, c, token); again != id || len(bases.Jobs()) != 1 {
		t.Errorf("the same token has started %s and %s", id, again)
	}
	if j := get(t, c, id); j.Status != types.IngestionJobStatusInProgress || j.Statistics.NumberOfDocumentsScanned != 0 || sdk.ToString(j.Description) != "x" {
		t.Errorf("while it runs: %+v", j)
	}
	_, err := c.StartIngestionJob(t.Context(), &client.StartIngestionJobInput{KnowledgeBaseId: sdk.String("KB12345678"), DataSourceId: sdk.String("DS12345678")})
	wantCode(t, "a second job", err, "ConflictException")
	ended := bedrockagent.Outcome{Status: "FAILED", FailureReasons: []string{"odd"}, Statistics: map[string]int{"numberOfDocumentsScanned": 3}}
	if !bases.Finish(id, ended) || bases.Finish(id, ended) {
		t.Error("a job is finished once")
	}
	if j := get(t, c, id); j.Status != types.IngestionJobStatusFailed || !slices.Equal(j.FailureReasons, []string{"odd"}) || j.Statistics.NumberOfDocumentsScanned != 3 {
		t.Errorf("when it has ended: %+v", j)
	}
}

func TestAJobEndsByTheClockAndIsKnownAfterALag(t *testing.T) {
	bases, c := start(t)
	k := handbook()
	k.DataSources[0].Takes, k.DataSources[0].Lag = 0, 1
	bases.Add(k)
	id := begin(t, c, strings.Repeat("t", 36))
	_, err := c.GetIngestionJob(t.Context(), &client.GetIngestionJobInput{
		KnowledgeBaseId: sdk.String("KB12345678"), DataSourceId: sdk.String("DS12345678"), IngestionJobId: sdk.String(id),
	})
	wantCode(t, "a job that is not known yet", err, "ResourceNotFoundException")
	if j := get(t, c, id); j.Status != types.IngestionJobStatusComplete {
		t.Errorf("%+v", j)
	}
}

func wantCode(t *testing.T, name string, err error, code string) {
	t.Helper()
	var answered smithy.APIError
	if !errors.As(err, &answered) || answered.ErrorCode() != code || answered.ErrorMessage() == "" {
		t.Errorf("%s: got %v, want %s", name, err, code)
	}
}

// sending replaces the request behind the back of the SDK.
func sending(method, path, contentType, body string) func(*client.Options) {
	return client.WithAPIOptions(func(stack *middleware.Stack) error {
		return stack.Build.Add(middleware.BuildMiddlewareFunc("Replace",
			func(ctx context.Context, in middleware.BuildInput, next middleware.BuildHandler) (middleware.BuildOutput, middleware.Metadata, error) {
				r, _ := in.Request.(*smithyhttp.Request)
				r.Method, r.URL.Path, r.URL.RawPath = method, path, ""
				r.Header.Set("Content-Type", contentType)
				r, err := r.SetStream(bytes.NewReader([]byte(body)))
				in.Request = r
				if err != nil {
					return middleware.BuildOutput{}, middleware.Metadata{}, err
				}
				return next.HandleBuild(ctx, in)
			}), middleware.Before)
	})
}

func TestWrongRequestsAreRefusedInTheWordsOfBedrock(t *testing.T) {
	bases, c := start(t)
	jobs := "/knowledgebases/KB12345678/datasources/DS12345678/ingestionjobs/"
	for _, tt := range []struct{ name, method, path, contentType, body, code string }{
		{"an unknown knowledge base", "POST", "/knowledgebases/KB99999999/datasources/", "application/json", "{}", "ResourceNotFoundException"},
		{"an odd knowledge base", "POST", "/knowledgebases/handbook/datasources/", "application/json", "{}", "ValidationException"},
		{"an unknown data source", "PUT", "/knowledgebases/KB12345678/datasources/DS99999999/ingestionjobs/", "application/json", "{}", "ResourceNotFoundException"},
		{"an unknown job", "GET", jobs + "JB12345678", "", "", "ResourceNotFoundException"},
		{"an odd job", "GET", jobs + "job", "", "", "ValidationException"},
		{"a body where none belongs", "GET", jobs + "JB12345678", "", "{}", "ValidationException"},
		{"another method", "GET", "/knowledgebases/", "", "", "UnknownOperationException"},
		{"another path", "POST", "/knowledgebases", "application/json", "{}", "UnknownOperationException"},
		{"a slash too few", "PUT", strings.TrimSuffix(jobs, "/"), "application/json", "{}", "UnknownOperationException"},
		{"another content type", "POST", "/knowledgebases/", "text/plain", "{}", "UnsupportedMediaTypeException"},
		{"no page size", "POST", "/knowledgebases/", "application/json", `{"maxResults":0}`, "ValidationException"},
		{"a large page size", "POST", "/knowledgebases/", "application/json", `{"maxResults":1001}`, "ValidationException"},
		{"a page size as text", "POST", "/knowledgebases/", "application/json", `{"maxResults":"5"}`, "SerializationException"},
		{"an empty token", "POST", "/knowledgebases/", "application/json", `{"nextToken":""}`, "ValidationException"},
		{"an odd token", "POST", "/knowledgebases/", "application/json", `{"nextToken":"odd"}`, "ValidationException"},
		{"a deletion policy", "PUT", jobs, "application/json", `{"dataDeletionPolicy":"DELETE"}`, "SerializationException"},
		{"a short client token", "PUT", jobs, "application/json", `{"clientToken":"short"}`, "ValidationException"},
		{"an empty description", "PUT", jobs, "application/json", `{"description":""}`, "ValidationException"},
		{"a long description", "PUT", jobs, "application/json", `{"description":"` + strings.Repeat("d", 201) + `"}`, "ValidationException"},
	} {
		_, err := c.ListKnowledgeBases(t.Context(), &client.ListKnowledgeBasesInput{}, sending(tt.method, tt.path, tt.contentType, tt.body))
		wantCode(t, tt.name, err, tt.code)
	}
	if started := bases.Jobs(); len(started) != 0 {
		t.Errorf("%+v were started", started)
	}
}
