package plugin

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

func TestBaseName(t *testing.T) {
	long := strings.Repeat("名", 100)
	for given, want := range map[string]string{
		"a.txt": "a.txt", "dir/sub/a.txt": "a.txt", "/a.txt": "a.txt", "dir/": "dir", "a b.txt": "a b.txt", "存储桶.pdf": "存储桶.pdf",
		"": "file", "/": "file", ".": "file", "..": "file", "a/..": "file", " . ": "file", "///": "file",
		`a\b`: "a_b", `a"b`: "a_b", "a%22b": "a_b", "a%2522b": "a%2522b", "a\nb\r\x00c": "a_b__c", "a:b*c?d<e>f|g": "a_b_c_d_e_f_g",
		"a\xffb": "a_b", ".env": ".env", "a\u0085b": "a_b",
		long + ".txt":                        strings.Repeat("名", 65) + ".txt",
		strings.Repeat("x", 300):             strings.Repeat("x", 200),
		"x." + strings.Repeat("e", 300):      "x." + strings.Repeat("e", 198),
		strings.Repeat("x", 197) + ".tar.gz": strings.Repeat("x", 197) + ".gz",
	} {
		if got := baseName(given); got != want {
			t.Errorf("baseName(%q) = %q, want %q", given, got, want)
		}
	}
}

func TestABaseNameSurvivesEveryStepOfTheWay(t *testing.T) {
	pieces := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"/", `\`, `"`, "%22", "%2", "2", ".", "..", " ", "\xff", "\x00", "\u0085", "存", "😀", strings.Repeat("x", 199)}))
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(pieces, 0, 6).Draw(t, "pieces"), "")
		got := baseName(name)
		if got == "" || len(got) > 200 || !utf8.ValidString(got) || strings.ContainsAny(got, `/\"`) || strings.ContainsFunc(got, unicode.IsControl) || strings.Contains(got, "%22") {
			t.Fatalf("baseName(%q) = %q", name, got)
		}
		if again := baseName(got); again != got {
			t.Fatalf("baseName(%q) = %q, and of that %q", name, got, again)
		}
	})
}

func TestMIMEType(t *testing.T) {
	for given, want := range map[[2]string]string{
		{"image/png", "a.txt"}:                          "image/png",
		{"Text/HTML; charset=utf-8", "a"}:               "text/html",
		{"", "a.PNG"}:                                   "image/png",
		{"", "a.json"}:                                  "application/json",
		{"", "a"}:                                       "application/octet-stream",
		{"nonsense", "a.png"}:                           "image/png",
		{"a/b/c", "a"}:                                  "application/octet-stream",
		{"text/plain\r\nX-Evil: 1", "a"}:                "application/octet-stream",
		{"-", "a.bin-unknown"}:                          "application/octet-stream",
		{"application/vnd.ms-excel;", "a"}:              "application/vnd.ms-excel",
		{"text/plain; charset=\"unclosed", "a.unknown"}: "application/octet-stream",
	} {
		if got := mimeType(given[0], given[1]); got != want {
			t.Errorf("mimeType(%q, %q) = %q, want %q", given[0], given[1], got, want)
		}
	}
}

func TestByteCount(t *testing.T) {
	for n, want := range map[int64]string{0: "0 bytes", 1023: "1023 bytes", 1024: "1.0 KiB", 5 << 20: "5.0 MiB", 3 << 29: "1.5 GiB"} {
		if got := byteCount(n); got != want {
			t.Errorf("byteCount(%d) = %s, want %s", n, got, want)
		}
	}
}

// dify answers a plugin's requests for upload addresses and takes the uploads.
type dify struct {
	*httptest.Server
	path    string // of the address that it gives for uploads
	answer  func(content int) (status int, body string)
	aborted atomic.Int64

	mu       sync.Mutex
	uploads  []uploaded
	finished chan struct{} // one token an upload, whatever became of it
}

type uploaded struct {
	Name, Type, Form string
	Size             int
	Sum              [32]byte
	Length           int64 // of the request, as announced
	Body             int   // of the request, as it came
}

func newDify(t testing.TB) *dify {
	d := &dify{path: "/files/upload/for-plugin?sign=abc&nonce=1", finished: make(chan struct{}, 1000)}
	d.answer = func(content int) (int, string) {
		return http.StatusCreated, fmt.Sprintf(`{"id":"f-1","name":"n","size":%d,"extension":".bin","mime_type":"x/y"}`, content)
	}
	d.Server = httptest.NewServer(d)
	t.Cleanup(d.Close)
	return d
}

// ServeHTTP reads a form as strictly as it can be read.
func (d *dify) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() { d.finished <- struct{}{} }()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		d.aborted.Add(1)
		return
	}
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	part, err := multipart.NewReader(bytes.NewReader(raw), params["boundary"]).NextPart()
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	content, err := io.ReadAll(part)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	d.mu.Lock()
	d.uploads = append(d.uploads, uploaded{
		part.FileName(), part.Header.Get("Content-Type"), part.FormName(), len(content), sha256.Sum256(content), r.ContentLength, len(raw),
	})
	d.mu.Unlock()
	status, body := d.answer(len(content))
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// calls is a plugin that serves one function, and a host that answers upload_file.
type calls struct {
	t      testing.TB
	plugin *Plugin
	dify   *dify
}

func newCalls(t testing.TB, env map[string]string) *calls {
	t.Helper()
	p, err := New(declareNothing, registration(func(*Plugin) error { return nil }))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.configure(func(name string) string { return env[name] }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.fetch.client.CloseIdleConnections)
	return &calls{t: t, plugin: p, dify: newDify(t)}
}

// run serves one request whose work is do, and returns all lines up to its end.
func (c *calls) run(ctx context.Context, session string, drive bool, do func(ctx context.Context, call *Call) error) []wire.Event {
	c.t.Helper()
	p := &Plugin{
		declarations: c.plugin.declarations, limits: c.plugin.limits, budget: c.plugin.budget, fetch: c.plugin.fetch,
		options: map[optionsKey]listOptions{{"t", "p"}: func(ctx context.Context, call *Call) ([]Option, error) {
			call.drive = drive
			return nil, do(ctx, call)
		}},
	}
	in, hostIn := io.Pipe()
	hostOut, out := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- p.Serve(ctx, in, out, io.Discard, nil)
		out.Close()
	}()
	fmt.Fprintf(hostIn, `{"session_id":%q,"event":"request","data":{"type":"dynamic_parameter","action":"fetch_parameter_options","provider_action":"t","parameter":"p"}}`+"\n", session)
	var events []wire.Event
	dec := json.NewDecoder(hostOut)
	for {
		var e wire.Event
		if err := dec.Decode(&e); err != nil {
			c.t.Errorf("the plugin's output ended: %v", err)
			break
		}
		if e.Event != wire.EventSession {
			continue
		}
		var m wire.SessionMessage
		if err := json.Unmarshal(e.Data, &m); err != nil {
			c.t.Errorf("%s: %v", e.Data, err)
		}
		events = append(events, e)
		if m.Type == wire.SessionEnd {
			break
		}
		if m.Type == wire.SessionInvoke {
			c.reply(hostIn, session, m.Data)
		}
	}
	hostIn.Close()
	go io.Copy(io.Discard, hostOut)
	if err := <-done; err != nil && ctx.Err() == nil {
		c.t.Errorf("Serve: %v", err)
	}
	return events
}

func (c *calls) reply(hostIn io.Writer, session string, invoke json.RawMessage) {
	var call wire.Invoke
	if err := json.Unmarshal(invoke, &call); err != nil {
		c.t.Error(err)
	}
	fmt.Fprintf(hostIn, `{"session_id":%q,"event":"backwards_response","data":{"backwards_request_id":%q,"event":"response","message":"struct","data":{"url":%q}}}`+"\n",
		session, call.ID, c.dify.URL+c.dify.path)
}

// outcome is what a request came to: the payloads of its results, without the options that end each, and its error.
func outcome(t testing.TB, events []wire.Event) (results []string, failure *wire.Error) {
	t.Helper()
	for _, e := range events {
		var m wire.SessionMessage
		if err := json.Unmarshal(e.Data, &m); err != nil {
			t.Fatal(err)
		}
		switch m.Type {
		case wire.SessionStream:
			if string(m.Data) != `{"options":[]}` {
				results = append(results, string(m.Data))
			}
		case wire.SessionError:
			failure = &wire.Error{}
			if err := json.Unmarshal(m.Data, failure); err != nil {
				t.Fatal(err)
			}
		}
	}
	return results, failure
}

func (c *calls) sendFile(drive bool, f File) ([]string, *wire.Error) {
	c.t.Helper()
	return outcome(c.t, c.run(c.t.Context(), "S1", drive, func(ctx context.Context, call *Call) error { return call.File(ctx, f) }))
}

// unknown is the same file without its size.
func unknown(f File) File { f.Size = -1; return f }

// The longest file that fits into a line goes in one; a file of one byte more is uploaded, or refused where links are
// off. It makes no difference whether its size is known.
func TestTheLimitOfAnInlineFileIsExact(t *testing.T) {
	for _, size := range []string{"1000", "1001", "1002", "1003", ""} {
		t.Run("line "+size, func(t *testing.T) {
			c := newCalls(t, map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": size})
			before, after, err := wire.BlobFrame("S1", map[string]any{"file_name": "a.bin", "mime_type": "a/b"})
			if err != nil {
				t.Fatal(err)
			}
			largest := (c.plugin.limits.line + 1 - len(before) - len(after)) / 4 * 3
			for name, file := range map[string]func(n int) File{
				"known":   func(n int) File { return Bytes("a.bin", "a/b", make([]byte, n)) },
				"unknown": func(n int) File { return unknown(Bytes("a.bin", "a/b", make([]byte, n))) },
			} {
				results, failure := c.sendFile(true, file(largest))
				if failure != nil || len(results) != 1 || !strings.HasPrefix(results[0], `{"type":"blob"`) {
					t.Fatalf("%s, %d bytes: %.200v, %v", name, largest, results, failure)
				}
				results, failure = c.sendFile(true, file(largest+1))
				if failure != nil || len(results) != 1 || !strings.HasPrefix(results[0], `{"type":"binary_link"`) {
					t.Fatalf("%s, %d bytes: %.200v, %v", name, largest+1, results, failure)
				}
				c.plugin.limits.links = false
				results, failure = c.sendFile(true, file(largest+1))
				if failure == nil || len(results) != 0 || !strings.Contains(failure.Message, "DIFYPLUGIN_FILE_LINKS") {
					t.Fatalf("%s, %d bytes without links: %.200v, %v", name, largest+1, results, failure)
				}
				c.plugin.limits.links = true
			}
		})
	}
}

// badBody is a body that is not what was announced.
func badBody(size, got int64, end error) File {
	return File{Name: "a.bin", Type: "a/b", Size: size, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(io.LimitReader(zeros{}, got), endReader{end})), nil
	}}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type endReader struct{ err error }

func (e endReader) Read([]byte) (int, error) { return 0, e.err }

// However a file travels, a wrong body never becomes a file: no blob, no last chunk, no complete upload.
func TestAWrongBodyNeverBecomesAFile(t *testing.T) {
	broken := errors.New("checksum mismatch")
	denied := Errorf(Authorization, "the key expired")
	bodies := map[string]struct {
		file   func(size int64) File
		want   string
		kind   Kind
		begins bool // enough of it is read for an upload to begin
	}{
		"too short":           {func(n int64) File { return badBody(n, n-1, io.EOF) }, "ended after", Connection, true},
		"empty":               {func(n int64) File { return badBody(n, 0, io.EOF) }, "ended after 0 of", Connection, false},
		"too long by one":     {func(n int64) File { return badBody(n, n+1, io.EOF) }, "is longer than", Connection, true},
		"far too long":        {func(n int64) File { return badBody(n, 3*n, io.EOF) }, "is longer than", Connection, true},
		"a wrong checksum":    {func(n int64) File { return badBody(n, n, broken) }, "broke off while it was read, nothing was stored: checksum mismatch", Connection, true},
		"a broken connection": {func(n int64) File { return badBody(n, n/2, io.ErrUnexpectedEOF) }, "broke off", Connection, true},
		"a missing trailer":   {func(n int64) File { return badBody(n, n, io.ErrUnexpectedEOF) }, "broke off", Connection, true},
		"an error of its kind": {
			func(n int64) File { return badBody(n, n/2, denied) }, "the key expired", Authorization, true,
		},
		"no length and a wrong checksum": {func(n int64) File { return unknown(badBody(n, n, broken)) }, "checksum mismatch", Connection, false},
		"nothing to open":                {func(n int64) File { return File{Name: "a.bin", Size: n} }, "no content to send", BadRequest, false},
		"a failure to open": {func(n int64) File {
			return File{Name: "a.bin", Size: n, Open: func(context.Context) (io.ReadCloser, error) { return nil, denied }}
		}, "the key expired", Authorization, false},
	}
	ways := map[string]struct {
		drive bool
		size  int64
	}{"inline": {true, 300}, "chunks": {false, 9000}, "drive's upload": {true, 40_000}, "tool's upload": {false, 40_001}}
	for way, w := range ways {
		for name, b := range bodies {
			t.Run(way+", "+name, func(t *testing.T) {
				c := newCalls(t, map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "16000", "PLUGIN_MAX_FILE_SIZE": "20000"})
				results, failure := c.sendFile(w.drive, b.file(w.size))
				if failure == nil || !strings.Contains(failure.Message, b.want) || failure.Type != string(b.kind) {
					t.Errorf("error = %+v, want %s", failure, b.want)
				}
				for _, r := range results {
					if !strings.HasPrefix(r, `{"type":"blob_chunk"`) || strings.Contains(r, `"end":true`) {
						t.Errorf("the host got %.300s", r)
					}
				}
				if strings.HasSuffix(way, "upload") && b.begins {
					<-c.dify.finished
					if c.dify.aborted.Load() != 1 {
						t.Error("Dify saw a whole request")
					}
				}
				if len(c.dify.uploads) != 0 {
					t.Errorf("Dify stored %v", c.dify.uploads)
				}
			})
		}
	}
}

// A file that is only offered fails its call where a part of it was sent, or the call is over, and not otherwise.
func TestAFileThatIsOfferedMayBeDeclined(t *testing.T) {
	gone := func(n int64) File {
		return File{Name: "a.bin", Size: n, Open: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("it is gone") }}
	}
	for name, tt := range map[string]struct {
		file  File
		drive bool
		over  bool // the call is cancelled before
		fails string
	}{
		"an upload that is refused":     {file: badBody(40_000, 40_000, io.EOF)},
		"an upload of a drive":          {file: badBody(40_000, 40_000, io.EOF), drive: true},
		"a body that cannot be opened":  {file: gone(9000)},
		"a file without a body":         {file: File{Name: "a.bin", Size: 9000}},
		"a body that is broken at once": {file: badBody(9000, 8000, errors.New("broken"))},
		"a broken body of a drive":      {file: badBody(300, 200, errors.New("broken")), drive: true},
		"a body that breaks off":        {file: badBody(9000, 8500, errors.New("broken")), fails: "broke off while it was read"},
		"a body that is too short":      {file: badBody(9000, 8500, io.EOF), fails: "ended after 8500 of 9000 bytes"},
		"a call that is over":           {file: badBody(40_000, 40_000, io.EOF), over: true, fails: "canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCalls(t, map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "16000", "PLUGIN_MAX_FILE_SIZE": "20000"})
			c.dify.answer = func(int) (int, string) { return http.StatusRequestEntityTooLarge, "too large" }
			var declined, broken error
			_, failure := outcome(t, c.run(t.Context(), "S1", tt.drive, func(ctx context.Context, call *Call) error {
				if tt.over {
					var cancel context.CancelFunc
					ctx, cancel = context.WithCancel(ctx)
					cancel()
				}
				declined, broken = call.OfferFile(ctx, tt.file)
				return nil
			}))
			if tt.fails == "" {
				if declined == nil || broken != nil || failure != nil {
					t.Errorf("declined = %v, err = %v, and the call failed with %+v", declined, broken, failure)
				}
				return
			}
			if declined != nil || broken == nil || failure == nil || !strings.Contains(failure.Message, tt.fails) {
				t.Errorf("declined = %v, err = %v, and the call failed with %+v", declined, broken, failure)
			}
		})
	}
	t.Run("a file that is taken", func(t *testing.T) {
		c := newCalls(t, nil)
		_, failure := outcome(t, c.run(t.Context(), "S1", false, func(ctx context.Context, call *Call) error {
			declined, err := call.OfferFile(ctx, badBody(9000, 9000, io.EOF))
			return errors.Join(declined, err)
		}))
		if failure != nil {
			t.Errorf("the call failed with %+v", failure)
		}
	})
}

func TestABodyIsClosedWhateverHappens(t *testing.T) {
	for _, size := range []int64{10, 30_000} {
		for _, end := range []error{io.EOF, errors.New("broken")} {
			for _, drive := range []bool{true, false} {
				for _, known := range []bool{true, false} {
					c := newCalls(t, map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "16000", "PLUGIN_MAX_FILE_SIZE": "20000"})
					var open atomic.Int64
					f := badBody(size, size, end)
					inner := f.Open
					f.Open = func(ctx context.Context) (io.ReadCloser, error) {
						open.Add(1)
						body, err := inner(ctx)
						return closing{body, &open}, err
					}
					if !known {
						f.Size = -1
					}
					c.sendFile(drive, f)
					if n := open.Load(); n != 0 {
						t.Errorf("size %d, %v, drive %v, known %v: %d bodies are open", size, end, drive, known, n)
					}
				}
			}
		}
	}
}

type closing struct {
	io.Reader
	open *atomic.Int64
}

func (c closing) Close() error { c.open.Add(-1); return nil }

// Every byte arrives, whichever way the size sends it.
func TestEveryByteArrives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newCalls(t, map[string]string{"PLUGIN_RUNTIME_MAX_BUFFER_SIZE": "16000", "PLUGIN_MAX_FILE_SIZE": "20000"})
		data := rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(rt, "data")
		data = bytes.Repeat(append(data, 'x'), rapid.IntRange(0, 150).Draw(rt, "times"))
		drive := rapid.Bool().Draw(rt, "drive")
		f := Bytes("dir/名 'a'.bin", "A/B; c=d", data)
		if rapid.Bool().Draw(rt, "unknown size") {
			f = unknown(f)
		}
		results, failure := c.sendFile(drive, f)
		if failure != nil {
			rt.Fatalf("%+v", failure)
		}
		var got []byte
		for i, r := range results {
			var m struct {
				Type    string
				Message struct {
					Blob        []byte
					Sequence    int
					TotalLength int `json:"total_length"`
					End         bool
					Text        string
				}
				Meta map[string]string
			}
			if err := json.Unmarshal([]byte(r), &m); err != nil {
				rt.Fatal(err)
			}
			name := m.Meta["filename"]
			if drive {
				name = m.Meta["file_name"]
			}
			if name != "名 'a'.bin" || m.Meta["mime_type"] != "a/b" {
				rt.Fatalf("meta %v", m.Meta)
			}
			switch m.Type {
			case "blob_chunk":
				if m.Message.Sequence != i || m.Message.TotalLength != len(data) || len(m.Message.Blob) > 8192 || m.Message.End != (i == len(results)-1) {
					rt.Fatalf("chunk %d: %.200s", i, r)
				}
			case "binary_link":
				if len(c.dify.uploads) != 1 || c.dify.uploads[0].Sum != sha256.Sum256(data) {
					rt.Fatalf("uploads %v", c.dify.uploads)
				}
				return
			}
			got = append(got, m.Message.Blob...)
		}
		if !bytes.Equal(got, data) {
			rt.Fatalf("%d bytes arrived, want %d", len(got), len(data))
		}
	})
}

func TestBlobsAreStandardBase64(t *testing.T) {
	c := newCalls(t, nil)
	data := []byte{0xfb, 0xff, 0xfe, 0x01}
	results, _ := c.sendFile(true, Bytes("a", "a/b", data))
	if want := `"blob":"` + base64.StdEncoding.EncodeToString(data) + `"`; len(results) != 1 || !strings.Contains(results[0], want) {
		t.Errorf("got %v, want %s", results, want)
	}
}

// The form is one that any server reads back with the exact name, and its length is announced.
func TestTheFormOfAnUpload(t *testing.T) {
	for given, want := range map[string]string{
		"plain.pdf": "plain.pdf", "存储桶 1.pdf": "存储桶 1.pdf", `quote"d.txt`: "quote_d.txt", "per%22cent.txt": "per_cent.txt", "50%.txt": "50%.txt",
		"a;b=c, 'd'.txt": "a;b=c, 'd'.txt", "dir/e\r\nX-Evil: 1.txt": "e__X-Evil_ 1.txt", "😀.bin": "😀.bin",
	} {
		t.Run(given, func(t *testing.T) {
			c := newCalls(t, map[string]string{"PLUGIN_MAX_FILE_SIZE": "1"})
			data := []byte("some content\r\n--boundary--\r\n")
			results, failure := c.sendFile(false, Bytes(given, "Text/Plain; charset=utf-8", data))
			if failure != nil || len(results) != 1 || len(c.dify.uploads) != 1 {
				t.Fatalf("%v, %+v, %v", results, failure, c.dify.uploads)
			}
			got := c.dify.uploads[0]
			if got.Length != int64(got.Body) {
				t.Errorf("%d bytes announced, %d sent", got.Length, got.Body)
			}
			want := uploaded{Name: want, Type: "text/plain", Form: "file", Size: len(data), Sum: sha256.Sum256(data), Length: got.Length, Body: got.Body}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The name and the type of the form are those that were announced: both are part of the upload address's signature.
func TestAnUploadIsAnnouncedAsItIsSent(t *testing.T) {
	c := newCalls(t, map[string]string{"PLUGIN_MAX_FILE_SIZE": "1"})
	events := c.run(t.Context(), "S1", false, func(ctx context.Context, call *Call) error {
		return call.File(ctx, Bytes("dir/a%22\"b.PNG", "", []byte("content")))
	})
	var invoke struct {
		Data struct {
			Request struct{ Filename, Mimetype string }
		}
	}
	if err := json.Unmarshal(events[0].Data, &invoke); err != nil {
		t.Fatal(err)
	}
	if got := c.dify.uploads[0]; got.Name != invoke.Data.Request.Filename || got.Type != invoke.Data.Request.Mimetype || got.Type != "image/png" {
		t.Errorf("announced %+v, sent %s %s", invoke.Data.Request, got.Name, got.Type)
	}
}

func TestUploadWithoutContentIsAnError(t *testing.T) {
	c := newCalls(t, nil)
	_, failure := outcome(t, c.run(t.Context(), "S1", false, func(ctx context.Context, call *Call) error {
		_, err := call.Upload(ctx, File{Name: "a"})
		return err
	}))
	if failure == nil || !strings.Contains(failure.Message, `file "a" has no content to send`) {
		t.Errorf("error = %+v", failure)
	}
}

// endless is a body that counts what is read of it.
type endless struct{ read *atomic.Int64 }

func (e endless) Read(p []byte) (int, error) { e.read.Add(int64(len(p))); return len(p), nil }

func (endless) Close() error { return nil }

func TestAnUploadIsReadNoFasterThanItIsSent(t *testing.T) {
	c := newCalls(t, nil)
	c.dify.Config.Handler = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.CopyN(io.Discard, r.Body, 1<<20)
		panic(http.ErrAbortHandler)
	})
	var read atomic.Int64
	open := func(context.Context) (io.ReadCloser, error) { return endless{&read}, nil }
	if _, failure := c.sendFile(false, File{Name: "film.mp4", Size: 64 << 20, Open: open}); failure == nil {
		t.Error("the upload passed for a success")
	}
	if n := read.Load(); n < 1<<20 || n > 32<<20 {
		t.Errorf("%d bytes were read when Dify had taken one MiB", n)
	}
}
