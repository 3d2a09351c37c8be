package pipeline

import (
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// lanes holds every lane by its aggregate, the row of those that are ready, and the idle ones that still have a state.
// Commands go in by enter, workers take with take, and give back with finish.
//
// No more workers run at once than there are processors: more would only get into each other's way. A worker whose
// handlers wait does not run. It says so (wait) when it is known beforehand, or the lookout finds out (stuck); then
// another one is woken, so that a lane is ready in vain for two milliseconds at most.
type lanes struct {
	batch int // most commands taken at once
	keep  int // most idle lanes kept
	run   int // most workers that run at once

	mu      sync.Mutex
	ticket  uint64    // of the last command admitted: all lanes count together, so tickets ascend in each
	wake    sync.Cond // a worker waits for a ready lane
	byID    map[string]*lane
	ready   laneRow
	running int   // workers that have a lane and are not known to wait
	waiting int   // workers in wake.Wait
	woken   int   // signalled and not yet awake: no need to signal another
	closed  bool  // no lane becomes ready any more
	spare   *task // tasks for commands to come; never more than were in flight at once

	idle     lane // ring of idle lanes with a state: newer is the oldest, older the newest
	idleSize int
}

// laneRow is a first-in first-out row: the lane that is ready longest is taken first.
type laneRow struct{ head, tail *lane }

func (r *laneRow) push(l *lane) {
	if r.tail == nil {
		r.head = l
	} else {
		r.tail.nextReady = l
	}
	r.tail = l
}

func (r *laneRow) pop() *lane {
	l := r.head
	r.head, l.nextReady = l.nextReady, nil
	if r.head == nil {
		r.tail = nil
	}
	return l
}

func newLanes(batch, keep, run int) *lanes {
	ls := &lanes{batch: batch, keep: keep, run: run, byID: map[string]*lane{}}
	ls.wake.L = &ls.mu
	ls.idle.newer, ls.idle.older = &ls.idle, &ls.idle
	return ls
}

// enter gives each command its ticket and puts it into the lane of its aggregate, made if need be. The receipt is for a
// single command and may be nil.
func (ls *lanes) enter(arrived time.Duration, receipt *Receipt, cmds ...*engine.Command) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, cmd := range cmds {
		l := ls.byID[cmd.Subject]
		if l == nil {
			l = &lane{id: cmd.Subject}
			ls.byID[l.id] = l
		}
		t := ls.newTask()
		ls.ticket++
		t.cmd, t.ticket, t.arrived, t.receipt = cmd, ls.ticket, arrived, receipt
		l.push(t)
		if !l.held {
			ls.unlist(l)
			l.held = true
			ls.ready.push(l)
		}
	}
	ls.signal()
}

// newTask gives a spare task, or makes some.
func (ls *lanes) newTask() *task {
	if ls.spare == nil {
		more := make([]task, 64)
		for i := range more[1:] {
			more[i].next = &more[i+1]
		}
		ls.spare = &more[0]
	}
	t := ls.spare
	ls.spare, t.next = t.next, nil
	return t
}

// take waits for a ready lane and takes it with up to a batch of its commands. It gives nil when the lanes are closed.
func (ls *lanes) take(at *post, into []*task) (*lane, []*task) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.stop(at)
	for ls.ready.head == nil || ls.running >= ls.run && !ls.closed {
		if ls.closed {
			return nil, nil
		}
		ls.waiting++
		ls.wake.Wait()
		ls.waiting--
		ls.woken = max(0, ls.woken-1)
	}
	ls.running++
	at.running = true
	at.turns++
	l := ls.ready.pop()
	tasks := l.pop(ls.batch, into)
	ls.signal() // workers wake each other for as long as there is work that nobody has
	return l, tasks
}

// wait says that the worker at this post does not run until it takes again.
func (ls *lanes) wait(at *post) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.stop(at)
	ls.signal()
}

func (ls *lanes) stop(at *post) {
	if at.running {
		at.running = false
		ls.running--
	}
}

// stuck finds the workers that have run since the last look without taking another lane, and counts them as waiting. It
// tells whether any worker has run at all.
func (ls *lanes) stuck(posts []*post) (active bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, at := range posts {
		if at.turns != at.seen {
			at.seen, active = at.turns, true
		} else if at.running {
			ls.stop(at)
			ls.signal()
		}
	}
	return active
}

// signal wakes one worker if a lane is ready, one more may run, and nobody is on the way.
func (ls *lanes) signal() {
	if ls.ready.head != nil && ls.running < ls.run && ls.waiting > ls.woken && ls.woken == 0 {
		ls.woken++
		ls.wake.Signal()
	}
}

// finish lets a lane go. Of the tasks taken from it those in again re-enter at its head, and the lane rests for pause
// before they are taken; those that have ended are spare from now on.
func (ls *lanes) finish(l *lane, taken, again []*task, pause time.Duration) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, t := range taken {
		if t.cmd == nil {
			t.next, ls.spare = ls.spare, t
		}
	}
	l.unpop(again)
	if l.head == nil {
		l.held = false
		ls.list(l)
		return
	}
	if pause > 0 {
		time.AfterFunc(pause, func() { ls.resume(l) })
		return
	}
	ls.ready.push(l)
	ls.signal()
}

// resume makes a lane ready that rested; it is still held.
func (ls *lanes) resume(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.ready.push(l)
	ls.signal()
}

// close ends take for every worker once no lane is ready.
func (ls *lanes) close() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.closed = true
	ls.wake.Broadcast()
}

// list keeps an idle lane for its state, and drops the one idle longest when there are too many. A lane without a state
// is freed at once.
func (ls *lanes) list(l *lane) {
	if l.aggregate == nil || ls.keep == 0 {
		delete(ls.byID, l.id)
		return
	}
	l.newer, l.older = &ls.idle, ls.idle.older
	l.older.newer, l.newer.older = l, l
	ls.idleSize++
	if ls.idleSize > ls.keep {
		oldest := ls.idle.newer
		ls.unlist(oldest)
		delete(ls.byID, oldest.id)
	}
}

// unlist takes a lane out of the idle ring, if it is there.
func (ls *lanes) unlist(l *lane) {
	if l.newer == nil {
		return
	}
	l.newer.older, l.older.newer = l.older, l.newer
	l.newer, l.older = nil, nil
	ls.idleSize--
}
