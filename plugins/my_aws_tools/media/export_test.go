package media

import (
	"context"
	"time"

	"github.com/cloudplugins/difyplugin/plugin"
)

// Bounds are limits of a test's own; what is 0 is as usual.
type Bounds struct {
	Bytes, Pixels int64
	Frames        int
	Time          time.Duration
	// NoFiles and NoCanvases leave no memory to the call for them.
	NoFiles, NoCanvases bool
}

// ExtractFrameWithin is [ExtractFrame] with other limits.
func ExtractFrameWithin(b Bounds) func(context.Context, *plugin.Call, ExtractFrameInput) error {
	e := extraction{limits: usual(), memory: newMemory()}
	if b.Bytes > 0 {
		e.limits.bytes = b.Bytes
	}
	if b.Pixels > 0 {
		e.limits.pixels = b.Pixels
	}
	if b.Frames > 0 {
		e.limits.frames = b.Frames
	}
	if b.Time > 0 {
		e.limits.time = b.Time
	}
	if b.NoFiles {
		e.memory.files.TryAcquire(fileBudget)
	}
	if b.NoCanvases {
		e.memory.canvases.TryAcquire(canvasBudget)
	}
	return e.run
}
