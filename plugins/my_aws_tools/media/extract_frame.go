package media

import (
	"bytes"
	"context"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/media/gif"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/param"
	"github.com/cloudplugins/difyplugin/plugins/my_aws_tools/result"
)

// ExtractFrameInput is the input of extract_frame.
type ExtractFrameInput struct {
	URL   string            `param:"input_url"`
	File  *plugin.InputFile `param:"input_file"`
	Count int               `param:"frame_count"`
	// Type is the format of the file. There is one choice, which the SDK checks.
	Type string `param:"input_type"`
}

// ExtractFrame is the tool extract_frame. It returns pictures of an animated GIF as PNG files in the order of time,
// frame_000.png first, and then says which they are.
//
// The GIF is that of input_file; without one it is downloaded from input_url. Of two pictures or more the first and the
// last are among those returned, and the others lie evenly between them, rounded to the earlier one. One picture is the
// last. Who asks for more pictures than there are gets all, but two pictures of a file that has one are the same twice.
//
// The pictures are those of Pillow, see package gif, and so is what counts as damaged. A file with a damaged picture
// fails the tool, even if other pictures could have been composed: the last picture is always wanted, and needs all the
// others.
func ExtractFrame(ctx context.Context, call *plugin.Call, in ExtractFrameInput) error {
	return extraction{limits: usual(), memory: theMemory()}.run(ctx, call, in)
}

// limits bound one call.
type limits struct {
	bytes  int64 // of the file
	pixels int64
	frames int
	time   time.Duration // of the whole call
}

// usual are the limits of production. The largest picture is that of cinema in 4K.
func usual() limits {
	return limits{bytes: 48 << 20, pixels: 4096 * 2160, frames: 5000, time: 5 * time.Minute}
}

// extraction is one call of extract_frame.
type extraction struct {
	limits limits
	memory *memory
}

func (e extraction) run(ctx context.Context, call *plugin.Call, in ExtractFrameInput) error {
	if err := in.check(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, e.limits.time, plugin.Errorf(plugin.Unavailable,
		"the pictures were not ready after %v, which is the limit: use a GIF with fewer or smaller frames, or try again when there is less to do", e.limits.time))
	defer cancel()
	file, err := e.read(ctx, call, in)
	if err != nil {
		return ended(ctx, err)
	}
	defer file.release()
	frames, err := e.send(ctx, call, file, in.Count)
	if err != nil {
		return ended(ctx, err)
	}
	return frames.report(call)
}

// ended prefers the cause of a context's end to what came of it.
func ended(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// check refuses wrong parameters.
func (in ExtractFrameInput) check() error {
	var wrong param.Problems
	if in.Count < 1 {
		wrong.Addf("frame_count", "is %d, it must be at least 1", in.Count)
	}
	if in.File == nil && !isAddress(in.URL) {
		wrong.Addf("input_url", "is %q, it must be the URL of a GIF, beginning with https:// or http://", param.Clip(withoutQuery(in.URL)))
	}
	return wrong.Err("extract_frame")
}

// isAddress reports whether a text looks like a URL, or like the path of a file of Dify's. Whether it may be asked for is
// decided when it is.
func isAddress(text string) bool {
	text = strings.ToLower(strings.TrimSpace(text))
	return strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "/files/")
}

// withoutQuery leaves out the part of a URL that may be a signature.
func withoutQuery(url string) string {
	url, _, _ = strings.Cut(url, "?")
	return url
}

// send composes the pictures and sends those that are wanted.
func (e extraction) send(ctx context.Context, call *plugin.Call, file *download, count int) (*frames, error) {
	r, err := gif.Open(file.content, gif.Limits{Pixels: e.limits.pixels, Frames: e.limits.frames})
	if err != nil {
		return nil, file.unreadable(err)
	}
	release, err := e.memory.forCanvas(ctx, r.Pixels())
	if err != nil {
		return nil, err
	}
	defer release()
	sent := &frames{total: r.Frames()}
	wanted := spread(r.Frames(), count) // in order, the last picture at the end
	var encoded bytes.Buffer
	for index := range r.Frames() {
		if err := r.Next(ctx); err != nil {
			return nil, file.unreadable(err)
		}
		if wanted[0] != index {
			continue
		}
		picture, err := r.Image()
		if err != nil {
			return nil, file.unreadable(err)
		}
		encoded.Reset()
		if err := png.Encode(&encoded, picture); err != nil {
			return nil, fmt.Errorf("write picture %d as PNG: %w", index, err)
		}
		for ; len(wanted) > 0 && wanted[0] == index; wanted = wanted[1:] {
			size := picture.Rect.Size()
			name := sent.add(frame{Index: index, Duration: r.Delay(), Width: size.X, Height: size.Y})
			if err := call.File(ctx, plugin.Bytes(name, "image/png", encoded.Bytes())); err != nil {
				return nil, err
			}
		}
		call.Progress(ctx, "pictures", int64(index+1), int64(r.Frames()))
	}
	return sent, nil
}

// spread chooses so many of a number of pictures, evenly spaced, the last one always among them. Places between two
// pictures count as the earlier one, in the arithmetic of floating-point numbers: other roundings choose other pictures.
func spread(total, count int) []int {
	switch {
	case count == 1:
		return []int{total - 1}
	case count == 2:
		return []int{0, total - 1}
	case count >= total:
		all := make([]int, total)
		for i := range all {
			all[i] = i
		}
		return all
	}
	step := float64(total-1) / float64(count-1)
	chosen := make([]int, count)
	for i := range chosen {
		chosen[i] = int(float64(i) * step)
	}
	chosen[count-1] = total - 1
	return chosen
}

// frame is what is known about a picture that was sent.
type frame struct {
	Name     string `json:"filename"`
	Index    int    `json:"index"`
	Duration int    `json:"duration_ms"`
	Width    int    `json:"width"`
	Height   int    `json:"height"`
}

// frames are the pictures that were sent.
type frames struct {
	total int
	sent  []frame
}

// add notes a picture and returns its name.
func (f *frames) add(picture frame) string {
	picture.Name = fmt.Sprintf("frame_%03d.png", len(f.sent))
	f.sent = append(f.sent, picture)
	return picture.Name
}

// report tells which pictures were sent.
func (f *frames) report(call *plugin.Call) error {
	var indices, durations []int
	for _, picture := range f.sent {
		indices = append(indices, picture.Index)
		durations = append(durations, picture.Duration)
	}
	last := f.sent[len(f.sent)-1]
	err := call.JSON(map[string]any{"frame_count": f.total, "width": last.Width, "height": last.Height, "frames": f.sent})
	if err != nil {
		return err
	}
	return result.Outputs{
		"frame_count": f.total, "frame_indices": indices, "frame_durations": durations, "width": last.Width, "height": last.Height,
	}.Send(call)
}
