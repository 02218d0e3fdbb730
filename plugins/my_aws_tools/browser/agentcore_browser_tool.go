package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

const (
	browserTool = "agentcore-browser-tool"
	// maxWait is the longest wait_time.
	maxWait = 300 * time.Second
	// mostView and mostText are how many characters of a page's text are returned.
	mostView = 5000
	mostText = 3000
	// defaultSearch is where search_web looks when nothing else is said.
	defaultSearch = "https://html.duckduckgo.com/html/?q={query}"
)

// UseInput is the input of agentcore-browser-tool.
type UseInput struct {
	account.Input
	Action         string `param:"action"`
	SessionID      string `param:"browser_session_id"`
	SessionIDInput string `param:"browser_session_id_input"`
	URL            string `param:"url"`
	Query          string `param:"query"`
	// FormData is a JSON object: as text, or as a model gives it.
	FormData any `param:"form_data"`
	// Wait is in seconds.
	Wait      float64 `param:"wait_time"`
	Script    string  `param:"script,literal"`
	Selector  string  `param:"selector"`
	ClickText string  `param:"click_text"`
	Submit    bool    `param:"submit"`
	FullPage  bool    `param:"full_page"`
	SearchURL string  `param:"search_url"`
}

// request is what is asked for, checked.
type request struct {
	UseInput
	session string
	wait    time.Duration
	fields  []field
	search  string
}

// answer is what an action returns.
type answer struct {
	json map[string]any
	// outputs win over json where a workflow shall get something else than what the JSON has.
	outputs map[string]any
	file    *plugin.File
}

// Use drives a browser that agentcore-browser-session-manager has started: it opens a page and reads it, searches the
// web, extracts the parts of a page, fills a form in, clicks, runs a script, or takes a picture.
//
// It sends one JSON object with success and status, and what the action returns besides. A click is repeated by nobody:
// where the connection is lost in the middle, the call fails.
func (t *Tools) Use(ctx context.Context, call *plugin.Call, in UseInput) error {
	r, err := in.read()
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	var got answer
	err = t.connections.use(ctx, connectionKey(acct, r.session), t.dialer(acct, r.session), func(shown *tab) error {
		shown.takeNotices() // of a call that failed
		got, err = t.perform(ctx, shown, r)
		if err != nil {
			return explain(ctx, r.Action, err)
		}
		got.json["notices"] = shown.takeNotices()
		return nil
	})
	if err != nil {
		return err
	}
	return got.send(ctx, call)
}

// read checks the parameters.
func (in UseInput) read() (request, error) {
	r := request{UseInput: in, session: cmp.Or(strings.TrimSpace(in.SessionIDInput), strings.TrimSpace(in.SessionID))}
	r.URL = strings.TrimSpace(in.URL)
	var wrong param.Problems
	if r.session == "" {
		wrong.Addf("browser_session_id", "is missing: enter the session_id that init_browser_session has returned")
	} else {
		wrong.Add("browser_session_id", checkSessionID(r.session))
	}
	if r.URL != "" {
		wrong.Add("url", checkAddress(r.URL))
	}
	if !(in.Wait >= 0 && in.Wait <= maxWait.Seconds()) {
		wrong.Addf("wait_time", "is %v, and may be from 0 to %v seconds", in.Wait, maxWait.Seconds())
	}
	r.wait = time.Duration(in.Wait * float64(time.Second))
	r.readAction(&wrong)
	return r, wrong.Err(browserTool)
}

// readAction checks what one action needs. What it does not use is not looked at.
func (r *request) readAction(wrong *param.Problems) {
	switch r.Action {
	case "browse_url":
		if r.URL == "" {
			wrong.Addf("url", "is missing: browse_url opens it")
		}
	case "search_web":
		if strings.TrimSpace(r.Query) == "" {
			wrong.Addf("query", "is missing: search_web looks for it")
		}
		var err error
		r.search, err = searchAddress(r.SearchURL, r.Query)
		wrong.Add("search_url", err)
	case "fill_form":
		var err error
		r.fields, err = readFields(r.FormData)
		wrong.Add("form_data", err)
	case "execute_script":
		if strings.TrimSpace(r.Script) == "" {
			wrong.Addf("script", "is missing: execute_script runs it")
		}
	case "click":
		if r.Selector == "" && r.ClickText == "" {
			wrong.Addf("selector", "and click_text are both missing: say what to click, by a CSS selector or by its text")
		}
	}
}

// dialer connects to the browser of a session, which its parameter describes.
func (t *Tools) dialer(acct *account.Account, id string) dialer {
	return func(ctx context.Context) (*tab, time.Time, error) {
		found, err := newRecords(acct).get(ctx, id)
		if err != nil {
			return nil, time.Time{}, err
		}
		of, err := readStreamURL(acct, found.URL, id)
		if err != nil {
			return nil, time.Time{}, err
		}
		socket, err := connect(ctx, acct, of)
		if err != nil {
			return nil, time.Time{}, err
		}
		joined, err := attach(ctx, socket)
		if err != nil {
			return nil, time.Time{}, plugin.Errorf(plugin.Connection, "the browser of the session %s does not answer as one: %w; try again, or start another session with init_browser_session", id, err)
		}
		return joined, found.Expires, nil
	}
}

// perform opens the page of a call, if it names one, and does what is asked for.
func (t *Tools) perform(ctx context.Context, shown *tab, r request) (answer, error) {
	address := cmp.Or(r.search, r.URL)
	if address != "" {
		if err := t.visit(ctx, shown, address, r.wait); err != nil {
			return answer{}, err
		}
	} else if err := shown.guard(ctx); err != nil {
		return answer{}, err
	}
	got, err := t.act(ctx, shown, r)
	if err != nil {
		return got, err
	}
	return got, shown.guard(ctx)
}

func (t *Tools) act(ctx context.Context, shown *tab, r request) (answer, error) {
	switch r.Action {
	case "browse_url":
		return browse(ctx, shown)
	case "search_web":
		return search(ctx, shown, r.Query)
	case "extract_content":
		return extract(ctx, shown)
	case "fill_form":
		return t.fill(ctx, shown, r)
	case "execute_script":
		return t.execute(ctx, shown, r)
	case "click":
		return t.click(ctx, shown, r)
	default:
		return screenshot(ctx, shown, r.FullPage)
	}
}

// visit opens a page, gives its scripts the time that the user wants, and makes sure that it is one that may be looked
// at.
func (t *Tools) visit(ctx context.Context, shown *tab, address string, wait time.Duration) error {
	if err := shown.open(ctx, address, t.navigation); err != nil {
		return err
	}
	return t.rest(ctx, shown, wait)
}

// rest waits for as long as the user wants, and then for the page that is there by then.
func (t *Tools) rest(ctx context.Context, shown *tab, wait time.Duration) error {
	select {
	case <-shown.devtools.ended:
		return shown.devtools.why()
	case <-time.After(wait):
	case <-ctx.Done():
		return ctx.Err()
	}
	ready, cancel := context.WithTimeout(ctx, t.navigation)
	defer cancel()
	if err := shown.openError("the page", t.navigation, shown.complete(ready)); err != nil {
		return err
	}
	return shown.guard(ctx)
}

// guard leaves a page that must not be looked at, however the browser came to it.
func (t *tab) guard(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	tree, err := ask(ctx, t.devtools, t.session, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return err
	}
	at := tree.FrameTree.Frame
	switch {
	case at.UnreachableURL != "":
		refused := ""
		if now, _ := t.progress(); now.refused != "" {
			refused = ": the browser opens http and https, and no link-local address or metadata service"
		}
		return plugin.Errorf(plugin.BadRequest, "the browser shows an error instead of %s%s. Open another page", shown(at.UnreachableURL), refused)
	case isWeb(at.URL) && checkShown(at.URL) == nil:
		return nil
	}
	_, _ = ask(ctx, t.devtools, t.session, page.Navigate, page.NavigateParams{URL: "about:blank"}) // the refusal stands anyway
	return plugin.Errorf(plugin.BadRequest, "the page led to %s, which is not looked at: the browser opens http and https, and no link-local address or metadata service", shown(at.URL))
}

// checkShown is checkAddress for a page that is there.
func checkShown(at string) error {
	if at == "about:blank" {
		return nil
	}
	return checkAddress(at)
}

// explain turns what went wrong in the browser into a sentence.
func explain(ctx context.Context, action string, err error) error {
	var known *plugin.Error
	var thrown *exception
	switch {
	case errors.As(err, &known):
		return err
	case isLost(err):
		return gone(err)
	case isEnd(err) && ctx.Err() != nil:
		return fmt.Errorf("%s was not finished: %w", action, ctx.Err())
	case isEnd(err):
		return plugin.Errorf(plugin.Unavailable, "%s was not finished, because the browser did not answer in time: try again, or start another session with init_browser_session", action)
	case errors.As(err, &thrown):
		return plugin.Errorf(plugin.BadRequest, "%s failed in the page: %w", action, err)
	case isReplaced(err):
		return plugin.Errorf(plugin.BadRequest, "%s was interrupted, because the page went to another one: try again", action)
	}
	return plugin.Errorf(plugin.Unavailable, "%s failed: %w", action, err)
}

// outputs are the variables that every success sets, null where the action has nothing for them.
func outputs() result.Outputs {
	all := result.Outputs{}
	for _, name := range []string{
		"success", "status", "title", "url", "content", "query", "results", "headings", "links", "images", "text_content",
		"filled_fields", "errors", "result", "result_type", "notices",
	} {
		all[name] = nil
	}
	return all
}

func (a answer) send(ctx context.Context, call *plugin.Call) error {
	a.json["success"] = true
	if err := call.JSON(a.json); err != nil {
		return err
	}
	if a.file != nil {
		if err := call.File(ctx, *a.file); err != nil {
			return err
		}
	}
	all := outputs()
	maps.Copy(all, a.json)
	maps.Copy(all, a.outputs)
	return all.Send(call)
}
