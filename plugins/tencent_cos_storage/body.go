package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"net/http"
	"strconv"

	"github.com/cloudplugins/difyplugin/plugin"
)

// maxResumes is how often one download is taken up again after its connection broke.
const maxResumes = 5

// body reads an object's bytes as they are stored. When the connection breaks, it goes on from where it was. Its
// last read succeeds only when length and checksum are those that COS announced.
type body struct {
	ctx     context.Context
	object  *object
	current io.ReadCloser
	offset  int64
	sum     hash.Hash64
	resumes int
	end     error // what every further Read returns
}

func newBody(ctx context.Context, o *object, first io.ReadCloser) *body {
	return &body{ctx: ctx, object: o, current: first, sum: crc64.New(crc64.MakeTable(crc64.ECMA))}
}

func (b *body) Read(p []byte) (int, error) {
	if b.end != nil {
		return 0, b.end
	}
	if len(p) == 0 {
		return 0, nil
	}
	for {
		n, err := b.current.Read(p)
		b.offset += int64(n)
		b.sum.Write(p[:n])
		if err != nil {
			b.end = b.finish(err)
		}
		if n > 0 || b.end != nil {
			return n, b.ended(n)
		}
	}
}

// ended returns the end together with the last bytes only if it is a good one: an error may wait for the next Read.
func (b *body) ended(n int) error {
	if n > 0 && b.end != io.EOF {
		return nil
	}
	return b.end
}

// finish decides what the end of a connection means: io.EOF when the object is complete, nil when it goes on over
// another connection, an error when it cannot.
func (b *body) finish(err error) error {
	size := b.object.size
	switch {
	case err == io.EOF && (size < 0 || b.offset == size), b.offset == size:
		return b.verify()
	case b.ctx.Err() != nil:
		return fmt.Errorf("download %q: %w", clip(b.object.key), context.Cause(b.ctx))
	case size < 0, b.offset > size:
		return b.broken(err)
	}
	return b.resume(err)
}

// verify compares the checksum of what was read with that of what is stored.
func (b *body) verify() error {
	want, err := strconv.ParseUint(b.object.checksum, 10, 64)
	if err != nil || want == b.sum.Sum64() {
		return io.EOF
	}
	return b.object.operation().errorf(plugin.Connection, "what arrived is not what is stored, its checksum differs; nothing was "+
		"stored, try again")
}

// resume opens a connection for the rest.
func (b *body) resume(cause error) error {
	if b.resumes == maxResumes {
		return b.broken(cause)
	}
	b.resumes++
	b.object.log.Warn("a download broke off and is taken up again", "received", b.offset, "size", b.object.size)
	_ = b.current.Close()
	wait, _ := waitAfter(b.object.drive.firstWait, b.resumes, cause)
	if err := pause(b.ctx, wait); err != nil {
		return fmt.Errorf("download %q: %w", clip(b.object.key), err)
	}
	rest, err := b.object.get(b.ctx, b.offset)
	if err != nil {
		return err // get has tried several times
	}
	if err := b.continues(rest); err != nil {
		_ = rest.Body.Close()
		return err
	}
	b.current = rest.Body
	return nil
}

// continues makes sure that an answer is the rest of the same object.
func (b *body) continues(rest *http.Response) error {
	if err := b.object.same(rest); err != nil {
		return err
	}
	if b.offset == 0 && rest.ContentLength == b.object.size { // nothing had arrived, so the whole was asked for
		return nil
	}
	want := fmt.Sprintf("bytes %d-%d/%d", b.offset, b.object.size-1, b.object.size)
	if rest.StatusCode != http.StatusPartialContent || rest.Header.Get("Content-Range") != want {
		return b.object.operation().errorf(plugin.Connection, "the connection broke after %d of %d bytes, and the server did not "+
			"send the rest when asked for it; nothing was stored, try again", b.offset, b.object.size)
	}
	return nil
}

func (b *body) broken(cause error) error {
	reason := "the connection broke"
	if errors.Is(cause, errSilent) {
		reason = fmt.Sprintf("no data arrived for %v", b.object.drive.patience)
	}
	of := ""
	if b.object.size >= 0 {
		of = fmt.Sprintf(" of %d", b.object.size)
	}
	again := ""
	if b.resumes > 0 {
		again = fmt.Sprintf(", also when it was taken up again %d times", b.resumes)
	}
	return b.object.operation().errorf(plugin.Connection, "%s after %d%s bytes%s; nothing was stored, try again",
		reason, b.offset, of, again)
}

// Close ends the download.
func (b *body) Close() error {
	if b.end == nil {
		b.end = errors.New("read after close")
	}
	return b.current.Close()
}

// unpacked is a gzip object as the file that was packed. Reading it to its end reads the stored bytes to their end,
// so that their checksum is checked.
type unpacked struct {
	object *object
	stored *body
	reader io.Reader // nil before the first Read
}

func newUnpacked(stored *body, o *object) *unpacked { return &unpacked{object: o, stored: stored} }

func (u *unpacked) Read(p []byte) (int, error) {
	if u.reader == nil {
		if err := u.start(); err != nil {
			return 0, u.explain(err)
		}
	}
	n, err := u.reader.Read(p)
	return n, u.explain(err)
}

// start looks at the first bytes: what only claims to be packed is handed over as it is.
func (u *unpacked) start() error {
	buffered := bufio.NewReader(u.stored)
	u.reader = buffered
	magic, err := buffered.Peek(2)
	if err != nil && err != io.EOF {
		return err
	}
	if string(magic) != "\x1f\x8b" {
		return nil
	}
	packed, err := gzip.NewReader(buffered)
	if err != nil {
		return err
	}
	u.reader = packed
	return nil
}

// explain words errors of the packing. Those of the download have their words already, and come first: what arrived
// damaged cannot be unpacked either.
func (u *unpacked) explain(err error) error {
	if err == nil || err == io.EOF || isKind(err) || u.stored.ctx.Err() != nil {
		return err
	}
	if _, damaged := io.Copy(io.Discard, u.stored); damaged != nil {
		return damaged
	}
	return u.object.operation().errorf(plugin.BadRequest, "its Content-Encoding is gzip, but it cannot be unpacked (%w): "+
		"upload it again, or correct its metadata in the COS console", err)
}

func (u *unpacked) Close() error { return u.stored.Close() }
