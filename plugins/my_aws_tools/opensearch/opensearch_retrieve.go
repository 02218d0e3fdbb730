package opensearch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// RetrieveInput is the input of opensearch_retrieve.
type RetrieveInput struct {
	account.Input
	Endpoint  string `param:"opensearch_endpoint"`
	Service   string `param:"opensearch_service"`
	IndexName string `param:"index_name"`
	// ImagePath is an object of S3, ImageFile a file of Dify's.
	ImagePath      string            `param:"image_s3_path"`
	ImageFile      *plugin.InputFile `param:"image_file"`
	Text           string            `param:"query_text"`
	VectorField    string            `param:"embedding_field"`
	MetadataFields string            `param:"metadata_fields"`
	// TopK is from 1 to 10, as declared.
	TopK       int    `param:"topk"`
	VectorSize string `param:"vector_size"`
	// SearchType has one choice, and says nothing.
	SearchType    string `param:"search_type"`
	ModelID       string `param:"embedding_model_id"`
	CustomModelID string `param:"custom_model_id"`
	// Filter is a JSON object: usually as text, but a model may give the object itself.
	Filter   any      `param:"filter_json"`
	MinScore *float64 `param:"min_score"`
}

// Retrieve finds the documents of an index whose vectors are nearest to that of a text, an image, or both. Each result
// has the fields that metadata_fields names, null where a document lacks one, and its score, for which the name score is
// taken.
//
// The region of the search is that in the name of the host; aws_region is that of the model.
func Retrieve(ctx context.Context, call *plugin.Call, in RetrieveInput) error {
	request, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	if err := acct.CheckHost(request.at.host); err != nil {
		return err
	}
	wanted := subject{text: in.Text, size: request.size}
	if request.picture.given() {
		if wanted.image, wanted.imageType, err = request.picture.read(ctx, call, acct, request.model); err != nil {
			return err
		}
	}
	vector, err := request.model.embed(ctx, acct, wanted)
	if err != nil {
		return err
	}
	content, err := newSearcher(acct, request.at, request.index).search(ctx, request.search(vector))
	if err != nil {
		return err
	}
	results, err := readFound(content, request.fields)
	if err != nil {
		return err
	}
	if err := call.JSON(map[string]any{"results": results}); err != nil {
		return err
	}
	return result.Outputs{"results": results}.Send(call)
}

// retrieval is a call of opensearch_retrieve whose parameters are right.
type retrieval struct {
	at       endpoint
	index    string
	picture  picture
	model    model
	size     int
	field    string
	fields   []string
	topK     int
	filter   json.RawMessage
	minScore *float64
}

// read checks the parameters.
func (in RetrieveInput) read() (retrieval, error) {
	var wrong param.Problems
	r := retrieval{
		index: strings.TrimSpace(in.IndexName), field: strings.TrimSpace(in.VectorField), fields: fieldNames(in.MetadataFields),
		topK: in.TopK, minScore: in.MinScore, model: in.readModel(&wrong),
	}
	var err error
	r.at, err = parseEndpoint(in.Endpoint, in.Service)
	wrong.Add("opensearch_endpoint", err)
	if r.index == "" {
		wrong.Addf("index_name", "is required")
	} else {
		wrong.Add("index_name", checkIndex(r.index))
	}
	if r.field == "" {
		wrong.Addf("embedding_field", "is required: write the field of the index that holds the vectors")
	}
	if strings.Trim(in.MetadataFields, ", \t\r\n") == "" {
		wrong.Addf("metadata_fields", "names no field: write the fields to return, with commas between them")
	}
	r.size = r.model.readSize(&wrong, in.VectorSize)
	r.picture = in.readPicture(&wrong)
	if in.Text == "" && !r.picture.given() {
		wrong.Addf("query_text", "is required, unless there is an image to search with")
	}
	r.model.check(&wrong, in.Text, r.picture.given(), r.picture.file != nil)
	r.filter, err = readFilter(in.Filter)
	wrong.Add("filter_json", err)
	return r, wrong.Err("opensearch_retrieve")
}

// readPicture reads where the image is, if there is one.
func (in RetrieveInput) readPicture(wrong *param.Problems) picture {
	at, err := readPath(in.ImagePath)
	wrong.Add("image_s3_path", err)
	if in.ImageFile == nil {
		return at
	}
	if strings.TrimSpace(in.ImagePath) != "" {
		wrong.Addf("image_file", "and image_s3_path are both given: leave out one of them")
	}
	return picture{file: in.ImageFile}
}

// fieldNames reads names with commas between them. Blank ones are none, and score is not one of the document's.
func fieldNames(text string) []string {
	var names []string
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" && name != scoreKey && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// readFilter reads a query that filters, in the words of OpenSearch.
func readFilter(value any) (json.RawMessage, error) {
	if text, ok := value.(string); ok && strings.TrimSpace(text) == "" {
		return nil, nil
	}
	raw, err := param.JSON(value)
	if err != nil || raw == nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return nil, errors.New(`is not a JSON object: write a query, such as {"term": {"category": "cats"}}`)
	}
	return raw, nil
}

// search is the request with the vector in it.
func (r retrieval) search(vector []json.Number) searchRequest {
	request := searchRequest{Size: r.topK, MinScore: r.minScore}
	request.Query.KNN = map[string]nearest{r.field: {Vector: vector, K: r.topK, Filter: r.filter}}
	return request
}
