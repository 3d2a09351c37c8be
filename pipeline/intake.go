package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// intakeBatch is how many elements of a plain outlet are admitted together when they are there without waiting.
const intakeBatch = 256

// intake reads one source to its end and admits what it gives. Ctx ends the reading; what was read is admitted under
// work, so that nothing is read and then dropped.
func (p *Pipeline) intake(ctx, work context.Context, from streams.Outlet) error {
	admit := func(cmds []*engine.Command) error { return p.admit(work, cmds) }
	var err error
	if feeder, ok := from.(engine.Feeder); ok {
		err = feeder.Feed(ctx, admit)
	} else if starter, ok := from.(engine.Starter); ok {
		starter.Start(ctx)
		if err = drawAll(work, from.Out(), admit); err == nil {
			err = starter.Err()
		}
	} else {
		err = drawAll(ctx, from.Out(), admit)
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil // it was told to stop
	}
	return err
}

// admit takes places in the window and puts the commands into their lanes, in sequence. It blocks while the window is
// full: that is all the backpressure there is.
func (p *Pipeline) admit(ctx context.Context, cmds []*engine.Command) error {
	for len(cmds) > 0 {
		n, err := p.window.acquire(ctx, len(cmds))
		if err != nil {
			return err
		}
		tasks, now := make([]task, n), time.Now()
		for i, cmd := range cmds[:n] {
			tasks[i] = task{cmd: cmd, arrived: now}
		}
		p.lanes.enter(tasks)
		cmds = cmds[n:]
	}
	return nil
}

// drawAll reads an outlet until it is closed or the context is done. It never waits to fill a batch.
func drawAll(ctx context.Context, out <-chan any, admit func([]*engine.Command) error) error {
	batch := make([]*engine.Command, 0, intakeBatch)
	for {
		select {
		case element, open := <-out:
			if !open {
				return nil
			}
			batch = append(batch[:0], engine.AsCommand(element))
		case <-ctx.Done():
			return ctx.Err()
		}
		open := true
		batch, open = drawReady(batch, out)
		if err := admit(batch); err != nil || !open {
			return err
		}
	}
}

// drawReady adds to the batch what the outlet has without waiting, and tells whether the outlet is open still.
func drawReady(batch []*engine.Command, out <-chan any) ([]*engine.Command, bool) {
	for len(batch) < cap(batch) {
		select {
		case element, open := <-out:
			if !open {
				return batch, false
			}
			batch = append(batch, engine.AsCommand(element))
		default:
			return batch, true
		}
	}
	return batch, true
}
