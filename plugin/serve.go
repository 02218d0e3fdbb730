package plugin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Exit codes of a plugin's process. A plugin that was asked to stop exits with exitOK: it did what it was asked to.
const (
	exitOK    = 0
	exitFault = 1
	exitStart = 2
)

// run is Main with its exit code.
func run(declarations fs.FS, parts []Part, args []string) int {
	if err := start(declarations, parts, args); err != nil {
		var known *exitError
		if errors.As(err, &known) {
			fmt.Fprintln(os.Stderr, known.err)
			return known.code
		}
		fmt.Fprintln(os.Stderr, "plugin cannot start:", err)
		return exitStart
	}
	return exitOK
}

// exitError is the end of a plugin that had started.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }

func start(declarations fs.FS, parts []Part, args []string) error {
	getenv, err := settings()
	if err != nil {
		return err
	}
	p, err := newPlugin(declarations, parts, getenv)
	if err != nil {
		return err
	}
	if len(args) > 0 {
		return p.runCommand(args)
	}
	serve, err := p.method(getenv)
	if err != nil {
		return err
	}
	boundMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	defer p.idle.stop()
	if err := serve(ctx, p.handle); err != nil && ctx.Err() == nil {
		return &exitError{exitFault, fmt.Errorf("plugin stopped: %w", err)}
	}
	return nil
}

// settings is the environment. Started by hand, a plugin also takes what a .env beside it says; a host says how it
// starts a plugin, and then that file means nothing.
func settings() (func(string) string, error) {
	if os.Getenv(installMethod) != "" {
		return os.Getenv, nil
	}
	file, err := transport.ReadDotEnv(os.DirFS("."))
	if err != nil {
		return nil, err
	}
	return file.Getenv(os.LookupEnv), nil
}

// boundMemory makes the garbage collector work harder before the process outgrows what it can need at once, unless
// the operator has set a limit of their own.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(64 << 20)
	}
}

func (p *Plugin) runCommand(args []string) error {
	if len(args) != 1 || args[0] != "check" {
		return fmt.Errorf("unknown argument %q: a plugin takes no arguments, or \"check\"", args[0])
	}
	if err := p.Check(); err != nil {
		return &exitError{exitFault, err}
	}
	fmt.Println("declarations and parts agree")
	return nil
}

// Serve answers the requests that arrive on in until it is closed, and writes to out as the host of a local plugin
// expects it. errOut gets a short line while out is blocked; parentPID, which may be nil, tells who started the
// process. [Main] calls it; tests may.
func (p *Plugin) Serve(ctx context.Context, in io.Reader, out, errOut io.Writer, parentPID func() int) error {
	defer p.idle.stop()
	stdio := transport.Stdio{In: in, Out: out, Err: errOut, MaxLine: p.limits.line, ParentPID: parentPID}
	return stdio.Serve(ctx, p.handle)
}

// handle answers one request, whatever becomes of the function that does the work: it panics, it outlives its time,
// it loses its results.
func (p *Plugin) handle(ctx context.Context, in wire.Inbound, out *transport.Session) {
	p.idle.enter()
	defer p.idle.leave()
	req, err := wire.DecodeRequest(in.Data)
	if err != nil {
		out.Finish(fault(Errorf(BadRequest, "%w", err)))
		return
	}
	call := p.newCall(req, out)
	work, answer := p.limits.deadline()
	ctx, cancel := context.WithTimeoutCause(ctx, work, timeoutError(call.part, work, p.limits.call))
	defer cancel()
	done := make(chan error, 1)
	go p.perform(ctx, req, call, done)
	timer := time.NewTimer(answer)
	defer timer.Stop()
	select {
	case err = <-done:
	case <-timer.C:
		err = timeoutError(call.part, answer, p.limits.call)
	}
	if err == nil {
		err = call.firstFailure()
	}
	if err == nil {
		out.Finish(nil)
		return
	}
	failure := wireError(explain(ctx, err), call.redactor.clean)
	if req.Action == wire.ActionValidateTool || req.Action == wire.ActionValidateDatasource {
		failure.Type = string(InvalidCredentials)
	}
	out.Finish(&failure)
}

// perform runs the part that the request asks for and reports how it ended. A panic becomes an error.
func (p *Plugin) perform(ctx context.Context, req wire.Request, call *Call, done chan<- error) {
	var err error
	finished := false
	defer func() {
		if !finished {
			cause := recover() // nil when the goroutine was ended by runtime.Goexit
			call.Logger().Error("a call broke down", "part", call.part, "panic", cause, "stack", string(debug.Stack()))
			err = Errorf(Unavailable, "%s broke down by a fault of its own, which the host's log describes; report it to the plugin's author", call.part)
		}
		done <- err
	}()
	err = p.dispatch(ctx, req, call)
	finished = true
}

// explain puts the reason of an ended context where an error only says that it ended.
func explain(ctx context.Context, err error) error {
	var known *Error
	if errors.As(err, &known) || ctx.Err() == nil {
		return err
	}
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.Cause(ctx)) {
		return err
	}
	cause := context.Cause(ctx)
	if errors.As(cause, &known) {
		return cause
	}
	return Errorf(Unavailable, "the call was cancelled: %w; try again", cause)
}

func timeoutError(part string, after, host time.Duration) error {
	return Errorf(Unavailable, "%s did not finish within %s and was stopped; the host gives a call %s (PLUGIN_MAX_EXECUTION_TIMEOUT)",
		part, after, host)
}

func fault(err error) *wire.Error {
	e := wireError(err, func(s string) string { return s })
	return &e
}
