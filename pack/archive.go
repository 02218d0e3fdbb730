package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/itchio/lzma"
)

// Entries that the launcher reads.
const (
	archiveName = "binaries.lzma"
	listName    = "binaries.txt"
)

// maxDictionary bounds the memory that unpacking takes, in bytes. It holds
// every archive that is small enough to be packed.
const maxDictionary = 64 << 20

// A Program is a plugin's binary for one processor.
type Program struct {
	// Arch is amd64 or arm64.
	Arch string
	// Size is in bytes, before compression.
	Size int64
	// SHA256 has 64 hexadecimal digits.
	SHA256 string
}

func describeProgram(arch string, binary []byte) Program {
	sum := sha256.Sum256(binary)
	return Program{Arch: arch, Size: int64(len(binary)), SHA256: hex.EncodeToString(sum[:])}
}

// formatList writes the list that the launcher reads.
func formatList(programs []Program) []byte {
	var b bytes.Buffer
	for _, p := range programs {
		fmt.Fprintf(&b, "%s %d %s\n", p.Arch, p.Size, p.SHA256)
	}
	return b.Bytes()
}

func parseList(text []byte) ([]Program, error) {
	var programs []Program
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) != 3 {
			return nil, fmt.Errorf("%s: %q is not a processor, a size and a SHA-256", listName, line)
		}
		size, err := strconv.ParseInt(words[1], 10, 64)
		if err != nil || size < 1 || size > maxUnpacked {
			return nil, fmt.Errorf("%s: %q is not the size of a program", listName, words[1])
		}
		programs = append(programs, Program{Arch: words[0], Size: size, SHA256: words[2]})
	}
	return programs, nil
}

// compress returns the parts, one after the other, as one .lzma stream. It
// takes about a second for each MB and eleven times the dictionary in memory.
func compress(ctx context.Context, parts ...[]byte) ([]byte, error) {
	size := 0
	for _, part := range parts {
		size += len(part)
	}
	var packed bytes.Buffer
	w := lzma.NewWriterSizeLevel(cancelledWriter{ctx, &packed}, int64(size), compressionLevel(size))
	for _, part := range parts {
		if _, err := w.Write(part); err != nil {
			_ = w.Close() // the write's error says more
			return nil, fmt.Errorf("compressing: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("compressing: %w", err)
	}
	if err := ctx.Err(); err != nil { // the last bytes are written by Close, which does not tell
		return nil, fmt.Errorf("compressing: %w", err)
	}
	return packed.Bytes(), nil
}

// compressionLevel returns the lowest level whose dictionary holds all size
// bytes, so that the last program finds what it has in common with the first.
// Levels 7, 8 and 9 differ by the dictionary alone: 32, 64 and 128 MiB.
func compressionLevel(size int) int {
	if size <= 32<<20 {
		return 7
	}
	return 8
}

// cancelledWriter writes until ctx ends, which stops the compressor.
type cancelledWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c cancelledWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}

// verifyArchive unpacks an archive and returns what differs from the list.
func verifyArchive(archive []byte, programs []Program) error {
	var total int64
	for _, p := range programs {
		total += p.Size
	}
	const header = 13 // properties, dictionary size, size
	if len(archive) < header {
		return fmt.Errorf("%s is cut off", archiveName)
	}
	if dictionary := binary.LittleEndian.Uint32(archive[1:]); dictionary > maxDictionary {
		return fmt.Errorf("%s: a dictionary of %d bytes is more than the %d that unpacking may take", archiveName, dictionary, maxDictionary)
	}
	if size := binary.LittleEndian.Uint64(archive[5:]); size != uint64(total) || total > maxUnpacked {
		return fmt.Errorf("%s holds %d bytes, and %s lists %d", archiveName, size, listName, total)
	}
	r := lzma.NewReader(bytes.NewReader(archive))
	defer func() { _ = r.Close() }() // reads from memory: nothing can be lost
	for _, p := range programs {
		if err := verifyProgram(r, p); err != nil {
			return fmt.Errorf("%s: the program for %s %w", archiveName, p.Arch, err)
		}
	}
	return nil
}

func verifyProgram(r io.Reader, p Program) error {
	data := make([]byte, p.Size)
	if _, err := io.ReadFull(r, data); err != nil {
		return fmt.Errorf("cannot be unpacked: %w", err)
	}
	if got := describeProgram(p.Arch, data); got.SHA256 != p.SHA256 {
		return fmt.Errorf("has the SHA-256 %s, not %s as listed", got.SHA256, p.SHA256)
	}
	return verifyMachine(data, p.Arch)
}
