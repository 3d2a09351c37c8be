package pipeline

import "time"

// rest is the time that a lane rests before it is taken again, and why.
type rest struct {
	timer        *time.Timer
	state        string
	over         *group // whose limit it was over, when that is why
	since, until time.Time
}

// newRest begins the rest that a turn's lane needs. Ended is called behind it.
func newRest(t *turn, pause time.Duration, ended func()) *rest {
	now := time.Now()
	r := &rest{timer: time.AfterFunc(pause, ended), state: retrying, since: now, until: now.Add(pause)}
	switch {
	case t.over != nil:
		r.state, r.over = limited, t.over
	case t.lane.conflicts > 0:
		r.state = conflicting
	}
	return r
}
