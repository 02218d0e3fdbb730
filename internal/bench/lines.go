package main

import (
	"bytes"
	"io"
)

// headSize is how much of a line is kept: enough to tell what it is and whose.
const headSize = 512

// lineReader splits a stream into lines and keeps only their beginnings: to decode a line takes longer than to
// write it, and the reader would be what is measured.
type lineReader struct {
	from io.Reader
	buf  []byte
	rest []byte // of buf, not yet looked at
	head []byte
	err  error // of from, after what rest holds
}

func newLineReader(from io.Reader) *lineReader {
	return &lineReader{from: from, buf: make([]byte, 1<<20), head: make([]byte, 0, headSize)}
}

// next returns the beginning of the next line, valid until the next call, and the line's whole length without its
// newline. What follows the last newline is not returned.
func (r *lineReader) next() (head []byte, length int64, err error) {
	r.head = r.head[:0]
	for {
		if len(r.rest) == 0 {
			if r.err != nil {
				return nil, 0, r.err
			}
			var n int
			n, r.err = r.from.Read(r.buf)
			r.rest = r.buf[:n]
			continue
		}
		piece, rest, ended := bytes.Cut(r.rest, []byte("\n"))
		r.rest = rest
		r.head = append(r.head, piece[:min(len(piece), headSize-len(r.head))]...)
		length += int64(len(piece))
		if ended {
			return r.head, length, nil
		}
	}
}

// event is what the beginning of a plugin's line says.
type event struct {
	name    string // heartbeat, session, log; "" for what is no event
	session string
	message string // stream, end, error, invoke
}

// parseEvent finds the three words where every known SDK puts them, in this order and before anything long.
func parseEvent(head []byte) event {
	rest := bytes.TrimSpace(head)
	if !bytes.HasPrefix(rest, []byte(`{"event"`)) {
		return event{}
	}
	name, rest := stringField(rest, "event")
	if name != "session" {
		return event{name: name}
	}
	session, rest := stringField(rest, "session_id")
	message, _ := stringField(rest, "type")
	return event{name, session, message}
}

// stringField returns the value of the first field of that name, without unescaping it, and what follows.
func stringField(text []byte, name string) (value string, rest []byte) {
	_, rest, found := bytes.Cut(text, []byte(`"`+name+`"`))
	if !found {
		return "", text
	}
	rest = bytes.TrimLeft(rest, " :")
	if !bytes.HasPrefix(rest, []byte(`"`)) {
		return "", rest
	}
	found2, rest, _ := bytes.Cut(rest[1:], []byte(`"`))
	return string(found2), rest
}
