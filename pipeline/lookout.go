package pipeline

import (
	"context"
	"sync/atomic"
	"time"
)

// stalled is how long code that waits unforeseen holds up others: at most twice that. It is no shorter because a timer
// that is due in less than a millisecond makes an idle Go program sleep for a whole one, and others' timers with it. Where
// there are more than a thousand workers it is longer, so that looking never takes more than a percent of a core.
const stalled = 5 * time.Millisecond

// lookout looks at all posts once in a while, for as long as any worker takes lanes.
type lookout struct {
	shift  *shift
	posts  []*post
	asleep atomic.Bool
	// wake: rouse sends without waiting, watch receives, nobody closes. Capacity 1: the lookout may be on its way to bed.
	wake chan struct{}
}

func newLookout(s *shift, workers int) *lookout {
	o := &lookout{shift: s, posts: make([]*post, workers), wake: make(chan struct{}, 1)}
	posts := make([]post, workers)
	for i := range posts {
		o.posts[i] = &posts[i]
		posts[i].lookout = o
	}
	return o
}

// rouse wakes the lookout if it sleeps.
func (o *lookout) rouse() {
	if o.asleep.Load() {
		o.shake()
	}
}

func (o *lookout) shake() {
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// watch looks until the shift is over. Why nobody is missed: the lookout says that it sleeps and then looks once more; a
// worker takes a row, or enters calls or code, and then asks whether the lookout sleeps. Whichever comes second sees what the
// other wrote. While code takes its time and nothing else happens, it sleeps until that time is over.
func (o *lookout) watch(ctx context.Context) {
	pause := max(stalled, 5*time.Duration(len(o.posts))*time.Microsecond)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		if active, _ := o.look(ctx); !active {
			o.asleep.Store(true)
			active, due := o.look(ctx)
			if !active && !o.sleep(timer, due) {
				return
			}
			o.asleep.Store(false)
			if !active && due > 0 && o.shift.p.meter.since() >= due {
				continue
			}
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-o.shift.over:
			return
		}
	}
}

// sleep waits until somebody rouses the lookout, or something is due; 0 is never. False: the shift is over.
func (o *lookout) sleep(timer *time.Timer, due time.Duration) bool {
	if timer.Stop(); due > 0 {
		timer.Reset(due - o.shift.p.meter.since())
	}
	select {
	case <-o.wake:
	case <-timer.C:
	case <-o.shift.over:
		return false
	}
	return true
}

// look frees what stands behind code that does not get on: lanes that are not begun, turns that are done, calls that have
// not been taken; and it cuts off the code whose time is over. It tells whether there is a reason to look again soon, and
// when at the latest; 0 is never.
func (o *lookout) look(ctx context.Context) (active bool, due time.Duration) {
	p := o.shift.p
	late, active := p.lanes.overdue(o.posts)
	for _, at := range late {
		if r := at.collect(); r != nil {
			p.crew.Go(func() { r.emit(ctx) })
		}
	}
	now := p.meter.since()
	for _, at := range o.posts {
		active = at.spread() || active
		if g := at.guard.Load(); g != nil {
			due = earliest(due, g.look(now))
		}
	}
	return active || len(late) > 0, earliest(due, p.outings.look(now))
}
