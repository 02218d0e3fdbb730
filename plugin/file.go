package plugin

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/cloudplugins/difyplugin/internal/wire"
)

// File is a file on its way to Dify.
type File struct {
	// Name is the file's base name. Anything up to the last slash is cut off.
	Name string
	// Type is the MIME type. Where it is empty it is guessed from the name; parameters are dropped.
	Type string
	// Size is the number of bytes, or -1 when it is not known. A body of any other length is an error, and the file
	// is then not stored.
	Size int64
	// Open returns the bytes. A read error other than [io.EOF] means that what was read so far is worthless: a body
	// that checks a checksum reports a mismatch that way. Open is called once where Size is known; otherwise it may
	// be called again, to send what was first only counted. What Open needs must be released when ctx ends, even if
	// Open was never called.
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Bytes is a File whose content is already in memory.
func Bytes(name, mimeType string, data []byte) File {
	return File{
		Name: name, Type: mimeType, Size: int64(len(data)),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

// File sends a file. How it travels is decided by its size: a small file of a tool goes as chunks through the
// protocol stream, a small file of a drive as one line, and a larger file is uploaded to Dify and sent as a link to
// it. Memory use does not grow with the file.
//
// The limits are the host's: 30 MiB for a tool (PLUGIN_MAX_FILE_SIZE), what fits into one line for a drive, at most
// 5 MiB encoded. With DIFYPLUGIN_FILE_LINKS=off larger files are an error that names the size and the setting.
//
// A file that cannot be sent fails the call, whatever its function returns. See [Call.OfferFile].
func (c *Call) File(ctx context.Context, f File) error { return c.failed(c.sendFile(ctx, f)) }

// OfferFile is File for a file that the call can do without, because its result says where else the file is. Why it
// could not be sent is then returned as declined, and the call may succeed. There is an err, which fails the call, where
// a file broke off after a part of it was sent, and where ctx has ended.
func (c *Call) OfferFile(ctx context.Context, f File) (declined, err error) {
	err = c.sendFile(ctx, f)
	var broken brokenOff
	if err == nil || errors.As(err, &broken) || ctx.Err() != nil {
		return nil, c.failed(err)
	}
	return err, nil
}

// brokenOff is the error of a file of which a part was sent.
type brokenOff struct{ error }

func (e brokenOff) Unwrap() error { return e.error }

func (c *Call) sendFile(ctx context.Context, f File) error {
	f.Name = baseName(f.Name)
	f.Type = mimeType(f.Type, f.Name)
	if f.Open == nil {
		return withoutContent(f)
	}
	if c.drive {
		return c.sendDriveFile(ctx, f)
	}
	return c.sendToolFile(ctx, f)
}

// sendDriveFile tries one line first: Dify does not put the chunks of a drive's file together.
func (c *Call) sendDriveFile(ctx context.Context, f File) error {
	meta := map[string]any{"file_name": f.Name, "mime_type": f.Type}
	before, after, err := wire.BlobFrame(c.session.ID(), meta)
	if err != nil {
		return fmt.Errorf("send file %q: %w", f.Name, err)
	}
	room := min(c.plugin.limits.line+1, maxInline) - len(before) - len(after)
	largest := int64(room) / 4 * 3
	if f.Size > largest {
		return c.sendLink(ctx, f, largest, wire.MessageBinaryLink)
	}
	encoded := room
	if f.Size >= 0 {
		encoded = base64.StdEncoding.EncodedLen(int(f.Size))
	}
	line, err := c.encodeInline(ctx, f, before, after, encoded)
	if errors.Is(err, errTooLarge) { // only when the size was not known
		return c.sendLink(ctx, f, largest, wire.MessageBinaryLink)
	}
	if err != nil {
		return err
	}
	defer c.plugin.budget.release(line)
	return c.session.Line(line.buf)
}

// errTooLarge says that a body of unknown size is larger than what was set aside for it.
var errTooLarge = errors.New("larger than expected")

// encodeInline reads the whole body, encoded, into the line that will carry it. The memory is taken from the
// plugin's budget, so that many downloads at once wait for each other instead of filling the machine; the caller
// gives it back.
func (c *Call) encodeInline(ctx context.Context, f File, before, after []byte, encoded int) (*inlineBuffer, error) {
	line, err := c.plugin.budget.acquire(ctx, len(before)+encoded+len(after))
	if err != nil {
		return nil, fmt.Errorf("send file %q: wait for memory: %w", f.Name, context.Cause(ctx))
	}
	if err := fillInline(ctx, f, line, before, after, encoded); err != nil {
		c.plugin.budget.release(line)
		return nil, err
	}
	return line, nil
}

func fillInline(ctx context.Context, f File, line *inlineBuffer, before, after []byte, encoded int) error {
	body, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	line.buf = append(line.buf, before...)
	enc := base64.NewEncoder(base64.StdEncoding, line)
	largest := int64(encoded) / 4 * 3 // for a known size at most 2 bytes above it, which the check below finds
	n, err := io.Copy(enc, io.LimitReader(body, largest+1))
	if err != nil {
		return unreadable(f, err)
	}
	if f.Size < 0 && n > largest {
		return errTooLarge
	}
	if f.Size >= 0 && n != f.Size {
		return wrongLength(f, n)
	}
	_ = enc.Close() // writes to memory, which cannot fail
	line.buf = append(line.buf, after...)
	return nil
}

// sendToolFile sends chunks, which Dify puts together, or a link to what was uploaded.
func (c *Call) sendToolFile(ctx context.Context, f File) error {
	if f.Size < 0 {
		size, err := count(ctx, f)
		if err != nil {
			return err
		}
		f.Size = size
	}
	if f.Size > c.plugin.limits.toolFile {
		kind := wire.MessageBinaryLink
		if strings.HasPrefix(f.Type, "image/") {
			kind = wire.MessageImageLink
		}
		return c.sendLink(ctx, f, c.plugin.limits.toolFile, kind)
	}
	return c.sendChunks(ctx, f)
}

// sendChunks sends a file in pieces.
func (c *Call) sendChunks(ctx context.Context, f File) error {
	body, err := f.Open(ctx)
	if err != nil {
		return err
	}
	defer body.Close()
	chunk := wire.BlobChunk{ID: newID(), TotalLength: f.Size, Blob: make([]byte, wire.ChunkSize)}
	if err := c.copyChunks(ctx, f, &chunk, body); err != nil {
		if chunk.Sequence > 0 {
			return brokenOff{err}
		}
		return err
	}
	return nil
}

// copyChunks announces the file's end only after the whole body was read and found right: a file whose end never comes
// is never stored.
func (c *Call) copyChunks(ctx context.Context, f File, chunk *wire.BlobChunk, body io.Reader) error {
	meta := map[string]any{"filename": f.Name, "mime_type": f.Type}
	whole := chunk.Blob
	var sent int64
	for {
		n, err := fill(whole, body)
		if err != nil && err != io.EOF {
			return unreadable(f, err)
		}
		if sent += int64(n); sent > f.Size {
			return wrongLength(f, sent)
		}
		if n > 0 {
			chunk.Blob = whole[:n]
			if err := c.message(wire.MessageBlobChunk, *chunk, meta); err != nil {
				return err
			}
			chunk.Sequence++
		}
		if err == io.EOF {
			break
		}
		if err := context.Cause(ctx); err != nil {
			return fmt.Errorf("send file %q: %w", f.Name, err)
		}
	}
	if sent != f.Size {
		return wrongLength(f, sent)
	}
	chunk.Blob, chunk.End = []byte{}, true
	return c.message(wire.MessageBlobChunk, *chunk, meta)
}

// fill reads until p is full or the body ends. Unlike [io.ReadFull] it never takes a body that broke off, which is what
// [io.ErrUnexpectedEOF] says, for one that ended.
func fill(p []byte, body io.Reader) (n int, err error) {
	for n < len(p) && err == nil {
		var more int
		more, err = body.Read(p[n:])
		n += more
	}
	return n, err
}

// sendLink uploads the file to Dify and sends a link to it.
func (c *Call) sendLink(ctx context.Context, f File, largest int64, kind string) error {
	if !c.plugin.limits.links {
		return c.tooLargeWithoutLinks(f, largest)
	}
	stored, err := c.Upload(ctx, f)
	if err != nil {
		return err
	}
	folder, nameKey := "tools", "filename"
	if c.drive {
		folder, nameKey = "datasources", "file_name"
	}
	return c.message(kind,
		wire.Text{Text: "/files/" + folder + "/" + stored.ID + stored.Extension},
		map[string]any{nameKey: f.Name, "mime_type": f.Type})
}

func (c *Call) tooLargeWithoutLinks(f File, largest int64) error {
	setting := "PLUGIN_MAX_FILE_SIZE"
	if c.drive {
		setting = "PLUGIN_RUNTIME_MAX_BUFFER_SIZE (on older hosts PLUGIN_STDIO_MAX_BUFFER_SIZE)"
	}
	size := "more than " + byteCount(largest)
	if f.Size >= 0 {
		size = byteCount(f.Size)
	}
	return Errorf(BadRequest, "file %q has %s, and at most %s fit into an answer while DIFYPLUGIN_FILE_LINKS is off: "+
		"ask the operator to remove DIFYPLUGIN_FILE_LINKS (Dify 1.14.2 or later) or to raise %s",
		f.Name, size, byteCount(largest), setting)
}

// count reads a body of unknown length to its end, for the announcements that need a length.
func count(ctx context.Context, f File) (int64, error) {
	body, err := f.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	n, err := io.Copy(io.Discard, body)
	if err != nil {
		return 0, unreadable(f, err)
	}
	return n, nil
}

// unreadable keeps the kind of an error that the author gave one, and calls the others broken connections.
func unreadable(f File, err error) error {
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("read file %q: %w", f.Name, err)
	}
	return Errorf(Connection, "file %q broke off while it was read, nothing was stored: %w; try again", f.Name, err)
}

func withoutContent(f File) error {
	return Errorf(BadRequest, "file %q has no content to send: its Open is nil", f.Name)
}

func wrongLength(f File, got int64) error {
	if got > f.Size {
		return Errorf(Connection, "file %q is longer than the %d bytes that were announced, nothing was stored; try again", f.Name, f.Size)
	}
	return Errorf(Connection, "file %q ended after %d of %d bytes, nothing was stored; try again", f.Name, got, f.Size)
}

// baseName is the last part of a path in a form that every step of the way keeps as it is: a signed upload names
// the file twice and fails where the two differ.
func baseName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	name = strings.TrimRight(name, "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.ReplaceAll(name, "%22", "_") // some form parsers read it as a quotation mark
	ext := path.Ext(name)
	if len(name) > maxName {
		if len(ext) > maxName/4 {
			ext = ""
		}
		name = truncate(name, maxName-len(ext)) + ext
	}
	if strings.Trim(name, ". ") == "" {
		return "file"
	}
	return name
}

// maxName is the longest file name in bytes that every file system and Dify's own tables take.
const maxName = 200

// truncate cuts s to at most n bytes without cutting a character in two.
func truncate(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// mimeType is one lower-case MIME type without parameters.
func mimeType(declared, name string) string {
	for _, t := range []string{declared, mime.TypeByExtension(strings.ToLower(path.Ext(name)))} {
		if t, _, err := mime.ParseMediaType(t); err == nil && strings.Count(t, "/") == 1 {
			return t
		}
	}
	return "application/octet-stream"
}

func byteCount(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d bytes", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	case n < 1<<30:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	default:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
}
