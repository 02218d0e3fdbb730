package browser

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// RequireVariable makes [Require] fail a test instead of skipping it.
const RequireVariable = "DIFYPLUGIN_REQUIRE_CHROMIUM"

const (
	startTimeout = 60 * time.Second
	// maxMessage bounds one message of the DevTools protocol, in bytes.
	maxMessage = 64 << 20
)

// Require ends a test on a machine without Chromium: it is skipped, or fails where the environment says
// DIFYPLUGIN_REQUIRE_CHROMIUM=1.
func Require(t interface {
	Helper()
	Skipf(format string, args ...any)
	Fatalf(format string, args ...any)
},
) {
	t.Helper()
	switch _, err := findChromium(); {
	case err == nil:
	case os.Getenv(RequireVariable) == "1":
		t.Fatalf("%v, and %s=1 demands one", err, RequireVariable)
	default:
		t.Skipf("%v", err)
	}
}

// Available reports whether there is a Chromium on this machine.
func Available() bool {
	_, err := findChromium()
	return err == nil
}

func findChromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no Chromium on this machine")
}

// Chromium is a headless Chromium. It starts when it is used for the first time. Its methods may be called from any
// goroutine.
type Chromium struct {
	client  *http.Client
	starts  sync.Once
	failed  error
	closing sync.Once

	url     string // of its DevTools
	command *exec.Cmd
	folder  string
	temp    string // where folder is made
	control *websocket.Conn
	last    atomic.Int64
	exited  chan struct{}
	// leash are our ends of two pipes. When they close, which they also do when this process is killed, Chromium ends.
	leash []*os.File

	mu sync.Mutex // one question at a time
}

// NewChromium makes a Chromium with a profile in a temporary folder. It uses no proxy, whatever the environment says,
// and asks for nothing by itself. The caller must call [Chromium.Close].
func NewChromium() *Chromium {
	return &Chromium{
		exited: make(chan struct{}), temp: os.TempDir(),
		// The proxy of the environment, which tests set, is not for the way to a process of this machine.
		client: &http.Client{Transport: &http.Transport{}},
	}
}

// ready starts the process, once.
func (c *Chromium) ready() error {
	c.starts.Do(func() { c.failed = c.startIn() })
	return c.failed
}

func (c *Chromium) startIn() error {
	path, err := findChromium()
	if err != nil {
		return err
	}
	if c.folder, err = os.MkdirTemp(c.temp, "difyplugin-chromium-"); err != nil {
		return fmt.Errorf("make a folder for Chromium's profile: %w", err)
	}
	return c.start(path)
}

func (c *Chromium) start(path string) error {
	c.command = exec.Command(path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0", "--remote-debugging-pipe",
		"--user-data-dir="+c.folder, "--no-proxy-server", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--mute-audio",
		"--password-store=basic", "--disable-features=HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,Translate,MediaRouter,OptimizationHints", "about:blank")
	c.command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.folder, "TMPDIR=" + c.folder, "LANG=C.UTF-8"}
	said, err := c.command.StderrPipe()
	if err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	if err := c.startOnLeash(); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	listening := make(chan string, 1)
	go func() {
		defer close(c.exited)
		lines := bufio.NewScanner(said)
		for lines.Scan() {
			if _, url, ok := strings.Cut(lines.Text(), "DevTools listening on "); ok {
				listening <- url
			}
		}
		_, _ = io.Copy(io.Discard, said)
		_ = c.command.Wait() // it was killed
	}()
	select {
	case c.url = <-listening:
	case <-c.exited:
		return errors.New("start Chromium: it has ended at once")
	case <-time.After(startTimeout):
		c.Kill()
		return errors.New("start Chromium: it does not say where it listens")
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if c.control, err = c.connect(ctx); err != nil {
		c.Kill()
		return err
	}
	return nil
}

// startOnLeash starts the process with the pipes that --remote-debugging-pipe asks for. Nothing is said on them.
func (c *Chromium) startOnLeash() error {
	commands, write, err := os.Pipe()
	if err != nil {
		return err
	}
	read, answers, err := os.Pipe()
	if err != nil {
		return errors.Join(err, commands.Close(), write.Close())
	}
	c.leash = []*os.File{write, read}
	c.command.ExtraFiles = []*os.File{commands, answers}
	return errors.Join(c.command.Start(), commands.Close(), answers.Close())
}

// dial opens a connection of the DevTools protocol.
func (c *Chromium) dial(ctx context.Context) (*websocket.Conn, error) {
	if err := c.ready(); err != nil {
		return nil, err
	}
	return c.connect(ctx)
}

func (c *Chromium) connect(ctx context.Context) (*websocket.Conn, error) {
	conn, _, err := websocket.Dial(ctx, c.url, &websocket.DialOptions{HTTPClient: c.client})
	if err != nil {
		return nil, fmt.Errorf("connect to Chromium: %w", err)
	}
	conn.SetReadLimit(maxMessage)
	return conn, nil
}

// Kill ends the process at once, as a crash does. It does not start again.
func (c *Chromium) Kill() {
	if c.command == nil || c.command.Process == nil {
		return
	}
	_ = c.command.Process.Kill() // it may have ended already
	<-c.exited
}

// Close ends the process and removes its profile.
func (c *Chromium) Close() error {
	var err error
	c.starts.Do(func() { c.failed = errors.New("this Chromium was closed before it was used") })
	c.closing.Do(func() {
		if c.control != nil {
			_ = c.control.CloseNow() // whatever state it is in
		}
		c.Kill()
		for _, end := range c.leash {
			_ = end.Close() // nothing was written
		}
		c.client.CloseIdleConnections()
		if c.folder == "" {
			return
		}
		// Its children may write for a moment after its death.
		for range 50 {
			if err = os.RemoveAll(c.folder); err == nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
	return err
}

// question is a command of the DevTools protocol.
type question struct {
	ID        int64  `json:"id"`
	SessionID string `json:"sessionId,omitempty"`
	Method    string `json:"method"`
	Params    any    `json:"params"`
}

// ask runs a command of the DevTools protocol in a session of it, or with "" for the whole browser.
func (c *Chromium) ask(ctx context.Context, session, method string, params, result any) error {
	if err := c.ready(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.last.Add(1)
	text, err := json.Marshal(question{id, session, method, params})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if err := c.control.Write(ctx, websocket.MessageText, text); err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	for {
		_, text, err := c.control.Read(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", method, err)
		}
		var reply struct {
			ID     int64
			Result json.RawMessage
			Error  *struct{ Message string }
		}
		switch err := json.Unmarshal(text, &reply); {
		case err != nil:
			return fmt.Errorf("%s: %w", method, err)
		case reply.ID != id: // an event, or the answer to a question that nobody waited for
		case reply.Error != nil:
			return fmt.Errorf("%s: %s", method, reply.Error.Message)
		default:
			return json.Unmarshal(reply.Result, result)
		}
	}
}

// window is a part of the browser that shares nothing with the others.
type window struct{ context string }

// open opens a window with one blank page.
func (c *Chromium) open(ctx context.Context) (window, error) {
	var made struct{ BrowserContextID string }
	if err := c.ask(ctx, "", "Target.createBrowserContext", map[string]any{"disposeOnDetach": false}, &made); err != nil {
		return window{}, err
	}
	err := c.ask(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": made.BrowserContextID}, &struct{}{})
	return window{made.BrowserContextID}, err
}

// shut closes a window with all its pages.
func (c *Chromium) shut(ctx context.Context, w window) error {
	return c.ask(ctx, "", "Target.disposeBrowserContext", map[string]any{"browserContextId": w.context}, &struct{}{})
}
