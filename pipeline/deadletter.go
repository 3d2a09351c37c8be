package pipeline

import (
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
		p.tellSink(t.letter(err))
	}
	p.end(t, engine.Outcome{CommandID: t.cmd.ID, Status: engine.DeadLettered, Err: err})
}

// buried ends a command whose dead letter the store keeps. The sink of dead letters gets it with its number there.
func (p *Pipeline) buried(t *task, letter *engine.DeadLetter, number uint64) {
	if p.options.DeadLetters != nil {
		letter.Number = number
		p.tellSink(letter)
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

// tellSink brings a dead letter to its sink. When that is at fault, no more is read; the error is told when the sink is
// closed. A letter that it does not take is logged instead.
func (p *Pipeline) tellSink(letter *engine.DeadLetter) {
	taken := p.letterSink.send(letter, p.givenUp)
	if p.letterSink.fault.Load() != nil {
		p.stopReading()
	}
	if !taken {
		p.warn("dead letter that its sink does not take", letter.Command, letter.Err)
	}
}

// letter makes the dead letter of a command that failed, or waits for one that did.
func (t *turn) letter(task *task) *engine.DeadLetter {
	letter := task.letter(task.err)
	switch {
	case task.waits:
		letter.State = engine.Waiting
	case t.p.policyOf(task) == Park && engine.CheckName("aggregate id", t.lane.id) == nil:
		letter.State = engine.Parked
	}
	return letter
}

// letter makes the dead letter of the task's command, with what is known of its attempts.
func (t *task) letter(err error) *engine.DeadLetter {
	letter := engine.NewDeadLetter(t.cmd, err)
	if tr := t.trouble; tr != nil {
		letter.Attempts, letter.First, letter.Last = tr.attempts, tr.first, tr.last
	}
	return letter
}
