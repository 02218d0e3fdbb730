package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Limits on what is read. Declarations are a few kilobytes each; whatever
// exceeds these limits is a mistake or an attack.
const (
	maxFileSize  = 1 << 20  // bytes of one declaration file
	maxTotalSize = 16 << 20 // bytes of all declaration files of a plugin
	maxDepth     = 64       // levels of nesting in a file
)

// A reader reads the declaration files of one plugin and gathers their faults.
type reader struct {
	report
	fsys fs.FS
	// whole is set when the plugin is checked as a whole: files that a
	// declaration mentions are looked up, and declarations are read as well.
	whole  bool
	size   int64
	opened map[string]bool
}

func newReader(fsys fs.FS) *reader {
	return &reader{fsys: fsys, opened: make(map[string]bool)}
}

// A source is one declaration file.
type source struct {
	*reader
	file  string
	lines int
}

// open reads a declaration file and returns the value at its root. What is
// wrong inside the file is reported there; what is wrong with the file is left
// to the caller, who knows where the file was asked for.
func (r *reader) open(file string) (value, bool, error) {
	data, err := r.read(file)
	if err != nil {
		return value{}, false, err
	}
	src := &source{reader: r, file: file, lines: 1 + bytes.Count(data, []byte("\n"))}
	root, ok := src.parse(data)
	return root, ok, nil
}

func (r *reader) read(file string) ([]byte, error) {
	f, err := r.fsys.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the file %s does not exist", quoted(file))
	}
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be opened: %w", quoted(file), err)
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing can be lost
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("the file %s cannot be read: %w", quoted(file), err)
	}
	if len(data) > maxFileSize {
		return nil, fmt.Errorf("the file %s is larger than %d bytes, the limit for a declaration", quoted(file), maxFileSize)
	}
	r.size += int64(len(data))
	if r.size > maxTotalSize {
		return nil, fmt.Errorf("the file %s is not read: the declarations are larger than %d bytes together", quoted(file), maxTotalSize)
	}
	return data, nil
}

// parse turns a file into nodes. It reports what makes the file unusable and
// everything that is wrong with its structure, whatever the file declares.
func (s *source) parse(data []byte) (value, bool) {
	if at := invalidUTF8(data); at >= 0 {
		s.fault(1+bytes.Count(data[:at], []byte("\n")), "", "is not UTF-8 text; save it as UTF-8")
		return value{}, false
	}
	doc, err := decode(data)
	switch {
	case errors.Is(err, io.EOF):
		s.fault(1, "", "is empty; it must be a mapping of keys to values")
		return value{}, false
	case err != nil:
		line, message := yamlProblem(err)
		s.fault(line, "", "is not valid YAML: "+message)
		return value{}, false
	}
	root := value{src: s, node: doc.Content[0], line: doc.Content[0].Line}
	root.inspect(1)
	if root.node.Kind != yaml.MappingNode {
		root.faultf("must be a mapping of keys to values, not %s", root.kind())
		return value{}, false
	}
	return root, true
}

// decode parses the one document of a file. The YAML parser has been known to
// panic on hostile text; here that is an error like any other.
func decode(data []byte) (doc yaml.Node, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&doc); err != nil {
		return doc, err
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return doc, io.EOF
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF):
		return doc, nil
	case err != nil:
		return doc, err
	}
	return doc, fmt.Errorf("yaml: line %d: a second document starts, and only the first is read; remove the ---", second.Line)
}

var yamlLine = regexp.MustCompile(`^line (\d+): `)

// yamlProblem takes the line out of the YAML parser's message, which carries
// it as text or not at all.
func yamlProblem(err error) (line int, message string) {
	message = strings.TrimPrefix(err.Error(), "yaml: ")
	m := yamlLine.FindStringSubmatch(message)
	if m == nil {
		return 1, message
	}
	line, _ = strconv.Atoi(m[1])
	return line, strings.TrimPrefix(message, m[0])
}

func invalidUTF8(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// fault reports a fault in this file. The YAML parser counts more characters
// as line ends than editors do, so the line is kept within the file.
func (s *source) fault(line int, field, message string) {
	s.add(Fault{File: s.file, Line: min(max(line, 1), s.lines), Field: field, Message: message})
}
