package pipeline

import (
	"cmp"
	"errors"
	"slices"

	"github.com/orchestrix-go/orchestrix/engine"
)

// settlement gives every command of a turn its outcome, or another turn when it met a conflict or when the store may do
// better then. Outcomes are told by calling code of others, a command's Settled, which may end the goroutine: then the rest
// is done on its way out, so that it costs nobody's outcome.
type settlement struct {
	t         *turn
	next      int // number of the next result
	again     []*task
	conflicts bool
	failed    bool // what conflicts now does so because its chain broke
}

func (t *turn) settleEach() {
	s := settlement{t: t}
	s.run()
}

func (s *settlement) run() {
	defer func() {
		if s.next < len(s.t.results) {
			s.run()
		} else {
			s.end()
		}
	}()
	for s.next < len(s.t.results) {
		s.next++
		s.settle(s.next - 1)
	}
}

func (s *settlement) settle(i int) {
	t, l := s.t, s.t.lane
	task, r := t.decided[i], &t.results[i]
	switch {
	case r.Letter > 0:
		t.p.buried(task, t.batch.Appends[i].Letter, r.Letter)
	case r.Err == nil:
		if r.Duplicate {
			l.forget() // the state was folded with what this decision made, which is not what is stored
		}
		t.p.deliver(task, r)
	case errors.Is(r.Err, engine.ErrConflict) && task.err != nil:
		task.known()
		if t.p.letters != nil { // its chain broke
			s.again = append(s.again, task)
			return
		}
		t.p.deadLetter(task, task.err)
	case errors.Is(r.Err, engine.ErrConflict):
		task.known()
		l.forget()
		s.conflicts = s.conflicts || !s.failed
		s.again = append(s.again, task)
	case t.storeAgain(task, r.Err):
		l.forget()
		s.failed = true
		s.again = append(s.again, task)
	case task.err != nil:
		t.p.unkept(task, r.Err)
	default:
		l.forget()
		s.failed = true
		if t.refused(task, r.Err) {
			s.again = append(s.again, task)
		}
	}
}

// end says what becomes of the lane.
func (s *settlement) end() {
	t, l := s.t, s.t.lane
	if n := len(t.results) - len(t.failed); l.aggregate != nil && n > 0 && t.results[n-1].Last != l.version {
		l.forget() // a stateless append found another writer's events
	}
	if len(t.failed) > 0 { // they stood behind all others in the batch, not in the lane
		slices.SortFunc(s.again, func(a, b *task) int { return cmp.Compare(a.ticket, b.ticket) })
	}
	t.goOn(t.conflict(s.again, !s.conflicts || len(s.again) < len(t.results)))
}
