package gif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"slices"
)

// The bytes that begin what a GIF is made of.
const (
	extension = 0x21
	picture   = 0x2C
	trailer   = 0x3B
)

// The kinds of extensions that matter here.
const (
	applicationExtension = 0xFF
	commentExtension     = 0xFE
	controlExtension     = 0xF9
)

// The bits of a packed byte.
const (
	hasPalette     = 0x80 // in the descriptors of the screen and of a frame
	isInterlaced   = 0x40 // in that of a frame
	hasTransparent = 0x01 // in a control extension
)

// frame is one patch of the file and how it is put on the canvas.
type frame struct {
	bounds image.Rectangle
	// canvas is the size of the canvas from this frame on.
	canvas image.Point
	// palette is the local palette, else the global one, as red, green and blue bytes; nil means grays.
	palette []byte
	// transparent is the index that leaves the canvas as it is; -1 is none.
	transparent int
	// disposal is the rule in force for this frame, 0 to 7.
	disposal   byte
	interlaced bool
	// literalWidth is how many bits an uncompressed index has. The compressed indices begin at data.
	literalWidth byte
	data         int
	// delay is how long the picture is shown, in hundredths of a second.
	delay int
}

// area is what the data of a frame fill: its bounds, but the whole canvas if it is a frame at the left edge that is 0 wide.
// Such a frame leaves no trace among colors.
func (f *frame) area() image.Rectangle {
	if f.bounds.Min.X == 0 && f.bounds.Max.X == 0 {
		return image.Rectangle{Max: f.canvas}
	}
	return f.bounds
}

// structure is what a file says about itself.
type structure struct {
	frames []frame
	// background is an index into the palette of whichever frame is disposed.
	background byte
	// global is the palette of frames that have none; nil means grays.
	global []byte
}

// errEnd says that the file ends inside of something that cannot be left out.
var errEnd = errors.New("the file is cut off")

// errNoFrame says that there is no further frame.
var errNoFrame = errors.New("there is no picture in it")

// scanner walks over the bytes of a file.
type scanner struct {
	file []byte
	at   int
}

// scan reads the structure of a file.
func scan(file []byte, limits Limits) (structure, error) {
	var s structure
	if !isGIF(file) {
		return s, errors.New("it does not begin as a GIF does")
	}
	in := &scanner{file: file, at: 6}
	screen, err := in.take(7)
	if err != nil {
		return s, err
	}
	size := image.Pt(word(screen, 0), word(screen, 2))
	if flags := screen[4]; flags&hasPalette != 0 {
		s.background = screen[5]
		if s.global, err = in.palette(flags); err != nil {
			return s, err
		}
	}
	var disposal byte
	for {
		f, err := in.frame(s.global, len(s.frames) == 0, disposal)
		if errors.Is(err, errNoFrame) && len(s.frames) > 0 {
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("frame %d: %w", len(s.frames)+1, err)
		}
		if len(s.frames) == limits.Frames {
			return s, fmt.Errorf("it has more than %d frames, which is the limit", limits.Frames)
		}
		size.X, size.Y = max(size.X, f.bounds.Max.X), max(size.Y, f.bounds.Max.Y)
		if int64(size.X)*int64(size.Y) > limits.Pixels {
			return s, fmt.Errorf("frame %d: the picture has %d x %d pixels, the limit is %d pixels", len(s.frames)+1, size.X, size.Y, limits.Pixels)
		}
		f.canvas, disposal = size, f.disposal
		s.frames = append(s.frames, f)
		in.skipBlocks()
	}
}

// isGIF reports whether a file begins as one of either version.
func isGIF(file []byte) bool {
	return len(file) >= 6 && slices.Contains([]string{"GIF87a", "GIF89a"}, string(file[:6]))
}

// frame reads up to where the data of the next frame begin. The disposal is that of the frame before.
func (in *scanner) frame(global []byte, first bool, disposal byte) (frame, error) {
	f := frame{transparent: -1, disposal: disposal}
	for {
		kind, err := in.take(1)
		if err != nil || kind[0] == trailer {
			return f, errNoFrame
		}
		switch kind[0] {
		case extension:
			err = in.extension(&f, first)
		case picture:
			return f, in.descriptor(&f, global)
		}
		if err != nil {
			return f, err
		}
	}
}

// descriptor reads what precedes the data of a frame.
func (in *scanner) descriptor(f *frame, global []byte) error {
	head, err := in.take(9)
	if err != nil {
		return err
	}
	x, y := word(head, 0), word(head, 2)
	f.bounds = image.Rect(x, y, x+word(head, 4), y+word(head, 6))
	flags := head[8]
	f.interlaced = flags&isInterlaced != 0
	f.palette = global
	if flags&hasPalette != 0 {
		if f.palette, err = in.palette(flags); err != nil {
			return err
		}
	}
	width, err := in.take(1)
	if err != nil {
		return err
	}
	f.literalWidth, f.data = width[0], in.at
	return nil
}

// palette reads the palette that the flags announce. One of all grays in order is nil.
func (in *scanner) palette(flags byte) ([]byte, error) {
	colors, err := in.take(3 << (flags&7 + 1))
	if err != nil {
		return nil, err
	}
	for i, value := range colors {
		if int(value) != i/3 {
			return colors, nil
		}
	}
	return nil, nil
}

// extension reads an extension. Some of what it does looks odd: an extension that is empty takes the blocks behind it for
// its own, as does the name of an application that has no data. Counting frames in another way than Pillow would give
// other pictures.
func (in *scanner) extension(f *frame, first bool) error {
	label, err := in.take(1)
	if err != nil {
		return err
	}
	block, there := in.block()
	switch {
	case label[0] == commentExtension:
		if len(block) == 0 {
			return nil
		}
	case label[0] == controlExtension && there:
		if err := f.control(block); err != nil {
			return err
		}
	case label[0] == applicationExtension && there && first && isLoop(block):
		in.block()
	}
	in.skipBlocks()
	return nil
}

// isLoop reports whether the first block of an application extension is the name under which a file says how often it
// is played.
func isLoop(name []byte) bool {
	const netscape = "NETSCAPE2.0"
	return len(name) >= len(netscape) && string(name[:len(netscape)]) == netscape
}

// control takes over what a control extension says about the frame that follows. There may be several.
func (f *frame) control(block []byte) error {
	if len(block) < 3 || block[0]&hasTransparent != 0 && len(block) < 4 {
		return fmt.Errorf("its control block has only %d bytes", len(block))
	}
	if block[0]&hasTransparent != 0 {
		f.transparent = int(block[3])
	}
	if rule := block[0] >> 2 & 7; rule != 0 {
		f.disposal = rule
	}
	f.delay = word(block, 1)
	return nil
}

// take reads exactly n bytes.
func (in *scanner) take(n int) ([]byte, error) {
	if len(in.file)-in.at < n {
		in.at = len(in.file)
		return nil, errEnd
	}
	in.at += n
	return in.file[in.at-n : in.at : in.at], nil
}

// block reads a block, which tells its length first. The empty one, which ends a row of blocks, and the end of the file
// are none. At the end of the file a block may be shorter than it says.
func (in *scanner) block() (content []byte, there bool) {
	length, err := in.take(1)
	if err != nil || length[0] == 0 {
		return nil, false
	}
	end := min(in.at+int(length[0]), len(in.file))
	content, in.at = in.file[in.at:end], end
	return content, true
}

// skipBlocks goes behind a row of blocks.
func (in *scanner) skipBlocks() {
	for {
		if content, _ := in.block(); len(content) == 0 {
			return
		}
	}
}

// word is the number of two bytes at a place.
func word(b []byte, at int) int { return int(binary.LittleEndian.Uint16(b[at:])) }
