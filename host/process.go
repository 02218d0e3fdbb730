package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// Command is how to start a plugin.
type Command struct {
	// Path is the program, and Args its arguments without the program itself. A Path without a slash is looked up in
	// this process's PATH.
	Path string
	Args []string
	// Dir is the working directory; "" is this process's own.
	Dir string
	// Env is the whole environment, as NAME=value. Nil is an empty one. The daemon adds INSTALL_METHOD=local to its own.
	Env []string
	// Stderr receives what the plugin writes to standard error; it may be nil.
	Stderr io.Writer
}

// Process is a plugin in a child process.
type Process struct {
	*Conn

	command *exec.Cmd
	in      *os.File
	out     *os.File
	stderr  *stderrReader
	exited  chan struct{} // closed when the child is reaped
}

// drainTime is how long the output of a process that has exited is still read. The output of a process that left
// children of its own behind never ends.
const drainTime = 2 * time.Second

// Start starts a plugin and waits until it is ready, which is at its first heartbeat. When it ends before, or is not
// ready within Options.ReadyTimeout, the error is an [*ExitError] with the end of its standard error, and nothing of
// it is left. The context limits the wait only; Close ends the plugin.
func Start(ctx context.Context, command Command, opts Options) (*Process, error) {
	p, err := launch(command, opts.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("start plugin %s: %w", command.Path, err)
	}
	wait, cancel := context.WithTimeoutCause(ctx, p.opts.ReadyTimeout, ErrNotReady)
	defer cancel()
	if err := p.Ready(wait); err != nil {
		p.cut(err)
		<-p.done
		p.background.Wait()
		return nil, fmt.Errorf("start plugin %s: %w", command.Path, p.err)
	}
	p.watch() // until here the time limit is ReadyTimeout
	return p, nil
}

func launch(command Command, opts Options) (*Process, error) {
	cmd := exec.Command(command.Path, command.Args...)
	cmd.Dir = command.Dir
	cmd.Env = append([]string{}, command.Env...)

	pipes, err := newPipes()
	if err != nil {
		return nil, err
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = pipes.in.far, pipes.out.far, pipes.err.far
	err = cmd.Start()
	pipes.closeFar()
	if err != nil {
		pipes.closeNear()
		return nil, err
	}
	p := &Process{command: cmd, in: pipes.in.near, out: pipes.out.near, exited: make(chan struct{})}
	p.stderr = &stderrReader{from: pipes.err.near, to: command.Stderr, maxLine: opts.MaxLine, done: make(chan struct{})}
	p.Conn = newConn(peer{p.in, p.out, p.kill, p.gone}, opts)
	p.background.Go(p.reap)
	p.background.Go(func() { p.stderr.read(p.Conn) })
	return p, nil
}

// PID is the process id.
func (p *Process) PID() int { return p.command.Process.Pid }

func (p *Process) kill() {
	_ = p.in.Close()
	_ = p.command.Process.Kill() // an error says that it is dead already
}

func (p *Process) reap() {
	_ = p.command.Wait() // the state is read by gone
	close(p.exited)
	deadline := time.Now().Add(drainTime)
	_ = p.out.SetReadDeadline(deadline)
	_ = p.stderr.from.SetReadDeadline(deadline)
}

// gone waits for the end of a process whose output has ended. A process that has only closed its output is of no use
// any more, and the daemon kills it at once; here it gets a moment, so that its own exit status is seen.
func (p *Process) gone(c *Conn, reason error, closing bool) error {
	_ = p.in.Close()
	timer := time.NewTimer(c.opts.CloseGrace)
	defer timer.Stop()
	select {
	case <-p.exited:
	case <-timer.C:
		reason = firstOf(reason, errors.New("the plugin was killed because it closed its standard output"))
		p.kill()
		<-p.exited
	}
	<-p.stderr.done
	_ = p.out.Close()
	state := p.command.ProcessState
	switch {
	case closing && errors.Is(reason, ErrClosed):
		return ErrClosed // killed by Close, which reports it
	case closing && reason == nil && state.Success():
		return ErrClosed
	case closing && reason == nil:
		c.unclaim(c.violate(KindExitStatus, "", "the plugin ended with %s after the end of its input; %s", state, p.stderr.tail()))
		return ErrClosed
	}
	return &ExitError{Reason: reason, State: state.String(), Code: state.ExitCode(), Stderr: p.stderr.tail()}
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// endOfOutput takes the ways in which the output of a plugin that is gone or cut off ends for its regular end.
func endOfOutput(err error) error {
	for _, end := range []error{io.EOF, io.ErrClosedPipe, os.ErrClosed, os.ErrDeadlineExceeded} {
		if errors.Is(err, end) {
			return nil
		}
	}
	return err
}

// stderrReader passes on standard error, keeps its end, and takes each line for a sign of life.
type stderrReader struct {
	from    *os.File
	to      io.Writer // may be nil
	maxLine int
	done    chan struct{}

	mu   sync.Mutex
	last []byte
}

const stderrTail = 1024

func (r *stderrReader) read(c *Conn) {
	defer close(r.done)
	defer r.from.Close()
	buf := make([]byte, 4096)
	line, reported := 0, false
	for {
		n, err := r.from.Read(buf)
		r.keep(buf[:n])
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			c.sign()
			line = n - i - 1
		} else {
			line += n
		}
		if line > r.maxLine && !reported {
			reported = true
			c.unclaim(c.violate(KindStderrLine, "", "a line of standard error is longer than %d bytes; the daemon stops reading there, and a plugin that writes on is blocked", r.maxLine))
		}
		if err != nil {
			return
		}
	}
}

func (r *stderrReader) keep(data []byte) {
	if r.to != nil {
		_, _ = r.to.Write(data) // the caller's writer; a plugin must not suffer from it
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = append(r.last, data...)
	if n := len(r.last) - stderrTail; n > 0 {
		r.last = append(r.last[:0], r.last[n:]...)
	}
}

func (r *stderrReader) tail() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(bytes.TrimSpace(bytes.ToValidUTF8(r.last, nil)))
}

// pipes are the three standard streams of a child. The far ends are the child's.
type pipes struct{ in, out, err pipe }

type pipe struct{ near, far *os.File }

func newPipes() (p pipes, err error) {
	var faults [3]error
	p.in.far, p.in.near, faults[0] = os.Pipe()
	p.out.near, p.out.far, faults[1] = os.Pipe()
	p.err.near, p.err.far, faults[2] = os.Pipe()
	if err := errors.Join(faults[:]...); err != nil {
		p.closeFar()
		p.closeNear()
		return pipes{}, fmt.Errorf("make its pipes: %w", err)
	}
	return p, nil
}

// closeFar and closeNear may meet pipes that were not made: Close of a nil file is a harmless error.
func (p pipes) closeFar()  { _, _, _ = p.in.far.Close(), p.out.far.Close(), p.err.far.Close() }
func (p pipes) closeNear() { _, _, _ = p.in.near.Close(), p.out.near.Close(), p.err.near.Close() }
