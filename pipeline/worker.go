package pipeline

import "errors"

// errExited is the failure of code that ended its goroutine instead of returning.
var errExited = errors.New("pipeline: the code ended its goroutine (runtime.Goexit) instead of returning")

// serve takes lanes until they are closed. Code that ends the worker's goroutine costs its command, not the worker:
// another takes its place.
func (s *shift) serve(at *post) {
	closed := false
	defer func() {
		if !closed {
			s.workers.Go(func() { s.serve(at) })
		}
	}()
	for {
		t := s.p.turns.Get().(*turn)
		if t.lane, t.taken = s.p.lanes.take(at, t.taken[:0]); t.lane == nil {
			closed = true
			return
		}
		s.lookout.rouse()
		t.run(s.work, at)
	}
}
