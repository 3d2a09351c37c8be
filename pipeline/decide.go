package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// decode finds the payload of a command and what stands for it.
func (t *turn) decode(task *task) (data any, digest uint64, err error) {
	cmd, encoder := task.cmd, t.p.encoder
	if _, raw := cmd.Data.(engine.Raw); !raw && encoder == nil {
		return cmd.Data, 0, nil // nothing is called that could fail
	}
	typ := task.route.Type
	t.enter(task, coding)
	err = caught(func() error {
		if data, err = t.p.registry.Decode(&cmd.Message); err == nil && encoder != nil {
			digest, err = t.p.registry.Digest(typ, data)
		}
		return err
	})
	if late := t.leave(); late != nil {
		err = lateError(typ, cmd.ID, "codec", late, err)
	}
	return data, digest, err
}

// fanOut lists the calls of all handlers of all commands of the turn, which run at once. Handlers are stateless, so that
// those of different commands may overlap; the deciders come after, in ticket sequence.
func (t *turn) fanOut() {
	cs := &t.calls
	cs.quick = true
	var route *engine.Route
	for _, task := range t.tasks {
		if task.handled && !task.partly() || task.err != nil {
			continue
		}
		task.handled = true
		if len(task.route.Handlers) == 0 {
			continue
		}
		if task.route != route {
			route = task.route
			cs.quick = cs.quick && task.pace.quick()
		}
		cs.add(task)
	}
}

// note shares out what the handlers made among the commands.
func (t *turn) note() {
	for rest := t.calls.list; len(rest) > 0; {
		task, n := rest[0].task, 1
		for n < len(rest) && rest[n].task == task {
			n++
		}
		task.takeOver(rest[:n:n])
		rest = rest[n:]
		for i := range task.calls {
			task.note(task.calls[i].err)
		}
	}
}

// load folds the stream of the aggregate if a decider needs its state and the lane does not have it. At is the post of the
// worker.
func (t *turn) load(ctx context.Context, at *post) {
	for _, task := range t.tasks {
		if task.err != nil || task.route.NewAggregate == nil {
			continue
		}
		if t.exact = true; t.lane.aggregate != nil {
			return
		}
		if !t.p.instant {
			t.p.aside(ctx, at) // for the disk
		}
		if err := t.fold(task); err != nil {
			t.exact = false
			t.lane.forget()
			t.p.haltIfShut(err)
			t.failDeciders(fmt.Errorf("pipeline: aggregate %q cannot be loaded: %w", t.lane.id, err))
		}
		return
	}
}

func (t *turn) failDeciders(err error) {
	for _, task := range t.tasks {
		if task.err == nil && task.route.NewAggregate != nil {
			task.err = err
		}
	}
}

// decide makes the append of one command and folds its events into the lane's state. It gives false when the commands
// behind must be decided in another turn: because the state is lost, because this one is attempted again before them, or
// because they may have to wait for its dead letter.
func (t *turn) decide(task *task) bool {
	if t.p.options.CommandTimeout > 0 {
		t.p.expire(task)
	}
	var d decision // field by field: a literal is copied as a whole, which waits until its fields are written
	d.route, d.cmd, d.data, d.calls, d.aggregate = task.route, task.cmd, task.data, task.calls, t.lane.aggregate
	switch decider := d.route != nil && d.route.NewAggregate != nil; {
	case task.err != nil || task.rejection != nil: // any failure is the command's; a refusal counts only when nothing failed
		d.err = cmp.Or(task.err, task.rejection)
	case !decider && d.aggregate == nil && t.p.encoder == nil:
		t.make(&d) // nothing is called that others wrote
	default:
		if decider {
			d.ctx = t.guard.context()
		}
		t.enter(task, 0)
		t.make(&d)
		d.err = sound(d.err)
		if late := t.leave(); late != nil {
			d.err, d.broken = lateError(d.route.Type, d.cmd.ID, d.route.Decider, late, d.err), true
		}
	}
	return t.conclude(task, &d)
}

// conclude adds what was decided to the batch.
func (t *turn) conclude(task *task, d *decision) bool {
	if d.broken {
		t.lane.forget()
		t.fail(task, d.err)
		return false
	}
	if rejected, ok := errors.AsType[*engine.RejectedError](d.err); ok {
		t.add(task, engine.Append{Rejection: cmp.Or(rejected.Reason, "no reason was given")}) // empty would mean accepted
		return true
	}
	if d.err != nil {
		return t.fail(task, d.err)
	}
	t.events = d.all
	t.add(task, engine.Append{Events: d.events})
	if t.lane.aggregate != nil {
		t.lane.version += engine.Version(len(d.events))
	}
	return true
}

// add puts a command's append into the batch. In a turn with a decider every append is for the version that the decider
// saw, the stateless ones too: they would overtake what meets a conflict ahead of them. In any other turn every version
// is right. All appends of a batch are chained: what the store fails may be attempted again, or park its aggregate, and must
// not come behind what it was ahead of, whether or not the store could say that it stored that.
func (t *turn) add(task *task, a engine.Append) {
	a.Aggregate, a.CommandID, a.Digest, a.Expected = t.lane.id, task.cmd.ID, task.digest, engine.Any
	a.Chained = len(t.batch.Appends) > 0
	if t.exact {
		a.Expected = engine.Exactly(t.lane.version)
	}
	t.batch.Appends = append(t.batch.Appends, a)
	t.decided = append(t.decided, task)
}

// fail takes a command that failed back for another attempt, or gives it up. False: those behind it are for another turn.
func (t *turn) fail(task *task, err error) bool {
	if errors.Is(err, ErrStopped) {
		t.p.deadLetter(task, err)
		return true
	}
	if t.p.cut.Load() && !task.lost && !task.waits && t.p.worthwhile(task, err) {
		t.p.deadLetter(task, fmt.Errorf("%w: %w", ErrStopped, err)) // it would have had another attempt
		return true
	}
	if !task.lost && !task.waits && t.tryAgain(task, err) {
		t.again = append(t.again, task)
		return false
	}
	return t.giveUp(task, err)
}

// giveUp ends a command that failed. One that could be read is asked for first; one that could not says something else
// than whatever is stored under its id.
func (t *turn) giveUp(task *task, err error) bool {
	if !task.handled && !task.waits && t.p.letters == nil {
		t.p.deadLetter(task, err)
		return true
	}
	task.err, task.lost = err, true
	t.failed = append(t.failed, task)
	return task.waits || t.p.policyOf(task) == Skip
}

// askForFailed asks the store for the ids of the commands that failed: one that is stored has its outcome, whatever fails
// when it comes again; of any other the store keeps the dead letter, if it is one that does. The questions stand behind all
// decisions, so that they break no chain. Letters are chained: one that parks the aggregate, or waits, must not be kept
// while what came before it is not stored, nor ahead of another.
func (t *turn) askForFailed() {
	for _, task := range t.failed {
		a := engine.Append{Aggregate: t.lane.id, CommandID: task.cmd.ID, Digest: task.digest, Expected: engine.Never}
		if !task.handled && !task.waits {
			a.CommandID = engine.ID{}
		}
		if t.p.letters != nil {
			a.Letter, a.Chained = t.letter(task), len(t.batch.Appends) > 0
		}
		t.batch.Appends = append(t.batch.Appends, a)
	}
	t.decided = append(t.decided, t.failed...)
}
