package transport

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// allLines reads to the end.
func allLines(r io.Reader) ([]string, error) {
	var lines []string
	for l := newLineReader(r); ; {
		line, err := l.next()
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
}

func TestLinesAreReadHoweverTheyArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.OneOf(
			rapid.StringMatching(`[a-z\r "{}]{0,40}`),
			rapid.Map(rapid.IntRange(readSize-2, 2*readSize+2), func(n int) string { return strings.Repeat("x", n) }),
		)).Draw(t, "lines")
		text := strings.Join(want, "\n")
		if len(want) > 0 && want[len(want)-1] == "" {
			want = want[:len(want)-1] // nothing after the last newline is no line
		}
		way := rapid.SampledFrom([]func(io.Reader) io.Reader{
			func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader,
		}).Draw(t, "way")
		got, err := allLines(way(strings.NewReader(text)))
		if diff := cmp.Diff(want, got); err != io.EOF || len(want)+len(got) > 0 && diff != "" {
			t.Fatalf("error %v, (-want +got):\n%s", err, diff)
		}
	})
}

func TestALineBeforeAFailureIsStillRead(t *testing.T) {
	broken := errors.New("broken")
	got, err := allLines(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)))
	if diff := cmp.Diff([]string{"a", "b"}, got); err != broken || diff != "" {
		t.Errorf("error %v, (-want +got):\n%s", err, diff)
	}
}

// Lines hold credentials, and the buffer lives as long as the process.
func TestTheReaderKeepsNothingOfALine(t *testing.T) {
	l := newLineReader(strings.NewReader("secret one\nsecret two\nsecret three"))
	for range 3 {
		line, err := l.next()
		if err != nil {
			t.Fatal(err)
		}
		rest := bytes.TrimSuffix(l.unread, []byte("\n"))
		for _, word := range bytes.Fields(bytes.ReplaceAll(l.buf, []byte{0}, []byte(" "))) {
			if bytes.Contains(line, word) && !bytes.Contains(rest, word) {
				t.Errorf("after %q the buffer still holds %q", line, word)
			}
		}
	}
	if kept := bytes.Trim(l.buf, "\x00"); len(kept) > 0 {
		t.Errorf("the buffer still holds %q", kept)
	}
}

// writes notes each Write.
type writes [][]byte

func (w *writes) Write(p []byte) (int, error) {
	*w = append(*w, bytes.Clone(p))
	return len(p), nil
}

func TestALineLeavesInOneWriteOrNotAtAll(t *testing.T) {
	var got writes
	w := newLockedWriter(&got, 5)
	if err := w.writeLine([]byte("12345\n")); err != nil {
		t.Error(err)
	}
	err := w.writeLine([]byte("123456\n"))
	var long *LineTooLongError
	if !errors.As(err, &long) || *long != (LineTooLongError{Size: 6, Limit: 5}) || err.Error() != "a line of 6 bytes is longer than the 5 bytes that the host reads" {
		t.Errorf("error = %v", err)
	}
	if err := w.writeLine([]byte("\n")); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff(writes{[]byte("12345\n"), []byte("\n")}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
