package plugin

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

const (
	// maxInline is the longest line in bytes that carries a drive's file, whatever the host would read.
	maxInline = 5 << 20
	// inlineBudget is the memory for such lines, of all calls together.
	inlineBudget = 40 << 20
	// margin is how long before the host gives up on a call its context ends.
	margin = 15 * time.Second
	// grace is what a call gets after that to return by itself.
	grace = 10 * time.Second
	// maxCallSeconds is what a longer time limit counts as: a year, which a time.Duration still holds.
	maxCallSeconds = 365 * 24 * 60 * 60
)

// limits are what the host tells through the environment that the plugin inherits from it.
type limits struct {
	line             int           // the longest line, in bytes without its newline
	toolFile         int64         // the largest file of a tool that Dify puts together from chunks, in bytes
	call             time.Duration // how long the host waits for a call
	links            bool          // whether the host passes links to uploaded files
	progressMessages bool          // whether progress is shown to the user
}

// readLimits reads the host's settings, with the host's own defaults.
func readLimits(getenv func(string) string) (limits, error) {
	l := limits{links: true}
	var faults []string
	number := func(name string, fallback int) int {
		text := strings.TrimSpace(getenv(name))
		if text == "" {
			return fallback
		}
		n, err := strconv.Atoi(text)
		if err != nil || n <= 0 {
			faults = append(faults, fmt.Sprintf("%s must be a whole number above 0, it is %q", name, text))
			return fallback
		}
		return n
	}
	buffer := number("PLUGIN_RUNTIME_MAX_BUFFER_SIZE", wire.DefaultMaxLine+1)
	if old := number("PLUGIN_STDIO_MAX_BUFFER_SIZE", wire.DefaultMaxLine+1); old != wire.DefaultMaxLine+1 {
		buffer = old // the host lets the setting's old name win
	}
	l.line = buffer - 1
	l.toolFile = int64(number("PLUGIN_MAX_FILE_SIZE", 30<<20))
	l.call = time.Duration(min(number("PLUGIN_MAX_EXECUTION_TIMEOUT", 600), maxCallSeconds)) * time.Second
	switch strings.ToLower(strings.TrimSpace(getenv("DIFYPLUGIN_FILE_LINKS"))) {
	case "", "on":
	case "off":
		l.links = false
	default:
		faults = append(faults, `DIFYPLUGIN_FILE_LINKS must be "on" or "off"`)
	}
	switch strings.ToLower(strings.TrimSpace(getenv("DIFYPLUGIN_PROGRESS"))) {
	case "", "log":
	case "messages":
		l.progressMessages = true
	default:
		faults = append(faults, `DIFYPLUGIN_PROGRESS must be "log" or "messages"`)
	}
	if len(faults) > 0 {
		return l, fmt.Errorf("the environment has wrong settings: %s", strings.Join(faults, "; "))
	}
	return l, nil
}

// deadline is how long a call may work, and after how long it is answered for.
func (l limits) deadline() (work, answer time.Duration) {
	work = l.call - min(margin, l.call/4)
	return work, work + min(grace, (l.call-work)*2/3)
}
