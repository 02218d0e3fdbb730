package pack

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
	"time"
)

// entries are the files of a package: content by path, with / between names.
type entries map[string][]byte

// zipped writes the entries as a zip archive that is the same each time:
// sorted, without folders, modes, owners or real times.
func (es entries) zipped(method uint16) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, path := range slices.Sorted(maps.Keys(es)) {
		header := &zip.FileHeader{
			Name:     path,
			Method:   method,
			Modified: time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC), // the earliest that the format knows
		}
		if path == archiveName {
			header.Method = zip.Store // compressed already
		}
		if err := addEntry(w, header, es[path]); err != nil {
			return nil, fmt.Errorf("adding %s to the package: %w", path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("finishing the package: %w", err)
	}
	return b.Bytes(), nil
}

func addEntry(w *zip.Writer, header *zip.FileHeader, content []byte) error {
	f, err := w.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return err
}

// filesystem returns the entries as a host sees them.
func (es entries) filesystem() (*zip.Reader, error) {
	data, err := es.zipped(zip.Store)
	if err != nil {
		return nil, err
	}
	return zip.NewReader(bytes.NewReader(data), int64(len(data)))
}
