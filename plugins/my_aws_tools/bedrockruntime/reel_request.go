package bedrockruntime

import (
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// The limits of Nova Reel: "Video generation access and usage" in the user guide of Amazon Nova.
const (
	frameWidth, frameHeight = 1280, 720 // pixels
	dimension               = "1280x720"
	framesPerSecond         = 24
	shotSeconds             = 6
	maxSeconds              = 120
	maxShotPrompt           = 512  // characters
	maxScenePrompt          = 4000 // characters
)

// The sizes of images that are made into the first frame. A smaller one would be enlarged more than fourfold, and
// nobody wants to pay for that; of a larger one not even its decoded form fits beside the work of others.
const (
	minFrameWidth, minFrameHeight = frameWidth / 4, frameHeight / 4
	maxFramePixels                = 16_000_000
)

// filming is a video that is asked for, or one that was started before, checked but for the image.
type filming struct {
	model, prompt  string
	bucket, prefix string
	seconds, seed  int
	frame          *source
	wait           bool
	// pickUp is the invocation of a video that was started before, or the zero one.
	pickUp invocation
}

// invocation is a video that was started, by the parts of its ARN.
type invocation struct{ arn, region, id string }

var invocationPattern = regexp.MustCompile(`^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):[0-9]{12}:async-invoke/([a-z0-9]{12})$`)

func parseInvocation(arn string) (invocation, error) {
	found := invocationPattern.FindStringSubmatch(arn)
	if found == nil || !account.ValidRegion(found[1]) {
		return invocation{}, fmt.Errorf("is %q, which is not the ARN of an invocation: enter the invocation_arn that this tool has returned", param.Clip(arn))
	}
	return invocation{arn: arn, region: found[1], id: found[2]}, nil
}

// read checks the parameters. Of a video that was started before only its ARN matters.
func (in FilmInput) read() (filming, error) {
	var wrong param.Problems
	f := filming{model: strings.TrimSpace(in.Model), prompt: in.Prompt, seconds: in.Duration, seed: in.Seed, wait: !in.Async}
	if arn := strings.TrimSpace(in.InvocationARN); arn != "" {
		var err error
		f.pickUp, err = parseInvocation(arn)
		wrong.Add("invocation_arn", err)
		if region := strings.ToLower(strings.TrimSpace(in.Region)); err == nil && region != "" && region != f.pickUp.region {
			wrong.Addf("invocation_arn", "is in the region %s, and aws_region is %q: clear aws_region", f.pickUp.region, param.Clip(region))
		}
		return f, wrong.Err("nova_reel")
	}
	wrong.Add("model_id", checkModel(f.model))
	var err error
	f.bucket, f.prefix, err = s3.ParseFolder(in.Output)
	wrong.Add("video_output_s3uri", err)
	f.frame = either(&wrong, "image_input_s3uri", in.ImageURI, "image_input_file", in.ImageFile)
	f.checkScene(&wrong)
	if text := strings.TrimSpace(in.Dimension); text != dimension {
		wrong.Addf("dimension", "must be %s, the only one that Nova Reel makes; it is %q", dimension, param.Clip(text))
	}
	if in.FPS != framesPerSecond {
		wrong.Addf("fps", "must be %d, the only rate that Nova Reel makes; it is %d", framesPerSecond, in.FPS)
	}
	if in.Seed < 0 || in.Seed > maxSeed {
		wrong.Addf("seed", "must be from 0 to %d, it is %d", maxSeed, in.Seed)
	}
	return f, wrong.Err("nova_reel")
}

// several reports whether the video has more than one shot, which the model plans by itself.
func (f filming) several() bool { return f.seconds > shotSeconds }

// checkScene checks what depends on how long the video is.
func (f filming) checkScene(wrong *param.Problems) {
	first := strings.Contains(f.model, "nova-reel-v1:0")
	switch {
	case f.seconds < shotSeconds, f.seconds > maxSeconds, f.seconds%shotSeconds != 0:
		wrong.Addf("duration", "must be %d seconds or a multiple of them up to %d, it is %d", shotSeconds, maxSeconds, f.seconds)
	case f.several() && first:
		wrong.Addf("duration", "is %d, and amazon.nova-reel-v1:0 makes videos of %d seconds: enter amazon.nova-reel-v1:1 in model_id", f.seconds, shotSeconds)
	case f.several() && f.frame != nil:
		wrong.Addf("duration", "is %d, and a video that begins with an image has %d seconds: clear the image, or make it shorter", f.seconds, shotSeconds)
	}
	most := maxShotPrompt
	if f.several() {
		most = maxScenePrompt
	}
	switch n := utf8.RuneCountInString(f.prompt); {
	case strings.TrimSpace(f.prompt) == "":
		wrong.Addf("prompt", "is empty: say what the video shall show")
	case n > most:
		wrong.Addf("prompt", "has %d characters, and for a video of %d seconds at most %d are possible", n, f.seconds, most)
	}
}

// input reads the image and writes what the model gets.
func (f filming) input(ctx context.Context, call *plugin.Call, acct *account.Account) (map[string]any, error) {
	config := map[string]any{"durationSeconds": f.seconds, "fps": framesPerSecond, "dimension": dimension, "seed": f.seed}
	if f.several() {
		return map[string]any{
			"taskType": "MULTI_SHOT_AUTOMATED", "multiShotAutomatedParams": map[string]any{"text": f.prompt}, "videoGenerationConfig": config,
		}, nil
	}
	shot := map[string]any{"text": f.prompt}
	if f.frame != nil {
		frame, err := f.frame.firstFrame(ctx, call, acct)
		if err != nil {
			return nil, err
		}
		shot["images"] = []any{map[string]any{"format": "png", "source": map[string]any{"bytes": base64.StdEncoding.EncodeToString(frame)}}}
	}
	return map[string]any{"taskType": "TEXT_VIDEO", "textToVideoParams": shot, "videoGenerationConfig": config}, nil
}

// firstFrame makes an image into the first frame of a video, as PNG. One of another shape is stretched: to cut something
// off is for the user to decide.
func (from source) firstFrame(ctx context.Context, call *plugin.Call, acct *account.Account) ([]byte, error) {
	data, err := from.load(ctx, call, acct)
	if err != nil {
		return nil, err
	}
	err = from.decode(ctx, data, checkFrame, func(picture image.Image) error {
		if err := opaque(picture); err != nil {
			return err
		}
		var err error
		data, err = encodePNG(resize(picture, frameWidth, frameHeight))
		return err
	})
	return data, err
}

func checkFrame(width, height int) error {
	switch {
	case width < minFrameWidth, height < minFrameHeight:
		return fmt.Errorf("it has %d x %d pixels and would become a blur: at least %d x %d are needed, and %s is best", width, height, minFrameWidth, minFrameHeight, dimension)
	case width*height > maxFramePixels:
		return fmt.Errorf("it has %d x %d pixels, and at most %d million are taken: %s is enough", width, height, maxFramePixels/1_000_000, dimension)
	}
	return nil
}
