package host

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrClosed is the end of a connection that Close asked for.
	ErrClosed = errors.New("the connection to the plugin is closed")
	// ErrTimeout ends a call that took longer than Options.ExecutionTimeout.
	ErrTimeout = errors.New("killed by timeout")
	// ErrSilent is why a plugin was killed that wrote nothing for Options.Silence.
	ErrSilent = errors.New("the plugin was killed because it wrote nothing, not even a heartbeat, for too long")
	// ErrNotReady is why a plugin was killed that sent no heartbeat within Options.ReadyTimeout.
	ErrNotReady = errors.New("the plugin was killed because its first heartbeat did not come in time")
)

// PluginError is the error that a plugin answered a call with.
type PluginError struct {
	// Type is what Dify chooses its reaction by, for example InvokeAuthorizationError.
	Type    string
	Message string
	// Args may hold a description and a traceback. It has at most 10 keys.
	Args map[string]any
}

func (e *PluginError) Error() string { return e.Type + ": " + e.Message }

// ExitError says how a plugin's process ended.
type ExitError struct {
	// Reason is why it was killed, or nil when it ended by itself.
	Reason error
	// State is the process's end in the words of package os, for example "exit status 2".
	State string
	// Code is the exit code, or -1 when a signal ended the process.
	Code int
	// Stderr is the end of what it wrote to standard error, at most 1024 bytes.
	Stderr string
}

func (e *ExitError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the plugin's process ended with %s", e.State)
	if e.Reason != nil {
		fmt.Fprintf(&b, ": %v", e.Reason)
	}
	if e.Stderr != "" {
		fmt.Fprintf(&b, "; the end of its standard error: %s", e.Stderr)
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *ExitError) Unwrap() error { return e.Reason }

// Kind is a rule of the protocol that a plugin can break. Where the daemon has an error type for it, the kind is
// that type.
type Kind string

// Kinds of violations. Those marked with * fail their call without Options.Strict too, as they do on the daemon or
// in Dify. The daemon passes over the others in silence.
const (
	KindGarbage      Kind = "garbage"                     // a line is not a JSON object of the protocol
	KindEvent        Kind = "unknown_event"               // a line has an event that the protocol does not know, or a session event lacks its data
	KindFault        Kind = "error_event"                 // the plugin could not read a line of the host
	KindSession      Kind = "unknown_session"             // a line names a session that was never opened
	KindAfterEnd     Kind = "message_after_end"           // a session goes on after its end or its error; a second end counts
	KindMissingEnd   Kind = "missing_end"                 // a session has no end
	KindMessageType  Kind = "unknown_stream_message_type" // * a session message is neither stream, error, invoke nor end
	KindPayload      Kind = "unmarshal_error"             // * a result is not what its action answers with
	KindError        Kind = "malformed_error"             // * an error is not an object with at most 10 args; the daemon takes the call for a success
	KindInvoke       Kind = "invoke_dify_error"           // * a call back into Dify lacks its type, id or request
	KindChunk        Kind = "blob_chunk"                  // * a chunk or its file is too large, has no end, or is sent by a data source
	KindChunkOrder   Kind = "blob_chunk_order"            // chunks are numbered wrongly or do not add up to the announced length
	KindFile         Kind = "file"                        // a file has no name where Dify looks for it, or a link leads nowhere
	KindLineTooLong  Kind = "line_too_long"               // a line exceeds Options.MaxLine; the plugin is killed
	KindStderrLine   Kind = "stderr_line_too_long"        // a line of standard error exceeds Options.MaxLine; the daemon stops reading it for good
	KindIgnoredClose Kind = "ignored_close"               // the plugin goes on after the end of its input
	KindExitStatus   Kind = "exit_status"                 // the plugin fails after the end of its input
)

// Violation is a break of the protocol.
type Violation struct {
	Kind Kind
	// Session is the id of the session that the violation belongs to, or "".
	Session string
	// Detail says what was wrong, for the author of the plugin.
	Detail string
}

func (v *Violation) Error() string {
	if v.Session == "" {
		return fmt.Sprintf("protocol violation %s: %s", v.Kind, v.Detail)
	}
	return fmt.Sprintf("protocol violation %s in session %s: %s", v.Kind, v.Session, v.Detail)
}

// undelivered marks the error of a call that the plugin has certainly not seen, so that it may be made again.
type undelivered struct{ error }

func (u undelivered) Unwrap() error { return u.error }
