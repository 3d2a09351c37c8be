package bench

import (
	"context"
	"fmt"
	"sync"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// An Audit notes commands as they arrive and their outcomes, and then judges the store by reading it back. It trusts
// nothing that the pipeline says of sequence. It keeps about 150 bytes for each command.
//
// Arrival has a sequence where it has one: among the commands of one source (the Source attribute) for one aggregate.
type Audit struct {
	mu         sync.Mutex
	since      engine.Position // events up to here are of earlier runs
	commands   map[engine.ID]*noted
	open       map[*engine.Command]int // how often each command under way has arrived: its Settled is in use
	arrivals   map[line]int            // how many commands each line has seen
	aggregates map[string]struct{}
	rejections rejections
}

// line is what has a sequence of arrival.
type line struct{ source, aggregate string }

// place is where one arrival stands.
type place struct {
	line    line
	arrival int
}

// noted is one command id that arrived, once or more often, and what was told of it.
type noted struct {
	place            // of the first arrival, until another is told to be the one that was stored
	again       bool // arrived more often than once
	answered    bool
	accepted    bool
	fresh       bool // accepted now, not in an earlier run
	unknown     bool
	least, most int // events that the accepted arrivals were told; the same, unless the store contradicts itself
	found       int // events seen in the store
}

// NewAudit makes an empty audit.
func NewAudit() *Audit {
	return &Audit{
		commands: map[engine.ID]*noted{}, open: map[*engine.Command]int{}, arrivals: map[line]int{},
		aggregates: map[string]struct{}{}, rejections: rejections{},
	}
}

// Since says where the log ended before the first command arrived. Without it, the events that an earlier run stored for
// a command which is refused now, unasked, look like events that nobody was told of.
func (a *Audit) Since(end engine.Position) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.since = end
}

// Note notes that cmd arrives now, and hooks into its Settled to note the outcome. Call it before the command is
// submitted, in the sequence of submission.
//
// An id that comes again is hooked too: the arrivals may fare differently, the first dead-lettered and the second stored.
func (a *Audit) Note(cmd *engine.Command) {
	if cmd.Defect != nil {
		return // it is nobody's command: it can only be dead-lettered
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.aggregates[cmd.Subject] = struct{}{}
	at := place{line: line{cmd.Source, cmd.Subject}}
	at.arrival = a.arrivals[at.line]
	a.arrivals[at.line]++
	n := a.commands[cmd.ID]
	if n == nil {
		n = &noted{place: at}
		a.commands[cmd.ID] = n
	} else {
		n.again = true
	}
	if a.open[cmd]++; a.open[cmd] > 1 {
		return // the very same value is under way: its hook is there, and Settled must not change under a reader
	}
	settled := cmd.Settled
	cmd.Settled = func(o engine.Outcome) {
		a.mu.Lock()
		n.tell(at, &o)
		if o.Status == engine.Rejected {
			a.rejections.add(cmd, o.Reason)
		}
		if a.open[cmd]--; a.open[cmd] <= 0 {
			delete(a.open, cmd)
		}
		a.mu.Unlock()
		if settled != nil {
			settled(o)
		}
	}
}

// tell notes the outcome of the arrival that stands at a place.
//
// The arrival that was stored gives the id its place: when the first was refused, the second is handled where it stands
// itself, behind all that came in between, and would look like a swap in the place of the first.
func (n *noted) tell(at place, o *engine.Outcome) {
	n.answered = true
	switch o.Status {
	case engine.Accepted:
		events := o.Events()
		if !n.accepted {
			n.accepted, n.least, n.most = true, events, events
		}
		n.least, n.most = min(n.least, events), max(n.most, events)
		if !o.Repeated {
			n.fresh, n.place = true, at
		}
	case engine.Unknown:
		n.unknown = true
	}
}

// placed tells whether it is known which arrival the events are of. It is not when the id was answered in an earlier run,
// or came more than once and no arrival was told that it was the one.
func (n *noted) placed() bool {
	if n.accepted {
		return n.fresh
	}
	return !n.again
}

// A Feed is a source that a pipeline reads in batches, as those of package sources.
type Feed interface {
	streams.Outlet
	engine.Feeder
}

// Watch gives the source back with every command noted on its way to the pipeline.
func (a *Audit) Watch(source Feed) Feed { return watched{source, source, a} }

type watched struct {
	streams.Outlet
	feeder engine.Feeder
	audit  *Audit
}

// Feed feeds what the source feeds.
func (w watched) Feed(ctx context.Context, emit func([]*engine.Command) error) error {
	return w.feeder.Feed(ctx, func(cmds []*engine.Command) error {
		for _, cmd := range cmds {
			w.audit.Note(cmd)
		}
		return emit(cmds)
	})
}

// Aggregates is the number of aggregates that commands arrived for.
func (a *Audit) Aggregates() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.aggregates)
}

// Check reads the whole log of the store and gives the verdict:
//
//   - gaps: versions of an aggregate that are missing;
//   - swaps: commands that stand behind one that arrived after them, or whose events do not stand together; the arrival
//     of commands whose id was answered in an earlier run is left out, since it was then;
//   - lost: commands that were told accepted and whose events are not all there, or that were given no outcome at all;
//   - duplicates: versions or commands that are there twice, and commands that have more events than they were told.
//
// Call it when every command has its outcome.
func (a *Audit) Check(ctx context.Context, store engine.Store) (pipeline.Sequence, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range a.commands {
		n.found = 0 // a check may come again
	}
	var verdict pipeline.Sequence
	versions := map[string]engine.Version{}
	causes := map[string]engine.ID{} // of the last event of each aggregate
	highest := map[line]int{}
	for event, err := range store.Read(ctx, 0) {
		if err != nil {
			return verdict, fmt.Errorf("bench: reading the store back: %w", err)
		}
		last := versions[event.Subject]
		switch {
		case event.Version <= last:
			verdict.Duplicates++
		case event.Version > last+1:
			verdict.Gaps += int(event.Version - last - 1)
		}
		versions[event.Subject] = max(last, event.Version)
		apart := causes[event.Subject] != event.CausationID
		causes[event.Subject] = event.CausationID
		n := a.commands[event.CausationID]
		if n == nil || event.Position <= a.since && !n.accepted {
			continue // of an earlier run
		}
		if n.found++; n.found > 1 && apart {
			verdict.Swaps++
		}
		if n.found > 1 || !n.placed() {
			continue
		}
		if n.arrival < highest[n.line] {
			verdict.Swaps++
		}
		highest[n.line] = max(highest[n.line], n.arrival)
	}
	for _, n := range a.commands {
		n.judge(&verdict)
	}
	return verdict, nil
}

// judge holds what was told of one command against what the store has of it.
func (n *noted) judge(verdict *pipeline.Sequence) {
	switch {
	case !n.answered:
		verdict.Lost++
	case n.accepted:
		if n.found < n.most {
			verdict.Lost++
		}
		if n.found > n.least {
			verdict.Duplicates++
		}
	case n.unknown: // may be stored or not: both are right
	case n.found > 0:
		verdict.Duplicates++
	}
}
