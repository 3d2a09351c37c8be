package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// post is a worker's place: what the worker has before it and behind it. The lookout comes by and takes away what others
// could do when the worker does not get on.
type post struct {
	lookout *lookout
	guard   atomic.Pointer[guard] // of the worker that is here
	now     time.Time             // the worker's own: when it took the row
	lookup  lookup                // the worker's own; not the turn's, which in its pool would keep a registry alive

	// Guarded by lanes.mu.
	hired   bool // the worker is on its way to its first lane
	running bool // it has lanes and is not known to wait
	aside   bool // it has a lane and waits
	others  int  // lanes under way in its row, besides the one that it has

	mu      sync.Mutex // after lanes.mu where both are needed
	lane    *lane      // of the turn that it has
	row     []*turn    // before it: lanes taken and not yet begun
	room    []*turn    // the array of rows
	round   *round     // behind it: turns whose batches go to the sink together
	rows    uint64     // received so far
	seen    uint64     // rows at the last look
	calls   *calls     // that run inline now; nil when none do
	entries uint64     // of calls so far
	entered uint64     // entries at the last look
}

// receive takes over a row of lanes, whose lock is held, and lets the lock go as soon as it can.
func (p *post) receive(ls *lanes) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.room = ls.row(p, p.room[:0])
	p.row = p.room
	p.rows++
	ls.signal() // workers wake each other for as long as there is work that nobody has
	ls.mu.Unlock()
	if !p.row[0].joined { // else who began them did: a row is all of one kind
		p.prefetch()
	}
}

// prefetch unrolls the turns of the row, and reads ahead what they will need. The post is locked.
func (p *post) prefetch() {
	for _, t := range p.row {
		t.unroll()
		t.prefetch()
	}
	route := p.lookup.route
	if route == nil || route.Prefetch == nil {
		return
	}
	for _, t := range p.row { // payloads come last: what leads to them is there by now
		for _, task := range t.taken {
			route.Prefetch(task.cmd.Data) // nearly always they are of the type that was handled last
		}
	}
}

// next gives the next turn of the row. At its end it gives the round instead, if there is one.
func (p *post) next() (*turn, *round) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.row) == 0 {
		p.lane = nil
		return nil, p.takeRound()
	}
	t := p.row[0]
	p.lane, t.begun = t.lane, true
	if !t.joined {
		t.now = p.now
	}
	p.row[0] = nil // the turn is not to be kept by a worker that is idle
	p.row = p.row[1:]
	return t, nil
}

// surrender gives the rest of the row away.
func (p *post) surrender() []*turn {
	p.mu.Lock()
	defer p.mu.Unlock()
	row := p.row
	p.row = nil
	return row
}

// done adds a turn to the round.
func (p *post) done(t *turn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.round == nil {
		p.round = t.p.newRound()
	}
	p.round.add(t)
}

// collect gives the round away, or nil when there is none.
func (p *post) collect() *round {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeRound()
}

func (p *post) takeRound() *round {
	r := p.round
	p.round = nil
	return r
}

// moved tells whether a row was received since it was asked last.
func (p *post) moved() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	moved := p.rows != p.seen
	p.seen = p.rows
	return moved
}

// enter shows calls that run inline to the lookout.
func (p *post) enter(cs *calls) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = cs
	p.entries++
}

// leave takes them away. The lookout has done with them when leave returns.
func (p *post) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = nil
}

// spread gives calls that were running inline at the last look already to goroutines, as many as are left: "all handlers
// of a command run at once" must stay true when quick handlers begin to wait, even if one waits for the one behind it. It
// tells whether there are calls to look at again.
func (p *post) spread() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil || p.calls.next.Load() > int64(len(p.calls.list)) { // nobody can take one any more
		return false
	}
	if p.entries != p.entered {
		p.entered = p.entries
		return true
	}
	if pace := p.calls.list[0].task.pace; p.spreadNow(p.calls) {
		pace.waits() // nearly always they are all of one route
	}
	return false
}

// giveAway gives the calls that nobody has to goroutines, for a worker whose own call ended its goroutine.
func (p *post) giveAway(cs *calls) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spreadNow(cs)
}

// spreadNow makes an outing of the worker's own call, if it has one, and of those that nobody has. False: all have ended,
// or it was done before.
func (p *post) spreadNow(cs *calls) bool {
	n := cs.next.Load()
	for ; n <= int64(len(cs.list)) && !cs.next.CompareAndSwap(n, givenAway); n = cs.next.Load() {
	}
	if n > int64(len(cs.list)) {
		return false
	}
	p.calls = nil
	cs.outing = newOuting(cs.turn, p, int(n), cs.ctx.(*leash))
	cs.outing.start(1)
	return true
}

// handOver is called by a worker whose calls were given away, when the one that it had, if any, has ended. False: the
// worker was replaced meanwhile, and has nothing more to do.
func (p *post) handOver(ctx context.Context, cs *calls, last *call) bool {
	p.mu.Lock()
	o := cs.outing
	p.mu.Unlock()
	if last != nil && !o.returned(last, o.own) {
		return false
	}
	defer o.leave() // deferred, for code that ends this goroutine
	o.p.away(ctx, p)
	return true
}
