package pipeline

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// ErrStopped says that the drain timeout ran out. As the cause of a dead letter: the command was not yet decided, nothing
// of it is stored, and it may be sent again. From Receipt.Wait it comes with engine.ErrUnknown: may be stored.
var ErrStopped = errors.New("pipeline: stopped before everything was done")

// settle takes what the store made of the turn's batch.
func (t *turn) settle(results []engine.Result) {
	t.batch.Settle = nil
	t.results = append(t.results, results...) // whoever gave them may use the array again
	t.round.settled()
}

// count counts the commands that the store answered.
func (t *turn) count(into *tally) {
	for i := range t.results {
		if r := &t.results[i]; r.Err == nil && r.Letter == 0 {
			into.stored(t.lane, t.batch.Appends[i].Expected, r)
			into.arrived = append(into.arrived, t.decided[i].arrived)
		}
	}
}

// settleEach gives every command its outcome, or another turn when it met a conflict or when the store may do better then.
func (t *turn) settleEach() {
	l := t.lane
	var again []*task
	last := t.lastStored()
	conflicts := false
	for i := range t.results {
		task, r := t.decided[i], &t.results[i]
		switch {
		case r.Letter > 0:
			t.p.buried(task)
		case r.Err == nil:
			if r.Duplicate {
				l.forget() // the state was folded with what this decision made, which is not what is stored
			}
			t.p.deliver(task, r)
		case errors.Is(r.Err, engine.ErrConflict) && task.err != nil:
			task.known()
			t.p.deadLetter(task, task.err)
		case errors.Is(r.Err, engine.ErrConflict):
			task.known()
			l.forget()
			conflicts = true
			again = append(again, task)
		case t.storeAgain(task, r.Err) && i > last:
			l.forget()
			again = append(again, task)
		case task.err != nil:
			t.p.unkept(task, r.Err)
		default:
			l.forget()
			t.refused(task, r.Err)
		}
	}
	if n := len(t.results) - len(t.failed); l.aggregate != nil && n > 0 && t.results[n-1].Last != l.version {
		l.forget() // a stateless append found another writer's events
	}
	t.goOn(t.conflict(again, !conflicts || len(again) < len(t.results)))
}

// lastStored is the number of the last append that added something, or -1. What the store failed before it is not attempted
// again: it would come behind what it was ahead of.
func (t *turn) lastStored() int {
	for i := len(t.results) - 1; i >= 0; i-- {
		if r := &t.results[i]; !r.Breaks() {
			return i
		}
	}
	return -1
}

// storeAgain counts an attempt that the store failed, and tells whether there is another one. When the store did not
// answer, the command is decided again all the same: if it is stored, its id says so then.
func (t *turn) storeAgain(task *task, err error) bool {
	trouble := task.failed(t.now)
	retry := &t.p.options.Retry
	if errors.Is(err, engine.ErrUnknown) {
		trouble.unknown = err
	}
	if trouble.attempts >= retry.Attempts || t.p.cut.Load() || errors.Is(err, engine.ErrClosed) || !retry.Retryable(err) {
		return false
	}
	pause := retry.pause(task.cmd.ID, trouble.attempts)
	if time.Since(trouble.first)+pause > retry.Total || !t.p.inTime(task, pause) {
		return false
	}
	t.pause = max(t.pause, pause)
	return true
}

// refused ends a command that the store would not take.
func (t *turn) refused(task *task, err error) {
	t.p.haltIfShut(err)
	if t.p.cut.Load() && errors.Is(err, context.Canceled) {
		err = ErrStopped
	}
	t.p.deadLetter(task, err)
}

// goOn says which commands need another turn, and when.
func (t *turn) goOn(again []*task) {
	t.again = append(again, t.again...)
	for _, task := range t.again {
		task.outlive()
	}
	t.pause = max(t.pause, t.rest())
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

// rest is how long the lane rests before it decides again: not at all at first, then exponentially longer with full
// jitter, at most a quarter of a second.
func (t *turn) rest() time.Duration {
	const first, most = time.Millisecond, 250 * time.Millisecond
	if t.lane.conflicts < 2 || len(t.again) == 0 {
		return 0
	}
	return t.p.options.Retry.jitter(min(most, first<<min(t.lane.conflicts, 16)), t.again[0].cmd.ID, t.lane.conflicts)
}

// deliver gives a command that the store answered its one outcome. It is counted already, and its place in the window is
// given back with those of its round.
func (p *Pipeline) deliver(t *task, r *engine.Result) {
	if t.receipt != nil || t.cmd.Settled != nil {
		p.tell(t, r.Outcome(t.cmd.ID))
	}
	t.clear()
}

// end gives any other command its one outcome, counts it, and gives its place in the window to the next.
func (p *Pipeline) end(t *task, o engine.Outcome) {
	p.meter.outcome(t.arrived, &o)
	p.tell(t, o)
	t.clear()
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
