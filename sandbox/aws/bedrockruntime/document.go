package bedrockruntime

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg" // the formats that models take
	_ "image/png"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// document is a JSON object that is checked member by member. Names are exact, and what nobody asked for is refused by
// end. The first fault is kept; what is read behind it is of no use.
type document struct {
	path    string // as in a JSON pointer: #/imageGenerationConfig
	members map[string]json.RawMessage
	known   map[string]bool
	fault   *fault
}

// fault is shared by a document and those inside it.
type fault struct{ text string }

func openDocument(raw json.RawMessage) (*document, *aws.Error) {
	d := &document{path: "#", known: map[string]bool{}, fault: &fault{}}
	if err := json.Unmarshal(raw, &d.members); err != nil || d.members == nil {
		return nil, invalid("Malformed input request, please reformat your input and try again.")
	}
	return d, nil
}

// invalid is the error of a request that does not fit.
func invalid(format string, args ...any) *aws.Error {
	return &aws.Error{Status: http.StatusBadRequest, Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func (d *document) failf(name, format string, args ...any) {
	if d.fault.text != "" {
		return
	}
	path := d.path
	if name != "" {
		path += "/" + name
	}
	d.fault.text = path + ": " + fmt.Sprintf(format, args...)
}

// end is the error of the document, once all that may be in it was asked for.
func (d *document) end() *aws.Error {
	d.close()
	if d.fault.text == "" {
		return nil
	}
	return invalid("Malformed input request: %s, please reformat your input and try again.", d.fault.text)
}

// close refuses what nobody asked for.
func (d *document) close() {
	for name := range d.members {
		if !d.known[name] {
			d.failf("", "extraneous key [%s] is not permitted", name)
		}
	}
}

// member is the value of a name. A null is none.
func (d *document) member(name string, required bool) (json.RawMessage, bool) {
	d.known[name] = true
	raw, there := d.members[name]
	if there && string(bytes.TrimSpace(raw)) == "null" {
		d.failf(name, "expected type: not null, found: Null")
		return nil, false
	}
	if !there && required {
		d.failf("", "required key [%s] not found", name)
	}
	return raw, there
}

func kindOf(raw json.RawMessage) string {
	switch raw = bytes.TrimSpace(raw); {
	case len(raw) == 0:
		return "Nothing"
	case raw[0] == '"':
		return "String"
	case raw[0] == '{':
		return "JSONObject"
	case raw[0] == '[':
		return "JSONArray"
	case raw[0] == 't', raw[0] == 'f':
		return "Boolean"
	case bytes.ContainsAny(raw, ".eE"):
		return "BigDecimal"
	default:
		return "Integer"
	}
}

// into decodes a value that must be of a kind.
func (d *document) into(name string, raw json.RawMessage, kind string, value any) bool {
	found := kindOf(raw)
	if found != kind && (kind != "Number" || found != "Integer" && found != "BigDecimal") {
		d.failf(name, "expected type: %s, found: %s", kind, found)
		return false
	}
	if json.Unmarshal(raw, value) != nil {
		d.failf(name, "expected type: %s, found: %s", kind, found)
		return false
	}
	return true
}

// has reports whether there is a member of this name.
func (d *document) has(name string) bool {
	_, there := d.members[name]
	return there
}

// text is a text of so many characters.
func (d *document) text(name string, required bool, least, most int) string {
	raw, there := d.member(name, required)
	if !there {
		return ""
	}
	return d.textOf(name, raw, least, most)
}

func (d *document) textOf(name string, raw json.RawMessage, least, most int) string {
	var text string
	if !d.into(name, raw, "String", &text) {
		return ""
	}
	switch n := utf8.RuneCountInString(text); {
	case n < least:
		d.failf(name, "expected minLength: %d, actual: %d", least, n)
	case n > most:
		d.failf(name, "expected maxLength: %d, actual: %d", most, n)
	}
	return text
}

// choice is one of several texts.
func (d *document) choice(name string, required bool, choices ...string) string {
	text := d.text(name, required, 0, math.MaxInt)
	if d.has(name) && !slices.Contains(choices, text) {
		d.failf(name, "%s is not a valid enum value", text)
	}
	return text
}

// number is a number within bounds, whole ones only where whole says so.
func (d *document) number(name string, required, whole bool, least, most float64) float64 {
	raw, there := d.member(name, required)
	if !there {
		return 0
	}
	kind := "Number"
	if whole {
		kind = "Integer"
	}
	var number float64
	if !d.into(name, raw, kind, &number) {
		return 0
	}
	switch {
	case number < least:
		d.failf(name, "%s is not greater or equal to %s", raw, plainNumber(least))
	case number > most:
		d.failf(name, "%s is not less or equal to %s", raw, plainNumber(most))
	}
	return number
}

func plainNumber(number float64) string { return strconv.FormatFloat(number, 'f', -1, 64) }

// boolean is true or false.
func (d *document) boolean(name string) (on bool) {
	if raw, there := d.member(name, false); there {
		d.into(name, raw, "Boolean", &on)
	}
	return on
}

// list is an array of so many elements.
func (d *document) list(name string, required bool, least, most int) []json.RawMessage {
	raw, there := d.member(name, required)
	var list []json.RawMessage
	if !there || !d.into(name, raw, "JSONArray", &list) {
		return nil
	}
	switch {
	case len(list) < least:
		d.failf(name, "expected minimum item count: %d, found: %d", least, len(list))
	case len(list) > most:
		d.failf(name, "expected maximum item count: %d, found: %d", most, len(list))
	}
	return list
}

// inside checks an object that is a member. Where there is none, read is not called.
func (d *document) inside(name string, required bool, read func(*document)) {
	raw, there := d.member(name, required)
	if !there {
		return
	}
	d.insideOf(name, raw, read)
}

func (d *document) insideOf(name string, raw json.RawMessage, read func(*document)) {
	inner := &document{path: d.path + "/" + name, known: map[string]bool{}, fault: d.fault}
	if !d.into(name, raw, "JSONObject", &inner.members) {
		return
	}
	read(inner)
	inner.close()
}

// picture is an image in base64.
type picture struct {
	image.Config
	format string // png or jpeg
	data   []byte
	image  image.Image
}

// picture reads an image in base64.
func (d *document) picture(name string, required bool) picture {
	raw, there := d.member(name, required)
	if !there {
		return picture{}
	}
	return d.pictureOf(name, raw)
}

func (d *document) pictureOf(name string, raw json.RawMessage) picture {
	data, err := base64.StdEncoding.DecodeString(d.textOf(name, raw, 1, math.MaxInt))
	if err != nil {
		d.failf(name, "the image is not Base64")
		return picture{}
	}
	return d.decodePicture(name, data)
}

func (d *document) decodePicture(name string, data []byte) picture {
	decoded, format, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		d.failf(name, "the image cannot be decoded: %v", err)
		return picture{}
	}
	bounds := decoded.Bounds()
	return picture{Config: image.Config{ColorModel: decoded.ColorModel(), Width: bounds.Dx(), Height: bounds.Dy()}, format: format, data: data, image: decoded}
}

// opaque reports whether no pixel is transparent.
func (p picture) opaque() bool {
	if plain, ok := p.image.(interface{ Opaque() bool }); ok {
		return plain.Opaque()
	}
	return true
}

// dataURI reads data:image/png;base64,….
func (d *document) dataURI(name string, raw json.RawMessage) picture {
	text := d.textOf(name, raw, 1, math.MaxInt)
	head, encoded, ok := strings.Cut(text, ";base64,")
	data, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || head != "data:image/png" && head != "data:image/jpeg" {
		d.failf(name, "the image is not a data URI of a PNG or JPEG")
		return picture{}
	}
	return d.decodePicture(name, data)
}
