package bedrockruntime_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image/color"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	client "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"

	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// store is an object store with the buckets that videos are for, or not.
func store(t *testing.T) *s3.Store {
	t.Helper()
	buckets := s3.New()
	for _, b := range []s3.Bucket{
		{Name: "videos", Region: "us-east-1", Owner: account},
		{Name: "videos-far-away", Region: "eu-west-1", Owner: account},
		{Name: "videos-of-others", Region: "us-east-1", Owner: "999999999999"},
	} {
		if err := buckets.AddBucket(b); err != nil {
			t.Fatal(err)
		}
	}
	return buckets
}

// film starts a video. The model's input is JSON text.
func film(t *testing.T, c *client.Client, model, folder, token, input string) (string, error) {
	t.Helper()
	var value map[string]any
	decoder := json.NewDecoder(strings.NewReader(input))
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v: %s", err, input)
	}
	for _, part := range value { // whole numbers are whole again
		if config, ok := part.(map[string]any); ok {
			for name, number := range config {
				if number, ok := number.(float64); ok && number == float64(int(number)) {
					config[name] = int(number)
				}
			}
		}
	}
	out, err := c.StartAsyncInvoke(t.Context(), &client.StartAsyncInvokeInput{
		ModelId: sdk.String(model), ModelInput: document.NewLazyDocument(value), ClientRequestToken: sdk.String(token),
		OutputDataConfig: &types.AsyncInvokeOutputDataConfigMemberS3OutputDataConfig{Value: types.AsyncInvokeS3OutputDataConfig{S3Uri: sdk.String(folder)}},
	})
	if err != nil {
		return "", err
	}
	return sdk.ToString(out.InvocationArn), nil
}

const shot = `{"taskType":"TEXT_VIDEO","textToVideoParams":{"text":"A bicycle"},"videoGenerationConfig":{"durationSeconds":6,"fps":24,"dimension":"1280x720","seed":0}}`

func TestAVideoIsWrittenIntoItsFolder(t *testing.T) {
	buckets := store(t)
	_, runtime, c := start(t, bedrockruntime.Videos(buckets))
	runtime.SetReel(bedrockruntime.Reel{Video: []byte("video")})
	arn, err := film(t, c, bedrockruntime.NovaReel, "s3://videos/made/", "token-1", shot)
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.GetAsyncInvoke(t.Context(), &client.GetAsyncInvokeInput{InvocationArn: sdk.String(arn)})
	if err != nil {
		t.Fatal(err)
	}
	id := arn[strings.LastIndexByte(arn, '/')+1:]
	place, _ := out.OutputDataConfig.(*types.AsyncInvokeOutputDataConfigMemberS3OutputDataConfig)
	if out.Status != types.AsyncInvokeStatusCompleted || place == nil || sdk.ToString(place.Value.S3Uri) != "s3://videos/made/"+id || out.EndTime == nil {
		t.Errorf("the answer is %+v", out)
	}
	if object, _ := buckets.Object("videos", "made/"+id+"/output.mp4"); string(object.Content) != "video" || object.ContentType != "video/mp4" {
		t.Errorf("stored are %v", buckets.Keys("videos"))
	}
}

func TestAVideoTakesItsTimeOrFails(t *testing.T) {
	_, runtime, c := start(t, bedrockruntime.Videos(store(t)))
	for name, tt := range map[string]struct {
		reel bedrockruntime.Reel
		want types.AsyncInvokeStatus
	}{
		"never":  {bedrockruntime.Reel{Takes: -1}, types.AsyncInvokeStatusInProgress},
		"later":  {bedrockruntime.Reel{Takes: time.Hour}, types.AsyncInvokeStatusInProgress},
		"failed": {bedrockruntime.Reel{Failure: "No."}, types.AsyncInvokeStatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			runtime.SetReel(tt.reel)
			arn, err := film(t, c, bedrockruntime.NovaReel, "s3://videos", name, shot)
			if err != nil {
				t.Fatal(err)
			}
			out, err := c.GetAsyncInvoke(t.Context(), &client.GetAsyncInvokeInput{InvocationArn: sdk.String(arn)})
			if err != nil {
				t.Fatal(err)
			}
			if out.Status != tt.want || sdk.ToString(out.FailureMessage) != tt.reel.Failure {
				t.Errorf("the answer is %s: %s", out.Status, sdk.ToString(out.FailureMessage))
			}
		})
	}
}

func TestATokenStartsOneVideo(t *testing.T) {
	_, runtime, c := start(t, bedrockruntime.Videos(store(t)))
	first, err := film(t, c, bedrockruntime.NovaReel, "s3://videos", "token-1", shot)
	if err != nil {
		t.Fatal(err)
	}
	again, err := film(t, c, bedrockruntime.NovaReel, "s3://videos", "token-1", shot)
	if err != nil || again != first || runtime.Started() != 1 {
		t.Errorf("%s and %s, %d videos, %v", first, again, runtime.Started(), err)
	}
	_, err = film(t, c, bedrockruntime.NovaReel, "s3://videos", "token-1", strings.Replace(shot, "bicycle", "car", 1))
	wantRefusal(t, err, "ConflictException", "was used for another request")
}

func TestReelRefusesWhatItsDocumentationForbids(t *testing.T) {
	_, _, c := start(t, bedrockruntime.Videos(store(t)))
	with := func(old, new string) string { return strings.Replace(shot, old, new, 1) }
	long := strings.NewReplacer("TEXT_VIDEO", "MULTI_SHOT_AUTOMATED", "textToVideoParams", "multiShotAutomatedParams", `:6,`, `:12,`).Replace(shot)
	framed := func(format string, file []byte) string {
		image := fmt.Sprintf(`"text":"A bicycle","images":[{"format":%q,"source":{"bytes":%q}}]`, format, base64.StdEncoding.EncodeToString(file))
		return with(`"text":"A bicycle"`, image)
	}
	if _, err := film(t, c, bedrockruntime.NovaReel1, "s3://videos", "long", long); err != nil {
		t.Errorf("a long video: %v", err)
	}
	if _, err := film(t, c, bedrockruntime.NovaReel, "s3://videos", "framed", framed("jpeg", jpegOf(t, 1280, 720, red))); err != nil {
		t.Errorf("a video that begins with an image: %v", err)
	}
	for name, tt := range map[string]struct{ model, folder, input, words string }{
		"seven seconds":            {bedrockruntime.NovaReel, "s3://videos", with(":6,", ":7,"), "7 is not less or equal to 6"},
		"thirteen seconds":         {bedrockruntime.NovaReel1, "s3://videos", strings.Replace(long, ":12,", ":13,", 1), "not a multiple of 6"},
		"more than two minutes":    {bedrockruntime.NovaReel1, "s3://videos", strings.Replace(long, ":12,", ":126,", 1), "not less or equal to 120"},
		"a long one of the first":  {bedrockruntime.NovaReel, "s3://videos", long, "MULTI_SHOT_AUTOMATED is not a valid enum value"},
		"another rate":             {bedrockruntime.NovaReel, "s3://videos", with(":24,", ":30,"), "not less or equal to 24"},
		"another dimension":        {bedrockruntime.NovaReel, "s3://videos", with("1280x720", "1920x1080"), "1920x1080 is not a valid enum value"},
		"a prompt of 513":          {bedrockruntime.NovaReel, "s3://videos", with("A bicycle", strings.Repeat("x", 513)), "expected maxLength: 512"},
		"a frame of another size":  {bedrockruntime.NovaReel, "s3://videos", framed("png", pngOf(t, 1280, 719, red)), "must have 1280 x 720"},
		"a frame of another kind":  {bedrockruntime.NovaReel, "s3://videos", framed("jpeg", pngOf(t, 1280, 720, red)), "is a png and not a jpeg"},
		"a transparent frame":      {bedrockruntime.NovaReel, "s3://videos", framed("png", pngOf(t, 1280, 720, color.NRGBA{A: 254})), "transparent"},
		"a bucket far away":        {bedrockruntime.NovaReel, "s3://videos-far-away", shot, "Invalid Output Config/Credentials"},
		"a bucket of another":      {bedrockruntime.NovaReel, "s3://videos-of-others", shot, "Invalid Output Config/Credentials"},
		"no such bucket":           {bedrockruntime.NovaReel, "s3://videos-of-nobody", shot, "Invalid Output Config/Credentials"},
		"a folder that is none":    {bedrockruntime.NovaReel, "https://videos", shot, "does not match pattern"},
		"a model for something":    {bedrockruntime.TitanText, "s3://videos", shot, "model identifier is invalid"},
		"a member that is unknown": {bedrockruntime.NovaReel, "s3://videos", with(`"seed"`, `"seeds"`), "extraneous key [seeds]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := film(t, c, tt.model, tt.folder, name, tt.input)
			wantRefusal(t, err, "ValidationException", tt.words)
		})
	}
	for _, arn := range []string{"arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl", "abc"} {
		_, err := c.GetAsyncInvoke(t.Context(), &client.GetAsyncInvokeInput{InvocationArn: sdk.String(arn)})
		wantRefusal(t, err, "ValidationException", arn)
	}
}
