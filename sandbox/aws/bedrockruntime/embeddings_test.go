package bedrockruntime_test

import (
	"encoding/base64"
	"image/color"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/sandbox/aws/bedrockruntime"
)

var red = color.NRGBA{R: 255, A: 255}

func TestEmbeddingModelsTakeWhatTheirDocumentationShows(t *testing.T) {
	_, _, c := start(t)
	shot := picture(t, 8, 8, red)
	uri := "data:image/png;base64," + shot
	for name, tt := range map[string]struct {
		model      string
		body       any
		dimensions int
	}{
		"Titan Text":                         {bedrockruntime.TitanText, `{"inputText":"a cat"}`, 1536},
		"Titan Text V2":                      {bedrockruntime.TitanText2, `{"inputText":"a cat"}`, 1024},
		"Titan Text V2 with everything":      {bedrockruntime.TitanText2, `{"inputText":"a cat","dimensions":256,"normalize":true,"embeddingTypes":["float","binary"]}`, 256},
		"Titan Multimodal with a text":       {bedrockruntime.TitanImage, `{"inputText":"a cat"}`, 1024},
		"Titan Multimodal with an image":     {bedrockruntime.TitanImage, map[string]any{"inputImage": shot, "embeddingConfig": map[string]any{"outputEmbeddingLength": 384}}, 384},
		"Titan Multimodal with both":         {bedrockruntime.TitanImage, map[string]any{"inputImage": shot, "inputText": "red"}, 1024},
		"Cohere English":                     {bedrockruntime.CohereEnglish, `{"texts":["a cat","a dog"],"input_type":"search_query","truncate":"NONE"}`, 1024},
		"Cohere Multilingual":                {bedrockruntime.CohereMultilingual, `{"texts":["猫"],"input_type":"search_document"}`, 1024},
		"Cohere with an image":               {bedrockruntime.CohereEnglish, map[string]any{"images": []string{uri}, "input_type": "image"}, 1024},
		"the model's ARN":                    {"arn:aws:bedrock:us-east-1::foundation-model/" + bedrockruntime.TitanText2, `{"inputText":"a cat"}`, 1024},
		"an inference profile":               {"us." + bedrockruntime.TitanText2, `{"inputText":"a cat"}`, 1024},
		"the ARN of an inference profile":    {"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us." + bedrockruntime.TitanText2, `{"inputText":"a cat"}`, 1024},
		"the longest text that Titan may be": {bedrockruntime.TitanText, map[string]any{"inputText": strings.Repeat("x", 50_000)}, 1536},
	} {
		t.Run(name, func(t *testing.T) {
			answer, err := invoke(t, c, tt.model, tt.body)
			if err != nil {
				t.Fatal(err)
			}
			vector, ok := answer["embedding"].([]any)
			if !ok {
				vectors, _ := answer["embeddings"].([]any)
				if len(vectors) == 0 {
					t.Fatalf("no vector in %v", answer)
				}
				vector, _ = vectors[0].([]any)
			}
			if len(vector) != tt.dimensions {
				t.Errorf("%d dimensions, want %d", len(vector), tt.dimensions)
			}
		})
	}
}

func TestCohereAnswersByTypeWhereItIsAskedTo(t *testing.T) {
	_, _, c := start(t)
	answer, err := invoke(t, c, bedrockruntime.CohereEnglish, `{"texts":["a"],"input_type":"clustering","embedding_types":["int8","float"]}`)
	if err != nil {
		t.Fatal(err)
	}
	forms, _ := answer["embeddings"].(map[string]any)
	if answer["response_type"] != "embeddings_by_type" || len(forms) != 2 || forms["int8"] == nil {
		t.Errorf("the answer is %v with %d forms", answer["response_type"], len(forms))
	}
}

func TestEmbeddingModelsRefuseWhatIsNotTheirs(t *testing.T) {
	_, runtime, c := start(t)
	runtime.RemoveModel(bedrockruntime.CohereMultilingual)
	shot := picture(t, 8, 8, red)
	for name, tt := range map[string]struct {
		model string
		body  any
		words string
	}{
		"Titan Text does not choose dimensions":      {bedrockruntime.TitanText, `{"inputText":"a","dimensions":1024}`, "extraneous key [dimensions] is not permitted"},
		"Titan Text has no configuration":            {bedrockruntime.TitanText, `{"inputText":"a","embeddingConfig":{"outputEmbeddingLength":1024}}`, "extraneous key [embeddingConfig]"},
		"Titan Text V2 has no configuration":         {bedrockruntime.TitanText2, `{"inputText":"a","embeddingConfig":{"outputEmbeddingLength":1024}}`, "extraneous key [embeddingConfig]"},
		"Titan Text V2 has three lengths":            {bedrockruntime.TitanText2, `{"inputText":"a","dimensions":384}`, "384 is not a valid enum value"},
		"dimensions are a number":                    {bedrockruntime.TitanText2, `{"inputText":"a","dimensions":"256"}`, "expected type: Integer, found: String"},
		"names are exact":                            {bedrockruntime.TitanText, `{"InputText":"a"}`, "required key [inputText] not found"},
		"a text is needed":                           {bedrockruntime.TitanText, `{}`, "required key [inputText] not found"},
		"an empty text is none":                      {bedrockruntime.TitanText, `{"inputText":""}`, "expected minLength: 1, actual: 0"},
		"a text of more than 50,000 characters":      {bedrockruntime.TitanText, map[string]any{"inputText": strings.Repeat("x", 50_001)}, "expected maxLength: 50000, actual: 50001"},
		"a text of too many words":                   {bedrockruntime.TitanText2, map[string]any{"inputText": strings.Repeat("a ", 8193)}, "Too many input tokens. Max input tokens: 8192"},
		"null is no text":                            {bedrockruntime.TitanText, `{"inputText":null}`, "found: Null"},
		"Titan Multimodal has other lengths":         {bedrockruntime.TitanImage, `{"inputText":"a","embeddingConfig":{"outputEmbeddingLength":512}}`, "512 is not a valid enum value"},
		"Titan Multimodal takes no plain dimensions": {bedrockruntime.TitanImage, `{"inputText":"a","dimensions":256}`, "extraneous key [dimensions]"},
		"Titan Multimodal needs something":           {bedrockruntime.TitanImage, `{}`, "at least one of inputText and inputImage"},
		"Titan Multimodal takes no data URI":         {bedrockruntime.TitanImage, map[string]any{"inputImage": "data:image/png;base64," + shot}, "not Base64"},
		"an image is an image":                       {bedrockruntime.TitanImage, map[string]any{"inputImage": base64.StdEncoding.EncodeToString([]byte("GIF89a"))}, "cannot be decoded"},
		"an image of more than 2048 pixels":          {bedrockruntime.TitanImage, map[string]any{"inputImage": picture(t, 2049, 1, red)}, "larger than 2048 x 2048"},
		"the words beside an image are few":          {bedrockruntime.TitanImage, map[string]any{"inputText": strings.Repeat("a ", 257)}, "Max input tokens: 256"},
		"Cohere needs an input type":                 {bedrockruntime.CohereEnglish, `{"texts":["a"]}`, "required key [input_type] not found"},
		"Cohere knows its input types":               {bedrockruntime.CohereEnglish, `{"texts":["a"],"input_type":"query"}`, "query is not a valid enum value"},
		"Cohere takes texts":                         {bedrockruntime.CohereEnglish, `{"inputText":"a","input_type":"search_query"}`, "required key [texts] not found"},
		"Cohere takes a list":                        {bedrockruntime.CohereEnglish, `{"texts":"a","input_type":"search_query"}`, "expected type: JSONArray, found: String"},
		"Cohere takes 96 texts":                      {bedrockruntime.CohereEnglish, map[string]any{"texts": strings.Fields(strings.Repeat("a ", 97)), "input_type": "search_query"}, "expected maximum item count: 96, found: 97"},
		"Cohere takes 2048 characters":               {bedrockruntime.CohereEnglish, map[string]any{"texts": []string{strings.Repeat("x", 2049)}, "input_type": "search_query"}, "expected maxLength: 2048, actual: 2049"},
		"Cohere's images are data URIs":              {bedrockruntime.CohereEnglish, map[string]any{"images": []string{shot}, "input_type": "image"}, "not a data URI"},
		"Cohere has no dimensions":                   {bedrockruntime.CohereEnglish, `{"texts":["a"],"input_type":"search_query","dimensions":256}`, "extraneous key [dimensions]"},
		"a body is an object":                        {bedrockruntime.TitanText, `["a"]`, "Malformed input request"},
		"an identifier is written like one":          {"Titan", `{"inputText":"a"}`, "The provided model identifier is invalid."},
		"an ARN is of the region":                    {"arn:aws:bedrock:eu-west-1::foundation-model/" + bedrockruntime.TitanText, `{"inputText":"a"}`, "is invalid for the request region 'us-east-1'"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := invoke(t, c, tt.model, tt.body)
			wantRefusal(t, err, "ValidationException", tt.words)
		})
	}
	_, err := invoke(t, c, bedrockruntime.CohereMultilingual, `{"texts":["a"],"input_type":"search_query"}`)
	wantRefusal(t, err, "ResourceNotFoundException", "Could not resolve the foundation model")
}

func TestVectorsSaySomethingAboutWords(t *testing.T) {
	cosine := func(a, b []float64) (sum float64) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	near := cosine(bedrockruntime.TextVector("A red bicycle", 256), bedrockruntime.TextVector("the red BICYCLE!", 256))
	far := cosine(bedrockruntime.TextVector("A red bicycle", 256), bedrockruntime.TextVector("quarterly tax report", 256))
	if near < 0.5 || far > 0.3 {
		t.Errorf("near is %f, far is %f", near, far)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		vector := bedrockruntime.TextVector(text, 64)
		if length := cosine(vector, vector); math.Abs(length-1) > 1e-9 {
			t.Fatalf("the vector of %q has the length %f", text, length)
		}
	})
}
