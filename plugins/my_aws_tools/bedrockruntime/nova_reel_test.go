package bedrockruntime_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// filmed are the parameters of a plain video, with further ones.
func filmed(pairs ...any) map[string]any {
	return with(map[string]any{"prompt": "A bicycle rolls by", "video_output_s3uri": "s3://" + bucket + "/videos"}, pairs...)
}

func TestFilmSendsWhatAWSDocuments(t *testing.T) {
	config := map[string]any{"durationSeconds": 6.0, "fps": 24.0, "dimension": "1280x720", "seed": 0.0}
	output := map[string]any{"s3OutputDataConfig": map[string]any{"s3Uri": "s3://" + bucket + "/videos/"}}
	frame := pngOf(t, opaqueFilled(1280, 720, red))
	for name, tt := range map[string]struct {
		parameters map[string]any
		want       map[string]any
	}{
		"words": {filmed(), map[string]any{
			"modelId": "amazon.nova-reel-v1:0", "outputDataConfig": output,
			"modelInput": map[string]any{
				"taskType": "TEXT_VIDEO", "textToVideoParams": map[string]any{"text": "A bicycle rolls by"}, "videoGenerationConfig": config,
			},
		}},
		"words and an image": {filmed("image_input_s3uri", "s3://"+bucket+"/frame.png", "seed", "7"), map[string]any{
			"modelId": "amazon.nova-reel-v1:0", "outputDataConfig": output,
			"modelInput": map[string]any{
				"taskType": "TEXT_VIDEO", "videoGenerationConfig": with(config, "seed", 7.0),
				"textToVideoParams": map[string]any{
					"text": "A bicycle rolls by", "images": []any{map[string]any{"format": "png", "source": map[string]any{"bytes": base64Of(frame)}}},
				},
			},
		}},
		"two minutes": {filmed("duration", 120.0, "model_id", "amazon.nova-reel-v1:1", "prompt", strings.Repeat("x", 4000)), map[string]any{
			"modelId": "amazon.nova-reel-v1:1", "outputDataConfig": output,
			"modelInput": map[string]any{
				"taskType": "MULTI_SHOT_AUTOMATED", "multiShotAutomatedParams": map[string]any{"text": strings.Repeat("x", 4000)},
				"videoGenerationConfig": with(config, "durationSeconds", 120.0),
			},
		}},
		"the second model with one shot": {filmed("model_id", "amazon.nova-reel-v1:1"), map[string]any{
			"modelId": "amazon.nova-reel-v1:1", "outputDataConfig": output,
			"modelInput": map[string]any{
				"taskType": "TEXT_VIDEO", "textToVideoParams": map[string]any{"text": "A bicycle rolls by"}, "videoGenerationConfig": config,
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.put(t, "frame.png", "image/png", pngOf(t, filled(1280, 720, red)))
			c.Succeed(t, "nova_reel", tt.parameters)
			sent := c.sent("StartAsyncInvoke")
			if len(sent) != 1 {
				t.Fatalf("%d videos were started", len(sent))
			}
			if token, _ := sent[0]["clientRequestToken"].(string); len(token) < 16 {
				t.Errorf("the token is %q", token)
			}
			delete(sent[0], "clientRequestToken")
			toolstest.Same(t, "the body", tt.want, sent[0])
		})
	}
}

// opaqueFilled is what becomes of a picture of one colour.
func opaqueFilled(width, height int, shade color.Color) image.Image {
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			picture.Set(x, y, shade)
		}
	}
	return picture
}

var startedText = regexp.MustCompile(`^[^\n]+\nInvocation ARN: (arn:aws:bedrock:us-east-1:123456789012:async-invoke/([a-z0-9]{12}))\n[^\n]*(s3://\S+)$`)

func TestAVideoIsStartedWithoutWaitingForIt(t *testing.T) {
	for name, folder := range map[string]string{"a folder": "/videos", "a folder with a slash": "/videos/", "no folder": "", "just a slash": "/"} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.runtime.SetReel(standin.Reel{Takes: -1})
			result := c.Succeed(t, "nova_reel", filmed("video_output_s3uri", "s3://"+bucket+folder))
			found := startedText.FindStringSubmatch(result.Text)
			if found == nil {
				t.Fatalf("the text is %q", result.Text)
			}
			want := "s3://" + bucket + "/" + strings.TrimLeft(strings.Trim(folder, "/")+"/", "/") + found[2] + "/output.mp4"
			toolstest.Same(t, "the address", want, found[3])
			toolstest.Same(t, "the outputs", map[string]any{
				"invocation_arn": found[1], "status": "InProgress", "s3_uri": want, "submit_time": nil, "end_time": nil, "handover_error": nil,
			}, variables(t, result))
			if sent := c.Operations(); len(sent) != 1 {
				t.Errorf("%v were sent", sent)
			}
		})
	}
}

// wantVideo checks that a result is a video with this content.
func wantVideo(t *testing.T, result host.Result, video []byte) {
	t.Helper()
	if len(result.Files) != 1 {
		t.Fatalf("%d files; the text is %q", len(result.Files), result.Text)
	}
	file := result.Files[0]
	if file.Type != "video/mp4" || !regexp.MustCompile(`^nova-reel-[a-z0-9]{12}\.mp4$`).MatchString(file.Name) || file.Size != int64(len(video)) {
		t.Errorf("the file is %q, %s, %d bytes", file.Name, file.Type, file.Size)
	}
	body, err := file.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, body); err != nil {
		t.Fatal(err)
	}
	if want := sha256.Sum256(video); !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Error("the file is not the video")
	}
	got := variables(t, result)
	if got["status"] != "Completed" || got["handover_error"] != nil || got["s3_uri"] != result.Text {
		t.Errorf("the text is %q, the outputs are %v", result.Text, got)
	}
	for _, name := range []string{"submit_time", "end_time"} {
		text, _ := got[name].(string)
		if _, err := time.Parse("2006-01-02T15:04:05.999999-07:00", text); err != nil || !strings.HasSuffix(text, "+00:00") {
			t.Errorf("%s is %q", name, text)
		}
	}
}

func TestSection3_18Bug1_AVideoThatIsWaitedForIsHandedOver(t *testing.T) {
	c := newCloud(t)
	video := []byte("ftyp the video")
	c.runtime.SetReel(standin.Reel{Video: video})
	result := c.Succeed(t, "nova_reel", filmed("async", false))
	wantVideo(t, result, video)
	if kinds := kindsOf(result); kinds[0] != "text" || kinds[1] != "blob" && kinds[1] != "blob_chunk" {
		t.Errorf("the messages are %v", kinds)
	}
}

func kindsOf(result host.Result) []string {
	var kinds []string
	for _, m := range result.Messages {
		kinds = append(kinds, m.Type)
	}
	return kinds
}

// large is a video that Dify does not take piece by piece.
func large() []byte {
	video := bytes.Repeat([]byte("0123456789abcde\n"), 40<<20/16)
	for i := 0; i < len(video); i += 4096 {
		copy(video[i:], fmt.Sprintf("%015d", i))
	}
	return video
}

func TestSection3_18Bug5_AVideoOf40MiBReachesDify(t *testing.T) {
	c := newCloud(t)
	video := large()
	c.runtime.SetReel(standin.Reel{Video: video})
	wantVideo(t, c.Succeed(t, "nova_reel", filmed("async", false)), video)
}

func TestAVideoThatDifyDoesNotTakeLeavesItsAddress(t *testing.T) {
	c := newCloud(t)
	c.runtime.SetReel(standin.Reel{Video: large()})
	for name, tt := range map[string]struct {
		fault host.UploadFault
		words string
	}{
		"too large":     {host.UploadFault{Status: 413}, "413"},
		"a broken line": {host.UploadFault{Drop: true, DropAfter: 1000}, "upload"},
	} {
		t.Run(name, func(t *testing.T) {
			c.Dify.FailUploads(tt.fault)
			defer c.Dify.FailUploads(host.UploadFault{})
			wantAddress(t, c, c.Succeed(t, "nova_reel", filmed("async", false)), "")
		})
	}
	t.Run("links are switched off", func(t *testing.T) {
		t.Setenv("DIFYPLUGIN_FILE_LINKS", " OFF")
		c := newCloud(t)
		c.runtime.SetReel(standin.Reel{Video: large()})
		wantAddress(t, c, c.Succeed(t, "nova_reel", filmed("async", false)), "DIFYPLUGIN_FILE_LINKS is off")
	})
}

// wantAddress checks that a result is the address of a video and the reason why it is no more.
func wantAddress(t *testing.T, c *cloud, result host.Result, words string) {
	t.Helper()
	got := variables(t, result)
	uri, _ := got["s3_uri"].(string)
	reason, _ := got["handover_error"].(string)
	if len(result.Files) != 0 || got["status"] != "Completed" || len(reason) < 20 || !strings.Contains(reason, words) {
		t.Errorf("%d files, the outputs are %v", len(result.Files), got)
	}
	if !strings.HasPrefix(result.Text, uri+"\nThe video is done and could not be handed over to Dify: ") || !strings.Contains(result.Text, reason) {
		t.Errorf("the text is %q", result.Text)
	}
	if _, there := c.store.Object(bucket, strings.TrimPrefix(uri, "s3://"+bucket+"/")); !there {
		t.Errorf("there is no video at %s", uri)
	}
}

func TestAVideoThatCannotBeReadLeavesItsAddress(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Service: "s3", Operation: "GetObject", Effects: []aws.Effect{aws.Deny()}})
	wantAddress(t, c, c.Succeed(t, "nova_reel", filmed("async", false)), "s3:GetObject")
}

func TestASmallVideoThatBreaksOffFailsWithItsAddress(t *testing.T) {
	c := newCloud(t)
	c.runtime.SetReel(standin.Reel{Video: bytes.Repeat([]byte("x"), 100_000)})
	broken := c.Inject(aws.Fault{Service: "s3", Operation: "GetObject", Effects: []aws.Effect{aws.Cut(1000)}})
	wantAddress(t, c, c.Succeed(t, "nova_reel", filmed("async", false)), "the connection broke after 6000 of 100000 bytes") // less than a piece
	broken.Remove()
	c.Inject(aws.Fault{Service: "s3", Operation: "GetObject", Effects: []aws.Effect{aws.Cut(3000)}})
	toolstest.WantFailure(t, c.Fail(t, "nova_reel", filmed("async", false)), plugin.Connection, "The video is done and stays at s3://"+bucket+"/videos/", "invocation_arn arn:aws:bedrock")
}

func TestAVideoIsPickedUp(t *testing.T) {
	c := newCloud(t)
	c.runtime.SetReel(standin.Reel{Takes: -1})
	started, _ := variables(t, c.Succeed(t, "nova_reel", filmed()))["invocation_arn"].(string)
	c.Forget()
	looked := c.Succeed(t, "nova_reel", map[string]any{"prompt": "", "video_output_s3uri": "-", "invocation_arn": " " + started + "\n", "duration": 1, "fps": 1})
	got := variables(t, looked)
	if got["status"] != "InProgress" || got["invocation_arn"] != started || !strings.Contains(looked.Text, started) || got["submit_time"] == nil || got["end_time"] != nil {
		t.Errorf("the text is %q, the outputs are %v", looked.Text, got)
	}
	toolstest.Same(t, "the requests", []string{"bedrock-runtime.GetAsyncInvoke"}, c.Operations())
	for name, async := range map[string]bool{"with async": true, "waiting": false} {
		t.Run(name, func(t *testing.T) {
			c.runtime.SetReel(standin.Reel{Video: []byte("done")})
			finished, _ := variables(t, c.Succeed(t, "nova_reel", filmed()))["invocation_arn"].(string)
			before := c.runtime.Started()
			wantVideo(t, c.Succeed(t, "nova_reel", filmed("invocation_arn", finished, "async", async)), []byte("done"))
			if c.runtime.Started() != before {
				t.Error("another video was started")
			}
		})
	}
}

func TestSection3_18Bug4_WrongParametersOfAVideoAreRefusedBeforeAnythingIsSent(t *testing.T) {
	const arn = "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"
	for name, tt := range map[string]struct {
		parameters map[string]any
		words      []string
	}{
		"an empty prompt":                   {filmed("prompt", " "), []string{"prompt is empty"}},
		"a prompt of 513 characters":        {filmed("prompt", strings.Repeat("猫", 513)), []string{"prompt has 513 characters", "at most 512"}},
		"a long prompt of 4001 characters":  {filmed("prompt", strings.Repeat("x", 4001), "duration", 12, "model_id", "amazon.nova-reel-v1:1"), []string{"4001 characters", "at most 4000"}},
		"an output that is no address":      {filmed("video_output_s3uri", "bucket/videos"), []string{"video_output_s3uri is"}},
		"another dimension":                 {filmed("dimension", "1920x1080"), []string{"dimension must be 1280x720"}},
		"another frame rate":                {filmed("fps", 30), []string{"fps must be 24"}},
		"a seed that is too large":          {filmed("seed", 2147483647), []string{"seed must be from 0"}},
		"seven seconds":                     {filmed("duration", 7), []string{"duration must be 6 seconds or a multiple"}},
		"no seconds":                        {filmed("duration", 0), []string{"duration must be 6 seconds"}},
		"more than two minutes":             {filmed("duration", 126, "model_id", "amazon.nova-reel-v1:1"), []string{"up to 120, it is 126"}},
		"half a second":                     {filmed("duration", 6.5), []string{"duration must be a whole number"}},
		"twelve seconds of the first model": {filmed("duration", 12), []string{"amazon.nova-reel-v1:1 in model_id"}},
		"a long video with an image":        {filmed("duration", 12, "model_id", "amazon.nova-reel-v1:1", "image_input_s3uri", "s3://bucket/a.png"), []string{"begins with an image has 6 seconds"}},
		"an image that is no address":       {filmed("image_input_s3uri", "frame.png"), []string{"image_input_s3uri is"}},
		"a model that is none":              {filmed("model_id", "Nova Reel"), []string{"model_id is"}},
		"an invocation that is none":        {filmed("invocation_arn", "abc"), []string{"invocation_arn is"}},
		"an invocation of another region":   {filmed("invocation_arn", arn, "aws_region", "eu-west-1"), []string{"is in the region us-east-1"}},
		"an invocation of no region":        {filmed("invocation_arn", strings.Replace(arn, "us-east-1", "x", 1)), []string{"invocation_arn is"}},
		"everything at once":                {filmed("prompt", "", "fps", 1, "dimension", "x", "duration", 1, "video_output_s3uri", "x"), []string{"5 parameters are wrong"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			toolstest.WantFailure(t, c.Fail(t, "nova_reel", tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestSection3_18Bug6_BlankParametersOfAVideoAreDefaults(t *testing.T) {
	c := newCloud(t)
	for _, name := range []string{"dimension", "duration", "seed", "fps", "async", "image_input_s3uri", "image_input_file", "model_id", "invocation_arn", "aws_region"} {
		for _, blank := range []any{nil, ""} {
			c.Succeed(t, "nova_reel", filmed(name, blank))
		}
	}
	sent := c.sent("StartAsyncInvoke")
	for _, body := range sent {
		toolstest.Same(t, "the model's input", sent[0]["modelInput"], body["modelInput"])
	}
}

func TestSection3_18Bug7_AnImageThatWouldBecomeABlurIsRefused(t *testing.T) {
	cut := pngOf(t, filled(640, 360, red))
	for name, tt := range map[string]struct {
		image []byte
		words string
	}{
		"one pixel":            {pngOf(t, filled(1, 1, red)), "1 x 1 pixels and would become a blur"},
		"too low":              {pngOf(t, filled(1280, 179, red)), "1280 x 179"},
		"too many pixels":      {pngOf(t, filled(4000, 4001, red)), "at most 16 million"},
		"a transparent pixel":  {pngOf(t, spotted(640, 360, red, glassy)), "transparent at 639, 359"},
		"wholly transparent":   {pngOf(t, filled(640, 360, color.NRGBA{})), "transparent at 0, 0"},
		"not an image":         {[]byte("%PDF-1.7"), "neither a PNG nor a JPEG nor a WebP"},
		"half an image":        {cut[:len(cut)/2], "it is damaged"},
		"an animated cat even": {[]byte("GIF89a\x01\x00\x01\x00"), "neither a PNG"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.put(t, "frame.png", "image/png", tt.image)
			toolstest.WantFailure(t, c.Fail(t, "nova_reel", filmed("image_input_s3uri", "s3://"+bucket+"/frame.png")), plugin.BadRequest, "frame.png cannot be used as image_input_s3uri", tt.words)
			if c.runtime.Started() > 0 {
				t.Error("a video was started")
			}
		})
	}
}

func TestAnImageBecomesAFrame(t *testing.T) {
	for name, tt := range map[string]struct {
		file []byte
		kind string
	}{
		"a JPEG of another shape": {jpegOf(t, filled(400, 400, red)), "image/jpeg"},
		"a small PNG":             {pngOf(t, filled(320, 180, red)), "image/png"},
		"a large PNG":             {pngOf(t, filled(1600, 900, red)), "image/png"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Succeed(t, "nova_reel", filmed("image_input_file", c.File("frame", tt.kind, tt.file)))
			input, _ := c.sent("StartAsyncInvoke")[0]["modelInput"].(map[string]any)
			shot, _ := input["textToVideoParams"].(map[string]any)
			first, _ := shot["images"].([]any)[0].(map[string]any)
			encoded, _ := first["source"].(map[string]any)["bytes"].(string)
			data, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			frame, err := png.Decode(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			toolstest.Same(t, "the size", image.Pt(1280, 720), frame.Bounds().Size())
			for _, at := range []image.Point{{}, {X: 640, Y: 360}, {X: 1279, Y: 719}} {
				if r, g, b, a := frame.At(at.X, at.Y).RGBA(); r>>8 < 195 || r>>8 > 205 || g>>8 > 5 || b>>8 > 5 || a != 0xffff {
					t.Errorf("the colour at %v is %d, %d, %d, %d", at, r>>8, g>>8, b>>8, a>>8)
				}
			}
		})
	}
}

func TestSection3_18Bug8_TheRegionIsThatOfTheProvider(t *testing.T) {
	c := newCloud(t)
	if err := c.store.AddBucket(s3.Bucket{Name: "videos-in-tokyo", Region: "ap-northeast-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	parameters := filmed("video_output_s3uri", "s3://videos-in-tokyo", "async", false)
	result := c.SucceedAs(t, toolstest.Credentials("aws_region", "ap-northeast-1"), "nova_reel", parameters)
	arn, _ := variables(t, result)["invocation_arn"].(string)
	c.Succeed(t, "nova_reel", map[string]any{"prompt": "-", "video_output_s3uri": "-", "invocation_arn": arn})
	for _, call := range c.Calls() {
		if call.Service == "bedrock-runtime" && call.Region != "ap-northeast-1" {
			t.Errorf("%s went to %s", call.Operation, call.Region)
		}
	}
}

func TestAVideoThatCannotBeMadeFails(t *testing.T) {
	c := newCloud(t)
	c.runtime.SetReel(standin.Reel{Failure: "The prompt is in conflict with the policy."})
	toolstest.WantFailure(t, c.Fail(t, "nova_reel", filmed("async", false)), plugin.Unavailable, "could not be made: The prompt is in conflict with the policy.", "async-invoke/")
}

func TestAVideoIsStartedOnceHoweverOftenTheAnswerIsLost(t *testing.T) {
	for name, effect := range map[string]aws.Effect{"the connection is lost": aws.Drop(), "the answer is cut off": aws.Cut(5)} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.runtime.SetReel(standin.Reel{Takes: -1})
			fault := c.Inject(aws.Fault{Operation: "StartAsyncInvoke", Times: 1, Effects: []aws.Effect{effect}})
			result, err := c.Tool(t.Context(), toolstest.Caller(toolstest.Credentials()), "nova_reel", filmed())
			if fault.Hits() != 1 || c.runtime.Started() != 1 {
				t.Errorf("%d videos were started after %d losses: %q, %v", c.runtime.Started(), fault.Hits(), result.Text, err)
			}
		})
	}
}

func TestAStartWithoutAnAnswerSaysWhereToLook(t *testing.T) {
	const maybe = "may have been started and charged all the same: look into s3://" + bucket + "/videos/"
	for name, tt := range map[string]struct {
		effect aws.Effect
		kind   plugin.Kind
		maybe  bool
	}{
		"the connection is lost":  {aws.Drop(), plugin.Connection, true},
		"an error of the service": {aws.Break(), plugin.Unavailable, true},
		"a denial":                {aws.Deny(), plugin.Authorization, false},
		"a bucket that is refused": {
			aws.Fail(400, "ValidationException", "Invalid Output Config/Credentials."), plugin.BadRequest, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.Inject(aws.Fault{Operation: "StartAsyncInvoke", Effects: []aws.Effect{tt.effect}})
			failed := c.Fail(t, "nova_reel", filmed())
			toolstest.WantFailure(t, failed, tt.kind)
			if strings.Contains(failed.Message, maybe) != tt.maybe {
				t.Errorf("the error is %s", failed.Message)
			}
		})
	}
}

func TestErrorsOfALookSayHowToPickTheVideoUp(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Operation: "GetAsyncInvoke", Effects: []aws.Effect{aws.Deny()}})
	toolstest.WantFailure(t, c.Fail(t, "nova_reel", filmed("async", false)), plugin.Authorization, "bedrock:GetAsyncInvoke", "The video is not affected", "invocation_arn arn:aws:bedrock:us-east-1")
	none := c.Fail(t, "nova_reel", filmed("invocation_arn", "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"))
	toolstest.WantFailure(t, none, plugin.Authorization, "abcdefghijkl")
}

func TestAnInvocationThatNobodyKnowsIsNamed(t *testing.T) {
	c := newCloud(t)
	none := c.Fail(t, "nova_reel", filmed("invocation_arn", "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"))
	toolstest.WantFailure(t, none, plugin.BadRequest, "does not know it in us-east-1", "check invocation_arn")
}

func TestNothingOfAVideoIsLogged(t *testing.T) {
	c := newCloud(t)
	c.Succeed(t, "nova_reel", filmed("async", false))
	c.hidden(t, "A bicycle rolls by", bucket)
}
