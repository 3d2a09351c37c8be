package pipeline

import "sync"

// crew is who a pipeline waits for at its end: workers, rounds that the lookout took from one, and outings, each counted
// once with the goroutines of its handlers. A worker that is given up does not count itself out: whoever goes on in its
// stead does.
type crew struct{ sync.WaitGroup }

// start starts a worker's goroutine, which calls Done unless the worker was given up.
func (c *crew) start(run func()) {
	c.Add(1)
	go run()
}

// within starts a goroutine that is not counted: its outing is, or the worker whose place it takes.
func (c *crew) within(run func()) { go run() }
