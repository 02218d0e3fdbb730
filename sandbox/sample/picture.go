package sample

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
)

// picture returns a PNG with a gradient whose colours depend on the tint.
func picture(width, height, tint int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.SetRGBA(x, y, color.RGBA{
				R: uint8(255 * x / width),
				G: uint8(255 * y / height),
				B: uint8(tint * 7),
				A: 255,
			})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img) // writing to memory, of an image that has pixels, cannot fail
	return b.Bytes()
}
