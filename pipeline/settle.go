package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// ErrStopped says that the drain timeout ran out. As the cause of a dead letter: the command was not yet decided, nothing
// of it is stored, and it may be sent again. From Receipt.Wait it comes with engine.ErrUnknown: may be stored.
var ErrStopped = errors.New("pipeline: stopped before everything was done")

// settle takes what the store made of the turn's batch: outcomes for what is decided, another turn for what met a
// conflict. Then the lane is let go, and the turn is over.
func (t *turn) settle(results []engine.Result) {
	t.batch.Settle = nil
	for i := range results {
		if r := &results[i]; r.Err == nil {
			t.tally.stored(t.lane, t.batch.Appends[i].Expected, r)
			t.tally.arrived = append(t.tally.arrived, t.decided[i].arrived)
		}
	}
	t.p.meter.add(&t.tally)
	again := t.settleEach(results)
	l := t.lane
	if n := len(results) - len(t.failed); l.aggregate != nil && n > 0 && results[n-1].Last != l.version {
		l.forget() // a stateless append found another writer's events
	}
	again = t.conflict(again, len(again) < len(results))
	t.again = append(again, t.again...)
	t.release(t.pause())
}

// settleEach gives every command its outcome but those that met a conflict.
func (t *turn) settleEach(results []engine.Result) (again []*task) {
	l := t.lane
	for i := range results {
		task, r := t.decided[i], &results[i]
		switch {
		case r.Err == nil:
			if r.Duplicate {
				l.forget() // the state was folded with what this decision made, which is not what is stored
			}
			t.p.deliver(task, r)
		case task.err != nil && !errors.Is(r.Err, engine.ErrUnknown):
			t.p.deadLetter(task, task.err)
		case errors.Is(r.Err, engine.ErrConflict):
			l.forget()
			again = append(again, task)
		case errors.Is(r.Err, engine.ErrUnknown):
			l.forget()
			t.p.end(task, engine.Outcome{CommandID: task.cmd.ID, Status: engine.Unknown, Err: errors.Join(task.err, r.Err)})
		default:
			l.forget()
			if errors.Is(r.Err, engine.ErrClosed) {
				t.p.halt(fmt.Errorf("pipeline: the store takes nothing any more: %w", r.Err))
			}
			if t.p.cut.Load() && errors.Is(r.Err, context.Canceled) {
				r.Err = ErrStopped
			}
			t.p.deadLetter(task, r.Err)
		}
	}
	return again
}

// conflict counts the rounds in a row in which no command of the lane got an outcome, and gives up on the one at its
// head when there were too many.
func (t *turn) conflict(again []*task, progress bool) []*task {
	l := t.lane
	if len(again) == 0 || progress {
		l.conflicts = 0
		return again
	}
	l.conflicts++
	if l.conflicts <= t.p.options.Conflicts {
		return again
	}
	l.conflicts = 0
	t.p.deadLetter(again[0], fmt.Errorf("pipeline: another writer owned the version in %d rounds, nothing stored: %w",
		t.p.options.Conflicts+1, engine.ErrConflict))
	return again[1:]
}

// pause is how long the lane rests before it decides again: not at all at first, then exponentially longer with full
// jitter, at most a quarter of a second.
func (t *turn) pause() time.Duration {
	const first, most = time.Millisecond, 250 * time.Millisecond
	if t.lane.conflicts < 2 {
		return 0
	}
	return rand.N(min(most, first<<min(t.lane.conflicts, 16)))
}

// deliver gives a command that the store answered its one outcome. It is counted already, and its place in the window is
// given back with those of its turn.
func (p *Pipeline) deliver(t *task, r *engine.Result) {
	if t.receipt != nil || t.cmd.Settled != nil {
		p.tell(t, r.Outcome(t.cmd.ID))
	}
	*t = task{}
}

// end gives any other command its one outcome, counts it, and gives its place in the window to the next.
func (p *Pipeline) end(t *task, o engine.Outcome) {
	p.meter.outcome(t.arrived, &o)
	p.tell(t, o)
	*t = task{}
	p.window.release(1)
}

// tell gives the outcome to whoever waits for it, and to the source.
func (p *Pipeline) tell(t *task, o engine.Outcome) {
	if t.receipt != nil {
		t.receipt.settle(o)
	}
	if t.cmd.Settled != nil {
		p.acknowledge(t.cmd, o)
	}
}

// acknowledge calls the source back. A panic there is the source's, and must not take the belt with it.
func (p *Pipeline) acknowledge(cmd *engine.Command, o engine.Outcome) {
	defer func() {
		if v := recover(); v != nil {
			p.warn("a source's Settled panicked", cmd, fmt.Errorf("panic: %v", v))
		}
	}()
	cmd.Settled(o)
}
