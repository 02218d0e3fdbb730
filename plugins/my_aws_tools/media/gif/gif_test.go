package gif

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"strings"
	"testing"
)

// wide are limits that no file of the tests reaches.
var wide = Limits{Pixels: 64 << 20, Frames: 1000}

// opinion is what this package makes of a file, in the form of testdata/pillow.py.
func opinion(t testing.TB, file []byte) string {
	t.Helper()
	r, err := Open(file, wide)
	if err != nil {
		return "! " + err.Error()
	}
	var pictures []string
	for {
		err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		var picture *image.NRGBA
		if err == nil {
			picture, err = r.Image()
		}
		if err != nil {
			return "! " + err.Error()
		}
		pictures = append(pictures, fmt.Sprintf("%s:%d", sum(picture), r.Delay()))
	}
	if len(pictures) != r.Frames() {
		t.Errorf("%d pictures of %d were composed", len(pictures), r.Frames())
	}
	return strings.Join(pictures, " ")
}

// sum is that of testdata/pillow.py.
func sum(picture *image.NRGBA) string {
	pixels := append([]byte(nil), picture.Pix...)
	for i := 3; i < len(pixels); i += 4 {
		if pixels[i] == 0 {
			clear(pixels[i-3 : i])
		}
	}
	size := picture.Rect.Size()
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, uint32(size.X)), uint32(size.Y))
	digest := sha256.Sum256(append(head, pixels...))
	return hex.EncodeToString(digest[:8])
}
