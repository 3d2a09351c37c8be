package pipeline

import (
	"cmp"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/engine/awake"
)

// mostBlanks is how many lanes without an aggregate are kept: stateless commands leave one with every turn.
const mostBlanks = 1024

// lanes holds every lane by its aggregate, the queue of those that are ready, and the idle ones that still have a state.
// Commands go in by enter, workers take with take, and give back with finish.
type lanes struct {
	batch int // most commands of a lane taken at once
	keep  int // most idle lanes kept
	share int // most commands of one lane in flight

	mu      awake.Mutex
	ticket  uint64 // of the last command admitted: all lanes count together, so tickets ascend in each
	byID    map[string]*lane
	ready   readyQueue
	closed  bool               // no lane becomes ready any more
	shut    bool               // nobody waits for a place in a lane any more
	hurried bool               // no lane rests any more
	spare   []*task            // tasks for commands to come; at most 63 more than were in flight at once
	blanks  []*lane            // lanes for aggregates to come, at most mostBlanks
	turns   *sync.Pool         // of *turn; apart, for the runtime keeps a pool in use and what it is part of
	lines   map[*quota][]*seat // admissions that wait until a quota is no longer used up
	limits  *limits            // nil when there are none
	rests   map[*lane]*rest    // lanes that rest before they are taken again
	workers

	idle     lane // ring of idle lanes with a state: newer is the oldest, older the newest
	idleSize int
}

func newLanes(batch, keep, run int) *lanes {
	ls := &lanes{
		batch: batch, keep: keep, share: math.MaxInt32, workers: workers{run: run, most: math.MaxInt, greed: 1},
		turns: &sync.Pool{New: func() any { return newTurn() }},
		byID:  map[string]*lane{}, lines: map[*quota][]*seat{}, rests: map[*lane]*rest{},
	}
	ls.wake.L = &ls.mu
	ls.idle.newer, ls.idle.older = &ls.idle, &ls.idle
	return ls
}

// lock locks for those whom every row goes through: enter, take and finish. Where the store takes its time there is nothing
// to gain from staying awake.
func (ls *lanes) lock() {
	if ls.patient {
		ls.mu.Lock()
	} else {
		ls.mu.LockAwake()
	}
}

// enter gives each command its ticket and puts it into the lane of its aggregate, made if need be. It says how many those
// were: it stops at one whose lane has its share, and then the admission is in the line for it.
func (ls *lanes) enter(arrived time.Duration, by *admission, cmds ...*engine.Command) int {
	var receipt *Receipt
	if by != nil {
		receipt = by.receipt
	}
	ls.lock()
	defer ls.mu.Unlock()
	for i, cmd := range cmds {
		if ls.limits != nil && !by.enterGroups(ls) {
			ls.signal()
			return i
		}
		l := ls.byID[cmd.Subject]
		if l == nil {
			l = ls.open(cmd.Subject)
		}
		if int(l.load) < ls.share {
			l.load++
		} else if !by.mayEnterLane(ls, l, cmds[i:]) {
			ls.signal()
			return i
		}
		t := ls.newTask()
		ls.ticket++
		t.cmd, t.ticket, t.arrived, t.receipt = cmd, ls.ticket, arrived, receipt
		if ls.limits != nil {
			t.claim = by.claims[0]
			by.claims = by.claims[1:]
		}
		l.push(t)
		if !l.held {
			ls.unlist(l)
			l.held = true
			ls.ready.push(l)
		}
	}
	ls.signal()
	return len(cmds)
}

// open makes the lane of an aggregate.
func (ls *lanes) open(id string) *lane {
	if len(ls.blanks) == 0 {
		ls.blanks = append(ls.blanks, new(lane))
	}
	last := len(ls.blanks) - 1
	l := ls.blanks[last]
	ls.blanks = ls.blanks[:last]
	l.id = id
	ls.byID[id] = l
	return l
}

// free takes a lane away that nobody needs, and keeps a number of them to be used again.
func (ls *lanes) free(l *lane) {
	delete(ls.byID, l.id)
	if len(ls.blanks) < mostBlanks {
		*l = lane{}
		ls.blanks = append(ls.blanks, l)
	}
}

// newTask gives a spare task, or makes some.
func (ls *lanes) newTask() *task {
	if len(ls.spare) == 0 {
		more := make([]task, 64)
		for i := range more {
			ls.spare = append(ls.spare, &more[i])
		}
	}
	last := len(ls.spare) - 1
	t := ls.spare[last]
	ls.spare = ls.spare[:last]
	return t
}

// finish lets the lanes of turns go. Commands to be decided again re-enter at the head of their lane, which rests for the
// turn's pause before they are taken. Tasks that have ended are spare from now on, and so are the turns.
func (ls *lanes) finish(turns ...*turn) {
	for _, t := range turns {
		t.setApart()
	}
	ls.lock()
	for _, t := range turns {
		ls.spare = append(ls.spare, t.taken[:t.ended]...)
		if ls.limits != nil {
			ls.leaveLimits(t)
		}
		t.lane.turn = nil
		ls.vacate(&t.lane.quota, t.ended, ls.share)
		t.lane.unpop(t.again)
		ls.letGo(t)
	}
	ls.signal()
	ls.mu.Unlock()
	for _, t := range turns {
		t.reset()
		ls.turns.Put(t)
	}
}

func (ls *lanes) letGo(t *turn) {
	l, pause := t.lane, t.pause
	if t.over != nil && !t.due.IsZero() {
		pause = max(pause, time.Until(t.due))
	}
	switch {
	case l.head == nil:
		l.held = false
		if l.load == 0 { // else somebody is on the way
			ls.list(l)
		}
	case pause > 0 && !ls.hurried:
		ls.rests[l] = newRest(t, pause, func() { ls.resume(l) })
	case t.over != nil && t.due.IsZero() && !ls.hurried:
		t.over.stand(ls, l)
	default:
		ls.ready.push(l)
	}
}

// resume makes a lane ready that rested; it is still held.
func (ls *lanes) resume(l *lane) {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.rests[l] == nil {
		return // hurry was first
	}
	delete(ls.rests, l)
	ls.ready.push(l)
	ls.signal()
}

// hurry makes every lane ready that rests: nothing is waited for any more. Later ones do not rest.
func (ls *lanes) hurry() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.hurried = true
	for _, l := range inSequence(maps.Keys(ls.rests)) {
		ls.rests[l].timer.Stop()
		ls.ready.push(l)
	}
	clear(ls.rests)
	if ls.limits != nil {
		ls.callAll()
	}
	ls.signal()
}

// inSequence gives lanes that have commands in the sequence of their first ones.
func inSequence(lanes iter.Seq[*lane]) []*lane {
	return slices.SortedFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.head.ticket, b.head.ticket) })
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
		ls.free(l)
		return
	}
	l.newer, l.older = &ls.idle, ls.idle.older
	l.older.newer, l.newer.older = l, l
	ls.idleSize++
	if ls.idleSize > ls.keep {
		oldest := ls.idle.newer
		ls.unlist(oldest)
		ls.free(oldest)
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
