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
	"strings"
	"syscall"
	"time"

	"github.com/cloudplugins/difyplugin/internal/transport"
	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Exit codes of a plugin's process.
const (
	exitOK      = 0
	exitFault   = 1
	exitStart   = 2
	exitStopped = 0 // a plugin that was asked to stop did what it was asked to
)

// run is Main with its exit code.
func run(declarations fs.FS, parts []Part, args []string) int {
	p, err := New(declarations, parts...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "plugin cannot start:", err)
		return exitStart
	}
	if len(args) > 0 {
		return p.runCommand(args)
	}
	if method := os.Getenv("INSTALL_METHOD"); method != "" && !strings.EqualFold(method, "local") {
		fmt.Fprintf(os.Stderr, "plugin cannot start: INSTALL_METHOD=%s is not served by this build; use local\n", method)
		return exitStart
	}
	boundMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err = p.Serve(ctx, os.Stdin, os.Stdout, os.Stderr, os.Getppid)
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return exitStopped
	case errors.Is(err, transport.ErrParentGone):
		return exitFault
	default:
		fmt.Fprintln(os.Stderr, "plugin stopped:", err)
		return exitFault
	}
}

// boundMemory makes the garbage collector work harder before the process outgrows what it can need at once, unless
// the operator has set a limit of their own.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(64 << 20)
	}
}

func (p *Plugin) runCommand(args []string) int {
	if len(args) != 1 || args[0] != "check" {
		fmt.Fprintf(os.Stderr, "unknown argument %q: a plugin takes no arguments, or \"check\"\n", args[0])
		return exitStart
	}
	if err := p.Check(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFault
	}
	fmt.Println("declarations and parts agree")
	return exitOK
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
