// Command drive is an online drive with a file of every size, whose id is its size in bytes. The Python files beside
// it are the same plugin on Dify's SDK, with the same declarations.
package main

import (
	"context"
	"embed"
	"io"
	"strconv"

	"github.com/cloudplugins/difyplugin/plugin"
)

//go:embed manifest.yaml provider/*.yaml datasources/*.yaml all:_assets
var declarations embed.FS

func main() {
	plugin.Main(declarations, plugin.Drive("drive", drive{}))
}

type drive struct{}

func (drive) Check(context.Context, plugin.Credentials) error { return nil }

func (drive) Browse(context.Context, *plugin.Call, plugin.BrowseRequest) (plugin.Page, error) {
	return plugin.Page{Entries: []plugin.Entry{}}, nil
}

func (drive) Download(_ context.Context, _ *plugin.Call, in plugin.DownloadRequest) (plugin.File, error) {
	size, err := strconv.ParseInt(in.ID, 10, 64)
	if err != nil || size < 0 {
		return plugin.File{}, plugin.Errorf(plugin.BadRequest, "there is no file %q: ask for a number of bytes", in.ID)
	}
	return plugin.File{
		Name: in.ID + ".bin", Type: "application/octet-stream", Size: size,
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.LimitReader(newPattern(), size)), nil
		},
	}, nil
}

// pattern is bytes without end, made without work.
type pattern struct {
	block []byte
	rest  []byte
}

func newPattern() *pattern {
	p := &pattern{block: make([]byte, 64<<10)}
	for i := range p.block {
		p.block[i] = byte(i)
	}
	return p
}

func (p *pattern) Read(to []byte) (int, error) {
	if len(p.rest) == 0 {
		p.rest = p.block
	}
	n := copy(to, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}
