package pipeline

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// A worker takes so many lanes at once at most, and no more behind the one that brings it to so many batches of commands. What
// a row costs by itself, its locks and its append, is shared by all of them.
const (
	longestRow = 64
	rowBatches = 2
)

// longestGather is how long a worker lets callers run first, unless one yield takes longer: in it about 64 of them come back.
const longestGather = 100 * time.Microsecond

const (
	// longYield is what a yield takes beside goroutines that compute, and hardly ever beside handlers that return from a wait.
	longYield = time.Millisecond
	// hastyGathers is how many times no worker yields for turns after one that took so long.
	hastyGathers = 256
)

// workers is who takes lanes, and how many may. Guarded by lanes.mu.
//
// No more workers run at once than there are processors: more would only get into each other's way. A worker whose
// handlers wait does not run. It says so (aside) when it is known beforehand, or the lookout finds out (overdue); then
// another one is woken or hired, so that a lane is ready in vain for two looks of the lookout at most (see stalled), unless
// as many lanes as may be are under way.
//
// A worker takes a row of lanes at once, so that small turns share the cost of a lock, of an append and of settling. All
// workers take one at first and after any of them had to wait, and twice as many after each row that nobody waited for.
// Handlers that go on without the worker are waited for by nobody.
type workers struct {
	patient  bool    // the store takes its time, so that many at once are worth more than the first one soon; never changes
	run      int     // most that run at once
	most     int     // most lanes whose commands are under way at once, not counting the rows of those that run
	greed    int     // lanes in the next row
	hasty    int     // yields for turns to come that are left out: handlers compute
	running  int     // that have a lane and are not known to wait
	away     int     // lanes whose commands are waited for
	joined   []*turn // of some of these: their handlers have returned, so that a worker may go on with them
	waiting  int     // in wake.Wait
	woken    int     // signalled or hired and not yet there: no need for another
	yielding int     // of these: yield for turns; lanes that are ready need another

	wake   sync.Cond      // a worker waits for work
	vacant []*post        // where nobody works yet
	hire   func(at *post) // starts a worker there; called under the lock
}

// staff says where workers may work and how to start one. A worker stays until the lanes are closed.
func (ls *lanes) staff(posts []*post, hire func(at *post)) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.vacant, ls.hire, ls.most = posts, hire, len(posts)
}

// take waits for work and gives some to the worker at this post: turns whose handlers have returned, if there are any, or
// else ready lanes, each with up to a batch of its commands, as many as make a row. False: the lanes are closed.
func (ls *lanes) take(at *post) bool {
	ls.lock()
	if ls.stop(at) {
		ls.greed = min(2*ls.greed, longestRow)
	}
	if at.hired {
		at.hired = false
		ls.woken = max(0, ls.woken-1) // close wakes all, who take themselves for this one
	}
	for !ls.work() {
		if ls.closed {
			ls.vacant = append(ls.vacant, at) // for what comes back when nobody waits for it any more
			ls.mu.Unlock()
			return false
		}
		ls.waiting++
		ls.wake.Wait()
		ls.waiting--
		ls.gather()
		ls.woken = max(0, ls.woken-1)
	}
	ls.running++
	at.running = true
	at.receive(ls)
	return true
}

// gather lets those run first who are ready to, before a worker that was woken takes anything: many at once cost little more
// than one.
//
// Where the store takes its time those are callers, who were answered just now and may have more. It yields again as long as
// that brought commands and only one lane is ready, with less than a batch: who comes after that lane is taken waits for a
// whole append. Elsewhere it yields once, for turns, so that handlers return that waited as long as those that have; lanes
// that are ready never wait for that. When nobody is ready to run it takes next to no time; beside goroutines that only
// compute, a single yield may last for milliseconds: for turns it is left out then for a while.
func (ls *lanes) gather() {
	switch {
	case ls.patient:
		for began, more := time.Now(), true; more && time.Since(began) < longestGather; {
			before := ls.ticket
			ls.yield()
			more = ls.gathers(before)
		}
	case len(ls.joined) == 0 || ls.ready.length > 0:
	case ls.hasty > 0:
		ls.hasty--
	default:
		began := time.Now()
		ls.yielding++
		ls.yield()
		ls.yielding--
		if time.Since(began) > longYield {
			ls.hasty = hastyGathers
		}
	}
}

// yield lets go of the lanes until those have run who are ready to.
func (ls *lanes) yield() {
	ls.mu.Unlock()
	runtime.Gosched()
	ls.mu.Lock()
}

// gathers tells whether more may come for the one lane that is ready, and there is nothing else to do: some came since a
// ticket, and it has no batch yet.
func (ls *lanes) gathers(since uint64) bool {
	return ls.ticket > since && len(ls.joined) == 0 && ls.ready.length == 1 && int(ls.ready.front().queued) < ls.batch
}

// row takes a fair share of the turns whose handlers have returned, or of the ready lanes: see longestRow and rowBatches.
func (ls *lanes) row(at *post, into []*turn) []*turn {
	if n := len(ls.joined); n > 0 {
		n = min((n+ls.run-1)/ls.run, longestRow)
		for _, t := range ls.joined[:n] {
			t.post = at
			into = append(into, t)
		}
		ls.joined = slices.Delete(ls.joined, 0, n)
		ls.away-- // the others count until the row is over
		at.others = n - 1
		return into
	}
	share := (ls.ready.length + ls.run - 1) / ls.run
	for commands := 0; len(into) < min(ls.greed, share) && commands < rowBatches*ls.batch; {
		t := ls.turns.Get().(*turn)
		t.lane, t.post = ls.ready.pop(), at
		t.lane.turn = t
		var popped int
		t.chain, popped = t.lane.pop(ls.batch)
		commands += popped
		into = append(into, t)
	}
	return into
}

// work tells whether there is something to do for one more worker, and it may do it: no more run than may, and no more
// lanes are under way. Once the lanes are closed there are no such bounds.
func (ls *lanes) work() bool {
	switch {
	case ls.running >= ls.run && !ls.closed:
		return false
	case len(ls.joined) > 0:
		return true
	}
	return ls.ready.length > 0 && (ls.running+ls.away < ls.most || ls.closed)
}

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

// leave says that a lane of the worker at this post goes on without the worker, which had to be waited for, until back. The
// rest of its row is ready again.
func (ls *lanes) leave(at *post) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.setAside(at)
	at.aside = false // back counts the lane, not take
	ls.signal()
}

// depart says that a lane of the worker at this post goes on without the worker, which need not be waited for, until back. It
// goes on with its row, unless as many lanes as may be are under way: then the rest is ready again, and rows are short.
func (ls *lanes) depart(at *post) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.away++
	if ls.running+ls.away > ls.most && ls.putBack(at) {
		ls.greed = 1
	}
	ls.signal()
}

// rejoin says that the handlers of a turn that went on without a worker have returned: the next worker goes on with it.
func (ls *lanes) rejoin(t *turn) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	t.joined, t.begun, t.lane.turn = true, false, t
	ls.joined = append(ls.joined, t)
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
	ls.away -= at.others
	at.others = 0
	if at.aside {
		at.aside = false
		ls.away--
	}
	return ran
}

// putBack makes the lanes ready again that the worker at this post has not come to, and tells whether there are any.
func (ls *lanes) putBack(at *post) bool {
	row := at.surrender()
	if len(row) > 0 && row[0].joined { // then all are
		ls.joined = slices.Insert(ls.joined, 0, row...)
		ls.away += len(row)
		clear(row)
		return true
	}
	for i := len(row) - 1; i >= 0; i-- {
		t := row[i]
		t.lane.unpop(t.taken)
		t.lane.turn = nil
		ls.ready.unpop(t.lane)
		t.reset()
		ls.turns.Put(t)
	}
	clear(row)
	return len(row) > 0
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

// signal wakes one worker, or hires one when none is idle, if there is work for one more, and nobody is on the way:
// who yields for turns is not on the way to lanes.
func (ls *lanes) signal() {
	switch {
	case ls.woken > ls.yielding || ls.woken > 0 && ls.ready.length == 0 || !ls.work():
	case ls.waiting > 0:
		ls.woken++
		ls.wake.Signal()
	case len(ls.vacant) > 0:
		at := ls.vacant[0]
		ls.vacant = ls.vacant[1:]
		at.hired = true
		ls.woken++
		ls.hire(at)
	}
}
