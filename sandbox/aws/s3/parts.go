package s3

import (
	"bytes"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudplugins/difyplugin/sandbox/aws"
)

// minPart is the smallest part that is not the last one, in bytes.
const minPart = 5 << 20

// parts are those of an upload that is not finished.
type parts struct {
	at         place
	attributes Attributes
	algorithm  string // of the checksum that each part must have; "" for none
	full       bool   // whether the object gets a checksum of the whole
	sizes      map[int]int64
	sums       map[int]uint32
}

func (s *Store) createUpload(w http.ResponseWriter, r *aws.Request, b Bucket, at place) *aws.Error {
	a, failed := s.readAttributes(w, r, b)
	if failed != nil {
		return failed
	}
	p := &parts{
		at: at, attributes: a, algorithm: strings.ToUpper(r.Header.Get("X-Amz-Checksum-Algorithm")),
		full: r.Header.Get("X-Amz-Checksum-Type") == "FULL_OBJECT", sizes: map[int]int64{}, sums: map[int]uint32{},
	}
	if p.algorithm != "" && p.algorithm != "CRC32" {
		return &aws.Error{Status: http.StatusNotImplemented, Code: "NotImplemented", Message: "The sandbox knows parts with CRC32 only."}
	}
	captured := &passed{ResponseWriter: w, hold: true}
	if failed := s.pass(captured, r, at); failed != nil {
		return failed
	}
	var made struct {
		ID string `xml:"UploadId"`
	}
	if err := xml.Unmarshal(captured.body.Bytes(), &made); err != nil {
		return &aws.Error{Status: http.StatusInternalServerError, Code: "InternalError", Message: err.Error()}
	}
	s.mu.Lock()
	s.parts[made.ID] = p
	s.mu.Unlock()
	return captured.finish()
}

// unfinished returns an upload.
func (s *Store) unfinished(r *aws.Request, at place) (id string, p *parts, failed *aws.Error) {
	id = r.URL.Query().Get("uploadId")
	s.mu.Lock()
	p = s.parts[id]
	s.mu.Unlock()
	if p == nil || p.at != at {
		return id, nil, &aws.Error{
			Status: http.StatusNotFound, Code: "NoSuchUpload",
			Message: "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
		}
	}
	return id, p, nil
}

func (s *Store) uploadPart(w http.ResponseWriter, r *aws.Request, at place) *aws.Error {
	_, p, failed := s.unfinished(r, at)
	if failed != nil {
		return failed
	}
	number, err := strconv.Atoi(r.URL.Query().Get("partNumber"))
	if err != nil || number < 1 || number > 10_000 {
		return invalidArgument("Part number must be an integer between 1 and 10000, inclusive")
	}
	announced := strings.ToUpper(strings.TrimPrefix(strings.ToLower(r.Header.Get("X-Amz-Trailer")), "x-amz-checksum-"))
	if p.algorithm != "" && announced != p.algorithm && r.Header.Get("X-Amz-Checksum-"+p.algorithm) == "" {
		return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "Checksum Type mismatch occurred, expected checksum Type: " + strings.ToLower(p.algorithm)}
	}
	sum := crc32.NewIEEE()
	size := r.ContentLength
	r.Body = tee(r.Body, sum)
	if p.algorithm != "" {
		// The body is read before the answer begins, which has the checksum in its header.
		content, err := io.ReadAll(r.Body)
		if known, ok := err.(*aws.Error); ok {
			return known
		}
		if err != nil {
			return &aws.Error{Status: http.StatusBadRequest, Code: "IncompleteBody", Message: "The body ended early."}
		}
		r.Body = io.NopCloser(bytes.NewReader(content))
		w.Header().Set("X-Amz-Checksum-Crc32", encodeCRC32(sum.Sum32()))
	}
	if failed := s.pass(w, r, at); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p.sizes[number], p.sums[number] = size, sum.Sum32()
	return nil
}

// completion is the request that puts parts together.
type completion struct {
	Parts []struct {
		PartNumber    int
		ETag          string
		ChecksumCRC32 string
	} `xml:"Part"`
}

func (s *Store) completeUpload(w http.ResponseWriter, r *aws.Request, at place) *aws.Error {
	id, p, failed := s.unfinished(r, at)
	if failed != nil {
		return failed
	}
	document, err := r.Bytes()
	var asked completion
	if err != nil || xml.Unmarshal(document, &asked) != nil || len(asked.Parts) == 0 {
		return &aws.Error{Status: http.StatusBadRequest, Code: "MalformedXML", Message: "The XML you provided was not well-formed or did not validate against our published schema"}
	}
	if failed := s.checkParts(p, asked, r); failed != nil {
		return failed
	}
	if failed := s.pass(w, r, at); failed != nil {
		return failed
	}
	done := kept{Attributes: p.attributes}
	if p.algorithm != "" {
		done.crc32, done.composite = s.sumOf(at), ""
		if !p.full {
			done.crc32, done.composite = "", encodeCRC32(0)+"-"+strconv.Itoa(len(asked.Parts))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[at] = done
	delete(s.parts, id)
	return nil
}

func (s *Store) checkParts(p *parts, asked completion, r *aws.Request) *aws.Error {
	if r.Header.Get("If-None-Match") == "*" {
		if found, err := s.backend.HeadObject(p.at.bucket, p.at.key); err == nil {
			_ = found.Contents.Close()
			return &aws.Error{Status: http.StatusPreconditionFailed, Code: "PreconditionFailed", Message: "At least one of the pre-conditions you specified did not hold"}
		}
	}
	if said := r.Header.Get("X-Amz-Checksum-Type"); said != "" && (said == "FULL_OBJECT") != p.full {
		return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidRequest", Message: "The checksum type is not the one that the upload was created with."}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, part := range asked.Parts {
		if size, ok := p.sizes[part.PartNumber]; !ok || part.ETag == "" {
			return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidPart", Message: "One or more of the specified parts could not be found."}
		} else if size < minPart && i < len(asked.Parts)-1 {
			return &aws.Error{Status: http.StatusBadRequest, Code: "EntityTooSmall", Message: "Your proposed upload is smaller than the minimum allowed size"}
		}
		if p.algorithm != "" && part.ChecksumCRC32 != encodeCRC32(p.sums[part.PartNumber]) {
			return &aws.Error{Status: http.StatusBadRequest, Code: "InvalidPart", Message: fmt.Sprintf("The checksum of part %d is missing or wrong.", part.PartNumber)}
		}
	}
	return nil
}

// sumOf is the checksum of a whole object.
func (s *Store) sumOf(at place) string {
	found, err := s.backend.GetObject(at.bucket, at.key, nil)
	if err != nil {
		return ""
	}
	defer found.Contents.Close()
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, found.Contents); err != nil {
		return ""
	}
	return encodeCRC32(sum.Sum32())
}

func (s *Store) abortUpload(w http.ResponseWriter, r *aws.Request, at place) *aws.Error {
	id, _, failed := s.unfinished(r, at)
	if failed != nil {
		return failed
	}
	if failed := s.pass(w, r, at); failed != nil {
		return failed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.parts, id)
	return nil
}

func hexOf(hash []byte) string { return hex.EncodeToString(hash) }
