package cos

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc64"
	"io"
	"os"
	"sync"
)

// content is the immutable body of one object.
type content interface {
	// open returns the bytes from offset on.
	open(offset int64) (io.ReadCloser, error)
}

// file is a body on disk, under a name that has nothing to do with its key.
type file struct {
	root *os.Root
	name string
}

func (f file) open(offset int64) (io.ReadCloser, error) {
	opened, err := f.root.Open(f.name)
	if err != nil {
		return nil, fmt.Errorf("open a stored body: %w", err)
	}
	if _, err := opened.Seek(offset, io.SeekStart); err != nil {
		_ = opened.Close()
		return nil, fmt.Errorf("seek in a stored body: %w", err)
	}
	return opened, nil
}

// generated is a body that is computed while it is read.
type generated struct {
	seed uint64
	size int64
}

func (g generated) open(offset int64) (io.ReadCloser, error) {
	return io.NopCloser(&generator{seed: g.seed, offset: offset, size: g.size}), nil
}

// Generated returns the body of an object that [Store.PutGenerated] made with
// the same seed and size: a stream of bytes that looks random, does not
// compress, and takes no memory.
func Generated(seed uint64, size int64) io.Reader {
	return &generator{seed: seed, size: size}
}

// generator reads from a stream of which every 8 bytes depend only on the seed
// and on their position, so that a range costs no more than its length.
type generator struct {
	seed   uint64
	offset int64
	size   int64
}

// wordSize is the number of bytes that are generated at a time.
const wordSize = 8

func (g *generator) Read(p []byte) (int, error) {
	if g.offset >= g.size {
		return 0, io.EOF
	}
	if left := g.size - g.offset; int64(len(p)) > left {
		p = p[:left]
	}
	for n := 0; n < len(p); {
		n += g.next(p[n:])
	}
	return len(p), nil
}

// next generates up to one word of bytes.
func (g *generator) next(p []byte) int {
	index, skip := g.offset/wordSize, g.offset%wordSize
	value := splitMix(g.seed + uint64(index))
	if skip == 0 && len(p) >= wordSize {
		binary.LittleEndian.PutUint64(p, value)
		g.offset += wordSize
		return wordSize
	}
	var word [wordSize]byte
	binary.LittleEndian.PutUint64(word[:], value)
	n := copy(p, word[skip:])
	g.offset += int64(n)
	return n
}

// splitMix is the output function of the SplitMix64 generator (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014).
func splitMix(index uint64) uint64 {
	z := (index + 1) * 0x9e3779b97f4a7c15
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

// generatedPartSize stands in the ETag of a generated object, which looks like
// that of a multipart upload: no MD5 of the whole, and a number of parts.
const generatedPartSize = 8 << 20

func (g generated) etag() string {
	digest := md5.Sum(fmt.Appendf(nil, "%d %d", g.seed, g.size))
	parts := max(1, (g.size+generatedPartSize-1)/generatedPartSize)
	return fmt.Sprintf("%s-%d", hex.EncodeToString(digest[:]), parts)
}

// checksum computes the CRC-64 of the body at the first call; for a gigabyte
// that takes about a second.
func (g generated) checksum() func() uint64 {
	return sync.OnceValue(func() uint64 {
		sum := newChecksum()
		_, _ = io.Copy(sum, Generated(g.seed, g.size)) // neither side can fail
		return sum.Sum64()
	})
}

// newChecksum computes what the service sends as x-cos-hash-crc64ecma: CRC-64
// with the polynomial of ECMA-182, as in the XZ file format.
func newChecksum() interface {
	io.Writer
	Sum64() uint64
} {
	return crc64.New(crc64.MakeTable(crc64.ECMA))
}
