package browser

import (
	"context"
	"fmt"
	"time"
)

// The states of a session, as GetBrowserSession names them.
const (
	ready      = "READY"
	terminated = "TERMINATED"
)

// key finds a session.
type key struct{ account, region, browser, id string }

// Session is a browser session.
type Session struct {
	AccountID, Region string
	// Browser is the identifier of the browser, such as aws.browser.v1.
	Browser, ID, Name string
	Created           time.Time
	Timeout           time.Duration
	// Running is false once it was stopped, or its time was over.
	Running bool
	// Streams is how many clients are connected to it now.
	Streams int
}

// StreamURL is where clients connect to the session, without the scheme and the host.
func (s Session) path() string { return "/browser-streams/" + s.Browser + "/sessions/" + s.ID }

// WebSocketURL is the automation stream of the session at the official host.
func (s Session) WebSocketURL() string {
	return "wss://bedrock-agentcore." + s.Region + ".amazonaws.com" + s.path() + "/automation"
}

// session is a session in use.
type session struct {
	Session
	expires *time.Timer
	ended   context.Context
	end     context.CancelFunc
	// dropped ends the streams that are open, but not the session.
	dropped context.Context
	drop    context.CancelFunc
	opened  *window
	turn    chan struct{} // holds one token; who has it may open the window
}

// document is the session as StartBrowserSession and GetBrowserSession show it.
func (s *session) document() map[string]any {
	state := ready
	if !s.Running {
		state = terminated
	}
	return map[string]any{
		"browserIdentifier": s.Browser, "sessionId": s.ID, "name": s.Name, "createdAt": stamp(s.Created), "lastUpdatedAt": stamp(s.Created),
		"sessionTimeoutSeconds": int(s.Timeout / time.Second), "status": state,
		"viewPort": map[string]int{"width": 1280, "height": 720},
		"streams": map[string]any{
			"automationStream": map[string]string{"streamEndpoint": s.WebSocketURL(), "streamStatus": "ENABLED"},
			"liveViewStream":   map[string]string{"streamEndpoint": fmt.Sprintf("https://bedrock-agentcore.%s.amazonaws.com%s/live-view", s.Region, s.path())},
		},
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }
