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
	commands   map[engine.ID]*noted
	arrivals   map[line]int // how many commands each line has seen
	aggregates map[string]struct{}
}

// line is what has a sequence of arrival.
type line struct{ source, aggregate string }

// noted is one command that arrived.
type noted struct {
	line    line
	arrival int // place in the line
	outcome engine.Outcome
	found   int // events seen in the store
}

// NewAudit makes an empty audit.
func NewAudit() *Audit {
	return &Audit{commands: map[engine.ID]*noted{}, arrivals: map[line]int{}, aggregates: map[string]struct{}{}}
}

// Note notes that cmd arrives now, and hooks into its Settled to note the outcome. Call it before the command is
// submitted, in the sequence of submission.
func (a *Audit) Note(cmd *engine.Command) {
	if cmd.Defect != nil {
		return // it is nobody's command: it can only be dead-lettered
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.aggregates[cmd.Subject] = struct{}{}
	if a.commands[cmd.ID] != nil {
		return // sent again: the first arrival counts
	}
	n := &noted{line: line{cmd.Source, cmd.Subject}}
	n.arrival = a.arrivals[n.line]
	a.arrivals[n.line]++
	a.commands[cmd.ID] = n
	settled := cmd.Settled
	cmd.Settled = func(o engine.Outcome) {
		a.mu.Lock()
		n.outcome = o
		a.mu.Unlock()
		if settled != nil {
			settled(o)
		}
	}
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
//   - lost: commands that were told accepted, or were given no outcome, and whose events are not all there;
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
		if n == nil {
			continue // of an earlier run
		}
		if n.found++; n.found > 1 && apart {
			verdict.Swaps++
		}
		if n.found > 1 || n.outcome.Repeated {
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
	switch n.outcome.Status {
	case engine.Unknown:
		return // may be stored or not: both are right
	case 0:
		verdict.Lost++
		return
	}
	switch told := n.outcome.Events(); {
	case n.found < told:
		verdict.Lost++
	case n.found > told:
		verdict.Duplicates++
	}
}
