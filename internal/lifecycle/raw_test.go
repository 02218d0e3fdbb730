package lifecycle

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// patience is how long a test waits for a line before it gives up. It bounds a failure and measures nothing.
const patience = 2 * time.Minute

// raw is a plugin without a host: the test itself holds the pipes.
type raw struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     *os.File
	out    *os.File
	lines  chan string
	stderr chan string
}

func startRaw(t *testing.T) *raw { return startRawUnder(t, "plugin") }

// startRawUnder starts the plugin in a role: plugin, or parent for a process that starts the plugin as its own child.
func startRawUnder(t *testing.T, role string) *raw {
	t.Helper()
	p := launch(t, role)
	p.readOutput()
	return p
}

func launch(t *testing.T, role string) *raw {
	t.Helper()
	command := child(t)
	childIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	errOut, childErr, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command.Path)
	cmd.Dir, cmd.Env = command.Dir, append(command.Env, childVariable+"="+role)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, childErr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{childIn, childOut, childErr} {
		f.Close()
	}
	p := &raw{t: t, cmd: cmd, in: in, out: out, lines: make(chan string), stderr: make(chan string, 1000)}
	go readLines(errOut, p.stderr)
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Process.Kill()
		_, _ = cmd.Process.Wait()
		out.Close()
		errOut.Close()
		for range p.stderr { // until the reader has ended
		}
	})
	return p
}

// readOutput begins to read what the plugin writes; until then its output is blocked as soon as the pipe is full.
func (p *raw) readOutput() {
	go readLines(p.out, p.lines)
	p.t.Cleanup(func() {
		p.out.Close()
		for range p.lines { // until the reader has ended
		}
	})
}

func readLines(from io.Reader, to chan<- string) {
	defer close(to)
	r := bufio.NewReader(from)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		to <- strings.TrimSuffix(line, "\n")
	}
}

func (p *raw) send(line string) {
	p.t.Helper()
	if _, err := io.WriteString(p.in, line+"\n"); err != nil {
		p.t.Fatalf("write to the plugin: %v", err)
	}
}

// expect reads lines until one holds part.
func (p *raw) expect(part string) string {
	p.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case line, ok := <-p.lines:
			if !ok {
				p.t.Fatalf("the plugin's output ended before a line with %s", part)
			}
			if strings.Contains(line, part) {
				return line
			}
		case <-timer.C:
			p.t.Fatalf("no line with %s", part)
		}
	}
}

func (p *raw) expectEnd() {
	p.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		select {
		case _, ok := <-p.lines:
			if !ok {
				return
			}
		case <-timer.C:
			p.t.Fatal("the plugin's output does not end")
		}
	}
}

func (p *raw) closeInput() { p.in.Close() }

// wait reads what is left and returns the exit code.
func (p *raw) wait() int {
	p.t.Helper()
	p.expectEnd()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *raw) stop() {
	p.t.Helper()
	p.closeInput()
	if code := p.wait(); code != 0 {
		p.t.Errorf("exit code %d", code)
	}
}

// request is the line of a tool's call.
func request(session, tool, params string) string {
	return `{"session_id":"` + session + `","conversation_id":null,"message_id":null,"app_id":null,"endpoint_id":null,"context":null,` +
		`"event":"request","data":{"action":"invoke_tool","credentials":{},"provider":"lifecycle","tool":"` + tool +
		`","tool_parameters":` + params + `,"type":"tool","user_id":"u"}}`
}

// beParent starts the plugin as a child with this process's own input and output, and waits to be killed.
func beParent() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"=plugin")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		os.Exit(1)
	}
	_ = cmd.Wait()
}
