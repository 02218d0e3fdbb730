package plugin

import (
	"context"

	"golang.org/x/sync/semaphore"
)

// budget is the memory that all calls of a process share for files that go into one line. Who needs more than is
// left waits, first come first served.
type budget struct {
	size int64
	left *semaphore.Weighted
}

func newBudget(size int64) *budget {
	return &budget{size: size, left: semaphore.NewWeighted(size)}
}

// inlineBuffer is a line that is being written to memory of the budget. It never grows.
type inlineBuffer struct {
	buf   []byte
	taken int64
}

// Write appends p.
func (b *inlineBuffer) Write(p []byte) (int, error) {
	b.buf = append(b.buf, p...)
	return len(p), nil
}

// acquire waits for n bytes. It fails when ctx ends first.
func (b *budget) acquire(ctx context.Context, n int) (*inlineBuffer, error) {
	taken := min(int64(n), b.size) // a line larger than the whole budget goes alone
	if err := b.left.Acquire(ctx, taken); err != nil {
		return nil, err
	}
	return &inlineBuffer{buf: make([]byte, 0, n), taken: taken}, nil
}

// release gives the memory back. The file's bytes are unreachable from then on.
func (b *budget) release(line *inlineBuffer) {
	line.buf = nil
	b.left.Release(line.taken)
}
