package cos

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// metaPrefix begins the names of the headers that users store with an object.
const metaPrefix = "x-cos-meta-"

// overrides are the query parameters of GET Object that replace headers.
var overrides = map[string]string{
	"response-content-type":        "Content-Type",
	"response-content-language":    "Content-Language",
	"response-expires":             "Expires",
	"response-cache-control":       "Cache-Control",
	"response-content-disposition": "Content-Disposition",
	"response-content-encoding":    "Content-Encoding",
}

// readObject performs GET Object and HEAD Object.
func (x *exchange) readObject() *failure {
	o, err := x.store.object(x.bucket.name, x.target.key)
	if err != nil {
		return noSuchKey()
	}
	if failed := o.precondition(x.r.Header); failed != nil {
		return failed
	}
	if x.action == GetObject && o.archived() {
		return &failure{
			status: http.StatusForbidden, code: "InvalidObjectState",
			message: "The operation is not valid for the object's storage class",
			details: []parameter{{"StorageClass", o.meta.StorageClass}},
		}
	}
	span, failed := o.span(x.r.Header.Get("Range"))
	if failed != nil {
		return failed
	}
	return x.send(o, span)
}

// span is the part of the object that a Range header asks for.
func (o *object) span(header string) (byteRange, *failure) {
	whole := byteRange{length: o.size, size: o.size}
	if header == "" {
		return whole, nil
	}
	part, usable, satisfiable := parseRange(header, o.size)
	switch {
	case !usable:
		return whole, nil
	case !satisfiable:
		return byteRange{}, invalidRange(o.size)
	}
	return part, nil
}

// send answers with a part of the stored bytes, or with the headers alone.
func (x *exchange) send(o *object, span byteRange) *failure {
	body, err := o.content.open(span.start)
	if err != nil {
		return internalError()
	}
	defer body.Close()
	x.describe(o)
	x.w.Header().Set("Content-Length", strconv.FormatInt(span.length, 10))
	status := http.StatusOK
	if span.partial {
		status = http.StatusPartialContent
		x.w.Header().Set("Content-Range", span.contentRange())
	}
	x.w.WriteHeader(status)
	if x.action == GetObject {
		_, _ = io.Copy(x.w, io.LimitReader(body, span.length)) // the client may have gone
	}
	return nil
}

// describe sets the headers that tell of an object.
func (x *exchange) describe(o *object) {
	header := x.w.Header()
	set := func(name, value string) {
		if value != "" {
			header.Set(name, value)
		}
	}
	set("Content-Type", o.meta.ContentType)
	set("Content-Encoding", o.meta.ContentEncoding)
	set("Content-Disposition", o.meta.ContentDisposition)
	set("Cache-Control", o.meta.CacheControl)
	set("ETag", `"`+o.etag+`"`)
	set("Last-Modified", o.meta.LastModified.UTC().Format(http.TimeFormat))
	set("Accept-Ranges", "bytes")
	set("x-cos-hash-crc64ecma", strconv.FormatUint(o.checksum(), 10))
	if o.meta.StorageClass != Standard {
		set("x-cos-storage-class", o.meta.StorageClass)
	}
	if o.meta.Restored {
		set("x-cos-restore", `ongoing-request="false"`)
	}
	for name, value := range o.meta.User {
		set(metaPrefix+name, value)
	}
	for name, replaced := range overrides {
		value, _ := x.params.get(name)
		set(replaced, value)
	}
}

func (o *object) archived() bool {
	return (o.meta.StorageClass == Archive || o.meta.StorageClass == DeepArchive) && !o.meta.Restored
}

// precondition evaluates the conditional headers of RFC 9110 in its order.
func (o *object) precondition(header http.Header) *failure {
	if list := header.Get("If-Match"); list != "" {
		if !o.matches(list) {
			return preconditionFailed()
		}
	} else if since, err := http.ParseTime(header.Get("If-Unmodified-Since")); err == nil && o.modifiedAfter(since) {
		return preconditionFailed()
	}
	if list := header.Get("If-None-Match"); list != "" {
		if o.matches(list) {
			return o.notModified()
		}
	} else if since, err := http.ParseTime(header.Get("If-Modified-Since")); err == nil && !o.modifiedAfter(since) {
		return o.notModified()
	}
	return nil
}

func (o *object) modifiedAfter(t time.Time) bool { return o.meta.LastModified.After(t) }

// matches says whether a list of entity tags names the object. The service
// accepts tags without quotes, too.
func (o *object) matches(list string) bool {
	return slices.ContainsFunc(strings.Split(list, ","), func(tag string) bool {
		tag = strings.TrimSpace(tag)
		return tag == "*" || strings.Trim(tag, `"`) == o.etag
	})
}

func preconditionFailed() *failure {
	return &failure{
		status: http.StatusPreconditionFailed, code: "PreconditionFailed",
		message: "At least one of the pre-conditions you specified did not hold.",
	}
}

func (o *object) notModified() *failure {
	return &failure{status: http.StatusNotModified, code: "NotModified", header: map[string]string{"ETag": `"` + o.etag + `"`}}
}

func invalidRange(size int64) *failure {
	return &failure{
		status: http.StatusRequestedRangeNotSatisfiable, code: "InvalidRange",
		message: "The requested range is not satisfiable",
		header:  map[string]string{"Content-Range": fmt.Sprintf("bytes */%d", size)},
	}
}

// byteRange is an object of some size, or a part of it.
type byteRange struct {
	start, length, size int64
	partial             bool
}

func (b byteRange) contentRange() string {
	return fmt.Sprintf("bytes %d-%d/%d", b.start, b.start+b.length-1, b.size)
}

// parseRange reads a Range header with one range. A header that is malformed or
// has several ranges (whose comma is no digit) is not usable, and the whole object is the answer; a range
// that begins behind the end cannot be satisfied.
func parseRange(header string, size int64) (_ byteRange, usable, satisfiable bool) {
	spec, ok := strings.CutPrefix(header, "bytes=")
	first, last, found := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok || !found {
		return byteRange{}, false, false
	}
	if first == "" {
		suffix, err := strconv.ParseUint(last, 10, 63)
		if err != nil {
			return byteRange{}, false, false
		}
		length := min(int64(suffix), size)
		return byteRange{start: size - length, length: length, size: size, partial: true}, true, length > 0
	}
	start, err := strconv.ParseUint(first, 10, 63)
	if err != nil {
		return byteRange{}, false, false
	}
	end := size - 1
	if last != "" {
		parsed, err := strconv.ParseUint(last, 10, 63)
		if err != nil || parsed < start {
			return byteRange{}, false, false
		}
		end = min(end, int64(parsed))
	}
	if int64(start) >= size {
		return byteRange{}, true, false
	}
	return byteRange{start: int64(start), length: end - int64(start) + 1, size: size, partial: true}, true, true
}

// putObject performs PUT Object.
func (x *exchange) putObject() *failure {
	if failed := checkUpload(x.r, x.target.key); failed != nil {
		return failed
	}
	digest, failed := contentMD5(x.r.Header)
	if failed != nil {
		return failed
	}
	up, err := x.store.receive(http.MaxBytesReader(x.w, x.r.Body, MaxUploadSize))
	if err != nil {
		return uploadFailure(err)
	}
	if digest != nil && !bytes.Equal(digest, up.md5[:]) {
		_ = up.discard()
		return &failure{
			status: http.StatusBadRequest, code: "BadDigest",
			message: "The Content-MD5 you specified did not match what we received.",
		}
	}
	if err := x.store.commit(x.bucket.name, x.target.key, up.object(metaFrom(x.r.Header))); err != nil {
		_ = up.discard()
		return internalError()
	}
	x.w.Header().Set("ETag", fmt.Sprintf(`"%x"`, up.md5))
	x.w.Header().Set("x-cos-hash-crc64ecma", strconv.FormatUint(up.checksum, 10))
	x.w.Header().Set("Content-Length", "0")
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// checkUpload refuses what can be refused before the body is read.
func checkUpload(r *http.Request, key string) *failure {
	switch err := checkKey(key); {
	case errors.Is(err, errKeyLength):
		return &failure{status: http.StatusBadRequest, code: "KeyTooLong", message: "Your key is too long."}
	case err != nil:
		return &failure{status: http.StatusBadRequest, code: "InvalidObjectName", message: "The object key is not UTF-8."}
	case r.ContentLength > MaxUploadSize:
		return entityTooLarge()
	case r.Header.Get("x-cos-copy-source") != "":
		return &failure{status: http.StatusNotImplemented, code: "NotImplemented", message: "The sandbox does not copy objects."}
	}
	return nil
}

func entityTooLarge() *failure {
	return &failure{
		status: http.StatusBadRequest, code: "EntityTooLarge",
		message: "Your proposed upload exceeds the maximum allowed object size.",
	}
}

func uploadFailure(err error) *failure {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return entityTooLarge()
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &failure{status: http.StatusBadRequest, code: "IncompleteBody", message: "The request body terminated unexpectedly."}
	}
	return internalError()
}

// contentMD5 reads the digest that a client promises; nil when it promises none.
func contentMD5(header http.Header) ([]byte, *failure) {
	text := header.Get("Content-MD5")
	if text == "" {
		return nil, nil
	}
	digest, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(digest) != md5.Size {
		return nil, &failure{
			status: http.StatusBadRequest, code: "InvalidDigest",
			message: "The Content-MD5 you specified is not valid.",
		}
	}
	return digest, nil
}

func metaFrom(header http.Header) Meta {
	meta := Meta{
		ContentType:        header.Get("Content-Type"),
		ContentEncoding:    header.Get("Content-Encoding"),
		ContentDisposition: header.Get("Content-Disposition"),
		CacheControl:       header.Get("Cache-Control"),
		StorageClass:       header.Get("x-cos-storage-class"),
		User:               make(map[string]string),
	}
	for name := range header {
		if rest, ok := strings.CutPrefix(strings.ToLower(name), metaPrefix); ok {
			meta.User[rest] = header.Get(name)
		}
	}
	return meta
}

// deleteObject performs DELETE Object, which succeeds for a missing object.
func (x *exchange) deleteObject() {
	x.store.remove(x.bucket.name, x.target.key)
	x.w.WriteHeader(http.StatusNoContent)
}
