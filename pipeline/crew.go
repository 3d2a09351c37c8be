package pipeline

import "sync"

// crew is who a pipeline waits for at its end: the goroutines of workers, and outings, each with the goroutines of its
// handlers. A goroutine that is given up is none of it any more: whoever goes on in its stead takes its place.
type crew struct{ sync.WaitGroup }

// start starts a worker's goroutine, which calls Done unless it was given up.
func (c *crew) start(run func()) {
	c.Add(1)
	go run()
}

// within starts a goroutine of somebody who is counted already: a handler's of an outing, or one that takes the place of one
// that was given up.
func (c *crew) within(run func()) { go run() }
