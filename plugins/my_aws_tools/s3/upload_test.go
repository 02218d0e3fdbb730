package s3

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// A smaller part keeps the property fast; the length of the buffer is all that source knows of it.
func TestPartsPutTogetherAreTheContent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "content")
		part := rapid.IntRange(1, 12).Draw(t, "part")
		size := int64(-1)
		if rapid.Bool().Draw(t, "the size is known") {
			size = int64(len(content))
		}
		var reader io.Reader = bytes.NewReader(content)
		if rapid.Bool().Draw(t, "byte by byte") {
			reader = iotest.OneByteReader(reader)
		}
		if rapid.Bool().Draw(t, "the end comes with the last bytes") {
			reader = iotest.DataErrReader(reader)
		}
		s := &source{content: reader, size: size, buffer: make([]byte, part+1)}
		var got []byte
		for last := false; !last; {
			var piece []byte
			var err error
			if piece, last, err = s.next(); err != nil {
				t.Fatal(err)
			}
			if !last && len(piece) != part {
				t.Errorf("a part in the middle has %d bytes", len(piece))
			}
			if last && len(content) > 0 && len(piece) == 0 {
				t.Error("the last part is empty")
			}
			got = append(got, piece...)
		}
		if !bytes.Equal(got, content) || s.read != int64(len(content)) {
			t.Errorf("%d bytes went in, %d came out", len(content), len(got))
		}
	})
}

func TestContentOfAnotherLengthThanAnnouncedIsAnError(t *testing.T) {
	for name, size := range map[string]int64{"shorter": 11, "longer": 9} {
		s := &source{content: bytes.NewReader(make([]byte, 10)), size: size, buffer: make([]byte, 64)}
		if _, _, err := s.next(); err == nil {
			t.Errorf("content that is %s than announced passed", name)
		}
	}
}

func TestContentThatBreaksOffIsNotTakenForItsEnd(t *testing.T) {
	s := &source{content: io.MultiReader(bytes.NewReader(make([]byte, 10)), iotest.ErrReader(io.ErrUnexpectedEOF)), size: -1, buffer: make([]byte, 64)}
	if _, _, err := s.next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
}
