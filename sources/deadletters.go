package sources

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/reugn/go-streams"

	"github.com/orchestrix-go/orchestrix/engine"
)

var (
	_ streams.Source = (*LetterSource)(nil)
	_ engine.Feeder  = (*LetterSource)(nil)
	_ engine.Starter = (*LetterSource)(nil)
)

// A LetterFilter says which dead letters are meant: those that fit everything that is set. The zero filter means all.
type LetterFilter struct {
	IDs       []engine.ID          // one of these
	Aggregate string               // of this aggregate
	Reason    string               // this text is somewhere in the reason
	Handler   string               // this handler or decider failed
	States    []engine.LetterState // in one of these states
}

// Fits tells whether a letter is meant.
func (f *LetterFilter) Fits(letter *engine.DeadLetter) bool {
	return (len(f.IDs) == 0 || slices.Contains(f.IDs, letter.ID)) &&
		(f.Aggregate == "" || letter.Command.Subject == f.Aggregate) &&
		(f.Reason == "" || strings.Contains(letter.Reason(), f.Reason)) &&
		(f.Handler == "" || letter.Handler == f.Handler) &&
		(len(f.States) == 0 || slices.Contains(f.States, letter.State))
}

// Select reads the letters that are meant, in number sequence. One that is Parked brings along those that are Waiting behind
// it, and so does the first that is Waiting when the one that it waited for is gone. It reads as the store does, in bounded
// memory but for the names of the aggregates that are parked.
func (f *LetterFilter) Select(ctx context.Context, store engine.DeadLetterStore) iter.Seq2[engine.DeadLetter, error] {
	return func(yield func(engine.DeadLetter, error) bool) {
		freed := map[string]bool{} // aggregates of which there is a letter that others wait for: whether one was given
		for letter, err := range store.DeadLetters(ctx, 0) {
			if err != nil {
				yield(letter, err)
				return
			}
			aggregate := letter.Command.Subject
			before, waits := freed[aggregate]
			waits = waits && letter.State == engine.Waiting
			given := f.Fits(&letter) || waits && before
			if letter.State != engine.Skipped && !waits {
				freed[aggregate] = before || given
			}
			if given && !yield(letter, nil) {
				return
			}
		}
	}
}

// A LetterSource is a Source that also tells how many letters it passed over.
type LetterSource struct {
	*Source
	passed atomic.Int64
}

// PassedOver is how many letters so far were meant and have no command that could be read: only an edit helps them.
func (s *LetterSource) PassedOver() int { return int(s.passed.Load()) }

// DeadLetters is the source of the commands of dead letters, in the sequence in which those were first kept: a replay is
// nothing else. It gives those that are there when it starts, so that one that fails again is not given twice, and ends. A
// letter that is Parked, or that stands in the place of such a one, brings along those that are Waiting behind it. See
// [LetterFilter] for which letters are meant.
//
// It takes nothing out of the store: a letter goes when its command is stored. A pipeline may replay letters of the store
// that it appends to.
func DeadLetters(store engine.DeadLetterStore, filter LetterFilter) *LetterSource {
	s := &LetterSource{}
	s.Source = newSource(ahead{fill: func(ctx context.Context, put func(any, int) bool) error {
		for letter, err := range filter.Select(ctx, store) {
			if err != nil {
				return err
			}
			cmd := letter.Command
			if cmd.Defect != nil {
				s.passed.Add(1)
				continue
			}
			weight := 0
			if raw, ok := cmd.Data.(engine.Raw); ok {
				weight = len(raw)
			}
			twin := *cmd // whoever gets it may set Settled
			if !put(&twin, weight) {
				return nil
			}
		}
		return nil
	}}.produce)
	return s
}
