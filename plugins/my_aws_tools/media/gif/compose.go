package gif

import (
	"context"
	"errors"
	"image"
)

// The rules for the place of a frame before the next one is drawn. Rules above restore mean the same.
const (
	clearPlace = 2
	restore    = 3
)

// undo is what happens to the place of a frame before the next one is drawn. The zero value leaves it as it is.
type undo struct {
	place image.Rectangle
	// saved are the pixels from before, in as many bytes as the canvas had for each at that time.
	saved []byte
	// fill is one pixel for the whole place; nil if there are saved ones.
	fill []byte
}

// compose puts a frame on the canvas, after what its predecessor asked for. The order of the steps matters.
func (r *Reader) compose(ctx context.Context, f *frame) error {
	c := &r.canvas
	first := r.done == 0
	r.undo.apply(c)
	if !first && c.indices != nil && !c.gray {
		if err := c.colorize(); err != nil {
			return err
		}
	}
	r.undo = r.undoing(f, first)
	if f.area().Empty() {
		return errors.New("it has no pixels")
	}
	if first {
		r.begin(f)
	} else if err := c.grow(f); err != nil {
		return err
	}
	patch, err := r.decode(ctx, f)
	if err != nil {
		return err
	}
	if c.indices == nil {
		if f.area() == f.bounds {
			c.draw(f, patch)
		}
		return nil
	}
	c.gray = f.palette == nil
	c.drawIndices(f, patch, first)
	return nil
}

// begin makes the canvas for the first frame.
func (r *Reader) begin(f *frame) {
	r.canvas = canvas{size: f.canvas, indices: make([]byte, f.canvas.X*f.canvas.Y), transparent: f.transparent}
	if f.transparent > 0 {
		paint(r.canvas.indices, f.canvas, image.Rectangle{Max: f.canvas}, []byte{byte(f.transparent)})
	}
	switch {
	case f.palette != nil:
		r.canvas.palette = newPalette(f.palette)
	case r.content.global != nil:
		r.canvas.palette = newPalette(r.content.global)
	}
}

// undoing prepares what happens to the place of a frame after it. The frame is not drawn yet and the canvas has not grown
// for it.
func (r *Reader) undoing(f *frame, first bool) undo {
	c := &r.canvas
	u := undo{place: f.bounds}
	switch {
	case f.disposal == clearPlace:
		u.fill = r.cleared(f, first)
	case f.disposal < restore:
		return undo{}
	case first && f.transparent < 0:
		return undo{}
	case first:
		u.fill = []byte{byte(f.transparent)}
	case c.indices != nil:
		r.saved = cut(r.saved, c.indices, c.size, f.bounds, 1)
		u.saved = r.saved
	default:
		r.saved = cut(r.saved, c.colors, c.size, f.bounds, 4)
		u.saved = r.saved
	}
	return u
}

// cleared is the pixel of a place that is cleared.
func (r *Reader) cleared(f *frame, first bool) []byte {
	index := f.transparent
	indexed := first || r.canvas.indices != nil
	if indexed && !first && r.canvas.transparent >= 0 {
		index = r.canvas.transparent
	}
	alpha := byte(0)
	if index < 0 {
		index, alpha = int(r.content.background), 255
	}
	if indexed {
		return []byte{byte(index)}
	}
	if f.palette == nil {
		return []byte{byte(index), byte(index), byte(index), alpha}
	}
	if 3*index+3 > len(f.palette) {
		index = 0
	}
	return []byte{f.palette[3*index], f.palette[3*index+1], f.palette[3*index+2], alpha}
}

// apply changes the place.
func (u undo) apply(c *canvas) {
	pixels, bytes := c.indices, 1
	if pixels == nil {
		pixels, bytes = c.colors, 4
	}
	switch {
	case u.fill != nil:
		paint(pixels, c.size, u.place, u.fill)
	case u.saved != nil:
		width := u.place.Dx() * bytes
		for y := range u.place.Dy() {
			copy(row(pixels, c.size, u.place, u.place.Min.Y+y, bytes), u.saved[y*width:])
		}
	}
}

// cut copies a part of pixels, into a buffer if that is large enough. Outside of them it is zero.
func cut(buffer, pixels []byte, size image.Point, part image.Rectangle, bytes int) []byte {
	saved := resize(buffer, part.Dx()*part.Dy()*bytes)
	inside := part.Intersect(image.Rectangle{Max: size})
	if inside != part {
		clear(saved)
	}
	for y := inside.Min.Y; y < inside.Max.Y; y++ {
		copy(saved[(y-part.Min.Y)*part.Dx()*bytes:], row(pixels, size, inside, y, bytes))
	}
	return saved
}

// decode returns the indices of a frame, row by row. They are good until the next call.
func (r *Reader) decode(ctx context.Context, f *frame) ([]byte, error) {
	width, height := f.area().Dx(), f.area().Dy()
	r.patch = resize(r.patch, width*height)
	if !f.interlaced {
		return r.patch, r.lzw.fill(ctx, r.patch, r.file[f.data:], f.literalWidth)
	}
	r.scratch = resize(r.scratch, width*height)
	if err := r.lzw.fill(ctx, r.scratch, r.file[f.data:], f.literalWidth); err != nil {
		return nil, err
	}
	from := r.scratch
	for _, pass := range []struct{ start, step int }{{0, 8}, {4, 8}, {2, 4}, {1, 2}} {
		for y := pass.start; y < height; y += pass.step {
			copy(r.patch[y*width:], from[:width])
			from = from[width:]
		}
	}
	return r.patch, nil
}

// resize returns a buffer of a length, the given one if it is large enough.
func resize(buffer []byte, length int) []byte {
	if cap(buffer) >= length {
		return buffer[:length]
	}
	return make([]byte, length)
}

// drawIndices puts the indices of a frame on a canvas of indices. In the first frame no index leaves the canvas as it is.
func (c *canvas) drawIndices(f *frame, patch []byte, first bool) {
	area := f.area()
	width := area.Dx()
	for y := range area.Dy() {
		in, out := patch[y*width:(y+1)*width], row(c.indices, c.size, area, area.Min.Y+y, 1)
		if first || f.transparent < 0 {
			copy(out, in)
			continue
		}
		for x, index := range in {
			if int(index) != f.transparent {
				out[x] = index
			}
		}
	}
}

// draw puts the indices of a frame on a canvas of colors.
func (c *canvas) draw(f *frame, patch []byte) {
	palette := grays()
	if f.palette != nil {
		palette = newPalette(f.palette)
	}
	width := f.bounds.Dx()
	for y := range f.bounds.Dy() {
		out := row(c.colors, c.size, f.bounds, f.bounds.Min.Y+y, 4)
		for x, index := range patch[y*width : (y+1)*width] {
			if int(index) != f.transparent {
				*(*rgba)(out[4*x:]) = palette[index]
			}
		}
	}
}
