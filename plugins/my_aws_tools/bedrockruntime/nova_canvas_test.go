package bedrockruntime_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"image/color"
	"image/png"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
	"github.com/cloudplugins/difyplugin/sandbox/aws"
	standin "github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
	"github.com/cloudplugins/difyplugin/sandbox/aws/s3"
)

// drawn are the parameters of a plain image, with further ones.
func drawn(pairs ...any) map[string]any {
	return with(map[string]any{"prompt": "A red bicycle", "image_output_s3uri": "s3://" + bucket + "/out"}, pairs...)
}

// pictures puts the images that tests use into S3.
func (c *cloud) pictures(t *testing.T) {
	t.Helper()
	c.put(t, "in/red.png", "image/png", pngOf(t, filled(320, 400, red)))
	c.put(t, "in/blue.jpg", "image/jpeg", jpegOf(t, filled(320, 320, blue)))
	c.put(t, "in/mask.png", "image/png", pngOf(t, spotted(320, 400, black, white)))
}

const (
	redURI  = "s3://" + bucket + "/in/red.png"
	blueURI = "s3://" + bucket + "/in/blue.jpg"
	maskURI = "s3://" + bucket + "/in/mask.png"
)

// config is the imageGenerationConfig that the defaults make.
func config(pairs ...any) map[string]any {
	return with(map[string]any{"quality": "standard", "cfgScale": 8.0, "seed": 0.0, "numberOfImages": 1.0}, pairs...)
}

func TestDrawSendsWhatAWSDocumentsForEachTask(t *testing.T) {
	redImage, blueImage := base64Of(pngOf(t, filled(320, 400, red))), base64Of(jpegOf(t, filled(320, 320, blue)))
	mask := base64Of(pngOf(t, spotted(320, 400, black, white)))
	sized := config("width", 1024.0, "height", 1024.0)
	for name, tt := range map[string]struct {
		parameters map[string]any
		want       map[string]any
	}{
		"TEXT_IMAGE": {drawn(), map[string]any{
			"taskType": "TEXT_IMAGE", "textToImageParams": map[string]any{"text": "A red bicycle"}, "imageGenerationConfig": sized,
		}},
		"TEXT_IMAGE with everything": {
			drawn("negative_prompt", "rain", "style", "PHOTOREALISM", "width", 1280, "height", 720.0, "cfg_scale", "6.5", "seed", 2147483646, "quality", "Premium", "number_of_images", 2),
			map[string]any{
				"taskType": "TEXT_IMAGE", "textToImageParams": map[string]any{"text": "A red bicycle", "negativeText": "rain", "style": "PHOTOREALISM"},
				"imageGenerationConfig": map[string]any{"width": 1280.0, "height": 720.0, "quality": "premium", "cfgScale": 6.5, "seed": 2147483646.0, "numberOfImages": 2.0},
			},
		},
		"TEXT_IMAGE takes no notice of an image that another task used": {drawn("image_input_s3uri", "s3://elsewhere/none.png"), map[string]any{
			"taskType": "TEXT_IMAGE", "textToImageParams": map[string]any{"text": "A red bicycle"}, "imageGenerationConfig": sized,
		}},
		"TEXT_IMAGE with a condition image": {
			drawn("image_input_s3uri", redURI, "control_mode", "SEGMENTATION", "control_strength", 0.25),
			map[string]any{
				"taskType": "TEXT_IMAGE", "imageGenerationConfig": sized,
				"textToImageParams": map[string]any{"text": "A red bicycle", "conditionImage": redImage, "controlMode": "SEGMENTATION", "controlStrength": 0.25},
			},
		},
		"COLOR_GUIDED_GENERATION": {drawn("task_type", "COLOR_GUIDED_GENERATION"), map[string]any{
			"taskType": "COLOR_GUIDED_GENERATION", "imageGenerationConfig": sized,
			"colorGuidedGenerationParams": map[string]any{"text": "A red bicycle", "colors": []any{"#ff8080", "#ffb280", "#ffe680", "#ffe680"}},
		}},
		"COLOR_GUIDED_GENERATION with a reference": {
			drawn("task_type", "color_guided_generation", "colors", "#112233-#AABBCC", "image_input_s3uri", redURI, "negative_prompt", "rain"),
			map[string]any{
				"taskType": "COLOR_GUIDED_GENERATION", "imageGenerationConfig": sized,
				"colorGuidedGenerationParams": map[string]any{
					"text": "A red bicycle", "negativeText": "rain", "colors": []any{"#112233", "#AABBCC"}, "referenceImage": redImage,
				},
			},
		},
		"IMAGE_VARIATION of several images": {
			drawn("task_type", "IMAGE_VARIATION", "image_input_s3uri", redURI+"\n "+blueURI+"\n", "similarity_strength", 0.7),
			map[string]any{
				"taskType": "IMAGE_VARIATION", "imageGenerationConfig": sized,
				"imageVariationParams": map[string]any{"text": "A red bicycle", "images": []any{redImage, blueImage}, "similarityStrength": 0.7},
			},
		},
		"IMAGE_VARIATION without words": {
			drawn("task_type", "IMAGE_VARIATION", "prompt", "", "image_input_s3uri", redURI),
			map[string]any{
				"taskType": "IMAGE_VARIATION", "imageGenerationConfig": sized,
				"imageVariationParams": map[string]any{"images": []any{redImage}, "similarityStrength": 0.5},
			},
		},
		"INPAINTING by words": {
			drawn("task_type", "INPAINTING", "image_input_s3uri", redURI, "mask_prompt", "the sky"),
			map[string]any{
				"taskType": "INPAINTING", "imageGenerationConfig": config(),
				"inPaintingParams": map[string]any{"text": "A red bicycle", "image": redImage, "maskPrompt": "the sky"},
			},
		},
		"INPAINTING by a mask, to remove something": {
			drawn("task_type", "INPAINTING", "prompt", " ", "image_input_s3uri", redURI, "mask_image_s3uri", maskURI),
			map[string]any{
				"taskType": "INPAINTING", "imageGenerationConfig": config(), "inPaintingParams": map[string]any{"image": redImage, "maskImage": mask},
			},
		},
		"OUTPAINTING": {
			drawn("task_type", "OUTPAINTING", "image_input_s3uri", redURI, "mask_prompt", "the sky", "outpainting_mode", "precise", "negative_prompt", "rain"),
			map[string]any{
				"taskType": "OUTPAINTING", "imageGenerationConfig": config(),
				"outPaintingParams": map[string]any{"text": "A red bicycle", "negativeText": "rain", "image": redImage, "maskPrompt": "the sky", "outPaintingMode": "PRECISE"},
			},
		},
		"BACKGROUND_REMOVAL": {
			drawn("task_type", "BACKGROUND_REMOVAL", "image_input_s3uri", redURI, "negative_prompt", "rain", "width", 1),
			map[string]any{"taskType": "BACKGROUND_REMOVAL", "backgroundRemovalParams": map[string]any{"image": redImage}},
		},
		"VIRTUAL_TRY_ON of a garment": {
			drawn("task_type", "VIRTUAL_TRY_ON", "image_input_s3uri", redURI, "reference_image_s3uri", blueURI, "garment_class", "UPPER_BODY", "mask_shape", "BOUNDING_BOX",
				"merge_style", "SEAMLESS", "try_on_options", `{"outerLayerStyle": "OPEN", "preserveFace": "ON"}`),
			map[string]any{
				"taskType": "VIRTUAL_TRY_ON", "imageGenerationConfig": config(),
				"virtualTryOnParams": map[string]any{
					"sourceImage": redImage, "referenceImage": blueImage, "maskType": "GARMENT", "mergeStyle": "SEAMLESS", "maskExclusions": map[string]any{"preserveFace": "ON"},
					"garmentBasedMask": map[string]any{"garmentClass": "UPPER_BODY", "maskShape": "BOUNDING_BOX", "garmentStyling": map[string]any{"outerLayerStyle": "OPEN"}},
				},
			},
		},
		"VIRTUAL_TRY_ON by words": {
			drawn("task_type", "VIRTUAL_TRY_ON", "image_input_s3uri", redURI, "reference_image_s3uri", blueURI, "mask_prompt", "the sofa", "mask_shape", "CONTOUR"),
			map[string]any{
				"taskType": "VIRTUAL_TRY_ON", "imageGenerationConfig": config(),
				"virtualTryOnParams": map[string]any{
					"sourceImage": redImage, "referenceImage": blueImage, "maskType": "PROMPT", "promptBasedMask": map[string]any{"maskPrompt": "the sofa", "maskShape": "CONTOUR"},
				},
			},
		},
		"VIRTUAL_TRY_ON by a mask": {
			drawn("task_type", "VIRTUAL_TRY_ON", "image_input_s3uri", redURI, "reference_image_s3uri", blueURI, "mask_image_s3uri", maskURI),
			map[string]any{
				"taskType": "VIRTUAL_TRY_ON", "imageGenerationConfig": config(),
				"virtualTryOnParams": map[string]any{"sourceImage": redImage, "referenceImage": blueImage, "maskType": "IMAGE", "imageBasedMask": map[string]any{"maskImage": mask}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.pictures(t)
			c.Succeed(t, "nova_canvas", tt.parameters)
			sent := c.sent("InvokeModel")
			if len(sent) != 1 {
				t.Fatalf("%d requests were sent to the model", len(sent))
			}
			toolstest.Same(t, "the body", tt.want, sent[0])
		})
	}
}

var stored = regexp.MustCompile(`^s3://` + bucket + `/out/canvas-output-\d{8}_\d{6}-[a-z0-9]{10}\.png$`)

func TestSection3_17Bug1_AnImageIsStoredAndHandedOver(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, "nova_canvas", drawn())
	if !stored.MatchString(result.Text) {
		t.Fatalf("the text is %q", result.Text)
	}
	key := strings.TrimPrefix(result.Text, "s3://"+bucket+"/")
	object, there := c.store.Object(bucket, key)
	if !there || object.ContentType != "image/png" {
		t.Fatalf("stored as %q: %v", object.ContentType, there)
	}
	if len(result.Files) != 1 {
		t.Fatalf("%d files", len(result.Files))
	}
	file := result.Files[0]
	if file.Name != strings.TrimPrefix(key, "out/") || file.Type != "image/png" || !bytes.Equal(content(t, file), object.Content) {
		t.Errorf("the file is %q, %s, %d bytes", file.Name, file.Type, file.Size)
	}
	if shape, err := png.DecodeConfig(bytes.NewReader(content(t, file))); err != nil || shape.Width != 1024 {
		t.Errorf("the image is %v, %v", shape, err)
	}
	toolstest.Same(t, "the outputs", map[string]any{
		"s3_uri": result.Text, "s3_uris": []any{result.Text}, "image_count": 1.0, "task_type": "TEXT_IMAGE", "model_id": "amazon.nova-canvas-v1:0",
		"notice": nil, "storage_error": nil,
	}, variables(t, result))
}

func TestSeveralImagesHaveNamesOfTheirOwn(t *testing.T) {
	c := newCloud(t)
	result := c.Succeed(t, "nova_canvas", drawn("number_of_images", 3))
	uris := strings.Split(result.Text, "\n")
	if len(uris) != 3 || len(result.Files) != 3 || uris[0] == uris[1] {
		t.Fatalf("%d files at %q", len(result.Files), uris)
	}
	for i, uri := range uris {
		if !strings.HasSuffix(uri, result.Files[i].Name) {
			t.Errorf("the file %d is %s at %s", i+1, result.Files[i].Name, uri)
		}
	}
	if keys := c.store.Keys(bucket); len(keys) != 3 {
		t.Errorf("stored are %v", keys)
	}
}

func TestSection3_17Bug2_NothingIsSentAfterAFailedCheck(t *testing.T) {
	edit := func(pairs ...any) map[string]any {
		return drawn(append([]any{"task_type", "INPAINTING", "image_input_s3uri", redURI, "mask_prompt", "the sky"}, pairs...)...)
	}
	try := func(pairs ...any) map[string]any {
		return drawn(append([]any{"task_type", "VIRTUAL_TRY_ON", "image_input_s3uri", redURI, "reference_image_s3uri", blueURI}, pairs...)...)
	}
	for name, tt := range map[string]struct {
		parameters map[string]any
		words      []string
	}{
		"an unknown task":                      {drawn("task_type", "UPSCALE"), []string{`task_type is "UPSCALE"`, "VIRTUAL_TRY_ON"}},
		"an empty prompt":                      {drawn("prompt", " "), []string{"prompt is empty"}},
		"no prompt":                            {drawn("prompt", nil), []string{"prompt is empty"}},
		"a prompt of 1025 characters":          {drawn("prompt", strings.Repeat("猫", 1025)), []string{"prompt has 1025 characters"}},
		"a negative prompt that is too long":   {drawn("negative_prompt", strings.Repeat("x", 1025)), []string{"negative_prompt has 1025 characters"}},
		"an output that is no address":         {drawn("image_output_s3uri", "bucket/out"), []string{"image_output_s3uri is", "s3://bucket/folder/"}},
		"no output":                            {drawn("image_output_s3uri", ""), []string{"image_output_s3uri is required"}},
		"a width that is no multiple of 16":    {drawn("width", 1000), []string{"width must be a multiple of 16 from 320 to 4096, it is 1000"}},
		"a height that is too small":           {drawn("height", 304), []string{"height must be a multiple of 16"}},
		"a width that is too large":            {drawn("width", 4112), []string{"width must be a multiple of 16"}},
		"too many pixels":                      {drawn("width", 2064, "height", 2048), []string{"at most 4194304 pixels"}},
		"too narrow":                           {drawn("width", 320, "height", 1296), []string{"at most 4 times"}},
		"half a pixel":                         {drawn("width", 1024.5), []string{"width must be a whole number"}},
		"guidance below 1.1":                   {drawn("cfg_scale", 1), []string{"cfg_scale must be from 1.1 to 10, it is 1"}},
		"guidance above 10":                    {drawn("cfg_scale", 10.5), []string{"cfg_scale must be from 1.1 to 10"}},
		"a seed below 0":                       {drawn("seed", -1), []string{"seed must be from 0 to 2147483646"}},
		"a seed that is too large":             {drawn("seed", 2147483647), []string{"seed must be from 0"}},
		"an unknown quality":                   {drawn("quality", "best"), []string{"quality must be standard or premium"}},
		"no images":                            {drawn("number_of_images", 0), []string{"number_of_images must be from 1 to 5"}},
		"six images":                           {drawn("number_of_images", 6), []string{"number_of_images must be from 1 to 5"}},
		"a model that is none":                 {drawn("model_id", "Nova Canvas"), []string{"model_id is"}},
		"an unknown style":                     {drawn("style", "CUBISM"), []string{"style must be one of"}},
		"colors that are none":                 {drawn("task_type", "COLOR_GUIDED_GENERATION", "colors", "#ff8080,#ffb280"), []string{"colors is"}},
		"eleven colors":                        {drawn("task_type", "COLOR_GUIDED_GENERATION", "colors", strings.Repeat("#000000-", 10)+"#000000"), []string{"11 colors"}},
		"a condition without an image":         {drawn("control_mode", "CANNY_EDGE"), []string{"image_input_s3uri is blank", "TEXT_IMAGE needs an image"}},
		"a control strength above 1":           {drawn("control_mode", "CANNY_EDGE", "image_input_s3uri", redURI, "control_strength", 1.5), []string{"control_strength must be from 0 to 1"}},
		"a variation of nothing":               {drawn("task_type", "IMAGE_VARIATION"), []string{"IMAGE_VARIATION needs an image"}},
		"a variation of six images":            {drawn("task_type", "IMAGE_VARIATION", "image_input_s3uri", strings.Repeat(redURI+"\n", 6)), []string{"names 6 images, and IMAGE_VARIATION takes at most 5"}},
		"a similarity below 0.2":               {drawn("task_type", "IMAGE_VARIATION", "image_input_s3uri", redURI, "similarity_strength", 0.1), []string{"similarity_strength must be from 0.2 to 1"}},
		"an input that is no address":          {edit("image_input_s3uri", "red.png"), []string{"image_input_s3uri is", "s3://bucket/key"}},
		"two images to paint in":               {edit("image_input_s3uri", redURI+"\n"+blueURI), []string{"names 2 images, and INPAINTING takes at most 1"}},
		"no mask":                              {edit("mask_prompt", ""), []string{"mask_prompt is blank", "INPAINTING needs one"}},
		"two masks":                            {edit("mask_image_s3uri", maskURI), []string{"mask_prompt is filled in, and there is a mask image as well"}},
		"a mask prompt that is too long":       {edit("mask_prompt", strings.Repeat("x", 1025)), []string{"mask_prompt has 1025 characters"}},
		"an unknown outpainting mode":          {edit("task_type", "OUTPAINTING", "outpainting_mode", "SHARP"), []string{"outpainting_mode must be DEFAULT or PRECISE"}},
		"several backgrounds":                  {drawn("task_type", "BACKGROUND_REMOVAL", "image_input_s3uri", redURI, "number_of_images", 2), []string{"number_of_images must be 1"}},
		"nothing to try on":                    {try("reference_image_s3uri", "", "garment_class", "SHOES"), []string{"reference_image_s3uri is blank"}},
		"no way to try on":                     {try(), []string{"garment_class or mask_prompt or a mask image", "none of them"}},
		"two ways to try on":                   {try("garment_class", "SHOES", "mask_prompt", "the feet"), []string{"there is garment_class and mask_prompt"}},
		"an unknown garment":                   {try("garment_class", "HAT"), []string{"garment_class must be one of"}},
		"options that are no JSON":             {try("garment_class", "SHOES", "try_on_options", "face"), []string{"try_on_options is not JSON"}},
		"options that are no object":           {try("garment_class", "SHOES", "try_on_options", `["ON"]`), []string{"try_on_options must be a JSON object"}},
		"an unknown option":                    {try("garment_class", "SHOES", "try_on_options", `{"sleeves": "UP"}`), []string{`has "sleeves"`}},
		"an unknown choice":                    {try("garment_class", "SHOES", "try_on_options", `{"preserveFace": "YES"}`), []string{`"YES" as preserveFace`, "ON, OFF, DEFAULT"}},
		"a style of wearing without a garment": {try("mask_prompt", "the sofa", "try_on_options", `{"tuckingStyle": "TUCKED"}`), []string{"works with garment_class only"}},
		"everything at once":                   {drawn("prompt", "", "width", 1, "quality", "x", "image_output_s3uri", "x"), []string{"4 parameters are wrong", "prompt", "width", "quality", "image_output_s3uri"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			toolstest.WantFailure(t, c.Fail(t, "nova_canvas", tt.parameters), plugin.BadRequest, tt.words...)
			c.WantNothingSent(t)
		})
	}
}

func TestTheLargestAndTheSmallestSizesAreTaken(t *testing.T) {
	for _, size := range [][2]int{{320, 320}, {2048, 2048}, {320, 1280}, {4096, 1024}} {
		c := newCloud(t)
		c.Succeed(t, "nova_canvas", drawn("width", size[0], "height", size[1]))
	}
}

func TestWrongImagesAreRefusedBeforeTheModelIsAsked(t *testing.T) {
	damaged := pngOf(t, filled(320, 320, red))
	for name, tt := range map[string]struct {
		image, mask []byte
		words       []string
	}{
		"a transparent pixel":        {image: pngOf(t, spotted(320, 320, red, glassy)), words: []string{"image.png cannot be used as image_input_s3uri", "transparent at 319, 319"}},
		"too small":                  {image: pngOf(t, filled(319, 320, red)), words: []string{"319 x 320 pixels"}},
		"too large":                  {image: pngOf(t, filled(4097, 1025, red)), words: []string{"4097 x 1025 pixels"}},
		"too many pixels":            {image: pngOf(t, filled(2050, 2050, red)), words: []string{"at most 4194304"}},
		"too narrow":                 {image: pngOf(t, filled(320, 1281, red)), words: []string{"at most 4 times the other"}},
		"no image":                   {image: []byte("<svg></svg>"), words: []string{"neither a PNG nor a JPEG nor a WebP"}},
		"damaged":                    {image: damaged[:len(damaged)-20], words: []string{"it is damaged"}},
		"damaged from the beginning": {image: damaged[:20], words: []string{"it is damaged"}},
		"a grey mask":                {mask: pngOf(t, spotted(320, 400, black, color.Gray{Y: 100})), words: []string{"mask.png cannot be used as mask_image_s3uri", "neither black nor white at 319, 399"}},
		"a mask of another size":     {mask: pngOf(t, filled(400, 320, black)), words: []string{"400 x 320 pixels and the image has 320 x 400"}},
		"a mask that is glass":       {mask: pngOf(t, filled(320, 400, color.NRGBA{})), words: []string{"neither black nor white"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.pictures(t)
			parameters := drawn("task_type", "INPAINTING", "image_input_s3uri", redURI, "mask_image_s3uri", maskURI)
			if tt.image != nil {
				c.put(t, "image.png", "image/png", tt.image)
				parameters = drawn("task_type", "BACKGROUND_REMOVAL", "image_input_s3uri", "s3://"+bucket+"/image.png")
			}
			if tt.mask != nil {
				c.put(t, "in/mask.png", "image/png", tt.mask)
			}
			toolstest.WantFailure(t, c.Fail(t, "nova_canvas", parameters), plugin.BadRequest, tt.words...)
			if sent := c.sent("InvokeModel"); len(sent) > 0 {
				t.Error("the model was asked")
			}
		})
	}
}

func TestImagesComeFromDifyToo(t *testing.T) {
	c := newCloud(t)
	redFile, blueFile := pngOf(t, filled(320, 400, red)), jpegOf(t, filled(320, 320, blue))
	mask := pngOf(t, filled(320, 400, black))
	c.Succeed(t, "nova_canvas", drawn("task_type", "IMAGE_VARIATION", "image_input_files",
		[]any{c.File("a.png", "image/png", redFile), c.File("b.jpg", "image/jpeg", blueFile)}))
	c.Succeed(t, "nova_canvas", drawn("image_input_files", []any{c.File("a.png", "image/png", redFile)}))
	c.Succeed(t, "nova_canvas", drawn("task_type", "INPAINTING", "image_input_files", []any{c.File("a.png", "image/png", redFile)}, "mask_image_file", c.File("m.png", "image/png", mask)))
	c.Succeed(t, "nova_canvas", drawn("task_type", "VIRTUAL_TRY_ON", "image_input_files", []any{c.File("a.png", "image/png", redFile)}, "reference_image_file", c.File("b.jpg", "image/jpeg", blueFile), "garment_class", "SHOES"))
	sent := c.sent("InvokeModel")
	toolstest.Same(t, "the images", any(map[string]any{"text": "A red bicycle", "similarityStrength": 0.5, "images": []any{base64Of(redFile), base64Of(blueFile)}}), sent[0]["imageVariationParams"])
	toolstest.Same(t, "the condition", any(map[string]any{"text": "A red bicycle", "conditionImage": base64Of(redFile)}), sent[1]["textToImageParams"])
	toolstest.Same(t, "the mask", any(map[string]any{"text": "A red bicycle", "image": base64Of(redFile), "maskImage": base64Of(mask)}), sent[2]["inPaintingParams"])
	toolstest.Same(t, "the garment", any(map[string]any{"sourceImage": base64Of(redFile), "referenceImage": base64Of(blueFile), "maskType": "GARMENT", "garmentBasedMask": map[string]any{"garmentClass": "SHOES"}}), sent[3]["virtualTryOnParams"])
	c.Forget()
	twice := c.Fail(t, "nova_canvas", drawn("task_type", "BACKGROUND_REMOVAL", "image_input_files", []any{c.File("a.png", "image/png", redFile)}, "image_input_s3uri", redURI))
	toolstest.WantFailure(t, twice, plugin.BadRequest, "image_input_files is filled in, and image_input_s3uri as well")
	glass := c.Fail(t, "nova_canvas", drawn("task_type", "BACKGROUND_REMOVAL", "image_input_files", []any{c.File("glass.png", "image/png", pngOf(t, filled(320, 320, glassy)))}))
	toolstest.WantFailure(t, glass, plugin.BadRequest, `the file "glass.png" cannot be used as image_input_files`, "transparent")
	c.WantOperations(t)
}

// Two WebP files of 320 x 320 pixels in one colour, the second of them transparent.
const (
	webpFile      = "UklGRioAAABXRUJQVlA4TB0AAAAvP8FPAAcQRY7+BxSkbcDUv/zdiP4n9//+338FAAA="
	webpGlassFile = "UklGRioAAABXRUJQVlA4TB0AAAAvP8FPEAcQRY6SBRSkbcDUv/zdiP4n9//+338FAAA="
)

func TestAWebPImageIsSentAsPNG(t *testing.T) {
	c := newCloud(t)
	for name, text := range map[string]string{"a.webp": webpFile, "glass.webp": webpGlassFile} {
		file, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		c.put(t, name, "image/webp", file)
	}
	removal := drawn("task_type", "BACKGROUND_REMOVAL", "image_input_s3uri", "s3://"+bucket+"/a.webp")
	c.Succeed(t, "nova_canvas", removal)
	parameters, _ := c.sent("InvokeModel")[0]["backgroundRemovalParams"].(map[string]any)
	encoded, _ := parameters["image"].(string)
	data, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := picture.At(7, 7).RGBA(); picture.Bounds().Dx() != 320 || r>>8 != 200 || g != 0 || b != 0 {
		t.Errorf("the image has %v pixels of %d, %d, %d", picture.Bounds().Size(), r>>8, g>>8, b>>8)
	}
	toolstest.WantFailure(t, c.Fail(t, "nova_canvas", with(removal, "image_input_s3uri", "s3://"+bucket+"/glass.webp")), plugin.BadRequest, "transparent at 0, 0")
}

func TestSection3_17Bug3_AnImageThatCannotBeReadFailsTheNodeInS3sWords(t *testing.T) {
	c := newCloud(t)
	failed := c.Fail(t, "nova_canvas", drawn("task_type", "BACKGROUND_REMOVAL", "image_input_s3uri", "s3://"+bucket+"/none.png"))
	toolstest.WantFailure(t, failed, plugin.BadRequest, "could not read s3://"+bucket+"/none.png")
	if sent := c.sent("InvokeModel"); len(sent) > 0 {
		t.Error("the model was asked")
	}
}

func TestSection3_17Bug4_AnImageThatCannotBeStoredIsHandedOverAndNotClaimedToBeStored(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Service: "s3", Operation: "PutObject", Effects: []aws.Effect{aws.Deny()}})
	result := c.Succeed(t, "nova_canvas", drawn("number_of_images", 2))
	if len(result.Files) != 2 || len(content(t, result.Files[0])) == 0 {
		t.Fatalf("%d files, and the user has paid for two", len(result.Files))
	}
	if !strings.HasPrefix(result.Text, "2 of 2 images could not be stored and are only in the files of this result: ") || !strings.Contains(result.Text, "s3:PutObject") {
		t.Errorf("the text is %q", result.Text)
	}
	got := variables(t, result)
	reason, _ := got["storage_error"].(string)
	if got["s3_uri"] != nil || len(got["s3_uris"].([]any)) != 0 || !strings.Contains(reason, "access was denied") {
		t.Errorf("the outputs are %v", got)
	}
	if keys := c.store.Keys(bucket); len(keys) > 0 {
		t.Errorf("stored are %v", keys)
	}
}

func TestAnImageThatCouldBeStoredIsNamedBesideOneThatCouldNot(t *testing.T) {
	c := newCloud(t)
	c.Inject(aws.Fault{Service: "s3", Operation: "PutObject", Times: 1, Effects: []aws.Effect{aws.Deny()}})
	result := c.Succeed(t, "nova_canvas", drawn("number_of_images", 2))
	lines := strings.SplitN(result.Text, "\n", 2)
	if len(result.Files) != 2 || !strings.HasSuffix(lines[0], result.Files[1].Name) || !strings.HasPrefix(lines[1], "1 of 2 images could not be stored") {
		t.Errorf("%d files, %q", len(result.Files), result.Text)
	}
	toolstest.Same(t, "s3_uri", any(lines[0]), variables(t, result)["s3_uri"])
}

func TestSection3_17Bug5_KeysHaveNoEmptyPartsAndAreUnique(t *testing.T) {
	for folder, want := range map[string]string{"": `^canvas`, "/": `^canvas`, "/out": `^out/canvas`, "/out/": `^out/canvas`, "/a/b//": `^a/b/canvas`, "//a": `^a/canvas`} {
		c := newCloud(t)
		c.Succeed(t, "nova_canvas", drawn("image_output_s3uri", "s3://"+bucket+folder))
		c.Succeed(t, "nova_canvas", drawn("image_output_s3uri", "s3://"+bucket+folder))
		keys := c.store.Keys(bucket)
		if len(keys) != 2 {
			t.Errorf("%q: two images in one second are stored as %v", folder, keys)
		}
		if !slices.ContainsFunc(keys, regexp.MustCompile(want).MatchString) {
			t.Errorf("%q became %v", folder, keys)
		}
	}
}

func TestSection3_17Bug6_ARemovedBackgroundNeedsNoPromptAndHasNoConfiguration(t *testing.T) {
	c := newCloud(t)
	c.pictures(t)
	result := c.Succeed(t, "nova_canvas", drawn("task_type", "BACKGROUND_REMOVAL", "prompt", "", "image_input_s3uri", redURI, "quality", "none", "seed", -5))
	if _, there := c.sent("InvokeModel")[0]["imageGenerationConfig"]; there {
		t.Error("imageGenerationConfig was sent")
	}
	if picture, err := png.Decode(bytes.NewReader(content(t, result.Files[0]))); err != nil || picture.Bounds().Dy() != 400 {
		t.Errorf("the image is %v", err)
	}
}

func TestSection3_17Bug8_TheModelIsAParameterAndARetiredOneIsExplained(t *testing.T) {
	c := newCloud(t)
	for _, model := range []string{"us.amazon.nova-canvas-v1:0", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-canvas-v1:0"} {
		toolstest.Same(t, "model_id", any(model), variables(t, c.Succeed(t, "nova_canvas", drawn("model_id", model)))["model_id"])
	}
	c.runtime.RemoveModel(standin.NovaCanvas)
	toolstest.WantFailure(t, c.Fail(t, "nova_canvas", drawn()), plugin.BadRequest, "amazon.nova-canvas-v1:0", "retired", "model_id", "us-east-1")
}

func TestModerationIsTold(t *testing.T) {
	c := newCloud(t)
	c.runtime.AddModel(standin.NovaCanvas, standin.Canvas{Blocked: 1}.Answer)
	result := c.Succeed(t, "nova_canvas", drawn("number_of_images", 3))
	if len(result.Files) != 2 || !strings.Contains(result.Text, "\nNova Canvas kept images back: This request has been blocked") {
		t.Errorf("%d files, %q", len(result.Files), result.Text)
	}
	got := variables(t, result)
	if notice, _ := got["notice"].(string); got["image_count"] != 2.0 || !strings.Contains(notice, "AUP") {
		t.Errorf("the outputs are %v", got)
	}
	toolstest.WantFailure(t, c.Fail(t, "nova_canvas", drawn()), plugin.BadRequest, "Nova Canvas made no image", "blocked by our content filters")
	if keys := c.store.Keys(bucket); len(keys) != 2 {
		t.Errorf("stored are %v", keys)
	}
}

func TestOddAnswersOfAModelAreFailures(t *testing.T) {
	for name, tt := range map[string]struct{ answer, words string }{
		"no images and no reason": {`{"images": []}`, "holds no image and no reason"},
		"another model":           {`{"embedding": [1]}`, "holds no image"},
		"no base64":               {`{"images": ["?"]}`, "cannot be read"},
		"no image":                {`{"images": ["aGVsbG8="]}`, "a file that is no image"},
		"another shape":           {`[1]`, "cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			c.runtime.AddModel(standin.NovaCanvas, func(json.RawMessage) (any, *aws.Error) { return json.RawMessage(tt.answer), nil })
			toolstest.WantFailure(t, c.Fail(t, "nova_canvas", drawn()), plugin.Unavailable, tt.words)
			if keys := c.store.Keys(bucket); len(keys) > 0 {
				t.Errorf("stored are %v", keys)
			}
		})
	}
}

func TestAnImageIsAskedForOnce(t *testing.T) {
	const paid = "may have been made and charged all the same, and was not asked for a second time"
	for name, tt := range map[string]struct {
		effect aws.Effect
		kind   plugin.Kind
		words  string
	}{
		"the connection is lost":      {aws.Drop(), plugin.Connection, paid},
		"an error of the service":     {aws.Break(), plugin.Unavailable, paid},
		"an overload":                 {aws.Overload(), plugin.Unavailable, paid},
		"a failure of the model":      {aws.Fail(424, "ModelErrorException", "The model failed."), plugin.Unavailable, paid},
		"a model that takes too long": {aws.Fail(408, "ModelTimeoutException", "The model took too long."), plugin.Unavailable, paid},
		"a refusal":                   {aws.Fail(400, "ValidationException", "This request has been blocked by our content filters."), plugin.BadRequest, "blocked by our content filters"},
		"a denial":                    {aws.Deny(), plugin.Authorization, "bedrock:InvokeModel"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			fault := c.Inject(aws.Fault{Operation: "InvokeModel", Effects: []aws.Effect{tt.effect}})
			failed := c.Fail(t, "nova_canvas", drawn())
			toolstest.WantFailure(t, failed, tt.kind, tt.words)
			if hits := fault.Hits(); hits != 1 {
				t.Errorf("the model was asked %d times", hits)
			}
			if answered := tt.kind == plugin.BadRequest || tt.kind == plugin.Authorization; answered && strings.Contains(failed.Message, paid) {
				t.Errorf("nothing can have been made: %s", failed.Message)
			}
			if strings.Contains(failed.Message, "A red bicycle") {
				t.Errorf("the error repeats the prompt: %s", failed.Message)
			}
		})
	}
}

func TestAModelThatIsBusyIsAskedAgain(t *testing.T) {
	for name, effect := range map[string]aws.Effect{
		"throttled": aws.Fail(429, "ThrottlingException", "Too many requests."), "not ready": aws.Fail(429, "ModelNotReadyException", "Not ready."),
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t)
			fault := c.Inject(aws.Fault{Operation: "InvokeModel", Times: 2, Effects: []aws.Effect{effect}})
			c.Succeed(t, "nova_canvas", drawn())
			if hits := fault.Hits(); hits != 2 {
				t.Errorf("the fault was hit %d times", hits)
			}
		})
	}
}

func TestImagesAndResultsMayBeInOtherRegionsThanTheModel(t *testing.T) {
	c := newCloud(t)
	if err := c.store.AddBucket(s3.Bucket{Name: "bilder-in-frankfurt", Region: "eu-central-1", Owner: toolstest.AccountID}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.store.Put("bilder-in-frankfurt", "rot.png", pngOf(t, filled(320, 320, red)), s3.Attributes{}); err != nil {
		t.Fatal(err)
	}
	c.Succeed(t, "nova_canvas", map[string]any{
		"task_type": "BACKGROUND_REMOVAL", "prompt": "-", "image_input_s3uri": "s3://bilder-in-frankfurt/rot.png", "image_output_s3uri": "s3://bilder-in-frankfurt", "aws_region": "ap-northeast-1",
	})
	for _, call := range c.Calls() {
		if call.Operation == "InvokeModel" && call.Region != "ap-northeast-1" {
			t.Errorf("the model was asked in %s", call.Region)
		}
	}
	if keys := c.store.Keys("bilder-in-frankfurt"); len(keys) != 2 {
		t.Errorf("stored are %v", keys)
	}
}

func TestBlankParametersOfAnImageAreDefaults(t *testing.T) {
	c := newCloud(t)
	blanks := map[string][]any{"null": nil, "empty": nil}
	for _, name := range []string{
		"task_type", "image_input_s3uri", "negative_prompt", "width", "height", "cfg_scale", "seed", "quality", "colors", "similarity_strength", "mask_prompt",
		"outpainting_mode", "model_id", "image_input_files", "number_of_images", "style", "control_mode", "control_strength", "mask_image_s3uri", "mask_image_file", "aws_region",
	} {
		blanks["null"] = append(blanks["null"], name, nil)
		blanks["empty"] = append(blanks["empty"], name, "")
	}
	c.Succeed(t, "nova_canvas", drawn())
	c.Succeed(t, "nova_canvas", drawn(blanks["null"]...))
	c.Succeed(t, "nova_canvas", drawn(blanks["empty"]...))
	sent := c.sent("InvokeModel")
	for _, body := range sent {
		toolstest.Same(t, "the body", sent[0], body)
	}
}

// hidden fails the test where something that nobody else may see is in a log.
func (c *cloud) hidden(t *testing.T, secrets ...string) {
	t.Helper()
	for _, line := range c.Logs() {
		for _, secret := range secrets {
			if strings.Contains(line.Message, secret) {
				t.Errorf("the host's log has %q", line.Message)
			}
		}
	}
}

func TestNothingOfAnImageIsLogged(t *testing.T) {
	c := newCloud(t)
	c.pictures(t)
	c.Succeed(t, "nova_canvas", drawn("task_type", "INPAINTING", "image_input_s3uri", redURI, "mask_prompt", "the sky"))
	c.hidden(t, "A red bicycle", "the sky", "canvas-output", bucket)
}
