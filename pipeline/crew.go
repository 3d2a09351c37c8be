package pipeline

import "sync"

// crew is the goroutines that a pipeline waits for at its end: workers and handlers. One that is given up is none of it any
// more: whoever goes on in its stead takes its place.
type crew struct{ sync.WaitGroup }

// start starts a goroutine of the crew, which calls Done unless it was given up.
func (c *crew) start(run func()) {
	c.Add(1)
	go run()
}

// stepIn starts one that takes the place of one that was given up.
func (c *crew) stepIn(run func()) { go run() }
