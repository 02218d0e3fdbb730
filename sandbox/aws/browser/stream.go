package browser

import (
	"context"
	"encoding/json"
	"sync"

	"github.com/coder/websocket"
)

// stream carries the DevTools protocol between a client and Chromium, and keeps the client inside its window.
type stream struct {
	window           window
	client, chromium *websocket.Conn

	mu    sync.Mutex
	lists map[int64]bool  // questions for the targets, whose answers have to be filtered
	known map[string]bool // targets of the window
}

// run returns when either side has gone, or the context has ended.
func (s *stream) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var both sync.WaitGroup
	for _, way := range []struct {
		from, to *websocket.Conn
		change   func([]byte) []byte
	}{{s.client, s.chromium, s.question}, {s.chromium, s.client, s.reply}} {
		both.Go(func() {
			defer cancel()
			for {
				kind, text, err := way.from.Read(ctx)
				if err != nil {
					return
				}
				if text = way.change(text); text == nil {
					continue
				}
				if way.to.Write(ctx, kind, text) != nil {
					return
				}
			}
		})
	}
	both.Wait()
	_ = s.client.CloseNow() // whatever state they are in
	_ = s.chromium.CloseNow()
}

// message is what matters of a message of the protocol.
type message struct {
	ID        *int64                     `json:"id,omitempty"`
	SessionID string                     `json:"sessionId,omitempty"`
	Method    string                     `json:"method,omitempty"`
	Params    map[string]json.RawMessage `json:"params,omitempty"`
	Result    map[string]json.RawMessage `json:"result,omitempty"`
	Error     json.RawMessage            `json:"error,omitempty"`
}

// question puts commands for the whole browser into the window.
func (s *stream) question(text []byte) []byte {
	var m message
	if json.Unmarshal(text, &m) != nil || m.ID == nil || m.SessionID != "" {
		return text
	}
	switch m.Method {
	case "Target.getTargets":
		s.mu.Lock()
		s.lists[*m.ID] = true
		s.mu.Unlock()
		return text
	case "Target.createTarget", "Browser.setDownloadBehavior", "Browser.grantPermissions", "Storage.getCookies":
		if m.Params == nil {
			m.Params = map[string]json.RawMessage{}
		}
		m.Params["browserContextId"] = quoted(s.window.context)
		return encoded(m)
	}
	return text
}

// target is a page or a worker, as the protocol describes it.
type target struct{ TargetID, BrowserContextID string }

// reply hides what belongs to other windows. It returns nil for what the client shall not see at all.
func (s *stream) reply(text []byte) []byte {
	var m message
	if json.Unmarshal(text, &m) != nil || m.SessionID != "" {
		return text
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.ID != nil && s.lists[*m.ID] {
		delete(s.lists, *m.ID)
		m.Result["targetInfos"] = s.own(m.Result["targetInfos"])
		return encoded(m)
	}
	switch m.Method {
	case "Target.targetCreated", "Target.targetInfoChanged", "Target.attachedToTarget":
		if !s.owns(m.Params["targetInfo"]) {
			return nil
		}
	case "Target.targetDestroyed", "Target.targetCrashed":
		var id string
		if json.Unmarshal(m.Params["targetId"], &id) != nil || !s.known[id] {
			return nil
		}
	}
	return text
}

func (s *stream) own(list json.RawMessage) json.RawMessage {
	var all []json.RawMessage
	own := []json.RawMessage{}
	_ = json.Unmarshal(list, &all) // no list has nothing in it
	for _, info := range all {
		if s.owns(info) {
			own = append(own, info)
		}
	}
	return encoded(own)
}

func (s *stream) owns(info json.RawMessage) bool {
	var t target
	if json.Unmarshal(info, &t) != nil || t.BrowserContextID != s.window.context {
		return false
	}
	s.known[t.TargetID] = true
	return true
}

func quoted(text string) json.RawMessage { return encoded(text) }

func encoded(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		return nil // it was read from JSON
	}
	return text
}
