package bedrockruntime

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/s3"
)

// The limits of Nova Canvas: "Image generation and editing" and "Request and response structure for image generation" in
// the user guide of Amazon Nova. Lengths are in characters, sizes in pixels.
const (
	maxPrompt     = 1024
	minSide       = 320
	maxSide       = 4096
	sideStep      = 16
	maxPixels     = 2048 * 2048
	maxAspect     = 4
	minGuidance   = 1.1
	maxGuidance   = 10
	maxSeed       = 2_147_483_646
	minSimilarity = 0.2
	maxSources    = 5
	maxImages     = 5
	maxColors     = 10
	// defaultColors are taken where none are given: what the tool has always done.
	defaultColors = "#ff8080-#ffb280-#ffe680-#ffe680"
)

// The tasks of Nova Canvas.
const (
	textImage         = "TEXT_IMAGE"
	colorGuided       = "COLOR_GUIDED_GENERATION"
	imageVariation    = "IMAGE_VARIATION"
	inpainting        = "INPAINTING"
	outpainting       = "OUTPAINTING"
	backgroundRemoval = "BACKGROUND_REMOVAL"
	virtualTryOn      = "VIRTUAL_TRY_ON"
)

// task says what a task takes.
type task struct {
	// parameters is the member of a request that holds what is particular to the task.
	parameters string
	// prompt says whether a prompt is required; prompted, whether one can be given at all.
	prompt, prompted bool
	// sources are how many images it takes.
	minSources, maxSources int
	// masked tasks need to know what part of an image they are about.
	masked bool
	// sized tasks can be told how large the result is to be; that of the others is as large as the image.
	sized bool
	// configured tasks take an imageGenerationConfig.
	configured bool
}

func tasks() map[string]task {
	return map[string]task{
		textImage:         {parameters: "textToImageParams", prompt: true, prompted: true, maxSources: 1, sized: true, configured: true},
		colorGuided:       {parameters: "colorGuidedGenerationParams", prompt: true, prompted: true, maxSources: 1, sized: true, configured: true},
		imageVariation:    {parameters: "imageVariationParams", prompted: true, minSources: 1, maxSources: maxSources, sized: true, configured: true},
		inpainting:        {parameters: "inPaintingParams", prompted: true, minSources: 1, maxSources: 1, masked: true, configured: true},
		outpainting:       {parameters: "outPaintingParams", prompted: true, minSources: 1, maxSources: 1, masked: true, configured: true},
		backgroundRemoval: {parameters: "backgroundRemovalParams", minSources: 1, maxSources: 1},
		virtualTryOn:      {parameters: "virtualTryOnParams", minSources: 1, maxSources: 1, masked: true, configured: true},
	}
}

// drawing is what is asked of the model, checked but for the images, which are not read yet.
type drawing struct {
	task
	taskType, model string
	bucket, prefix  string // where the results go
	sources         []source
	mask, reference *source
	// own are the members of the task's parameters but for the images; config is the imageGenerationConfig.
	own, config map[string]any
}

// read checks the parameters.
func (in DrawInput) read() (drawing, error) {
	var wrong param.Problems
	d := drawing{taskType: strings.ToUpper(strings.TrimSpace(in.Task)), model: strings.TrimSpace(in.Model), own: map[string]any{}}
	known := tasks()
	var ok bool
	if d.task, ok = known[d.taskType]; !ok {
		wrong.Addf("task_type", "is %q; the tasks are %s, %s, %s, %s, %s, %s and %s", param.Clip(in.Task), textImage, colorGuided, imageVariation, inpainting,
			outpainting, backgroundRemoval, virtualTryOn)
		return d, wrong.Err("nova_canvas")
	}
	wrong.Add("model_id", checkModel(d.model))
	var err error
	d.bucket, d.prefix, err = s3.ParseFolder(in.Output)
	wrong.Add("image_output_s3uri", err)
	in.readSources(&d, &wrong)
	in.readPrompts(&d, &wrong)
	in.readOwn(&d, &wrong)
	d.config = in.readConfig(d.task, &wrong)
	return d, wrong.Err("nova_canvas")
}

// modelPattern is what IDs of models and inference profiles and the ARNs of both are written with.
var modelPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.:/_-]*$`)

// maxModel is how many characters an identifier of a model has at most.
const maxModel = 2048

func checkModel(model string) error {
	if modelPattern.MatchString(model) && len(model) <= maxModel {
		return nil
	}
	return fmt.Errorf("is %q, which is neither the ID of a model or of an inference profile nor the ARN of one", param.Clip(model))
}

// readSources finds out which images are wanted. Several addresses stand in lines of their own.
func (in DrawInput) readSources(d *drawing, wrong *param.Problems) {
	uris := strings.FieldsFunc(in.ImageURI, func(r rune) bool { return r == '\n' || r == '\r' })
	uris = slices.DeleteFunc(uris, func(uri string) bool { return strings.TrimSpace(uri) == "" })
	conditioned := in.ControlMode != "" || len(in.ImageFiles) > 0
	if d.taskType == textImage && !conditioned {
		return // workflows may still name an image that another task used
	}
	if len(uris) > 0 && len(in.ImageFiles) > 0 {
		wrong.Addf("image_input_files", "is filled in, and image_input_s3uri as well: clear one of them")
	}
	for _, uri := range uris {
		from, err := fromS3("image_input_s3uri", uri)
		wrong.Add("image_input_s3uri", err)
		d.sources = append(d.sources, from)
	}
	for i := range in.ImageFiles {
		d.sources = append(d.sources, source{parameter: "image_input_files", file: &in.ImageFiles[i]})
	}
	least := d.minSources
	if d.taskType == textImage {
		least = 1
	}
	switch n := len(d.sources); {
	case n < least:
		wrong.Addf("image_input_s3uri", "is blank, and so is image_input_files: %s needs an image", d.taskType)
	case n > d.maxSources:
		wrong.Addf(d.sources[0].parameter, "names %d images, and %s takes at most %d", n, d.taskType, d.maxSources)
	}
	if d.masked {
		d.mask = either(wrong, "mask_image_s3uri", in.MaskURI, "mask_image_file", in.MaskFile)
	}
	if d.taskType == virtualTryOn {
		d.reference = either(wrong, "reference_image_s3uri", in.ReferenceURI, "reference_image_file", in.ReferenceFile)
		if d.reference == nil {
			wrong.Addf("reference_image_s3uri", "is blank, and so is reference_image_file: %s needs an image of what is to be tried on", d.taskType)
		}
	}
}

func checkLength(text string) error {
	if n := utf8.RuneCountInString(text); n > maxPrompt {
		return fmt.Errorf("has %d characters, and Nova Canvas reads at most %d", n, maxPrompt)
	}
	return nil
}

func (in DrawInput) readPrompts(d *drawing, wrong *param.Problems) {
	if !d.prompted {
		return
	}
	wrong.Add("prompt", checkLength(in.Prompt))
	wrong.Add("negative_prompt", checkLength(in.NegativePrompt))
	blank := strings.TrimSpace(in.Prompt) == ""
	if blank && d.prompt {
		wrong.Addf("prompt", "is empty: say what the image shall show")
	}
	if !blank {
		d.own["text"] = in.Prompt
	}
	if strings.TrimSpace(in.NegativePrompt) != "" {
		d.own["negativeText"] = in.NegativePrompt
	}
}

// readOwn reads what only one task takes.
func (in DrawInput) readOwn(d *drawing, wrong *param.Problems) {
	switch d.taskType {
	case textImage:
		if in.Style != "" {
			d.own["style"] = in.Style
		}
		in.readControl(d, wrong)
	case colorGuided:
		colors, err := readColors(in.Colors)
		wrong.Add("colors", err)
		d.own["colors"] = colors
	case imageVariation:
		if in.Similarity < minSimilarity || in.Similarity > 1 {
			wrong.Addf("similarity_strength", "must be from %v to 1, it is %v", minSimilarity, in.Similarity)
		}
		d.own["similarityStrength"] = in.Similarity
	case outpainting:
		mode := strings.ToUpper(strings.TrimSpace(in.OutpaintingMode))
		if mode != "DEFAULT" && mode != "PRECISE" {
			wrong.Addf("outpainting_mode", "must be DEFAULT or PRECISE, it is %q", param.Clip(in.OutpaintingMode))
		}
		d.own["outPaintingMode"] = mode
	case virtualTryOn:
		in.readTryOn(d, wrong)
	}
	if d.taskType == inpainting || d.taskType == outpainting {
		in.readMask(d, wrong)
	}
}

// readControl reads how an image guides the layout of the new one.
func (in DrawInput) readControl(d *drawing, wrong *param.Problems) {
	if len(d.sources) == 0 {
		return
	}
	if in.ControlMode != "" {
		d.own["controlMode"] = in.ControlMode
	}
	if in.ControlStrength == nil {
		return
	}
	if *in.ControlStrength < 0 || *in.ControlStrength > 1 {
		wrong.Addf("control_strength", "must be from 0 to 1, it is %v", *in.ControlStrength)
	}
	d.own["controlStrength"] = *in.ControlStrength
}

var colorPattern = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// readColors reads #rrggbb-#rrggbb.
func readColors(text string) ([]string, error) {
	if text = strings.TrimSpace(text); text == "" {
		text = defaultColors
	}
	colors := strings.Split(text, "-")
	for i := range colors {
		if colors[i] = strings.TrimSpace(colors[i]); !colorPattern.MatchString(colors[i]) {
			return nil, fmt.Errorf("is %q; colors are written like #ff8080-#ffb280", param.Clip(text))
		}
	}
	if len(colors) > maxColors {
		return nil, fmt.Errorf("has %d colors, and Nova Canvas takes at most %d", len(colors), maxColors)
	}
	return colors, nil
}

// readMask demands exactly one way to say which part of the image is meant.
func (in DrawInput) readMask(d *drawing, wrong *param.Problems) {
	prompt := strings.TrimSpace(in.MaskPrompt)
	switch {
	case prompt == "" && d.mask == nil:
		wrong.Addf("mask_prompt", "is blank, and there is no mask image either: %s needs one of them", d.taskType)
	case prompt != "" && d.mask != nil:
		wrong.Addf("mask_prompt", "is filled in, and there is a mask image as well: clear one of them")
	case prompt != "":
		wrong.Add("mask_prompt", checkLength(in.MaskPrompt))
		d.own["maskPrompt"] = in.MaskPrompt
	}
}

// readTryOn reads how the thing to be tried on finds its place: by a mask image, by the kind of garment, or by words.
func (in DrawInput) readTryOn(d *drawing, wrong *param.Problems) {
	styling, kept, err := readOptions(in.TryOn)
	wrong.Add("try_on_options", err)
	prompt := strings.TrimSpace(in.MaskPrompt)
	mask := map[string]any{}
	var ways []string
	if d.mask != nil {
		ways = append(ways, "a mask image")
		d.own["maskType"] = "IMAGE"
	}
	if in.GarmentClass != "" {
		ways = append(ways, "garment_class")
		mask["garmentClass"] = in.GarmentClass
		d.own["maskType"], d.own["garmentBasedMask"] = "GARMENT", mask
	}
	if prompt != "" {
		ways = append(ways, "mask_prompt")
		wrong.Add("mask_prompt", checkLength(in.MaskPrompt))
		mask["maskPrompt"] = in.MaskPrompt
		d.own["maskType"], d.own["promptBasedMask"] = "PROMPT", mask
	}
	if len(ways) != 1 {
		wrong.Addf("garment_class", "or mask_prompt or a mask image has to be filled in, and only one of them; there is %s", orNothing(ways))
	}
	if in.MaskShape != "" && d.mask == nil {
		mask["maskShape"] = in.MaskShape
	}
	if len(styling) > 0 {
		if in.GarmentClass == "" {
			wrong.Addf("try_on_options", "says how a garment is worn, which works with garment_class only")
		}
		mask["garmentStyling"] = styling
	}
	if len(kept) > 0 {
		d.own["maskExclusions"] = kept
	}
	if in.MergeStyle != "" {
		d.own["mergeStyle"] = in.MergeStyle
	}
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "none of them"
	}
	return strings.Join(list, " and ")
}

// readOptions reads the finer points of trying on: how a garment is worn, and what of a person is kept.
func readOptions(value any) (styling, kept map[string]string, err error) {
	raw, err := param.JSON(value)
	if err != nil || raw == nil {
		return nil, nil, err
	}
	var options map[string]string
	if json.Unmarshal(raw, &options) != nil {
		return nil, nil, errors.New(`must be a JSON object of texts, such as {"preserveFace": "ON"}`)
	}
	preserve := []string{"ON", "OFF", "DEFAULT"}
	choices := map[string][]string{
		"longSleeveStyle": {"SLEEVE_DOWN", "SLEEVE_UP"}, "tuckingStyle": {"UNTUCKED", "TUCKED"}, "outerLayerStyle": {"CLOSED", "OPEN"},
		"preserveBodyPose": preserve, "preserveHands": preserve, "preserveFace": preserve,
	}
	styling, kept = map[string]string{}, map[string]string{}
	for name, choice := range options {
		allowed := choices[name]
		switch {
		case allowed == nil:
			return nil, nil, fmt.Errorf("has %q; possible are longSleeveStyle, tuckingStyle, outerLayerStyle, preserveBodyPose, preserveHands and preserveFace", param.Clip(name))
		case !slices.Contains(allowed, choice):
			return nil, nil, fmt.Errorf("has %q as %s; possible are %s", param.Clip(choice), name, strings.Join(allowed, ", "))
		case strings.HasPrefix(name, "preserve"):
			kept[name] = choice
		default:
			styling[name] = choice
		}
	}
	return styling, kept, nil
}

// readConfig reads what most tasks take.
func (in DrawInput) readConfig(t task, wrong *param.Problems) map[string]any {
	if in.Count < 1 || in.Count > maxImages {
		wrong.Addf("number_of_images", "must be from 1 to %d, it is %d", maxImages, in.Count)
	}
	if !t.configured {
		if in.Count > 1 {
			wrong.Addf("number_of_images", "must be 1: this task makes one image")
		}
		return nil
	}
	quality := strings.ToLower(strings.TrimSpace(in.Quality))
	if quality != "standard" && quality != "premium" {
		wrong.Addf("quality", "must be standard or premium, it is %q", param.Clip(in.Quality))
	}
	if in.Guidance < minGuidance || in.Guidance > maxGuidance {
		wrong.Addf("cfg_scale", "must be from %v to %v, it is %v", minGuidance, maxGuidance, in.Guidance)
	}
	if in.Seed < 0 || in.Seed > maxSeed {
		wrong.Addf("seed", "must be from 0 to %d, it is %d", maxSeed, in.Seed)
	}
	config := map[string]any{"quality": quality, "cfgScale": in.Guidance, "seed": in.Seed, "numberOfImages": in.Count}
	if t.sized {
		wrong.Add("width", checkSide(in.Width))
		wrong.Add("height", checkSide(in.Height))
		if checkSide(in.Width) == nil && checkSide(in.Height) == nil {
			wrong.Add("width", checkShape(in.Width, in.Height))
		}
		config["width"], config["height"] = in.Width, in.Height
	}
	return config
}

func checkSide(side int) error {
	if side < minSide || side > maxSide || side%sideStep != 0 {
		return fmt.Errorf("must be a multiple of %d from %d to %d, it is %d", sideStep, minSide, maxSide, side)
	}
	return nil
}

func checkShape(width, height int) error {
	switch {
	case width*height > maxPixels:
		return fmt.Errorf("and height are %d x %d: together at most %d pixels are possible, as in 2048 x 2048", width, height, maxPixels)
	case width > maxAspect*height, height > maxAspect*width:
		return fmt.Errorf("and height are %d x %d: one may be at most %d times the other", width, height, maxAspect)
	}
	return nil
}
