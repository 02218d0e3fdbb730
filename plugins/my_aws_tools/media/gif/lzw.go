package gif

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// maxWidth is how many bits a code has at most, unless literals have as many.
	maxWidth = 12
	// tableSize is the number of codes that can stand for strings.
	tableSize = 1 << maxWidth
	// window is how many bytes of the file a frame is given at a time. It shows behind an end code only, see source.
	window = 64 << 10
)

// What can be wrong with the data of a frame.
var (
	errShort = errors.New("its data end before it is complete")
	errCode  = errors.New("its data are damaged: a code stands for nothing")
)

// decompressor is LZW as GIF has it: codes of up to 12 bits, the least significant bit first, in blocks of up to 255
// bytes. Its zero value is ready to use, and may be used again.
//
// It is not compress/lzw, because that refuses some of what Pillow reads: literals of any width up to 12, of which the
// low 8 bits count, tables that stay full, and data behind an end code.
//
// A string is a place in what was decompressed before: each one is the string in front of it with the first index behind
// that, so it stands there already.
type decompressor struct {
	start  [tableSize]int32
	length [tableSize]int32
}

// fill decompresses data until out is full; out must not be empty. The data are the rest of the file. Literals are width
// bits wide.
func (d *decompressor) fill(ctx context.Context, out, data []byte, width byte) error {
	if width > maxWidth {
		return fmt.Errorf("its data say that an index has %d bits, at most %d are possible", width, maxWidth)
	}
	in := source{file: data}
	if err := in.more(ctx); err != nil {
		return err
	}
	clearCode, endCode := 1<<width, 1<<width+1
	next, size := clearCode+2, uint(width)+1
	from, last := 0, 0 // where the string before begins and its length, which is 0 behind a clear code
	for at := 0; at < len(out); {
		for in.count < size {
			if err := in.refill(ctx); err != nil {
				return err
			}
		}
		code := int(in.bits & (1<<size - 1))
		in.bits >>= size
		in.count -= size
		if code == clearCode {
			next, size, last = clearCode+2, uint(width)+1, 0
			continue
		}
		if code == endCode {
			if err := in.more(ctx); err != nil {
				return err
			}
			continue
		}
		if code > next || last == 0 && code > clearCode || code == next && next >= tableSize && last > 1 {
			return errCode
		}
		begin, length := at, 1
		switch {
		case code < clearCode:
			out[at] = byte(code)
		case code == next:
			begin, length = from, last+1
		default:
			begin, length = int(d.start[code]), int(d.length[code])
		}
		if begin < at {
			repeat(out, at, begin, length)
		}
		if last > 0 && next < tableSize {
			d.start[next], d.length[next] = int32(from), int32(last+1)
			if next == 1<<size-1 && size < maxWidth {
				size++
			}
			next++
		}
		from, last = at, length
		at += length
	}
	return nil
}

// repeat copies what stands in front of a place to it, as far as there is room. The string before is copied with its first
// index behind it, which is the first that is copied.
func repeat(out []byte, at, begin, length int) {
	end := min(at+length, len(out))
	if length > 16 {
		n := copy(out[at:end], out[begin:at])
		at += n
		begin += n
	}
	for ; at < end; at++ {
		out[at] = out[begin]
		begin++
	}
}

// source is where codes come from: blocks of a file.
//
// Pillow hands a file over in windows. At an end code it asks for the next one, and reads on; at the end of the file it
// gives up. So a frame that is incomplete at its end code may be completed by what follows it.
type source struct {
	file  []byte
	at    int
	given int // up to where bytes have been handed over
	block int // what is left of the block
	bits  uint64
	count uint // of bits
}

// more hands over the next window.
func (in *source) more(ctx context.Context) error {
	if in.given == len(in.file) {
		return errShort
	}
	in.given = min(in.given+window, len(in.file))
	return context.Cause(ctx)
}

// refill takes bits out of the block, or begins the next one. A block that the file does not hold to its end is not read
// at all.
func (in *source) refill(ctx context.Context) error {
	switch {
	case in.block >= 4 && in.count <= 32:
		in.bits |= uint64(binary.LittleEndian.Uint32(in.file[in.at:])) << in.count
		in.at, in.block, in.count = in.at+4, in.block-4, in.count+32
	case in.block > 0:
		in.bits |= uint64(in.file[in.at]) << in.count
		in.at, in.block, in.count = in.at+1, in.block-1, in.count+8
	case in.at == in.given || in.at+int(in.file[in.at]) >= in.given:
		return in.more(ctx)
	default:
		in.block = int(in.file[in.at])
		in.at++
	}
	return nil
}
