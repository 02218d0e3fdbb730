package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/account"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

const (
	managerTool = "agentcore-browser-session-manager"
	// tidying bounds what is done for an account after a call has ended, or failed.
	tidying = 10 * time.Second
)

// ManageInput is the input of agentcore-browser-session-manager.
type ManageInput struct {
	account.Input
	Function string `param:"function_name"`
	// Timeout is in seconds.
	Timeout        int    `param:"session_timeout_seconds"`
	SessionID      string `param:"session_id"`
	SessionIDInput string `param:"session_id_input"`
	Browser        string `param:"browser_identifier"`
}

// ManageSession starts a browser at AWS, for 1 to 28,800 seconds, or stops one.
//
// It sends a JSON object with success, status and session_id. Starting leaves a parameter in the Parameter Store of the
// account, /browser-session/ID, by which other calls find the browser; where it cannot be written, the browser is
// stopped again. Closing deletes it, also when the browser has ended before or cannot be stopped; to close what is
// closed already is no failure.
func (t *Tools) ManageSession(ctx context.Context, call *plugin.Call, in ManageInput) error {
	closing := in.Function == "close_browser_session"
	id, browser, err := in.read(closing)
	if err != nil {
		return err
	}
	acct, err := in.Open(ctx, call)
	if err != nil {
		return err
	}
	if closing {
		return t.closeSession(ctx, call, acct, id, browser)
	}
	return t.startSession(ctx, call, acct, cmp.Or(browser, managed), time.Duration(in.Timeout)*time.Second)
}

// read checks the parameters.
func (in ManageInput) read(closing bool) (id, browser string, err error) {
	id, browser = cmp.Or(strings.TrimSpace(in.SessionIDInput), strings.TrimSpace(in.SessionID)), strings.TrimSpace(in.Browser)
	var wrong param.Problems
	switch {
	case closing && id == "":
		wrong.Addf("session_id", "is needed to close a session: enter the session_id that init_browser_session has returned")
	case closing:
		wrong.Add("session_id", checkSessionID(id))
	case in.Timeout < 1 || in.Timeout > int(longestSession/time.Second):
		wrong.Addf("session_timeout_seconds", "is %d, and a session lasts from 1 to %d seconds", in.Timeout, int(longestSession/time.Second))
	}
	if browser != "" && !isBrowserID(browser) {
		wrong.Addf("browser_identifier", "is %q, which is not the ID of a browser: leave it blank for %s, or copy the ID from the AgentCore console", param.Clip(browser), managed)
	}
	return id, browser, wrong.Err(managerTool)
}

// checkSessionID refuses what cannot be a session: the ID becomes a part of paths.
func checkSessionID(id string) error {
	if isSessionID(id) {
		return nil
	}
	return fmt.Errorf("is %q, which is not the ID of a session: it has up to 40 letters and digits, and init_browser_session returns it", param.Clip(id))
}

func (t *Tools) startSession(ctx context.Context, call *plugin.Call, acct *account.Account, browser string, timeout time.Duration) error {
	running, kept := newSessions(acct), newRecords(acct)
	made, err := running.start(ctx, browser, timeout)
	if err != nil {
		return err
	}
	if err := remember(ctx, acct, kept, made); err != nil {
		return abandon(ctx, running, made, err)
	}
	kept.sweep(ctx, call.Logger())
	ends := made.expires.Truncate(time.Second)
	status := fmt.Sprintf("The browser session %s runs until it is closed, at most until %s. The parameter %s leads to it.", made.id, result.Time(&ends), recordName(made.id))
	return sendSession(call, outcome{id: made.id, status: status, browser: browser, parameter: recordName(made.id), expires: &ends})
}

// remember writes the parameter by which others find a session.
func remember(ctx context.Context, acct *account.Account, kept records, made started) error {
	header, err := sign(ctx, acct, made.session, time.Now())
	if err != nil {
		return err
	}
	return kept.put(ctx, record{SessionID: made.id, URL: streamURL(acct, made.session), Headers: flat(header), Expires: made.expires.UTC().Truncate(time.Second)})
}

// abandon stops a browser that nobody could find. It is done also when the call is over.
func abandon(ctx context.Context, running sessions, made started, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidying)
	defer cancel()
	if _, err := running.stop(ctx, made.session); err != nil {
		return plugin.Errorf(plugin.KindOf(cause), "%w. The browser session %s, which nobody can use without it, could not be stopped either (%w) and ends by itself at %s",
			cause, made.id, err, result.Time(&made.expires))
	}
	return plugin.Errorf(plugin.KindOf(cause), "%w. The browser session that was started for it was stopped again", cause)
}

// closeSession does all that closing takes, whatever fails of it.
func (t *Tools) closeSession(ctx context.Context, call *plugin.Call, acct *account.Account, id, browser string) error {
	kept := newRecords(acct)
	of := session{cmp.Or(browser, ownerOf(ctx, acct, kept, id, browser), managed), id}
	t.connections.drop(connectionKey(acct, id), errClosed)
	stopped, stopErr := newSessions(acct).stop(ctx, of)
	deleted, deleteErr := kept.deleteAnyway(ctx, id)
	switch {
	case stopErr != nil && deleteErr != nil:
		return plugin.Errorf(plugin.KindOf(stopErr), "%w. And: %w", stopErr, deleteErr)
	case stopErr != nil:
		return plugin.Errorf(plugin.KindOf(stopErr), "%w. Its parameter %s was deleted all the same; the browser ends by itself when its time is over", stopErr, recordName(id))
	case deleteErr != nil:
		return plugin.Errorf(plugin.KindOf(deleteErr), "the browser session %s was closed, but its parameter is left: %w", id, deleteErr)
	}
	status := "The browser session " + id + " was closed"
	if !stopped {
		status = "The browser session " + id + " had ended already"
	}
	if deleted {
		status += ", and its parameter " + recordName(id) + " was deleted"
	}
	return sendSession(call, outcome{id: id, status: status + ".", browser: of.browser, parameter: recordName(id)})
}

// ownerOf finds out of which browser a session is. Whoever may not read the parameter closes sessions of the managed
// browser without it.
func ownerOf(ctx context.Context, acct *account.Account, kept records, id, given string) string {
	if given != "" {
		return ""
	}
	found, err := kept.get(ctx, id)
	if err != nil {
		return ""
	}
	of, err := readStreamURL(acct, found.URL, id)
	if err != nil {
		return ""
	}
	return of.browser
}

// deleteAnyway deletes a parameter also when the call is over.
func (r records) deleteAnyway(ctx context.Context, id string) (was bool, err error) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), tidying)
		defer cancel()
	}
	return r.delete(ctx, id)
}

// errClosed is why a connection ends whose session was closed.
var errClosed = errors.New("the session was closed")

// outcome is what the tool returns.
type outcome struct {
	id, status, browser, parameter string
	expires                        *time.Time
}

func sendSession(call *plugin.Call, of outcome) error {
	values := result.Outputs{
		"success": true, "status": of.status, "session_id": of.id, "browser_identifier": of.browser,
		"parameter_name": of.parameter, "expires_at": result.Time(of.expires),
	}
	if err := call.JSON(values); err != nil {
		return err
	}
	return values.Send(call)
}
