package transcribe

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cloudplugins/difyplugin/plugin"
)

func TestMediaAreKnownByTheirBytesThenTheirTypeThenTheirName(t *testing.T) {
	for _, tt := range []struct {
		head, mediaType, name string
		want                  format
	}{
		{"#!AMR\n", "", "", amr},
		{"#!AMR-WB\n", "text/html", "a.txt", amr},
		{"fLaC\x00", "audio/mpeg", "a.mp3", flac},
		{"OggS\x00", "", "", ogg},
		{"RIFF\x24\x00\x00\x00WAVEfmt ", "", "", wav},
		{"RF64\xff\xff\xff\xffWAVEds64", "", "", wav},
		{"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm", "", "", webm},
		{"\x00\x00\x00\x20ftypM4A \x00", "video/mp4", "a.mp4", m4a},
		{"\x00\x00\x00\x20ftypisom", "", "", mp4},
		{"\x00\x00\x00\x20ftypisom", "audio/mp4", "", m4a},
		{"\x00\x00\x00\x20ftypmp42", "audio/mp4", "talk.m4a", m4a},
		{"\x00\x00\x00\x20ftypmp42", "audio/mp4", "talk.mp4", mp4},
		{"ID3\x04", "", "", mp3},
		{"\xff\xfb\x90\x00", "application/octet-stream", "x.bin", mp3},
		{"????", "audio/mpeg", "a.wav", mp3},
		{"????", "audio/x-wav", "", wav},
		{"????", "audio/x-m4a", "", m4a},
		{"????", "video/webm", "", webm},
		{"????", "", "TALK.MP3", mp3},
		{"????", "application/octet-stream", "a.flac", flac},
		{"????", "binary/octet-stream", "a.opus", ogg},
		{"????", "application/octet-stream", "a.awb", amr},
	} {
		got, err := detect([]byte(tt.head), tt.mediaType, tt.name)
		if got != tt.want || err != nil {
			t.Errorf("%q of the type %q by the name %q: %s, %v", tt.head, tt.mediaType, tt.name, got, err)
		}
	}
}

func TestWhatCannotBeTranscribedIsRefused(t *testing.T) {
	for _, tt := range []struct{ head, mediaType, name, says string }{
		{"<!DOCTYPE html>", "text/html", "talk.mp3", "is text/html"},
		{"\xff\xf1\x50\x80", "audio/aac", "a.aac", "is audio/aac"},
		{"\xff\xf1\x50\x80", "", "a.aac", "is a file of the kind .aac"},
		{"\x1aE\xdf\xa3\x93B\x82\x88matroska", "video/x-matroska", "a.mkv", "is video/x-matroska"},
		{"\x00\x00\x00\x14ftypqt  ", "video/quicktime", "a.mov", "is video/quicktime"},
		{"RIFF\x24\x00\x00\x00AVI LIST", "", "a.avi", "is a file of the kind .avi"},
		{"%PDF-1.7", "application/octet-stream", "a.pdf", "is a file of the kind .pdf"},
		{"????", "", "", "has no type"},
	} {
		got, err := detect([]byte(tt.head), tt.mediaType, tt.name)
		if got != "" || err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "amr, flac, m4a, mp3, mp4, ogg, wav and webm") {
			t.Errorf("%q of the type %q by the name %q: %q, %v", tt.head, tt.mediaType, tt.name, got, err)
		}
	}
}

func TestWhatTheToolMayRemove(t *testing.T) {
	for _, tt := range []struct {
		job, key string
		want     bool
	}{
		{"dify-A", "transcribe-files/dify-A.mp3", true},
		{"dify-A", mediaKey("dify-A", wav), true},
		{"dify-A", "transcribe-files/dify-B.mp3", false},
		{"dify-A", "transcribe-files/dify-A.txt", false},
		{"dify-A", "transcribe-files/dify-A.mp3/x", false},
		{"dify-A", "archive/transcribe-files/dify-A.mp3", false},
		{"dify-A", "call.mp3", false},
		{"weekly", "transcribe-files/weekly.mp3", false},
	} {
		if got := isMediaOf(tt.job, tt.key); got != tt.want {
			t.Errorf("%s of %s: %t", tt.key, tt.job, got)
		}
	}
}

// zeros is a body without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func fetched(content io.Reader) *plugin.Fetched {
	return &plugin.Fetched{Body: io.NopCloser(content), Size: -1, Type: "audio/mpeg", Name: "a.mp3"}
}

func TestMediaOfMoreThan2GBAreRefusedInTheMiddle(t *testing.T) {
	for _, tt := range []struct {
		left int64 // of what is permitted, when the last kilobyte comes
		want bool
	}{{1 << 10, true}, {1<<10 - 1, false}} {
		m, err := newMedia(fetched(io.LimitReader(zeros{}, 5<<10)))
		if err != nil {
			t.Fatal(err)
		}
		if m.end.left != maxMedia-4<<10 { // what was looked at
			t.Fatalf("%d bytes are left of %d", m.end.left, int64(maxMedia))
		}
		m.end.left = tt.left
		n, err := io.Copy(io.Discard, m.content)
		if fits := err == nil; fits != tt.want || m.unreadable() == tt.want || fits && n != 5<<10 {
			t.Errorf("with %d bytes left %d were read, %v", tt.left, n, err)
		}
		if err != nil && (plugin.KindOf(err) != plugin.BadRequest || !strings.Contains(err.Error(), "more than 2 GB")) {
			t.Errorf("%s: %v", plugin.KindOf(err), err)
		}
	}
}

func TestADownloadThatBreaksOffIsAFailureOfTheConnection(t *testing.T) {
	for name, failure := range map[string]error{"cut": io.ErrUnexpectedEOF, "reset": errors.New("connection reset")} {
		m, err := newMedia(fetched(io.MultiReader(io.LimitReader(zeros{}, 100_000), iotest.ErrReader(failure))))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, m.content)
		if plugin.KindOf(err) != plugin.Connection || !m.unreadable() || !errors.Is(err, failure) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := newMedia(fetched(iotest.ErrReader(context.DeadlineExceeded)))
	if !errors.Is(err, context.DeadlineExceeded) || plugin.KindOf(err) != plugin.Unavailable {
		t.Errorf("the end of the time: %v", err)
	}
}
