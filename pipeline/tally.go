package pipeline

import (
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// tally is what one round adds to the meter.
type tally struct {
	Counts
	gaps, swaps int
	arrived     []time.Duration // of each counted command
}

// stored counts an append that the store answered, and holds the answer against the sequence of the lane: versions must
// go on where the expectation stood and may never step back.
func (t *tally) stored(l *lane, expected engine.Expected, r *engine.Result) {
	status := engine.Accepted
	if r.Rejection != "" {
		status = engine.Rejected
	}
	t.count(status, r.Duplicate, int(r.Last+1-r.First))
	if r.Duplicate {
		return
	}
	if expected != engine.Any && !expected.Holds(r.First-1) {
		t.gaps++
	}
	if r.First <= l.last {
		t.swaps++
	}
	l.last = r.Last
}

// reset empties the tally and keeps its array.
func (t *tally) reset() { *t = tally{arrived: t.arrived[:0]} }

// count counts one command.
func (c *Counts) count(status engine.Status, repeated bool, events int) {
	c.Commands++
	switch status {
	case engine.Accepted:
		c.Accepted++
	case engine.Rejected:
		c.Rejected++
	case engine.DeadLettered:
		c.DeadLettered++
	case engine.Unknown:
		c.Unknown++
	}
	if repeated {
		c.Repeated++
	} else {
		c.Events += events
	}
}

func (c *Counts) add(more *Counts) {
	c.Commands += more.Commands
	c.Accepted += more.Accepted
	c.Rejected += more.Rejected
	c.DeadLettered += more.DeadLettered
	c.Unknown += more.Unknown
	c.Repeated += more.Repeated
	c.Events += more.Events
}
