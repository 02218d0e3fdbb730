package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	smithytime "github.com/aws/smithy-go/time"
	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	cdpfetch "github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/coder/websocket"
)

// maxNotices bounds what one call reports about a page that opens windows without end.
const maxNotices = 20

// tab is the page that a browser shows. One call at a time uses it.
type tab struct {
	devtools *devtools
	id       target.ID
	session  string
	frame    cdp.FrameID

	mu      sync.Mutex
	changed chan struct{} // closed, and replaced, when anything below changes
	// commits counts the documents that the page has shown, and requests the navigations that it has asked for.
	commits, requests int
	// settled counts the navigations that came to nothing: downloads, and answers without a document.
	settled int
	// refused is the last request that was not let out.
	refused string
	notices []string
}

// attach joins the page that a browser shows, or opens one where there is none.
func attach(ctx context.Context, socket *websocket.Conn) (*tab, error) {
	t := &tab{changed: make(chan struct{})}
	t.devtools = newDevtools(socket, t.notice)
	if err := t.prepare(ctx); err != nil {
		t.end(err)
		return nil, err
	}
	return t, nil
}

func (t *tab) prepare(ctx context.Context) error {
	var err error
	if t.id, err = t.find(ctx); err != nil {
		return fmt.Errorf("look for the page: %w", err)
	}
	flat := true
	joined, err := ask(ctx, t.devtools, "", target.AttachToTarget, target.AttachToTargetParams{TargetID: t.id, Flatten: &flat})
	if err != nil {
		return fmt.Errorf("join the page: %w", err)
	}
	t.mu.Lock()
	t.session = string(joined.SessionID)
	t.mu.Unlock()
	if _, err := ask(ctx, t.devtools, t.session, page.Enable, page.EnableParams{}); err != nil {
		return fmt.Errorf("follow the page: %w", err)
	}
	if _, err := ask(ctx, t.devtools, t.session, cdpfetch.Enable, cdpfetch.EnableParams{Patterns: forbiddenPatterns()}); err != nil {
		return fmt.Errorf("watch the requests of the page: %w", err)
	}
	t.watch(ctx)
	tree, err := ask(ctx, t.devtools, t.session, page.GetFrameTree, cdp.Empty{})
	if err != nil {
		return fmt.Errorf("look at the page: %w", err)
	}
	t.mu.Lock()
	t.frame = tree.FrameTree.Frame.ID
	t.mu.Unlock()
	return nil
}

// watch asks for what makes calls safer and more comfortable. A browser that refuses it is used all the same.
func (t *tab) watch(ctx context.Context) {
	events := true
	_, _ = ask(ctx, t.devtools, t.session, inspector.Enable, cdp.Empty{})
	_, _ = ask(ctx, t.devtools, t.session, target.SetAutoAttach, watchFrames())
	_, _ = ask(ctx, t.devtools, "", target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true})
	_, _ = ask(ctx, t.devtools, "", cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
		Behavior: cdpbrowser.SetDownloadBehaviorBehaviorDeny, EventsEnabled: &events,
	})
}

// find returns the page that is there, or makes one.
func (t *tab) find(ctx context.Context) (target.ID, error) {
	list, err := ask(ctx, t.devtools, "", target.GetTargets, target.GetTargetsParams{})
	if err != nil {
		return "", err
	}
	for _, info := range list.TargetInfos {
		if info.Type == "page" && !strings.HasPrefix(info.URL, "devtools:") && !strings.HasPrefix(info.URL, "chrome-extension:") {
			return info.TargetID, nil
		}
	}
	made, err := ask(ctx, t.devtools, "", target.CreateTarget, target.CreateTargetParams{URL: "about:blank"})
	return made.TargetID, err
}

// end closes the connection. The page stays as it is.
func (t *tab) end(cause error) { t.devtools.end(cause) }

// whenGone calls a function once the connection has ended.
func (t *tab) whenGone(f func()) { t.devtools.whenEnded(f) }

func (t *tab) isGone() bool {
	select {
	case <-t.devtools.ended:
		return true
	default:
		return false
	}
}

// gone is the error of a browser that went away during a call.
func gone(cause error) error {
	what := "the connection to the browser was lost"
	for _, known := range []error{errClosed, errExpired, errCrashed, errEnded} {
		if errors.Is(cause, known) {
			what = known.Error()
		}
	}
	return plugin.Errorf(plugin.Connection, "%s while the browser was at work. What it was doing may have been done, and was not repeated: run this again, or start another "+
		"session with init_browser_session", what)
}

// probe asks for a sign of life.
func (t *tab) probe(ctx context.Context) error {
	_, err := ask(ctx, t.devtools, t.session, page.GetFrameTree, cdp.Empty{})
	return err
}

var errCrashed = errors.New("the page was closed or has crashed")

// notice takes an event in. It runs on the goroutine that reads, and waits for nothing.
func (t *tab) notice(e event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case e.Method == "Fetch.requestPaused": // in the page, or in a frame of it
		t.refuse(e)
	case e.Method == "Target.attachedToTarget" && e.SessionID != "":
		t.watchFrame(e)
		return
	case e.SessionID == t.session, e.SessionID == "":
		if !t.follow(e) {
			return
		}
	default:
		return
	}
	close(t.changed)
	t.changed = make(chan struct{})
}

// follow takes in what happens to the page itself, and reports whether anything of it counts. It needs the lock.
func (t *tab) follow(e event) bool {
	switch e.Method {
	case "Page.frameNavigated":
		if got, ok := decode[page.EventFrameNavigated](e); ok && got.Frame != nil && got.Frame.ParentID == "" {
			t.commits++
		}
	case "Page.frameRequestedNavigation":
		if got, ok := decode[page.EventFrameRequestedNavigation](e); ok && got.FrameID == t.frame && got.Disposition == "currentTab" {
			t.requests++
		}
	case "Page.frameStoppedLoading":
		if got, ok := decode[page.EventFrameStoppedLoading](e); ok && got.FrameID == t.frame {
			t.settled++
		}
	case "Page.javascriptDialogOpening":
		t.answerDialog(e)
	case "Page.windowOpen":
		if got, ok := decode[page.EventWindowOpen](e); ok {
			t.note("the page opened a window with " + clip(got.URL, 500) + ", which was closed")
		}
	case "Target.targetCreated":
		if got, ok := decode[target.EventTargetCreated](e); ok && got.TargetInfo != nil && got.TargetInfo.OpenerID == t.id && got.TargetInfo.Type == "page" {
			t.devtools.tell("", target.CommandCloseTarget, target.CloseTargetParams{TargetID: got.TargetInfo.TargetID})
		}
	case "Target.targetDestroyed":
		if got, ok := decode[target.EventTargetDestroyed](e); ok && got.TargetID == t.id {
			go t.end(errCrashed)
		}
	case "Inspector.targetCrashed":
		go t.end(errCrashed)
	case "Browser.downloadWillBegin":
		if got, ok := decode[cdpbrowser.EventDownloadWillBegin](e); ok {
			t.note("the download of " + clip(got.SuggestedFilename, 200) + " was refused")
			t.settled++
		}
	default:
		return false
	}
	return true
}

// watchFrame holds a frame of another site, which has a process of its own, to the rules of the page.
func (t *tab) watchFrame(e event) {
	got, ok := decode[target.EventAttachedToTarget](e)
	if !ok {
		return
	}
	frame := string(got.SessionID)
	t.devtools.tellAll(
		command{SessionID: frame, Method: cdpfetch.CommandEnable, Params: cdpfetch.EnableParams{Patterns: forbiddenPatterns()}},
		command{SessionID: frame, Method: target.CommandSetAutoAttach, Params: watchFrames()},
		command{SessionID: frame, Method: runtime.CommandRunIfWaitingForDebugger, Params: cdp.Empty{}},
	)
}

// watchFrames makes the browser hold frames of other sites until they are watched, too.
func watchFrames() target.SetAutoAttachParams {
	flat := true
	frames := target.Filter{{Type: "iframe"}}
	return target.SetAutoAttachParams{AutoAttach: true, WaitForDebuggerOnStart: true, Flatten: &flat, Filter: frames}
}

func decode[E any](e event) (E, bool) {
	var got E
	return got, json.Unmarshal(e.Params, &got) == nil
}

// answerDialog answers as somebody would who wants to go on and agrees to nothing.
func (t *tab) answerDialog(e event) {
	got, ok := decode[page.EventJavascriptDialogOpening](e)
	if !ok {
		return
	}
	accept := got.Type == page.DialogTypeAlert || got.Type == page.DialogTypeBeforeunload
	answer := "dismissed"
	if accept {
		answer = "accepted"
	}
	t.devtools.tell(t.session, page.CommandHandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: accept})
	t.note(fmt.Sprintf("the page showed a dialog (%s), which was %s: %s", got.Type, answer, clip(got.Message, 500)))
}

// refuse lets a request not out that leads where the browser shall not go.
func (t *tab) refuse(e event) {
	got, ok := decode[cdpfetch.EventRequestPaused](e)
	if !ok {
		return
	}
	t.devtools.tell(e.SessionID, cdpfetch.CommandFailRequest, cdpfetch.FailRequestParams{RequestID: got.RequestID, ErrorReason: network.ErrorReasonBlockedByClient})
	if got.Request != nil {
		t.refused = clip(got.Request.URL, 200)
		t.note("a request to " + t.refused + " was refused")
	}
}

// note needs the lock.
func (t *tab) note(text string) {
	if len(t.notices) < maxNotices && !slices.Contains(t.notices, text) {
		t.notices = append(t.notices, text)
	}
}

// takeNotices returns what was noted since the last time.
func (t *tab) takeNotices() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := t.notices
	t.notices = nil
	if taken == nil {
		taken = []string{}
	}
	return taken
}

// progress is how far the page has come.
type progress struct {
	commits, requests, settled int
	refused                    string
}

func (t *tab) progress() (progress, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return progress{t.commits, t.requests, t.settled, t.refused}, t.changed
}

// until waits for the page to have come as far as a function says.
func (t *tab) until(ctx context.Context, far func(progress) bool) error {
	for {
		now, changed := t.progress()
		if far(now) {
			return nil
		}
		select {
		case <-changed:
		case <-t.devtools.ended:
			return t.devtools.why()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// open goes to a URL and waits until its document is complete, without its images and the like.
func (t *tab) open(ctx context.Context, url string, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	before, _ := t.progress()
	got, err := ask(ctx, t.devtools, t.session, page.Navigate, page.NavigateParams{URL: url})
	switch {
	case err != nil:
		return t.openError(url, patience, err)
	case got.ErrorText != "":
		return t.openFailure(url, got)
	case got.LoaderID == "": // another place in the same document
		return nil
	}
	if err := t.until(ctx, func(now progress) bool { return now.commits > before.commits }); err != nil {
		return t.openError(url, patience, err)
	}
	return t.openError(url, patience, t.complete(ctx))
}

func (t *tab) openError(url string, patience time.Duration, err error) error {
	if !isEnd(err) {
		return err
	}
	t.devtools.tell(t.session, page.CommandStopLoading, struct{}{})
	return plugin.Errorf(plugin.Unavailable, "%s was not complete after %s, and was stopped: try again, or another page", shown(url), patience)
}

func (t *tab) openFailure(url string, got page.NavigateResult) error {
	now, _ := t.progress()
	switch {
	case got.IsDownload:
		return plugin.Errorf(plugin.BadRequest, "%s is a file to download, which the browser does not keep: open a page", shown(url))
	case strings.Contains(got.ErrorText, "ERR_ABORTED"):
		return plugin.Errorf(plugin.BadRequest, "%s has no page to show: its answer is empty, or a file to download, which the browser does not keep", shown(url))
	case strings.Contains(got.ErrorText, "BLOCKED_BY_CLIENT"):
		return plugin.Errorf(plugin.BadRequest, "%s leads to %s, which is not opened: the browser opens http and https, and no link-local address or metadata service", shown(url), now.refused)
	case strings.Contains(got.ErrorText, "ERR_NAME_NOT_RESOLVED"), strings.Contains(got.ErrorText, "ERR_INVALID_URL"):
		return plugin.Errorf(plugin.BadRequest, "the browser cannot open %s (%s): check the URL", shown(url), got.ErrorText)
	}
	return plugin.Errorf(plugin.Connection, "the browser cannot open %s (%s): check the URL, or try again", shown(url), got.ErrorText)
}

// shown is a URL for an error, without what may be secret in it.
func shown(url string) string {
	bare, _, _ := strings.Cut(url, "?")
	return clip(bare, 200)
}

// complete waits until the document of the page is complete, whichever it is by then.
func (t *tab) complete(ctx context.Context) error {
	const ready = `new Promise(done => document.readyState !== "loading" ? done(1) : document.addEventListener("DOMContentLoaded", () => done(1)))`
	for {
		_, err := t.evaluate(ctx, ready)
		if err == nil || !isReplaced(err) {
			return err
		}
		if err := t.pause(ctx); err != nil {
			return err
		}
	}
}

// pause waits a moment for the next document of a page that is being replaced.
func (t *tab) pause(ctx context.Context) error {
	select {
	case <-t.devtools.ended:
		return t.devtools.why()
	default:
		return smithytime.SleepWithContext(ctx, 20*time.Millisecond)
	}
}

// evaluate runs a script and returns its value, which JSON must be able to hold. Promises are waited for. A script that
// does not end in time is terminated.
func (t *tab) evaluate(ctx context.Context, script string) (json.RawMessage, error) {
	yes := true
	got, err := ask(ctx, t.devtools, t.session, runtime.Evaluate, runtime.EvaluateParams{
		Expression: script, ReturnByValue: &yes, AwaitPromise: &yes, UserGesture: &yes,
	})
	if isEnd(err) {
		t.devtools.tell(t.session, runtime.CommandTerminateExecution, struct{}{})
	}
	if err != nil {
		return nil, err
	}
	if got.ExceptionDetails != nil {
		return nil, &exception{got.ExceptionDetails}
	}
	if got.Result == nil || len(got.Result.Value) == 0 {
		return json.RawMessage("null"), nil
	}
	return json.RawMessage(got.Result.Value), nil
}

// exception is what a script has thrown.
type exception struct{ details *runtime.ExceptionDetails }

// Error implements error.
func (e *exception) Error() string {
	text := e.details.Text
	if thrown := e.details.Exception; thrown != nil {
		switch {
		case thrown.Description != "":
			text, _, _ = strings.Cut(thrown.Description, "\n    at ")
		case len(thrown.Value) > 0:
			text = "threw " + string(thrown.Value)
		}
	}
	return clip(text, 1000)
}

// read runs one of our own scripts over a document that is complete, and again over the next one when it is replaced
// in the middle. It must change nothing.
func (t *tab) read(ctx context.Context, script string, into any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	text, err := composed(script, args...)
	if err != nil {
		return err
	}
	for {
		value, err := t.evaluate(ctx, text)
		switch {
		case err == nil:
			return json.Unmarshal(value, into)
		case isEnd(err):
			return plugin.Errorf(plugin.Unavailable, "the page did not let itself be looked at for %s, because a script of its own keeps it busy: try again, or another page", reading)
		case !isReplaced(err):
			return err
		}
		if err := t.complete(ctx); err != nil {
			return err
		}
	}
}

// change runs one of our own scripts once.
func (t *tab) change(ctx context.Context, script string, into any, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, reading)
	defer cancel()
	text, err := composed(script, args...)
	if err != nil {
		return err
	}
	value, err := t.evaluate(ctx, text)
	if isEnd(err) {
		return plugin.Errorf(plugin.Unavailable, "the page did not answer for %s, because a script of its own keeps it busy: try again, or another page", reading)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(value, into)
}

// settle waits for the navigations that something has set off since a moment, if there are any.
func (t *tab) settle(ctx context.Context, since progress, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Pages navigate in a task of their own, after what has made them: the answer to this comes behind it.
	_, err := t.evaluate(ctx, "new Promise(done => setTimeout(done, 50))")
	if err == nil || isReplaced(err) {
		err = t.until(ctx, func(now progress) bool {
			return now.requests == since.requests || now.commits > since.commits || now.settled > since.settled || now.refused != since.refused
		})
	}
	if err == nil {
		err = t.complete(ctx)
	}
	return t.openError("the next page", patience, err)
}

// clip shortens what came from a page.
func clip(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
