package bedrockruntime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"regexp"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// NovaCanvas is the model ID of Amazon Nova Canvas.
const NovaCanvas = "amazon.nova-canvas-v1:0"

// The limits of Nova Canvas: "Image generation and editing" in the user guide of Amazon Nova.
const (
	maxPrompt       = 1024 // characters
	minSide         = 320  // pixels
	maxSide         = 4096
	sideStep        = 16
	maxPixels       = 2048 * 2048
	maxAspect       = 4
	maxSeed         = 2_147_483_646
	maxImages       = 5
	maxColors       = 10
	defaultSide     = 1024
	blockedByPolicy = "This request has been blocked by our content filters. Our filters automatically flagged this prompt because it may conflict our AUP or AWS Responsible AI Policy."
)

// Canvas is Amazon Nova Canvas: its Answer is the [Model].
type Canvas struct {
	// Blocked is how many of the images of each answer are kept back because of what they show. Where that is all of them,
	// the answer has an error and no images.
	Blocked int
}

// task is what is known of a task: the member with its parameters, how these are read, and whether the size of the
// result can be chosen.
type task struct {
	member string
	read   func(*drawing, *document)
	sized  bool
}

func tasks() map[string]task {
	return map[string]task{
		"TEXT_IMAGE":              {"textToImageParams", (*drawing).readText, true},
		"COLOR_GUIDED_GENERATION": {"colorGuidedGenerationParams", (*drawing).readColors, true},
		"IMAGE_VARIATION":         {"imageVariationParams", (*drawing).readVariation, true},
		"INPAINTING":              {"inPaintingParams", (*drawing).readPainting, false},
		"OUTPAINTING":             {"outPaintingParams", (*drawing).readOutpainting, false},
		"BACKGROUND_REMOVAL":      {"backgroundRemovalParams", (*drawing).readRemoval, false},
		"VIRTUAL_TRY_ON":          {"virtualTryOnParams", (*drawing).readTryOn, false},
	}
}

// drawing is an image, or several, that is asked for.
type drawing struct {
	width, height int
	count         int
	seed          int
	clear         bool // the background is transparent
	mask          []byte
}

// Answer draws images of one colour, which depends on the seed.
func (c Canvas) Answer(body json.RawMessage) (any, *aws.Error) {
	d, failed := openDocument(body)
	if failed != nil {
		return nil, failed
	}
	known := tasks()
	name := d.text("taskType", true, 1, math.MaxInt)
	wanted, ok := known[name]
	if !ok {
		d.failf("taskType", "%s is not a valid enum value", name)
		return nil, d.end()
	}
	out := &drawing{width: defaultSide, height: defaultSide, count: 1, seed: 12}
	d.inside(wanted.member, true, func(inner *document) { wanted.read(out, inner) })
	if name != "BACKGROUND_REMOVAL" {
		d.inside("imageGenerationConfig", false, func(config *document) { out.configure(config, wanted.sized) })
	}
	if failed := d.end(); failed != nil {
		return nil, failed
	}
	return c.draw(out)
}

func (c Canvas) draw(out *drawing) (any, *aws.Error) {
	answer := map[string]any{}
	images := []string{}
	for number := range max(out.count-c.Blocked, 0) {
		encoded, err := out.png(number)
		if err != nil {
			return nil, &aws.Error{Status: http.StatusInternalServerError, Code: "InternalServerException", Message: err.Error()}
		}
		images = append(images, base64.StdEncoding.EncodeToString(encoded))
	}
	answer["images"] = images
	if out.mask != nil {
		answer["maskImage"] = base64.StdEncoding.EncodeToString(out.mask)
	}
	if c.Blocked > 0 {
		answer["error"] = blockedByPolicy
	}
	return answer, nil
}

// png draws one image of the answer.
func (out *drawing) png(number int) ([]byte, error) {
	shade := color.NRGBA{R: uint8(out.seed), G: uint8(number * 40), B: 200, A: 255}
	if out.clear {
		shade.A = 0
	}
	picture := image.NewPaletted(image.Rect(0, 0, out.width, out.height), color.Palette{shade})
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		return nil, fmt.Errorf("draw: %w", err)
	}
	return encoded.Bytes(), nil
}

func (out *drawing) configure(d *document, sized bool) {
	if sized {
		out.width = d.side("width")
		out.height = d.side("height")
		if !shapely(out.width, out.height) {
			d.failf("", "the size %d x %d is not supported", out.width, out.height)
		}
	}
	d.choice("quality", false, "standard", "premium")
	d.number("cfgScale", false, false, 1.1, 10)
	if d.has("seed") {
		out.seed = int(d.number("seed", false, true, 0, maxSeed))
	}
	if d.has("numberOfImages") {
		out.count = int(d.number("numberOfImages", false, true, 1, maxImages))
	}
}

// side is the width or the height of the result.
func (d *document) side(name string) int {
	if !d.has(name) {
		return defaultSide
	}
	side := int(d.number(name, false, true, minSide, maxSide))
	if side%sideStep != 0 {
		d.failf(name, "%d is not a multiple of %d", side, sideStep)
	}
	return side
}

// shapely reports whether a size has at most so many pixels and is not too narrow.
func shapely(width, height int) bool {
	return width*height <= maxPixels && width <= maxAspect*height && height <= maxAspect*width
}

// input is an image that the model takes.
func (d *document) input(name string, required bool) picture {
	raw, there := d.member(name, required)
	if !there {
		return picture{}
	}
	return d.inputOf(name, raw)
}

func (d *document) inputOf(name string, raw json.RawMessage) picture {
	p := d.pictureOf(name, raw)
	switch {
	case p.image == nil:
	case min(p.Width, p.Height) < minSide, max(p.Width, p.Height) > maxSide, !shapely(p.Width, p.Height):
		d.failf(name, "the size %d x %d of the image is not supported", p.Width, p.Height)
	case !p.opaque():
		d.failf(name, "the image has transparent pixels")
	}
	return p
}

// maskOf is an image in black and white of the size of another.
func (d *document) maskOf(name string, of picture) picture {
	mask := d.input(name, false)
	if mask.image == nil || of.image == nil {
		return mask
	}
	if mask.Width != of.Width || mask.Height != of.Height {
		d.failf(name, "the mask has %d x %d pixels and the image has %d x %d", mask.Width, mask.Height, of.Width, of.Height)
		return mask
	}
	bounds := mask.image.Bounds()
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			if r, g, b, _ := mask.image.At(x, y).RGBA(); r != g || g != b || r != 0 && r != math.MaxUint16 {
				d.failf(name, "the mask has colors other than black and white")
				return mask
			}
		}
	}
	return mask
}

func (d *document) prompt(required bool) {
	d.text("text", required, 1, maxPrompt)
	d.text("negativeText", false, 1, maxPrompt)
}

func (out *drawing) readText(d *document) {
	d.prompt(true)
	d.choice("style", false, "3D_ANIMATED_FAMILY_FILM", "DESIGN_SKETCH", "FLAT_VECTOR_ILLUSTRATION", "GRAPHIC_NOVEL_ILLUSTRATION",
		"MAXIMALISM", "MIDCENTURY_RETRO", "PHOTOREALISM", "SOFT_DIGITAL_PAINTING")
	condition := d.input("conditionImage", d.has("controlMode") || d.has("controlStrength"))
	if condition.image != nil {
		d.choice("controlMode", false, "CANNY_EDGE", "SEGMENTATION")
		d.number("controlStrength", false, false, 0, 1)
	}
}

var hexColor = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

func (out *drawing) readColors(d *document) {
	d.prompt(true)
	for _, raw := range d.list("colors", true, 1, maxColors) {
		if shade := d.textOf("colors", raw, 7, 7); !hexColor.MatchString(shade) {
			d.failf("colors", "string [%s] does not match pattern %s", shade, hexColor)
		}
	}
	d.input("referenceImage", false)
}

func (out *drawing) readVariation(d *document) {
	d.prompt(false)
	for _, raw := range d.list("images", true, 1, maxImages) {
		d.inputOf("images", raw)
	}
	d.number("similarityStrength", false, false, 0.2, 1)
}

// like makes the result as large as an image.
func (out *drawing) like(p picture) {
	if p.image != nil {
		out.width, out.height = p.Width, p.Height
	}
}

func (out *drawing) readPainting(d *document) {
	d.prompt(false)
	source := d.input("image", true)
	out.like(source)
	if d.has("maskPrompt") == d.has("maskImage") {
		d.failf("", "exactly one of maskPrompt and maskImage is required")
	}
	d.text("maskPrompt", false, 1, maxPrompt)
	d.maskOf("maskImage", source)
}

func (out *drawing) readOutpainting(d *document) {
	d.choice("outPaintingMode", false, "DEFAULT", "PRECISE")
	out.readPainting(d)
}

func (out *drawing) readRemoval(d *document) {
	out.like(d.input("image", true))
	out.clear = true
}

func (out *drawing) readTryOn(d *document) {
	source := d.input("sourceImage", true)
	out.like(source)
	d.input("referenceImage", true)
	masks := map[string]string{"IMAGE": "imageBasedMask", "GARMENT": "garmentBasedMask", "PROMPT": "promptBasedMask"}
	chosen := masks[d.choice("maskType", true, "IMAGE", "GARMENT", "PROMPT")]
	shapes := []string{"CONTOUR", "BOUNDING_BOX", "DEFAULT"}
	d.inside("imageBasedMask", chosen == "imageBasedMask", func(mask *document) {
		mask.maskOf("maskImage", source)
		mask.member("maskImage", true)
	})
	d.inside("promptBasedMask", chosen == "promptBasedMask", func(mask *document) {
		mask.choice("maskShape", false, shapes...)
		mask.text("maskPrompt", true, 1, maxPrompt)
	})
	d.inside("garmentBasedMask", chosen == "garmentBasedMask", func(mask *document) {
		mask.choice("maskShape", false, shapes...)
		mask.choice("garmentClass", true, "UPPER_BODY", "LOWER_BODY", "FULL_BODY", "FOOTWEAR", "LONG_SLEEVE_SHIRT", "SHORT_SLEEVE_SHIRT",
			"NO_SLEEVE_SHIRT", "OTHER_UPPER_BODY", "LONG_PANTS", "SHORT_PANTS", "OTHER_LOWER_BODY", "LONG_DRESS", "SHORT_DRESS",
			"FULL_BODY_OUTFIT", "OTHER_FULL_BODY", "SHOES", "BOOTS", "OTHER_FOOTWEAR")
		mask.inside("garmentStyling", false, func(style *document) {
			style.choice("longSleeveStyle", false, "SLEEVE_DOWN", "SLEEVE_UP")
			style.choice("tuckingStyle", false, "UNTUCKED", "TUCKED")
			style.choice("outerLayerStyle", false, "CLOSED", "OPEN")
		})
	})
	d.inside("maskExclusions", false, func(kept *document) {
		for _, part := range []string{"preserveBodyPose", "preserveHands", "preserveFace"} {
			kept.choice(part, false, "ON", "OFF", "DEFAULT")
		}
	})
	d.choice("mergeStyle", false, "BALANCED", "SEAMLESS", "DETAILED")
	if d.boolean("returnMask") {
		out.mask = source.data
	}
}
