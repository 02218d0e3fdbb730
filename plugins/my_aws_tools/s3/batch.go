package s3

import "sync"

// atOnce is how many files of a batch move at the same time.
const atOnce = 4

// inOrder does work for each index below n, at most [atOnce] at a time, and hands the results to receive in the order of
// the indexes. A result counts as being worked on until receive returns.
func inOrder[T any](n int, work func(i int) T, receive func(i int, result T)) {
	results := make([]chan T, n)
	for i := range results {
		results[i] = make(chan T, 1)
	}
	places := make(chan struct{}, atOnce)
	var workers sync.WaitGroup
	workers.Go(func() {
		for i := range n {
			places <- struct{}{}
			workers.Go(func() { results[i] <- work(i) })
		}
	})
	for i := range n {
		receive(i, <-results[i])
		<-places
	}
	workers.Wait()
}
