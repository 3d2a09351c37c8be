package sinks

import (
	"context"
	"errors"
	"sync"

	"github.com/orchestrix-go/orchestrix/engine"
)

// In starts the sink if it has not started, and gives its inlet for *engine.Batch. The sender closes it.
func (s *Store) In() chan<- any {
	s.connect.Do(func() { go s.receive() }) // owned by the sender: it ends when the inlet is closed; AwaitCompletion waits
	return s.in
}

// AwaitCompletion blocks until the inlet was closed, everything received is stored and settled, and the sinks behind
// have got it.
func (s *Store) AwaitCompletion() { <-s.done }

// Err tells, after AwaitCompletion, what went wrong that no command's outcome tells: an element that is no *engine.Batch,
// or the trouble of a sink behind.
func (s *Store) Err() error { return s.fault }

// receive is the life of the sink in a go-streams chain: it feeds the appender from the inlet.
func (s *Store) receive() {
	var appender sync.WaitGroup
	err := errExited // unless Run returns
	appender.Go(func() { err = guard(func() error { return s.Run(context.Background()) }) })
	defer func() { // deferred, for a Settle that ends this goroutine
		s.Close()
		appender.Wait()
		s.fault = errors.Join(s.fault, err)
		close(s.done)
	}()
	s.record()
}

// record takes what comes until the inlet is closed, also on the way out of a goroutine that a Settle has ended.
func (s *Store) record() {
	closed := false
	defer func() {
		if !closed {
			s.record()
		}
	}()
	for element := range s.in {
		if batch, _ := element.(*engine.Batch); batch != nil {
			s.Record(batch)
		} else if s.fault == nil {
			s.fault = &engine.PayloadError{Want: "*engine.Batch", Got: element}
		}
	}
	closed = true
}
