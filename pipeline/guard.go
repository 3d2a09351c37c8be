package pipeline

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// guard stands between a worker and the code of others that it calls itself: deciders, the folding of a state, codecs. The
// goroutine says when it enters such code and when it leaves; while it is inside, and only then, the lookout may take the
// turn away from it. Both change the one state, so that exactly one of them has the turn:
//
//	goroutine  enter: inside ── the code runs ── leave: not lost ──▶ it goes on
//	lookout                        late ── lost ──▶ the turn is the lookout's, and leave ends the goroutine
//
// While it is inside, the goroutine touches nothing that the lookout's turn uses: its arrays for events and payloads are
// left to it, and what it needs of the task it has looked up before. A guard that was lost serves nobody else. Two
// atomic operations for each call are all that this costs.
type guard struct {
	state   atomic.Uint64 // the number of the call, and the bits below
	until   atomic.Int64  // deadline of the command, since the pipeline began; 0 is none. Set before a call
	leash   atomic.Pointer[leash]
	route   atomic.Pointer[engine.Route] // of the command whose code is called; set before a call
	work    context.Context              // parent of the leashes
	most    time.Duration                // Options.CommandTimeout
	lookout *lookout
	post    *post

	turn *turn         // that the goroutine has, nil when it goes on elsewhere; of whoever has the turn
	last *engine.Route // that was announced last
	gone bool          // the turn was taken away; only the goroutine itself looks

	// Only the lookout looks.
	seen  uint64        // state
	since time.Duration // it is known, since the pipeline began
}

const (
	inside = 1 << iota // the code of others runs
	late               // its time is over, and its context is cut
	lost               // its turn was taken away
	coding             // the code is a codec
	call1              // one call
)

// init makes the guard ready for a goroutine of the lookout's shift.
func (g *guard) init(o *lookout) {
	g.lookout, g.work, g.most = o, o.shift.work, o.shift.p.options.CommandTimeout
	g.leash.Store(&leash{Context: g.work})
}

// context gives the context for the calls that come. It is a new one when the one before may have been kept by somebody.
func (g *guard) context() context.Context {
	if l := g.leash.Load(); !l.used() {
		return l
	}
	return g.renew()
}

func (g *guard) renew() context.Context {
	g.leash.Load().release()
	l := &leash{Context: g.work}
	g.leash.Store(l)
	return l
}

// enter is called before code of others, for a command.
func (g *guard) enter(task *task, kind uint64) {
	if task.route != g.last || g.most > 0 {
		g.announce(task)
	}
	g.state.Add(call1 + inside + kind)
	g.lookout.rouse()
}

// announce lets the lookout know whose code is called.
func (g *guard) announce(task *task) {
	g.last = task.route
	g.route.Store(g.last)
	if g.most > 0 {
		g.until.Store(int64(task.arrived + g.most))
	}
}

// leave is called when the code has returned. It tells why that took too long, if it did. When the turn was taken away, it
// ends the goroutine.
func (g *guard) leave() (tooLate error) {
	if g.state.Add(^uint64(0))&(late|lost|coding) == 0 { // less inside
		return nil
	}
	return g.left()
}

func (g *guard) left() (tooLate error) {
	if !g.remains() {
		runtime.Goexit()
	}
	return g.lateness()
}

// remains tells whether the turn is still the goroutine's, which has left.
func (g *guard) remains() bool {
	state := g.state.Load()
	g.gone = state&lost != 0
	return !g.gone
}

// lateness tells why the call that was left took too long, and makes the state ready for the next one.
func (g *guard) lateness() error {
	state := g.state.Load()
	g.state.Store(state &^ (late | coding))
	if state&late == 0 {
		return nil
	}
	l := g.leash.Load()
	l.hold() // the lookout may be about to cut it
	return *l.why.Load()
}

// has tells whether the goroutine has the turn, also after code that ended the goroutine.
func (g *guard) has(t *turn) bool {
	if g.gone || g.turn != t {
		return false
	}
	if g.state.Load()&inside != 0 {
		g.state.Add(^uint64(0))
		if !g.remains() {
			return false
		}
		_ = g.lateness() // why it took long is nothing to it
	}
	return true
}

// look does what is due, and tells when something is due next; 0 is never.
func (g *guard) look(now time.Duration) time.Duration {
	state := g.state.Load()
	if state&(inside|lost) != inside {
		return 0
	}
	if state&^late != g.seen {
		g.seen, g.since = state&^late, now
	}
	l, p := g.leash.Load(), g.lookout.shift.p
	if state&late != 0 {
		if now < l.cutAt+grace {
			return l.cutAt + grace
		}
		g.giveUp(state)
		return 0
	}
	arrived := time.Duration(g.until.Load()) - g.most
	limit, after, whole := p.deadline(g.since, arrived)
	if limit == 0 || now < limit {
		return limit
	}
	l.sayWhy(codeOf(g.route.Load(), state), after, whole)
	if !g.state.CompareAndSwap(state, state|late) {
		return 0
	}
	l.cut(now)
	return now + grace
}

// giveUp takes the turn away from the goroutine and leaves the goroutine to itself.
func (g *guard) giveUp(state uint64) {
	p := g.lookout.shift.p
	if p.abandoned.add(g, func() (abandonment, bool) {
		if !g.state.CompareAndSwap(state, state|lost) {
			return abandonment{}, false
		}
		return abandonmentOf(codeOf(g.turn.at.route, state), g.turn.at), true
	}) {
		p.crew.within(func() { g.replace(state) })
	}
}

// replace is what the goroutine can no longer do, in one that takes its place: the command whose code was called has
// failed, and the turn ends with what was decided before it. The commands behind it are decided in another turn.
func (g *guard) replace(state uint64) {
	p, t := g.lookout.shift.p, g.turn.moved()
	defer p.crew.Done()
	task := g.turn.at
	task.err = lateError(task.route.Type, task.cmd.ID, codeOf(task.route, state), *g.leash.Load().why.Load(), nil)
	t.lane.forget()
	defer p.lanes.back()
	defer t.end(g.work, nil) // deferred, all of them: others' code is called on the way
	defer g.lookout.shift.hire(g.post)
	p.away(g.work, g.post)
}

// codeOf names the code that is called.
func codeOf(route *engine.Route, state uint64) string {
	if state&coding != 0 || route.Decider == "" {
		return "codec"
	}
	return route.Decider
}
