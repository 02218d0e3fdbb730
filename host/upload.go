package host

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const uploadPath = "/files/upload/for-plugin"

// UploadFault is what [Dify.FailUploads] makes of uploads.
type UploadFault struct {
	// Status, when not 0, is the answer to a body that was read to its end, for example 403, 413 or 500.
	Status int
	// Delay is a pause before the answer. It ends early when the client gives up.
	Delay time.Duration
	// Drop cuts the connection after DropAfter bytes of the body, without an answer.
	Drop      bool
	DropAfter int64
}

// FailUploads makes uploads fail from now on. The zero fault makes them work again.
func (d *Dify) FailUploads(fault UploadFault) {
	if d.http != nil {
		d.http.mu.Lock()
		d.http.fault = fault
		d.http.mu.Unlock()
	}
}

// announceUpload signs a URL for one file. Name and type are part of the signature, so that the upload must carry
// exactly those.
func (d *Dify) announceUpload(in Invocation) (any, error) {
	var file struct {
		Name string `json:"filename"`
		Type string `json:"mimetype"`
	}
	if err := json.Unmarshal(in.Request, &file); err != nil || file.Name == "" || file.Type == "" {
		return nil, invalidRequest("filename and mimetype are required")
	}
	if d.http == nil {
		return nil, errors.New("this stand-in for Dify keeps no files: it was given no folder")
	}
	user := in.Caller.UserID
	if user == "" {
		user = "DEFAULT-USER"
	}
	q := url.Values{
		"timestamp": {strconv.FormatInt(time.Now().Unix(), 10)},
		"nonce":     {strings.ReplaceAll(newUUID(), "-", "")},
		"tenant_id": {d.opts.TenantID},
		"user_id":   {user},
	}
	q.Set("sign", d.sign(file.Name, file.Type, q))
	return map[string]any{"url": d.http.base + uploadPath + "?" + q.Encode()}, nil
}

// sign is Dify's signature of an upload.
func (d *Dify) sign(name, mimeType string, q url.Values) string {
	mac := hmac.New(sha256.New, d.key)
	mac.Write([]byte(strings.Join([]string{
		"upload", name, mimeType,
		q.Get("tenant_id"), q.Get("user_id"), q.Get("timestamp"), q.Get("nonce"),
	}, "|")))
	return base64.URLEncoding.EncodeToString(mac.Sum(nil))
}

// signed reports whether an upload is what was announced, not too long ago.
func (d *Dify) signed(part uploadedPart, q url.Values) bool {
	if !hmac.Equal([]byte(d.sign(part.name, part.mimeType, q)), []byte(q.Get("sign"))) {
		return false
	}
	seconds, err := strconv.ParseInt(q.Get("timestamp"), 10, 64)
	return err == nil && time.Since(time.Unix(seconds, 0)) <= d.opts.UploadExpiry
}

// uploadServer is the part of Dify's HTTP interface that uploads need.
type uploadServer struct {
	dify   *Dify
	base   string // http://127.0.0.1:port
	server *http.Server
	served chan struct{}

	mu       sync.Mutex
	fault    UploadFault
	files    map[string]storedFile // by id
	closed   bool
	handlers sync.WaitGroup // uploads that are under way
}

type storedFile struct {
	name, mimeType, extension string
	size                      int64
	path                      string
}

// uploadedPart is a file of a multipart body, on its way into the folder.
type uploadedPart struct {
	name, mimeType string
	size           int64
	path           string // of the temporary file
}

func newUploadServer(d *Dify) (*uploadServer, error) {
	if err := os.MkdirAll(d.opts.Folder, 0o700); err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &uploadServer{
		dify: d, base: "http://" + listener.Addr().String(),
		served: make(chan struct{}), files: map[string]storedFile{},
	}
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+uploadPath, s.upload)
	routes.HandleFunc("GET /files/{folder}/{file}", s.download)
	s.server = &http.Server{Handler: routes, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.server.Serve(listener) // ends with ErrServerClosed
	}()
	return s, nil
}

// close cuts off what is under way, and waits for it: no handler writes into the folder afterwards.
func (s *uploadServer) close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	err := s.server.Close()
	<-s.served
	s.handlers.Wait()
	return err
}

// refusal is an answer in the form of Dify's errors.
type refusal struct {
	status     int
	code, text string
}

func (r refusal) Error() string { return r.text }

func (r refusal) write(w http.ResponseWriter) {
	writeJSON(w, r.status, map[string]any{"code": r.code, "message": r.text, "status": r.status})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, _ := marshal(v) // plain texts and numbers always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

func (s *uploadServer) upload(w http.ResponseWriter, r *http.Request) {
	fault, open := s.begin()
	if !open {
		return
	}
	defer s.handlers.Done()
	if fault.Drop {
		drop(w, r, fault.DropAfter)
		return
	}
	file, err := s.receive(r)
	pause(r.Context(), fault.Delay)
	if err == nil && fault.Status != 0 {
		err = faultRefusal(fault.Status)
		_ = os.Remove(file.path)
	}
	if err == nil {
		err = s.keep(w, file)
	}
	var refused refusal
	switch {
	case err == nil:
	case errors.As(err, &refused):
		refused.write(w)
	default:
		refusal{http.StatusInternalServerError, "internal_server_error", err.Error()}.write(w)
	}
}

// begin counts an upload as under way, unless the server is closing.
func (s *uploadServer) begin() (fault UploadFault, open bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return UploadFault{}, false
	}
	s.handlers.Add(1)
	return s.fault, true
}

// drop cuts the connection after n bytes of the body.
func drop(w http.ResponseWriter, r *http.Request, n int64) {
	_, _ = io.CopyN(io.Discard, r.Body, n)
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

func faultRefusal(status int) refusal {
	switch status {
	case http.StatusForbidden:
		return invalidUpload()
	case http.StatusRequestEntityTooLarge:
		return tooLarge()
	default:
		return refusal{status, "internal_server_error", http.StatusText(status)}
	}
}

func invalidUpload() refusal { return refusal{http.StatusForbidden, "forbidden", "Invalid request."} }

func tooLarge() refusal {
	return refusal{http.StatusRequestEntityTooLarge, "file_too_large", "File size exceeded."}
}

func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// receive reads a whole upload into a temporary file and checks it. On error nothing is left of it.
func (s *uploadServer) receive(r *http.Request) (storedFile, error) {
	if r.ContentLength < 0 || r.ContentLength == 0 && r.Header.Get("Content-Length") == "" {
		return storedFile{}, refusal{http.StatusLengthRequired, "length_required", "A Content-Length is required; a chunked body is not accepted."}
	}
	part, err := s.readBody(r)
	if err != nil {
		return storedFile{}, err
	}
	switch {
	case part.path == "":
		return storedFile{}, refusal{http.StatusForbidden, "forbidden", "File is required."}
	case part.name == "" || part.mimeType == "" || !s.dify.signed(part, r.URL.Query()):
		_ = os.Remove(part.path)
		return storedFile{}, invalidUpload()
	case s.dify.opts.MaxUpload > 0 && part.size > s.dify.opts.MaxUpload:
		_ = os.Remove(part.path)
		return storedFile{}, tooLarge()
	}
	return storedFile{
		name: part.name, mimeType: part.mimeType, extension: extensionFor(part.name, part.mimeType),
		size: part.size, path: part.path,
	}, nil
}

// readBody reads a multipart body to its very end. A body that is cut, or has no closing boundary, is an error.
func (s *uploadServer) readBody(r *http.Request) (part uploadedPart, err error) {
	defer func() {
		if err != nil && part.path != "" {
			_ = os.Remove(part.path)
		}
	}()
	body, err := multipartReader(r)
	if err != nil {
		return part, badBody(err)
	}
	for {
		p, err := body.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return part, badBody(err)
		}
		disposition, options := parseHeaderOptions(p.Header.Get("Content-Disposition"))
		name, isFile := options["filename"]
		if disposition != "form-data" || options["name"] != "file" || !isFile || part.path != "" {
			continue // Dify looks at the first file of this name only
		}
		kind, _ := parseHeaderOptions(p.Header.Get("Content-Type"))
		part.name, part.mimeType = name, strings.ToLower(kind)
		if part.path, part.size, err = s.save(p); err != nil {
			return part, err
		}
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return part, badBody(err)
	}
	return part, nil
}

func multipartReader(r *http.Request) (*multipart.Reader, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, errors.New("the body is not multipart/form-data with a boundary")
	}
	return multipart.NewReader(r.Body, params["boundary"]), nil
}

func badBody(err error) error {
	return refusal{http.StatusBadRequest, "bad_request", "The body is not complete: " + err.Error()}
}

// save streams a part into a temporary file. What is too large is read but not kept, so that the client gets to read
// the answer.
func (s *uploadServer) save(part io.Reader) (name string, size int64, err error) {
	f, err := os.CreateTemp(s.dify.opts.Folder, ".upload-*")
	if err != nil {
		return "", 0, fmt.Errorf("store the upload: %w", err)
	}
	kept := part
	if limit := s.dify.opts.MaxUpload; limit > 0 {
		kept = io.LimitReader(part, limit+1)
	}
	size, err = io.Copy(f, kept)
	if err == nil {
		_, err = io.Copy(io.Discard, part)
	}
	if err != nil {
		_ = f.Close()
		return f.Name(), size, badBody(err)
	}
	if err := f.Close(); err != nil {
		return f.Name(), size, fmt.Errorf("store the upload: %w", err)
	}
	return f.Name(), size, nil
}

// keep gives a file its place and answers with what Dify calls it.
func (s *uploadServer) keep(w http.ResponseWriter, file storedFile) error {
	id := newUUID()
	place := filepath.Join(s.dify.opts.Folder, id+file.extension)
	if err := os.Rename(file.path, place); err != nil {
		_ = os.Remove(file.path)
		return fmt.Errorf("store the upload: %w", err)
	}
	file.path = place
	s.mu.Lock()
	s.files[id] = file
	s.mu.Unlock()
	writeJSON(w, http.StatusCreated, map[string]any{
		"id": id, "name": file.name, "size": file.size,
		"extension": file.extension, "mime_type": file.mimeType,
		"preview_url": s.base + "/files/tools/" + id + file.extension,
		"created_at":  time.Now().Unix(),
	})
	return nil
}

// download serves a file that was uploaded. The ids are secret enough for the loopback address.
func (s *uploadServer) download(w http.ResponseWriter, r *http.Request) {
	file, ok := s.dify.StoredFile(r.URL.Path)
	if !ok {
		refusal{http.StatusNotFound, "not_found", "The file does not exist."}.write(w)
		return
	}
	body, err := file.Open()
	if err != nil {
		refusal{http.StatusNotFound, "not_found", "The file cannot be read."}.write(w)
		return
	}
	defer body.Close()
	w.Header().Set("Content-Type", file.Type)
	w.Header().Set("Content-Length", strconv.FormatInt(file.Size, 10))
	_, _ = io.Copy(w, body) // a client that is gone needs no more
}

// StoredFile finds an uploaded file by the path of its link, /files/tools/<id><extension> or
// /files/datasources/<id><extension>.
func (d *Dify) StoredFile(link string) (*File, bool) {
	m := storedPath.FindStringSubmatch(link)
	if m == nil || d.http == nil {
		return nil, false
	}
	d.http.mu.Lock()
	file, ok := d.http.files[m[2]]
	d.http.mu.Unlock()
	if !ok || file.extension != m[3] {
		return nil, false
	}
	return &File{
		Name: file.name, Type: file.mimeType, Size: file.size,
		open: func() (io.ReadCloser, error) { return os.Open(file.path) },
	}, true
}

// extensionFor is what Dify derives from the MIME type: the name's own extension where that fits.
func extensionFor(name, mimeType string) string {
	known, _ := mime.ExtensionsByType(mimeType) // no type, no extension
	own := strings.ToLower(path.Ext(name))
	switch {
	case len(known) == 0:
		return ".bin"
	case slices.Contains(known, own):
		return own
	default:
		return known[0]
	}
}
