package pipeline

import (
	"math"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// lanes holds every lane by its aggregate, the row of those that are ready, and the idle ones that still have a state.
// Commands go in by enter, workers take with take, and give back with finish.
//
// No more workers run at once than there are processors: more would only get into each other's way. A worker whose
// handlers wait does not run. It says so (aside) when it is known beforehand, or the lookout finds out (overdue); then
// another one is woken or hired, so that a lane is ready in vain for ten milliseconds at most.
//
// A worker takes a row of lanes at once, so that small turns share the cost of a lock, of an append and of settling. It
// takes one at first and after each time that it had to wait, and more each time that it had not.
type lanes struct {
	batch int // most commands taken at once
	keep  int // most idle lanes kept
	run   int // most workers that run at once
	most  int // most lanes whose commands are under way at once, not counting the rows of workers that run

	mu      sync.Mutex
	ticket  uint64    // of the last command admitted: all lanes count together, so tickets ascend in each
	wake    sync.Cond // a worker waits for a ready lane
	byID    map[string]*lane
	ready   laneRow
	greed   int   // lanes in the next row
	running int   // workers that have a lane and are not known to wait
	away    int   // lanes whose commands are waited for
	waiting int   // workers in wake.Wait
	woken   int   // signalled or hired and not yet there: no need for another
	closed  bool  // no lane becomes ready any more
	spare   *task // tasks for commands to come; never more than were in flight at once
	turns   sync.Pool

	vacant []*post        // where nobody works yet
	hire   func(at *post) // starts a worker there; called under the lock

	idle     lane // ring of idle lanes with a state: newer is the oldest, older the newest
	idleSize int
}

// longestRow is how many lanes a worker takes at once at most.
const longestRow = 64

// laneRow is a first-in first-out row: the lane that is ready longest is taken first.
type laneRow struct {
	head, tail *lane
	length     int
}

func (r *laneRow) push(l *lane) {
	if r.tail == nil {
		r.head = l
	} else {
		r.tail.nextReady = l
	}
	r.tail = l
	r.length++
}

func (r *laneRow) pop() *lane {
	l := r.head
	r.head, l.nextReady = l.nextReady, nil
	if r.head == nil {
		r.tail = nil
	}
	r.length--
	return l
}

// unpop puts a lane back at the head.
func (r *laneRow) unpop(l *lane) {
	l.nextReady, r.head = r.head, l
	if r.tail == nil {
		r.tail = l
	}
	r.length++
}

func newLanes(batch, keep, run int) *lanes {
	ls := &lanes{batch: batch, keep: keep, run: run, greed: 1, most: math.MaxInt, byID: map[string]*lane{}}
	ls.turns.New = func() any { return newTurn() }
	ls.wake.L = &ls.mu
	ls.idle.newer, ls.idle.older = &ls.idle, &ls.idle
	return ls
}

// staff says where workers may work and how to start one. A worker stays until the lanes are closed.
func (ls *lanes) staff(posts []*post, hire func(at *post)) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.vacant, ls.hire, ls.most = posts, hire, len(posts)
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

// take waits for ready lanes and gives some of them to the worker at this post, each with up to a batch of its commands,
// a batch or little more in all. False: the lanes are closed.
func (ls *lanes) take(at *post) bool {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.stop(at) {
		ls.greed = min(2*ls.greed, longestRow)
	}
	if at.hired {
		at.hired = false
		ls.woken--
	}
	for ls.ready.head == nil || ls.busy() && !ls.closed {
		if ls.closed {
			return false
		}
		ls.waiting++
		ls.wake.Wait()
		ls.waiting--
		ls.woken = max(0, ls.woken-1)
	}
	ls.running++
	at.running = true
	at.receive(ls)
	ls.signal() // workers wake each other for as long as there is work that nobody has
	return true
}

// row takes a fair share of the ready lanes.
func (ls *lanes) row(into []*turn) []*turn {
	share := (ls.ready.length + ls.run - 1) / ls.run
	for commands := 0; len(into) < min(ls.greed, share) && commands < ls.batch; {
		t := ls.turns.Get().(*turn)
		t.lane = ls.ready.pop()
		t.taken = t.lane.pop(ls.batch, t.taken)
		commands += len(t.taken)
		into = append(into, t)
	}
	return into
}

// busy tells whether as many workers run as may, or as many lanes are under way.
func (ls *lanes) busy() bool { return ls.running >= ls.run || ls.running+ls.away >= ls.most }

// aside says that the worker at this post waits until it takes again. The rest of its row is ready again.
func (ls *lanes) aside(at *post) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.setAside(at)
	ls.signal()
}

func (ls *lanes) setAside(at *post) {
	ls.greed = 1
	ls.stop(at)
	at.aside = true
	ls.away++
	ls.putBack(at)
}

// leave says that a lane of the worker at this post goes on without the worker, until back. The rest of its row is ready
// again.
func (ls *lanes) leave(at *post) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.greed = 1
	ls.stop(at)
	ls.away++
	ls.putBack(at)
	ls.signal()
}

// back says that a lane that went on without a worker is done.
func (ls *lanes) back() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.away--
	ls.signal()
}

// stop says that the worker neither runs nor waits. It tells whether it has run until now.
func (ls *lanes) stop(at *post) (ran bool) {
	if ran = at.running; ran {
		at.running = false
		ls.running--
	}
	if at.aside {
		at.aside = false
		ls.away--
	}
	return ran
}

// putBack makes the lanes ready again that the worker at this post has not come to.
func (ls *lanes) putBack(at *post) {
	row := at.surrender()
	for i := len(row) - 1; i >= 0; i-- {
		t := row[i]
		t.lane.unpop(t.taken)
		ls.ready.unpop(t.lane)
		t.reset()
		ls.turns.Put(t)
	}
	clear(row)
}

// overdue finds the workers that have run since the last look with the same row, and takes them for waiting. It gives
// their posts, and tells whether any worker has taken a row since the last look.
func (ls *lanes) overdue(posts []*post) (late []*post, active bool) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, at := range posts {
		if at.moved() {
			active = true
		} else if at.running {
			ls.setAside(at)
			ls.signal()
			late = append(late, at)
		}
	}
	return late, active
}

// signal wakes one worker, or hires one when none is idle, if a lane is ready, one more may run, and nobody is on the way.
func (ls *lanes) signal() {
	switch {
	case ls.ready.head == nil || ls.busy() || ls.woken > 0:
	case ls.waiting > 0:
		ls.woken++
		ls.wake.Signal()
	case len(ls.vacant) > 0 && !ls.closed:
		at := ls.vacant[0]
		ls.vacant = ls.vacant[1:]
		at.hired = true
		ls.woken++
		ls.hire(at)
	}
}

// finish lets the lanes of turns go. Commands to be decided again re-enter at the head of their lane, which rests for the
// turn's pause before they are taken. Tasks that have ended are spare from now on, and so are the turns.
func (ls *lanes) finish(turns ...*turn) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, t := range turns {
		for _, task := range t.taken {
			if task.cmd == nil {
				task.next, ls.spare = ls.spare, task
			}
		}
		t.lane.unpop(t.again)
		ls.letGo(t.lane, t.pause)
		t.reset()
		ls.turns.Put(t)
	}
	ls.signal()
}

func (ls *lanes) letGo(l *lane, pause time.Duration) {
	switch {
	case l.head == nil:
		l.held = false
		ls.list(l)
	case pause > 0:
		time.AfterFunc(pause, func() { ls.resume(l) })
	default:
		ls.ready.push(l)
	}
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
