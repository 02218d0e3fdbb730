package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/cloudplugins/difyplugin/internal/fetch"
)

// maxUploadAnswer is how much of Dify's answer to an upload is read, in bytes.
const maxUploadAnswer = 1 << 20

// upload asks Dify for a signed URL and streams the file to it. The announced name and type are part of the
// signature, so both are sent again exactly as announced.
func (c *Call) upload(ctx context.Context, f File) (StoredFile, error) {
	f.Name, f.Type = baseName(f.Name), mimeType(f.Type, f.Name)
	if f.Open == nil {
		return StoredFile{}, withoutContent(f)
	}
	if f.Size < 0 {
		size, err := count(ctx, f)
		if err != nil {
			return StoredFile{}, err
		}
		f.Size = size
	}
	target, err := c.uploadURL(ctx, f)
	if err != nil {
		return StoredFile{}, err
	}
	form, err := newUploadForm(f)
	if err != nil {
		return StoredFile{}, err
	}
	content, err := f.Open(ctx)
	if err != nil {
		return StoredFile{}, err
	}
	body := &uploadBody{ctx: ctx, call: c, file: f, content: content}
	resp, err := c.plugin.fetch.client.Post(ctx, target, form.contentType, form.size(f.Size), form.around(body))
	if fault := body.fault.Load(); fault != nil {
		if err == nil {
			resp.Body.Close() // what the server says of a body that broke off is no news
		}
		return StoredFile{}, *fault
	}
	if err != nil {
		return StoredFile{}, fetchError(fmt.Errorf("upload %q to Dify: %w", f.Name, err))
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxUploadAnswer))
	if err != nil {
		return StoredFile{}, Errorf(Connection, "upload %q to Dify: its answer broke off: %w; try again", f.Name, err)
	}
	return uploadAnswer(f, resp.StatusCode, answer)
}

// uploadURL asks for a place to put the file.
func (c *Call) uploadURL(ctx context.Context, f File) (string, error) {
	var answer struct {
		URL string `json:"url"`
	}
	request := map[string]string{"filename": f.Name, "mimetype": f.Type}
	if err := c.ask(ctx, "upload_file", request, &answer); err != nil {
		return "", fmt.Errorf("upload %q to Dify: %w", f.Name, err)
	}
	if answer.URL == "" {
		return "", Errorf(Unavailable, "upload %q to Dify: it gave no address for the upload; check FILES_URL in Dify's settings", f.Name)
	}
	return answer.URL, nil
}

// uploadForm is the multipart form around the file.
type uploadForm struct {
	head, tail  []byte
	contentType string
}

func (u uploadForm) size(content int64) int64 {
	return int64(len(u.head)) + content + int64(len(u.tail))
}

// around is the whole body of the request. Closing it closes the content.
func (u uploadForm) around(content io.ReadCloser) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(u.head), content, bytes.NewReader(u.tail)), content}
}

func newUploadForm(f File) (uploadForm, error) {
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	header := textproto.MIMEHeader{}
	header.Set("Content-Disposition", multipart.FileContentDisposition("file", f.Name))
	header.Set("Content-Type", f.Type)
	if _, err := w.CreatePart(header); err != nil {
		return uploadForm{}, fmt.Errorf("upload %q to Dify: %w", f.Name, err)
	}
	head := bytes.Clone(buf.Bytes())
	buf.Reset()
	if err := w.Close(); err != nil {
		return uploadForm{}, fmt.Errorf("upload %q to Dify: %w", f.Name, err)
	}
	return uploadForm{head: head, tail: buf.Bytes(), contentType: w.FormDataContentType()}, nil
}

// uploadBody passes the file on. It ends only when the content has ended rightly and has the announced length; else
// it fails, the request is cut off before its last boundary, and Dify stores nothing.
type uploadBody struct {
	ctx     context.Context
	call    *Call
	file    File
	content io.ReadCloser
	sent    int64
	told    int64
	fault   atomic.Pointer[error] // the server may answer while the body is still being sent
}

// progressEvery is how many bytes pass between two reports of progress.
const progressEvery = 4 << 20

func (b *uploadBody) Read(p []byte) (int, error) {
	n, err := b.content.Read(p)
	b.sent += int64(n)
	if fault := b.check(err); fault != nil {
		b.fault.CompareAndSwap(nil, &fault)
		return 0, fault
	}
	if b.sent-b.told >= progressEvery || (err == io.EOF && b.told > 0) {
		b.told = b.sent
		b.call.Progress(b.ctx, "Uploading to Dify", b.sent, b.file.Size)
	}
	return n, err
}

// check finds what is wrong with the content after a read that returned err.
func (b *uploadBody) check(err error) error {
	switch {
	case b.sent > b.file.Size, err == io.EOF && b.sent < b.file.Size:
		return wrongLength(b.file, b.sent)
	case err != nil && err != io.EOF:
		return unreadable(b.file, err)
	default:
		return nil
	}
}

func (b *uploadBody) Close() error { return b.content.Close() }

// storedID is what an id of Dify's may look like: it becomes part of a link.
var storedID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// uploadAnswer reads what Dify says of an upload.
func uploadAnswer(f File, status int, answer []byte) (StoredFile, error) {
	if status != http.StatusCreated && status != http.StatusOK {
		return StoredFile{}, uploadRefused(f, status)
	}
	var stored struct {
		ID        string          `json:"id"`
		Name      string          `json:"name"`
		Size      json.RawMessage `json:"size"`
		Extension string          `json:"extension"`
		Type      string          `json:"mime_type"`
	}
	if err := json.Unmarshal(answer, &stored); err != nil {
		return StoredFile{}, Errorf(Unavailable, "upload %q to Dify: its answer is not the JSON of a stored file; check that FILES_URL leads to Dify and not to another server", f.Name)
	}
	if !storedID.MatchString(stored.ID) {
		return StoredFile{}, Errorf(Unavailable, "upload %q to Dify: its answer holds no usable id of the stored file", f.Name)
	}
	size, err := wholeNumber(string(stored.Size))
	if err == nil && size != f.Size {
		return StoredFile{}, Errorf(Unavailable, "upload %q to Dify: %d bytes were sent and %d stored; try again", f.Name, f.Size, size)
	}
	name := stored.Name
	if name == "" {
		name = f.Name
	}
	return StoredFile{
		ID: stored.ID, Name: name, Size: f.Size, Type: mimeType(stored.Type, f.Name),
		Extension: extension(stored.Extension, f.Name),
	}, nil
}

// uploadRefused says what a status means and what helps.
func uploadRefused(f File, status int) error {
	subject := fmt.Sprintf("upload %q (%s) to Dify", f.Name, byteCount(f.Size))
	switch {
	case status == http.StatusForbidden:
		return Errorf(Authorization, "%s: refused with status 403: the upload address expired before all was there, or FILES_URL and INTERNAL_FILES_URL "+
			"lead to different installations; try again, and raise FILES_ACCESS_TIMEOUT for slow connections", subject)
	case status == http.StatusRequestEntityTooLarge:
		return Errorf(BadRequest, "%s: the file is too large for this Dify (status 413): raise UPLOAD_FILE_SIZE_LIMIT and, in the proxy before it, NGINX_CLIENT_MAX_BODY_SIZE", subject)
	case status >= 500:
		return Errorf(Unavailable, "%s: Dify failed with status %d; try again, and look into the log of Dify's API service", subject, status)
	default:
		return Errorf(BadRequest, "%s: refused with status %d; check that FILES_URL leads to Dify", subject, status)
	}
}

var plainExtension = regexp.MustCompile(`^\.[A-Za-z0-9]{1,16}$`)

// extension is what a link to the stored file ends with, its dot included.
func extension(stored, name string) string {
	if stored != "" && !strings.HasPrefix(stored, ".") {
		stored = "." + stored
	}
	for _, ext := range []string{stored, path.Ext(name)} {
		if plainExtension.MatchString(ext) {
			return strings.ToLower(ext)
		}
	}
	return ".bin"
}

// fetchError gives an error of a transfer the kind that Dify knows.
func fetchError(err error) error {
	var known *fetch.Error
	if !errors.As(err, &known) {
		return err
	}
	switch known.Kind {
	case fetch.Unreachable, fetch.Timeout:
		return Errorf(Connection, "%w", err)
	case fetch.Canceled:
		return err
	case fetch.Status:
		return Errorf(statusKind(known.Status), "%w", err)
	default:
		return Errorf(BadRequest, "%w", err)
	}
}

func statusKind(status int) Kind {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return Authorization
	case status == http.StatusTooManyRequests:
		return RateLimit
	case status >= 500:
		return Unavailable
	default:
		return BadRequest
	}
}
