package pipeline

import (
	"context"
	"time"
)

// hire starts a worker at a post.
func (s *shift) hire(at *post) { s.p.crew.start(func() { s.serve(at) }) }

// serve takes lanes until they are closed. Code that ends the worker's goroutine costs its command, not the worker:
// another takes its place. One that was replaced because such code does not return has nothing more to do when that
// comes back.
func (s *shift) serve(at *post) {
	g, closed := new(guard), false
	g.init(s.lookout)
	g.post = at
	at.guard.Store(g)
	defer func() {
		if g.gone {
			s.p.abandoned.remove(g)
			return
		}
		if !closed {
			s.hire(at)
		}
		s.p.crew.Done()
	}()
	for {
		t, r := at.next()
		if t != nil {
			t.p = s.p
			t.run(s.work, at)
			continue
		}
		if r != nil {
			r.emit(s.work)
		}
		if !s.p.lanes.take(at) {
			closed = true
			return
		}
		at.now = time.Now() // one look at the clock for the row, which the lookout takes away when it takes long
		s.lookout.rouse()
	}
}

// handOn gives the turns that are done to the sink.
func (p *Pipeline) handOn(ctx context.Context, at *post) {
	if r := at.collect(); r != nil {
		r.emit(ctx)
	}
}

// aside is called before code that is known to wait: nothing that others could do may wait with it.
func (p *Pipeline) aside(ctx context.Context, at *post) {
	p.lanes.aside(at)
	p.handOn(ctx, at)
}

// away is called before handlers that have to be waited for go on without the worker.
func (p *Pipeline) away(ctx context.Context, at *post) {
	p.lanes.leave(at)
	p.handOn(ctx, at)
}
