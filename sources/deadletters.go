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
// it, and so does the first that is Waiting when the one that it waited for is gone. One that is Skipped and whose aggregate is
// parked comes last of all: run ahead of the others, it would have to wait for them and keep them from their turn. It reads as
// the store does, in bounded memory but for the names of the aggregates that are parked and the ids of those that come last.
func (f *LetterFilter) Select(ctx context.Context, store engine.DeadLetterStore) iter.Seq2[engine.DeadLetter, error] {
	return func(yield func(engine.DeadLetter, error) bool) {
		var last []engine.ID
		given := map[string]bool{} // aggregates of which there is a letter that others wait for: whether it was given
		for letter, err := range store.DeadLetters(ctx, 0) {
			switch {
			case err != nil:
				yield(letter, err)
				return
			case !f.selects(&letter, given):
				continue
			case letter.State == engine.Skipped:
				if _, parked := store.ParkedBehind(letter.Command.Subject); parked {
					last = append(last, letter.ID)
					continue
				}
			}
			if !yield(letter, nil) {
				return
			}
		}
		for _, id := range last {
			letter, found, err := store.DeadLetter(ctx, id)
			if (found || err != nil) && !yield(letter, err) || err != nil {
				return
			}
		}
	}
}

// selects tells whether a letter is meant, or brought along by one that was given. It remembers whether those that others
// wait for are.
func (f *LetterFilter) selects(letter *engine.DeadLetter, given map[string]bool) bool {
	aggregate := letter.Command.Subject
	before, waits := given[aggregate]
	waits = waits && letter.State == engine.Waiting
	selected := f.Fits(letter) || waits && before
	if letter.State != engine.Skipped && !waits {
		given[aggregate] = before || selected
	}
	return selected
}

// A LetterSource is a Source that also tells how many letters it passed over.
type LetterSource struct {
	*Source
	passed atomic.Int64
}

// PassedOver is how many letters so far were meant and have no command that could be read: only an edit helps them.
func (s *LetterSource) PassedOver() int { return int(s.passed.Load()) }

// DeadLetters is the source of the commands of dead letters, in the sequence of [LetterFilter.Select]: that in which they were
// first kept, but for skipped ones of an aggregate that is parked. A replay is nothing else. It gives those that are there when
// it starts, so that one that fails again is not given twice, and ends. A letter that is Parked, or that stands in the place
// of such a one, brings along those that are Waiting behind it. See [LetterFilter] for which letters are meant.
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
