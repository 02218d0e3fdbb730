// Package source fetches the archives from which the tables of words are made. It belongs to the programs that make
// them and is no part of the plugin.
package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// maxArchive bounds an archive, in bytes.
const maxArchive = 64 << 20

// An Archive is a .tar.gz in a package registry.
type Archive struct {
	URL string
	// SHA256 is that of the archive, in hexadecimal digits. An archive with another one is refused.
	SHA256 string
}

// Files downloads the archive and returns the files with these paths. A path that is missing is an error.
func (a Archive) Files(ctx context.Context, paths ...string) (map[string][]byte, error) {
	data, err := a.download(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", a.URL, err)
	}
	files, err := Unpack(data, paths...)
	if err != nil {
		return nil, fmt.Errorf("unpacking %s: %w", a.URL, err)
	}
	return files, nil
}

func (a Archive) download(ctx context.Context) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.URL, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // all that counts was read
	if response.StatusCode != http.StatusOK {
		return nil, errors.New(response.Status)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxArchive))
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != a.SHA256 {
		return nil, fmt.Errorf("its SHA-256 is %x, not %s", sum, a.SHA256)
	}
	return data, nil
}

// Unpack returns the files of a .tar.gz with these paths. A path that is missing is an error.
func Unpack(archive []byte, paths ...string) (map[string][]byte, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(archive))
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, path := range paths {
		files[path] = nil
	}
	for entries := tar.NewReader(unzipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if _, wanted := files[entry.Name]; !wanted {
			continue
		}
		if files[entry.Name], err = io.ReadAll(entries); err != nil {
			return nil, fmt.Errorf("%s: %w", entry.Name, err)
		}
	}
	for path, content := range files {
		if content == nil {
			return nil, fmt.Errorf("%s is not in it", path)
		}
	}
	return files, nil
}
