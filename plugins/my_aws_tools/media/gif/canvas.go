package gif

import (
	"errors"
	"image"
	"slices"
)

// errGrays says that a picture became one with colors although its grays have a transparent one among them, which Pillow
// refuses.
var errGrays = errors.New("a palette cannot be added to grays of which one is transparent")

// canvas is what the patches are put on. It begins with indices into a palette. The second picture turns them into
// colors, unless its predecessors are gray: then indices they stay, until a frame behind one that has a palette.
type canvas struct {
	size image.Point

	// indices are one byte for each pixel, nil once there are colors.
	indices []byte
	// palette is that of the indices; nil means grays. It need not be that of the last frame.
	palette *[256]rgba
	// gray says that the last frame has no palette, even if the canvas does.
	gray bool
	// transparent is the index without color, -1 for none.
	transparent int

	// colors are red, green, blue and alpha, 4 bytes for each pixel, nil as long as there are indices. Where the canvas is
	// opaque, alpha does not count; yet it is kept, because a canvas that grows may cease to be opaque.
	colors []byte
	opaque bool
}

type rgba [4]byte

// newPalette expands the palette of a frame. Colors that it lacks are black.
func newPalette(colors []byte) *[256]rgba {
	p := new([256]rgba)
	for i := range p {
		p[i] = rgba{0, 0, 0, 255}
		if 3*i+2 < len(colors) {
			copy(p[i][:], colors[3*i:3*i+3])
		}
	}
	return p
}

// grays is the palette of frames that have none.
func grays() *[256]rgba {
	p := new([256]rgba)
	for i := range p {
		p[i] = rgba{byte(i), byte(i), byte(i), 255}
	}
	return p
}

// shown is the palette with which indices are shown, transparency included.
func (c *canvas) shown(palette *[256]rgba) *[256]rgba {
	if palette == nil {
		palette = grays()
	}
	p := *palette
	if c.transparent >= 0 {
		p[c.transparent][3] = 0
	}
	return &p
}

// colorize turns indices into colors, in front of a frame behind one that has a palette.
func (c *canvas) colorize() error {
	if c.transparent >= 0 && c.palette == nil {
		return errGrays
	}
	c.colors, c.opaque = expand(c.indices, c.shown(c.palette)), c.transparent < 0
	c.indices, c.palette = nil, nil
	return nil
}

// expand looks indices up.
func expand(indices []byte, palette *[256]rgba) []byte {
	colors := make([]byte, 4*len(indices))
	for i, index := range indices {
		*(*rgba)(colors[4*i:]) = palette[index]
	}
	return colors
}

// image is what is seen. Once there are colors it shares its bytes with the canvas, unless that may still grow and so
// needs what the picture must not show.
func (c *canvas) image(mayGrow bool) (*image.NRGBA, error) {
	picture := &image.NRGBA{Pix: c.colors, Stride: 4 * c.size.X, Rect: image.Rectangle{Max: c.size}}
	switch {
	case c.indices != nil && c.gray:
		picture.Pix = expand(c.indices, c.shown(nil))
	case c.indices != nil:
		if c.transparent >= 0 && c.palette == nil {
			return nil, errGrays
		}
		picture.Pix = expand(c.indices, c.shown(c.palette))
	case c.opaque && !picture.Opaque():
		if mayGrow {
			picture.Pix = slices.Clone(c.colors)
		}
		for i := 3; i < len(picture.Pix); i += 4 {
			picture.Pix[i] = 255
		}
	}
	return picture, nil
}

// grow makes the canvas larger for a frame. What is new is not always transparent: indices are 0 there, an opaque canvas
// gets the first color of the frame's palette.
func (c *canvas) grow(f *frame) error {
	if c.size == f.canvas {
		return nil
	}
	old := c.size
	c.size = f.canvas
	if c.indices != nil {
		switch {
		case f.palette != nil:
			c.palette = newPalette(f.palette)
		case c.palette != nil:
			c.palette = newPalette(nil)
		}
		c.indices = enlarge(c.indices, old, c.size, 1)
		return nil
	}
	background := rgba{}
	if c.opaque = f.transparent < 0; c.opaque {
		if f.palette == nil {
			return errors.New("it is gray, opaque and larger than the canvas, which cannot be composed")
		}
		background = newPalette(f.palette)[0]
	}
	c.colors = enlarge(c.colors, old, c.size, 4)
	paint(c.colors, c.size, image.Rect(old.X, 0, c.size.X, old.Y), background[:])
	paint(c.colors, c.size, image.Rect(0, old.Y, c.size.X, c.size.Y), background[:])
	return nil
}

// enlarge returns pixels of so many bytes each with room to the right and below.
func enlarge(pixels []byte, from, to image.Point, bytes int) []byte {
	larger := make([]byte, to.X*to.Y*bytes)
	for y := range from.Y {
		copy(larger[y*to.X*bytes:], pixels[y*from.X*bytes:(y+1)*from.X*bytes])
	}
	return larger
}

// paint fills a part of pixels with one, all of whose bytes are given.
func paint(pixels []byte, size image.Point, part image.Rectangle, pixel []byte) {
	part = part.Intersect(image.Rectangle{Max: size})
	if part.Empty() {
		return
	}
	width := len(pixel)
	first := row(pixels, size, part, part.Min.Y, width)
	for at := copy(first, pixel); at < len(first); {
		at += copy(first[at:], first[:at])
	}
	for y := part.Min.Y + 1; y < part.Max.Y; y++ {
		copy(row(pixels, size, part, y, width), first)
	}
}

// row is a row of a part of pixels.
func row(pixels []byte, size image.Point, part image.Rectangle, y, bytes int) []byte {
	begin := (y*size.X + part.Min.X) * bytes
	return pixels[begin : begin+part.Dx()*bytes]
}
