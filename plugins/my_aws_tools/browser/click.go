package browser

import (
	"context"
	"fmt"

	cdpinput "github.com/chromedp/cdproto/input"
	"github.com/cloudplugins/difyplugin/plugin"
)

// place is where something that can be clicked is.
type place struct {
	Found    bool    `json:"found"`
	Disabled bool    `json:"disabled"`
	Clicked  bool    `json:"clicked"`
	Aimed    bool    `json:"aimed"`
	X        float64 `json:"x"`
	Y        float64 `json:"y"`
	Label    string  `json:"label"`
	Name     string  `json:"name"`
}

// click clicks with the mouse and returns the page that is there afterwards.
func (t *Tools) click(ctx context.Context, shown *tab, r request) (answer, error) {
	before, _ := shown.progress()
	var at place
	if err := shown.change(ctx, "locate", &at, r.Selector, r.ClickText); err != nil {
		return answer{}, err
	}
	what := fmt.Sprintf("with the text %q", clip(r.ClickText, 100))
	if r.Selector != "" {
		what = fmt.Sprintf("for the selector %q", clip(r.Selector, 100))
	}
	switch {
	case !at.Found:
		return answer{}, plugin.Errorf(plugin.BadRequest, "the page has nothing %s to click: look at it with browse_url or screenshot first", what)
	case at.Disabled:
		return answer{}, plugin.Errorf(plugin.BadRequest, "the element %s cannot be clicked now: the page has it disabled", what)
	case at.Aimed:
		if err := shown.press(ctx, at); err != nil {
			return answer{}, err
		}
	case !at.Clicked:
		return answer{}, plugin.Errorf(plugin.BadRequest, "the element %s is not visible: make the page show it first", what)
	}
	if err := shown.settle(ctx, before, t.navigation); err != nil {
		return answer{}, err
	}
	if err := t.rest(ctx, shown, r.wait); err != nil {
		return answer{}, err
	}
	got, err := look(ctx, shown)
	status := fmt.Sprintf("Clicked %s %q", at.Name, at.Label)
	return answer{json: map[string]any{"title": got.Title, "url": got.URL, "content": got.Content, "status": status}}, err
}

// press moves the mouse to a place, presses its button and lets it go.
func (t *tab) press(ctx context.Context, at place) error {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	for _, event := range []cdpinput.DispatchMouseEventParams{
		{Type: cdpinput.DispatchMouseEventTypeMouseMoved},
		{Type: cdpinput.DispatchMouseEventTypeMousePressed, Button: cdpinput.MouseButtonLeft, Buttons: 1, ClickCount: 1},
		{Type: cdpinput.DispatchMouseEventTypeMouseReleased, Button: cdpinput.MouseButtonLeft, ClickCount: 1},
	} {
		event.X, event.Y = at.X, at.Y
		_, err := ask(ctx, t.devtools, t.session, cdpinput.DispatchMouseEvent, event)
		if err != nil && !isReplaced(err) {
			return err
		}
	}
	return nil
}
