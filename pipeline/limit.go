package pipeline

import (
	"errors"
	"fmt"
	"math"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A Limit bounds how fast commands are handled, or how many at once: those of one type or of all, together or in groups, as
// one for each tenant. A command that is over a limit waits, and the later ones of its aggregate behind it; while they wait
// they hold no worker, and no other group notices.
type Limit struct {
	// Type is the type of the commands that the limit is for. Empty means all.
	Type string
	// Group says in which group a command is, each of which has the limit for itself. It is called from many goroutines
	// while commands are admitted, and must be fast. Nil means that all are in one.
	Group func(*engine.Command) string
	// Rate is how many commands a second may begin to be handled, on average. Each attempt counts, as does each of the
	// commands that are handled together; deciding again after a conflict does not. Zero means no bound.
	Rate float64
	// Burst is how many may begin at once after a time of rest. Zero means 1, or what Rate allows in a tenth of a second if
	// that is more.
	Burst int
	// Concurrency is how many may be handled at once: from the call of the first handler until the last one and the decider
	// have ended. Appending is not part of it. Zero means no bound.
	Concurrency int
	// Share is how many commands of one group may be in flight, 1 to Options.Window, so that a group which waits for its
	// limit cannot take the window from the others. It is as Options.Share for an aggregate. Zero means the same number.
	Share int
	// Groups is how many groups are known at once. One is forgotten when no command of it is in flight and Burst may begin
	// again; while more are in use the new ones have the limit together. Zero means 10000.
	Groups int
}

// checked fills in what is zero and reports every fault, each with the number of the limit.
func (l Limit) checked(number int, options *Options, registry *engine.Registry) (Limit, error) {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("pipeline: Options.Limits[%d]: %w", number, fmt.Errorf(format, args...)))
	}
	if l.Type != "" {
		if _, err := registry.Route(&engine.Command{Message: engine.Message{Type: l.Type}}); err != nil {
			fault("Type: %w", err)
		}
	}
	if l.Rate < 0 || math.IsNaN(l.Rate) || math.IsInf(l.Rate, 0) {
		fault("Rate is %v: give commands a second, or 0 for no bound", l.Rate)
	}
	if l.Concurrency < 0 {
		fault("Concurrency is %d: give 1 or more, or 0 for no bound", l.Concurrency)
	}
	if l.Rate == 0 && l.Concurrency == 0 {
		fault("Rate and Concurrency are both 0: give one of them")
	}
	if l.Burst == 0 {
		l.Burst = max(1, int(min(l.Rate/10, math.MaxInt32)))
	}
	if l.Burst < 1 {
		fault("Burst is %d: give 1 or more, or 0 for a tenth of a second", l.Burst)
	}
	if l.Share == 0 {
		l.Share = options.Share // whose own fault is told where it is
	} else if l.Share < 1 || l.Share > options.Window {
		fault("Share is %d: give 1 to %d, or 0 for %d", l.Share, options.Window, options.Share)
	}
	if l.Groups == 0 {
		l.Groups = 10_000
	}
	if l.Groups < 1 {
		fault("Groups is %d: give 1 or more, or 0 for 10000", l.Groups)
	}
	return l, errors.Join(errs...)
}

// limits are all limits of a pipeline. Guarded by lanes.mu, as what is below.
type limits struct {
	list     []*limit
	standing map[*lane]standing // in the rows of the groups
	callers  map[*lane]*group   // who called a lane that has not begun again
}

// limit is one of them, with its groups.
type limit struct {
	Limit
	groups map[string]*group
	sweep  int    // look for idle ones when there are so many
	crowd  *group // of all those that came when there were too many
}

// isFor tells whether the limit is for a command.
func (l *limit) isFor(c *claim) bool { return l.Type == "" || l.Type == c.typ }

// newLimits checks the limits of the options. It gives nil when there are none: then nothing is paid for them.
func newLimits(options *Options, registry *engine.Registry) (*limits, error) {
	if len(options.Limits) == 0 {
		return nil, nil
	}
	ls := &limits{standing: map[*lane]standing{}, callers: map[*lane]*group{}}
	var errs []error
	for i, l := range options.Limits {
		l, err := l.checked(i, options, registry)
		errs = append(errs, err)
		ls.list = append(ls.list, &limit{Limit: l, groups: map[string]*group{}})
	}
	return ls, errors.Join(errs...)
}

// limit lets as many commands of the turn be handled as the limits allow, from the first on. The others are for another
// turn, when the lane has rested or was called.
func (t *turn) limit() {
	if t.p.lanes.limits == nil {
		return
	}
	if n := t.p.lanes.begin(t); n < len(t.tasks) {
		t.tasks, t.behind = t.taken[:n], t.taken[n:]
	}
}
