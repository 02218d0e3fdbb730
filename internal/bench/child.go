package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/cloudplugins/difyplugin/host"
)

// patience bounds an experiment, so that a program that hangs ends the run. It measures nothing.
const patience = 5 * time.Minute

// child is a program under measurement, with its pipes in our hands: a host decodes JSON, which would be part of
// every figure. Programs wait for the end of their input when they are done, so that their memory can be looked at:
// the maximum that wait4 reports later counts this process too, from which the child was forked.
type child struct {
	name   string
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  *lineReader
	stderr tail
}

// launch starts a program. It is killed when ctx ends.
func launch(ctx context.Context, command host.Command) (*child, error) {
	c := &child{name: command.Path, cmd: exec.CommandContext(ctx, command.Path, command.Args...)}
	c.cmd.Dir, c.cmd.Env, c.cmd.Stderr = command.Dir, command.Env, &c.stderr
	c.cmd.WaitDelay = time.Second
	in, err := c.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	c.in, c.lines = in, newLineReader(out)
	if err := c.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return c, nil
}

// kill ends the program at once; not every one of them ends with its input.
func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // says that it was killed
}

// next reads a line. When there is none, the error says what the program wrote to standard error.
func (c *child) next() (head []byte, length int64, err error) {
	head, length, err = c.lines.next()
	if err != nil {
		c.kill() // after which the standard error is complete
		return nil, 0, fmt.Errorf("%s ended: %w: %s", c.name, err, bytes.TrimSpace(c.stderr))
	}
	return head, length, nil
}

// heartbeat waits for the first heartbeat.
func (c *child) heartbeat() error {
	for {
		head, _, err := c.next()
		if err != nil {
			return fmt.Errorf("wait for the first heartbeat: %w", err)
		}
		if parseEvent(head).name == "heartbeat" {
			return nil
		}
	}
}

func (c *child) write(line string) error {
	if _, err := io.WriteString(c.in, line+"\n"); err != nil {
		return fmt.Errorf("write to %s: %w", c.name, err)
	}
	return nil
}

// end reads until a session ends well.
func (c *child) end(session string) error {
	for {
		head, _, err := c.next()
		if err != nil {
			return err
		}
		e := parseEvent(head)
		if e.session != session {
			continue
		}
		switch e.message {
		case "end":
			return nil
		case "error":
			return fmt.Errorf("%s failed: %s", c.name, head)
		}
	}
}

// started starts a program and waits for its first heartbeat.
func started(ctx context.Context, command host.Command) (*child, error) {
	c, err := launch(ctx, command)
	if err != nil {
		return nil, err
	}
	if err := c.heartbeat(); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

// tail keeps the end of what is written to it.
type tail []byte

func (t *tail) Write(p []byte) (int, error) {
	const size = 2048
	*t = append(*t, p...)
	if extra := len(*t) - size; extra > 0 {
		*t = bytes.Clone((*t)[extra:])
	}
	return len(p), nil
}

// memory reads figures of a process's memory in bytes, by their names in /proc: VmRSS is what it has in memory, RssAnon
// the part of it that is no file, VmHWM the most it ever had.
func memory(pid int, names ...string) ([]float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	return memoryFigures(status, names)
}

func memoryFigures(status []byte, names []string) ([]float64, error) {
	figures := make([]float64, len(names))
	for i, name := range names {
		kib, err := statusField(status, name)
		if err != nil {
			return nil, err
		}
		figures[i] = float64(kib << 10)
	}
	return figures, nil
}

// statusField reads a line such as "VmRSS:     1234 kB".
func statusField(status []byte, name string) (int64, error) {
	for line := range bytes.Lines(status) {
		value, ok := bytes.CutPrefix(line, []byte(name+":"))
		if !ok {
			continue
		}
		text := bytes.TrimSuffix(bytes.TrimSpace(value), []byte(" kB"))
		kib, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s of a process: %w", name, err)
		}
		return kib, nil
	}
	return 0, fmt.Errorf("the kernel does not account %s", name)
}
