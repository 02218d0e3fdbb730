package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"slices"
)

// Checksum returns the checksum by which the host knows a package: 64
// hexadecimal digits over the paths and the contents of all files of fsys. It
// is the same for a package and for the folder it was unpacked into, and does
// not depend on modes, times or compression.
//
// It is the SHA-256 of the SHA-256s of path and content of each file, in the
// order of the paths' bytes.
func Checksum(fsys fs.FS) (string, error) {
	var paths []string
	err := fs.WalkDir(fsys, ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("listing the files for the checksum: %w", err)
	}
	slices.Sort(paths)
	total := sha256.New()
	for _, path := range paths {
		content, err := fileSum(fsys, path)
		if err != nil {
			return "", fmt.Errorf("reading %s for the checksum: %w", path, err)
		}
		name := sha256.Sum256([]byte(path))
		total.Write(name[:])
		total.Write(content)
	}
	return hex.EncodeToString(total.Sum(nil)), nil
}

func fileSum(fsys fs.FS, path string) ([]byte, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // opened for reading: nothing can be lost
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	return sum.Sum(nil), nil
}
