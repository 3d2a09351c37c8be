package pipeline

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// abandonAfter is how long handlers have to return once they are cancelled.
const abandonAfter = 500 * time.Millisecond

// shift is the time in which a pipeline's workers work: from the first worker's start to the last one's end.
type shift struct {
	p       *Pipeline
	work    context.Context // of handlers and sink: outlives ctx, so that what was admitted is finished
	cancel  context.CancelFunc
	over    chan struct{} // end closes it, watch receives; nobody sends
	watched sync.WaitGroup
	workers sync.WaitGroup
}

// startShift starts the workers and opens admission.
func (p *Pipeline) startShift(ctx context.Context) *shift {
	s := &shift{p: p, over: make(chan struct{})}
	s.work, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.watched.Go(func() { s.watch(ctx) })
	for range p.options.Workers {
		s.workers.Go(func() { p.work(s.work) })
	}
	close(p.started)
	return s
}

// watch cuts the work when the drain timeout runs out after ctx is done, whatever the pipeline waits for by then.
func (s *shift) watch(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.over:
		return
	}
	timer := time.NewTimer(s.p.options.DrainTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		s.p.cut.Store(true)
		s.cancel()
	case <-s.over:
	}
}

// end closes admission and waits until every command has its outcome and every worker has ended. Handlers that ignore
// their cancellation are abandoned: they are left running, and the error says how many commands they hold. The caller
// cancels the shift when nothing uses its context any more.
func (s *shift) end() (err error, abandoned bool) {
	s.p.window.close()
	drained := s.p.window.drained()
	select {
	case <-drained:
	case <-s.work.Done():
		abandoned = !closedWithin(drained, abandonAfter)
	}
	close(s.over)
	s.watched.Wait()
	s.p.lanes.close()
	switch {
	case abandoned:
		return fmt.Errorf("%w: %d commands are still in handlers that ignore their cancellation",
			ErrStopped, s.p.window.inFlight()), true
	case s.p.cut.Load():
		err = fmt.Errorf("%w: the drain timeout of %v ran out", ErrStopped, s.p.options.DrainTimeout)
	}
	s.workers.Wait()
	return err, false
}

// closedWithin tells whether done was closed within the time.
func closedWithin(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
