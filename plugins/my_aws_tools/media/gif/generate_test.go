package gif

import (
	"encoding/binary"
	"image"
	"math/rand/v2"
)

// builder writes a GIF byte by byte, so that it can be wrong in any way.
type builder struct{ bytes []byte }

func (b *builder) byte(values ...byte) { b.bytes = append(b.bytes, values...) }

func (b *builder) text(text string) { b.bytes = append(b.bytes, text...) }

func (b *builder) word(values ...int) {
	for _, value := range values {
		b.bytes = binary.LittleEndian.AppendUint16(b.bytes, uint16(value))
	}
}

// screen begins a file. Without a palette it has none.
func (b *builder) screen(width, height int, background byte, palette []byte) {
	b.text("GIF89a")
	b.word(width, height)
	b.byte(paletteFlags(palette), background, 0)
	b.byte(palette...)
}

// paletteFlags announces a palette of 2, 4, 8 and so on colors.
func paletteFlags(palette []byte) byte {
	if palette == nil {
		return 0
	}
	bits := byte(0)
	for 3<<(bits+1) < len(palette) {
		bits++
	}
	return 0x80 | bits
}

// control writes a control extension. A transparent index below 0 is none.
func (b *builder) control(disposal byte, transparent, delay int) {
	flags, index := disposal<<2, byte(0)
	if transparent >= 0 {
		flags, index = flags|1, byte(transparent)
	}
	b.byte(0x21, 0xF9, 4, flags)
	b.word(delay)
	b.byte(index, 0)
}

// blocks writes content in blocks of a size, and the end of them.
func (b *builder) blocks(content []byte, size int) {
	for len(content) > 0 {
		n := min(size, len(content))
		b.byte(byte(n))
		b.byte(content[:n]...)
		content = content[n:]
	}
	b.byte(0)
}

// descriptor begins a frame, up to its data.
func (b *builder) descriptor(bounds image.Rectangle, interlaced bool, palette []byte) {
	flags := paletteFlags(palette)
	if interlaced {
		flags |= 0x40
	}
	b.byte(0x2C)
	b.word(bounds.Min.X, bounds.Min.Y, bounds.Dx(), bounds.Dy())
	b.byte(flags)
	b.byte(palette...)
}

// frame writes a frame with plain data.
func (b *builder) frame(bounds image.Rectangle, palette []byte, width byte, indices []byte) {
	b.descriptor(bounds, false, palette)
	b.byte(width)
	b.blocks(compress(indices, width, compression{}), 255)
}

// compression is how data are compressed.
type compression struct {
	withoutClear bool // at the beginning
	withoutEnd   bool
	clearEvery   int // codes; 0 clears when the table is full, below 0 never does
	literal      bool
	endAfter     int // codes; 0 does not end early
}

// compress is LZW as an encoder writes it that knows what the decoder knows.
func compress(indices []byte, width byte, how compression) []byte {
	var out []byte
	var bits uint64
	var count uint
	clearCode, endCode := 1<<width, 1<<width+1
	next, size, behindClear := clearCode+2, uint(width)+1, true
	put := func(code int) {
		bits |= uint64(code) << count
		for count += size; count >= 8; count -= 8 {
			out = append(out, byte(bits))
			bits >>= 8
		}
	}
	type str struct {
		prefix int
		index  byte
	}
	table := map[str]int{}
	free := clearCode + 2 // the encoder is one entry ahead
	reset := func() {
		put(clearCode)
		next, size, behindClear, free = clearCode+2, uint(width)+1, true, clearCode+2
		clear(table)
	}
	if !how.withoutClear {
		reset()
	}
	codes := 0
	emit := func(code int) {
		put(code)
		if codes++; codes == how.endAfter {
			put(endCode)
		}
		if behindClear {
			behindClear = false
			return
		}
		if next < 4096 {
			if next == 1<<size-1 && size < 12 {
				size++
			}
			next++
		}
	}
	mask := byte(min(1<<width-1, 255))
	for i := 0; i < len(indices); {
		if how.clearEvery > 0 && codes%how.clearEvery == how.clearEvery-1 || how.clearEvery == 0 && next == 4096 {
			codes++
			reset()
		}
		code := int(indices[i] & mask)
		i++
		for i < len(indices) && !how.literal {
			longer, ok := table[str{code, indices[i] & mask}]
			if !ok || longer >= 1<<size {
				break
			}
			code = longer
			i++
		}
		emit(code)
		if i < len(indices) && free < 4096 && !how.literal {
			table[str{code, indices[i] & mask}] = free
			free++
		}
	}
	if !how.withoutEnd {
		put(endCode)
	}
	if count > 0 {
		out = append(out, byte(bits))
	}
	return out
}

// generator makes GIFs at random.
type generator struct {
	*rand.Rand
	builder
	odd     bool // whether the file may be wrong
	width   int
	height  int
	palette []byte
}

// generate makes a GIF. The same seed makes the same one.
func generate(seed uint64) []byte {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
	g.odd = g.chance(40)
	g.width, g.height = 1+g.IntN(12), 1+g.IntN(12)
	if g.chance(4) {
		g.width, g.height = 40+g.IntN(120), 40+g.IntN(120)
	}
	if g.odd && g.chance(3) {
		g.width = 0
	}
	if !g.chance(15) {
		g.palette = g.colors()
	}
	g.screen(g.width, g.height, byte(g.IntN(1+len(g.palette)/3)), g.palette)
	if g.odd && g.chance(5) {
		g.bytes[4] = '7'
	}
	for range 1 + g.IntN(6) {
		g.extensions()
		g.picture()
	}
	g.end()
	return g.bytes
}

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// colors is a palette of any size, sometimes of grays.
func (g *generator) colors() []byte {
	palette := make([]byte, 3<<(1+g.IntN(8)))
	gray := g.chance(10)
	for i := range palette {
		palette[i] = byte(i / 3)
		if !gray {
			palette[i] = byte(g.IntN(256))
		}
	}
	return palette
}

// extensions writes what may stand in front of a frame.
func (g *generator) extensions() {
	if g.chance(15) {
		g.byte(0x21, 0xFE)
		g.blocks(g.noise(g.IntN(40)), 1+g.IntN(20))
	}
	if g.chance(15) {
		g.byte(0x21, 0xFF, 11)
		g.text("NETSCAPE2.0")
		if g.chance(80) || !g.odd {
			g.byte(3, 1)
			g.word(g.IntN(3))
		}
		g.byte(0)
	}
	if g.chance(5) {
		g.byte(0x21, 0x01)
		g.blocks(g.noise(12+g.IntN(30)), 12)
	}
	if g.odd && g.chance(5) {
		g.byte(0x21, []byte{0xF9, 0xFF, 0xFE, 0x01, 0x42}[g.IntN(5)], 0)
	}
	if g.odd && g.chance(4) {
		g.byte(0x21, 0xF9)
		g.blocks(g.noise(1+g.IntN(6)), 6)
	}
	if g.odd && g.chance(4) {
		g.byte(g.noise(1 + g.IntN(3))...)
	}
	for g.chance(75) {
		g.control(g.disposal(), g.transparent(), []int{0, 0, 1, 10, 65535}[g.IntN(5)])
		if !g.chance(10) {
			break
		}
	}
	if g.odd && g.chance(2) {
		g.byte(0x3B)
	}
}

func (g *generator) disposal() byte { return []byte{0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7}[g.IntN(13)] }

func (g *generator) transparent() int {
	switch g.IntN(10) {
	case 0:
		return g.IntN(256)
	case 1, 2, 3, 4:
		return g.IntN(4)
	default:
		return -1
	}
}

func (g *generator) noise(n int) []byte {
	noise := make([]byte, n)
	for i := range noise {
		noise[i] = byte(g.IntN(256))
	}
	return noise
}

// picture writes a frame.
func (g *generator) picture() {
	bounds := image.Rect(0, 0, g.width, g.height)
	if g.chance(60) {
		x, y := g.IntN(g.width+1), g.IntN(g.height+1)
		bounds = image.Rect(x, y, x+1+g.IntN(g.width-x+1), y+1+g.IntN(g.height-y+1))
	}
	if g.chance(5) {
		bounds = bounds.Add(image.Pt(g.IntN(5), g.IntN(5)))
	}
	if g.odd && g.chance(2) {
		bounds.Max.X = bounds.Min.X
	}
	if bounds.Dx() == 0 && !g.odd {
		bounds.Max.X++
	}
	local := []byte(nil)
	if g.chance(30) {
		local = g.colors()
	}
	width := byte(2)
	for palette := max(len(local), len(g.palette)); 3<<width < palette && width < 8; {
		width++
	}
	if g.chance(10) {
		width = 2 + byte(g.IntN(7))
	}
	if g.odd && g.chance(15) {
		width = byte(g.IntN(14))
	}
	g.descriptor(bounds, g.chance(30), local)
	g.byte(width)
	g.blocks(g.data(bounds.Dx()*bounds.Dy(), min(width, 12)), []int{255, 254, 40, 3, 1}[g.IntN(5)])
}

// data are those of a frame with so many pixels.
func (g *generator) data(pixels int, width byte) []byte {
	how := compression{withoutClear: g.chance(10), withoutEnd: g.chance(10), literal: g.chance(10)}
	if g.chance(15) {
		how.clearEvery = []int{-1, 2, 7, 50}[g.IntN(4)]
	}
	if g.chance(5) {
		pixels += 1 + g.IntN(20)
	}
	if g.odd && g.chance(4) {
		pixels -= g.IntN(pixels/4 + 1)
	}
	if g.odd && g.chance(2) {
		how.endAfter = 1 + g.IntN(6)
	}
	indices, colors := make([]byte, pixels), 1+g.IntN(256)
	for i := range indices {
		if i == 0 || g.chance(40) {
			indices[i] = byte(g.IntN(colors))
			continue
		}
		indices[i] = indices[i-1]
	}
	return compress(indices, width, how)
}

// end writes the end of the file, and damages what there is.
func (g *generator) end() {
	if !g.chance(10) {
		g.byte(0x3B)
	}
	if g.chance(10) {
		g.byte(0x21, 0xFE, 3)
		g.text("end")
		g.byte(0)
	}
	if g.odd && g.chance(5) {
		g.byte(make([]byte, 66<<10)...)
	}
	if g.odd && g.chance(10) {
		g.byte(g.noise(g.IntN(50))...)
	}
	if g.odd && g.chance(12) {
		g.bytes = g.bytes[:len(g.bytes)-g.IntN(min(len(g.bytes), 200))]
	}
	if g.odd && g.chance(15) {
		for range 1 + g.IntN(3) {
			g.bytes[g.IntN(len(g.bytes))] ^= 1 << g.IntN(8)
		}
	}
}
