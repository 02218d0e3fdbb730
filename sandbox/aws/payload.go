package aws

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	unsignedPayload  = "UNSIGNED-PAYLOAD"
	unsignedTrailer  = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
	signedChunks     = "STREAMING-"
	trailerHeader    = "X-Amz-Trailer"
	checksumPrefix   = "x-amz-checksum-"
	maxSignedPayload = 64 << 20 // of a body that has to be read before its signature can be checked
	maxChunkLine     = 4 << 10
	maxTrailerLines  = 8
	chunkedEncoding  = "aws-chunked"
	decodedLength    = "X-Amz-Decoded-Content-Length"
)

// crc64NVMe is the polynomial of x-amz-checksum-crc64nvme, reflected.
const crc64NVMe = 0x9a6c9329ac4bc9b5

// newChecksum returns the hash behind the name of a checksum, or nil.
func newChecksum(name string) hash.Hash {
	switch strings.TrimPrefix(strings.ToLower(name), checksumPrefix) {
	case "crc32":
		return crc32.NewIEEE()
	case "crc32c":
		return crc32.New(crc32.MakeTable(crc32.Castagnoli))
	case "crc64nvme":
		return crc64.New(crc64.MakeTable(crc64NVMe))
	case "sha1":
		return sha1.New()
	case "sha256":
		return sha256.New()
	}
	return nil
}

// payloadHash returns what the signature must have covered as the hash of the body, and makes the body decoded and
// checked. S3 trusts what the client says in a header, and checks it while it reads; the other services read the body
// first.
func payloadHash(r *http.Request, sig signature) (string, *Error) {
	if sig.scope.service != "s3" {
		return readWhole(r)
	}
	said := sig.payload
	if sig.presigned {
		said = unsignedPayload
	}
	switch {
	case said == unsignedPayload:
		return said, checkHeaders(r)
	case said == unsignedTrailer:
		return said, decodeChunks(r)
	case strings.HasPrefix(said, signedChunks):
		return "", &Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "The sandbox does not read chunks with signatures of their own."}
	case len(said) != hex.EncodedLen(sha256.Size):
		return "", &Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "Missing required header for this request: x-amz-content-sha256"}
	}
	r.Body = &checkedBody{Reader: r.Body, Closer: r.Body, checks: []check{{
		hash: sha256.New(), encode: hex.EncodeToString, want: func() string { return said },
		failure: Error{Status: http.StatusBadRequest, Code: "XAmzContentSHA256Mismatch", Message: "The provided 'x-amz-content-sha256' header does not match what was computed."},
	}}}
	return said, checkHeaders(r)
}

func readWhole(r *http.Request) (string, *Error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSignedPayload+1))
	if err != nil {
		return "", asError(err)
	}
	if len(body) > maxSignedPayload {
		return "", &Error{Status: http.StatusRequestEntityTooLarge, Code: "RequestEntityTooLargeException", Message: "The body is too large."}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return hexSHA256(body), nil
}

// check compares a hash of the body with what the client said about it.
type check struct {
	hash    hash.Hash
	encode  func([]byte) string
	want    func() string // asked at the end of the body
	failure Error
}

// checkedBody reads a body and fails at its end when a check does.
type checkedBody struct {
	io.Reader
	io.Closer
	checks []check
}

// Read implements [io.Reader].
func (b *checkedBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	for _, c := range b.checks {
		c.hash.Write(p[:n])
	}
	if !errors.Is(err, io.EOF) {
		return n, err
	}
	for _, c := range b.checks {
		if c.encode(c.hash.Sum(nil)) != c.want() {
			failed := c.failure
			return n, &failed
		}
	}
	return n, err
}

func badDigest(name string) Error {
	return Error{
		Status: http.StatusBadRequest, Code: "BadDigest",
		Message: fmt.Sprintf("The %s you specified did not match the calculated checksum.", strings.ToUpper(strings.TrimPrefix(name, checksumPrefix))),
	}
}

// checkHeaders adds the checks that x-amz-checksum headers ask for.
func checkHeaders(r *http.Request) *Error {
	var checks []check
	for name := range r.Header {
		lower := strings.ToLower(name)
		if h := newChecksum(lower); h != nil && strings.HasPrefix(lower, checksumPrefix) {
			want := r.Header.Get(name)
			checks = append(checks, check{h, base64.StdEncoding.EncodeToString, func() string { return want }, badDigest(lower)})
		}
	}
	if len(checks) > 0 {
		r.Body = &checkedBody{Reader: r.Body, Closer: r.Body, checks: checks}
	}
	return nil
}

// decodeChunks makes a body of aws-chunked what it was before: chunks with their size in front, and a trailer with a
// checksum.
func decodeChunks(r *http.Request) *Error {
	name := strings.ToLower(r.Header.Get(trailerHeader))
	sum := newChecksum(name)
	length, err := strconv.ParseInt(r.Header.Get(decodedLength), 10, 64)
	if sum == nil || err != nil || !slices.Contains(encodings(r), chunkedEncoding) {
		return &Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "A body with a trailer needs the headers content-encoding, x-amz-trailer and x-amz-decoded-content-length."}
	}
	chunks := &chunkReader{from: bufio.NewReaderSize(r.Body, maxChunkLine), expected: length}
	r.Body = &checkedBody{Reader: chunks, Closer: r.Body, checks: []check{{
		sum, base64.StdEncoding.EncodeToString, func() string { return chunks.trailer[name] }, badDigest(name),
	}}}
	r.ContentLength = length
	if kept := slices.DeleteFunc(encodings(r), func(e string) bool { return e == chunkedEncoding }); len(kept) > 0 {
		r.Header.Set("Content-Encoding", strings.Join(kept, ","))
	} else {
		r.Header.Del("Content-Encoding")
	}
	return nil
}

func encodings(r *http.Request) []string {
	return strings.FieldsFunc(r.Header.Get("Content-Encoding"), func(c rune) bool { return c == ',' || c == ' ' })
}

// chunkReader reads the chunks of aws-chunked and then the trailer.
type chunkReader struct {
	from     *bufio.Reader
	left     int64 // of the chunk
	inside   bool
	expected int64 // of the whole
	trailer  map[string]string
}

var errChunks = &Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The chunks of the body are not those that its headers announce."}

// Read implements [io.Reader].
func (c *chunkReader) Read(p []byte) (int, error) {
	if c.trailer != nil {
		return 0, io.EOF
	}
	if c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	n, err := c.from.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	c.expected -= int64(n)
	if err != nil {
		return n, errChunks
	}
	return n, nil
}

// next reads the line before a chunk, or what follows the last.
func (c *chunkReader) next() error {
	if c.inside {
		if line, err := c.line(); err != nil || line != "" {
			return errChunks
		}
	}
	line, err := c.line()
	if err != nil {
		return err
	}
	size, err := strconv.ParseInt(line, 16, 64)
	if err != nil || size < 0 || size > c.expected {
		return errChunks
	}
	c.left, c.inside = size, true
	if size > 0 {
		return nil
	}
	if c.expected != 0 {
		return errChunks
	}
	return c.readTrailer()
}

func (c *chunkReader) readTrailer() error {
	trailer := map[string]string{}
	for range maxTrailerLines {
		line, err := c.line()
		if err != nil {
			return err
		}
		if line == "" {
			c.trailer = trailer
			return io.EOF
		}
		name, value, _ := strings.Cut(line, ":")
		trailer[strings.ToLower(name)] = value
	}
	return errChunks
}

func (c *chunkReader) line() (string, error) {
	line, err := c.from.ReadSlice('\n')
	if err != nil || !bytes.HasSuffix(line, []byte("\r\n")) {
		return "", errChunks
	}
	return string(line[:len(line)-2]), nil
}
