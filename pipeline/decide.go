package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/orchestrix-go/orchestrix/engine"
)

// decode finds the payload of a command and what stands for it.
func (t *turn) decode(task *task) (err error) {
	cmd, encoder := task.cmd, t.p.encoder
	if _, raw := cmd.Data.(engine.Raw); !raw && encoder == nil {
		task.data = cmd.Data // nothing is called that could fail
		return nil
	}
	return guarded(func() error {
		if task.data, err = t.p.registry.Decode(&cmd.Message); err == nil && encoder != nil {
			task.digest, err = t.p.registry.Digest(task.route.Type, task.data)
		}
		return err
	})
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
		task.keep(rest[:n:n])
		rest = rest[n:]
		for i := range task.calls {
			task.note(task.calls[i].err)
		}
	}
}

// load folds the stream of the aggregate if a decider needs its state and the lane does not have it. At is the post of the
// worker, nil where there is none.
func (t *turn) load(ctx context.Context, at *post) {
	for _, task := range t.tasks {
		if task.err != nil || task.route.NewAggregate == nil {
			continue
		}
		if t.exact = true; t.lane.aggregate != nil {
			return
		}
		if at != nil && !t.p.instant {
			t.p.aside(ctx, at) // for the disk
		}
		t.at = task
		err := guarded(func() error {
			t.lane.aggregate, t.lane.version = task.route.NewAggregate(), 0
			return t.fold(ctx)
		})
		t.at = nil
		if err != nil {
			t.exact = false
			t.lane.forget()
			t.p.haltIfShut(err)
			t.failDeciders(fmt.Errorf("pipeline: aggregate %q cannot be loaded: %w", t.lane.id, err))
		}
		return
	}
}

func (t *turn) fold(ctx context.Context) error {
	for event, err := range t.p.sink.Store().Load(ctx, t.lane.id, 1) {
		if err != nil {
			return err
		}
		data, err := t.p.registry.Decode(&event.Message)
		if err != nil {
			return err
		}
		if err := t.lane.aggregate.Evolve(event.Type, data); err != nil {
			return err
		}
		t.lane.version = event.Version
	}
	return nil
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
func (t *turn) decide(ctx context.Context, task *task) bool {
	payloads, err := t.join(ctx, task)
	if rejected, ok := errors.AsType[*engine.RejectedError](err); ok {
		t.add(task, engine.Append{Rejection: cmp.Or(rejected.Reason, "no reason was given")}) // empty would mean accepted
		return true
	}
	var events []engine.Event
	if err == nil {
		events, err = t.state(task, payloads)
	}
	if err != nil {
		return t.fail(task, err)
	}
	if t.lane.aggregate == nil {
		t.add(task, engine.Append{Events: events})
		return true
	}
	for i := range events {
		if err := t.lane.aggregate.Evolve(events[i].Type, payloads[i]); err != nil {
			t.lane.forget()
			t.fail(task, err)
			return false
		}
	}
	t.add(task, engine.Append{Events: events})
	t.lane.version += engine.Version(len(events))
	return true
}

// join gives what the handlers and the decider of a command made, in registration sequence. Any failure is the
// command's; a rejection counts only when nothing failed.
func (t *turn) join(ctx context.Context, task *task) ([]any, error) {
	if err := task.err; err != nil || task.rejection != nil {
		return nil, cmp.Or(err, task.rejection)
	}
	var made []any
	if task.route.NewAggregate != nil {
		var err error
		if made, err = t.lane.aggregate.Decide(ctx, task.route.Type, task.cmd, task.data); err != nil {
			return nil, err
		}
	}
	if len(task.calls) == 0 {
		return made, nil
	}
	first := task.route.First
	t.payloads = t.payloads[:0]
	for _, c := range task.calls[:first] {
		t.payloads = append(t.payloads, c.made...)
	}
	t.payloads = append(t.payloads, made...)
	for _, c := range task.calls[first:] {
		t.payloads = append(t.payloads, c.made...)
	}
	return t.payloads, nil
}

// state makes the events that state the payloads, encoded if the store wants them so.
func (t *turn) state(task *task, payloads []any) ([]engine.Event, error) {
	before := len(t.events)
	made, err := t.p.registry.Events(t.events, task.cmd, payloads, t.now)
	events := made[before:len(made):len(made)]
	if err == nil && t.p.encoder != nil {
		err = guarded(func() error { return t.p.encoder.EncodePayloads(events) })
	}
	if err != nil {
		clear(events)
		return nil, err
	}
	t.events = made
	return events, nil
}

// add puts a command's append into the batch. In a turn with a decider every append is for the version that the decider
// saw, the stateless ones too: they would overtake what meets a conflict ahead of them. In any other turn every version
// is right.
func (t *turn) add(task *task, a engine.Append) {
	a.Aggregate, a.CommandID, a.Digest, a.Expected = t.lane.id, task.cmd.ID, task.digest, engine.Any
	if t.exact {
		a.Expected, a.Chained = engine.Exactly(t.lane.version), len(t.batch.Appends) > 0
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
// decisions, so that they break no chain.
func (t *turn) askForFailed() {
	for _, task := range t.failed {
		a := engine.Append{Aggregate: t.lane.id, CommandID: task.cmd.ID, Digest: task.digest, Expected: engine.Never}
		if !task.handled && !task.waits {
			a.CommandID = engine.ID{}
		}
		if t.p.letters != nil {
			a.Letter = t.letter(task)
		}
		t.batch.Appends = append(t.batch.Appends, a)
	}
	t.decided = append(t.decided, t.failed...)
}
