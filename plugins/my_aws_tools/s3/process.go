package s3

import (
	"sync"

	"golang.org/x/sync/semaphore"
)

// partSize is how much of an object is held in memory at a time, in bytes. What is larger is uploaded in several parts.
const partSize = 16 << 20

// memoryBudget is the memory in bytes that all calls together use for parts.
const memoryBudget = 4 * (partSize + 1)

// process is what all calls share. Nothing in it belongs to a user who could miss it: it is never an error to forget.
type process struct {
	regions *regionCache
	memory  *semaphore.Weighted
}

// theProcess is made once and never changed. It stands in a variable because it is what its name says, one for the
// whole process: the memory that it hands out exists only once, too.
var theProcess = sync.OnceValue(func() *process {
	return &process{regions: newRegionCache(), memory: semaphore.NewWeighted(memoryBudget)}
})
