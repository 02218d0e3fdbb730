package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/coder/websocket"
)

// writing bounds how long the browser may take to accept a command.
const writing = 10 * time.Second

// devtools is a connection of the Chrome DevTools Protocol with flat sessions: each message names the target that it is
// about, or none for the whole browser. The methods may be called from any goroutine.
type devtools struct {
	socket *websocket.Conn
	// notice is called with every event, one after the other. It must not wait for an answer of the browser.
	notice func(event)

	mu      sync.Mutex
	last    int64
	waiting map[int64]chan<- reply
	cause   error // once it has ended
	after   []func()
	ended   chan struct{}
}

// command is what is sent.
type command struct {
	ID        int64  `json:"id"`
	SessionID string `json:"sessionId,omitempty"`
	Method    string `json:"method"`
	Params    any    `json:"params,omitempty"`
}

// event is what the browser says without being asked.
type event struct {
	SessionID string          `json:"sessionId"`
	Method    string          `json:"method"`
	Params    json.RawMessage `json:"params"`
}

// reply is the answer to a command.
type reply struct {
	Result json.RawMessage `json:"result"`
	Error  *refusal        `json:"error"`
}

// refusal is the answer to a command that the browser did not perform.
type refusal struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	method  string
}

// Error implements error.
func (r *refusal) Error() string {
	return fmt.Sprintf("the browser did not perform %s: %s", r.method, r.Message)
}

// newDevtools speaks the protocol on a socket until either side closes it.
func newDevtools(socket *websocket.Conn, notice func(event)) *devtools {
	d := &devtools{socket: socket, notice: notice, waiting: map[int64]chan<- reply{}, ended: make(chan struct{})}
	go d.read()
	return d
}

// read runs for as long as the connection does.
func (d *devtools) read() {
	for {
		_, text, err := d.socket.Read(context.Background())
		if err != nil {
			d.end(fmt.Errorf("the connection to the browser has ended: %w", err))
			return
		}
		var message struct {
			ID int64 `json:"id"`
			event
			reply
		}
		if json.Unmarshal(text, &message) != nil {
			continue // nothing that we have asked for looks like that
		}
		if message.Method != "" {
			d.notice(message.event)
			continue
		}
		d.mu.Lock()
		asked := d.waiting[message.ID]
		delete(d.waiting, message.ID)
		d.mu.Unlock()
		if asked != nil {
			asked <- message.reply // has room for it
		}
	}
}

// end closes the connection. The first cause stays.
func (d *devtools) end(cause error) {
	d.mu.Lock()
	first := d.cause == nil
	var after []func()
	if first {
		d.cause = cause
		after, d.after = d.after, nil
		close(d.ended)
	}
	d.mu.Unlock()
	if !first {
		return
	}
	_ = d.socket.CloseNow() // whatever state it is in
	for _, f := range after {
		f()
	}
}

// whenEnded calls a function when the connection ends, or now if it has.
func (d *devtools) whenEnded(f func()) {
	d.mu.Lock()
	if d.cause == nil {
		d.after = append(d.after, f)
		f = nil
	}
	d.mu.Unlock()
	if f != nil {
		go f()
	}
}

// call sends a command and waits for its answer, or for the end of the connection or of the context.
func (d *devtools) call(ctx context.Context, session, method string, params, result any) error {
	answered := make(chan reply, 1)
	d.mu.Lock()
	d.last++
	id := d.last
	d.waiting[id] = answered
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, id)
	}()
	if err := d.send(command{id, session, method, params}); err != nil {
		return err
	}
	select {
	case got := <-answered:
		if got.Error != nil {
			got.Error.method = method
			return got.Error
		}
		if err := json.Unmarshal(got.Result, result); err != nil {
			return fmt.Errorf("the browser's answer to %s cannot be read: %w", method, err)
		}
		return nil
	case <-d.ended:
		return d.why()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tell sends a command whose answer nobody needs. It does not wait, not even for the socket.
func (d *devtools) tell(session, method string, params any) {
	d.tellAll(command{SessionID: session, Method: method, Params: params})
}

// tellAll is tell for several commands, which arrive in their order.
func (d *devtools) tellAll(commands ...command) {
	d.mu.Lock()
	for i := range commands {
		d.last++
		commands[i].ID = d.last
	}
	d.mu.Unlock()
	go func() {
		for _, c := range commands {
			if d.send(c) != nil { // then the connection has ended
				return
			}
		}
	}()
}

func (d *devtools) send(c command) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", c.Method, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), writing)
	defer cancel()
	if err := d.socket.Write(ctx, websocket.MessageText, text); err != nil {
		d.end(fmt.Errorf("the connection to the browser has ended: %w", err))
		return d.why()
	}
	return nil
}

// lost is the error of a connection that has ended.
type lost struct{ cause error }

// Error implements error.
func (l *lost) Error() string { return l.cause.Error() }

// Unwrap returns why it has ended.
func (l *lost) Unwrap() error { return l.cause }

func (d *devtools) why() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &lost{d.cause}
}

// isLost reports whether an error is that of a connection that has ended.
func isLost(err error) bool {
	var gone *lost
	return errors.As(err, &gone)
}

// isReplaced reports whether a command was not answered because the page has given way to another one.
func isReplaced(err error) bool {
	var refused *refusal
	if !errors.As(err, &refused) {
		return false
	}
	for _, words := range []string{"context was destroyed", "Cannot find context", "Cannot find default execution context", "navigated or closed", "Promise was collected"} {
		if strings.Contains(refused.Message, words) {
			return true
		}
	}
	return false
}

// ask runs a command of the generated protocol in a session.
func ask[P, R any](ctx context.Context, d *devtools, session string, c cdp.Command[P, R], params P) (R, error) {
	var got R
	err := d.call(ctx, session, c.Method, params, &got)
	return got, err
}
