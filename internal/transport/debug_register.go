package transport

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

const (
	// assetChunk is how many raw bytes of an asset go into one line.
	assetChunk = 8192
	// maxAssets is how many raw bytes of assets the server takes in all.
	maxAssets = 50 << 20
)

// Declarations are what a plugin declares, as the JSON that Dify's debug server expects.
type Declarations struct {
	// Manifest is the manifest as an object. The server wants meta.runner.language to be "python", whatever the
	// plugin is made of.
	Manifest json.RawMessage
	// Tools, Datasources and Endpoints are arrays of one provider or group each, with everything that the YAML
	// refers to by path put in its place. What the plugin does not have is empty.
	Tools, Datasources, Endpoints json.RawMessage
	// Assets is the folder of icons, at most 50 MiB in all. The files directly in it are sent. It may be nil.
	Assets fs.FS
}

// declarationError is a fault of the plugin's own declarations: connecting again would not help.
type declarationError struct{ err error }

func (e *declarationError) Error() string {
	return "the plugin's declarations cannot be sent to Dify's debug server: " + e.err.Error()
}
func (e *declarationError) Unwrap() error { return e.err }

// registration is the opening of a connection: who the plugin is and what it declares.
type registration struct {
	name   string   // author/name, for people
	lines  [][]byte // all but the assets and the end
	assets fs.FS
	files  []string // names in assets
}

func newRegistration(key string, d Declarations) (*registration, error) {
	r := &registration{assets: d.Assets}
	var id struct {
		Author string `json:"author"`
		Name   string `json:"name"`
	}
	if err := json.Unmarshal(d.Manifest, &id); err != nil {
		return nil, &declarationError{fmt.Errorf("the manifest is not a JSON object: %w", err)}
	}
	r.name = id.Author + "/" + id.Name
	for _, m := range []openingMessage{
		{"handshake", map[string]string{"key": key}},
		{"manifest_declaration", d.Manifest},
		{"tool_declaration", d.Tools},
		{"endpoint_declaration", d.Endpoints},
		{"datasource_declaration", d.Datasources},
	} {
		if m.isEmpty() {
			continue
		}
		line, err := m.line()
		if err != nil {
			return nil, &declarationError{fmt.Errorf("%s: %w", m.Type, err)}
		}
		r.lines = append(r.lines, line)
	}
	if err := r.listAssets(); err != nil {
		return nil, &declarationError{err}
	}
	return r, nil
}

// listAssets finds the files to send, and sees to it that the server can take them.
func (r *registration) listAssets() error {
	if r.assets == nil {
		return nil
	}
	entries, err := fs.ReadDir(r.assets, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list the assets: %w", err)
	}
	var total int64
	for _, entry := range entries {
		info, err := fs.Stat(r.assets, entry.Name())
		if err != nil {
			return fmt.Errorf("look at asset %s: %w", entry.Name(), err)
		}
		if !info.Mode().IsRegular() {
			continue
		}
		total += info.Size()
		r.files = append(r.files, entry.Name())
	}
	if total > maxAssets {
		return fmt.Errorf("the assets hold %d bytes and the server takes %d: make them smaller", total, maxAssets)
	}
	return nil
}

// send writes the whole opening. The server does not answer unless something is wrong.
func (r *registration) send(out lineWriter) error {
	for _, line := range r.lines {
		if err := sendOpening(out, line); err != nil {
			return err
		}
	}
	for _, name := range r.files {
		if err := r.sendAsset(out, name); err != nil {
			return err
		}
	}
	return sendMessage(out, openingMessage{"end", struct{}{}})
}

func (r *registration) sendAsset(out lineWriter, name string) error {
	file, err := r.assets.Open(name)
	if err != nil {
		return &declarationError{fmt.Errorf("open asset %s: %w", name, err)}
	}
	defer file.Close()
	content := bufio.NewReader(file)
	buf := make([]byte, assetChunk)
	for {
		n, err := io.ReadFull(content, buf)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return &declarationError{fmt.Errorf("read asset %s: %w", name, err)}
		}
		if n == 0 {
			return nil // the server takes no piece without bytes, so an empty file is not sent
		}
		_, err = content.Peek(1)
		last := errors.Is(err, io.EOF)
		if err := sendMessage(out, openingMessage{"asset_chunk", assetMessage{name, buf[:n], last}}); err != nil || last {
			return err
		}
	}
}

func sendMessage(out lineWriter, m openingMessage) error {
	line, err := m.line()
	if err != nil {
		return &declarationError{fmt.Errorf("%s: %w", m.Type, err)}
	}
	return sendOpening(out, line)
}

// sendOpening tells a line that may never leave from one that could not leave this time.
func sendOpening(out lineWriter, line []byte) error {
	err := out.writeLine(line)
	var long *LineTooLongError
	if errors.As(err, &long) {
		return &declarationError{err}
	}
	return err
}

// openingMessage is one line of the opening; it has another form than the events that follow.
type openingMessage struct {
	Type string `json:"type"`
	Data any    `json:"data"`
}

// assetMessage is a piece of a file; encoding/json writes the bytes as base64.
type assetMessage struct {
	Filename string `json:"filename"`
	Data     []byte `json:"data"`
	End      bool   `json:"end"`
}

// isEmpty tells whether there is nothing to declare. The server would refuse an empty list.
func (m openingMessage) isEmpty() bool {
	raw, ok := m.Data.(json.RawMessage)
	if !ok {
		return false
	}
	switch string(bytes.Join(bytes.Fields(raw), nil)) {
	case "", "null", "[]":
		return true
	default:
		return false
	}
}

// line ends with a newline and holds no other: encoding/json writes given JSON in its shortest form.
func (m openingMessage) line() ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
