package simulate

import (
	"errors"
	"strings"
	"time"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
)

// judgeOutcomes holds what was told against what is stored.
func (w *world) judgeOutcomes() {
	firsts := map[int]int{}
	for _, l := range w.lives {
		for _, a := range l.admissions {
			for _, o := range a.outcomes {
				l.judgeOutcome(a, o)
				if !o.Repeated && (o.Status == engine.Accepted || o.Status == engine.Rejected) {
					firsts[a.number]++
				}
			}
		}
		l.judgeSequence()
	}
	for n, times := range firsts {
		if times > 1 {
			w.wrong("#%d was accepted or rejected %d times for the first time", n, times)
		}
	}
	w.judgeAttempts()
	for n := range w.input {
		if w.effects[n] == nil {
			w.wrong("#%d has no effect in the end", n)
		}
	}
}

// judgeOutcome checks one outcome by its status.
func (l *life) judgeOutcome(a *admission, o engine.Outcome) {
	e := l.w.effects[a.number]
	switch o.Status {
	case engine.Accepted, engine.Rejected:
		if e == nil || o.First != e.first || o.Last != e.last || o.Reason != e.rejection || e.life > l.number ||
			!o.Repeated && e.life != l.number {
			l.wrong("#%d is told %s, and stored is %+v", a.number, told(o), e)
		}
		if (o.Status == engine.Rejected) != (o.Reason != "") {
			l.wrong("#%d is told %s", a.number, told(o))
		}
		if e != nil && e.last >= e.first && o.Position != l.w.stream(l.w.input[a.number].aggregate)[e.last-1].Position {
			l.wrong("#%d is told position %d", a.number, o.Position)
		}
	case engine.Unknown:
		if !errors.Is(o.Err, engine.ErrUnknown) || blamed(o.Err) == nil && !hasBrokenOff(o.Err) {
			l.wrong("#%d is told %s without a reason", a.number, told(o))
		}
	case engine.DeadLettered:
		l.judgeLetter(a, o)
	default:
		l.wrong("#%d is told %s", a.number, told(o))
	}
}

// judgeLetter checks that a command was dead-lettered for something that befell this command, in this life.
func (l *life) judgeLetter(a *admission, o engine.Outcome) {
	s := &l.w.input[a.number]
	parked, _ := errors.AsType[*pipeline.ParkedError](o.Err)
	switch m := blamed(o.Err); {
	case parked != nil:
		if behind := &l.w.input[commandNumbers[parked.Behind]]; behind.aggregate != s.aggregate || behind == s || !l.w.keeps {
			l.wrong("#%d is told %s", a.number, told(o))
		}
	case errors.Is(o.Err, engine.ErrTimeout):
		if !l.w.mayTimeOut() || l.calm {
			l.wrong("#%d is told %s", a.number, told(o))
		}
	case m != nil:
		l.judgeRetry(a, o.Err)
		if m.life != l.number || m.number != a.number && !(m.place == loading && m.number == s.aggregate) {
			l.wrong("#%d is told of another's misfortune: %s", a.number, told(o))
		}
	case errors.Is(o.Err, pipeline.ErrStopped):
		if !l.cutShort() {
			l.wrong("#%d is told %s by a pipeline that was not stopped", a.number, told(o))
		}
	case errors.Is(o.Err, engine.ErrClosed):
		if !l.session.closed.Load() && !l.cutShort() {
			l.wrong("#%d is told %s by a store that was not shut", a.number, told(o))
		}
		if l.way != chaining && !l.cutShort() {
			l.wrong("#%d is told %s, and the pipeline goes on to its end: %v", a.number, told(o), l.err)
		}
	case errors.Is(o.Err, engine.ErrConflict):
		if l.w.options.Conflicts == 1000 {
			l.wrong("#%d is told %s", a.number, told(o))
		}
	case errors.Is(o.Err, engine.ErrNoType) && !l.mended:
		if s.poison != types {
			l.wrong("#%d is told %s", a.number, told(o))
		}
	case strings.Contains(o.Err.Error(), "Goexit"):
		if !l.exited[a.number] {
			l.wrong("#%d is told %s, and did not", a.number, told(o))
		}
	default:
		l.wrong("#%d is told %s without a reason", a.number, told(o))
	}
}

// judgeSequence checks that what was stored in this life stands in the sequence in which it was sent. Of a command that
// was sent more than once, the admission counts that was told so; when none was, and more than one may have been it, none.
func (l *life) judgeSequence() {
	stored := map[int]*admission{}
	maybe := map[int][]*admission{}
	for _, a := range l.admissions {
		for _, o := range a.outcomes {
			switch {
			case o.Status == engine.Unknown || o.Repeated: // a lost reply, and then the answer
				maybe[a.number] = append(maybe[a.number], a)
			case !o.Repeated && o.Status != engine.DeadLettered:
				stored[a.number] = a
			}
		}
	}
	for n, candidates := range maybe {
		if e := l.w.effects[n]; e != nil && e.life == l.number && stored[n] == nil && len(candidates) == 1 {
			stored[n] = candidates[0]
		}
	}
	last := map[int]*admission{}
	for _, a := range l.admissions {
		if stored[a.number] != a {
			continue
		}
		at := l.w.input[a.number].aggregate
		if before := last[at]; before != nil && l.w.effects[before.number].last >= l.w.effects[a.number].first {
			l.wrong("#%d was sent after #%d and stored before it", a.number, before.number)
		}
		last[at] = a
	}
}

// judgeAttempts checks that no handler was called more often than it may be, and none again that had done its work.
func (w *world) judgeAttempts() {
	for at, tries := range w.tries {
		if at.place.isHandler() && (tries > w.blows[at]+1 || tries > w.options.Retry.Attempts) {
			w.wrong("%s was called %d times for #%d, and failed %d times", at.place, tries, at.number, w.blows[at])
		}
	}
}

// judgeRetry checks that nothing was given up that might have passed, before its attempts were spent. What is bounded by time
// is not looked at: it may have none for another attempt.
func (l *life) judgeRetry(a *admission, err error) {
	o := &l.w.options
	for _, m := range misfortunes(err, nil) {
		if !m.Temporary() {
			return
		}
	}
	bounded := o.HandlerTimeout > 0 || o.CommandTimeout > 0 || o.Retry.Total < max(time.Minute, 2*l.w.hang)
	if bounded || l.exited[a.number] || l.session.closed.Load() || l.cutShort() {
		return
	}
	blows := 0
	for at, n := range l.w.blows {
		if at.mayHit(a) {
			blows += n
		}
	}
	if blows < o.Retry.Attempts {
		l.wrong("#%d was given up after %d attempts of %d: %v", a.number, blows, o.Retry.Attempts, err)
	}
}

// mayHit tells whether what happened at a spot may have cost this command an attempt.
func (at spot) mayHit(a *admission) bool {
	switch {
	case at.place.isHandler():
		return at.number == a.number && at.time == a.time
	case at.time != a.l.number:
		return false
	case at.place == loading:
		return at.number == a.l.w.input[a.number].aggregate
	}
	return at.number == a.number || at.place == calling
}

// mayTimeOut tells whether anything is bounded by time.
func (w *world) mayTimeOut() bool {
	return w.options.HandlerTimeout >= 0 || w.options.CommandTimeout > 0
}

// cutShort tells whether the pipeline ended before its input: it was stopped, or it stopped reading by itself and says so. A
// chain says so to its log only.
func (l *life) cutShort() bool {
	if l.way == chaining && !l.calm && (l.w.keeps || l.w.mayTimeOut() || l.session.closed.Load()) {
		return true
	}
	return l.stopped.Load() > 0 || errors.Is(l.err, engine.ErrTimeout) || errors.Is(l.err, engine.ErrClosed) || isUnkept(l.err)
}

// isUnkept tells whether a pipeline stopped reading because its store would not take a dead letter.
func isUnkept(err error) bool {
	return err != nil && strings.Contains(err.Error(), "a dead letter cannot be kept")
}

// hasBrokenOff tells whether a store panicked, or ended its goroutine, instead of answering.
func hasBrokenOff(err error) bool {
	return strings.Contains(err.Error(), storePanics.String()) || strings.Contains(err.Error(), "the store ended its goroutine")
}
