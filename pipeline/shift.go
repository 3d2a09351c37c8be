package pipeline

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// shift is the time in which a pipeline's workers work: from the first worker's start to the last one's end.
type shift struct {
	p       *Pipeline
	reading context.Context // of the sources: ends with ctx, or by halt
	work    context.Context // of handlers and sink: outlives reading, so that what was admitted is finished
	cancel  context.CancelFunc
	over    chan struct{} // end closes it, watch receives; nobody sends
	lookout *lookout
	watched sync.WaitGroup
	closing atomic.Bool // the sink is told that no more will come

	left       *StoppedError // when the work was cut; watch sets it, end looks
	leftBehind bool          // commands were left without an outcome; only the pipeline's own goroutine looks
}

// startShift opens admission. Workers are started when there is work for them.
func (p *Pipeline) startShift(ctx context.Context) *shift {
	s := &shift{p: p, over: make(chan struct{})}
	s.work, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.reading, p.stopReading = context.WithCancel(ctx)
	if err := p.letterSink.open(); err != nil {
		p.halt(err)
	}
	s.watched.Go(s.watch)
	s.lookout = newLookout(s, p.options.Workers)
	s.watched.Go(func() { s.lookout.watch(s.work) })
	p.lanes.staff(s.lookout.posts, s.hire)
	p.posts = s.lookout.posts
	p.open.Store(true)
	close(p.started)
	return s
}

// watch cuts the work when the drain timeout runs out after reading has ended, or when it is told to, whatever the pipeline
// waits for by then.
func (s *shift) watch() {
	select {
	case <-s.reading.Done():
	case <-s.p.cutting:
		s.p.stopReading()
	case <-s.over:
		return
	}
	timer := time.NewTimer(s.p.options.DrainTimeout)
	defer timer.Stop()
	select {
	case <-timer.C:
		s.cut(fmt.Sprintf("the drain timeout of %v ran out", s.p.options.DrainTimeout))
	case <-s.p.cutting:
		s.cut("the drain was cut")
	case <-s.over:
		return
	}
	timer.Reset(grace / 2)
	select {
	case <-timer.C:
		close(s.p.givenUp)
	case <-s.over:
	}
}

// cut ends the work.
func (s *shift) cut(why string) {
	s.left = s.p.stopped()
	s.left.Why = fmt.Sprintf("%s with %d commands in flight", why, s.p.window.inFlight())
	s.p.cut.Store(true)
	s.release()
	s.cancel()
	s.p.lanes.hurry()
}

// release ends the contexts of all code that runs, one after another: as children of the work they would end in no sequence
// that could be had again.
func (s *shift) release() {
	s.p.outings.release()
	for _, at := range s.p.posts {
		if g := at.guard.Load(); g != nil {
			g.leash.Load().release()
		}
	}
}

// drain closes admission and waits until every command has its outcome. Once work is cancelled it does not wait for
// those whose handlers ignore that.
func (s *shift) drain() {
	s.p.window.close()
	s.p.lanes.turnAway()
	drained := s.p.window.drained()
	select {
	case <-drained:
	case <-s.work.Done():
		s.leftBehind = !closedWithin(drained, grace)
	}
	s.p.lanes.close()
}

// await waits for a sink's end and gives its error. Once work is cancelled it does not wait for one that ignores that.
func (s *shift) await(sink string, ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-s.work.Done():
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-ended:
		return err
	case <-timer.C:
		return fmt.Errorf("%w: the %s does not end", ErrStopped, sink)
	}
}

// end waits until everything that the shift has started has ended. Handlers that ignore their cancellation are
// abandoned: they are left running, and the error says how many commands they hold. The caller cancels the shift when
// nothing uses its context any more.
func (s *shift) end() error {
	close(s.over)
	s.watched.Wait()
	s.p.stopReading()
	abandoned := s.p.abandoned.err()
	if s.leftBehind {
		stopped := s.p.stopped()
		stopped.Why = fmt.Sprintf("%d commands are still in handlers, or in a store, that ignore their cancellation", s.p.window.inFlight())
		return errors.Join(abandoned, stopped)
	}
	s.p.crew.Wait()
	if s.p.cut.Load() {
		return errors.Join(abandoned, s.left)
	}
	return s.p.abandoned.err()
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
