package sources_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// letter makes the dead letter of a new command and what keeps it.
func letter(aggregate, handler, reason string, state engine.LetterState) engine.Append {
	cmd := engine.NewCommand(aggregate, engine.Raw(`{}`))
	cmd.Type, cmd.Settled = "order.create", func(engine.Outcome) { panic("the letter's") }
	l := engine.NewDeadLetter(cmd, &engine.HandlerError{Type: cmd.Type, ID: cmd.ID, Handler: handler, Err: errors.New(reason)})
	l.State = state
	return engine.Append{Aggregate: aggregate, CommandID: cmd.ID, Expected: engine.Never, Letter: l}
}

func unreadable(text string) engine.Append {
	return engine.Append{Expected: engine.Never, Letter: engine.NewDeadLetter(&engine.Command{
		Message: engine.Message{Data: engine.Raw(text)}, Defect: errors.New("not JSON"),
	}, errors.New("not JSON"))}
}

func keep(t *testing.T, store engine.Store, batch ...engine.Append) {
	t.Helper()
	for _, result := range store.Append(t.Context(), batch) {
		require.NoError(t, result.Err)
		require.NotZero(t, result.Letter)
	}
}

// readLetters reads a source by Feed.
func readLetters(t *testing.T, source engine.Feeder) (cmds []*engine.Command) {
	t.Helper()
	require.NoError(t, source.Feed(t.Context(), func(batch []*engine.Command) error {
		cmds = append(cmds, batch...)
		return nil
	}))
	return cmds
}

// What was skipped of an aggregate that is parked comes behind all that is parked or waits, and other letters in their place.
func TestSkippedOfAParkedAggregateComesLast(t *testing.T) {
	store := memory.New()
	batch := []engine.Append{
		letter("a", "mail", "0", engine.Skipped), letter("b", "mail", "1", engine.Skipped), letter("a", "mail", "2", engine.Skipped),
		letter("a", "mail", "3", engine.Parked), letter("a", "", "4", engine.Waiting), letter("b", "mail", "5", engine.Skipped),
	}
	keep(t, store, batch...)
	var got []int
	for letter, err := range (&sources.LetterFilter{}).Select(t.Context(), store) {
		require.NoError(t, err)
		got = append(got, int(letter.Number)-1)
	}
	require.Equal(t, []int{1, 3, 4, 5, 0, 2}, got)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ended error
	for letter, err := range (&sources.LetterFilter{}).Select(ctx, store) {
		if ended = err; letter.Number == 1 { // the first of the last two
			cancel()
		}
	}
	require.ErrorIs(t, ended, context.Canceled)
}

func TestDeadLettersFilters(t *testing.T) {
	store := memory.New()
	batch := []engine.Append{
		letter("a", "mail", "no answer", engine.Skipped),
		letter("b", "mail", "no stock", engine.Parked),
		unreadable("{half"),
		letter("b", "", "parked", engine.Waiting),
		letter("c", "stock", "no stock", engine.Parked),
		letter("a", "stock", "no answer", engine.Skipped),
		letter("c", "", "parked", engine.Waiting),
		letter("d", "", "parked", engine.Waiting), // the one that it waited for was dropped
		letter("d", "", "parked", engine.Waiting),
	}
	keep(t, store, batch...)
	id := func(i int) engine.ID { return batch[i].CommandID }
	for name, c := range map[string]struct {
		filter sources.LetterFilter
		want   []int
		passed int
	}{
		"all":              {sources.LetterFilter{}, []int{0, 1, 3, 4, 5, 6, 7, 8}, 1},
		"by id":            {sources.LetterFilter{IDs: []engine.ID{id(5), engine.NewID(), id(0)}}, []int{0, 5}, 0},
		"one that waits":   {sources.LetterFilter{IDs: []engine.ID{id(3)}}, []int{3}, 0},
		"by id, with what": {sources.LetterFilter{IDs: []engine.ID{id(1)}}, []int{1, 3}, 0},
		"the first left":   {sources.LetterFilter{IDs: []engine.ID{id(7)}}, []int{7, 8}, 0},
		"by aggregate":     {sources.LetterFilter{Aggregate: "a"}, []int{0, 5}, 0},
		"by reason":        {sources.LetterFilter{Reason: "no stock"}, []int{1, 3, 4, 6}, 0},
		"by handler":       {sources.LetterFilter{Handler: "mail"}, []int{0, 1, 3}, 0},
		"by state":         {sources.LetterFilter{States: []engine.LetterState{engine.Waiting}}, []int{3, 6, 7, 8}, 0},
		"all of it":        {sources.LetterFilter{Aggregate: "a", Handler: "mail", Reason: "answer"}, []int{0}, 0},
		"none":             {sources.LetterFilter{Aggregate: "z"}, nil, 0},
		"unreadable":       {sources.LetterFilter{Reason: "JSON"}, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			source := sources.DeadLetters(store, c.filter)
			var got []engine.ID
			for _, cmd := range readLetters(t, source) {
				require.Nil(t, cmd.Settled)
				got = append(got, cmd.ID)
			}
			var want []engine.ID
			for _, i := range c.want {
				want = append(want, id(i))
			}
			require.Equal(t, want, got)
			require.Equal(t, c.passed, source.PassedOver())
		})
	}
}

// Letters that are kept while the source is read are for another one, the same letter again among them.
func TestDeadLettersAreGivenOnce(t *testing.T) {
	store := memory.New()
	for i := range 1000 {
		keep(t, store, letter(fmt.Sprint("a", i), "mail", "no", engine.Skipped))
	}
	n := 0
	require.NoError(t, sources.DeadLetters(store, sources.LetterFilter{}).Feed(t.Context(), func(batch []*engine.Command) error {
		for _, cmd := range batch {
			n++
			again := letter(cmd.Subject, "mail", "again", engine.Skipped)
			again.CommandID, again.Letter.ID, again.Letter.Command = cmd.ID, cmd.ID, cmd
			keep(t, store, again, letter("late", "mail", "no", engine.Skipped))
		}
		return nil
	}))
	require.Equal(t, 1000, n)
}

// As a stream it is a source like any other, and what is wrong with the store is what ended it.
func TestDeadLettersOut(t *testing.T) {
	store := memory.New()
	keep(t, store, letter("a", "mail", "no", engine.Skipped), unreadable("x"), letter("b", "mail", "no", engine.Skipped))
	source := sources.DeadLetters(store, sources.LetterFilter{})
	n := 0
	for element := range source.Out() {
		require.IsType(t, &engine.Command{}, element)
		n++
	}
	require.Equal(t, 2, n)
	require.NoError(t, source.Err())
	require.ErrorIs(t, source.Feed(t.Context(), nil), sources.ErrUsed)

	require.NoError(t, store.Close())
	err := sources.DeadLetters(store, sources.LetterFilter{}).Feed(t.Context(), func([]*engine.Command) error { return nil })
	require.ErrorIs(t, err, engine.ErrClosed)
}

// endless is a store whose letters never end.
type endless struct{ engine.DeadLetterStore }

func (endless) DeadLetters(ctx context.Context, _ uint64) iter.Seq2[engine.DeadLetter, error] {
	return func(yield func(engine.DeadLetter, error) bool) {
		for ctx.Err() == nil && yield(*letter("a", "mail", "no", engine.Skipped).Letter, nil) {
		}
	}
}

func (endless) ParkedBehind(string) (engine.ID, bool) { return engine.ID{}, false }

func TestDeadLettersEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	require.NoError(t, sources.DeadLetters(endless{}, sources.LetterFilter{}).Feed(ctx, func(batch []*engine.Command) error {
		if n += len(batch); n > 1000 {
			cancel()
		}
		return nil
	}))
	require.Error(t, ctx.Err())
}
