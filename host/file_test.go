package host_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cloudplugins/difyplugin/host"
)

func chunk(id string, sequence, total int, blob string, end bool, meta string) string {
	return stream(fmt.Sprintf(`{"type":"blob_chunk","message":{"id":%q,"sequence":%d,"total_length":%d,"blob":%q,"end":%t},"meta":%s}`, id, sequence, total, blob, end, meta))
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// got describes a file in one line.
func got(t *testing.T, f *host.File) string {
	t.Helper()
	data, err := f.Bytes()
	must(t, err)
	if int64(len(data)) != f.Size {
		t.Errorf("file %s says that it has %d bytes, and has %d", f.Name, f.Size, len(data))
	}
	if len(data) > 20 {
		data = fmt.Appendf(nil, "%d bytes", len(data))
	}
	return fmt.Sprintf("%s (%s): %s", f.Name, f.Type, data)
}

func TestFilesOfTools(t *testing.T) {
	const meta = `{"filename":"a.txt","mime_type":"text/plain"}`
	full := strings.Repeat("a", 8192)
	tests := map[string]struct {
		lines []string
		opts  host.Options
		files []string
		err   host.Kind
		warns []host.Kind
	}{
		"a blob": {lines: []string{stream(`{"type":"blob","message":{"blob":"aGk="},"meta":` + meta + `}`)}, files: []string{"a.txt (text/plain): hi"}},
		"a blob without meta": {
			lines: []string{stream(`{"type":"blob","message":{"blob":""},"meta":null}`)}, files: []string{" (application/octet-stream): "},
		},
		"a name under the key of data sources": {
			lines: []string{stream(`{"type":"blob","message":{"blob":""},"meta":{"file_name":"a.txt"}}`)}, files: []string{" (application/octet-stream): "},
			warns: []host.Kind{host.KindFile},
		},
		"chunks":                            {lines: []string{chunk("f", 0, 4, b64("ab"), false, meta), chunk("f", 1, 4, b64("cd"), false, meta), chunk("f", 2, 4, "", true, meta)}, files: []string{"a.txt (text/plain): abcd"}},
		"bytes in the last chunk":           {lines: []string{chunk("f", 0, 4, b64("ab"), false, meta), chunk("f", 1, 4, b64("cd"), true, meta)}, files: []string{"a.txt (text/plain): abcd"}},
		"an empty file":                     {lines: []string{chunk("f", 0, 0, "", true, meta)}, files: []string{"a.txt (text/plain): "}},
		"the meta of the last chunk counts": {lines: []string{chunk("f", 0, 1, b64("a"), false, `{"filename":"wrong"}`), chunk("f", 1, 1, "", true, meta)}, files: []string{"a.txt (text/plain): a"}},
		"two files at once": {
			lines: []string{chunk("f", 0, 1, b64("1"), false, meta), chunk("g", 0, 1, b64("2"), false, meta), chunk("g", 1, 1, "", true, meta), chunk("f", 1, 1, "", true, meta)},
			files: []string{"a.txt (text/plain): 2", "a.txt (text/plain): 1"},
		},
		"an id that is used again": {
			lines: []string{chunk("f", 0, 1, b64("1"), true, meta), chunk("f", 0, 1, b64("2"), true, meta)},
			files: []string{"a.txt (text/plain): 1", "a.txt (text/plain): 2"},
		},
		"the order of arrival counts": {
			lines: []string{chunk("f", 1, 2, b64("b"), false, meta), chunk("f", 0, 2, b64("a"), false, meta), chunk("f", 2, 2, "", true, meta)},
			files: []string{"a.txt (text/plain): ba"},
			warns: []host.Kind{host.KindChunkOrder, host.KindChunkOrder, host.KindChunkOrder},
		},
		"fewer bytes than announced": {lines: []string{chunk("f", 0, 9, b64("a"), true, meta)}, files: []string{"a.txt (text/plain): a"}, warns: []host.Kind{host.KindChunkOrder}},
		"more bytes than announced":  {lines: []string{chunk("f", 0, 1, b64("abc"), true, meta)}, files: []string{"a.txt (text/plain): abc"}, warns: []host.Kind{host.KindChunkOrder}},
		"a length that changes": {
			lines: []string{chunk("f", 0, 1, b64("a"), false, meta), chunk("f", 1, 2, "", true, meta)}, files: []string{"a.txt (text/plain): a"},
			warns: []host.Kind{host.KindChunkOrder},
		},
		"a chunk of 8192 bytes":            {lines: []string{chunk("f", 0, 8192, b64(full), true, meta)}, files: []string{"a.txt (text/plain): 8192 bytes"}},
		"a chunk of 8193 bytes":            {lines: []string{chunk("f", 0, 8193, b64(full+"b"), true, meta)}, err: host.KindChunk},
		"a negative length":                {lines: []string{chunk("f", 0, -1, "", false, meta)}, err: host.KindChunk},
		"30 MiB are announced":             {lines: []string{chunk("f", 0, 30<<20, b64("a"), true, meta)}, files: []string{"a.txt (text/plain): a"}, warns: []host.Kind{host.KindChunkOrder}},
		"more than 30 MiB are announced":   {lines: []string{chunk("f", 0, 30<<20+1, b64("a"), true, meta)}, err: host.KindChunk},
		"a file at its limit":              {opts: host.Options{MaxFile: 4}, lines: []string{chunk("f", 0, 4, b64("abcd"), true, meta)}, files: []string{"a.txt (text/plain): abcd"}},
		"a file that grows past its limit": {opts: host.Options{MaxFile: 4}, lines: []string{chunk("f", 0, 4, b64("abcd"), false, meta), chunk("f", 1, 4, b64("e"), true, meta)}, err: host.KindChunk},
		"a blob that is not base64":        {lines: []string{stream(`{"type":"blob","message":{"blob":"a-_="},"meta":null}`)}, err: host.KindPayload},
		"a blob without padding":           {lines: []string{stream(`{"type":"blob","message":{"blob":"aGk"},"meta":null}`)}, err: host.KindPayload},
		"a chunk without end":              {lines: []string{stream(`{"type":"blob_chunk","message":{"id":"f","sequence":0,"total_length":0,"blob":""},"meta":null}`)}, err: host.KindPayload},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := connect(t, tt.opts, answer(append(tt.lines, endLine)...))
			result, err := c.Tool(t.Context(), who(), "t", nil)
			if kindOf(err) != tt.err || tt.err == "" && err != nil {
				t.Fatalf("the call ended with %v", err)
			}
			var files []string
			for _, f := range result.Files {
				files = append(files, got(t, f))
			}
			if diff := cmp.Diff(tt.files, files); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.warns, kinds(c)); tt.err == "" && diff != "" {
				t.Error("violations:", diff)
			}
		})
	}
}

func TestFilesOfDrives(t *testing.T) {
	tests := map[string]struct {
		lines []string
		want  string
		err   host.Kind
		warns []host.Kind
	}{
		"a blob":                 {lines: []string{stream(`{"type":"blob","message":{"blob":"aGk="},"meta":{"file_name":"a.pdf","mime_type":"text/plain"}}`)}, want: "a.pdf (text/plain): hi"},
		"a type that is guessed": {lines: []string{stream(`{"type":"blob","message":{"blob":"aGk="},"meta":{"file_name":"a.pdf"}}`)}, want: "a.pdf (application/pdf): hi"},
		"a name under the key of tools": {
			lines: []string{stream(`{"type":"blob","message":{"blob":"aGk="},"meta":{"filename":"a.pdf"}}`)}, want: " (application/octet-stream): hi",
			warns: []host.Kind{host.KindFile},
		},
		"chunks are refused": {lines: []string{chunk("f", 0, 1, b64("a"), true, `{}`)}, err: host.KindChunk},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := connect(t, host.Options{}, answer(append(tt.lines, endLine)...))
			file, err := c.Download(t.Context(), who(), "d", "b", "a.pdf")
			if kindOf(err) != tt.err || (err == nil) != (tt.err == "") {
				t.Fatalf("the call ended with %v", err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got(t, file)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.warns, kinds(c)); diff != "" {
				t.Error("violations:", diff)
			}
		})
	}
	t.Run("an answer without a file is an error", func(t *testing.T) {
		c := connect(t, host.Options{}, answer(endLine))
		if _, err := c.Download(t.Context(), who(), "d", "b", "a.pdf"); err == nil {
			t.Error("no error")
		}
	})
}

// TestAnySplitOfAFileMakesTheFile draws content and chunk sizes, with other files' chunks between.
func TestAnySplitOfAFileMakesTheFile(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 40_000).Draw(r, "content")
		sizes := rapid.SliceOfN(rapid.IntRange(0, 8192), 0, 20).Draw(r, "sizes")
		var lines []string
		sequence := 0
		send := func(piece []byte, end bool) {
			lines = append(lines,
				chunk("f", sequence, len(content), base64.StdEncoding.EncodeToString(piece), end, `{"filename":"f"}`),
				chunk("other", sequence, 1<<20, b64("noise"), false, `{}`))
			sequence++
		}
		rest := content
		for _, size := range sizes {
			size = min(size, len(rest))
			send(rest[:size], false)
			rest = rest[size:]
		}
		for len(rest) > 8192 {
			send(rest[:8192], false)
			rest = rest[8192:]
		}
		send(rest, true)
		lines = append(lines, chunk("other", sequence, 1<<20, "", true, `{}`), endLine)

		c := connect(t, host.Options{}, answer(lines...))
		defer c.Close()
		result, err := c.Tool(t.Context(), who(), "t", nil)
		if err != nil {
			r.Fatal(err)
		}
		data, err := result.Files[0].Bytes()
		if err != nil || string(data) != string(content) {
			r.Fatalf("%d bytes came out of %d: %v", len(data), len(content), err)
		}
	})
}
