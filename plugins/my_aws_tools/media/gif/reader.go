package gif

import (
	"context"
	"fmt"
	"image"
	"io"
)

// Limits bound what a file may ask for.
type Limits struct {
	// Pixels is how many the canvas may have, width times height. Composing takes up to 10 bytes for each of them.
	Pixels int64
	// Frames is how many there may be.
	Frames int
}

// Reader composes the pictures of a file in order. It must not be used by two goroutines at once.
type Reader struct {
	file    []byte
	content structure
	done    int   // how many frames are on the canvas
	failed  error // why there will be no more

	canvas  canvas
	undo    undo // what happens to the place of the last frame before the next
	lzw     decompressor
	saved   []byte // what the last frame covers, if that is put back
	patch   []byte // the indices of a frame
	scratch []byte // rows of an interlaced frame, in the order of the file
}

// Open reads the structure of a file, which must not change afterwards. It fails if the file is no GIF, if it is damaged
// so that the frames cannot be counted, or if it exceeds the limits, in words that complete "the file cannot be read:".
func Open(file []byte, limits Limits) (*Reader, error) {
	content, err := scan(file, limits)
	if err != nil {
		return nil, err
	}
	return &Reader{file: file, content: content}, nil
}

// Frames is the number of pictures, at least 1.
func (r *Reader) Frames() int { return len(r.content.frames) }

// Pixels is how many the last picture has, which is the largest.
func (r *Reader) Pixels() int64 {
	size := r.size()
	return int64(size.X) * int64(size.Y)
}

// size is that of the canvas in the end.
func (r *Reader) size() image.Point { return r.content.frames[len(r.content.frames)-1].canvas }

// Delay is how long the file wants the picture on the canvas to be shown, in milliseconds; 0 if it does not say.
func (r *Reader) Delay() int {
	if r.done == 0 {
		return 0
	}
	return r.content.frames[r.done-1].delay * 10
}

// Next composes the next picture. It returns [io.EOF] behind the last one, the cause of the context's end, or an error
// that names the frame that is damaged. After an error it returns the same again: without one picture there are none of
// those behind it.
func (r *Reader) Next(ctx context.Context) error {
	switch {
	case r.failed != nil:
	case r.done == len(r.content.frames):
		r.failed = io.EOF
	default:
		r.failed = r.next(ctx)
	}
	return r.failed
}

func (r *Reader) next(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if err := r.compose(ctx, &r.content.frames[r.done]); err != nil {
		return fmt.Errorf("frame %d of %d: %w", r.done+1, len(r.content.frames), err)
	}
	r.done++
	return nil
}

// Image is the canvas after a successful call of Next. It is good until the next one, which draws on it. It fails where
// Pillow cannot show what it composed, and where Next has failed.
func (r *Reader) Image() (*image.NRGBA, error) {
	if r.failed != nil && r.failed != io.EOF {
		return nil, r.failed
	}
	picture, err := r.canvas.image(r.canvas.size != r.size())
	if err != nil {
		return nil, fmt.Errorf("frame %d of %d: %w", r.done, len(r.content.frames), err)
	}
	return picture, nil
}
