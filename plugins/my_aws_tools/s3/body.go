package s3

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
)

// maxResumes is how often one download is taken up again after its connection broke.
const maxResumes = 5

// body reads an object's bytes as they are stored. When the connection breaks, it goes on from where it was. Its last
// read succeeds only when length and checksum are those that S3 announced.
type body struct {
	ctx     context.Context
	object  *object
	current io.ReadCloser
	sum     checksum
	offset  int64
	resumes int
	end     error // what every further Read returns
}

func newBody(ctx context.Context, o *object, answer *awss3.GetObjectOutput) *body {
	return &body{ctx: ctx, object: o, current: answer.Body, sum: announcedChecksum(answer)}
}

// Read implements [io.Reader].
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
		b.sum.write(p[:n])
		if err != nil {
			b.end = b.finish(err)
		}
		if n > 0 && b.end != io.EOF {
			return n, nil // an error waits for the next Read
		}
		if b.end != nil {
			return n, b.end
		}
	}
}

// finish decides what the end of a connection means: io.EOF when the object is complete, nil when it goes on over
// another connection, an error when it cannot.
func (b *body) finish(err error) error {
	size := b.object.size
	switch {
	case b.offset == size, size < 0 && err == io.EOF:
		return b.verify()
	case b.ctx.Err() != nil:
		return fmt.Errorf("read %s: %w", param.Clip(b.object.key), context.Cause(b.ctx))
	case size < 0, b.offset > size:
		return b.broken(err)
	}
	return b.resume(err)
}

// verify compares the checksum of what was read with that of what is stored.
func (b *body) verify() error {
	if b.sum.matches() {
		return io.EOF
	}
	return b.object.errorf(plugin.Connection, "what arrived is not what is stored, its checksum differs; try again")
}

// resume opens a connection for what is left. The client waits between its own tries.
func (b *body) resume(cause error) error {
	if b.resumes == maxResumes || b.object.etag == "" {
		return b.broken(cause)
	}
	b.resumes++
	b.object.log.Warn("a download broke off and is taken up again", "received", b.offset, "size", b.object.size)
	_ = b.current.Close()
	rest, err := b.object.rest(b.ctx, b.offset)
	if err != nil {
		return err
	}
	b.current = rest
	return nil
}

func (b *body) broken(cause error) error {
	of, again := "", ""
	if b.object.size >= 0 {
		of = fmt.Sprintf(" of %d", b.object.size)
	}
	if b.resumes > 0 {
		again = fmt.Sprintf(", also when it was taken up again %d times", b.resumes)
	}
	b.object.log.Warn("a download broke off for good", "received", b.offset, "size", b.object.size, "cause", cause)
	return b.object.errorf(plugin.Connection, "the connection broke after %d%s bytes%s; try again", b.offset, of, again)
}

// Close ends the download.
func (b *body) Close() error {
	if b.end == nil {
		b.end = errors.New("read after close")
	}
	return b.current.Close()
}

// checksum compares what is read with what S3 keeps. The zero value matches everything.
type checksum struct {
	hash hash.Hash
	want string // in base64
}

func (c checksum) write(p []byte) {
	if c.hash != nil {
		c.hash.Write(p)
	}
}

func (c checksum) matches() bool {
	return c.hash == nil || base64.StdEncoding.EncodeToString(c.hash.Sum(nil)) == c.want
}

// nvmePolynomial is that of CRC-64/NVME, reflected.
const nvmePolynomial = 0x9a6c9329ac4bc9b5

// announcedChecksum is the checksum of the whole object that S3 sent with it, if there is one. Those of objects that were
// uploaded in parts may be checksums of checksums, which say nothing about the bytes.
func announcedChecksum(answer *awss3.GetObjectOutput) checksum {
	if answer.ChecksumType == types.ChecksumTypeComposite {
		return checksum{}
	}
	for _, kept := range []struct {
		want *string
		hash func() hash.Hash
	}{
		{answer.ChecksumCRC64NVME, func() hash.Hash { return crc64.New(crc64.MakeTable(nvmePolynomial)) }},
		{answer.ChecksumCRC32C, func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) }},
		{answer.ChecksumCRC32, func() hash.Hash { return crc32.NewIEEE() }},
		{answer.ChecksumSHA256, sha256.New},
		{answer.ChecksumSHA1, sha1.New},
	} {
		if want := aws.ToString(kept.want); want != "" && !strings.Contains(want, "-") {
			return checksum{hash: kept.hash(), want: want}
		}
	}
	return checksum{}
}

// rangeBeyondEnd reports whether S3 says that the object ends before the range that was asked for.
func rangeBeyondEnd(err error) bool {
	var answer *smithyhttp.ResponseError
	return errors.As(err, &answer) && answer.HTTPStatusCode() == http.StatusRequestedRangeNotSatisfiable
}
