package pipeline

import (
	"context"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// An admission is one caller's way into the lanes, past those that have their share of the window.
//
// A lane has at most Options.Share commands in flight. Who brings one more waits in the lane's line, without a place in
// the window: first come first served. A place that falls free there is promised to the first of the line and counts as
// taken from then on, so that nobody who comes later is ahead. Hence while anybody waits the lane has its whole share, and
// one comparison tells whether a command may enter.
type admission struct {
	receipt  *Receipt // of a single command; nil when nobody waits for it
	lane     *lane    // that this caller waited for last
	promised int      // places there that it has not yet taken up
	seat     *seat    // in the lane's line; nil when it does not wait
}

// mayEnter tells whether a command may enter a lane that has its share, because a place there is promised. If not, the
// admission is in the lane's line now, for as many places as it has commands for this lane. The lanes are locked.
func (a *admission) mayEnter(ls *lanes, l *lane, cmds []*engine.Command) bool {
	if a == nil {
		return false
	}
	if a.lane == l && a.promised > 0 {
		a.promised--
		return true
	}
	a.lane, a.seat = l, &seat{given: make(chan int, 1)} // see seat
	for _, cmd := range cmds {
		if cmd.Subject == l.id {
			a.seat.want++
		}
	}
	if ls.shut {
		a.seat.given <- 0 // never blocks: one place in the channel, one send
	} else {
		l.line = append(l.line, a.seat)
	}
	return false
}

// wait blocks until places of the lane are promised, the context is done or nothing is admitted any more
// (engine.ErrClosed).
func (a *admission) wait(ctx context.Context, ls *lanes) error {
	s := a.seat
	a.seat = nil
	select {
	case a.promised = <-s.given:
		if a.promised == 0 {
			return engine.ErrClosed
		}
		return nil
	case <-ctx.Done():
	}
	ls.mu.Lock()
	i := slices.Index(a.lane.line, s)
	if i >= 0 {
		a.lane.line = slices.Delete(a.lane.line, i, i+1)
	}
	ls.mu.Unlock()
	if i < 0 {
		a.promised = <-s.given
	}
	return ctx.Err()
}

// leave gives back the places that were promised and are not needed.
func (a *admission) leave(ls *lanes) {
	if a.promised == 0 {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	l := a.lane
	ls.vacate(l, a.promised)
	a.promised = 0
	if l.load == 0 && !l.held {
		ls.list(l) // it was kept for us
	}
}

// vacate takes commands out of a lane's share and promises their places to who waits.
func (ls *lanes) vacate(l *lane, n int) {
	l.load -= n
	for len(l.line) > 0 && l.load < ls.share {
		s := l.line[0]
		l.line = slices.Delete(l.line, 0, 1)
		give := min(s.want, ls.share-l.load)
		l.load += give
		s.given <- give // never blocks: one place in the channel, one send
	}
}

// turnAway refuses those that wait in any lane's line, and whoever would.
func (ls *lanes) turnAway() {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	ls.shut = true
	for _, l := range ls.byID {
		for _, s := range l.line {
			s.given <- 0 // never blocks: one place in the channel, one send
		}
		l.line = nil
	}
}

// admit takes places in the window and puts the commands into their lanes, in sequence. It blocks while the window is
// full, and while the lane of the next command has its share: that is all the backpressure there is. What ctx ends leaves
// no command without an outcome: the rest is refused.
func (p *Pipeline) admit(ctx context.Context, cmds []*engine.Command) error {
	for i, cmd := range cmds {
		if cmd == nil {
			cmds[i] = engine.AsCommand(cmd)
		}
	}
	var a admission
	defer a.leave(p.lanes)
	for len(cmds) > 0 {
		n, err := p.enter(ctx, &a, cmds)
		if cmds = cmds[n:]; err != nil {
			p.refuse(cmds)
			return err
		}
	}
	return nil
}

// enter lets in the first of some commands and says how many those were: none when it has waited for a place in a lane.
// After an error those that did not enter are as they were.
func (p *Pipeline) enter(ctx context.Context, a *admission, cmds []*engine.Command) (int, error) {
	n, err := p.window.acquire(ctx, len(cmds))
	if err != nil {
		return 0, err
	}
	entered := p.lanes.enter(p.meter.since(), a, cmds[:n]...)
	if entered == n {
		return n, nil
	}
	p.window.release(n - entered)
	return entered, a.wait(ctx, p.lanes)
}
