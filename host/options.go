package host

import (
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// Options are limits and hooks of a connection. The zero value has the defaults of the daemon and of Dify.
//
// Hooks are called from the goroutines of the connection, OnViolation from several at once; they must not block, and
// must not call the connection's Close.
type Options struct {
	// MaxLine is the longest line of a plugin's output, in bytes without its newline. A longer one kills the plugin.
	// The default is 5,242,879.
	MaxLine int
	// ReadyTimeout is how long a process may take to its first heartbeat; 120 s by default.
	ReadyTimeout time.Duration
	// Silence is how long a plugin that is ready may write nothing before it is killed; 120 s by default. Any line
	// counts, on standard output or standard error.
	Silence time.Duration
	// ExecutionTimeout limits a whole call; 600 s by default. The plugin is not told that it expired.
	ExecutionTimeout time.Duration
	// CloseGrace is how long Close waits for the plugin to end by itself; 5 s by default.
	CloseGrace time.Duration
	// RestartWait is how long a call to a [Supervisor] waits for a running process; 6 s by default.
	RestartWait time.Duration
	// MaxFile is the largest file in bytes that chunks may make up; 30 MiB by default.
	MaxFile int64
	// MaxChunk is the largest chunk in decoded bytes; 8192 by default.
	MaxChunk int

	// HeadOfLine gives each call the daemon's short queue: 1024 messages for a tool, 1 for anything else. A caller
	// that reads slowly then stops the plugin's whole output, the other calls' too. By default a queue has no limit.
	HeadOfLine bool
	// Strict makes every [Violation] an error: of the call it belongs to, else of Close.
	Strict bool

	// Backend answers the calls that the plugin makes back into Dify. Without one they are refused.
	Backend Backend

	// OnLog receives what the plugin writes into the daemon's log.
	OnLog func(Log)
	// OnLine sees every line in both directions, one at a time, for transcripts. A request is seen before its answers.
	// The lines hold credentials.
	OnLine func(Line)
	// OnViolation receives every violation when it is found.
	OnViolation func(*Violation)
	// OnRestart is called when a [Supervisor]'s process has ended by itself, with the reason, before the next one is
	// started.
	OnRestart func(reason error)
}

// Log is a line that a plugin writes into the daemon's log. Users do not see it.
type Log struct {
	Level   string // as the plugin wrote it: DEBUG, INFO, WARNING, ERROR or anything else
	Message string
	Time    time.Time
}

// Line is one line on the wire, without its newline.
type Line struct {
	FromPlugin bool
	Data       []byte // valid until the hook returns
}

const (
	defaultReadyTimeout     = 120 * time.Second
	defaultSilence          = 120 * time.Second
	defaultExecutionTimeout = 600 * time.Second
	defaultCloseGrace       = 5 * time.Second
	defaultRestartWait      = 6 * time.Second
	defaultMaxFile          = 30 << 20
)

func (o Options) withDefaults() Options {
	setDefault(&o.MaxLine, wire.DefaultMaxLine)
	setDefault(&o.ReadyTimeout, defaultReadyTimeout)
	setDefault(&o.Silence, defaultSilence)
	setDefault(&o.ExecutionTimeout, defaultExecutionTimeout)
	setDefault(&o.CloseGrace, defaultCloseGrace)
	setDefault(&o.RestartWait, defaultRestartWait)
	setDefault(&o.MaxFile, defaultMaxFile)
	setDefault(&o.MaxChunk, wire.ChunkSize)
	return o
}

func setDefault[T int | int64 | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
