// Package gif composes the pictures of an animated GIF one after the other, on one canvas.
//
// A GIF does not hold pictures. It holds patches with rules: where a patch goes, which of its colors leaves the canvas as
// it is, and what becomes of its place before the next one. [Open] reads the structure of a whole file, which tells how
// many pictures there are; [Reader.Next] then composes them in order, and [Reader.Image] is the canvas at that moment. So
// memory holds the file and one canvas, however many pictures there are.
//
//	r, err := gif.Open(file, limits)
//	for range r.Frames() {
//		if err := r.Next(ctx); err != nil {
//			...
//		}
//		picture, err := r.Image() // until the next call of Next
//	}
//
// # Which pictures
//
// The standard library's image/gif decodes patches and leaves composing to its user, and the specification leaves much
// of it open. Here the pictures are those of Pillow, the Python library, in its releases 11 and 12, pixel for pixel, so
// that whoever changes from it sees no difference. Only colors under full transparency may differ. Where Pillow departs
// from the specification or from other readers:
//
//   - A frame without a rule for its disposal follows the rule of the frame before it.
//   - The rules 4 to 7, which nobody defined, mean the same as 3: put back what was there before.
//   - A disposed place becomes transparent if its frame has a transparent color, or gets that color if the canvas is
//     opaque; else it gets the background color, as the palette of the frame has it.
//   - A canvas begins with color 0, or transparent if the first frame has a transparent color.
//   - A frame that reaches beyond the canvas makes it larger.
//   - A color that a palette lacks is black.
//   - A palette of the grays in order counts as none; indices are then grays.
//   - Data of a frame may run on past its last block. It must fill the frame, though; what remains is not looked at.
//   - What follows the last frame may be anything that looks like no frame.
package gif
