package pipeline

import (
	"context"
	"errors"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

// intakeBatch is how many elements of a plain outlet are admitted together when they are there without waiting.
const intakeBatch = 256

// intake reads one source to its end and admits what it gives. What was read when reading ends is admitted all the same,
// so that nothing is read and then dropped.
func (p *Pipeline) intake(s *shift, from streams.Outlet) error {
	if from == nil {
		return errors.New("pipeline: a source is nil: make it with package sources")
	}
	admit := func(cmds []*engine.Command) error { return p.admit(s.work, cmds) }
	var err error
	if feeder, ok := from.(engine.Feeder); ok {
		err = feeder.Feed(s.reading, p.admitOnce(s))
	} else if starter, ok := from.(engine.Starter); ok {
		starter.Start(s.reading)
		if err = p.drawAll(s.work, from.Out(), admit); err == nil {
			err = starter.Err()
		} else {
			p.turnAway(from.Out())
		}
	} else {
		err = p.drawAll(s.reading, from.Out(), admit)
	}
	for _, ctx := range []context.Context{s.reading, s.work} {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil // it was told to stop
		}
	}
	return err
}

// refuse dead-letters commands that were read and find no place any more.
func (p *Pipeline) refuse(cmds []*engine.Command) {
	p.window.overdraw(len(cmds))
	for _, cmd := range cmds {
		p.deadLetter(&task{cmd: cmd, arrived: p.meter.since()}, ErrStopped)
	}
}

// turnAway refuses what stages between a source and here still hold, so that none of them stays blocked. The source was
// told to stop: the outlet is closed soon, unless a stage hangs. Then the intake is left behind.
func (p *Pipeline) turnAway(out <-chan any) {
	for element := range out {
		p.refuse([]*engine.Command{engine.AsCommand(element)})
	}
}

// drawAll reads an outlet until it is closed or the context is done. It never waits to fill a batch.
func (p *Pipeline) drawAll(ctx context.Context, out <-chan any, admit func([]*engine.Command) error) error {
	batch := make([]*engine.Command, 0, min(intakeBatch, p.options.Window))
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
