package bedrockruntime_test

import (
	"bytes"
	"encoding/base64"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

// request is the body of a task: its parameters, and a configuration where there is one.
func request(task, member string, parameters map[string]any, config ...map[string]any) map[string]any {
	body := map[string]any{"taskType": task, member: parameters}
	if len(config) > 0 {
		body["imageGenerationConfig"] = config[0]
	}
	return body
}

func text(pairs ...any) map[string]any {
	parameters := map[string]any{"text": "A red bicycle"}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		parameters[name] = pairs[i+1]
	}
	return parameters
}

func TestCanvasDrawsWhatItsDocumentationShows(t *testing.T) {
	_, _, c := start(t)
	shot, mask := picture(t, 320, 400, red), picture(t, 320, 400, color.Black)
	for name, tt := range map[string]struct {
		body                 map[string]any
		width, height, count int
	}{
		"words":       {request("TEXT_IMAGE", "textToImageParams", text()), 1024, 1024, 1},
		"a size":      {request("TEXT_IMAGE", "textToImageParams", text("negativeText", "rain"), map[string]any{"width": 1280, "height": 720, "quality": "premium", "cfgScale": 6.5, "seed": 2147483646, "numberOfImages": 5}), 1280, 720, 5},
		"a condition": {request("TEXT_IMAGE", "textToImageParams", text("conditionImage", shot, "controlMode", "CANNY_EDGE", "controlStrength", 0.7)), 1024, 1024, 1},
		"colors":      {request("COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams", text("colors", []string{"#ff8080", "#FFB280"}, "referenceImage", shot)), 1024, 1024, 1},
		"a variation": {request("IMAGE_VARIATION", "imageVariationParams", map[string]any{"images": []string{shot, shot}, "similarityStrength": 0.2}), 1024, 1024, 1},
		"a painting":  {request("INPAINTING", "inPaintingParams", text("image", shot, "maskPrompt", "sky")), 320, 400, 1},
		"a mask":      {request("OUTPAINTING", "outPaintingParams", text("image", shot, "maskImage", mask, "outPaintingMode", "PRECISE"), map[string]any{"seed": 1}), 320, 400, 1},
		"a removal":   {request("BACKGROUND_REMOVAL", "backgroundRemovalParams", map[string]any{"image": shot}), 320, 400, 1},
		"trying on": {request("VIRTUAL_TRY_ON", "virtualTryOnParams", map[string]any{
			"sourceImage": shot, "referenceImage": shot, "maskType": "GARMENT", "returnMask": true, "mergeStyle": "BALANCED", "maskExclusions": map[string]any{"preserveFace": "ON"},
			"garmentBasedMask": map[string]any{"garmentClass": "SHOES", "garmentStyling": map[string]any{"tuckingStyle": "TUCKED"}},
		}), 320, 400, 1},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := invoke(t, c, bedrockruntime.NovaCanvas, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			images, _ := answer["images"].([]any)
			if len(images) != tt.count || answer["error"] != nil || (answer["maskImage"] != nil) != (name == "trying on") {
				t.Fatalf("%d images, error %v", len(images), answer["error"])
			}
			encoded, _ := images[0].(string)
			data, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				t.Fatal(err)
			}
			if shape, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || shape.Width != tt.width || shape.Height != tt.height {
				t.Errorf("the image is %v, %v", shape, err)
			}
		})
	}
}

func TestCanvasRefusesWhatItsDocumentationForbids(t *testing.T) {
	_, _, c := start(t)
	shot := picture(t, 320, 400, red)
	sized := func(pairs ...any) map[string]any {
		config := map[string]any{}
		for i := 0; i+1 < len(pairs); i += 2 {
			name, _ := pairs[i].(string)
			config[name] = pairs[i+1]
		}
		return request("TEXT_IMAGE", "textToImageParams", text(), config)
	}
	paint := func(pairs ...any) map[string]any {
		return request("INPAINTING", "inPaintingParams", text(append([]any{"image", shot}, pairs...)...))
	}
	for name, tt := range map[string]struct {
		body  any
		words string
	}{
		"an unknown task":             {map[string]any{"taskType": "UPSCALE"}, "UPSCALE is not a valid enum value"},
		"parameters of another task":  {request("TEXT_IMAGE", "inPaintingParams", text()), "required key [textToImageParams] not found"},
		"no words":                    {request("TEXT_IMAGE", "textToImageParams", map[string]any{}), "required key [text] not found"},
		"too many words":              {request("TEXT_IMAGE", "textToImageParams", text("text", strings.Repeat("x", 1025))), "expected maxLength: 1024, actual: 1025"},
		"an empty negative text":      {request("TEXT_IMAGE", "textToImageParams", text("negativeText", "")), "expected minLength: 1"},
		"an unknown style":            {request("TEXT_IMAGE", "textToImageParams", text("style", "CUBISM")), "CUBISM is not a valid"},
		"a control without an image":  {request("TEXT_IMAGE", "textToImageParams", text("controlMode", "CANNY_EDGE")), "required key [conditionImage]"},
		"a width that is no multiple": {sized("width", 1000), "is not a multiple of 16"},
		"a width that is too small":   {sized("width", 304), "304 is not greater or equal to 320"},
		"a width as text":             {sized("width", "1024"), "expected type: Integer, found: String"},
		"a width of a fraction":       {sized("width", 1024.5), "expected type: Integer, found: BigDecimal"},
		"too many pixels":             {sized("width", 2048, "height", 2064), "2048 x 2064 is not supported"},
		"too narrow":                  {sized("width", 320, "height", 1296), "is not supported"},
		"guidance that is too low":    {sized("cfgScale", 1.0), "is not greater or equal to 1.1"},
		"a seed that is too large":    {sized("seed", 2147483647), "is not less or equal to 2147483646"},
		"six images":                  {sized("numberOfImages", 6), "is not less or equal to 5"},
		"an unknown quality":          {sized("quality", "best"), "best is not a valid enum value"},
		"an unknown member":           {sized("steps", 50), "extraneous key [steps]"},
		"a size for a painting":       {request("INPAINTING", "inPaintingParams", text("image", shot, "maskPrompt", "sky"), map[string]any{"width": 1024}), "extraneous key [width]"},
		"a configured removal":        {request("BACKGROUND_REMOVAL", "backgroundRemovalParams", map[string]any{"image": shot}, map[string]any{}), "extraneous key [imageGenerationConfig]"},
		"a removal with words":        {request("BACKGROUND_REMOVAL", "backgroundRemovalParams", text("image", shot)), "extraneous key [text]"},
		"no mask":                     {paint(), "exactly one of maskPrompt and maskImage"},
		"two masks":                   {paint("maskPrompt", "sky", "maskImage", picture(t, 320, 400, color.White)), "exactly one of maskPrompt and maskImage"},
		"a grey mask":                 {paint("maskImage", picture(t, 320, 400, color.Gray{Y: 128})), "colors other than black and white"},
		"a mask of another size":      {paint("maskImage", picture(t, 400, 320, color.Black)), "the mask has 400 x 320 pixels"},
		"an image that is too small":  {paint("image", picture(t, 319, 320, red), "maskPrompt", "sky"), "319 x 320 of the image is not supported"},
		"a transparent image":         {paint("image", picture(t, 320, 320, color.NRGBA{R: 9, A: 9}), "maskPrompt", "sky"), "transparent pixels"},
		"no images to vary":           {request("IMAGE_VARIATION", "imageVariationParams", map[string]any{"images": []string{}}), "expected minimum item count: 1"},
		"a similarity of nothing":     {request("IMAGE_VARIATION", "imageVariationParams", map[string]any{"images": []string{shot}, "similarityStrength": 0.1}), "0.1 is not greater or equal to 0.2"},
		"a color that is none":        {request("COLOR_GUIDED_GENERATION", "colorGuidedGenerationParams", text("colors", []string{"ff80800"})), "does not match pattern"},
		"trying on without a mask":    {request("VIRTUAL_TRY_ON", "virtualTryOnParams", map[string]any{"sourceImage": shot, "referenceImage": shot, "maskType": "PROMPT"}), "required key [promptBasedMask]"},
		"trying on with words":        {request("VIRTUAL_TRY_ON", "virtualTryOnParams", text("sourceImage", shot, "referenceImage", shot, "maskType", "PROMPT", "promptBasedMask", map[string]any{"maskPrompt": "a"})), "extraneous key [text]"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := invoke(t, c, bedrockruntime.NovaCanvas, tt.body)
			wantRefusal(t, err, "ValidationException", tt.words)
		})
	}
}

func TestCanvasKeepsImagesBack(t *testing.T) {
	_, runtime, c := start(t)
	runtime.AddModel(bedrockruntime.NovaCanvas, bedrockruntime.Canvas{Blocked: 1}.Answer)
	for count, left := range map[int]int{1: 0, 3: 2} {
		answer, err := invoke(t, c, bedrockruntime.NovaCanvas, request("TEXT_IMAGE", "textToImageParams", text(), map[string]any{"numberOfImages": count}))
		if err != nil {
			t.Fatal(err)
		}
		if images, _ := answer["images"].([]any); len(images) != left || answer["error"] == nil {
			t.Errorf("of %d images %d are left, error %v", count, len(images), answer["error"])
		}
	}
}
