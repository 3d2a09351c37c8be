package pipeline

import (
	"sync"
	"sync/atomic"
	"time"
)

// stalled is how long code that waits unforeseen holds up others: at most twice that. Where there are more than a
// thousand workers it is a microsecond for each, so that looking never takes more than a few percent of a core.
const stalled = time.Millisecond

// post is a worker's place, where the lookout sees what it does.
type post struct {
	// Guarded by lanes.mu.
	running bool   // it has a lane and is not known to wait
	turns   uint64 // lanes taken so far
	seen    uint64 // turns at the last look

	mu       sync.Mutex
	calls    *calls // that run inline; nil when none do
	nextCall int64  // number of the next one at the last look
}

// enter shows calls to the lookout.
func (p *post) enter(cs *calls) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls, p.nextCall = cs, 0
}

// leave takes them away. The lookout has done with them when leave returns.
func (p *post) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = nil
}

// look gives the calls behind one that has run inline since the last look to goroutines: "all handlers of a command run
// at once" must stay true when a quick handler begins to wait, even if it waits for the one behind it.
func (p *post) look() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls == nil {
		return
	}
	if next := p.calls.next.Load(); next != p.nextCall {
		p.nextCall = next
		return
	}
	for i := range p.calls.list {
		p.calls.list[i].pace.waits()
	}
	p.calls.handOff(0)
}

// lookout looks at all posts once in a while, for as long as any worker takes lanes.
type lookout struct {
	lanes  *lanes
	posts  []*post
	asleep atomic.Bool
	// wake: rouse sends without waiting, watch receives, nobody closes. Capacity 1: the lookout may be on its way to bed.
	wake chan struct{}
}

func newLookout(ls *lanes, workers int) *lookout {
	o := &lookout{lanes: ls, posts: make([]*post, workers), wake: make(chan struct{}, 1)}
	for i := range o.posts {
		o.posts[i] = new(post)
	}
	return o
}

// rouse wakes the lookout if it sleeps.
func (o *lookout) rouse() {
	if o.asleep.Load() {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// watch looks until the shift is over. Why nobody is missed: the lookout says that it sleeps and then looks once more; a
// worker takes a lane and then asks whether the lookout sleeps. Whichever comes second sees what the other wrote.
func (o *lookout) watch(over <-chan struct{}) {
	pause := max(stalled, time.Duration(len(o.posts))*time.Microsecond)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		if !o.look() {
			o.asleep.Store(true)
			if !o.look() {
				select {
				case <-o.wake:
				case <-over:
					return
				}
			}
			o.asleep.Store(false)
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-over:
			return
		}
	}
}

// look tells whether any worker has taken a lane since the last look, or runs calls inline.
func (o *lookout) look() bool {
	active := o.lanes.stuck(o.posts)
	for _, p := range o.posts {
		p.look()
	}
	return active
}
