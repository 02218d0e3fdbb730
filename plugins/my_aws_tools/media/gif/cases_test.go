package gif

import (
	"fmt"
	"image"
	"slices"
)

// rainbow are four colors.
var rainbow = []byte{0xE0, 0x10, 0x10, 0x10, 0xD0, 0x20, 0x20, 0x30, 0xF0, 0xF0, 0xF0, 0x30}

// pastel are four others.
var pastel = []byte{0xFF, 0xD0, 0xD0, 0xD0, 0xFF, 0xD0, 0xD0, 0xD0, 0xFF, 0x50, 0x60, 0x70}

// gray is a palette that says what indices without one mean, too.
var gray = []byte{0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3}

// pattern are indices below four, in which no two rows are alike.
func pattern(bounds image.Rectangle, shift int) []byte {
	indices := make([]byte, 0, bounds.Dx()*bounds.Dy())
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			indices = append(indices, byte((x+2*y+x*y/3+shift)&3))
		}
	}
	return indices
}

// file is a GIF of 8 by 6 pixels whose frames are written by functions.
func file(palette []byte, frames ...func(*builder)) []byte {
	b := &builder{}
	b.screen(8, 6, 2, palette)
	for _, write := range frames {
		write(b)
	}
	b.byte(0x3B)
	return b.bytes
}

// at is a frame with a control block.
func at(x0, y0, x1, y1 int, disposal byte, transparent int, palette []byte) func(*builder) {
	return func(b *builder) {
		bounds := image.Rect(x0, y0, x1, y1)
		b.control(disposal, transparent, 7)
		b.frame(bounds, palette, 2, pattern(bounds, x0+y0+int(disposal)))
	}
}

// plain is a frame without one.
func plain(x0, y0, x1, y1 int) func(*builder) {
	return func(b *builder) {
		bounds := image.Rect(x0, y0, x1, y1)
		b.frame(bounds, nil, 2, pattern(bounds, 1))
	}
}

// raw are bytes between frames.
func raw(values ...byte) func(*builder) { return func(b *builder) { b.byte(values...) } }

// packed is a frame over the canvas whose data and their width are given, in blocks that are given too.
func packed(width byte, blocks ...byte) func(*builder) {
	return func(b *builder) {
		b.descriptor(image.Rect(0, 0, 8, 6), false, nil)
		b.byte(width)
		b.byte(blocks...)
	}
}

// example is a file that shows a rule.
type example struct {
	name string
	file []byte
}

// examples are files that show what matters, one thing each.
func examples() []example {
	whole := at(0, 0, 8, 6, 1, -1, nil)
	list := []example{
		{"one picture", file(rainbow, whole)},
		{"one picture without a control block", file(rainbow, plain(0, 0, 8, 6))},
		{"one picture with a transparent color", file(rainbow, at(0, 0, 8, 6, 0, 2, nil))},
		{"one picture that leaves a part of the canvas", file(rainbow, at(2, 2, 5, 5, 0, -1, nil))},
		{"one transparent picture that leaves a part of the canvas", file(rainbow, at(2, 2, 5, 5, 0, 3, nil))},
		{"a frame without a rule follows that of the frame before", file(rainbow, whole, at(1, 1, 6, 5, 2, -1, nil), at(2, 2, 4, 4, 0, 1, nil), at(3, 3, 5, 5, 0, 1, nil), plain(0, 0, 2, 2))},
		{"the background is a color of the frame's own palette", file(rainbow, whole, at(1, 1, 6, 5, 2, -1, pastel), at(6, 0, 7, 1, 1, -1, nil))},
		{"the background of a short palette is its first color", file(append(slices.Clone(rainbow), pastel...), whole, at(1, 1, 6, 5, 2, -1, pastel[:6]), at(6, 0, 7, 1, 1, -1, nil))},
		{"a disposed transparent place is transparent on a canvas that has transparency", file(rainbow, at(0, 0, 8, 6, 2, 0, nil), at(1, 1, 6, 5, 2, 1, nil), at(6, 0, 7, 1, 1, 2, nil))},
		{"a disposed transparent place is a color on a canvas that has none", file(rainbow, whole, at(1, 1, 6, 5, 2, 1, nil), at(6, 0, 7, 1, 1, 2, nil))},
		{"the first picture is put back only if it has a transparent color", file(rainbow, at(0, 0, 8, 6, 3, -1, nil), at(1, 1, 3, 3, 1, -1, nil))},
		{"the first picture is put back", file(rainbow, at(0, 0, 8, 6, 3, 1, nil), at(1, 1, 3, 3, 1, 2, nil))},
		{"what was put back is put back again", file(rainbow, whole, at(1, 1, 6, 5, 3, -1, pastel), at(2, 0, 7, 4, 3, 1, nil), at(6, 0, 7, 1, 1, -1, nil))},
		{"a local palette", file(rainbow, whole, at(1, 1, 6, 5, 1, -1, pastel), at(2, 2, 4, 4, 1, -1, nil))},
		{"only local palettes", file(nil, at(0, 0, 8, 6, 1, -1, pastel), at(1, 1, 6, 5, 1, 2, rainbow))},
		{"a local palette of the first frame", file(rainbow, at(0, 0, 8, 6, 1, -1, pastel), at(1, 1, 6, 5, 1, 2, nil))},
		{"a frame beyond the canvas", file(rainbow, whole, at(5, 4, 12, 9, 1, -1, pastel), at(1, 1, 6, 5, 1, 1, nil))},
		{"a transparent frame beyond the canvas", file(rainbow, whole, at(5, 4, 12, 9, 1, 2, nil), at(1, 1, 6, 5, 1, 1, nil))},
		{"a transparent frame beyond a canvas on which a color was disposed", file(rainbow, whole, at(1, 1, 6, 5, 2, 1, nil), at(7, 5, 9, 9, 1, 2, nil))},
		{"an opaque frame beyond a transparent canvas", file(rainbow, at(0, 0, 8, 6, 2, 1, nil), at(1, 1, 6, 5, 2, 1, nil), at(7, 5, 9, 9, 1, -1, nil), at(0, 0, 10, 10, 1, 2, nil))},
		{"a first frame beyond the canvas", file(rainbow, at(3, 3, 12, 9, 2, -1, nil), at(1, 1, 6, 5, 1, 1, nil))},
		{"a frame beyond the canvas is put back", file(rainbow, whole, at(5, 4, 12, 9, 3, -1, pastel), at(1, 1, 6, 5, 1, 1, nil))},
		{"grays", file(nil, whole, at(1, 1, 6, 5, 1, -1, nil))},
		{"grays by a palette of grays", file(gray, whole, at(1, 1, 6, 5, 1, -1, nil))},
		{"grays with a transparent one", file(nil, at(0, 0, 8, 6, 1, 2, nil), at(1, 1, 6, 5, 2, 1, nil), plain(0, 0, 2, 2))},
		{"grays that become transparent", file(nil, whole, at(1, 1, 6, 5, 1, 3, nil), plain(0, 0, 2, 2))},
		{"grays that are cleared and put back", file(nil, at(0, 0, 8, 6, 2, -1, nil), at(1, 1, 6, 5, 3, -1, nil), at(2, 2, 8, 6, 3, 1, nil), plain(0, 0, 2, 2))},
		{"grays beyond the canvas", file(nil, whole, at(5, 4, 12, 9, 1, -1, nil), plain(0, 0, 2, 2))},
		{"grays that get a palette", file(nil, whole, at(1, 1, 6, 5, 1, -1, rainbow), at(2, 2, 8, 6, 1, -1, pastel), plain(0, 0, 2, 2))},
		{"transparent grays that get a palette", file(nil, at(0, 0, 8, 6, 1, 1, nil), at(1, 1, 6, 5, 1, -1, rainbow), plain(0, 0, 2, 2))},
		{"transparent grays that get a palette in the last frame", file(nil, at(0, 0, 8, 6, 1, 1, nil), at(1, 1, 6, 5, 1, -1, rainbow))},
		{"grays that get a palette and grow", file(nil, whole, at(5, 4, 12, 9, 1, -1, rainbow), at(2, 2, 8, 6, 1, -1, pastel))},
		{"a gray frame among colors", file(rainbow, whole, at(1, 1, 6, 5, 1, -1, gray), at(2, 2, 8, 6, 2, 1, gray), at(0, 0, 1, 1, 1, -1, nil))},
		{"a gray frame beyond colors", file(rainbow, whole, at(5, 4, 12, 9, 1, -1, gray))},
		{"a transparent gray frame beyond colors", file(rainbow, whole, at(5, 4, 12, 9, 1, 1, gray))},
		{"a gray first frame of a file with a palette", file(rainbow, at(0, 0, 8, 6, 1, -1, gray))},
		{"a gray first frame before a frame with the palette of the file", file(rainbow, at(0, 0, 8, 6, 1, -1, gray), plain(1, 1, 6, 5), plain(0, 0, 2, 2))},
		{"a transparent gray first frame of a file with a palette", file(rainbow, at(0, 0, 8, 6, 1, 1, gray), plain(1, 1, 6, 5), plain(0, 0, 2, 2))},
		{"colors that the palette lacks", file(rainbow[:6], whole, at(1, 1, 6, 5, 1, -1, pastel[:6]))},
		{"a transparent color that the palette lacks", file(rainbow, at(0, 0, 8, 6, 2, 200, nil), at(1, 1, 6, 5, 2, 99, nil), plain(0, 0, 2, 2))},
		{"a frame without height", file(rainbow, whole, at(1, 1, 6, 1, 1, -1, nil))},
		{"a frame without width", file(rainbow, whole, at(1, 1, 1, 5, 1, -1, nil))},
		{"a screen without size", slices.Concat([]byte("GIF89a\x00\x00\x00\x00"), file(rainbow, whole)[10:])},
		{"a comment", file(rainbow, raw(0x21, 0xFE, 2, 'h', 'i', 0), whole)},
		{"a text", file(rainbow, raw(0x21, 0x01, 2, 'h', 'i', 1, '!', 0), whole)},
		{"a loop", file(rainbow, func(b *builder) { b.byte(0x21, 0xFF, 11); b.text("NETSCAPE2.0"); b.byte(3, 1, 0, 0, 0) }, whole, whole)},
		{"a loop without a number takes what follows for its own", file(rainbow, func(b *builder) { b.byte(0x21, 0xFF, 11); b.text("NETSCAPE2.0"); b.byte(0) }, raw(0x2C, 0x3B), whole, whole)},
		{"a loop without a number behind the first frame does not", file(rainbow, whole, func(b *builder) { b.byte(0x21, 0xFF, 11); b.text("NETSCAPE2.0"); b.byte(0) }, whole)},
		{"an empty extension takes what follows for its own", file(rainbow, whole, raw(0x21, 0x42, 0), raw(2, 0x2C, 0x3B, 0), whole)},
		{"an empty comment does not", file(rainbow, whole, raw(0x21, 0xFE, 0), whole)},
		{"an empty control block", file(rainbow, whole, raw(0x21, 0xF9, 0, 0), whole)},
		{"a control block that is too short", file(rainbow, whole, raw(0x21, 0xF9, 2, 4, 0, 0), whole)},
		{"a control block without a place for its transparent color", file(rainbow, whole, raw(0x21, 0xF9, 3, 5, 0, 0, 0), whole)},
		{"a short control block without a transparent color", file(rainbow, whole, raw(0x21, 0xF9, 3, 8, 9, 0, 0), plain(1, 1, 5, 5), whole)},
		{"two control blocks", file(rainbow, whole, raw(0x21, 0xF9, 4, 9, 9, 0, 1, 0, 0x21, 0xF9, 4, 0, 3, 0, 2, 0), plain(1, 1, 5, 5), plain(0, 0, 1, 1))},
		{"bytes between frames that mean nothing", file(rainbow, whole, raw(0, 0xFF, 0x42), plain(1, 1, 5, 5))},
		{"a frame behind the end", append(file(rainbow, whole), file(rainbow, plain(1, 1, 5, 5))[25:]...)},
		{"a comment behind the end", append(file(rainbow, whole), 0x21, 0xFE, 2, 'h', 'i', 0)},
		{"no end", slices.Delete(file(rainbow, whole), len(file(rainbow, whole))-1, len(file(rainbow, whole)))},
		{"a control block behind the last frame", file(rainbow, whole, raw(0x21, 0xF9, 4, 8, 0, 0, 0, 0))},
		{"an extension that the file cuts off", append(file(rainbow, whole)[:len(file(rainbow, whole))-1], 0x21)},
		{"a longer extension that the file cuts off", append(file(rainbow, whole)[:len(file(rainbow, whole))-1], 0x21, 0xFE, 9)},
		{"a control block that the file cuts off", append(file(rainbow, whole)[:len(file(rainbow, whole))-1], 0x21, 0xF9, 4)},
		{"a descriptor that the file cuts off", append(file(rainbow, whole)[:len(file(rainbow, whole))-1], 0x2C, 0, 0)},
		{"no frame", file(rainbow)},
		{"another version", slices.Replace(file(rainbow, whole), 4, 5, '7')},
		{"a version that does not exist", slices.Replace(file(rainbow, whole), 4, 5, '8')},
		{"data that end early", file(rainbow, packed(2, 2, 0x8C, 0x2D, 0))},
		{"data whose first code is none", file(rainbow, packed(2, 2, 0xFF, 0xFF, 0))},
		{"no data", file(rainbow, packed(2, 0))},
	}
	for rule := range byte(8) {
		list = append(list,
			example{fmt.Sprintf("rule %d", rule), file(rainbow, whole, at(1, 1, 6, 5, rule, -1, pastel), at(3, 2, 8, 4, rule, -1, nil), plain(0, 0, 1, 1))},
			example{fmt.Sprintf("rule %d from the first frame on", rule), file(rainbow, at(0, 0, 8, 6, rule, -1, nil), at(1, 1, 6, 5, rule, -1, pastel), plain(0, 0, 1, 1))},
			example{fmt.Sprintf("rule %d with transparency", rule), file(rainbow, at(1, 0, 7, 6, rule, 1, nil), at(1, 1, 6, 5, rule, 2, pastel), at(3, 2, 8, 4, rule, 1, nil), plain(0, 0, 1, 1))},
		)
	}
	for height := range 10 {
		b := &builder{}
		b.screen(3, 9, 0, rainbow)
		bounds := image.Rect(0, 0, 3, height)
		b.descriptor(bounds, true, nil)
		b.byte(2)
		b.blocks(compress(pattern(bounds, 0), 2, compression{}), 255)
		list = append(list, example{fmt.Sprintf("%d interlaced rows", height), b.bytes})
	}
	for width := range byte(14) {
		indices := make([]byte, 48)
		for i := range indices {
			indices[i] = byte(i * 5)
		}
		list = append(list, example{fmt.Sprintf("indices of %d bits", width), file(rainbow, func(b *builder) {
			b.frame(image.Rect(0, 0, 8, 6), nil, width, indices)
		})})
	}
	return append(list, streams()...)
}

// streams are files whose data are compressed in unusual ways.
func streams() []example {
	long := image.Rect(0, 0, 120, 100)
	noise := make([]byte, long.Dx()*long.Dy())
	for i := range noise {
		noise[i] = byte(i * i * 7 >> 3)
	}
	var list []example
	for name, how := range map[string]compression{
		"a table that is cleared when it is full": {},
		"a table that is full for long":           {clearEvery: -1},
		"a table that is cleared often":           {clearEvery: 3},
		"no clear code at the beginning":          {withoutClear: true},
		"no end code":                             {withoutEnd: true},
		"no strings":                              {literal: true},
	} {
		b := &builder{}
		b.screen(120, 100, 0, nil)
		b.descriptor(long, false, nil)
		b.byte(8)
		b.blocks(compress(noise, 8, how), 255)
		list = append(list, example{name, b.bytes})
	}
	slices.SortFunc(list, func(a, b example) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	early := file(rainbow, func(b *builder) {
		b.descriptor(image.Rect(0, 0, 8, 6), false, nil)
		b.byte(2)
		b.blocks(compress(pattern(image.Rect(0, 0, 8, 6), 0), 2, compression{endAfter: 5}), 255)
	})
	edge := func(b *builder) {
		b.control(3, 1, 0)
		b.frame(image.Rect(0, 1, 0, 5), nil, 2, pattern(image.Rect(0, 0, 8, 6), 3))
	}
	return append(list,
		example{"data behind an end code at the end of the file", early},
		example{"data behind an end code with much behind them", append(early, make([]byte, window)...)},
		example{"a frame of colors at the left edge without width", file(rainbow, at(0, 0, 8, 6, 1, -1, nil), edge, plain(1, 1, 3, 3))},
		example{"a frame of grays at the left edge without width", file(nil, at(0, 0, 8, 6, 1, -1, nil), edge, plain(1, 1, 3, 3))},
	)
}
