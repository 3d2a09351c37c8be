package sinks

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// tail brings the stored log, from the end it has when the sink starts, to the sinks behind: each reads for itself, so
// that none waits for another and the appends wait for none.
type tail struct {
	store   engine.Store
	ctx     context.Context // of the run: cuts everything off
	live    context.Context // until the last append
	stop    context.CancelFunc
	readers sync.WaitGroup
	mu      sync.Mutex
	errs    []error
}

// follow starts a reader for each sink behind the store.
func (s *Store) follow(ctx context.Context) (*tail, error) {
	t := &tail{store: s.store, ctx: ctx}
	t.live, t.stop = context.WithCancel(ctx)
	if len(s.followers) == 0 {
		return t, nil
	}
	end, err := s.store.End(ctx)
	if err != nil {
		err = fmt.Errorf("sinks: the sinks behind the store get nothing: %w", err)
	}
	for _, sink := range s.followers {
		t.readers.Go(func() {
			fault := errExited // unless serve returns
			defer func() {
				if fault != nil {
					t.fail(fmt.Errorf("sinks: a sink behind the store: %w", fault))
				}
			}()
			fault = guard(func() error { return t.serve(sink, end, err == nil) })
		})
	}
	return t, err
}

// serve brings a sink what it gets, if it gets anything, and waits for it.
func (t *tail) serve(sink streams.Sink, after engine.Position, any bool) error {
	in := sink.In()
	func() {
		defer close(in) // deferred, for a store that panics or ends this goroutine
		if any {
			t.read(in, after)
		}
	}()
	sink.AwaitCompletion()
	if s, ok := sink.(interface{ Err() error }); ok {
		return s.Err()
	}
	return nil
}

// end lets the readers go on to the end of the log, and waits for them and their sinks.
func (t *tail) end() error {
	t.stop()
	t.readers.Wait()
	return errors.Join(t.errs...)
}

// read sends what comes after a position: live until the last append, and then the rest.
func (t *tail) read(in chan<- any, after engine.Position) {
	send := func(event engine.Event, err error) bool {
		if err != nil {
			t.fail(fmt.Errorf("sinks: reading the log for a sink behind the store: %w", err))
			return false
		}
		select {
		case in <- &event:
			after = event.Position
			return true
		case <-t.ctx.Done():
			return false
		}
	}
	for event, err := range engine.Follow(t.live, t.store, after) {
		if !send(event, err) {
			return
		}
	}
	for event, err := range t.store.Read(t.ctx, after) {
		if !send(event, err) {
			return
		}
	}
}

func (t *tail) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, err)
}
