package pipeline

import (
	"fmt"
	"sync/atomic"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// letterSink is the sink that is told of dead letters, if there is one.
type letterSink struct {
	sink  streams.Sink
	inlet chan<- any            // of the sink; nil when it failed as it was asked for it
	fault atomic.Pointer[error] // the first that was seen
}

// open asks the sink for its inlet.
func (s *letterSink) open() error {
	if s.sink == nil {
		return nil
	}
	return s.note(apart(func() error { s.inlet = s.sink.In(); return nil }))
}

// send brings a letter to the sink, waits while that is full, and tells whether it took it. When the pipeline has given up
// whatever it waits for, it takes none.
//
// The inlet is closed when no command is without an outcome, so that nobody sends any more, or else some time after
// givenUp: who was sending then has left, and an abandoned handler that comes back later finds givenUp closed first.
func (s *letterSink) send(letter *engine.DeadLetter, givenUp <-chan struct{}) (taken bool) {
	err := caught(func() error { // a sink may have closed its inlet itself
		select {
		case <-givenUp:
			return nil
		default:
		}
		if s.inlet == nil {
			return nil
		}
		select {
		case s.inlet <- letter:
			taken = true
		case <-givenUp:
		}
		return nil
	})
	if err == nil && taken {
		err = s.err()
	}
	_ = s.note(err)
	return taken
}

// close says that no letter will come. What it gives receives the first fault, or nil, when the sink has completed.
func (s *letterSink) close() <-chan error {
	completed := make(chan error, 1) // the goroutine below sends once; room for it, nobody may be there
	if s.inlet == nil {
		completed <- nil // what open said was told then
		return completed
	}
	go func() { // await waits; a sink that hangs is left behind, and the error says so
		_ = s.note(apart(func() error {
			close(s.inlet)
			s.sink.AwaitCompletion()
			return nil
		}))
		_ = s.note(s.err())
		if fault := s.fault.Load(); fault != nil {
			completed <- *fault
		} else {
			completed <- nil
		}
	}()
	return completed
}

// err is what the sink says is wrong, if it can say so.
func (s *letterSink) err() error {
	if says, ok := s.sink.(interface{ Err() error }); ok {
		return apart(says.Err)
	}
	return nil
}

// note keeps the first fault, and gives an error as it is told.
func (s *letterSink) note(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("pipeline: dead letters may be missing from their sink: %w", err)
	s.fault.CompareAndSwap(nil, &err)
	return err
}
