package cos

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
)

// upload is a body that was written to a file and is not yet visible.
type upload struct {
	file     file
	size     int64
	md5      [md5.Size]byte
	checksum uint64
}

// receive writes a body to a new file and computes its digests on the way.
func (s *Store) receive(body io.Reader) (_ upload, err error) {
	name := s.nextFile()
	created, err := s.root.Create(name)
	if err != nil {
		return upload{}, fmt.Errorf("create a file for the body: %w", err)
	}
	digest, sum := md5.New(), newChecksum()
	size, err := io.Copy(io.MultiWriter(created, digest, sum), body)
	if err = errors.Join(err, created.Close()); err != nil {
		return upload{}, errors.Join(fmt.Errorf("store the body: %w", err), s.root.Remove(name))
	}
	up := upload{file: file{root: s.root, name: name}, size: size, checksum: sum.Sum64()}
	digest.Sum(up.md5[:0])
	return up, nil
}

func (u upload) object(meta Meta) *object {
	return &object{
		meta:     meta,
		size:     u.size,
		etag:     fmt.Sprintf("%x", u.md5),
		checksum: func() uint64 { return u.checksum },
		content:  u.file,
	}
}

func (u upload) discard() error { return u.file.root.Remove(u.file.name) }
