package plugin

import (
	"context"
	"io"
	"sync/atomic"
	"testing"
)

// stdioHost is the host that started the plugin's process.
type stdioHost struct {
	hostSetup
	stdin  *io.PipeReader
	in     *io.PipeWriter
	out    *hostOutput
	parent atomic.Int64
}

func newStdioHost(_ *testing.T, setup hostSetup) hostEnd {
	h := &stdioHost{hostSetup: setup, out: newHostOutput()}
	h.stdin, h.in = io.Pipe()
	h.parent.Store(100)
	return h
}

func (h *stdioHost) serve(ctx context.Context) error {
	return h.plugin.Serve(ctx, h.stdin, h.out, h.errOut, func() int { return int(h.parent.Load()) })
}

func (h *stdioHost) open() (string, error) { return "", nil }

func (h *stdioHost) send(text string) error {
	_, err := io.WriteString(h.in, text)
	return err
}

func (h *stdioHost) do(action string, settle func()) bool {
	switch action {
	case "close stdin":
		h.in.Close()
	case "stop reading":
		settle()
		h.out.pause()
	case "read again":
		h.out.resume()
	case "parent gone":
		h.parent.Store(1)
	default:
		return false
	}
	return true
}

func (h *stdioHost) channels() []channel { return []channel{{arrived: h.out}} }

func (h *stdioHost) leave(context.CancelFunc) string {
	h.in.Close()
	return "nil"
}

func (h *stdioHost) release() {
	h.in.Close()
	h.out.resume()
}
