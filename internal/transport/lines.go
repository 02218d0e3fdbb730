package transport

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"
)

// readSize is how much is asked of the operating system at once.
const readSize = 64 << 10

// lineSource gives lines without their newlines, and [io.EOF] after the last.
type lineSource interface {
	next() ([]byte, error)
}

// lineReader reads lines of any length. Each line is memory of its own, and the read buffer is wiped behind it:
// lines hold credentials, and the buffer lives as long as the process.
type lineReader struct {
	r      io.Reader
	buf    []byte
	unread []byte // the part of buf that was read and not yet returned
	err    error
}

func newLineReader(r io.Reader) *lineReader {
	return &lineReader{r: r, buf: make([]byte, readSize)}
}

// next returns the next line without its newline. A last line without a newline is returned before [io.EOF].
func (l *lineReader) next() ([]byte, error) {
	var line []byte
	for {
		if i := bytes.IndexByte(l.unread, '\n'); i >= 0 {
			line = append(line, l.unread[:i]...)
			l.drop(i + 1)
			return line, nil
		}
		line = append(line, l.unread...)
		l.drop(len(l.unread))
		if l.err != nil {
			if len(line) > 0 {
				return line, nil
			}
			return nil, l.err
		}
		n, err := l.r.Read(l.buf)
		l.unread, l.err = l.buf[:n], err
	}
}

func (l *lineReader) drop(n int) {
	clear(l.unread[:n])
	l.unread = l.unread[n:]
}

// lockedWriter writes whole lines, one at a time, each in one Write.
type lockedWriter struct {
	limit int // the longest line in bytes, without its newline
	w     io.Writer
	turn  chan struct{} // holds one token: who takes it may write
	since atomic.Int64  // when the write under way began, in Unix nanoseconds; 0 while there is none
}

func newLockedWriter(w io.Writer, limit int) *lockedWriter {
	turn := make(chan struct{}, 1)
	turn <- struct{}{}
	return &lockedWriter{w: w, limit: limit, turn: turn}
}

func (w *lockedWriter) writeLine(line []byte) error {
	if size := len(line) - 1; size > w.limit {
		return &LineTooLongError{Size: size, Limit: w.limit}
	}
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	w.since.Store(time.Now().UnixNano())
	defer w.since.Store(0)
	_, err := w.w.Write(line)
	return err
}

// blocked is how long the write under way has been waiting for its reader.
func (w *lockedWriter) blocked() time.Duration {
	since := w.since.Load()
	if since == 0 {
		return 0
	}
	return time.Duration(time.Now().UnixNano() - since)
}
