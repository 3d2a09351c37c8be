package pipeline

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// turn is one time that commands of one lane are handled: it makes a batch of them. A worker begins it; when handlers have
// to be waited for, another one may go on with it. When the batch is settled the turn is over, and its arrays serve another
// one: a command that goes through them allocates nothing.
type turn struct {
	p      *Pipeline
	lane   *lane
	chain  *task     // all commands of the turn, until unroll
	taken  []*task   // the same, in ticket sequence until finish; what has ended is cleared
	ended  int       // of taken
	tasks  []*task   // the rest of taken that is not yet decided, in ticket sequence
	behind []*task   // of taken: behind the one that a parked aggregate waits for, for another turn
	guard  *guard    // of the goroutine of the turn
	at     *task     // whose code runs in the goroutine of the turn itself; nil when none does
	post   *post     // of the worker that took it
	head   sighting  // of its first command
	now    time.Time // when the first worker began
	begun  bool      // a worker has got to it, the first one or the one that goes on with it

	folding    *folding // for a state that is to be made; nil when none serves again
	calls      calls
	payloads   []any // of the command that is decided
	batch      engine.Batch
	settleFunc func([]engine.Result) // settle, for batch.Settle
	events     []engine.Event        // of batch.Appends
	decided    []*task               // the tasks of batch.Appends
	failed     []*task               // the last of decided: those that are only asked for
	joined     bool                  // its handlers have returned: a worker goes on with it
	exact      bool                  // a decider decides in this turn: all of its appends meet a conflict together
	round      *round
	results    []engine.Result // of batch.Appends
	again      []*task         // decided later
	pause      time.Duration   // until then
	places     []*group        // of limits, for the commands that are being handled
	over       *group          // whose limit the next command was over
	due        time.Time       // when it may begin; zero when it has to be called
}

// newTurn makes a turn with room for a few commands, all of it at once.
func newTurn() *turn {
	room := new(struct {
		turn
		taken, decided [4]*task
		events         [4]engine.Event
		calls          [8]call
		appends        [4]engine.Append
	})
	t := &room.turn
	t.taken, t.decided, t.events = room.taken[:0], room.decided[:0], room.events[:0]
	t.calls.list, t.batch.Appends = room.calls[:0], room.appends[:0]
	return t
}

// unroll lists the commands of the turn. The lanes need not be locked for that.
func (t *turn) unroll() {
	if t.chain != nil {
		t.head = sightingOf(t.chain)
	}
	for task := t.chain; task != nil; {
		next := task.next
		task.next = nil
		t.taken = append(t.taken, task)
		task = next
	}
	t.chain = nil
}

// prefetch reads the lane, and each command and task of the turn, where they will be read later: the processor fetches
// all of them at once, instead of one after another between other work.
func (t *turn) prefetch() {
	read := byte(t.lane.last)
	if t.lane.aggregate != nil {
		read++
	}
	for _, task := range t.taken {
		cmd := task.cmd
		read += cmd.ID[0] + cmd.CorrelationID[0]
		if cmd.Data != nil && task.err == nil && task.trouble == nil && cmd.Settled != nil { // all four: the first three hold
			read++
		}
	}
	runtime.KeepAlive(read) // else the compiler leaves out what comes to nothing
}

// run fans out, joins, decides in ticket sequence, and hands on the batch. What failed gets its outcome at once. When
// handlers have to be waited for, run does not: a worker goes on when the last one has returned.
func (t *turn) run(ctx context.Context, at *post) {
	called, g := false, at.guard.Load()
	t.guard, g.turn = g, t
	defer func() { // deferred, for code that ends this goroutine
		if !g.has(t) {
			return // it goes on elsewhere
		}
		if !called {
			t.uncall()
		}
		g.turn = nil
		t.end(ctx, at)
	}()
	if t.joined {
		called = true
		t.decideAll(ctx, at)
		return
	}
	t.tasks = t.taken
	if t.p.cut.Load() {
		for _, task := range t.tasks {
			task.err = ErrStopped
		}
	} else {
		t.single()
		t.park()
		t.p.expire(t.tasks...)
		t.limit()
		t.beginAnew()
	}
	t.prepare()
	t.fanOut()
	if len(t.calls.list) > 0 && !t.calls.quick {
		t.p.lanes.depart(at)
		g.turn = nil
		newOuting(t, at, 0, nil).start(0)
		return
	}
	called = true
	if len(t.calls.list) > 0 {
		if t.calls.runInline(ctx, at, t); g.turn != t {
			return
		}
	}
	t.decideAll(ctx, at)
}

// single ends the turn with a command whose code did not return in the turn before: it has failed, and whatever becomes of
// it, those behind it come after that.
func (t *turn) single() {
	for i, task := range t.tasks {
		if task.err != nil {
			t.tasks, t.behind = t.taken[:i+1], t.taken[i+1:]
			return
		}
	}
}

// uncall says that the handlers that were to be called were not.
func (t *turn) uncall() {
	for i := range t.calls.list {
		if task := t.calls.list[i].task; !task.partly() {
			task.handled = false
		}
	}
}

// decideAll decides the commands when their handlers, if they have any, have returned.
func (t *turn) decideAll(ctx context.Context, at *post) {
	t.note()
	t.load(ctx, at)
	for len(t.tasks) > 0 {
		kept := t.decide(t.tasks[0])
		t.tasks = t.tasks[1:]
		if !kept {
			return
		}
	}
}

// enter is called before code of others, for a command: while it runs, the turn may be taken away.
func (t *turn) enter(task *task, kind uint64) {
	t.at = task
	t.guard.enter(task, kind)
}

// leave is called behind such code, and tells why it took too long, if it did. A turn that was taken away ends here.
func (t *turn) leave() (tooLate error) {
	tooLate = t.guard.leave()
	t.at = nil
	return tooLate
}

// moved is another turn that goes on in the place of one that is left to code which does not return: with all but what that
// code may still write.
func (t *turn) moved() *turn {
	return &turn{
		p: t.p, lane: t.lane, taken: t.taken, tasks: t.tasks, behind: t.behind, post: t.post, head: t.head, now: t.now,
		batch: engine.Batch{Appends: t.batch.Appends}, decided: t.decided, failed: t.failed, exact: t.exact,
		again: t.again, pause: t.pause, places: t.places, over: t.over, due: t.due,
	}
}

// replace puts other tasks in the place of some, before any is decided.
func (t *turn) replace(tasks map[*task]*task) {
	n := len(t.tasks)
	t.taken = slices.Clone(t.taken)
	for i, task := range t.taken {
		t.taken[i] = cmp.Or(tasks[task], task)
	}
	for i := range t.calls.list {
		c := &t.calls.list[i]
		c.task = cmp.Or(tasks[c.task], c.task)
	}
	t.tasks, t.behind = t.taken[:n], t.taken[n:]
}

// end hands the turn on: to the round of the worker at the post, or by itself when there is none, for the worker is left to
// code that does not return. The tasks that are left are decided in another turn: they stand behind one that broke the
// state, or behind one whose code ended its goroutine; that one has failed.
func (t *turn) end(ctx context.Context, at *post) {
	t.p.lanes.handled(t)
	if t.at != nil {
		t.lane.forget()
		t.at.err, t.at = errExited, nil
	}
	for _, task := range t.tasks {
		if task.cmd != nil { // an outcome may have been told last of all
			t.again = append(t.again, task)
		}
	}
	t.again = append(t.again, t.behind...)
	t.askForFailed()
	if len(t.batch.Appends) == 0 {
		t.goOn(nil)
		t.p.lanes.finish(t)
		return
	}
	if t.settleFunc == nil {
		t.settleFunc = t.settle // made once: the turn is used again
	}
	t.batch.Settle = t.settleFunc
	if at == nil || t.p.oneByOne {
		r := t.p.newRound()
		r.add(t)
		r.emit(ctx)
		return
	}
	at.done(t)
}

// setApart puts the tasks that have ended ahead of the others, and counts them. The lanes need not be locked for that.
func (t *turn) setApart() {
	for i, task := range t.taken {
		if task.cmd == nil {
			t.taken[i], t.taken[t.ended] = t.taken[t.ended], task
			t.ended++
		}
	}
}

// reset empties the turn for another one. Arrays that grew out of measure are not kept.
func (t *turn) reset() {
	const most = 4096
	if max(cap(t.events), cap(t.calls.list), cap(t.payloads)) > most {
		*t = turn{}
		return
	}
	clear(t.events)
	clear(t.calls.list)
	clear(t.payloads[:cap(t.payloads)]) // it is as long as the last command needed, not as the longest
	clear(t.batch.Appends)
	clear(t.results)
	t.p, t.lane, t.guard, t.round, t.begun, t.joined, t.exact, t.pause = nil, nil, nil, nil, false, false, false, 0
	t.calls.ctx, t.calls.turn, t.calls.outing = nil, nil, nil
	t.taken, t.tasks, t.behind, t.ended = t.taken[:0], nil, nil, 0
	t.over, t.post, t.due, t.now = nil, nil, time.Time{}, time.Time{}
	t.head = sighting{} // a statement of its own: among others it goes through a copy, and reading that stalls
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
			task.err = task.defect()
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
		task.data, task.digest, task.err = t.decode(task)
	}
}
