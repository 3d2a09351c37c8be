package pipeline

import (
	"sync"
	"time"
)

// lanes holds every lane by its aggregate, the row of those that are ready, and the idle ones that still have a state.
// Commands go in by enter, workers take with take, and give back with finish.
type lanes struct {
	batch int // most commands taken at once
	keep  int // most idle lanes kept

	mu      sync.Mutex
	ticket  uint64    // of the last command admitted: all lanes count together, so tickets ascend in each
	wake    sync.Cond // a worker waits for a ready lane
	byID    map[string]*lane
	ready   laneRow
	waiting int  // workers in wake.Wait
	woken   int  // signalled and not yet running: no need to signal another
	closed  bool // no lane becomes ready any more

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

func newLanes(batch, keep int) *lanes {
	ls := &lanes{batch: batch, keep: keep, byID: map[string]*lane{}}
	ls.wake.L = &ls.mu
	ls.idle.newer, ls.idle.older = &ls.idle, &ls.idle
	return ls
}

// enter gives each command its ticket and puts it into the lane of its aggregate, made if need be.
func (ls *lanes) enter(tasks []task) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for i := range tasks {
		t := &tasks[i]
		l := ls.byID[t.cmd.Subject]
		if l == nil {
			l = &lane{id: t.cmd.Subject}
			ls.byID[l.id] = l
		}
		ls.ticket++
		t.ticket = ls.ticket
		l.push(t)
		if !l.held {
			ls.unlist(l)
			l.held = true
			ls.ready.push(l)
		}
	}
	ls.signal()
}

// take waits for a ready lane and takes it with up to a batch of its commands. It gives nil when the lanes are closed.
func (ls *lanes) take(into []*task) (*lane, []*task) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for ls.ready.head == nil {
		if ls.closed {
			return nil, nil
		}
		ls.waiting++
		ls.wake.Wait()
		ls.waiting--
		ls.woken = max(0, ls.woken-1)
	}
	l := ls.ready.pop()
	tasks := l.pop(ls.batch, into)
	// Whoever takes a lane wakes the next worker if there is more to take: workers wake each other for as long as there is
	// work that nobody has.
	ls.signal()
	return l, tasks
}

// signal wakes one worker if a lane is ready and nobody is on the way to it.
func (ls *lanes) signal() {
	if ls.ready.head != nil && ls.waiting > ls.woken && ls.woken == 0 {
		ls.woken++
		ls.wake.Signal()
	}
}

// finish lets a lane go. The commands in again re-enter at its head, and the lane rests for pause before they are
// taken.
func (ls *lanes) finish(l *lane, again []*task, pause time.Duration) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
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
