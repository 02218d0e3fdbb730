package gif

import (
	"fmt"
	"image"
	"image/png"
	"io"
	"runtime"
	"testing"
)

// film is a GIF in which something moves over a background with much detail, as in a recording of a screen.
func film(width, height, frames int, disposal byte) []byte {
	b := &builder{}
	palette := make([]byte, 3*256)
	for i := range palette {
		palette[i] = byte(i * 37)
	}
	b.screen(width, height, 0, palette)
	indices := make([]byte, width*height)
	for n := range frames {
		for y := range height {
			for x := range width {
				indices[y*width+x] = byte((x/8)^(y/8)+x*y>>12) & 63
			}
		}
		for y := height / 4; y < height/2; y++ {
			for x := range width / 4 {
				indices[y*width+(x+9*n)%width] = byte(64 + (x*y+n)%64)
			}
		}
		b.control(disposal, -1, 4)
		b.frame(image.Rect(0, 0, width, height), nil, 8, indices)
	}
	b.byte(0x3B)
	return b.bytes
}

// BenchmarkFilm composes 200 pictures of 1920 x 1080 pixels; "held" is the memory at the end, the file included.
func BenchmarkFilm(b *testing.B) {
	for _, rule := range []byte{1, 2, 3} {
		content := film(1920, 1080, 20, rule)
		b.Run(fmt.Sprintf("rule %d", rule), func(b *testing.B) {
			b.SetBytes(20 * 1920 * 1080)
			b.ReportMetric(float64(len(content))/(1<<20), "MiB-file")
			for b.Loop() {
				r, err := Open(content, wide)
				if err != nil {
					b.Fatal(err)
				}
				for range r.Frames() {
					if err := r.Next(b.Context()); err != nil {
						b.Fatal(err)
					}
				}
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				b.ReportMetric(float64(memory.HeapAlloc)/(1<<20), "MiB-held")
			}
		})
	}
}

// BenchmarkPNG writes one picture of 1920 x 1080 pixels.
func BenchmarkPNG(b *testing.B) {
	r, err := Open(film(1920, 1080, 2, 1), wide)
	if err != nil {
		b.Fatal(err)
	}
	for range r.Frames() {
		if err := r.Next(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		picture, err := r.Image()
		if err != nil {
			b.Fatal(err)
		}
		if err := png.Encode(io.Discard, picture); err != nil {
			b.Fatal(err)
		}
	}
}
