package pipeline

import (
	"sync"
	"sync/atomic"
	"time"
)

// outing is the calls of a turn that run in goroutines of their own. When the last one has ended a worker goes on with the
// turn. The lookout watches them meanwhile: it cuts the context of one whose time is over, and gives up one that does not
// return then. What becomes of each call is decided by one change of its state, so that its result is taken or it is lost,
// never both:
//
//	running ────────────▶ returned   by its goroutine: what it made counts
//	running ──▶ cutOff ─▶ returned   by its goroutine: it has failed, whatever it made
//	running ──▶ cutOff ─▶ givenUp    by the lookout: it has failed, and its goroutine touches nothing when it comes back
//
// What a call that was given up may still write is its place in the list of the turn, and its leg, which nobody reads then.
// So that turn is left to it, and another one goes on with what all the others made.
type outing struct {
	p     *Pipeline
	turn  *turn
	lane  *lane // of the turn
	list  []call
	legs  []leg
	first int    // of the calls that are in goroutines
	own   *leash // of the call before it, which is the worker's; nil when that has none
	post  *post  // of the worker
	timed bool   // the calls take their time, for the pace of their route
	open  atomic.Int64

	// Guarded by outings.mu.
	began      time.Duration // since the pipeline began
	due        time.Duration // nothing happens before that
	lost       bool          // a call was given up
	next, back *outing       // neighbours in the ring
}

// leg is what a call has besides when it is in a goroutine of its own.
type leg struct {
	leash
	took  time.Duration
	timed bool // took is set; not when the call ended its goroutine
}

// The states of a call that is part of an outing.
const (
	running int32 = iota
	returned
	cutOff
	givenUp
)

// newOuting makes an outing of a turn that the worker at a post had. The calls from the first on go into goroutines; own is
// what the call before, which the worker runs, was given.
func newOuting(t *turn, at *post, first int, own *leash) *outing {
	o := &outing{p: t.p, turn: t, lane: t.lane, list: t.calls.list, first: first, post: at}
	if first > 0 {
		o.own = own
	}
	o.legs = make([]leg, len(o.list)-first)
	o.timed = o.list[0].task.pace.timed() // nearly always they are all of one route
	return o
}

// start runs the calls. Somebody who is not a call, if any, has to leave too.
func (o *outing) start(others int) {
	o.open.Store(int64(len(o.legs) + others))
	o.began = o.p.meter.since()
	for i := range o.legs { // before the lookout may cut them
		o.legs[i].Context = o.post.lookout.shift.work
	}
	o.p.outings.add(o)
	o.p.crew.Add(1)
	for i := range o.legs { // the turn may be over as soon as the last one is started
		c, l := &o.list[o.first+i], &o.legs[i]
		o.p.crew.within(func() { o.run(c, l) })
	}
	o.post.lookout.rouse()
}

// run is the goroutine of a call. One that was given up touches nothing of the turn after the handler but its place in the
// list.
func (o *outing) run(c *call, l *leg) {
	defer func() { // deferred, for a handler that ends this goroutine
		if o.returned(c, &l.leash) {
			o.leave()
		}
	}()
	c.err = errExited
	if !o.timed {
		c.run(l)
		return
	}
	began := time.Now()
	c.run(l)
	l.took, l.timed = time.Since(began), true
}

// returned says that a call has. False: it was given up, and nothing may be touched any more.
func (o *outing) returned(c *call, l *leash) bool {
	l.release()
	if atomic.CompareAndSwapInt32(&c.state, running, returned) {
		return true
	}
	if !atomic.CompareAndSwapInt32(&c.state, cutOff, returned) {
		o.p.abandoned.remove(c)
		return false
	}
	c.err = tooLate(c, *l.why.Load(), c.err)
	return true
}

// leave says that one of those who were waited for has ended. With the last one the outing has: the routes learn from it, and
// a worker may go on with the turn.
func (o *outing) leave() {
	if o.open.Add(-1) == 0 {
		o.learn()
		o.p.lanes.rejoin(o.joined())
		o.p.crew.Done()
	}
}

// learn tells the routes how long the calls took that have returned, in time or cut off, and did not end their goroutine.
func (o *outing) learn() {
	for i := range o.legs {
		c, l := &o.list[o.first+i], &o.legs[i]
		if atomic.LoadInt32(&c.state) == returned && l.timed {
			c.task.pace.learn(int(c.number), l.took)
		}
	}
}

// joined gives the turn with what all calls came to.
func (o *outing) joined() *turn {
	if lost := o.p.outings.remove(o); !lost {
		return o.turn
	}
	t := o.turn.moved()
	t.calls.list = make([]call, len(o.list))
	anew := map[*task]*task{}
	for i := range o.list {
		c, to := &o.list[i], &t.calls.list[i]
		if atomic.LoadInt32(&c.state) != givenUp {
			*to = *c
			continue
		}
		*to = call{task: c.task, handler: c.handler, number: c.number, err: tooLate(c, *o.leash(i).why.Load(), nil)}
		if anew[c.task] == nil {
			again := *c.task // a goroutine that has not come to read the task yet may still do so
			anew[c.task] = &again
		}
	}
	t.replace(anew)
	return t
}

// leash is that of a call.
func (o *outing) leash(i int) *leash {
	if i < o.first {
		return o.own
	}
	return &o.legs[i-o.first].leash
}

// watched is the first call that has a leash: that of the worker, if it has one.
func (o *outing) watched() int {
	if o.own != nil {
		return o.first - 1
	}
	return o.first
}

// look does what is due, and tells when something is due next; 0 is never. The lock of the outings is held.
func (o *outing) look(now time.Duration) time.Duration {
	if now < o.due {
		return o.due
	}
	o.due = 0
	for i := o.watched(); i < len(o.list); i++ {
		o.due = earliest(o.due, o.lookAt(i, now))
	}
	return o.due
}

func (o *outing) lookAt(i int, now time.Duration) time.Duration {
	c, l := &o.list[i], o.leash(i)
	switch atomic.LoadInt32(&c.state) {
	case running:
		limit, after, whole := o.p.deadline(o.began, c.task.arrived)
		if limit == 0 || now < limit {
			return limit
		}
		l.sayWhy(c.handler.Name, after, whole)
		if atomic.CompareAndSwapInt32(&c.state, running, cutOff) {
			l.cut(now)
			return now + grace
		}
	case cutOff:
		if now < l.cutAt+grace {
			return l.cutAt + grace
		}
		o.giveUp(c)
	}
	return 0
}

// giveUp leaves the goroutine of a call to itself.
func (o *outing) giveUp(c *call) {
	o.lost = o.p.abandoned.add(c, func() (abandonment, bool) {
		if !atomic.CompareAndSwapInt32(&c.state, cutOff, givenUp) {
			return abandonment{}, false
		}
		return abandonmentOf(c.handler.Name, c.task), true
	}) || o.lost
	if atomic.LoadInt32(&c.state) == givenUp {
		ofWorker := o.own != nil && c == &o.list[o.first-1]
		o.p.crew.within(func() { o.replace(ofWorker) })
	}
}

// replace is what a call that was given up can no longer do, in a goroutine that takes the place of the call's.
func (o *outing) replace(worker bool) {
	defer o.leave()
	if worker {
		defer o.p.crew.Done() // for the worker, which no longer does
		defer o.post.lookout.shift.hire(o.post)
		o.p.away(o.post.lookout.shift.work, o.post)
	}
}

// outings are those that have not ended. The lookout goes through them.
type outings struct {
	mu   sync.Mutex
	ring outing // a head, and no outing itself
}

func (os *outings) add(o *outing) {
	os.mu.Lock()
	defer os.mu.Unlock()
	head := &os.ring
	if head.next == nil {
		head.next, head.back = head, head
	}
	o.next, o.back = head, head.back
	o.back.next, head.back = o, o
}

// remove takes out one whose calls have all ended, and tells whether any of them was given up.
func (os *outings) remove(o *outing) (lost bool) {
	os.mu.Lock()
	defer os.mu.Unlock()
	o.next.back, o.back.next = o.back, o.next
	return o.lost
}

// release lets the calls of all of them know that they are to end.
func (os *outings) release() {
	os.mu.Lock()
	defer os.mu.Unlock()
	for o := os.ring.next; o != nil && o != &os.ring; o = o.next {
		for i := o.watched(); i < len(o.list); i++ {
			o.leash(i).release()
		}
	}
}

// look goes through all of them, and tells when something is due next; 0 is never.
func (os *outings) look(now time.Duration) (due time.Duration) {
	os.mu.Lock()
	defer os.mu.Unlock()
	for o := os.ring.next; o != nil && o != &os.ring; o = o.next {
		due = earliest(due, o.look(now))
	}
	return due
}

// earliest is the earlier of two times, of which 0 is none.
func earliest(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
