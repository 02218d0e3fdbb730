package host_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// childMode is set in the environment of the test binary when it is started as a plugin.
const childMode = "HOST_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(runChild(mode))
	}
	goleak.VerifyTestMain(m)
}

const heartbeat = `{"event":"heartbeat","session_id":null,"data":{}}`

// Lines of a plugin in which $S stands for the session id.
const (
	endLine  = `{"event":"session","session_id":"$S","data":{"type":"end","data":{}}}`
	okLine   = `{"event":"session","session_id":"$S","data":{"type":"stream","data":{"result":true}}}`
	failLine = `{"event":"session","session_id":"$S","data":{"type":"error","data":{"error_type":"InvokeAuthorizationError","message":"no","args":{"description":"no"}}}}`
)

func stream(payload string) string {
	return `{"event":"session","session_id":"$S","data":{"type":"stream","data":` + payload + `}}`
}

func text(s string) string {
	return stream(`{"type":"text","message":{"text":"` + s + `"},"meta":null}`)
}

// fakePlugin is the plugin's end of a connection in memory.
type fakePlugin struct {
	t   *testing.T
	in  *bufio.Reader
	out io.Writer
}

// next reads the host's next line; ok is false when there is none.
func (p *fakePlugin) next() (in wire.Inbound, ok bool) {
	line, err := p.in.ReadBytes('\n')
	if err != nil {
		return wire.Inbound{}, false
	}
	if err := json.Unmarshal(line, &in); err != nil {
		p.t.Errorf("the host's line is not JSON: %v", err)
	}
	return in, true
}

func (p *fakePlugin) send(session string, lines ...string) {
	for _, line := range lines {
		if _, err := io.WriteString(p.out, strings.ReplaceAll(line, "$S", session)+"\n"); err != nil {
			return // cut off by the host
		}
	}
}

// answer sends the lines for every request until the input ends.
func answer(lines ...string) func(*fakePlugin) {
	return func(p *fakePlugin) {
		p.send("", heartbeat)
		for {
			in, ok := p.next()
			if !ok {
				return
			}
			p.send(in.SessionID, lines...)
		}
	}
}

// connect runs a plugin in memory, which ends when run returns.
func connect(t *testing.T, opts host.Options, run func(*fakePlugin)) *host.Conn {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	var running sync.WaitGroup
	running.Go(func() {
		run(&fakePlugin{t, bufio.NewReader(inR), outW})
		_ = inR.Close()
		_ = outW.Close()
	})
	c := host.Connect(inW, outR, opts)
	t.Cleanup(func() {
		_ = c.Close() // a test that cares closes it itself; closing again is the same
		running.Wait()
	})
	return c
}

func who() host.Caller { return host.Caller{UserID: "u1", Provider: "p"} }

func toolRequest() host.Request { return host.ToolRequest(who(), "t", map[string]any{"q": "x"}) }

func kindOf(err error) host.Kind {
	var v *host.Violation
	if errors.As(err, &v) {
		return v.Kind
	}
	return ""
}

func kinds(c *host.Conn) []host.Kind {
	var found []host.Kind
	for _, v := range c.Violations() {
		found = append(found, v.Kind)
	}
	return slices.Clip(found)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// runChild is a plugin with a fault, in a process of its own.
func runChild(mode string) int {
	in := bufio.NewReader(os.Stdin)
	send := func(session string, lines ...string) {
		for _, line := range lines {
			fmt.Println(strings.ReplaceAll(line, "$S", session))
		}
	}
	switch mode {
	case "never ready":
		_, _ = io.Copy(io.Discard, in)
		return 0
	case "dies before ready":
		fmt.Fprintln(os.Stderr, strings.Repeat("x", 2000)+" manifest.yaml is missing")
		return 3
	case "floods stderr":
		for range 2000 {
			fmt.Fprintln(os.Stderr, strings.Repeat("e", 500))
		}
	case "long stderr line":
		fmt.Fprintln(os.Stderr, strings.Repeat("e", wire.DefaultMaxLine+1))
	case "python":
		fmt.Print(`{"name":"legacy","version":"0.0.1"}` + "\n\n")
	}
	send("", heartbeat)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return childAtEOF(mode)
		}
		var request wire.Inbound
		if err := json.Unmarshal(line, &request); err != nil {
			return 9
		}
		if code, over := childAnswer(mode, request.SessionID, send); over {
			return code
		}
	}
}

func childAtEOF(mode string) int {
	switch mode {
	case "ignores EOF":
		select {}
	case "fails at EOF":
		fmt.Fprintln(os.Stderr, "could not flush")
		return 4
	default:
		return 0
	}
}

func childAnswer(mode, session string, send func(string, ...string)) (code int, over bool) {
	switch mode {
	case "crashes":
		send(session, text("half"))
		fmt.Fprintln(os.Stderr, "panic: boom")
		return 2, true
	case "hangs":
	case "closes stdout":
		_ = os.Stdout.Close()
		select {}
	case "long line":
		send(session, text(strings.Repeat("a", 6<<20)), endLine)
	case "python":
		fmt.Print(strings.ReplaceAll(text("hi")+"\r\n\n"+endLine+"\n\n", "$S", session))
	case "pid":
		send(session, text(fmt.Sprint(os.Getpid())), endLine)
	case "environment":
		send(session, text(strings.Join(os.Environ(), " ")), endLine)
	default:
		send(session, text("ok"), endLine)
	}
	return 0, false
}
