package media

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// download is a file in memory.
type download struct {
	name    string
	content []byte
	release func() // gives the memory back
}

// read downloads the whole file. Its pictures can only be counted at its end, and which are wanted depends on their
// number: so its bytes are kept, which are far fewer than those of the pictures.
func (e extraction) read(ctx context.Context, call *plugin.Call, in ExtractFrameInput) (*download, error) {
	open := func(ctx context.Context) (*plugin.Fetched, error) {
		return call.Fetch(ctx, strings.TrimSpace(in.URL), e.limits.bytes)
	}
	if in.File != nil {
		open = func(ctx context.Context) (*plugin.Fetched, error) { return in.File.Open(ctx, e.limits.bytes) }
	}
	fetched, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer fetched.Body.Close()
	need := fetched.Size
	if need < 0 {
		need = 2 * e.limits.bytes // the pieces and the whole
	}
	release, err := e.memory.forFile(ctx, need)
	if err != nil {
		return nil, err
	}
	content, err := readAll(fetched, e.limits.bytes)
	if err != nil {
		release()
		return nil, err
	}
	return &download{name: fetched.Name, content: content, release: release}, nil
}

// readAll reads a body whose size may be known, and else is at most the limit.
func readAll(fetched *plugin.Fetched, limit int64) ([]byte, error) {
	if fetched.Size >= 0 {
		content := make([]byte, fetched.Size)
		_, err := io.ReadFull(fetched.Body, content)
		return content, brokenOff(err)
	}
	var pieces [][]byte
	for read := int64(0); ; {
		piece := make([]byte, 1<<20)
		n, err := io.ReadFull(fetched.Body, piece)
		pieces = append(pieces, piece[:n])
		read += int64(n)
		switch {
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			return bytes.Join(pieces, nil), nil
		case err != nil && read >= limit:
			return nil, plugin.Errorf(plugin.BadRequest, "%w", err)
		case err != nil:
			return nil, brokenOff(err)
		}
	}
}

func brokenOff(err error) error {
	if err == nil {
		return nil
	}
	return plugin.Errorf(plugin.Connection, "the file could not be downloaded: %w; try again", err)
}

// unreadable says what is wrong with the file.
func (d *download) unreadable(err error) error {
	text := fmt.Sprintf("the file %q cannot be read as a GIF: ", param.Clip(d.name))
	switch kind := http.DetectContentType(d.content); {
	case len(d.content) == 0:
		return plugin.Errorf(plugin.BadRequest, "%sit is empty", text)
	case kind != "image/gif" && kind != "application/octet-stream":
		return plugin.Errorf(plugin.BadRequest, "%sit is %s; convert it to GIF, or give the address of the GIF itself rather than of a page that shows it", text, kind)
	}
	return plugin.Errorf(plugin.BadRequest, "%s%w", text, err)
}
