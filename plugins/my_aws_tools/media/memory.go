package media

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// fileBudget is the memory in bytes that all calls together use for files.
	fileBudget = 96 << 20
	// canvasBudget is the memory in bytes that all calls together use for pictures.
	canvasBudget = 128 << 20
	// bytesPerPixel is how much of it a call may use for each pixel: 4 for the canvas, 4 for what a frame covers, 2 for the
	// frame, 4 for the PNG.
	bytesPerPixel = 14
)

// memory is what all calls share, so that many at once wait for each other instead of filling the machine. A call takes
// its part for the file first and its part for the pictures last, so none waits for one that waits for it.
type memory struct {
	files    *semaphore.Weighted
	canvases *semaphore.Weighted
}

func newMemory() *memory {
	return &memory{files: semaphore.NewWeighted(fileBudget), canvases: semaphore.NewWeighted(canvasBudget)}
}

// theMemory stands in a variable because there is one memory for the whole process.
var theMemory = sync.OnceValue(newMemory)

// forFile waits until there is room for a file.
func (m *memory) forFile(ctx context.Context, size int64) (release func(), err error) {
	return take(ctx, m.files, min(size, fileBudget))
}

// forCanvas waits until there is room for pictures of so many pixels.
func (m *memory) forCanvas(ctx context.Context, pixels int64) (release func(), err error) {
	return take(ctx, m.canvases, min(pixels*bytesPerPixel, canvasBudget))
}

func take(ctx context.Context, budget *semaphore.Weighted, weight int64) (func(), error) {
	if err := budget.Acquire(ctx, weight); err != nil {
		return nil, context.Cause(ctx)
	}
	return func() { budget.Release(weight) }, nil
}
