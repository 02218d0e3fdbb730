package bedrock

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockagentruntime/types"
	"github.com/cloudplugins/difyplugin/plugin"
)

// The attributes that Bedrock itself gives to what it has found.
const (
	sourceKey  = "x-amz-bedrock-kb-source-uri"
	sourcePage = "x-amz-bedrock-kb-document-page-number"
	chunkKey   = "x-amz-bedrock-kb-chunk-id"
)

// passage is a piece of a document that a knowledge base has found, whatever it consists of and wherever it comes from.
type passage struct {
	// kind is TEXT, IMAGE, ROW, AUDIO, VIDEO or what there may be one day; "" where AWS does not say.
	kind string
	// text is the text of it: a row's columns, the transcription of sound and the summary of film are text, too.
	text string
	row  []column
	// media is the URI in S3 of a piece of sound or film.
	media string
	// image is the data URI of an image.
	image string
	// sourceType is S3, WEB and so on, and source the URI, URL or ID there, or a query to a database.
	sourceType, source string
	// attributes are what AWS knows of the document besides, user's own attributes included.
	attributes map[string]json.RawMessage
}

// column is one field of a row.
type column struct {
	Name  *string `json:"name"`
	Value *string `json:"value"`
	Type  string  `json:"type"`
}

func readPassage(content *types.RetrievalResultContent, location *types.RetrievalResultLocation, attributes map[string]document.Interface) passage {
	p := passage{attributes: map[string]json.RawMessage{}}
	for name, value := range attributes {
		p.attributes[name] = rawOf(value)
	}
	if content != nil {
		p.readContent(content)
	}
	if location != nil {
		p.sourceType, p.source = string(location.Type), sourceOf(location)
	}
	if p.source == "" {
		p.source = p.attribute(sourceKey)
	}
	return p
}

// rawOf is a value as JSON, or null where it is not a value.
func rawOf(value document.Interface) json.RawMessage {
	if value == nil {
		return json.RawMessage("null")
	}
	raw, err := value.MarshalSmithyDocument()
	if err != nil || !json.Valid(raw) {
		return json.RawMessage("null")
	}
	return raw
}

func (p *passage) readContent(content *types.RetrievalResultContent) {
	p.kind, p.text, p.image = string(content.Type), aws.ToString(content.Text), aws.ToString(content.ByteContent)
	texts := []string{p.text}
	if len(content.Row) > 0 {
		var cells []string
		for _, c := range content.Row {
			p.row = append(p.row, column{c.ColumnName, c.ColumnValue, string(c.Type)})
			cells = append(cells, aws.ToString(c.ColumnName)+": "+aws.ToString(c.ColumnValue))
		}
		texts = append(texts, strings.Join(cells, ", "))
	}
	if a := content.Audio; a != nil {
		p.media = aws.ToString(a.S3Uri)
		texts = append(texts, aws.ToString(a.Transcription))
	}
	if v := content.Video; v != nil {
		p.media = aws.ToString(v.S3Uri)
		texts = append(texts, aws.ToString(v.Summary))
	}
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			p.text = text
			return
		}
	}
}

// sourceOf is where a document comes from: the first of its places that is there.
func sourceOf(l *types.RetrievalResultLocation) string {
	var places []*string
	if l.S3Location != nil {
		places = append(places, l.S3Location.Uri)
	}
	if l.WebLocation != nil {
		places = append(places, l.WebLocation.Url)
	}
	if l.ConfluenceLocation != nil {
		places = append(places, l.ConfluenceLocation.Url)
	}
	if l.SalesforceLocation != nil {
		places = append(places, l.SalesforceLocation.Url)
	}
	if l.SharePointLocation != nil {
		places = append(places, l.SharePointLocation.Url)
	}
	if l.CustomDocumentLocation != nil {
		places = append(places, l.CustomDocumentLocation.Id)
	}
	if l.KendraDocumentLocation != nil {
		places = append(places, l.KendraDocumentLocation.Uri)
	}
	if l.SqlLocation != nil {
		places = append(places, l.SqlLocation.Query)
	}
	if l.OneDriveLocation != nil {
		places = append(places, l.OneDriveLocation.Url)
	}
	if l.GoogleDriveLocation != nil {
		places = append(places, l.GoogleDriveLocation.Url)
	}
	for _, place := range places {
		if aws.ToString(place) != "" {
			return *place
		}
	}
	return ""
}

// attribute is an attribute that is a text, or "".
func (p passage) attribute(name string) string {
	var text string
	if json.Unmarshal(p.attributes[name], &text) != nil {
		return ""
	}
	return text
}

// page is the number of the page in the document, or nil.
func (p passage) page() any {
	var number float64
	if raw, ok := p.attributes[sourcePage]; !ok || string(raw) == "null" || json.Unmarshal(raw, &number) != nil {
		return nil
	}
	if number == math.Trunc(number) && math.Abs(number) < 1<<53 {
		return int64(number)
	}
	return number
}

// name is the name of the document: the last part of the path to it.
func (p passage) name() string {
	path := p.source
	if p.sourceType == string(types.RetrievalResultLocationTypeSql) {
		return "" // a query is no path
	}
	// Keys of S3 may hold what means something in the URL of a page.
	if at, err := url.Parse(path); err == nil && (at.Scheme == "http" || at.Scheme == "https") {
		path = at.Host + at.Path
	}
	path = strings.TrimRight(path, "/")
	return path[strings.LastIndexByte(path, '/')+1:]
}

// isBlank reports whether there is nothing in a passage.
func (p passage) isBlank() bool {
	return strings.TrimSpace(p.text) == "" && p.media == "" && p.image == "" && (p.kind == "" || p.kind == string(types.RetrievalResultContentTypeText))
}

// line is the passage in a text: what it says, or else where it is.
func (p passage) line() string {
	for _, text := range []string{p.text, p.media, p.source} {
		if strings.TrimSpace(text) != "" {
			return text
		}
	}
	return ""
}

// maxImage bounds in bytes, as text, the image of a passage that is sent as a file.
const maxImage = 20 << 20

// file is the image of a passage. An image that cannot be read is left out: the rest of the passage counts for more.
func (p passage) file(number int) (f plugin.File, ok bool) {
	data, mediaType, ok := readImage(p.image)
	if !ok {
		return plugin.File{}, false
	}
	_, extension, _ := strings.Cut(mediaType, "/")
	return plugin.Bytes(fmt.Sprintf("passage-%d.%s", number, extension), mediaType, data), true
}

func sendImages(ctx context.Context, call *plugin.Call, images []plugin.File) error {
	for _, image := range images {
		if err := call.File(ctx, image); err != nil {
			return fmt.Errorf("send the image %s: %w", image.Name, err)
		}
	}
	return nil
}

// readImage reads a data URI, or the bare base64 of an image.
func readImage(text string) (data []byte, mediaType string, ok bool) {
	if text == "" || len(text) > maxImage {
		return nil, "", false
	}
	if header, rest, isURI := strings.Cut(text, ","); isURI && strings.HasPrefix(header, "data:") {
		text = rest
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, "", false
	}
	mediaType = http.DetectContentType(data)
	return data, mediaType, strings.HasPrefix(mediaType, "image/")
}
