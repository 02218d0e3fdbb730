package transport_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

const debugKey = "1b0f0d5e-0c5c-4b6f-9f0a-6d7f0d8c7a11"

// debugPeer is one plugin as Dify's debug server sees it. The server is as strict as the real one, as silent while all
// is well, and refuses with the same words.
type debugPeer struct {
	conn   net.Conn
	lines  *bufio.Reader
	assets map[string][]byte
	order  []string                   // the types of the opening's messages
	data   map[string]json.RawMessage // of the declarations, by type
	chunks map[string][]debugAsset

	events   chan wire.Event // all but heartbeats
	gone     chan struct{}   // closed when the plugin's end is closed
	beats    atomic.Int64
	lastBeat atomic.Int64 // in Unix nanoseconds
	closing  sync.Once
}

type debugMessage struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

type debugAsset struct {
	Filename string `json:"filename"`
	Data     []byte `json:"data"`
	End      bool   `json:"end"`
}

// admit takes a plugin's opening. Where the plugin breaks a rule it says so, closes the connection and returns what it
// said as the error.
func admit(conn net.Conn) (*debugPeer, error) {
	p := newDebugPeer(conn)
	if err := p.opening(); err != nil {
		fmt.Fprintf(conn, "%s\n", err)
		conn.Close()
		return p, err
	}
	p.lastBeat.Store(time.Now().UnixNano())
	go p.read()
	go p.watch()
	return p, nil
}

func newDebugPeer(conn net.Conn) *debugPeer {
	return &debugPeer{
		conn: conn, lines: bufio.NewReader(conn),
		assets: map[string][]byte{}, data: map[string]json.RawMessage{}, chunks: map[string][]debugAsset{},
		events: make(chan wire.Event, 10_000), gone: make(chan struct{}),
	}
}

func (p *debugPeer) opening() error {
	if err := p.conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	first, err := p.message()
	if err != nil || first.Type != "handshake" {
		return errors.New("handshake failed, invalid handshake message")
	}
	var shake struct{ Key string }
	if json.Unmarshal(first.Data, &shake) != nil || shake.Key != debugKey {
		return errors.New("handshake failed, invalid key")
	}
	if err := p.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	p.order = append(p.order, first.Type)
	for {
		m, err := p.message()
		if err != nil {
			return err
		}
		p.order = append(p.order, m.Type)
		if m.Type == "end" {
			return p.validate()
		}
		if err := p.declare(m); err != nil {
			return err
		}
	}
}

func (p *debugPeer) message() (debugMessage, error) {
	for {
		line, err := p.lines.ReadBytes('\n')
		if err != nil {
			return debugMessage{}, err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		var m debugMessage
		if err := json.Unmarshal(line, &m); err != nil {
			return m, err
		}
		if m.Type == "" || m.Data == nil {
			return m, errors.New("invalid message: type and data are required")
		}
		return m, nil
	}
}

func (p *debugPeer) declare(m debugMessage) error {
	switch m.Type {
	case "handshake":
		return errors.New("handshake already completed")
	case "asset_chunk":
		var a debugAsset
		if err := json.Unmarshal(m.Data, &a); err != nil {
			return err
		}
		if a.Filename == "" || len(a.Data) == 0 {
			return errors.New("transfer assets failed, error: Key: 'RemotePluginRegisterAssetChunk.Data' Error:Field validation for 'Data' failed on the 'required' tag")
		}
		p.assets[a.Filename] = append(p.assets[a.Filename], a.Data...)
		p.chunks[a.Filename] = append(p.chunks[a.Filename], a)
		return nil
	case "manifest_declaration", "tool_declaration", "endpoint_declaration", "datasource_declaration":
		if p.data[m.Type] != nil {
			return fmt.Errorf("%s already registered", m.Type)
		}
		p.data[m.Type] = m.Data
		return nil
	default:
		return fmt.Errorf("unknown type %s", m.Type)
	}
}

func (p *debugPeer) validate() error {
	var manifest struct {
		Author, Name, Icon string
		Meta               struct {
			Runner struct{ Language string }
		}
	}
	if err := json.Unmarshal(p.data["manifest_declaration"], &manifest); err != nil {
		return fmt.Errorf("handshake failed, invalid plugin declaration: %w", err)
	}
	if manifest.Meta.Runner.Language != "python" {
		return errors.New("handshake failed, invalid plugin declaration: Key: 'PluginDeclaration.Meta.Runner.Language' " +
			"Error:Field validation for 'Language' failed on the 'is_available_language' tag")
	}
	icons := []string{manifest.Icon}
	providers := 0
	for _, kind := range []string{"tool_declaration", "datasource_declaration", "endpoint_declaration"} {
		if p.data[kind] == nil {
			continue
		}
		var list []struct {
			Identity    struct{ Icon string }
			Credentials json.RawMessage `json:"credentials_schema"`
		}
		if err := json.Unmarshal(p.data[kind], &list); err != nil || len(list) == 0 {
			return fmt.Errorf("%s register failed, invalid declaration", kind)
		}
		if kind == "tool_declaration" && list[0].Credentials == nil {
			return errors.New("tools register failed, invalid tools declaration: " +
				"failed to unmarshal credentials_schema as array: unexpected end of JSON input")
		}
		providers++
		icons = append(icons, list[0].Identity.Icon)
	}
	if providers == 0 {
		return errors.New("no registration transferred, cannot initialize")
	}
	for _, icon := range icons {
		if icon != "" && p.assets[icon] == nil {
			return fmt.Errorf("assets remap failed, invalid assets data, cannot remap: file not found: %s", icon)
		}
	}
	return nil
}

// read sorts the plugin's events.
func (p *debugPeer) read() {
	defer close(p.gone)
	for {
		line, err := p.lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var e wire.Event
		if json.Unmarshal(line, &e) != nil {
			e = wire.Event{Event: "unreadable", Data: line}
		}
		if e.Event == wire.EventHeartbeat {
			p.beats.Add(1)
			p.lastBeat.Store(time.Now().UnixNano())
			continue
		}
		p.events <- e
	}
}

// watch closes the connection of a plugin whose last heartbeat is too old.
func (p *debugPeer) watch() {
	ticks := time.NewTicker(time.Minute)
	defer ticks.Stop()
	for {
		select {
		case <-p.gone:
			return
		case <-ticks.C:
			if time.Since(time.Unix(0, p.lastBeat.Load())) > time.Minute {
				p.close()
			}
		}
	}
}

func (p *debugPeer) close() { p.closing.Do(func() { p.conn.Close() }) }

func (p *debugPeer) send(line string) error {
	_, err := fmt.Fprintf(p.conn, "%s\n", line)
	return err
}

// summary is an event as one short line: the session, the kind of message and its text.
func summary(e wire.Event) string {
	if e.Event != wire.EventSession {
		return e.Event
	}
	var m wire.SessionMessage
	var body struct {
		Type    string
		Message json.RawMessage
	}
	if err := json.Unmarshal(e.Data, &m); err != nil {
		return "unreadable"
	}
	_ = json.Unmarshal(m.Data, &body) // what is absent stays empty
	parts := []string{*e.SessionID, m.Type}
	if m.Type == wire.SessionError {
		parts = append(parts, strings.Trim(string(body.Message), `"`))
	} else if m.Type == wire.SessionStream {
		parts = append(parts, string(m.Data))
	}
	return strings.Join(parts, " ")
}
