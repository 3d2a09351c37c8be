package pipeline

import (
	"errors"
	"time"
)

// errExited is the failure of code that ended its goroutine instead of returning.
var errExited = errors.New("pipeline: the code ended its goroutine (runtime.Goexit) instead of returning")

// serve takes lanes until they are closed. Code that ends the worker's goroutine costs its command, not the worker:
// another takes its place.
func (s *shift) serve() {
	closed := false
	defer func() {
		if !closed {
			s.workers.Go(s.serve)
		}
	}()
	tasks := make([]*task, 0, s.p.options.Batch)
	for {
		l, taken := s.p.lanes.take(tasks[:0])
		if l == nil {
			closed = true
			return
		}
		(&turn{p: s.p, lane: l, tasks: taken, now: time.Now()}).run(s.work)
	}
}
