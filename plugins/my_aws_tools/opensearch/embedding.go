package opensearch

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// family are models that take the same request, after "Inference request parameters and response fields for foundation
// models" in the Bedrock User Guide.
type family struct {
	name string
	// sizes are the lengths of vectors that one can have.
	sizes []int
	// maxText is in characters, and zero where only the tokens are limited; maxImage is in bytes, and zero without images.
	maxText, maxImage int
	// imageTypes are the types of images.
	imageTypes []string
	// both says that a text and an image can be in one request.
	both    bool
	request func(subject) any
}

const (
	// maxTitanText is in characters. maxTitanImage is in bytes, so that the image fits, in base64 and beside a text, into
	// the 25,000,000 bytes that Bedrock takes.
	maxTitanText  = 50_000
	maxTitanImage = 18_500_000
	// maxCohereImage is in bytes.
	maxCohereImage = 5_000_000
)

// subject is what a vector is wanted of.
type subject struct {
	text string
	// image is nil where there is none.
	image     []byte
	imageType string
	size      int
}

var (
	titanImageID  = regexp.MustCompile(`\bamazon\.titan-embed-image-v1`)
	titanTextID   = regexp.MustCompile(`\bamazon\.titan-embed-(text-v1|g1-text)`)
	titanText2ID  = regexp.MustCompile(`\bamazon\.titan-embed-text-v2`)
	cohereThreeID = regexp.MustCompile(`\bcohere\.embed-(english|multilingual)-v3`)
	cohereFourID  = regexp.MustCompile(`\bcohere\.embed-v4`)
)

// familyOf knows the family of a model by its ID, of which an ID of an inference profile or an ARN is a longer form.
func familyOf(modelID string) (family, bool) {
	pictures := []string{"image/jpeg", "image/png"}
	switch {
	case titanImageID.MatchString(modelID):
		return family{
			name: "Titan Multimodal Embeddings", sizes: []int{256, 384, 1024}, maxText: maxTitanText, maxImage: maxTitanImage,
			imageTypes: pictures, both: true, request: titanImageRequest,
		}, true
	case titanTextID.MatchString(modelID):
		return family{name: "Titan Text Embeddings", sizes: []int{1536}, maxText: maxTitanText, request: titanTextRequest}, true
	case titanText2ID.MatchString(modelID):
		return family{name: "Titan Text Embeddings V2", sizes: []int{256, 512, 1024}, maxText: maxTitanText, request: titanText2Request}, true
	case cohereThreeID.MatchString(modelID):
		return family{
			name: "Cohere Embed 3", sizes: []int{1024}, maxText: 2048, maxImage: maxCohereImage, imageTypes: pictures, request: cohereThreeRequest,
		}, true
	case cohereFourID.MatchString(modelID):
		return family{
			name: "Cohere Embed 4", sizes: []int{256, 512, 1024, 1536}, maxImage: maxCohereImage,
			imageTypes: append(pictures, "image/gif", "image/webp"), both: true, request: cohereFourRequest,
		}, true
	}
	return family{}, false
}

func titanImageRequest(s subject) any {
	type config struct {
		Length int `json:"outputEmbeddingLength"`
	}
	return struct {
		Text   string `json:"inputText,omitempty"`
		Image  []byte `json:"inputImage,omitempty"`
		Config config `json:"embeddingConfig"`
	}{s.text, s.image, config{s.size}}
}

func titanTextRequest(s subject) any {
	return struct {
		Text string `json:"inputText"`
	}{s.text}
}

func titanText2Request(s subject) any {
	return struct {
		Text       string `json:"inputText"`
		Dimensions int    `json:"dimensions"`
		Normalize  bool   `json:"normalize"`
	}{s.text, s.size, true}
}

// cohereRequest is what both generations of Cohere's models take; inputs, types and the dimension are of the fourth.
type cohereRequest struct {
	Texts     []string      `json:"texts,omitempty"`
	Images    []string      `json:"images,omitempty"`
	Inputs    []cohereInput `json:"inputs,omitempty"`
	InputType string        `json:"input_type"`
	Types     []string      `json:"embedding_types,omitempty"`
	Dimension int           `json:"output_dimension,omitempty"`
}

// cohereInput is a text together with an image.
type cohereInput struct {
	Content []coherePart `json:"content"`
}

type coherePart struct {
	Type  string `json:"type"`
	Text  string `json:"text,omitempty"`
	Image string `json:"image_url,omitempty"`
}

func cohereThreeRequest(s subject) any {
	if s.image != nil {
		return cohereRequest{Images: []string{s.imageURI()}, InputType: "image"}
	}
	return cohereRequest{Texts: []string{s.text}, InputType: "search_query"}
}

func cohereFourRequest(s subject) any {
	request := cohereRequest{InputType: "search_query", Types: []string{"float"}, Dimension: s.size}
	switch {
	case s.image == nil:
		request.Texts = []string{s.text}
	case s.text == "":
		request.Images = []string{s.imageURI()}
	default:
		request.Inputs = []cohereInput{{[]coherePart{{Type: "text", Text: s.text}, {Type: "image_url", Image: s.imageURI()}}}}
	}
	return request
}

// imageURI is the image as Cohere's models take it.
func (s subject) imageURI() string {
	return "data:" + s.imageType + ";base64," + base64.StdEncoding.EncodeToString(s.image)
}

// model is a model of Bedrock that makes vectors.
type model struct {
	id string
	family
}

// modelIDPattern is the form of modelId in the reference of the Bedrock Runtime API, which IDs and ARNs share.
var modelIDPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]*$`)

// maxModelID is how many characters it has at most.
const maxModelID = 2048

// readModel chooses the model. One that a user names beyond the listed ones takes the requests of its own family where
// the name tells it, and else those of the listed model.
func (in RetrieveInput) readModel(wrong *param.Problems) model {
	listed, ok := familyOf(in.ModelID)
	if !ok {
		wrong.Addf("embedding_model_id", "is %q, whose requests are not known: choose one of the list", param.Clip(in.ModelID))
	}
	custom := strings.TrimSpace(in.CustomModelID)
	if custom == "" {
		return model{in.ModelID, listed}
	}
	if len(custom) > maxModelID || !modelIDPattern.MatchString(custom) {
		wrong.Addf("custom_model_id", "is %q, which is neither the ID of a model nor an ARN", param.Clip(custom))
	}
	if own, ok := familyOf(custom); ok {
		return model{custom, own}
	}
	return model{custom, listed}
}

// readSize checks that the model makes vectors of this length.
func (m model) readSize(wrong *param.Problems, text string) int {
	size, err := strconv.Atoi(strings.TrimSpace(text))
	if m.sizes != nil && (err != nil || !slices.Contains(m.sizes, size)) {
		wrong.Addf("vector_size", "is %s, and %s makes vectors of %s: choose the length of those in the index, and a model that has it", param.Clip(text), m.name, listOf(m.sizes))
	}
	return size
}

func listOf(sizes []int) string {
	texts := make([]string, len(sizes))
	for i, size := range sizes {
		texts[i] = strconv.Itoa(size)
	}
	return strings.Join(texts, ", ")
}

// check refuses what the model cannot take.
func (m model) check(wrong *param.Problems, text string, image, file bool) {
	picture := "image_s3_path"
	if file {
		picture = "image_file"
	}
	if length := utf8.RuneCountInString(text); m.maxText > 0 && length > m.maxText {
		wrong.Addf("query_text", "has %d characters, and %s takes at most %d", length, m.name, m.maxText)
	}
	switch {
	case !image || m.name == "":
	case m.maxImage == 0:
		wrong.Addf(picture, "cannot be searched with %s, which takes texts only: choose amazon.titan-embed-image-v1 or a model of Cohere", m.name)
	case text != "" && !m.both:
		wrong.Addf(picture, "and query_text cannot both be searched with %s: leave out one of them, or choose amazon.titan-embed-image-v1", m.name)
	}
}

// regionIn is the region of the ARN of a model or an inference profile.
var regionIn = regexp.MustCompile(`^arn:aws[a-z-]*:bedrock:([a-z0-9-]+):`)

// embed has the model make a vector.
func (m model) embed(ctx context.Context, acct *account.Account, s subject) ([]json.Number, error) {
	body, err := param.Encode(m.request(s))
	if err != nil {
		return nil, plugin.Errorf(plugin.BadRequest, "the request to the model %s %w", m.id, err)
	}
	cfg := acct.Config(account.BedrockRuntime)
	if found := regionIn.FindStringSubmatch(m.id); found != nil && account.ValidRegion(found[1]) {
		cfg.Region = found[1]
	}
	out, err := bedrockruntime.NewFromConfig(cfg).InvokeModel(ctx, &bedrockruntime.InvokeModelInput{
		ModelId: aws.String(m.id), ContentType: aws.String(jsonType), Accept: aws.String(jsonType), Body: body,
	})
	if err != nil {
		return nil, m.explain(err, acct, cfg.Region)
	}
	vector, err := readVector(out.Body)
	if err == nil && len(vector) != s.size {
		err = fmt.Errorf("its vector has %d numbers and not %d", len(vector), s.size)
	}
	if err != nil {
		return nil, plugin.Errorf(plugin.Unavailable, "the answer of the model %s cannot be used: %w", m.id, err)
	}
	return vector, nil
}

func (m model) explain(err error, acct *account.Account, region string) error {
	resource := m.id
	if !strings.HasPrefix(resource, "arn:") {
		resource = fmt.Sprintf("arn:%s:bedrock:%s::foundation-model/%s", acct.Partition(), region, m.id)
	}
	return account.Error(err, account.Operation{
		Doing: "make a vector with the model " + m.id, Service: "Bedrock", Action: "bedrock:InvokeModel", Resource: resource, Region: region,
		Faults: map[string]account.Fault{
			"ResourceNotFoundException": {Kind: plugin.BadRequest, Text: "there is no such model in the region {region}: check the model and aws_region{said}"},
			"ValidationException":       {Kind: plugin.BadRequest, Text: "Bedrock does not accept the request: check the model, aws_region, the text and the image{said}"},
			"ModelErrorException":       {Kind: plugin.Unavailable, Text: "the model has failed{said}"},
			"ModelTimeoutException":     {Kind: plugin.Unavailable, Text: "the model took too long: try again{said}"},
			"ModelNotReadyException":    {Kind: plugin.Unavailable, Text: "the model is not ready yet: try again in a minute{said}"},
		},
	})
}

// readVector finds the vector in an answer, with its numbers to the last digit.
func readVector(answer []byte) ([]json.Number, error) {
	var found struct {
		One  []json.Number   `json:"embedding"`
		Many json.RawMessage `json:"embeddings"`
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if found.One != nil {
		return found.One, nil
	}
	var list [][]json.Number
	var byType struct {
		Float [][]json.Number `json:"float"`
	}
	if json.Unmarshal(found.Many, &list) != nil && json.Unmarshal(found.Many, &byType) == nil {
		list = byType.Float
	}
	if len(list) != 1 || list[0] == nil {
		return nil, errors.New("it holds no vector")
	}
	return list[0], nil
}
