package cos

import (
	"bytes"
	"strconv"
	"strings"
)

// document writes the service's XML. Unlike encoding/xml it never changes a
// character that XML cannot hold: the service writes keys as they are, and a
// listing of a key with a control character is no well-formed XML unless the
// client asked for encoding-type=url.
type document struct {
	bytes.Buffer
	open []string
}

const xmlDeclaration = "<?xml version='1.0' encoding='utf-8' ?>\n"

func newDocument(root string) *document {
	d := &document{}
	d.WriteString(xmlDeclaration)
	d.begin(root)
	return d
}

func (d *document) begin(name string) {
	d.indent()
	d.WriteString("<" + name + ">\n")
	d.open = append(d.open, name)
}

func (d *document) end() {
	name := d.open[len(d.open)-1]
	d.open = d.open[:len(d.open)-1]
	d.indent()
	d.WriteString("</" + name + ">\n")
}

// text writes an element without children; without text it writes <name/>.
func (d *document) text(name, value string) {
	d.indent()
	if value == "" {
		d.WriteString("<" + name + "/>\n")
		return
	}
	d.WriteString("<" + name + ">" + escapeText(value) + "</" + name + ">\n")
}

func (d *document) number(name string, value int64) { d.text(name, strconv.FormatInt(value, 10)) }

func (d *document) boolean(name string, value bool) { d.text(name, strconv.FormatBool(value)) }

func (d *document) indent() {
	for range d.open {
		d.WriteByte('\t')
	}
}

// finish closes what is open and returns the bytes.
func (d *document) finish() []byte {
	for len(d.open) > 0 {
		d.end()
	}
	return d.Bytes()
}

func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}
