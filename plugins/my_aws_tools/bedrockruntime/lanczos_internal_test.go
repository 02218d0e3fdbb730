package bedrockruntime

import (
	"image"
	"image/color"
	"testing"

	"pgregory.net/rapid"
)

// pattern is a picture in which no two parts are alike.
func pattern(width, height int) image.Image {
	picture := image.NewNRGBA(image.Rect(10, 20, 10+width, 20+height)) // a corner elsewhere than at 0, 0
	for y := range height {
		for x := range width {
			picture.SetNRGBA(10+x, 20+y, color.NRGBA{R: uint8(x*37 + y*11), G: uint8(x*x + y*3), B: uint8(x*7 ^ y*13), A: 255})
		}
	}
	return picture
}

// The colours are those that Pillow 11.3 makes of the same picture with its Lanczos filter.
func TestPicturesShrinkAndGrowAsWithPillow(t *testing.T) {
	for _, tt := range []struct {
		from, to image.Point
		want     map[image.Point][3]int
	}{
		{image.Pt(97, 61), image.Pt(40, 23), map[image.Point][3]int{
			{X: 0, Y: 0}: {35, 4, 10}, {X: 39, Y: 0}: {207, 68, 155}, {X: 20, Y: 11}: {83, 112, 162}, {X: 3, Y: 21}: {164, 238, 237}, {X: 39, Y: 22}: {60, 176, 119},
		}},
		{image.Pt(16, 9), image.Pt(40, 30), map[image.Point][3]int{
			{X: 0, Y: 0}: {0, 0, 0}, {X: 39, Y: 0}: {57, 228, 108}, {X: 20, Y: 15}: {79, 72, 22}, {X: 3, Y: 28}: {120, 25, 111}, {X: 39, Y: 29}: {136, 252, 0},
		}},
	} {
		got := resize(pattern(tt.from.X, tt.from.Y), tt.to.X, tt.to.Y)
		if size := got.Bounds().Size(); size != tt.to {
			t.Fatalf("%v became %v", tt.from, size)
		}
		for at, want := range tt.want {
			found := got.NRGBAAt(at.X, at.Y)
			for i, c := range []uint8{found.R, found.G, found.B} {
				if diff := int(c) - want[i]; diff < -1 || diff > 1 { // Pillow counts in fixed point
					t.Errorf("%v to %v: the colour at %v is %v, want %v", tt.from, tt.to, at, found, want)
				}
			}
		}
	}
}

func TestAPictureOfTheSameSizeStaysAsItIs(t *testing.T) {
	source := pattern(33, 21)
	got := resize(source, 33, 21)
	for y := range 21 {
		for x := range 33 {
			if got.At(x, y) != source.At(10+x, 20+y) {
				t.Fatalf("the colour at %d, %d has changed", x, y)
			}
		}
	}
}

func TestTheWeightsOfEveryPixelAddUpToOneAndStayInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from, to := rapid.IntRange(1, 3000).Draw(t, "from"), rapid.IntRange(1, 1500).Draw(t, "to")
		for i, tap := range tapsFor(from, to) {
			sum := 0.0
			for _, weight := range tap.weights {
				sum += weight
			}
			if sum < 0.999999 || sum > 1.000001 || tap.first < 0 || tap.first+len(tap.weights) > from {
				t.Fatalf("pixel %d of %d is made of %d pixels from %d of %d, which weigh %f", i, to, len(tap.weights), tap.first, from, sum)
			}
		}
	})
}
