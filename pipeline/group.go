package pipeline

import (
	"maps"
	"math"
	"slices"
	"time"
)

// group is what commands have a limit together. A lane that is over it rests until its token is due, or stands in the row
// until it is called: no goroutine waits.
type group struct {
	quota
	limit  *limit
	key    string
	tokens float64   // that may be taken; below zero when some are promised to lanes that rest
	at     time.Time // when that was so
	busy   int       // commands that are being handled
	called int       // lanes that were called out of the row and have not begun again
	row    []*lane   // that wait to be called: then every place is busy or called for
}

// standing is where a lane stands in a row, and since when.
type standing struct {
	over  *group
	since time.Time
}

// group finds a group, or makes it.
func (l *limit) group(key string) *group {
	g := l.groups[key]
	if g != nil {
		return g
	}
	if len(l.groups) >= max(l.sweep, 64) || len(l.groups) >= l.Groups {
		now := time.Now()
		for key, g := range l.groups {
			if g.idle(now) {
				delete(l.groups, key)
			}
		}
		l.sweep = 2 * len(l.groups)
	}
	if len(l.groups) < l.Groups {
		g = &group{limit: l, key: key, tokens: float64(l.Burst)}
		l.groups[key] = g
		return g
	}
	if l.crowd == nil {
		l.crowd = &group{limit: l, key: "those of too many groups", tokens: float64(l.Burst)}
	}
	return l.crowd
}

// idle tells whether a group is as if it were new.
func (g *group) idle(now time.Time) bool {
	g.fill(now)
	return g.load == 0 && g.tokens >= float64(g.limit.Burst)
}

// fill adds the tokens that time has brought.
func (g *group) fill(now time.Time) {
	if passed := now.Sub(g.at); passed > 0 {
		g.tokens = min(float64(g.limit.Burst), g.tokens+passed.Seconds()*g.limit.Rate)
		g.at = now
	}
}

// pay takes a token and tells how long it is until that is due.
func (g *group) pay(now time.Time) time.Duration {
	if g.limit.Rate == 0 {
		return 0
	}
	g.fill(now)
	g.tokens--
	return time.Duration(min(max(0, -g.tokens)/g.limit.Rate*float64(time.Second), math.MaxInt64/4))
}

// payBack gives a token back that was not used.
func (g *group) payBack() { g.tokens = min(float64(g.limit.Burst), g.tokens+1) }

// full tells whether a command of a lane has to wait until others have ended.
func (g *group) full(ls *lanes, l *lane) bool {
	most := g.limit.Concurrency
	if most == 0 {
		return false
	}
	if ls.limits.callers[l] == g {
		most++ // for it one place is kept
	}
	return g.busy+g.called >= most
}

// call calls lanes out of the row for as many places as are free.
func (g *group) call(ls *lanes) {
	for len(g.row) > 0 && g.busy+g.called < g.limit.Concurrency {
		l := g.row[0]
		g.row = slices.Delete(g.row, 0, 1)
		g.called++
		ls.limits.callers[l] = g
		delete(ls.limits.standing, l)
		ls.ready.push(l)
	}
}

// enterGroups takes the places of the next command in its groups. If one has no place the admission is in its line now, and
// keeps those it has. Everybody takes them in one sequence, that of the limits and then the lane, and gives back what was
// promised out of it, so that nobody waits in a ring.
func (a *admission) enterGroups(ls *lanes) bool {
	c := a.claims[0]
	ls.limits.assign(c)
	for _, g := range c.groups[c.held:] {
		if int(g.load) < g.limit.Share {
			g.load++
		} else if !a.mayEnter(ls, &g.quota, g.limit.Share, 1) {
			return false
		}
		c.held++
	}
	return true
}

// leaveGroups gives them back.
func (ls *lanes) leaveGroups(groups []*group) {
	for _, g := range groups {
		ls.vacate(&g.quota, 1, g.limit.Share)
	}
}

// leaveLimits gives back the places of what has ended in a turn.
func (ls *lanes) leaveLimits(t *turn) {
	for _, task := range t.taken {
		if c := task.claim; task.cmd == nil && c != nil {
			ls.leaveGroups(c.groups)
			task.claim = nil
		}
	}
}

// begin says how many commands of a turn may be handled now. The lane is in a row or rests when it is let go, if those
// were not all.
func (ls *lanes) begin(t *turn) int {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	defer ls.recall(t.lane)
	for i, task := range t.tasks {
		if task.err != nil || task.claim == nil || task.handled && !task.partly() && task.route.NewAggregate == nil {
			continue // nothing of it is called
		}
		task.claim.free = task.handled && !task.partly() && !task.anew()
		if task.err = task.claim.err; task.err == nil && !ls.beginOne(t, task.claim) {
			return i
		}
	}
	return len(t.tasks)
}

// beginOne takes the tokens and the places of one command: all or none of the places, so that lanes never wait for each
// other. It gives false when it has to wait.
func (ls *lanes) beginOne(t *turn, c *claim) bool {
	if !c.paid && !c.free {
		c.paid = true
		var wait time.Duration
		for _, g := range c.groups {
			if w := g.pay(t.now); w > wait {
				wait, t.over = w, g
			}
		}
		if wait > 0 {
			t.due = t.now.Add(wait)
			return false
		}
	}
	for _, g := range c.groups {
		if g.full(ls, t.lane) {
			t.over, t.due = g, time.Time{}
			c.payBack()
			return false
		}
	}
	for _, g := range c.groups {
		g.busy++
		t.places = append(t.places, g)
		if ls.limits.callers[t.lane] == g {
			g.called--
			delete(ls.limits.callers, t.lane)
		}
	}
	c.paid = false
	return true
}

// recall takes back a call that its lane did not follow.
func (ls *lanes) recall(l *lane) {
	if g := ls.limits.callers[l]; g != nil {
		delete(ls.limits.callers, l)
		g.called--
		g.call(ls)
		ls.signal()
	}
}

// handled gives back the places of a turn whose handlers have ended.
func (ls *lanes) handled(t *turn) {
	if len(t.places) == 0 {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	for _, g := range t.places {
		g.busy--
	}
	for _, g := range t.places {
		g.call(ls)
	}
	t.places = t.places[:0]
	ls.signal()
}

// stand puts a lane that was over a limit into the row, unless there is a place by now. The lane is held on.
func (g *group) stand(ls *lanes, l *lane) {
	g.row = append(g.row, l)
	ls.limits.standing[l] = standing{g, time.Now()}
	g.call(ls)
}

// callAll calls every lane: no limit holds any more.
func (ls *lanes) callAll() {
	for _, l := range inSequence(maps.Keys(ls.limits.standing)) {
		ls.limits.standing[l].over.row = nil
		ls.ready.push(l)
	}
	clear(ls.limits.standing)
}
