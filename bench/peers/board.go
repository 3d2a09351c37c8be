package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/bench"
)

// handlers is how many handlers a message has in the studies of fan-out.
const handlers = 5

// A board is one library that is set up, and started, with five handlers of one message type. Each calls joins.handle.
type board interface {
	// publish hands in a message for all handlers. It returns when the library takes it or, where the library blocks, when
	// all have handled it.
	publish(ctx context.Context, message int) error
	// close stops what the library started, and waits for it.
	close() error
}

// A boardSetup is one way to set up a library with five handlers.
type boardSetup struct {
	name string
	most int // messages that a full measurement sends: the slow get fewer, or they would take minutes
	open func(ctx context.Context, j *joins) (board, error)
}

// joins is what the handlers of all messages have in common: it does their work, and joins them for each message.
type joins struct {
	*tally
	work func()
	done []atomic.Int32 // handlers of each message that are done
}

func newJoins(messages int, work func()) *joins {
	return &joins{tally: newTally(messages), work: work, done: make([]atomic.Int32, messages)}
}

// handle does the work of one handler for one message.
func (j *joins) handle(message int) {
	j.work()
	if j.done[message].Add(1) == handlers {
		j.tick()
	}
}

// check finds messages that were not handled by each of the five, once.
func (j *joins) check() error {
	for i := range j.done {
		if n := j.done[i].Load(); n != handlers {
			return fmt.Errorf("peers: message %d was handled %d times, not %d", i, n, handlers)
		}
	}
	return nil
}

// fanOut sends messages through a board and waits for all handlers of all of them. It times that, and not the setting up.
func (s boardSetup) fanOut(ctx context.Context, messages int, work func()) (took time.Duration, sample bench.Sample, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	j := newJoins(messages, work)
	b, err := s.open(ctx, j)
	if err != nil {
		return 0, bench.Sample{}, err
	}
	sample, err = bench.Rate(messages, func() error {
		began := time.Now()
		for i := range messages {
			if err := b.publish(ctx, i); err != nil {
				return err
			}
		}
		err := j.wait(ctx)
		took = time.Since(began)
		return err
	})
	return took, sample, errors.Join(err, b.close(), j.check())
}
