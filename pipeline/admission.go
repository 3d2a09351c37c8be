package pipeline

import (
	"context"
	"runtime"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// An admission is one caller's way into the lanes.
type admission struct {
	receipt *Receipt // of a single command; nil when nobody waits for it
	claims  []*claim // for each command that has not entered; nil when there are no limits

	at       *quota // that this caller waited for last
	lane     *lane  // whose it is; nil when it is a group's
	most     int    // of the quota
	promised int    // places there that it has not yet taken up
	seat     *seat  // in its line; nil when it does not wait
}

// mayEnter tells whether a command may enter though its quota is used up, because a place there is promised. If not, the
// admission is in its line now, for so many places. The lanes are locked.
func (a *admission) mayEnter(ls *lanes, q *quota, most, want int) bool {
	if a == nil {
		return false
	}
	if a.at == q && a.promised > 0 {
		a.promised--
		return true
	}
	a.giveBack(ls)
	a.at, a.most, a.seat = q, most, &seat{want: want, given: make(chan int, 1)} // see seat
	if ls.shut {
		a.seat.given <- 0 // never blocks: one place in the channel, one send
		return false
	}
	ls.wait(q, append(ls.lines[q], a.seat))
	return false
}

// mayEnterLane is mayEnter for a lane, with as many places as the commands to come have need of there.
func (a *admission) mayEnterLane(ls *lanes, l *lane, cmds []*engine.Command) bool {
	want := 0
	for _, cmd := range cmds {
		if cmd.Subject == l.id {
			want++
		}
	}
	if a.mayEnter(ls, &l.quota, ls.share, want) {
		return true
	}
	if a != nil {
		a.lane = l
	}
	return false
}

// wait blocks until places of the quota are promised, the context is done or nothing is admitted any more
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
	line := ls.lines[a.at]
	i := slices.Index(line, s)
	if i >= 0 {
		ls.wait(a.at, slices.Delete(line, i, i+1))
	}
	ls.mu.Unlock()
	if i < 0 {
		a.promised = <-s.given
	}
	return ctx.Err()
}

// leave gives back what was promised and is not needed.
func (a *admission) leave(ls *lanes) {
	if a.promised == 0 && len(a.claims) == 0 {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	a.giveBack(ls)
	if len(a.claims) > 0 {
		c := a.claims[0]
		ls.leaveGroups(c.groups[:c.held])
	}
}

// giveBack is leave with the lanes locked.
func (a *admission) giveBack(ls *lanes) {
	if a.promised > 0 {
		ls.vacate(a.at, a.promised, a.most)
		if l := a.lane; l != nil && l.load == 0 && !l.held {
			ls.list(l) // it was kept for us
		}
	}
	a.promised, a.at, a.lane = 0, nil, nil
}

// admit takes places in the window and puts the commands into their lanes, in sequence. It blocks while the window is
// full, and while the lane of the next command, or a group it is in, has its share: that is all the backpressure there is.
// What ctx ends leaves no command without an outcome: the rest is refused.
func (p *Pipeline) admit(ctx context.Context, cmds []*engine.Command) error {
	read := 0
	for i, cmd := range cmds {
		if cmd == nil {
			cmd = engine.AsCommand(cmd)
			cmds[i] = cmd
		}
		read += len(cmd.Subject)
	}
	runtime.KeepAlive(read) // prefetched, as by a turn: under the lock of the lanes each would have to be waited for
	a := admission{claims: p.claims(cmds...)}
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

// enter lets in the first of some commands and says how many those were: none when it has waited for a place. After an
// error those that did not enter are as they were.
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
