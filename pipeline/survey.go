package pipeline

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// surveyed is how many lanes a survey looks at before it lets the lock of the lanes go.
const surveyed = 128

// sighting is what is seen of a command without looking at its task, which somebody else has.
type sighting struct {
	cmd      *engine.Command
	arrived  time.Duration
	attempts int
	why      error // of the last attempt that failed
}

func sightingOf(t *task) sighting {
	s := sighting{cmd: t.cmd, arrived: t.arrived}
	if tr := t.trouble; tr != nil {
		s.attempts, s.why = tr.attempts, tr.err
	}
	return s
}

// pursuit is what the goroutines of one lane are doing.
type pursuit struct {
	state, by string
}

// survey looks at all lanes, some at a time. While it does not hold the lock lanes come and go: one that is there all the
// time is seen once. What it costs the others is the lock for some lanes; nobody keeps any books for it.
func (p *Pipeline) survey(least time.Duration) Status {
	s := Status{At: time.Now()}
	v := &view{p: p, status: &s, began: p.meter.start(), least: least, pursuits: p.pursuits()}
	ls := p.lanes
	ls.mu.Lock()
	defer ls.mu.Unlock()
	n := 0
	for _, l := range ls.byID {
		if l.held {
			v.see(l)
		}
		if n++; n%surveyed == 0 {
			ls.mu.Unlock() // a map may change between two steps of a loop over it
			ls.mu.Lock()
		}
	}
	for _, line := range ls.lines {
		s.Waiting += len(line)
	}
	return s
}

// view is a survey under way.
type view struct {
	p        *Pipeline
	status   *Status
	began    time.Time // of the pipeline
	least    time.Duration
	pursuits map[*lane]pursuit
}

// see adds a lane. The lanes are locked.
func (v *view) see(l *lane) {
	s := v.status
	var head sighting
	var began time.Time
	switch t := l.turn; {
	case t != nil:
		t.post.mu.Lock() // the worker may be about to write them
		if head = t.head; t.begun {
			began = t.now
		}
		t.post.mu.Unlock()
	case l.head != nil:
		head.arrived = l.head.arrived // the rest is seldom looked at
	default:
		return // about to be let go
	}
	s.Lanes++
	state := v.stateOf(l, began)
	switch state.State {
	case ready:
		s.Ready++
	case inHandler, inDecider, inStore:
		s.Busy++
	}
	admitted := v.began.Add(head.arrived)
	describe := func() LaneStatus {
		if l.turn == nil {
			head = sightingOf(l.head)
		}
		state.Aggregate, state.Command, state.Type, state.Admitted = l.id, head.cmd.ID, v.typeOf(head.cmd), admitted
		if state.Attempts = head.attempts; state.State == retrying && head.why != nil {
			state.By = head.why.Error()
		}
		state.Behind = max(0, int(l.load)-1)
		return state
	}
	if s.Oldest == nil || admitted.Before(s.Oldest.Admitted) {
		oldest := describe()
		s.Oldest = &oldest
	}
	if v.stalled(&state, admitted) {
		s.StalledTotal++
		s.Stalled = v.rank(s.Stalled, admitted, describe)
	}
}

// stalled tells whether a lane is held up: for long in code or in the store, or resting with a command that waits for long.
func (v *view) stalled(l *LaneStatus, admitted time.Time) bool {
	since := l.Since
	switch l.State {
	case ready:
		return v.least == 0
	case retrying, conflicting, limited:
		since = admitted
	}
	return v.status.At.Sub(since) >= v.least
}

// rank adds a lane to a list of those with the oldest commands, if it is one of them.
func (v *view) rank(list []LaneStatus, admitted time.Time, describe func() LaneStatus) []LaneStatus {
	i, _ := slices.BinarySearchFunc(list, admitted, func(l LaneStatus, at time.Time) int { return l.Admitted.Compare(at) })
	if i == shownMost {
		return list
	}
	if len(list) == shownMost {
		list = list[:shownMost-1]
	}
	return slices.Insert(list, i, describe())
}

// stateOf says what a lane is doing, or waits for.
func (v *view) stateOf(l *lane, began time.Time) LaneStatus {
	ls := v.p.lanes
	if r := ls.rests[l]; r != nil {
		return LaneStatus{State: r.state, By: r.over.name(), Since: r.since, Until: r.until}
	}
	if ls.limits != nil {
		if s, ok := ls.limits.standing[l]; ok {
			return LaneStatus{State: limited, By: s.over.name(), Since: s.since}
		}
	}
	if l.turn == nil || began.IsZero() {
		return LaneStatus{State: ready}
	}
	if at, ok := v.pursuits[l]; ok {
		return LaneStatus{State: at.state, By: at.by, Since: began}
	}
	return LaneStatus{State: inStore, Since: began}
}

func (v *view) typeOf(cmd *engine.Command) string {
	if route, err := v.p.registry.Route(cmd); err == nil {
		return route.Type
	}
	return cmd.Type
}

// name is what a status calls a limit and the group.
func (g *group) name() string {
	if g == nil {
		return ""
	}
	typ := g.limit.Type
	if typ == "" {
		typ = "all commands"
	}
	if g.limit.Group == nil {
		return typ
	}
	return fmt.Sprintf("%s in %q", typ, g.key)
}

// pursuits says what code of others runs for which lane: from the calls in goroutines, and from the workers.
func (p *Pipeline) pursuits() map[*lane]pursuit {
	all := map[*lane]pursuit{}
	if !p.open.Load() {
		return all
	}
	for _, at := range p.posts {
		if l, what := at.pursuit(); what.state != "" {
			all[l] = what
		}
	}
	os := &p.outings
	os.mu.Lock()
	defer os.mu.Unlock()
	for o := os.ring.next; o != nil && o != &os.ring; o = o.next {
		all[o.lane] = o.pursuit()
	}
	return all
}

// pursuit says what code the worker here is in for which lane, if it is in any: else another worker may have gone on with the
// lane by now.
func (p *post) pursuit() (*lane, pursuit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lane == nil {
		return nil, pursuit{}
	}
	if cs := p.calls; cs != nil {
		if i := cs.next.Load() - 1; i >= 0 && i < int64(len(cs.list)) {
			return p.lane, pursuit{inHandler, cs.list[i].handler.Name}
		}
	}
	return p.lane, p.guard.Load().pursuit()
}

// pursuit says what code the goroutine of the guard is in, if it is in any.
func (g *guard) pursuit() pursuit {
	if g != nil {
		if state := g.state.Load(); state&inside != 0 {
			if route := g.route.Load(); route != nil {
				return pursuit{inDecider, codeOf(route, state)}
			}
		}
	}
	return pursuit{}
}

// pursuit says which calls have not returned. The lock of the outings is held.
func (o *outing) pursuit() pursuit {
	var names []string
	for i := o.watched(); i < len(o.list); i++ {
		c := &o.list[i]
		if state := atomic.LoadInt32(&c.state); state != running && state != cutOff || slices.Contains(names, c.handler.Name) {
			continue
		}
		if names = append(names, c.handler.Name); len(names) == 5 {
			break
		}
	}
	return pursuit{inHandler, strings.Join(names, ", ")}
}
