package bedrockruntime_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/smithy-go"
	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/sandbox"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	"github.com/cloudplugins/difyplugin/sandbox/aws/awstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// start starts the runtime in a sandbox, and returns a client of the SDK for it.
func start(t *testing.T, opts ...bedrockruntime.Option) (*aws.Cloud, *bedrockruntime.Service, *client.Client) {
	t.Helper()
	box, err := sandbox.Start()
	if err != nil {
		t.Fatal(err)
	}
	cloud, runtime := aws.New(), bedrockruntime.New(opts...)
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
	cloud.Register("bedrock-runtime", runtime)
	return cloud, runtime, client.New(client.Options{
		Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""), HTTPClient: awstest.Client(transport),
		Retryer: sdk.NopRetryer{},
	})
}

// invoke sends a body, given as JSON text or as a value, to a model.
func invoke(t *testing.T, c *client.Client, model string, body any) (map[string]any, error) {
	t.Helper()
	raw, isText := body.(string)
	if !isText {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(encoded)
	}
	out, err := c.InvokeModel(t.Context(), &client.InvokeModelInput{
		ModelId: sdk.String(model), Body: []byte(raw), ContentType: sdk.String("application/json"), Accept: sdk.String("application/json"),
	})
	if err != nil {
		return nil, err
	}
	if kind := sdk.ToString(out.ContentType); kind != "application/json" {
		t.Errorf("the answer is %s", kind)
	}
	var answer map[string]any
	if err := json.Unmarshal(out.Body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer, nil
}

// wantRefusal checks code and words of an error.
func wantRefusal(t *testing.T, err error, code, words string) {
	t.Helper()
	var refused smithy.APIError
	if !errors.As(err, &refused) {
		t.Fatalf("the answer is no refusal: %v", err)
	}
	if refused.ErrorCode() != code || !strings.Contains(refused.ErrorMessage(), words) {
		t.Errorf("refused with %s: %s; want %s: …%s…", refused.ErrorCode(), refused.ErrorMessage(), code, words)
	}
}

// picture is a PNG of one colour in base64.
func picture(t *testing.T, width, height int, c color.Color) string {
	t.Helper()
	return base64.StdEncoding.EncodeToString(pngOf(t, width, height, c))
}

func pngOf(t *testing.T, width, height int, c color.Color) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, filled(width, height, c)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func jpegOf(t *testing.T, width, height int, c color.Color) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, filled(width, height, c), nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func filled(width, height int, c color.Color) image.Image {
	img := image.NewPaletted(image.Rect(0, 0, width, height), color.Palette{c})
	return img
}
