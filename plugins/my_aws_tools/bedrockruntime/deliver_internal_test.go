package bedrockruntime

import (
	"context"
	"io"
	"sync/atomic"
	"testing"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

// endlessFilm is a body that counts what was read of it.
type endlessFilm struct{ read atomic.Int64 }

func (f *endlessFilm) Read(p []byte) (int, error) {
	f.read.Add(int64(len(p)))
	return len(p), nil
}

func (*endlessFilm) Close() error { return nil }

func TestAVideoIsReadNoFasterThanItIsSent(t *testing.T) {
	film := &endlessFilm{}
	const size = 64 << 20
	send := func(ctx context.Context, call *plugin.Call, _ FilmInput) error {
		open := func(context.Context) (io.ReadCloser, error) { return film, nil }
		return deliver(ctx, call, plugin.File{Name: "film.mp4", Type: "video/mp4", Size: size, Open: open})
	}
	tools := toolstest.Start(t).Run(t, plugin.Tool("apply_guardrail", Apply), plugin.Tool("nova_canvas", Draw), plugin.Tool("nova_reel", send))
	tools.Dify.FailUploads(host.UploadFault{Drop: true, DropAfter: 1 << 20})
	tools.Fail(t, "nova_reel", map[string]any{"prompt": "-", "video_output_s3uri": "-"})
	if read := film.read.Load(); read < 1<<20 || read > 32<<20 {
		t.Errorf("%d bytes were read when Dify had taken one MiB", read)
	}
}
