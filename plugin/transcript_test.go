package plugin

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/cloudplugins/difyplugin/internal/wire"
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
//	-- returns --  what Serve has returned: nil, or the text of its error, or "not yet"
//
// <name> in a line of the plugin stands for text without quotes that is not known beforehand, a number for example;
// the same name later, also in a line of the host, stands for the same text.
//
// A transcript holds for every transport: stdio, which this test plays, debug and serverless. A line "transports: stdio
// debug" at its head restricts it to these, as the names behind that of a section, "-- host stdio debug --", restrict
// the section.
//
// At the end of a transcript the host goes away; the plugin must have nothing more to say and nothing more to do. Time
// is that of package synctest: waiting takes none. Only transcripts that need a real network, those with uploads for
// example, run in real time; in them nothing waits.
func TestTranscripts(t *testing.T) {
	playTranscripts(t, wireTransport{name: "stdio", host: newStdioHost})
}

// TestTranscriptsOverDebug plays the transcripts with a plugin that has connected to Dify's debug server.
func TestTranscriptsOverDebug(t *testing.T) {
	playTranscripts(t, wireTransport{name: "debug", host: newDebugHost})
}

// TestTranscriptsOverServerless plays the transcripts with a plugin that is a function: each request is a POST, and
// calls back into Dify are POSTs of the plugin's own.
func TestTranscriptsOverServerless(t *testing.T) {
	playTranscripts(t, wireTransport{name: "serverless", host: newServerlessHost})
}

// No transport escapes a rule because the transcripts that hold it are not played there.
func TestTranscriptsHoldEveryTransportToEverything(t *testing.T) {
	for _, transport := range allTransports {
		var played strings.Builder
		for _, script := range transcripts(t) {
			for _, section := range script.sections(t, transport) {
				played.Write(section.Data)
			}
		}
		for _, piece := range everythingOnTheWire() {
			if !strings.Contains(played.String(), piece) {
				t.Errorf("no transcript over %s holds %s", transport, piece)
			}
		}
	}
}

// everythingOnTheWire are the kinds of messages, requests, calls back, answers and errors as they look in a line.
func everythingOnTheWire() []string {
	kinds := map[string][]string{
		`"data":{"type":`: {
			wire.MessageText, wire.MessageJSON, wire.MessageLink, wire.MessageImage, wire.MessageImageLink, wire.MessageBinaryLink,
			wire.MessageBlob, wire.MessageBlobChunk, wire.MessageVariable, wire.MessageLog, wire.MessageRetrieverResources, wire.MessageFile,
			wire.SessionStream, wire.SessionError, wire.SessionInvoke, wire.SessionEnd, "storage", "tool", "upload_file",
		},
		`"action":`: {
			wire.ActionInvokeTool, wire.ActionValidateTool, wire.ActionRuntimeParameters, wire.ActionFetchOptions,
			wire.ActionValidateDatasource, wire.ActionBrowseDrive, wire.ActionDownloadDrive,
		},
		`"opt":`:   {"get", "set", "del", "exist"},
		`"event":`: {wire.EventLog, wire.ReplyResponse, wire.ReplyError, wire.ReplyEnd},
		`"error_type":`: {
			string(Authorization), string(RateLimit), string(BadRequest), string(Connection), string(Unavailable), string(InvalidCredentials),
		},
	}
	var pieces []string
	for field, values := range kinds {
		for _, value := range values {
			pieces = append(pieces, field+strconv.Quote(value))
		}
	}
	return pieces
}

// wireTransport is a transport as the transcripts see it.
type wireTransport struct {
	name string
	host func(t *testing.T, setup hostSetup) hostEnd
}

// hostSetup is what a host needs to speak with a plugin.
type hostSetup struct {
	plugin *Plugin
	errOut io.Writer // standard error of the plugin's process
	bubble bool      // whether time is synctest's
}

// hostEnd is the other end of a transport: the host, as far as transports differ.
type hostEnd interface {
	// serve is the plugin's part. It returns when the plugin has, and when all that it wrote has arrived.
	serve(ctx context.Context) error
	// open returns when the plugin can take requests, and with what it has then written to standard error.
	open() (greeting string, err error)
	// send passes on bytes of the host's lines.
	send(text string) error
	// do is for what a host can do on this transport only, and tells whether this is such a thing. settle returns when
	// the plugin waits.
	do(action string, settle func()) bool
	// channels are the ways on which the plugin's lines arrive.
	channels() []channel
	// leave ends the transport as the host does that has no more requests, and tells what Serve returns then.
	leave(stop context.CancelFunc) (returns string)
	// release lets go of the plugin, whatever the state it is in.
	release()
}

// channel is one way on which lines of the plugin arrive. Between two ways there is no order.
type channel struct {
	arrived *hostOutput
	carries func(line string) bool // nil for everything
}

// of are the lines that arrive on this way.
func (c channel) of(lines []string) []string {
	if c.carries == nil {
		return lines
	}
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return !c.carries(line) })
}

// allTransports are the names that a transcript may use.
var allTransports = []string{"stdio", "debug", "serverless"}

// transcript is a file of testdata/transcripts.
type transcript struct {
	name    string
	archive *txtar.Archive
}

func transcripts(t *testing.T) []transcript {
	t.Helper()
	paths, err := filepath.Glob("testdata/transcripts/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	var all []transcript
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, transcript{strings.TrimSuffix(filepath.Base(path), ".txtar"), archive})
	}
	return all
}

// sections are those that hold for a transport, none where the whole transcript does not.
func (s transcript) sections(t *testing.T, transport string) []txtar.File {
	t.Helper()
	for line := range strings.Lines(string(s.archive.Comment)) {
		if names, ok := strings.CutPrefix(line, "transports:"); ok && !named(t, names, transport) {
			return nil
		}
	}
	var sections []txtar.File
	for _, file := range s.archive.Files {
		kind, names, restricted := strings.Cut(file.Name, " ")
		if !restricted || named(t, names, transport) {
			sections = append(sections, txtar.File{Name: kind, Data: file.Data})
		}
	}
	return sections
}

// named tells whether a transport is among names.
func named(t *testing.T, names, transport string) bool {
	t.Helper()
	list := strings.Fields(names)
	for _, name := range list {
		if !slices.Contains(allTransports, name) {
			t.Fatalf("there is no transport %q", name)
		}
	}
	return slices.Contains(list, transport)
}

func playTranscripts(t *testing.T, over wireTransport) {
	for _, script := range transcripts(t) {
		sections := script.sections(t, over.name)
		if len(sections) == 0 {
			continue
		}
		t.Run(script.name, func(t *testing.T) {
			for _, section := range sections {
				if section.Name == "env" {
					setenv(t, section.Data)
				}
			}
			if needsNetwork(sections) {
				playInRealTime(t, over, sections)
				return
			}
			synctest.Test(t, func(t *testing.T) {
				c := converse(t, over, synctest.Wait)
				defer c.hangUp()
				c.play(sections)
			})
		})
	}
}

// needsNetwork tells whether something in the sections travels over real connections, in real time.
func needsNetwork(sections []txtar.File) bool {
	return slices.ContainsFunc(sections, func(section txtar.File) bool {
		return bytes.Contains(section.Data, []byte("<upload>"))
	})
}

// isInvoke tells whether a line of a plugin is a call back into Dify.
func isInvoke(line string) bool { return strings.Contains(line, `"data":{"type":"invoke"`) }

func setenv(t *testing.T, lines []byte) {
	for line := range strings.Lines(string(lines)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		t.Setenv(name, value)
	}
}

func playInRealTime(t *testing.T, over wireTransport, sections []txtar.File) {
	store := &uploadStore{}
	server := httptest.NewServer(store)
	defer server.Close()
	c := converse(t, over, nil)
	defer c.hangUp()
	c.store = store
	c.values["upload"] = server.URL
	c.play(sections)
}

// conversation is a plugin and the host that it speaks with.
type conversation struct {
	t        *testing.T
	host     hostEnd
	errOut   *syncBuffer
	greeting string // on standard error, not yet compared
	stop     context.CancelFunc
	done     chan error
	gone     chan struct{} // closed when Serve has returned
	store    *uploadStore
	values   map[string]string // of <name>
	settle   func()            // returns when the plugin waits for the host or for time; nil outside of a bubble
	ended    bool
}

// converse starts the scripted plugin and waits until it is ready.
func converse(t *testing.T, over wireTransport, settle func()) *conversation {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	c := &conversation{
		t: t, errOut: &syncBuffer{}, stop: stop, done: make(chan error, 1), gone: make(chan struct{}),
		values: map[string]string{}, settle: settle,
	}
	c.host = over.host(t, hostSetup{plugin: scriptedPlugin(t), errOut: c.errOut, bubble: settle != nil})
	go func() {
		defer close(c.gone)
		c.done <- c.host.serve(ctx)
	}()
	greeting, err := c.host.open()
	if err != nil {
		c.hangUp()
		t.Fatalf("the plugin does not get ready: %v; standard error: %s", err, c.errOut.take())
	}
	c.greeting = greeting
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
	c.host.release()
	<-c.gone
	if c.settle != nil {
		<-time.After(time.Hour)
	}
}

func (c *conversation) play(sections []txtar.File) {
	c.t.Helper()
	for i, section := range sections {
		where := fmt.Sprintf("section %d (%s)", i+1, section.Name)
		switch section.Name {
		case "env":
		case "host":
			for line := range strings.Lines(string(section.Data)) {
				c.hostLine(where, strings.TrimSuffix(line, "\n"))
			}
		case "plugin":
			c.expectLines(where, expanded(string(section.Data)))
		case "stderr":
			c.expectErrors(where, string(section.Data))
		case "uploads":
			if diff := cmp.Diff(string(section.Data), c.store.take()); diff != "" {
				c.t.Fatalf("%s (-want +got):\n%s", where, diff)
			}
		case "returns":
			c.expectReturn(where, strings.TrimSpace(string(section.Data)))
		default:
			c.t.Fatalf("%s is none that a transcript knows", where)
		}
	}
	if !c.ended {
		c.expectReturn("the end", c.host.leave(c.stop))
	}
	c.expectNoMore()
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
	case line == "terminate":
		c.quiesce()
		c.stop()
	case c.host.do(line, c.quiesce):
	default:
		c.t.Fatalf("%s: the host cannot do this: %s", where, line)
	}
}

func (c *conversation) send(text string) {
	c.t.Helper()
	if err := c.host.send(text); err != nil {
		c.t.Fatalf("the plugin takes no more input: %v", err)
	}
}

func (c *conversation) quiesce() {
	if c.settle != nil {
		c.settle()
	}
}

// patience is how long a plugin in real time may take to write what it must: a test that waits longer has failed.
const patience = 30 * time.Second

func (c *conversation) expectLines(where string, want []string) {
	c.t.Helper()
	for _, channel := range c.host.channels() {
		expected := channel.of(want)
		if c.settle != nil {
			c.settle()
			c.compare(where, expected, channel.arrived.take())
			continue
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), patience)
		got := channel.arrived.await(ctx, expected)
		cancel()
		c.compare(where, expected, got)
	}
}

func (c *conversation) compare(where string, want, got []string) {
	c.t.Helper()
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

func (c *conversation) expectErrors(where, want string) {
	c.t.Helper()
	c.quiesce()
	if diff := cmp.Diff(c.greeting+want, c.errOut.take()); diff != "" {
		c.t.Fatalf("%s: standard error (-want +got):\n%s", where, diff)
	}
	c.greeting = ""
}

// expectNoMore compares what is left once the plugin has returned.
func (c *conversation) expectNoMore() {
	c.t.Helper()
	c.quiesce()
	for _, channel := range c.host.channels() {
		for _, line := range channel.arrived.take() {
			if c.settle != nil || line != heartbeat { // real time brings heartbeats of its own
				c.t.Fatalf("the end: the plugin wrote also\n%s", line)
			}
		}
	}
	c.expectErrors("the end", "")
}

func (c *conversation) expectReturn(where, want string) {
	c.t.Helper()
	got := c.returned()
	c.ended = got != stillServing
	if got != want {
		c.t.Fatalf("%s: Serve returned: %s, want: %s", where, got, want)
	}
}

// stillServing is what Serve has returned before it returns.
const stillServing = "not yet"

// returned tells what Serve has returned. In real time it waits for that.
func (c *conversation) returned() string {
	var err error
	if c.settle == nil {
		err = <-c.done
	} else {
		c.settle()
		select {
		case err = <-c.done:
		default:
			return stillServing
		}
	}
	if err != nil {
		return err.Error()
	}
	return "nil"
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

// await returns as many lines as are wanted, or fewer when ctx ends. Heartbeats, which real time brings, count only
// where one is wanted.
func (h *hostOutput) await(ctx context.Context, want []string) []string {
	var lines []string
	for len(lines) < len(want) {
		select {
		case line := <-h.lines:
			if line != heartbeat || want[len(lines)] == heartbeat {
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
