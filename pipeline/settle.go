package pipeline

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// settle takes what the store made of the turn's batch.
func (t *turn) settle(results []engine.Result) {
	t.batch.Settle = nil
	t.results = append(t.results, results...) // whoever gave them may use the array again
	t.round.settled()
}

// count counts the commands that the store answered. An answer that is none it takes for what it is: unknown. It is a fault
// of the store, or of a stage ahead of it, and must not be told as an outcome.
func (t *turn) count(into *tally) {
	appends := t.batch.Appends
	if len(t.results) != len(appends) {
		t.results = slices.Repeat([]engine.Result{{Err: errAnswers}}, len(appends))
	}
	for i := range t.results {
		switch a, r := &appends[i], &t.results[i]; {
		case r.Err != nil:
			r.Err = answered(r.Err)
		case (a.Letter != nil && !r.Duplicate) != (r.Letter > 0):
			*r = engine.Result{Err: errAnswer}
		case r.Letter == 0:
			into.stored(t.lane, a.Expected, r)
			into.arrived = append(into.arrived, t.decided[i].arrived)
		}
	}
}

// answered is the error that the store gave. One that does not bear to be asked says nothing.
func answered(err error) error {
	if v, _ := askAll(err); v != nil {
		return fmt.Errorf("%w: %w", errAnswer, sound(err))
	}
	return err
}

// What is wrong with an answer that is none.
var (
	errAnswers = fmt.Errorf("pipeline: not as many results as appends: %w", engine.ErrUnknown)
	errAnswer  = fmt.Errorf("pipeline: the answer is not one to the append: %w", engine.ErrUnknown)
)

// refused gives up a command that the store would not take. It tells whether its dead letter has to be kept yet.
func (t *turn) refused(task *task, err error) bool {
	t.p.haltIfShut(err)
	if t.p.cut.Load() && errors.Is(err, context.Canceled) {
		err = ErrStopped
	}
	return t.lose(task, err)
}

// lose gives up a command after its append. A store that keeps dead letters gets this one with another turn, which lose
// tells; unless nobody knows whether the command is stored, or its id belongs to another one.
func (t *turn) lose(task *task, err error) bool {
	keep := t.p.letters != nil && !task.unanswered()
	for _, end := range []error{ErrStopped, engine.ErrClosed, engine.ErrUnknown, engine.ErrReused} {
		keep = keep && !errors.Is(err, end)
	}
	if !keep {
		t.p.deadLetter(task, err)
		return false
	}
	task.err, task.lost = err, true
	return true
}

// goOn says which commands need another turn, and when.
func (t *turn) goOn(again []*task) {
	t.again = append(again, t.again...)
	for _, task := range t.again {
		task.outlive()
	}
	t.pause = max(t.pause, t.conflictPause())
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
	if int(l.conflicts) <= t.p.options.Conflicts {
		return again
	}
	l.conflicts = 0
	if t.lose(again[0], fmt.Errorf("pipeline: another writer owned the version in %d rounds, nothing stored: %w",
		t.p.options.Conflicts+1, engine.ErrConflict)) {
		return again
	}
	return again[1:]
}

// deliver gives a command that the store answered its one outcome. It is counted already, and its place in the window is
// given back with those of its round.
func (p *Pipeline) deliver(t *task, r *engine.Result) {
	cmd, receipt := t.cmd, t.receipt
	t.clear() // ahead of the telling, which may not come back
	if receipt == nil && cmd.Settled == nil {
		return
	}
	o := r.Outcome(cmd.ID)
	if receipt != nil {
		receipt.settle(o)
	}
	if cmd.Settled != nil {
		p.acknowledge(cmd, o)
	}
}

// end gives any other command its one outcome, counts it, and gives its place in the window to the next.
func (p *Pipeline) end(t *task, o engine.Outcome) {
	p.meter.outcome(t.arrived, &o)
	if t.receipt != nil {
		t.receipt.settle(o)
	}
	if t.cmd.Settled != nil {
		p.acknowledgeApart(t.cmd, o)
	}
	t.clear()
	p.window.release(1)
}

// acknowledge calls the source back. A panic there is the source's, and must not take the belt with it. It may end the
// goroutine.
func (p *Pipeline) acknowledge(cmd *engine.Command, o engine.Outcome) {
	err := errExited
	defer func() {
		if v := recover(); v != nil {
			err = &engine.PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			p.warn("a source's Settled failed", cmd, err)
		}
	}()
	cmd.Settled(o)
	err = nil
}

// acknowledgeApart is acknowledge where nothing may end the goroutine.
func (p *Pipeline) acknowledgeApart(cmd *engine.Command, o engine.Outcome) {
	_ = apart(func() error {
		p.acknowledge(cmd, o)
		return nil
	})
}
