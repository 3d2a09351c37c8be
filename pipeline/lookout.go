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
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// watch looks until the shift is over. Why nobody is missed: the lookout says that it sleeps and then looks once more; a
// worker takes a row, or enters calls, and then asks whether the lookout sleeps. Whichever comes second sees what the other
// wrote.
func (o *lookout) watch(ctx context.Context) {
	pause := max(stalled, 5*time.Duration(len(o.posts))*time.Microsecond)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		if !o.look(ctx) {
			o.asleep.Store(true)
			if !o.look(ctx) {
				select {
				case <-o.wake:
				case <-o.shift.over:
					return
				}
			}
			o.asleep.Store(false)
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-o.shift.over:
			return
		}
	}
}

// look frees what stands behind code that does not get on: lanes that are not begun, turns that are done, calls that have
// not been taken. It tells whether there is a reason to look again soon.
func (o *lookout) look(ctx context.Context) bool {
	late, active := o.shift.p.lanes.overdue(o.posts)
	for _, at := range late {
		if r := at.collect(); r != nil {
			o.shift.p.crew.Go(func() { r.emit(ctx) })
		}
	}
	for _, at := range o.posts {
		active = at.spread() || active
	}
	return active || len(late) > 0
}
