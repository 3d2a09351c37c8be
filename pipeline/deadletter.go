package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// deadLetter ends a command that cannot be handled, and keeps it whole where dead letters go. Of one that the store did not
// answer for it may not say that nothing is stored: its outcome is unknown.
func (p *Pipeline) deadLetter(t *task, err error) {
	if t.unanswered() {
		p.end(t, engine.Outcome{CommandID: t.cmd.ID, Status: engine.Unknown, Err: errors.Join(t.trouble.unknown, err)})
		return
	}
	if p.options.DeadLetters == nil {
		p.warn("dead letter", t.cmd, err)
	} else {
		p.keep(t.letter(err))
	}
	p.end(t, engine.Outcome{CommandID: t.cmd.ID, Status: engine.DeadLettered, Err: err})
}

// buried ends a command whose dead letter the store keeps. The sink of dead letters gets it with its number there.
func (p *Pipeline) buried(t *task, letter *engine.DeadLetter, number uint64) {
	if p.options.DeadLetters != nil {
		letter.Number = number
		p.keep(letter)
	}
	p.end(t, engine.Outcome{CommandID: t.cmd.ID, Status: engine.DeadLettered, Err: t.err})
}

// unkept ends a command that failed and that the store did not answer for. When it does not keep its dead letter either, no
// more is read: what would become of it? Only one whose id another command has does not end the run, for there may be many.
func (p *Pipeline) unkept(t *task, err error) {
	switch {
	case p.cut.Load() && (p.letters != nil || errors.Is(t.err, context.Canceled)): // the cut is what it failed for
		err = ErrStopped
	case p.letters == nil:
		err = nil
	case errors.Is(err, engine.ErrReused): // nothing can be kept under the id of another command
	default:
		err = fmt.Errorf("pipeline: a dead letter cannot be kept: %w", err)
		p.halt(err)
	}
	p.deadLetter(t, errors.Join(t.err, err))
}

// keep sends a dead letter to where they go, and waits while that is full. When the sink reports an error, no more is
// read. Only when the pipeline was cut and gave up the sink too, the letter is logged instead.
//
// The inlet is closed when no command is without an outcome, so that nobody sends any more, or else some time after
// givenUp: who was sending then has left, and an abandoned handler that comes back later finds givenUp closed first.
func (p *Pipeline) keep(letter *engine.DeadLetter) {
	taken := false
	err := guarded(func() error { // a sink may have closed its inlet itself
		select {
		case <-p.givenUp:
			return nil
		default:
		}
		if p.inlet == nil { // the sink failed when it was asked for it
			return nil
		}
		select {
		case p.inlet <- letter:
			taken = true
		case <-p.givenUp:
		}
		return nil
	})
	if err != nil {
		err = lettersMissing(err)
	} else if taken {
		err = p.lettersErr()
	}
	if err != nil {
		p.lettersFault.CompareAndSwap(nil, &err)
		p.stopReading() // the error is told when the sink is closed
	}
	if !taken {
		p.warn("dead letter that its sink does not take", letter.Command, letter.Err)
	}
}

// openDeadLetters asks the sink for its inlet. Without one nothing is read.
func (p *Pipeline) openDeadLetters() {
	sink := p.options.DeadLetters
	if sink == nil {
		return
	}
	if err := apart(func() error { p.inlet = sink.In(); return nil }); err != nil {
		p.halt(lettersMissing(err))
	}
}

// closeDeadLetters says that no dead letter will come. What it gives receives when the sink has completed.
func (p *Pipeline) closeDeadLetters() <-chan error {
	completed := make(chan error, 1) // the goroutine below sends once; room for it, nobody may be there
	sink := p.options.DeadLetters
	if sink == nil || p.inlet == nil {
		completed <- nil
		return completed
	}
	go func() { // await waits; a sink that hangs is left behind, and the error says so
		err := apart(func() error {
			close(p.inlet)
			sink.AwaitCompletion()
			return nil
		})
		if err != nil {
			err = lettersMissing(err)
		}
		if fault := p.lettersFault.Load(); fault != nil {
			err = *fault
		}
		completed <- cmp.Or(err, p.lettersErr())
	}()
	return completed
}

func lettersMissing(err error) error {
	return fmt.Errorf("pipeline: dead letters may be missing from their sink: %w", err)
}

// lettersErr is what the dead letter sink says is wrong, if it can say so.
func (p *Pipeline) lettersErr() error {
	if s, ok := p.options.DeadLetters.(interface{ Err() error }); ok {
		if err := apart(s.Err); err != nil {
			return lettersMissing(err)
		}
	}
	return nil
}
