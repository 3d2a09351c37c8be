package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// turn is one worker's time with one lane: it makes a batch of the commands it took.
type turn struct {
	p     *Pipeline
	lane  *lane
	tasks []*task // not yet decided, in ticket sequence
	at    *task   // whose code runs in the worker's own goroutine; nil when none does
	now   time.Time

	batch   engine.Batch
	decided []*task // the tasks of batch.Appends
	failed  []*task // the last of decided: those that are only asked for
	exact   bool    // a decider decides in this turn: all of its appends meet a conflict together
	again   []*task // decided later, because a command ahead of them broke the state
}

// run fans out, joins, decides in ticket sequence, and hands the batch to the sink. What failed gets its outcome at once.
func (t *turn) run(ctx context.Context) {
	defer t.end(ctx) // deferred, for code that ends this goroutine
	if t.p.cut.Load() {
		for _, task := range t.tasks {
			task.err = ErrStopped
		}
	}
	t.prepare()
	t.fanOut(ctx)
	t.load(ctx)
	t.batch.Appends = make([]engine.Append, 0, len(t.tasks))
	t.decided = make([]*task, 0, len(t.tasks))
	for len(t.tasks) > 0 {
		t.at = t.tasks[0]
		kept := t.decide(ctx, t.at)
		t.at, t.tasks = nil, t.tasks[1:]
		if !kept {
			break
		}
	}
}

// end hands on what is decided. The tasks that are left are decided in another turn: they stand behind one that broke the
// state, or behind one whose code ended the worker's goroutine; that one has failed.
func (t *turn) end(ctx context.Context) {
	if t.at != nil {
		t.lane.forget()
		t.at.err = errExited
	}
	t.again = append(t.again, t.tasks...) // copied: the worker uses the array again
	t.askForFailed()
	if len(t.batch.Appends) == 0 {
		t.p.lanes.finish(t.lane, t.again, 0)
		return
	}
	t.batch.Settle = t.settle
	t.p.emit(ctx, &t.batch)
}

// prepare finds the route and the payload of each command that has not been through here before.
func (t *turn) prepare() {
	for _, task := range t.tasks {
		if task.handled || task.err != nil {
			continue
		}
		cmd := task.cmd
		if cmd.Defect != nil {
			task.err = cmd.Defect
			continue
		}
		if cmd.ID.IsZero() {
			task.err = errors.New("pipeline: command has no id: make it with engine.NewCommand")
			continue
		}
		if task.err = engine.CheckName("subject (the aggregate id)", cmd.Subject); task.err != nil {
			continue
		}
		if task.route, task.err = t.p.registry.Route(cmd); task.err != nil {
			continue
		}
		t.at = task
		task.err = guarded(func() (err error) {
			if task.data, err = t.p.registry.Decode(&cmd.Message); err == nil && t.p.encoder != nil {
				task.digest, err = t.p.registry.Digest(task.route.Type, task.data)
			}
			return err
		})
		t.at = nil
	}
}

// fanOut runs all handlers of all commands of the turn at once and joins them. Handlers are stateless, so that those of
// different commands may overlap; the deciders come after, in ticket sequence.
func (t *turn) fanOut(ctx context.Context) {
	type call struct {
		task    *task
		handler int
	}
	var calls []call
	for _, task := range t.tasks {
		if task.handled || task.err != nil {
			continue
		}
		task.handled = true
		handlers := len(task.route.Handlers)
		if handlers == 0 {
			continue
		}
		task.results = make([][]any, handlers)
		for i := range handlers {
			calls = append(calls, call{task, i})
		}
	}
	errs := make([]error, len(calls))
	defer func() { // deferred, for a handler that ends this goroutine
		for i, c := range calls {
			c.task.note(errs[i])
		}
	}()
	engine.FanOut(len(calls), func(i int) {
		c := calls[i]
		errs[i] = errExited // until it returns
		c.task.results[c.handler], errs[i] = c.task.route.Handlers[c.handler].Call(ctx, c.task.cmd, c.task.data)
	})
}

// load folds the stream of the aggregate if a decider needs its state and the lane does not have it.
func (t *turn) load(ctx context.Context) {
	for _, task := range t.tasks {
		if task.err != nil || task.route.NewAggregate == nil {
			continue
		}
		if t.exact = true; t.lane.aggregate != nil {
			return
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

// decide makes the append of one command and folds its events into the lane's state. It gives false when the state is
// lost, so that the commands behind must be decided again.
func (t *turn) decide(ctx context.Context, task *task) bool {
	payloads, err := t.payloads(ctx, task)
	if rejected, ok := errors.AsType[*engine.RejectedError](err); ok {
		t.add(task, engine.Append{Rejection: cmp.Or(rejected.Reason, "no reason was given")}) // empty would mean accepted
		return true
	}
	var events []engine.Event
	if err == nil {
		events, err = t.p.registry.Events(nil, task.cmd, payloads, t.now)
	}
	if err == nil && t.p.encoder != nil {
		err = guarded(func() error { return t.p.encoder.EncodePayloads(events) })
	}
	if err != nil {
		t.giveUp(task, err)
		return true
	}
	if t.lane.aggregate == nil {
		t.add(task, engine.Append{Events: events})
		return true
	}
	for i := range events {
		if err := t.lane.aggregate.Evolve(events[i].Type, payloads[i]); err != nil {
			t.lane.forget()
			t.giveUp(task, err)
			return false
		}
	}
	t.add(task, engine.Append{Events: events})
	t.lane.version += engine.Version(len(events))
	return true
}

// payloads joins what the handlers and the decider of a command made, in registration sequence. Any failure is the
// command's; a rejection counts only when nothing failed.
func (t *turn) payloads(ctx context.Context, task *task) ([]any, error) {
	if err := task.err; err != nil || task.rejection != nil {
		return nil, cmp.Or(err, task.rejection)
	}
	if task.route.NewAggregate == nil {
		return joinResults(nil, task.results), nil
	}
	made, err := t.lane.aggregate.Decide(ctx, task.route.Type, task.cmd, task.data)
	if err != nil {
		return nil, err
	}
	if len(task.results) == 0 {
		return made, nil
	}
	payloads := joinResults(nil, task.results[:task.route.First])
	return joinResults(append(payloads, made...), task.results[task.route.First:]), nil
}

func joinResults(into []any, results [][]any) []any {
	for _, made := range results {
		into = append(into, made...)
	}
	return into
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

// giveUp ends a command that failed. One that could be read is asked for first; one that could not says something else
// than whatever is stored under its id.
func (t *turn) giveUp(task *task, err error) {
	if !task.handled || errors.Is(err, ErrStopped) {
		t.p.deadLetter(task, err)
		return
	}
	task.err = err
	t.failed = append(t.failed, task)
}

// askForFailed asks the store for the ids of the commands that failed: one that is stored has its outcome, whatever fails
// when it comes again. The questions stand behind all decisions, so that they break no chain.
func (t *turn) askForFailed() {
	for _, task := range t.failed {
		t.batch.Appends = append(t.batch.Appends, engine.Append{
			Aggregate: t.lane.id, CommandID: task.cmd.ID, Digest: task.digest, Expected: engine.Never,
		})
	}
	t.decided = append(t.decided, t.failed...)
}

// guarded runs what reaches code that was given to us, as a payload's UnmarshalJSON. Its panic is the command's error.
func guarded(run func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &engine.PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return run()
}
