package gif

import (
	"runtime"
	"testing"
)

// FuzzReader looks for files that make the package panic, or take more memory than its limits allow.
func FuzzReader(f *testing.F) {
	for _, e := range examples() {
		if len(e.file) < 4000 {
			f.Add(e.file)
		}
	}
	limits := Limits{Pixels: 1 << 16, Frames: 50}
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := Open(file, limits)
		if err != nil {
			return
		}
		if r.Frames() < 1 || r.Frames() > limits.Frames || r.Pixels() > limits.Pixels {
			t.Fatalf("%d pictures of %d pixels", r.Frames(), r.Pixels())
		}
		_, _ = r.Image()
		for range r.Frames() + 1 {
			_, _ = r.Next(t.Context()), r.Delay()
			picture, err := r.Image()
			if err != nil {
				continue
			}
			if size := picture.Rect.Size(); len(picture.Pix) != 4*size.X*size.Y || int64(size.X)*int64(size.Y) > limits.Pixels {
				t.Fatalf("a picture of %v has %d bytes", size, len(picture.Pix))
			}
		}
		runtime.ReadMemStats(&after)
		// A canvas that grows with each frame is made anew each time; so is a picture of what may still grow.
		most := uint64(r.Frames())*uint64(limits.Pixels)*16 + 1<<20
		if used := after.TotalAlloc - before.TotalAlloc; used > most {
			t.Errorf("%d bytes were taken, at most %d are needed", used, most)
		}
	})
}
