package simulate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// told is an outcome in words.
func told(o engine.Outcome) string {
	text := o.Status.String()
	switch o.Status {
	case engine.Accepted:
		text += fmt.Sprintf(" %d..%d", o.First, o.Last)
	case engine.Rejected:
		text += fmt.Sprintf(" at %d: %s", o.First-1, o.Reason)
	default:
		text += fmt.Sprintf(": %v", o.Err)
	}
	if o.Repeated {
		text += ", again"
	}
	return text
}

// judge holds everything that became of the world against what is promised. Nothing runs any more.
func (w *world) judge() {
	for _, l := range w.lives {
		l.judge()
	}
	for _, n := range w.left() {
		w.wrong("#%d is never settled, though the faults have stopped", n)
	}
	w.judgeStreams()
	w.judgeOutcomes()
	w.judgeShelf()
}

// judge checks how a pipeline ended, and that each admission has its one outcome.
func (l *life) judge() {
	counts := pipeline.Counts{}
	for _, a := range l.admissions {
		if len(a.outcomes) > 1 {
			l.wrong("#%d has %d outcomes: %s, %s", a.number, len(a.outcomes), told(a.outcomes[0]), told(a.outcomes[1]))
		}
		for _, o := range a.outcomes {
			if o.CommandID != l.w.input[a.number].id {
				l.wrong("#%d is told the outcome of %s", a.number, o.CommandID)
			}
			count(&counts, o)
		}
	}
	abandoned := errors.Is(l.err, pipeline.ErrStopped) && strings.Contains(l.err.Error(), "ignore their cancellation")
	if l.took > l.drain+patience && l.way != chaining { // a chain waits for what it is made of
		l.wrong("it took %v to stop, with a drain timeout of %v", l.took, l.drain)
	}
	l.judgeError()
	if abandoned || l.way == chaining && (l.cutShort() || l.session.closed.Load()) {
		return // a chain answers what comes late, and does not count it
	}
	if l.report.InFlight != 0 || l.report.Counts != counts {
		l.wrong("the report says %+v and %d in flight, the outcomes say %+v", l.report.Counts, l.report.InFlight, counts)
	}
	if !l.report.Sequence.OK() {
		l.wrong("sequence: %+v", l.report.Sequence)
	}
	whole := !l.cutShort() && !l.session.closed.Load() && !l.broken.Load() && l.err == nil
	for _, a := range l.admissions {
		if (a.admitted || whole) && len(a.outcomes) == 0 {
			l.wrong("#%d was admitted and has no outcome", a.number)
		}
	}
	l.judgeFollower(whole)
	l.judgeParked()
	if n := l.p.Abandoned(); n > 0 {
		l.wrong("%d handlers are given up for ever", n)
	}
}

func (l *life) wrong(format string, args ...any) {
	l.w.wrong("life %d (%s, %s): %s", l.number, l.way, l.ends, fmt.Sprintf(format, args...))
}

// judgeError checks that a pipeline does not complain without a reason.
func (l *life) judgeError() {
	err := l.err
	switch m := blamed(err); {
	case err == nil:
	case errors.Is(err, pipeline.ErrStopped) && l.cutShort():
	case errors.Is(err, engine.ErrTimeout) && l.w.mayTimeOut(): // handlers were given up
	case l.w.keeps && isUnkept(err):
	case errors.Is(err, engine.ErrClosed) && l.session.closed.Load():
	case m != nil && m.life == l.number && (m.fault == sourceFails || m.fault == sourcePanics || m.fault == followerFails):
	default:
		l.wrong("ended with %v", err)
	}
}

func count(c *pipeline.Counts, o engine.Outcome) {
	c.Commands++
	switch o.Status {
	case engine.Accepted:
		c.Accepted++
	case engine.Rejected:
		c.Rejected++
	case engine.DeadLettered:
		c.DeadLettered++
	case engine.Unknown:
		c.Unknown++
	}
	if o.Repeated {
		c.Repeated++
	} else {
		c.Events += o.Events()
	}
}

// judgeFollower checks what the sink behind the store heard: stored events only, each once, in sequence, and all of them
// when it was not cut off.
func (l *life) judgeFollower(whole bool) {
	log := l.w.log()
	last := engine.Position(0)
	for _, e := range l.followed {
		switch {
		case e.Position <= last || int(e.Position) > len(log) || log[e.Position-1].ID != e.ID:
			l.wrong("the follower hears of %d after %d", e.Position, last)
		case last > 0 && e.Position != last+1:
			l.wrong("the follower misses what is between %d and %d", last, e.Position)
		}
		last = e.Position
	}
	if !l.follow || !whole || l.deaf {
		return
	}
	for n, e := range l.w.effects {
		if e.life == l.number && e.last >= e.first {
			stream := l.w.stream(l.w.input[n].aggregate)
			if at := stream[e.last-1].Position; at > last {
				l.wrong("the follower ends at %d and misses #%d at %d", last, n, at)
			}
		}
	}
}

// log reads everything that is stored.
func (w *world) log() []engine.Event {
	if w.whole == nil {
		for e, err := range w.store.Read(context.Background(), 0) {
			if err != nil {
				w.wrong("read: %v", err)
			}
			w.whole = append(w.whole, e)
		}
	}
	return w.whole
}

// stream is what the log has of an aggregate.
func (w *world) stream(aggregate int) []engine.Event {
	if w.streams == nil {
		w.streams = make([][]engine.Event, w.aggregates)
		for _, e := range w.log() {
			a := aggregateNumber(e.Subject)
			w.streams[a] = append(w.streams[a], e)
		}
	}
	return w.streams[aggregate]
}

// judgeStreams checks that the streams have no gap, and hold what the model says of each command, on the state just before
// it, and what the other writer added, and nothing else.
func (w *world) judgeStreams() {
	w.happened.events = len(w.log())
	strange := 0
	for i, e := range w.log() {
		if e.Position != engine.Position(i+1) {
			w.wrong("event %d has position %d", i+1, e.Position)
		}
		if e.CausationID.IsZero() {
			strange++
		}
	}
	if strange != w.strange {
		w.wrong("the other writer added %d events, and %d are there", w.strange, strange)
	}
	told := strange
	for a := range w.aggregates {
		stream := w.stream(a)
		balances := []int{0}
		for i, e := range stream {
			if e.Version != engine.Version(i+1) {
				w.wrong("%s: event %d has version %d", aggregateID(a), i+1, e.Version)
			}
			balance := balances[i]
			if add, ok := e.Data.(added); ok {
				balance += add.Amount
			}
			balances = append(balances, balance)
		}
		for n, effect := range w.effects {
			if w.input[n].aggregate == a {
				told += w.judgeEffect(&w.input[n], effect, stream, balances)
			}
		}
	}
	if told != len(w.log()) {
		w.wrong("%d events are stored, and %d are accounted for", len(w.log()), told)
	}
}

// judgeEffect checks one command against the model, and gives the number of its events.
func (w *world) judgeEffect(s *script, e *effect, stream []engine.Event, balances []int) int {
	if int(e.last) > len(stream) || e.first < 1 || e.last < e.first-1 {
		w.wrong("#%d was stored at %d..%d of a stream of %d", s.number, e.first, e.last, len(stream))
		return 0
	}
	events, reason := s.foresee(balances[e.first-1])
	if reason != e.rejection {
		w.wrong("#%d on %d at %d: rejected %q, not %q", s.number, balances[e.first-1], e.first-1, e.rejection, reason)
	}
	var got []any
	for _, event := range stream[e.first-1 : e.last] {
		if event.CausationID != s.id {
			w.wrong("version %d belongs to another command than #%d", event.Version, s.number)
		}
		got = append(got, event.Data)
	}
	if !slices.Equal(events, got) {
		w.wrong("#%d on %d at %d made %v, not %v", s.number, balances[e.first-1], e.first-1, got, events)
	}
	return len(got)
}
