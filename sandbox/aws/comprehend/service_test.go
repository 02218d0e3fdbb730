package comprehend_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/comprehend"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/comprehend"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start starts Comprehend and returns a client of the SDK for it.
func start(t *testing.T, found ...comprehend.Language) (*comprehend.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, service := aws.New(), comprehend.New(found...)
	transport := box.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		cloud.Close()
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := cloud.AddAccount(aws.Account{ID: "123456789012", Keys: []aws.Key{{AccessKeyID: "AKIATEST", SecretAccessKey: "secret"}}}); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range cloud.HostPatterns() {
		if err := box.Handle(pattern, cloud); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Register("comprehend", service)
	return service, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: &http.Client{Transport: transport},
		Retryer: sdk.NopRetryer{},
	})
}

func TestTheLanguagesAreFoundThatATestHasSet(t *testing.T) {
	service, c := start(t, comprehend.Language{Code: "en", Score: 0.75}, comprehend.Language{Code: "zh-TW", Score: 0.25})
	out, err := c.DetectDominantLanguage(t.Context(), &client.DetectDominantLanguageInput{Text: sdk.String("Hello")})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Languages) != 2 || sdk.ToString(out.Languages[1].LanguageCode) != "zh-TW" || sdk.ToFloat32(out.Languages[0].Score) != 0.75 {
		t.Errorf("%+v", out.Languages)
	}
	service.Find()
	if out, err = c.DetectDominantLanguage(t.Context(), &client.DetectDominantLanguageInput{Text: sdk.String("?")}); err != nil || len(out.Languages) != 0 {
		t.Errorf("%+v, %v", out, err)
	}
	if diff := cmp.Diff([]string{"Hello", "?"}, service.Texts()); diff != "" {
		t.Errorf("the texts differ (-want +got):\n%s", diff)
	}
}

func TestWrongRequestsAreRefusedInTheWordsOfComprehend(t *testing.T) {
	service, c := start(t)
	for text, want := range map[string]string{
		"":                         "InvalidRequestException",
		strings.Repeat("字", 33334): "TextSizeLimitExceededException",
	} {
		_, err := c.DetectDominantLanguage(t.Context(), &client.DetectDominantLanguageInput{Text: sdk.String(text)})
		var answered smithy.APIError
		if !errors.As(err, &answered) || answered.ErrorCode() != want {
			t.Errorf("a text of %d bytes: %v, want %s", len(text), err, want)
		}
	}
	if texts := service.Texts(); len(texts) != 0 {
		t.Errorf("refused texts were looked at: %q", texts)
	}
}
