package bedrockruntime

import (
	"context"
	"image"
	"sync"

	"github.com/cloudplugins/difyplugin/plugin"
	"golang.org/x/sync/semaphore"
)

const (
	// answerBudget is the memory in bytes that the images which are being made take together.
	answerBudget = 256 << 20
	// answerPerPixel is how much of it a call may use for each pixel of an image: two bytes as PNG, in base64, again while
	// that grows, and decoded.
	answerPerPixel = 8
)

// What follows is made once and never changed, and stands in variables because the memory that it guards is that of the
// whole process.
var (
	// oneAtATime hands out the right to hold a decoded picture.
	oneAtATime = sync.OnceValue(func() *semaphore.Weighted { return semaphore.NewWeighted(1) })
	// answers hands out memory for images that are being made.
	answers = sync.OnceValue(func() *semaphore.Weighted { return semaphore.NewWeighted(answerBudget) })
)

// reserve waits until there is room for the images that a call asks for. What is paid for must have a place.
func reserve(ctx context.Context, images int, size image.Point) (release func(), err error) {
	weight := min(int64(images)*int64(size.X)*int64(size.Y)*answerPerPixel, answerBudget)
	if err := answers().Acquire(ctx, weight); err != nil {
		return nil, plugin.Errorf(plugin.RateLimit, "nova_canvas was not run, and nothing is charged: the images of other calls have taken all of the %d MiB that there are for them "+
			"for as long as Dify gives a tool: try again, or ask for fewer or smaller images", answerBudget>>20)
	}
	return func() { answers().Release(weight) }, nil
}
