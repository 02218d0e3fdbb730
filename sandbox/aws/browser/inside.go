package browser

import (
	"context"
	"encoding/json"
	"fmt"
)

// Command runs a command of the DevTools protocol in the page of a session, as somebody else who is connected to it
// would, and returns its result.
func (s *Service) Command(ctx context.Context, id, method string, params any) (json.RawMessage, error) {
	pages, err := s.pages(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 {
		return nil, fmt.Errorf("the session %s has no page", id)
	}
	var joined struct{ SessionID string }
	if err := s.chromium.ask(ctx, "", "Target.attachToTarget", map[string]any{"targetId": pages[0], "flatten": true}, &joined); err != nil {
		return nil, err
	}
	var result json.RawMessage
	err = s.chromium.ask(ctx, joined.SessionID, method, params, &result)
	left := s.chromium.ask(ctx, "", "Target.detachFromTarget", map[string]any{"sessionId": joined.SessionID}, &struct{}{})
	if err == nil {
		err = left
	}
	return result, err
}

// Pages is how many pages a session has open.
func (s *Service) Pages(ctx context.Context, id string) (int, error) {
	pages, err := s.pages(ctx, id)
	return len(pages), err
}

// ClosePages closes all pages of a session.
func (s *Service) ClosePages(ctx context.Context, id string) error {
	pages, err := s.pages(ctx, id)
	for _, page := range pages {
		if err == nil {
			err = s.chromium.ask(ctx, "", "Target.closeTarget", map[string]any{"targetId": page}, &struct{}{})
		}
	}
	return err
}

// pages are the pages of a session whose window is open.
func (s *Service) pages(ctx context.Context, id string) ([]string, error) {
	s.mu.Lock()
	shown := ""
	for _, one := range s.sessions {
		if one.ID == id && one.opened != nil {
			shown = one.opened.context
		}
	}
	s.mu.Unlock()
	if shown == "" {
		return nil, fmt.Errorf("nobody has connected to the session %s", id)
	}
	var all struct {
		TargetInfos []struct{ TargetID, Type, BrowserContextID string }
	}
	if err := s.chromium.ask(ctx, "", "Target.getTargets", map[string]any{}, &all); err != nil {
		return nil, err
	}
	var pages []string
	for _, info := range all.TargetInfos {
		if info.Type == "page" && info.BrowserContextID == shown {
			pages = append(pages, info.TargetID)
		}
	}
	return pages, nil
}
