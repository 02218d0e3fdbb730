package bedrockruntime

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"unicode"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// The models for embeddings, with the limits that their documentation names.
const (
	TitanImage         = "amazon.titan-embed-image-v1"
	TitanText          = "amazon.titan-embed-text-v1"
	TitanText2         = "amazon.titan-embed-text-v2:0"
	CohereEnglish      = "cohere.embed-english-v3"
	CohereMultilingual = "cohere.embed-multilingual-v3"
)

// The dimensions of models that do not let one choose.
const (
	titanTextDimensions = 1536
	cohereDimensions    = 1024
)

const (
	// maxTitanText is the longest text in characters, maxTitanWords the most words that can be within the 8,192 tokens
	// of a text, or the 256 of the model for images: a word has a token or more.
	maxTitanText       = 50_000
	maxTitanWords      = 8192
	maxTitanImageWords = 256
	// maxTitanSide and maxTitanImage bound an image, in pixels and bytes.
	maxTitanSide  = 2048
	maxTitanImage = 25_000_000
	// maxCohereTexts, maxCohereText and maxCohereImage bound a request to Cohere's models: texts, characters, bytes.
	maxCohereTexts = 96
	maxCohereText  = 2048
	maxCohereImage = 5_000_000
)

// embeddingModels are the models by their IDs.
func embeddingModels() map[string]Model {
	return map[string]Model{
		TitanImage: titanImage, TitanText: titanText, TitanText2: titanText2, CohereEnglish: cohere, CohereMultilingual: cohere,
	}
}

func titanText(body json.RawMessage) (any, *aws.Error) {
	d, failed := openDocument(body)
	if failed != nil {
		return nil, failed
	}
	text := d.text("inputText", true, 1, maxTitanText)
	if failed := d.end(); failed != nil {
		return nil, failed
	}
	return titanAnswer(text, TextVector(text, titanTextDimensions), maxTitanWords)
}

func titanText2(body json.RawMessage) (any, *aws.Error) {
	d, failed := openDocument(body)
	if failed != nil {
		return nil, failed
	}
	text := d.text("inputText", true, 1, maxTitanText)
	dimensions := d.dimensions("dimensions", 256, 512, 1024)
	d.boolean("normalize")
	types := d.kinds("embeddingTypes", "float", "binary")
	if failed := d.end(); failed != nil {
		return nil, failed
	}
	vector := TextVector(text, dimensions)
	found, failed := titanAnswer(text, vector, maxTitanWords)
	if failed == nil {
		found["embeddingsByType"] = byType(vector, types)
	}
	return found, failed
}

func titanImage(body json.RawMessage) (any, *aws.Error) {
	d, failed := openDocument(body)
	if failed != nil {
		return nil, failed
	}
	text := d.text("inputText", false, 1, math.MaxInt)
	picture := d.picture("inputImage", false)
	dimensions := 1024
	d.inside("embeddingConfig", false, func(config *document) {
		dimensions = config.dimensions("outputEmbeddingLength", 256, 384, 1024)
	})
	if failed := d.end(); failed != nil {
		return nil, failed
	}
	vector := TextVector(text, dimensions)
	switch {
	case !d.has("inputText") && !d.has("inputImage"):
		return nil, invalid("Bad input: at least one of inputText and inputImage must be provided.")
	case len(picture.data) > maxTitanImage || picture.Width > maxTitanSide || picture.Height > maxTitanSide:
		return nil, invalid("Bad input: the image is larger than %d x %d pixels or %d bytes.", maxTitanSide, maxTitanSide, maxTitanImage)
	case !d.has("inputText"):
		vector = ImageVector(picture.data, dimensions)
	case d.has("inputImage"):
		vector = average(vector, ImageVector(picture.data, dimensions))
	}
	return titanAnswer(text, vector, maxTitanImageWords)
}

// titanAnswer is the answer of a model of Titan's. Tokens are taken to be words.
func titanAnswer(text string, vector []float64, most int) (map[string]any, *aws.Error) {
	tokens := len(words(text))
	if tokens > most {
		return nil, invalid("400 Bad Request: Too many input tokens. Max input tokens: %d, request input token count: %d", most, tokens)
	}
	return map[string]any{"embedding": vector, "inputTextTokenCount": tokens}, nil
}

// dimensions is the length of a vector, the last of the choices where nothing is said.
func (d *document) dimensions(name string, choices ...int) int {
	if !d.has(name) {
		return choices[len(choices)-1]
	}
	chosen := int(d.number(name, false, true, 1, math.MaxInt32))
	if !slices.Contains(choices, chosen) {
		d.failf(name, "%d is not a valid enum value", chosen)
	}
	return chosen
}

// kinds is a list of types of embeddings.
func (d *document) kinds(name string, choices ...string) []string {
	var kinds []string
	for _, raw := range d.list(name, false, 1, len(choices)) {
		kind := d.textOf(name, raw, 1, math.MaxInt)
		if !slices.Contains(choices, kind) {
			d.failf(name, "%s is not a valid enum value", kind)
		}
		kinds = append(kinds, kind)
	}
	return kinds
}

func cohere(body json.RawMessage) (any, *aws.Error) {
	d, failed := openDocument(body)
	if failed != nil {
		return nil, failed
	}
	kind := d.choice("input_type", true, "search_document", "search_query", "classification", "clustering", "image")
	d.choice("truncate", false, "NONE", "START", "END")
	types := d.kinds("embedding_types", "float", "int8", "uint8", "binary", "ubinary")
	var texts []string
	var vectors [][]float64
	if kind == "image" {
		for _, raw := range d.list("images", true, 1, 1) {
			vectors = append(vectors, d.cohereImage(raw))
		}
	} else {
		for _, raw := range d.list("texts", true, 1, maxCohereTexts) {
			text := d.textOf("texts", raw, 1, maxCohereText)
			texts, vectors = append(texts, text), append(vectors, TextVector(text, cohereDimensions))
		}
	}
	if failed := d.end(); failed != nil {
		return nil, failed
	}
	answer := map[string]any{"id": "5f9c1a20-9d5c-4c37-8f39-2a3f5d0f3b11", "response_type": "embeddings_floats", "embeddings": vectors}
	if texts != nil {
		answer["texts"] = texts
	}
	if len(types) > 0 {
		answer["response_type"], answer["embeddings"] = "embeddings_by_type", allByType(vectors, types)
	}
	return answer, nil
}

func (d *document) cohereImage(raw json.RawMessage) []float64 {
	picture := d.dataURI("images", raw)
	if len(picture.data) > maxCohereImage {
		d.failf("images", "the image has %d bytes, at most %d are allowed", len(picture.data), maxCohereImage)
	}
	return ImageVector(picture.data, cohereDimensions)
}

// TextVector is the embedding of a text: a vector of length 1 to which every word adds in a direction of its own,
// whatever its case.
func TextVector(text string, dimensions int) []float64 {
	vector := make([]float64, dimensions)
	for _, word := range words(text) {
		sum := fnv.New64a()
		_, _ = sum.Write([]byte(word)) // never fails
		addDirection(vector, sum.Sum64())
	}
	return normalized(vector)
}

// ImageVector is the embedding of an image: a vector of length 1 that differs for any two images.
func ImageVector(data []byte, dimensions int) []float64 {
	sum := sha256.Sum256(data)
	vector := make([]float64, dimensions)
	addDirection(vector, binary.BigEndian.Uint64(sum[:]))
	return normalized(vector)
}

func words(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
}

// addDirection adds a random unit vector, the same for the same seed: in many dimensions any two are almost at right
// angles.
func addDirection(vector []float64, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 0))
	direction := make([]float64, len(vector))
	for i := range direction {
		direction[i] = random.NormFloat64()
	}
	for i, x := range normalized(direction) {
		vector[i] += x
	}
}

func average(a, b []float64) []float64 {
	sum := make([]float64, len(a))
	for i := range a {
		sum[i] = a[i] + b[i]
	}
	return normalized(sum)
}

// normalized gives a vector the length 1. One without a direction, as of a text without words, gets one.
func normalized(vector []float64) []float64 {
	var square float64
	for _, x := range vector {
		square += x * x
	}
	if square == 0 {
		vector[0] = 1
		return vector
	}
	for i := range vector {
		vector[i] /= math.Sqrt(square)
	}
	return vector
}

func byType(vector []float64, types []string) map[string]any {
	if len(types) == 0 {
		types = []string{"float"}
	}
	forms := map[string]any{}
	for _, kind := range types {
		forms[kind] = inType(vector, kind)
	}
	return forms
}

func allByType(vectors [][]float64, types []string) map[string]any {
	forms := map[string]any{}
	for _, kind := range types {
		var list []any
		for _, vector := range vectors {
			list = append(list, inType(vector, kind))
		}
		forms[kind] = list
	}
	return forms
}

// inType is a vector in another form: what is not floating point is only made to look right.
func inType(vector []float64, kind string) any {
	if kind == "float" {
		return vector
	}
	whole := make([]int, len(vector))
	for i, x := range vector {
		switch kind {
		case "int8":
			whole[i] = int(math.Round(x * 127))
		case "uint8":
			whole[i] = int(math.Round(x*127)) + 128
		default:
			whole[i] = int(math.Max(0, math.Copysign(1, x)))
		}
	}
	return whole
}
