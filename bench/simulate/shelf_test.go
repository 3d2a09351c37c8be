package simulate

import (
	"context"
	"iter"

	"github.com/orchestrix-go/orchestrix/engine"
)

// shelf is a session with a store that keeps dead letters beside the events.
type shelf struct{ *session }

var _ engine.DeadLetterStore = shelf{}

func (s shelf) DeadLetters(ctx context.Context, after uint64) iter.Seq2[engine.DeadLetter, error] {
	return s.l.w.store.DeadLetters(ctx, after)
}

func (s shelf) DeadLetter(ctx context.Context, id engine.ID) (engine.DeadLetter, bool, error) {
	return s.l.w.store.DeadLetter(ctx, id)
}

func (s shelf) CountDeadLetters() (letters, parked int) { return s.l.w.store.CountDeadLetters() }

func (s shelf) ParkedBehind(aggregate string) (engine.ID, bool) {
	return s.l.w.store.ParkedBehind(aggregate)
}

func (s shelf) DropDeadLetters(ctx context.Context, ids ...engine.ID) (int, error) {
	return s.l.w.store.DropDeadLetters(ctx, ids...)
}

func (s shelf) EditDeadLetter(ctx context.Context, letter engine.ID, command *engine.Command) error {
	return s.l.w.store.EditDeadLetter(ctx, letter, command)
}

// shelved gives the commands whose dead letters the store keeps, in number sequence.
func (w *world) shelved() []int {
	var numbers []int
	for letter, err := range w.store.DeadLetters(context.Background(), 0) {
		if err != nil {
			w.wrong("dead letters: %v", err)
		}
		numbers = append(numbers, commandNumbers[letter.ID])
	}
	return numbers
}

// mayStore checks that nothing is stored of an aggregate that is parked, but what it is parked behind. Another pipeline
// that hangs in the store may park it at any moment; then nobody can tell.
func (s *session) mayStore(number int, a *engine.Append) {
	w := s.l.w
	if !w.keeps || a.Letter != nil || a.Expected == engine.Never {
		return
	}
	behind, parked := w.store.ParkedBehind(a.Aggregate)
	if parked && behind != a.CommandID && w.writers.Load() == 1 {
		w.wrong("life %d stores #%d, though its aggregate is parked behind #%d", s.l.number, number, commandNumbers[behind])
	}
}

// judgeShelf checks that no command is both stored and a dead letter, and that none is left on the shelf in the end.
func (w *world) judgeShelf() {
	if !w.keeps {
		return
	}
	for _, n := range w.shelved() {
		if w.effects[n] != nil {
			w.wrong("#%d is stored, and a dead letter too", n)
		}
	}
	if letters, parked := w.store.CountDeadLetters(); letters > 0 || parked > 0 {
		w.wrong("%d dead letters are left, and %d aggregates parked: %v", letters, parked, w.shelved())
	}
}

// judgeParked checks that the commands which had to wait in this life are kept in the sequence in which they were sent.
func (l *life) judgeParked() {
	last := map[int]uint64{}
	for _, a := range l.admissions {
		if !a.waits || a.kept <= l.keptBefore {
			continue
		}
		at := l.w.input[a.number].aggregate
		if a.kept < last[at] {
			l.wrong("#%d waits at %d, and what was sent before it at %d", a.number, a.kept, last[at])
		}
		last[at] = a.kept
	}
}
