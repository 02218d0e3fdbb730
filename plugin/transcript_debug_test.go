package plugin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/cloudplugins/difyplugin/internal/transport"
)

const (
	debugAddress = "dify.example:5003"
	debugKey     = "1b0f0d5e-0c5c-4b6f-9f0a-6d7f0d8c7a11"
	// openWithin is how long a plugin may take to get ready: the debug server's time limit for a handshake.
	openWithin = 10 * time.Second
	// longestWrite is more than any line of a transcript has, so that one read returns exactly what one write wrote.
	longestWrite = 1 << 20
)

// debugHost is Dify's debug server with one plugin connected.
type debugHost struct {
	hostSetup
	remote    transport.Debug
	conns     chan net.Conn // of plugins that connect
	conn      net.Conn      // of the plugin
	out       *hostOutput
	listening sync.WaitGroup // until the plugin's end is closed
}

func newDebugHost(t *testing.T, setup hostSetup) hostEnd {
	t.Helper()
	declared, err := debugDeclarations(setup.plugin.declarations)
	if err != nil {
		t.Fatal(err)
	}
	h := &debugHost{hostSetup: setup, conns: make(chan net.Conn, 1), out: newHostOutput()}
	h.remote = transport.Debug{Address: debugAddress, Key: debugKey, Declarations: declared, Err: setup.errOut, Dial: h.dial}
	return h
}

// dial connects a plugin. There is one connection: a plugin that comes again has lost it without a reason.
func (h *debugHost) dial(_ context.Context, network, address string) (net.Conn, error) {
	if network != "tcp" || address != debugAddress {
		return nil, fmt.Errorf("nobody listens on %s %s", network, address)
	}
	near, far := net.Pipe()
	select {
	case h.conns <- far:
		return near, nil
	default:
		return nil, errors.New("connection refused")
	}
}

func (h *debugHost) serve(ctx context.Context) error {
	defer h.plugin.idle.stop()
	err := h.remote.Serve(ctx, h.plugin.handle)
	h.listening.Wait()
	return err
}

// open takes the opening, which must tell who the plugin is and all that it has.
func (h *debugHost) open() (string, error) {
	var conn net.Conn
	select {
	case conn = <-h.conns:
	case <-time.After(openWithin):
		return "", errors.New("it does not connect")
	}
	if err := conn.SetReadDeadline(time.Now().Add(openWithin)); err != nil {
		return "", err
	}
	if err := takeOpening(conn); err != nil {
		conn.Close()
		return "", err
	}
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return "", err
	}
	h.conn = conn
	h.listening.Go(h.listen)
	return "difyplugin: connected to " + debugAddress + " as acme/test\n", nil
}

// takeOpening reads up to the line that ends an opening. The pipe hands over one write at a time, so nothing that
// follows is read with it.
func takeOpening(conn io.Reader) error {
	lines := bufio.NewReaderSize(conn, longestWrite)
	var types []string
	for !slices.Contains(types, "end") {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("after %q: %w", types, err)
		}
		var message struct {
			Type string          `json:"type"`
			Data json.RawMessage `json:"data"`
		}
		if err := json.Unmarshal(line, &message); err != nil || message.Data == nil {
			return fmt.Errorf("a message without type or data: %s", line)
		}
		if message.Type == "handshake" && string(message.Data) != fmt.Sprintf(`{"key":%q}`, debugKey) {
			return fmt.Errorf("another key: %s", line)
		}
		types = append(types, message.Type)
	}
	want := []string{"handshake", "manifest_declaration", "tool_declaration", "asset_chunk", "end"}
	if !slices.Equal(types, want) || lines.Buffered() > 0 {
		return fmt.Errorf("the opening consists of %q, want %q", types, want)
	}
	return nil
}

// listen takes what the plugin writes, write for write.
func (h *debugHost) listen() {
	buf := make([]byte, longestWrite)
	for {
		n, err := h.conn.Read(buf)
		if err != nil {
			return
		}
		_, _ = h.out.Write(buf[:n]) // a hostOutput takes everything
	}
}

func (h *debugHost) send(text string) error {
	_, err := io.WriteString(h.conn, text)
	return err
}

func (h *debugHost) do(string, func()) bool { return false }

func (h *debugHost) channels() []channel { return []channel{{arrived: h.out}} }

// leave stops the plugin: its host never does, and a connection that is lost is made again.
func (h *debugHost) leave(stop context.CancelFunc) string {
	stop()
	return context.Canceled.Error()
}

func (h *debugHost) release() {}
