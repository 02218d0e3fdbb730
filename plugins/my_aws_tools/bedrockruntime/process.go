package bedrockruntime

import (
	"sync"

	"golang.org/x/sync/semaphore"
)

// oneAtATime hands out the right to hold a decoded picture. It is made once and never changed, and stands in a variable
// because the memory that it guards is that of the whole process.
var oneAtATime = sync.OnceValue(func() *semaphore.Weighted { return semaphore.NewWeighted(1) })
