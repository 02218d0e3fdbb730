package media_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloudplugins/difyplugin/host"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/media"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/toolstest"
)

// wantFailure checks the kind of a failure and the words of its sentence.
func wantFailure(t *testing.T, failure *host.PluginError, kind plugin.Kind, words ...string) {
	t.Helper()
	toolstest.WantFailure(t, failure, kind, words...)
	if strings.Contains(failure.Message, "secret") {
		t.Errorf("the signature of a URL is shown: %s", failure.Message)
	}
}

func TestPicturesComeFirstAndInOrder(t *testing.T) {
	w := newWeb(t, animation(t, 10))
	result := w.Succeed(t, tool, with("frame_count", 4))
	if diff := cmp.Diff([]int{0, 3, 6, 9}, shades(t, result.Files)); diff != "" {
		t.Errorf("pictures: -want +got\n%s", diff)
	}
	for i, file := range result.Files {
		if file.Name != fmt.Sprintf("frame_%03d.png", i) || file.Type != "image/png" {
			t.Errorf("picture %d is %s of the type %s", i, file.Name, file.Type)
		}
	}
	var kinds []string
	for _, m := range result.Messages {
		kinds = append(kinds, string(m.Type))
	}
	if got, want := slices.Compact(kinds), []string{"blob", "json", "variable"}; !slices.Equal(got, want) {
		t.Errorf("the messages are %v, want %v", got, want)
	}
	toolstest.WantJSON(t, "the JSON", `{"frame_count": 10, "width": 4, "height": 3, "frames": [
		{"filename": "frame_000.png", "index": 0, "duration_ms": 100, "width": 4, "height": 3},
		{"filename": "frame_001.png", "index": 3, "duration_ms": 400, "width": 4, "height": 3},
		{"filename": "frame_002.png", "index": 6, "duration_ms": 700, "width": 4, "height": 3},
		{"filename": "frame_003.png", "index": 9, "duration_ms": 1000, "width": 4, "height": 3}]}`, result.JSON[0])
	for name, want := range map[string]string{
		"frame_count": "10", "frame_indices": "[0, 3, 6, 9]", "frame_durations": "[100, 400, 700, 1000]", "width": "4", "height": "3",
	} {
		toolstest.WantJSON(t, name, want, result.Variables[name])
	}
	if result.Text != "" {
		t.Errorf("there is the text %q", result.Text)
	}
}

func TestTheNumberOfPicturesIsReadFromWhateverDifySends(t *testing.T) {
	for _, tt := range []struct {
		name     string
		pictures int
		count    any
		want     []int
	}{
		{"a number", 10, 4, []int{0, 3, 6, 9}},
		{"a float that is whole", 10, 3.0, []int{0, 4, 9}},
		{"a text", 10, "3", []int{0, 4, 9}},
		{"a text of a float", 10, " 5.0 ", []int{0, 2, 4, 6, 9}},
		{"null is the default", 10, nil, []int{0, 4, 9}},
		{"blank is the default", 10, "", []int{0, 4, 9}},
		{"one picture is the last", 10, 1, []int{9}},
		{"two are the first and the last", 10, 2, []int{0, 9}},
		{"more than there are is all", 4, 100, []int{0, 1, 2, 3}},
		{"two of one are the same", 1, 2, []int{0, 0}},
		{"three of one are one", 1, 3, []int{0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeb(t, animation(t, tt.pictures))
			result := w.Succeed(t, tool, with("frame_count", tt.count))
			if diff := cmp.Diff(tt.want, shades(t, result.Files)); diff != "" {
				t.Errorf("pictures: -want +got\n%s", diff)
			}
			for i, file := range result.Files {
				if file.Name != fmt.Sprintf("frame_%03d.png", i) {
					t.Errorf("picture %d is %s", i, file.Name)
				}
			}
		})
	}
}

func TestWrongParametersAreRefusedBeforeAnythingIsFetched(t *testing.T) {
	for _, tt := range []struct {
		name       string
		parameters map[string]any
		words      []string
	}{
		{"no picture", with("frame_count", 0), []string{"frame_count is 0", "at least 1"}},
		{"fewer than none", with("frame_count", -1.0), []string{"frame_count is -1"}},
		{"half a picture", with("frame_count", 2.5), []string{"frame_count", "whole number"}},
		{"no number", with("frame_count", "many"), []string{"frame_count", "whole number"}},
		{"a format that is not offered", with("input_type", "WEBP"), []string{"input_type", "must be one of GIF"}},
		{"no address", with("input_url", " "), []string{"input_url"}},
		{"no URL", with("input_url", "cat.gif"), []string{`input_url is "cat.gif"`, "https://"}},
		{"a file of the machine", with("input_url", "file:///etc/passwd"), []string{"input_url", "https://"}},
		{"both", with("input_url", "example.com/a.gif?sign=secret", "frame_count", 0), []string{"2 parameters are wrong", "frame_count", "input_url"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeb(t, animation(t, 2))
			wantFailure(t, w.Fail(t, tool, tt.parameters), plugin.BadRequest, tt.words...)
			if asked := w.Box.Requests(); len(asked) > 0 {
				t.Errorf("something was fetched: %v", asked)
			}
		})
	}
}

func TestAFileOfDifyIsUsedInsteadOfTheURL(t *testing.T) {
	w := newWeb(t, []byte("not this"))
	file := w.File("cat.gif", "image/gif", animation(t, 5))
	for _, url := range []string{"-", link} {
		result := w.Succeed(t, tool, with("input_file", file, "input_url", url, "frame_count", 2))
		if diff := cmp.Diff([]int{0, 4}, shades(t, result.Files)); diff != "" {
			t.Errorf("pictures: -want +got\n%s", diff)
		}
	}
	for _, asked := range w.Box.Requests() {
		if asked.Host == pictureHost {
			t.Errorf("the URL was fetched too: %v", asked)
		}
	}
}

func TestSection3_13Bug1_CallsAtOnceGetTheirOwnPictures(t *testing.T) {
	w := newWeb(t, nil)
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		var tint int
		if _, err := fmt.Sscanf(r.URL.Path, "/%d.gif", &tint); err != nil {
			http.NotFound(rw, r)
			return
		}
		_, _ = rw.Write(shaded(t, 20, tint))
	}
	var calls sync.WaitGroup
	for tint := range 30 {
		calls.Go(func() {
			result, err := w.Tool(t.Context(), toolstest.Caller(nil), tool, with("input_url", fmt.Sprintf("https://%s/%d.gif", pictureHost, tint), "frame_count", 5))
			if err != nil || len(result.Files) != 5 {
				t.Errorf("A8: call %d got %d pictures, %v", tint, len(result.Files), err)
			}
			for i, file := range result.Files {
				if index, got := shade(t, file); got != tint || index != []int{0, 4, 9, 14, 19}[i] {
					t.Errorf("A8: call %d got picture %d of call %d", tint, index, got)
				}
			}
		})
	}
	calls.Wait()
}

func TestSection3_13Bug2_AddressesInsideAreRefused(t *testing.T) {
	w := newWeb(t, animation(t, 2))
	w.answer = func(rw http.ResponseWriter, r *http.Request) {
		http.Redirect(rw, r, "https://169.254.169.254/latest/meta-data/", http.StatusFound)
	}
	for _, tt := range []struct{ name, url, word string }{
		{"the machine itself", "http://127.0.0.1/a.gif", "loopback"},
		{"a private network", "https://10.0.0.1/a.gif", "private"},
		{"cloud metadata", "http://169.254.169.254/latest/", "metadata"},
		{"a redirect there", link, "169.254.169.254"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantFailure(t, w.Fail(t, tool, with("input_url", tt.url)), plugin.BadRequest, tt.word)
		})
	}
}

func TestSection3_13Bug3_WhatCouldNotBeFetchedIsAFailure(t *testing.T) {
	page := "<!DOCTYPE html><html><body>A page with a picture</body></html>"
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		kind   plugin.Kind
		words  []string
	}{
		{"no such file", http.NotFound, plugin.BadRequest, []string{"404"}},
		{"a file for others", func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", http.StatusForbidden) }, plugin.Authorization, []string{"403"}},
		{"a broken server", func(rw http.ResponseWriter, _ *http.Request) { http.Error(rw, "no", http.StatusBadGateway) }, plugin.Unavailable, []string{"502"}},
		{"a page", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(page)) }, plugin.BadRequest, []string{`"cat.gif" cannot be read as a GIF`, "text/html", "convert it to GIF"}},
		{"another picture", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("RIFF\x10\x00\x00\x00WEBPVP8X")) }, plugin.BadRequest, []string{"image/webp"}},
		{"an animated PNG", func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("\x89PNG\r\n\x1a\n")) }, plugin.BadRequest, []string{"image/png"}},
		{"nothing", func(http.ResponseWriter, *http.Request) {}, plugin.BadRequest, []string{"it is empty"}},
		{"a connection that breaks", func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Length", "5000")
			_, _ = rw.Write(animation(t, 2))
		}, plugin.Connection, []string{"could not be downloaded"}},
		{"a connection that breaks at an unknown length", func(rw http.ResponseWriter, _ *http.Request) {
			_, _ = rw.Write(animation(t, 2))
			rw.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, plugin.Connection, []string{"could not be downloaded", "try again"}},
		{"a file that is cut off", func(rw http.ResponseWriter, _ *http.Request) {
			whole := animation(t, 2)
			_, _ = rw.Write(whole[:len(whole)-6])
		}, plugin.BadRequest, []string{"frame 2 of 2", "its data end before it is complete"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWeb(t, nil)
			w.answer = tt.answer
			wantFailure(t, w.Fail(t, tool, with()), tt.kind, tt.words...)
		})
	}
}

func TestLimitsAreNamed(t *testing.T) {
	endless := func(rw http.ResponseWriter, _ *http.Request) {
		for range 200 {
			_, _ = rw.Write(make([]byte, 1000))
			rw.(http.Flusher).Flush()
		}
	}
	for _, tt := range []struct {
		name   string
		bounds media.Bounds
		answer http.HandlerFunc
		kind   plugin.Kind
		words  []string
	}{
		{"bytes that were announced", media.Bounds{Bytes: 100}, nil, plugin.BadRequest, []string{"100 bytes"}},
		{"bytes that were not announced", media.Bounds{Bytes: 100_000}, endless, plugin.BadRequest, []string{"larger", "100000 bytes"}},
		{"pixels", media.Bounds{Pixels: 11}, nil, plugin.BadRequest, []string{"4 x 3 pixels", "the limit is 11"}},
		{"frames", media.Bounds{Frames: 4}, nil, plugin.BadRequest, []string{"more than 4 frames", "limit"}},
		{"time", media.Bounds{Time: time.Nanosecond}, nil, plugin.Unavailable, []string{"not ready after 1ns", "limit"}},
		{"time while others have the memory for files", media.Bounds{Time: time.Second / 5, NoFiles: true}, nil, plugin.Unavailable, []string{"not ready after 200ms"}},
		{"time while others have the memory for pictures", media.Bounds{Time: time.Second / 5, NoCanvases: true}, nil, plugin.Unavailable, []string{"not ready after 200ms", "limit"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWebWith(t, animation(t, 5), media.ExtractFrameWithin(tt.bounds))
			if tt.answer != nil {
				w.answer = tt.answer
			}
			wantFailure(t, w.Fail(t, tool, with()), tt.kind, tt.words...)
		})
	}
	t.Run("what is within the limits passes", func(t *testing.T) {
		w := newWebWith(t, animation(t, 5), media.ExtractFrameWithin(media.Bounds{Pixels: 12, Frames: 5, Bytes: int64(len(animation(t, 5)))}))
		w.Succeed(t, tool, with())
	})
}

func TestAFileOfUnknownLengthIsReadWhole(t *testing.T) {
	w := newWeb(t, nil)
	file := append(animation(t, 5), make([]byte, 5<<19)...) // what is behind the end does not matter
	w.answer = func(rw http.ResponseWriter, _ *http.Request) {
		for piece := range slices.Chunk(file, 100_000) {
			_, _ = rw.Write(piece)
			rw.(http.Flusher).Flush()
		}
	}
	result := w.Succeed(t, tool, with("frame_count", 5))
	if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, shades(t, result.Files)); diff != "" {
		t.Errorf("pictures: -want +got\n%s", diff)
	}
}

func TestA9_NothingIsWrittenToDisk(t *testing.T) {
	scratch := t.TempDir()
	for _, variable := range []string{"TMPDIR", "HOME"} {
		t.Setenv(variable, scratch)
	}
	w := newWeb(t, animation(t, 5))
	before := contents(t, ".")
	kept := contents(t, scratch) // the sandbox's certificate
	w.Succeed(t, tool, with())
	if diff := cmp.Diff(before, contents(t, ".")); diff != "" {
		t.Errorf("A9, A10, A27: files beside the plugin: -before +after\n%s", diff)
	}
	if diff := cmp.Diff(kept, contents(t, scratch)); diff != "" {
		t.Errorf("A9, A10, A27: temporary files: -before +after\n%s", diff)
	}
	for _, folder := range []string{".", "gif"} {
		for _, path := range imports(t, folder) {
			if path == "os" || path == "syscall" || strings.HasPrefix(path, "os/") || strings.HasPrefix(path, "io/ioutil") {
				t.Errorf("A9: the package in %s imports %s, with which files can be written", folder, path)
			}
		}
	}
}

// contents are the names of all files below a folder.
func contents(t *testing.T, folder string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// imports are the packages that the files of a folder import, without those of tests.
func imports(t *testing.T, folder string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	var paths []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range parsed.Imports {
			paths = append(paths, strings.Trim(spec.Path.Value, `"`))
		}
	}
	return paths
}

func TestA4_NeitherAddressesNorPicturesAreLogged(t *testing.T) {
	w := newWeb(t, animation(t, 5))
	w.Succeed(t, tool, with())
	for _, line := range w.Logs() {
		for _, word := range []string{"secret", "cat.gif", pictureHost} {
			if text := fmt.Sprintf("%+v", line); strings.Contains(text, word) {
				t.Errorf("A4: %q stands in the log: %s", word, text)
			}
		}
	}
}
