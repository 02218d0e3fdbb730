package plugin

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestTranscripts plays the host's part of the conversations in testdata/transcripts and compares what the plugin
// answers, byte by byte. A transcript is a txtar archive; its sections are played in their order:
//
//	-- env --      settings that the plugin inherits, NAME=value
//	-- host --     lines that the host sends, and what else it does:
//	                 wait 10s        time passes
//	                 send "..."      these bytes, a Go string, without a newline of its own
//	                 fill <name>     what the name stands for, without a newline
//	                 close stdin, stop reading, read again, parent gone, terminate
//	-- plugin --   all lines that the plugin has written since the last such section. "heartbeat" stands for the line
//	               of that event, "heartbeat x9" for nine of them
//	-- stderr --   all that it has written to standard error since then
//	-- uploads --  files that were uploaded to Dify: name, type and content
//	-- returns --  what Serve has returned: nil, or the text of its error
//
// <name> in a line of the plugin stands for text without quotes that is not known beforehand, a number for example;
// the same name later, also in a line of the host, stands for the same text.
//
// At the end of a transcript the host closes standard input; the plugin must have nothing more to say. Time is that of
// package synctest: waiting takes none. Only transcripts with uploads, which need a real network, run in real time; in
// them nothing waits.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range archive.Files {
				if file.Name == "env" {
					setenv(t, file.Data)
				}
			}
			if strings.Contains(string(txtar.Format(archive)), "<upload>") {
				playWithUploads(t, archive)
				return
			}
			synctest.Test(t, func(t *testing.T) {
				c := converse(t)
				defer c.hangUp()
				c.settle = synctest.Wait
				c.play(archive)
			})
		})
	}
}

func setenv(t *testing.T, lines []byte) {
	for line := range strings.Lines(string(lines)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.Setenv(name, value)
	}
}

func playWithUploads(t *testing.T, archive *txtar.Archive) {
	store := &uploadStore{}
	server := httptest.NewServer(store)
	defer server.Close()
	c := converse(t)
	defer c.hangUp()
	c.store = store
	c.values["upload"] = server.URL
	c.play(archive)
}

// conversation is a plugin and the host that it speaks with.
type conversation struct {
	t      *testing.T
	plugin *Plugin
	in     *io.PipeWriter
	out    *hostOutput
	errOut *syncBuffer
	parent atomic.Int64
	stop   context.CancelFunc
	done   chan error
	store  *uploadStore
	values map[string]string // of <name>
	settle func()            // returns when the plugin waits for the host or for time; nil outside of a bubble
	ended  bool
}

// converse starts the scripted plugin.
func converse(t *testing.T) *conversation {
	t.Helper()
	p := scriptedPlugin(t)
	ctx, stop := context.WithCancel(t.Context())
	in, hostIn := io.Pipe()
	c := &conversation{
		t: t, plugin: p, in: hostIn, out: newHostOutput(), errOut: &syncBuffer{},
		stop: stop, done: make(chan error, 1), values: map[string]string{},
	}
	c.parent.Store(100)
	go func() {
		c.done <- p.Serve(ctx, in, c.out, c.errOut, func() int { return int(c.parent.Load()) })
	}()
	return c
}

func scriptedPlugin(t *testing.T) *Plugin {
	t.Helper()
	folder := declare(t, toolOf("script", parameterOf("do", "array"), parameterOf("pin", "string")))
	p, err := New(folder, Tool("script", script), ToolCredentials(func(_ context.Context, c Credentials) error { return checkKey(c) }),
		Options("script", "do", listChoices), Drive("drive", scriptedDrive{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.fetch.client.CloseIdleConnections)
	return p
}

// hangUp ends what the transcript left behind, tools that outlive their calls among it.
func (c *conversation) hangUp() {
	c.stop()
	c.in.Close()
	c.out.resume()
	if c.settle != nil {
		<-time.After(time.Hour)
	}
}

func (c *conversation) play(archive *txtar.Archive) {
	c.t.Helper()
	for i, file := range archive.Files {
		where := fmt.Sprintf("section %d (%s)", i+1, file.Name)
		switch file.Name {
		case "env":
		case "host":
			for line := range strings.Lines(string(file.Data)) {
				c.hostLine(where, strings.TrimSuffix(line, "\n"))
			}
		case "plugin":
			c.expectLines(where, expanded(string(file.Data)))
		case "stderr":
			c.quiesce()
			if diff := cmp.Diff(string(file.Data), c.errOut.take()); diff != "" {
				c.t.Fatalf("%s (-want +got):\n%s", where, diff)
			}
		case "uploads":
			if diff := cmp.Diff(string(file.Data), c.store.take()); diff != "" {
				c.t.Fatalf("%s (-want +got):\n%s", where, diff)
			}
		case "returns":
			c.expectReturn(where, strings.TrimSpace(string(file.Data)))
		default:
			c.t.Fatalf("%s is none that a transcript knows", where)
		}
	}
	if !c.ended {
		c.in.Close()
		c.expectReturn("the end", "nil")
	}
	c.expectLines("the end", nil)
	if rest := c.errOut.take(); rest != "" {
		c.t.Errorf("standard error at the end: %s", rest)
	}
}

func (c *conversation) hostLine(where, line string) {
	c.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch {
	case strings.HasPrefix(line, "{"):
		c.send(c.filled(line) + "\n")
	case verb == "send":
		text, err := strconv.Unquote(rest)
		if err != nil {
			c.t.Fatalf("%s: %s: %v", where, line, err)
		}
		c.send(text)
	case verb == "fill":
		c.send(c.filled(rest))
	case verb == "wait" && c.settle != nil:
		length, err := time.ParseDuration(rest)
		if err != nil {
			c.t.Fatalf("%s: %v", where, err)
		}
		c.settle()
		<-time.After(length)
	case line == "close stdin":
		c.in.Close()
	case line == "stop reading":
		c.quiesce()
		c.out.pause()
	case line == "read again":
		c.out.resume()
	case line == "parent gone":
		c.parent.Store(1)
	case line == "terminate":
		c.quiesce()
		c.stop()
	default:
		c.t.Fatalf("%s: the host cannot do this: %s", where, line)
	}
}

func (c *conversation) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.in, text); err != nil {
		c.t.Fatalf("the plugin takes no more input: %v", err)
	}
}

func (c *conversation) quiesce() {
	if c.settle != nil {
		c.settle()
	}
}

func (c *conversation) expectLines(where string, want []string) {
	c.t.Helper()
	var got []string
	if c.settle != nil {
		c.settle()
		got = c.out.take()
	} else {
		got = c.out.await(c.t.Context(), len(want))
	}
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			c.t.Fatalf("%s: the plugin did not write\n%s", where, want[i])
		case i >= len(want):
			c.t.Fatalf("%s: the plugin wrote also\n%s", where, got[i])
		case !c.matches(want[i], got[i]):
			c.t.Fatalf("%s, line %d:\nwant %s\n got %s", where, i+1, c.filled(want[i]), got[i])
		}
	}
}

func (c *conversation) expectReturn(where, want string) {
	c.t.Helper()
	c.ended = true
	var err error
	if c.settle != nil {
		c.settle()
		select {
		case err = <-c.done:
		default:
			c.t.Fatalf("%s: Serve has not returned", where)
		}
	} else {
		err = <-c.done
	}
	got := "nil"
	if err != nil {
		got = err.Error()
	}
	if got != want {
		c.t.Fatalf("%s: Serve returned %s, want %s", where, got, want)
	}
}

var placeholder = regexp.MustCompile(`<([a-z_0-9]+)>`)

// filled puts the known values in the place of their names.
func (c *conversation) filled(line string) string {
	return placeholder.ReplaceAllStringFunc(line, func(name string) string {
		if value, known := c.values[name[1:len(name)-1]]; known {
			return value
		}
		return name
	})
}

// matches compares a line with its pattern and notes what the new names in it stand for.
func (c *conversation) matches(pattern, line string) bool {
	pattern = c.filled(pattern)
	if pattern == line {
		return true
	}
	var expr strings.Builder
	rest, seen := pattern, map[string]bool{}
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		expr.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		name := rest[at[2]:at[3]]
		if seen[name] {
			return false // Go's expressions cannot refer back: a transcript names each once in a line
		}
		seen[name] = true
		fmt.Fprintf(&expr, `(?P<%s>[^"]+?)`, name)
		rest = rest[at[1]:]
	}
	expr.WriteString(regexp.QuoteMeta(rest))
	found := regexp.MustCompile(`^` + expr.String() + `$`)
	groups := found.FindStringSubmatch(line)
	if groups == nil {
		return false
	}
	for name := range maps.Keys(seen) {
		c.values[name] = groups[found.SubexpIndex(name)]
	}
	return true
}

// heartbeat is how a plugin says that it lives.
const heartbeat = `{"event":"heartbeat","session_id":null,"data":{}}`

// expanded are the lines of a section of the plugin.
func expanded(section string) []string {
	var lines []string
	for line := range strings.Lines(section) {
		line = strings.TrimSuffix(line, "\n")
		beats, isBeat := strings.CutPrefix(line, "heartbeat")
		if !isBeat {
			lines = append(lines, line)
			continue
		}
		n := 1
		if beats != "" {
			n = number(strings.TrimPrefix(beats, " x"))
		}
		for range n {
			lines = append(lines, heartbeat)
		}
	}
	return lines
}

// hostOutput is the pipe from the plugin to the host. The host can stop reading from it; a write then waits.
type hostOutput struct {
	lines chan string

	mu   sync.Mutex
	gate chan struct{} // nil while the host reads
}

func newHostOutput() *hostOutput { return &hostOutput{lines: make(chan string, 1<<16)} }

// Write takes a line. The host reads whole lines from a plugin that writes each at once.
func (h *hostOutput) Write(p []byte) (int, error) {
	for {
		h.mu.Lock()
		gate := h.gate
		h.mu.Unlock()
		if gate == nil {
			break
		}
		<-gate
	}
	line, whole := strings.CutSuffix(string(p), "\n")
	if !whole || strings.Contains(line, "\n") || !utf8.ValidString(line) {
		line = "not one whole line of UTF-8: " + strconv.Quote(string(p))
	}
	h.lines <- line
	return len(p), nil
}

func (h *hostOutput) pause() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gate == nil {
		h.gate = make(chan struct{})
	}
}

func (h *hostOutput) resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gate != nil {
		close(h.gate)
		h.gate = nil
	}
}

// take returns the lines that are there.
func (h *hostOutput) take() []string {
	var lines []string
	for {
		select {
		case line := <-h.lines:
			lines = append(lines, line)
		default:
			return lines
		}
	}
}

// await returns the next n lines, or fewer when ctx ends. Heartbeats, which real time brings, are not counted after
// the first.
func (h *hostOutput) await(ctx context.Context, n int) []string {
	var lines []string
	for len(lines) < n {
		select {
		case line := <-h.lines:
			if line != heartbeat || len(lines) == 0 {
				lines = append(lines, line)
			}
		case <-ctx.Done():
			return lines
		}
	}
	return lines
}

// syncBuffer is standard error.
type syncBuffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.text.Reset()
	return b.text.String()
}

// uploadStore is the part of Dify that takes uploads.
type uploadStore struct {
	mu     sync.Mutex
	stored strings.Builder
}

// ServeHTTP stores a file and answers as Dify does.
func (s *uploadStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	file, header, err := r.FormFile("file")
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	defer file.Close()
	content, _ := io.ReadAll(file)
	kind := header.Header.Get("Content-Type")
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.stored, "%s %s %s\n", header.Filename, kind, abridged(content))
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id":"f-1","name":%q,"size":%d,"extension":%q,"mime_type":%q}`, header.Filename, len(content), filepath.Ext(header.Filename), kind)
}

// abridged is content, or how much of it there is.
func abridged(content []byte) string {
	if len(content) > 50 {
		return fmt.Sprintf("%d bytes", len(content))
	}
	return string(content)
}

func (s *uploadStore) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.stored.Reset()
	return s.stored.String()
}
