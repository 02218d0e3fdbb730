package gif

import (
	"bytes"
	"context"
	"errors"
	"image"
	"io"
	"runtime"
	"strings"
	"testing"
)

// large is a GIF of one color with so many frames over its whole canvas.
func large(width, height, frames int, disposal byte) []byte {
	b := &builder{}
	b.screen(width, height, 0, rainbow)
	indices := make([]byte, width*height)
	for i := range frames {
		for j := range indices {
			indices[j] = byte(i & 1)
		}
		b.control(disposal, -1, 4)
		b.frame(image.Rect(0, 0, width, height), nil, 2, indices)
	}
	b.byte(0x3B)
	return b.bytes
}

func TestLimitsAreNamed(t *testing.T) {
	beyond := file(rainbow, at(0, 0, 8, 6, 1, -1, nil), at(7, 5, 9, 7, 1, -1, nil)) // grows from 8 x 6 to 9 x 7
	for _, tt := range []struct {
		name   string
		file   []byte
		limits Limits
		want   string // "" passes
	}{
		{"as many pixels as are allowed", beyond, Limits{Pixels: 63, Frames: 2}, ""},
		{"one pixel more", beyond, Limits{Pixels: 62, Frames: 2}, "frame 2: the picture has 9 x 7 pixels, the limit is 62 pixels"},
		{"a screen that is too large", beyond, Limits{Pixels: 47, Frames: 2}, "frame 1: the picture has 8 x 6 pixels"},
		{"one frame more", beyond, Limits{Pixels: 63, Frames: 1}, "it has more than 1 frames"},
		{
			"the largest numbers", append(slicesOf(0xFF, 4, "GIF89a"), 0, 0, 0, 0x2C, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 0),
			Limits{Pixels: 1 << 30, Frames: 1},
			"131070 x 131070 pixels",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Open(tt.file, tt.limits)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// slicesOf is a text and a number of equal bytes.
func slicesOf(value byte, count int, text string) []byte {
	return append([]byte(text), bytes.Repeat([]byte{value}, count)...)
}

func TestDamageIsNamedWithItsFrame(t *testing.T) {
	whole := at(0, 0, 8, 6, 1, -1, nil)
	for _, tt := range []struct {
		name string
		file []byte
		want string
	}{
		{"no GIF", []byte("\x89PNG\r\n\x1a\n"), "it does not begin as a GIF does"},
		{"nothing", nil, "it does not begin as a GIF does"},
		{"half a screen", []byte("GIF89a\x01\x00"), "the file is cut off"},
		{"half a palette", file(rainbow)[:17], "the file is cut off"},
		{"no frame", file(rainbow), "frame 1: there is no picture in it"},
		{"a short control block", file(rainbow, whole, raw(0x21, 0xF9, 2, 4, 0, 0), whole), "frame 2: its control block has only 2 bytes"},
		{"a frame without pixels", file(rainbow, whole, at(1, 1, 1, 5, 1, -1, nil)), "frame 2 of 2: it has no pixels"},
		{"data that end early", file(rainbow, whole, packed(2, 2, 0x8C, 0x2D, 0)), "frame 2 of 2: its data end before it is complete"},
		{"a code that stands for nothing", file(rainbow, packed(2, 2, 0xFF, 0xFF, 0)), "frame 1 of 1: its data are damaged"},
		{"indices that are too wide", file(rainbow, packed(13, 2, 0xFF, 0xFF, 0)), "frame 1 of 1: its data say that an index has 13 bits"},
		{"colors among transparent grays", file(nil, at(0, 0, 8, 6, 1, 1, nil), at(1, 1, 6, 5, 1, -1, rainbow), whole), "frame 2 of 3: a palette cannot be added"},
		{"grays beyond colors", file(rainbow, whole, at(5, 4, 12, 9, 1, -1, gray)), "frame 2 of 2: it is gray"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := opinion(t, tt.file); !strings.Contains(got, tt.want) || !strings.HasPrefix(got, "!") {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestBehindTheLastPictureIsTheEnd(t *testing.T) {
	r, err := Open(file(rainbow, plain(0, 0, 8, 6)), wide)
	if err != nil {
		t.Fatal(err)
	}
	if r.Frames() != 1 || r.Pixels() != 48 {
		t.Errorf("%d pictures of %d pixels", r.Frames(), r.Pixels())
	}
	for i, want := range []error{nil, io.EOF, io.EOF} {
		if err := r.Next(t.Context()); !errors.Is(err, want) {
			t.Errorf("call %d: %v", i+1, err)
		}
	}
}

// Between two pictures, and within one whose data do not end.
func TestComposingEndsWithItsContext(t *testing.T) {
	cause := errors.New("nobody waits any more")
	r, err := Open(large(8, 6, 2, 1), wide)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	if err := r.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel(cause)
	if err := r.Next(ctx); !errors.Is(err, cause) {
		t.Errorf("between pictures: %v", err)
	}
	// Clear codes of 3 bits, which make no pixels: 0x24 0x49 0x92 are eight of them.
	b := &builder{}
	b.screen(8, 6, 0, rainbow)
	b.descriptor(image.Rect(0, 0, 8, 6), false, nil)
	b.byte(2)
	b.blocks(bytes.Repeat([]byte{0x24, 0x49, 0x92}, 2*window), 255)
	if r, err = Open(b.bytes, wide); err != nil {
		t.Fatal(err)
	}
	if err := r.Next(&endsLater{Context: t.Context(), checks: 3, cause: cause}); !errors.Is(err, cause) {
		t.Errorf("within a picture: %v", err)
	}
	if err := r.Next(t.Context()); !errors.Is(err, cause) {
		t.Errorf("after that: %v", err)
	}
	if _, err := r.Image(); !errors.Is(err, cause) {
		t.Errorf("the picture after that: %v", err)
	}
}

// endsLater is a context that ends after it was looked at so often.
type endsLater struct {
	context.Context
	checks int
	cause  error
}

// Err implements [context.Context].
func (c *endsLater) Err() error {
	if c.checks--; c.checks < 0 {
		return c.cause
	}
	return nil
}

// Pillow composes the last picture and refuses to go on; what it would have shown is not defined.
func TestTransparentGraysCannotBeFollowedByColors(t *testing.T) {
	r, err := Open(file(nil, at(0, 0, 8, 6, 1, 1, nil), at(1, 1, 6, 5, 1, -1, rainbow), at(0, 0, 8, 6, 1, -1, nil)), wide)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := r.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Image(); err == nil || !strings.Contains(err.Error(), "frame 2 of 3: a palette cannot be added") {
		t.Errorf("the picture: %v", err)
	}
	if err := r.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "frame 3 of 3: a palette cannot be added") {
		t.Errorf("the next: %v", err)
	}
}

// One canvas, not one for each picture.
func TestMemoryDoesNotGrowWithTheNumberOfPictures(t *testing.T) {
	const width, height = 400, 300
	for _, rule := range []byte{1, 2, 3} {
		var used [2]uint64
		for i, frames := range []int{5, 45} {
			content := large(width, height, frames, rule)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if got := opinionless(t, content); got != frames {
				t.Fatalf("%d pictures", got)
			}
			runtime.ReadMemStats(&after)
			used[i] = after.TotalAlloc - before.TotalAlloc
		}
		if more := int64(used[1]) - int64(used[0]); more > width*height*4 {
			t.Errorf("rule %d: 40 more pictures take %d bytes more, which is %.1f canvases", rule, more, float64(more)/(width*height*4))
		}
		if used[1] > width*height*12+1<<20 {
			t.Errorf("rule %d: %d bytes for a canvas of %d pixels", rule, used[1], width*height)
		}
	}
}

// opinionless composes all pictures of a file and looks at none.
func opinionless(t testing.TB, content []byte) (pictures int) {
	t.Helper()
	r, err := Open(content, wide)
	if err != nil {
		t.Fatal(err)
	}
	for {
		switch err := r.Next(t.Context()); {
		case errors.Is(err, io.EOF):
			return pictures
		case err != nil:
			t.Fatal(err)
		}
		pictures++
	}
}
