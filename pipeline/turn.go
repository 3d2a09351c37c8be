package pipeline

import (
	"context"
	"errors"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// turn is one time that commands of one lane are handled: it makes a batch of them. A worker begins it; when handlers have
// to be waited for, the goroutine of the last one ends it. When the batch is settled the turn is over, and its arrays serve
// another one: a command that goes through them allocates nothing.
type turn struct {
	p      *Pipeline
	lane   *lane
	chain  *task   // all commands of the turn, until unroll
	taken  []*task // the same; what has ended is cleared
	ended  int     // of taken
	tasks  []*task // the rest of taken that is not yet decided, in ticket sequence
	behind []*task // of taken: behind the one that a parked aggregate waits for, for another turn
	at     *task   // whose code runs in the goroutine of the turn itself; nil when none does
	now    time.Time

	recent   recent
	calls    calls
	payloads []any // of the command that is decided
	batch    engine.Batch
	events   []engine.Event // of batch.Appends
	decided  []*task        // the tasks of batch.Appends
	failed   []*task        // the last of decided: those that are only asked for
	exact    bool           // a decider decides in this turn: all of its appends meet a conflict together
	round    *round
	results  []engine.Result // of batch.Appends
	again    []*task         // decided later
	pause    time.Duration   // until then
}

// newTurn makes a turn with room for a few commands.
func newTurn() *turn {
	t := &turn{taken: make([]*task, 0, 4), decided: make([]*task, 0, 4), events: make([]engine.Event, 0, 4)}
	t.calls.list, t.batch.Appends = make([]call, 0, 8), make([]engine.Append, 0, 4)
	return t
}

// unroll lists the commands of the turn. The lanes need not be locked for that.
func (t *turn) unroll() {
	for task := t.chain; task != nil; {
		next := task.next
		task.next = nil
		t.taken = append(t.taken, task)
		task = next
	}
	t.chain = nil
}

// run fans out, joins, decides in ticket sequence, and hands on the batch. What failed gets its outcome at once. When
// handlers have to be waited for, run does not: the goroutine of the last one goes on.
func (t *turn) run(ctx context.Context, at *post) {
	called, elsewhere := false, false
	defer func() { // deferred, for code that ends this goroutine
		if !called {
			t.uncall()
		}
		if !elsewhere {
			t.end(ctx, at)
		}
	}()
	t.now = at.now
	t.tasks = t.taken
	if t.p.cut.Load() {
		for _, task := range t.tasks {
			task.err = ErrStopped
		}
	} else {
		t.park()
	}
	t.prepare()
	t.fanOut()
	if len(t.calls.list) > 0 && !t.calls.quick {
		t.p.away(ctx, at)
		called, elsewhere = true, true
		t.calls.start(ctx, t)
		return
	}
	called = true
	t.inline(ctx, at)
	t.load(ctx, at)
	t.decideAll(ctx)
}

// uncall says that the handlers that were to be called were not.
func (t *turn) uncall() {
	for i := range t.calls.list {
		if task := t.calls.list[i].task; !task.partly() {
			task.handled = false
		}
	}
}

// inline runs the handlers in the worker's goroutine and joins them.
func (t *turn) inline(ctx context.Context, at *post) {
	defer t.note() // deferred, for a handler that ends this goroutine
	t.calls.join(ctx, at)
}

// resume goes on when the handlers that were waited for have ended.
func (t *turn) resume(ctx context.Context) {
	p := t.p
	defer p.lanes.back()
	defer t.end(ctx, nil) // deferred, for code that ends this goroutine
	t.note()
	t.load(ctx, nil)
	t.decideAll(ctx)
}

func (t *turn) decideAll(ctx context.Context) {
	for len(t.tasks) > 0 {
		t.at = t.tasks[0]
		kept := t.decide(ctx, t.at)
		t.at, t.tasks = nil, t.tasks[1:]
		if !kept {
			return
		}
	}
}

// end hands the turn on: to the round of the worker's row, or by itself where there is no worker. The tasks that are left
// are decided in another turn: they stand behind one that broke the state, or behind one whose code ended its goroutine;
// that one has failed.
func (t *turn) end(ctx context.Context, at *post) {
	if t.at != nil {
		t.lane.forget()
		t.at.err = errExited
	}
	t.again = append(append(t.again, t.tasks...), t.behind...)
	t.askForFailed()
	if len(t.batch.Appends) == 0 {
		t.goOn(nil)
		t.p.lanes.finish(t)
		return
	}
	t.batch.Settle = t.settle
	if at == nil || t.p.apart {
		r := t.p.newRound()
		r.add(t)
		r.emit(ctx)
		return
	}
	at.done(t)
}

// reset empties the turn for another one. Arrays that grew out of measure are not kept.
func (t *turn) reset() {
	const most = 4096
	if max(cap(t.events), cap(t.calls.list), cap(t.payloads)) > most {
		*t = turn{} // calls holds a lock, which nobody has
		return
	}
	clear(t.events)
	clear(t.calls.list)
	clear(t.payloads[:cap(t.payloads)]) // it is as long as the last command needed, not as the longest
	clear(t.batch.Appends)
	clear(t.results)
	t.p, t.lane, t.round, t.exact, t.pause = nil, nil, nil, false, 0
	t.taken, t.tasks, t.behind, t.ended = t.taken[:0], nil, nil, 0
	t.calls.list, t.payloads, t.events = t.calls.list[:0], t.payloads[:0], t.events[:0]
	t.batch.Appends, t.batch.Settle = t.batch.Appends[:0], nil
	t.decided, t.failed, t.again, t.results = t.decided[:0], t.failed[:0], t.again[:0], t.results[:0]
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
		if task.err = t.lane.check(); task.err != nil {
			continue
		}
		if task.err = t.routeOf(task); task.err != nil {
			continue
		}
		t.at = task
		task.err = t.decode(task)
		t.at = nil
	}
}

// routeOf finds the route of a command. Most commands of a turn are of the type of the one before.
func (t *turn) routeOf(task *task) error {
	cmd, r := task.cmd, &t.recent
	if goType := reflect.TypeOf(cmd.Data); r.route == nil || cmd.Type != r.typ || cmd.Type == "" && goType != r.goType {
		route, err := t.p.registry.Route(cmd)
		if err != nil {
			return err
		}
		*r = recent{route, t.p.paceOf(route), cmd.Type, goType}
	}
	task.route, task.pace = r.route, r.pace
	return nil
}

// recent is the route that was found last, and by what.
type recent struct {
	route  *engine.Route
	pace   *pace
	typ    string
	goType reflect.Type
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
