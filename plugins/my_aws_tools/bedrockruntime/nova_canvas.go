package bedrockruntime

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// DrawInput is the input of nova_canvas.
type DrawInput struct {
	account.Input
	Task            string  `param:"task_type"`
	Prompt          string  `param:"prompt,literal"`
	ImageURI        string  `param:"image_input_s3uri"`
	Output          string  `param:"image_output_s3uri"`
	NegativePrompt  string  `param:"negative_prompt"`
	Width           int     `param:"width"`
	Height          int     `param:"height"`
	Guidance        float64 `param:"cfg_scale"`
	Seed            int     `param:"seed"`
	Quality         string  `param:"quality"`
	Colors          string  `param:"colors"`
	Similarity      float64 `param:"similarity_strength"`
	MaskPrompt      string  `param:"mask_prompt"`
	OutpaintingMode string  `param:"outpainting_mode"`

	Model           string             `param:"model_id"`
	ImageFiles      []plugin.InputFile `param:"image_input_files"`
	Count           int                `param:"number_of_images"`
	Style           string             `param:"style"`
	ControlMode     string             `param:"control_mode"`
	ControlStrength *float64           `param:"control_strength"`
	MaskURI         string             `param:"mask_image_s3uri"`
	MaskFile        *plugin.InputFile  `param:"mask_image_file"`
	ReferenceURI    string             `param:"reference_image_s3uri"`
	ReferenceFile   *plugin.InputFile  `param:"reference_image_file"`
	GarmentClass    string             `param:"garment_class"`
	MaskShape       string             `param:"mask_shape"`
	MergeStyle      string             `param:"merge_style"`
	TryOn           any                `param:"try_on_options"`
}

// Draw is the tool nova_canvas. It makes images or changes them with Amazon Nova Canvas, stores them in S3 under names
// that nothing else has, and hands them over as files.
//
// It sends a text with the address of each image, a line each, and then the files. An image was paid for: where it
// cannot be stored, the tool succeeds all the same, says so in the text and in the output storage_error, and hands the
// file over, because Dify would throw it away with a failed node. The images that moderation has kept back are told in
// the same way; where it kept all back, the tool fails.
//
// TEXT_IMAGE takes no notice of image_input_s3uri unless control_mode is chosen, since workflows may name an image there
// that only another of their tasks uses.
func Draw(ctx context.Context, call *plugin.Call, in DrawInput) error {
	d, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	body, size, err := d.body(ctx, call, acct)
	if err != nil {
		return err
	}
	if d.sized {
		size = image.Pt(in.Width, in.Height)
	}
	release, err := reserve(ctx, in.Count, size)
	if err != nil {
		return err
	}
	defer release()
	made, err := newClient(acct, "", maxImageAnswer).draw(ctx, d, body)
	if err != nil {
		return err
	}
	made.store(ctx, s3.OpenBucket(ctx, acct, d.bucket, call.Logger()), d.prefix)
	return made.send(ctx, call, d)
}

// maxBody is the longest body of a request to a model in bytes.
const maxBody = 25_000_000

// body reads the images and writes the request. The size is that of the image that is worked on, if there is one.
func (d drawing) body(ctx context.Context, call *plugin.Call, acct *account.Account) (text []byte, size image.Point, err error) {
	size, err = d.addImages(ctx, call, acct)
	if err != nil {
		return nil, size, err
	}
	request := map[string]any{"taskType": d.taskType, d.parameters: d.own}
	if d.config != nil {
		request["imageGenerationConfig"] = d.config
	}
	text, err = param.Encode(request)
	if err == nil && len(text) > maxBody {
		err = plugin.Errorf(plugin.BadRequest, "nova_canvas was not run: the images have %d bytes together as they are sent, and Bedrock takes %d: use smaller ones", len(text), maxBody)
	}
	return text, size, err
}

// addImages reads the images and puts them where the task has them.
func (d drawing) addImages(ctx context.Context, call *plugin.Call, acct *account.Account) (size image.Point, err error) {
	sources := make([]string, len(d.sources))
	for i, from := range d.sources {
		if sources[i], size, err = from.encoded(ctx, call, acct, opaque); err != nil {
			return size, err
		}
	}
	d.placeSources(sources)
	if d.reference != nil {
		encoded, _, err := d.reference.encoded(ctx, call, acct, opaque)
		if err != nil {
			return size, err
		}
		d.own["referenceImage"] = encoded
	}
	if d.mask != nil {
		encoded, _, err := d.mask.encoded(ctx, call, acct, func(mask image.Image) error { return checkMask(mask, size) })
		if err != nil {
			return size, err
		}
		d.placeMask(encoded)
	}
	return size, nil
}

func (d drawing) placeSources(sources []string) {
	switch {
	case len(sources) == 0:
	case d.taskType == textImage:
		d.own["conditionImage"] = sources[0]
	case d.taskType == colorGuided:
		d.own["referenceImage"] = sources[0]
	case d.taskType == imageVariation:
		d.own["images"] = sources
	case d.taskType == virtualTryOn:
		d.own["sourceImage"] = sources[0]
	default:
		d.own["image"] = sources[0]
	}
}

func (d drawing) placeMask(mask string) {
	if d.taskType == virtualTryOn {
		d.own["imageBasedMask"] = map[string]any{"maskImage": mask}
		return
	}
	d.own["maskImage"] = mask
}

// encoded reads an image, lets check look at it, and returns it in base64, as PNG or JPEG.
func (from source) encoded(ctx context.Context, call *plugin.Call, acct *account.Account, check func(image.Image) error) (text string, size image.Point, err error) {
	data, err := from.load(ctx, call, acct)
	if err != nil {
		return "", image.Point{}, err
	}
	err = from.decode(ctx, data, checkSource, func(picture image.Image) error {
		size = picture.Bounds().Size()
		if err := check(picture); err != nil {
			return err
		}
		if kind, _ := formatOf(data); kind.mediaType == "image/webp" { // which the model does not read
			data, err = encodePNG(picture)
		}
		return err
	})
	if err != nil {
		return "", size, err
	}
	return base64.StdEncoding.EncodeToString(data), size, nil
}

// checkSource refuses images of sizes that the model does not take.
func checkSource(width, height int) error {
	switch {
	case min(width, height) < minSide, max(width, height) > maxSide:
		return fmt.Errorf("it has %d x %d pixels, and each side must have %d to %d", width, height, minSide, maxSide)
	case width*height > maxPixels:
		return fmt.Errorf("it has %d x %d pixels, and at most %d are taken, as in 2048 x 2048", width, height, maxPixels)
	case width > maxAspect*height, height > maxAspect*width:
		return fmt.Errorf("it has %d x %d pixels, and one side may be at most %d times the other", width, height, maxAspect)
	}
	return nil
}

// checkMask demands black and white and the size of the image.
func checkMask(mask image.Image, size image.Point) error {
	bounds := mask.Bounds()
	if bounds.Size() != size {
		return fmt.Errorf("it has %d x %d pixels and the image has %d x %d: a mask must be as large as its image", bounds.Dx(), bounds.Dy(), size.X, size.Y)
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, a := mask.At(x, y).RGBA()
			if r != g || g != b || r != 0 && r != 0xffff || a != 0xffff {
				return fmt.Errorf("it is neither black nor white at %d, %d: a mask has these colors only, so save it as PNG and without soft edges", x-bounds.Min.X, y-bounds.Min.Y)
			}
		}
	}
	return nil
}

// images are what the model has made.
type images struct {
	files  []madeImage
	notice string // what the model said besides
}

type madeImage struct {
	name, mediaType string
	data            []byte
	uri             string // once it is stored
	failure         error  // why it is not
}

// draw asks the model, once.
func (c client) draw(ctx context.Context, d drawing, body []byte) (*images, error) {
	out, err := c.paying.InvokeModel(ctx, &bedrockruntime.InvokeModelInput{
		ModelId: aws.String(d.model), Body: body, ContentType: aws.String("application/json"), Accept: aws.String("application/json"),
	})
	if err != nil {
		return nil, c.drawError(err, d.model)
	}
	return readImages(out.Body, time.Now())
}

// drawError says whether an image may have been made although nothing came back.
func (c client) drawError(err error, model string) error {
	explained := c.explain(err, "make an image with "+model, "bedrock:InvokeModel", model, modelFaults())
	if !c.line.Sent() || account.Code(err) != "" && plugin.KindOf(explained) != plugin.Unavailable {
		return explained
	}
	if isOver(explained) {
		return plugin.Errorf(plugin.Unavailable, "%s has not answered within the time that Dify gives a tool. The image may be made and charged all the same, and was "+
			"not asked for a second time: ask for fewer or smaller images, or for standard quality", model)
	}
	return plugin.Errorf(plugin.KindOf(explained), "%w. An image may have been made and charged all the same, and was not asked for a second time", explained)
}

// readImages reads the answer of the model.
func readImages(body []byte, now time.Time) (*images, error) {
	var answer struct {
		Images [][]byte `json:"images"` // in base64
		Error  string   `json:"error"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, plugin.Errorf(plugin.Unavailable, "what the model answered cannot be read: check that model_id is Nova Canvas")
	}
	made := &images{notice: strings.TrimSpace(answer.Error)}
	if len(answer.Images) == 0 {
		if made.notice != "" {
			return nil, plugin.Errorf(plugin.BadRequest, "Nova Canvas made no image: %s", param.Clip(made.notice))
		}
		return nil, plugin.Errorf(plugin.Unavailable, "the answer of the model holds no image and no reason: check that model_id is Nova Canvas")
	}
	stem := fmt.Sprintf("canvas-output-%s-%s", now.UTC().Format("20060102_150405"), strings.ToLower(rand.Text()[:10]))
	for i, data := range answer.Images {
		kind, err := formatOf(data)
		if err != nil {
			return nil, plugin.Errorf(plugin.Unavailable, "the model answered with a file that is no image: %w", err)
		}
		name := stem
		if len(answer.Images) > 1 {
			name += fmt.Sprintf("-%d", i+1)
		}
		made.files = append(made.files, madeImage{name: name + kind.extension, mediaType: kind.mediaType, data: data})
	}
	return made, nil
}

// store stores the images. What cannot be stored is kept for the user.
func (made *images) store(ctx context.Context, into *s3.Bucket, prefix string) {
	for i := range made.files {
		file := &made.files[i]
		key := prefix + file.name
		if file.failure = into.Write(ctx, key, file.mediaType, bytes.NewReader(file.data), int64(len(file.data))); file.failure == nil {
			file.uri = into.URI(key)
		}
	}
}

// uris are the addresses of what was stored, and the first reason why something was not.
func (made *images) uris() (uris []string, failure error) {
	uris = []string{}
	for _, file := range made.files {
		if file.uri != "" {
			uris = append(uris, file.uri)
		}
		if failure == nil {
			failure = file.failure
		}
	}
	return uris, failure
}

// text is the addresses of the images, and what went wrong.
func (made *images) text() string {
	uris, failure := made.uris()
	lines := uris
	if failure != nil {
		lines = append(lines, fmt.Sprintf("%d of %d images could not be stored and are only in the files of this result: %v", len(made.files)-len(uris), len(made.files), failure))
	}
	if made.notice != "" {
		lines = append(lines, "Nova Canvas kept images back: "+param.Clip(made.notice))
	}
	return strings.Join(lines, "\n")
}

// send sends the addresses, the files and the outputs.
func (made *images) send(ctx context.Context, call *plugin.Call, d drawing) error {
	if err := call.Text(made.text()); err != nil {
		return err
	}
	uris, failure := made.uris()
	for _, file := range made.files {
		if err := call.File(ctx, plugin.Bytes(file.name, file.mediaType, file.data)); err != nil {
			if file.uri != "" {
				err = plugin.Errorf(plugin.KindOf(err), "%w. The image was made, and is stored at %s", err, file.uri)
			}
			return err
		}
	}
	outputs := result.Outputs{
		"s3_uri": nil, "s3_uris": uris, "image_count": len(made.files), "task_type": d.taskType, "model_id": d.model,
		"notice": result.OrNull(made.notice), "storage_error": nil,
	}
	if len(uris) > 0 {
		outputs["s3_uri"] = uris[0]
	}
	if failure != nil {
		outputs["storage_error"] = failure.Error()
	}
	return outputs.Send(call)
}
