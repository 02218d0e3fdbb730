package s3

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// pass hands a request to gofakes3, without the headers that it would keep as the object's own. The answer goes to w,
// unless it is an error. A body that does not match its signature or checksum is an error of its own.
func (s *Store) pass(w http.ResponseWriter, r *aws.Request, at place) *aws.Error {
	body := &watchedBody{ReadCloser: r.Body}
	inner := r.Request.Clone(r.Context())
	inner.URL = &url.URL{Path: "/" + at.bucket + "/" + at.key, RawQuery: r.URL.RawQuery}
	inner.Body = body
	inner.Header = http.Header{}
	for name, values := range r.Header {
		if !strings.HasPrefix(name, "X-Amz-") || strings.HasPrefix(name, "X-Amz-Meta-") {
			inner.Header[name] = values
		}
	}
	if inner.Header.Get("Content-Type") == "" {
		inner.Header.Set("Content-Type", defaultType)
	}
	inner.Header.Set("Content-Length", strconv.FormatInt(max(r.ContentLength, 0), 10))
	out := &passed{ResponseWriter: w, hold: r.Method != http.MethodGet}
	s.fake.ServeHTTP(out, inner)
	if body.failure != nil {
		return body.failure
	}
	return out.finish()
}

// watchedBody remembers why reading it failed.
type watchedBody struct {
	io.ReadCloser
	failure *aws.Error
}

// Read implements [io.Reader].
func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &b.failure) {
		b.failure = &aws.Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	}
	return n, err
}

// passed is the answer of gofakes3. Errors, and where hold says so all answers, are kept back.
type passed struct {
	http.ResponseWriter
	hold   bool
	status int
	body   bytes.Buffer
}

// WriteHeader implements [http.ResponseWriter].
func (p *passed) WriteHeader(status int) {
	if p.status != 0 {
		return
	}
	p.status = status
	p.hold = p.hold || status >= http.StatusMultipleChoices
	if !p.hold {
		p.ResponseWriter.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter].
func (p *passed) Write(data []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	if p.hold {
		return p.body.Write(data)
	}
	return p.ResponseWriter.Write(data)
}

// finish sends what was held, or returns it as an error.
func (p *passed) finish() *aws.Error {
	p.WriteHeader(http.StatusOK)
	if !p.hold {
		return nil
	}
	if p.status < http.StatusMultipleChoices {
		p.ResponseWriter.WriteHeader(p.status)
		_, _ = p.ResponseWriter.Write(p.body.Bytes()) // the client may have gone
		return nil
	}
	var said struct{ Code, Message string }
	_ = xml.Unmarshal(p.body.Bytes(), &said) // an empty document says nothing
	for _, name := range []string{"Content-Length", "Etag", "Content-Type", "Last-Modified"} {
		p.Header().Del(name)
	}
	return &aws.Error{Status: p.status, Code: said.Code, Message: said.Message}
}

func (s *Store) getObject(w http.ResponseWriter, r *aws.Request, at place) *aws.Error {
	s.mu.Lock()
	o := s.objects[at]
	s.mu.Unlock()
	if o.StorageClass == "GLACIER" || o.StorageClass == "DEEP_ARCHIVE" {
		return &aws.Error{
			Status: http.StatusForbidden, Code: "InvalidObjectState", Message: "The operation is not valid for the object's storage class",
			Details: [][2]string{{"StorageClass", o.StorageClass}},
		}
	}
	found, err := s.backend.HeadObject(at.bucket, at.key)
	if err == nil {
		_ = found.Contents.Close()
		etag := `"` + hexOf(found.Hash) + `"`
		if want := r.Header.Get("If-Match"); want != "" && want != etag {
			return &aws.Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"}
		}
		o.Attributes.write(w.Header())
		o.writeChecksum(w.Header(), r)
	}
	defer s.replace(at)
	return s.pass(w, r, at)
}

// writeChecksum announces the checksum of the whole object to who asked for the whole object and for the checksum.
func (o kept) writeChecksum(header http.Header, r *aws.Request) {
	if r.Header.Get("X-Amz-Checksum-Mode") != "ENABLED" || r.Header.Get("Range") != "" || r.URL.Query().Has("versionId") {
		return
	}
	switch {
	case o.composite != "":
		header.Set("X-Amz-Checksum-Crc32", o.composite)
		header.Set("X-Amz-Checksum-Type", "COMPOSITE")
	case o.crc32 != "":
		header.Set("X-Amz-Checksum-Crc32", o.crc32)
		header.Set("X-Amz-Checksum-Type", "FULL_OBJECT")
	}
}

func (s *Store) putObject(w http.ResponseWriter, r *aws.Request, b Bucket, at place) *aws.Error {
	a, failed := s.readAttributes(w, r, b)
	if failed != nil {
		return failed
	}
	if none := r.Header.Get("If-None-Match"); none != "" && none != "*" {
		return &aws.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "If-None-Match takes only an asterisk."}
	}
	sum := crc32.NewIEEE()
	r.Body = tee(r.Body, sum)
	if failed := s.pass(w, r, at); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[at] = kept{Attributes: a, crc32: encodeCRC32(sum.Sum32())}
	return nil
}

// deleteObject also succeeds where there is no object.
func (s *Store) deleteObject(w http.ResponseWriter, at place) *aws.Error {
	if _, err := s.backend.DeleteObject(at.bucket, at.key); err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, at)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// tee copies what is read of a body.
func tee(body io.ReadCloser, into io.Writer) io.ReadCloser {
	return struct {
		io.Reader
		io.Closer
	}{io.TeeReader(body, into), body}
}

func encodeCRC32(sum uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, sum))
}
