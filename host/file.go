package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"path"
	"regexp"
	"slices"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// File is a file that a plugin handed over, in whichever way.
type File struct {
	// Name is what the plugin calls it; it may be empty for a tool.
	Name string
	// Type is the MIME type.
	Type string
	// Size is the number of bytes.
	Size int64

	open func() (io.ReadCloser, error)
}

// Open returns the content. A file that was uploaded is read from where the [Backend] keeps it.
func (f *File) Open() (io.ReadCloser, error) { return f.open() }

// Bytes is the whole content. Use Open for files that may be large.
func (f *File) Bytes() ([]byte, error) { return readAll(f.open) }

func fileInMemory(data []byte) *File {
	return &File{
		Size: int64(len(data)),
		open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

// attach gives a message its file, if it has one.
func (s *session) attach(m Message) (Message, bool, error) {
	switch m.Type {
	case wire.MessageBlob:
		var body wire.Blob
		if err := json.Unmarshal(m.Body, &body); err != nil {
			return Message{}, false, s.violate(KindPayload, "the blob is not standard base64 with padding")
		}
		m.File = fileInMemory(body.Blob)
	case wire.MessageBinaryLink, wire.MessageImageLink:
		file, err := s.linkedFile(m.Text())
		if err != nil || file == nil {
			return m, err == nil, err
		}
		m.File = file
	default:
		return m, true, nil
	}
	return s.describe(m)
}

// describe names a file as Dify does. Tools and data sources name the file under different keys.
func (s *session) describe(m Message) (Message, bool, error) {
	key, other := "filename", "file_name"
	if s.request.Type == wire.TypeDatasource {
		key, other = other, key
	}
	name, _ := m.Meta[key].(string)
	if _, misplaced := m.Meta[other]; name == "" && (misplaced || key == "file_name") {
		if err := s.tolerate(KindFile, "the meta of a file of a %s has no name under %q, where Dify looks for it", s.request.Type, key); err != nil {
			return Message{}, false, err
		}
	}
	if name != "" || m.File.Name == "" {
		m.File.Name = name
	}
	m.File.Type = fileType(m, key == "file_name")
	return m, true, nil
}

func fileType(m Message, guess bool) string {
	if t, _ := m.Meta["mime_type"].(string); t != "" {
		return t
	}
	if m.File.Type != "" {
		return m.File.Type
	}
	if guess {
		if t, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(m.File.Name))); err == nil {
			return t
		}
	}
	return "application/octet-stream"
}

// storedPath matches the path under which Dify serves a file that was uploaded to it.
var storedPath = regexp.MustCompile(`^/files/(tools|datasources)/([0-9a-f-]{36})(\.[^/?]*)?$`)

// linkedFile finds the file that a link leads to. It is nil when the link leads elsewhere, or nobody knows.
func (s *session) linkedFile(link string) (*File, error) {
	store, ok := s.conn.opts.Backend.(FileStore)
	if !ok || !storedPath.MatchString(link) {
		return nil, nil
	}
	if file, ok := store.StoredFile(link); ok {
		return file, nil
	}
	return nil, s.tolerate(KindFile, "the link %q leads to no file that was uploaded", link)
}

// assembler puts the chunks of files together, as Dify does: in the order in which they arrive.
type assembler struct {
	maxFile  int64
	maxChunk int
	files    map[string]*assembly
}

type assembly struct {
	total    int64
	sequence int
	data     []byte
}

// add takes a chunk. With the last one it returns the whole file. Disorder describes what Dify does not mind but the
// protocol does not allow.
func (a *assembler) add(chunk wire.BlobChunk) (file []byte, disorder string, err error) {
	if len(chunk.Blob) > a.maxChunk {
		return nil, "", fmt.Errorf("a chunk of file %q has %d bytes, and at most %d are accepted", chunk.ID, len(chunk.Blob), a.maxChunk)
	}
	f := a.files[chunk.ID]
	if f == nil {
		f = &assembly{total: chunk.TotalLength}
		if a.files == nil {
			a.files = map[string]*assembly{}
		}
		a.files[chunk.ID] = f
	}
	if size := max(f.total, int64(len(f.data)+len(chunk.Blob))); size > a.maxFile {
		return nil, "", fmt.Errorf("file %q has %d bytes, and at most %d are accepted", chunk.ID, size, a.maxFile)
	}
	if f.total < 0 {
		return nil, "", fmt.Errorf("file %q announces a total_length of %d", chunk.ID, f.total)
	}
	disorder = f.disorder(chunk)
	f.append(chunk.Blob)
	f.sequence = chunk.Sequence + 1
	if !chunk.End {
		return nil, disorder, nil
	}
	delete(a.files, chunk.ID)
	if int64(len(f.data)) != f.total {
		disorder = fmt.Sprintf("file %q has %d bytes, and %d were announced", chunk.ID, len(f.data), f.total)
	}
	return f.data, disorder, nil
}

func (f *assembly) disorder(chunk wire.BlobChunk) string {
	switch {
	case chunk.Sequence != f.sequence:
		return fmt.Sprintf("file %q has chunk %d where chunk %d was due", chunk.ID, chunk.Sequence, f.sequence)
	case chunk.TotalLength != f.total:
		return fmt.Sprintf("file %q changes its total_length from %d to %d", chunk.ID, f.total, chunk.TotalLength)
	default:
		return ""
	}
}

// append takes the announced length from the start, once there is a byte to keep: an announcement alone is free.
func (f *assembly) append(data []byte) {
	if f.data == nil {
		size := f.total
		if len(data) == 0 {
			size = 0
		}
		f.data = make([]byte, 0, size)
	}
	f.data = append(f.data, data...)
}

// incomplete returns the ids of files whose last chunk did not come.
func (a *assembler) incomplete() []string { return slices.Sorted(maps.Keys(a.files)) }
