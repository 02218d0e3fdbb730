package bedrockruntime

import (
	"image"
	"math"
)

// lanczosSize is how far the kernel reaches to either side, in pixels of the smaller picture.
const lanczosSize = 3

// lanczos is the window of C. Lanczos over the sinc function, as in K. Turkowski, "Filters for Common Resampling Tasks",
// Graphics Gems, 1990.
func lanczos(x float64) float64 {
	switch {
	case x == 0:
		return 1
	case math.Abs(x) >= lanczosSize:
		return 0
	}
	x *= math.Pi
	return lanczosSize * math.Sin(x) * math.Sin(x/lanczosSize) / (x * x)
}

// taps are the pixels of a row or column that make up one pixel of the result.
type taps struct {
	first   int
	weights []float64 // they add up to 1
}

// tapsFor are the taps of a row of from pixels that becomes one of to pixels. A row that shrinks is smoothed as well.
func tapsFor(from, to int) []taps {
	scale := float64(from) / float64(to)
	stretch := math.Max(scale, 1)
	list := make([]taps, to)
	for i := range list {
		centre := (float64(i) + 0.5) * scale
		first := max(int(math.Floor(centre-lanczosSize*stretch)), 0)
		end := min(int(math.Ceil(centre+lanczosSize*stretch)), from)
		weights := make([]float64, end-first)
		sum := 0.0
		for j := range weights {
			weights[j] = lanczos((float64(first+j) + 0.5 - centre) / stretch)
			sum += weights[j]
		}
		for j := range weights {
			weights[j] /= sum
		}
		list[i] = taps{first, weights}
	}
	return list
}

// colours of a pixel; transparency is not kept.
const colours = 3

// resize makes an opaque picture of another size. It holds one row of the source at a time, and all rows in their new
// width with a byte for each colour.
func resize(source image.Image, width, height int) *image.NRGBA {
	bounds := source.Bounds()
	across, down := tapsFor(bounds.Dx(), width), tapsFor(bounds.Dy(), height)
	row := make([]byte, bounds.Dx()*colours)
	narrowed := make([]byte, bounds.Dy()*width*colours)
	for y := range bounds.Dy() {
		readRow(row, source, bounds.Min.Y+y)
		for x, tap := range across {
			for c := range colours {
				narrowed[(y*width+x)*colours+c] = tap.sum(row, c, colours)
			}
		}
	}
	result := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y, tap := range down {
		for x := range width {
			pixel := result.Pix[y*result.Stride+4*x:]
			for c := range colours {
				pixel[c] = tap.sum(narrowed, x*colours+c, width*colours)
			}
			pixel[3] = math.MaxUint8
		}
	}
	return result
}

func readRow(row []byte, source image.Image, y int) {
	bounds := source.Bounds()
	for x := range bounds.Dx() {
		r, g, b, _ := source.At(bounds.Min.X+x, y).RGBA()
		row[x*colours], row[x*colours+1], row[x*colours+2] = byte(r>>8), byte(g>>8), byte(b>>8)
	}
}

// sum adds up bytes that are step apart.
func (t taps) sum(bytes []byte, offset, step int) byte {
	sum := 0.0
	for i, weight := range t.weights {
		sum += weight * float64(bytes[offset+(t.first+i)*step])
	}
	return byte(math.Max(0, math.Min(math.MaxUint8, math.Round(sum))))
}
