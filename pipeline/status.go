package pipeline

import (
	"fmt"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
)

// A Status is what a pipeline is doing at one moment: what is stalled, by what, since when, and what waits behind it. It
// prints itself, and encodes to JSON.
type Status struct {
	At       time.Time `json:"at"`
	InFlight int       `json:"in_flight"` // commands admitted and without an outcome
	Window   int       `json:"window"`    // most of them
	Waiting  int       `json:"waiting"`   // sources and callers that wait for a place in the window, or in a share of it
	Lanes    int       `json:"lanes"`     // aggregates with commands in flight
	Ready    int       `json:"ready"`     // of them: wait for a worker and nothing else
	Workers  int       `json:"workers"`   // most aggregates under way at once
	Busy     int       `json:"busy"`      // aggregates under way
	Counts   Counts    `json:"counts"`    // of what has its outcome
	// Abandoned names handlers and deciders that were given up and still run. At most 20, the oldest first.
	Abandoned      []LaneStatus `json:"abandoned,omitempty"`
	AbandonedTotal int          `json:"abandoned_total"`
	// DeadLetters is how many the store keeps, and Parked how many aggregates wait for one of them; -1 when the store keeps
	// none.
	DeadLetters int `json:"dead_letters"`
	Parked      int `json:"parked"`
	// Halted is why no more is read, empty when that is not so.
	Halted string `json:"halted,omitempty"`
	// Oldest is the lane with the command that is in flight longest; nil when there is none.
	Oldest *LaneStatus `json:"oldest,omitempty"`
	// Stalled are the lanes that something has held up for a tenth of a second or more. At most 20, those with the oldest
	// commands first.
	Stalled      []LaneStatus `json:"stalled,omitempty"`
	StalledTotal int          `json:"stalled_total"`
}

// A LaneStatus is what the lane of one aggregate is doing.
type LaneStatus struct {
	Aggregate string `json:"aggregate"`
	// State is one of: ready (waits for a worker), handler, decider (the code of either runs), store (waits for the sink, or
	// for a load), retry, conflict (rests before the next attempt), limit (waits for a limit), abandoned.
	State string `json:"state"`
	// By is who or what: the names of handlers, the decider, the limit and its group, the error before the retry.
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since,omitzero"` // of the state; of code and the store, when the turn that they are part of began
	Until time.Time `json:"until,omitzero"` // when it rests until then
	// Command is the oldest of the lane that has no outcome, with its type, the time of its admission, and how many of its
	// attempts have failed.
	Command  engine.ID `json:"command"`
	Type     string    `json:"type"`
	Admitted time.Time `json:"admitted"`
	Attempts int       `json:"attempts"`
	Behind   int       `json:"behind"` // commands in flight behind it
}

// The states.
const (
	ready       = "ready"
	inHandler   = "handler"
	inDecider   = "decider"
	inStore     = "store"
	retrying    = "retry"
	conflicting = "conflict"
	limited     = "limit"
	leftRunning = "abandoned"
)

const (
	// stalledAfter is how long a lane may be held up without being called stalled.
	stalledAfter = 100 * time.Millisecond
	// shownMost is how many lanes a list of a status has at most.
	shownMost = 20
)

// Status says what the pipeline is doing. It looks at every lane with commands in flight and holds nobody up for longer
// than it takes to look at a few of them, so that the lanes are not all seen at the same moment. It may be called as often
// as every second, by anybody.
func (p *Pipeline) Status() Status {
	s := p.survey(stalledAfter)
	s.Counts = p.meter.counted()
	s.InFlight, s.Window = p.window.inFlight(), p.options.Window
	s.Waiting += p.window.queued()
	s.Workers = p.options.Workers
	s.DeadLetters, s.Parked = -1, -1
	if p.letters != nil {
		s.DeadLetters, s.Parked = p.letters.CountDeadLetters()
	}
	if err := p.halted(); err != nil {
		s.Halted = err.Error()
	}
	all := p.abandoned.list()
	s.AbandonedTotal = len(all)
	for _, one := range all[:min(len(all), shownMost)] {
		s.Abandoned = append(s.Abandoned, LaneStatus{
			Aggregate: one.aggregate, State: leftRunning, By: one.handler, Since: one.since, Command: one.command, Type: one.typ,
		})
	}
	return s
}

// String is the status as a few aligned lines.
func (s Status) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "in flight  %d of %s, in %s: %d under way, %d ready; %s waiting\n",
		s.InFlight, counted(s.Window, "command"), counted(s.Lanes, "aggregate"), s.Busy, s.Ready, counted(s.Waiting, "caller"))
	fmt.Fprintf(&b, "outcomes   %d accepted, %d rejected, %d dead-lettered, %d unknown (%d repeated)\n",
		s.Counts.Accepted, s.Counts.Rejected, s.Counts.DeadLettered, s.Counts.Unknown, s.Counts.Repeated)
	if s.DeadLetters >= 0 {
		fmt.Fprintf(&b, "letters    %s in the store, %s parked\n", counted(s.DeadLetters, "dead letter"), counted(s.Parked, "aggregate"))
	}
	if s.Halted != "" {
		fmt.Fprintf(&b, "halted     %s\n", s.Halted)
	}
	if s.Oldest != nil {
		fmt.Fprintf(&b, "oldest     %s\n", s.Oldest.line(s.At))
	}
	list := func(name string, lanes []LaneStatus, total int) {
		fmt.Fprintf(&b, "%-10s %d\n", name, total)
		for _, l := range lanes {
			fmt.Fprintf(&b, "           %s\n", l.line(s.At))
		}
		if more := total - len(lanes); more > 0 {
			fmt.Fprintf(&b, "           and %d more\n", more)
		}
	}
	list("stalled", s.Stalled, s.StalledTotal)
	if s.AbandonedTotal > 0 {
		list("abandoned", s.Abandoned, s.AbandonedTotal)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// line is the lane in one line, as at a time.
func (l *LaneStatus) line(at time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %s", l.Aggregate, l.State)
	if l.By != "" {
		fmt.Fprintf(&b, " %s", l.By)
	}
	if !l.Since.IsZero() {
		fmt.Fprintf(&b, " for %v", at.Sub(l.Since).Round(time.Millisecond))
	}
	if !l.Until.IsZero() {
		fmt.Fprintf(&b, ", %v to go", max(0, l.Until.Sub(at)).Round(time.Millisecond))
	}
	fmt.Fprintf(&b, "; %s %s", l.Type, l.Command)
	if !l.Admitted.IsZero() {
		fmt.Fprintf(&b, ", admitted %v ago", at.Sub(l.Admitted).Round(time.Millisecond))
	}
	if l.Attempts > 0 {
		fmt.Fprintf(&b, ", %s failed", counted(l.Attempts, "attempt"))
	}
	if l.Behind > 0 {
		fmt.Fprintf(&b, ", %d behind it", l.Behind)
	}
	return b.String()
}

// counted is "1 command" or "2 commands".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprint(n, " ", noun)
}
