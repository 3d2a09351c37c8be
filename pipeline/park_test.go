package pipeline_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// poison makes commands of one aggregate fail until it is cured.
type poison struct {
	cured   bool
	handled []string // commands by name, in the sequence in which they were decided
}

// dose is a command; a bad one fails while there is no cure.
type dose struct {
	Name string
	Bad  bool
}

// Register registers the decider alone, so that commands are decided in ticket sequence.
func (p *poison) Register(r *engine.Registry) {
	d := engine.NewDecider(r, "poison", func() int { return 0 })
	engine.Decide(d, "dose", func(_ context.Context, balance int, c dose) ([]any, error) {
		p.handled = append(p.handled, c.Name)
		if c.Bad && !p.cured {
			return nil, errBroken
		}
		return []any{added{Amount: 1, After: balance + 1}}, nil
	})
	engine.Evolve(d, "added", func(balance int, e added) int { return balance + e.Amount })
}

// doses are commands with names from a prefix and a number; those with the numbers in bad fail.
func doses(aggregate, prefix string, n int, bad ...int) []*engine.Command {
	cmds := make([]*engine.Command, n)
	for i := range cmds {
		d := dose{Name: fmt.Sprint(prefix, i)}
		for _, b := range bad {
			d.Bad = d.Bad || b == i
		}
		cmds[i] = engine.NewCommand(aggregate, d)
	}
	return cmds
}

func parking(batch int) pipeline.Options {
	return pipeline.Options{Policy: pipeline.Park, Batch: batch, Workers: 1}
}

// letters gives what the store keeps, as "state name" by number.
func letters(t *testing.T, store engine.DeadLetterStore) (all []string) {
	t.Helper()
	for letter, err := range store.DeadLetters(t.Context(), 0) {
		require.NoError(t, err)
		all = append(all, fmt.Sprintf("%s %v", letter.State, letter.Command.Data.(dose).Name))
	}
	return all
}

func TestSkipGoesOn(t *testing.T) {
	store, p := memory.New(), &poison{}
	outcomes := newBelt(t, store, pipeline.Options{}, p).feed(doses("a", "a", 4, 1)...)
	require.Equal(t, map[engine.Status]int{engine.Accepted: 3, engine.DeadLettered: 1}, statuses(outcomes))
	require.ErrorIs(t, outcomes[1].Err, errBroken)
	require.Equal(t, []string{"skipped a1"}, letters(t, store))
	for letter, err := range store.DeadLetters(t.Context(), 0) {
		require.NoError(t, err)
		require.Equal(t, "poison", letter.Handler)
		require.Equal(t, 1, letter.Attempts)
		require.False(t, letter.First.IsZero())
		require.ErrorContains(t, letter.Err, "broken")
	}
}

// A poisoned aggregate is parked: what comes behind waits durably, whatever the batch; other aggregates do not notice. The
// replay goes through in sequence once the cause is gone.
func TestParkAndReplay(t *testing.T) {
	for _, batch := range []int{1, 2, 256} {
		t.Run(fmt.Sprint("batch=", batch), func(t *testing.T) {
			store, p := memory.New(), &poison{}
			cmds := append(doses("a", "a", 5, 1, 3), doses("b", "b", 3)...)
			outcomes := newBelt(t, store, parking(batch), p).feed(cmds...)
			require.Equal(t, []string{"parked a1", "waiting a2", "waiting a3", "waiting a4"}, letters(t, store))
			require.ErrorIs(t, outcomes[1].Err, errBroken)
			for i, o := range outcomes[2:5] {
				parked, ok := errors.AsType[*pipeline.ParkedError](o.Err)
				require.True(t, ok, i)
				require.Equal(t, pipeline.ParkedError{Aggregate: "a", Behind: cmds[1].ID}, *parked)
				require.ErrorIs(t, o.Failure(), pipeline.ErrParked)
			}
			require.Equal(t, 4, statuses(outcomes)[engine.Accepted])
			require.NotContains(t, p.handled, "a2", "what waits is not handled")

			// A later run, of a new pipeline, adds behind; nothing gets past.
			newBelt(t, store, parking(batch), p).feed(doses("a", "late", 2)...)
			require.Len(t, letters(t, store), 6)

			// The replay fails at the same place while nothing is cured, and keeps the sequence.
			before := letters(t, store)
			replay(t, store, batch, p)
			require.Equal(t, before, letters(t, store))
			head, parked := store.ParkedBehind("a")
			require.True(t, parked)
			letter, _, err := store.DeadLetter(t.Context(), head)
			require.NoError(t, err)
			require.EqualValues(t, cmds[1].ID, letter.ID)

			p.cured, p.handled = true, nil
			replay(t, store, batch, p)
			require.Equal(t, []string{"a1", "a2", "a3", "a4", "late0", "late1"}, p.handled)
			require.Empty(t, letters(t, store))
			require.Equal(t, 7, balanceOf(t, store, "a"))
			_, parked = store.ParkedBehind("a")
			require.False(t, parked)
		})
	}
}

// replay feeds every letter through a new pipeline.
func replay(t *testing.T, store engine.DeadLetterStore, batch int, p *poison) {
	t.Helper()
	b := newBelt(t, store, parking(batch), p)
	_, err := b.Run(t.Context(), sources.Slice(lettered(t, store)))
	require.NoError(t, err)
}

// lettered are the commands of the letters, as a source of dead letters gives them.
func lettered(t *testing.T, store engine.DeadLetterStore) (cmds []*engine.Command) {
	t.Helper()
	for letter, err := range store.DeadLetters(t.Context(), 0) {
		require.NoError(t, err)
		cmds = append(cmds, fresh(letter.Command))
	}
	return cmds
}

// Where some types park and others skip, a letter that was skipped may stand ahead of one that parks. The replay brings it
// behind those that wait, so that one replay moves them all.
func TestReplayOfMixedPolicies(t *testing.T) {
	for _, batch := range []int{1, 256} {
		store, p := memory.New(), &poison{}
		skips := newBelt(t, store, pipeline.Options{Batch: batch}, p)
		skips.feed(doses("a", "skipped", 1, 0)...)
		newBelt(t, store, parking(batch), p).feed(doses("a", "a", 3, 0)...)
		before := []string{"skipped skipped0", "parked a0", "waiting a1", "waiting a2"}
		require.Equal(t, before, letters(t, store))

		p.cured, p.handled = true, nil
		b := newBelt(t, store, pipeline.Options{Batch: batch}, p)
		_, err := b.Run(t.Context(), sources.DeadLetters(store, sources.LetterFilter{}))
		require.NoError(t, err)
		require.Equal(t, []string{"a0", "a1", "a2", "skipped0"}, p.handled)
		require.Empty(t, letters(t, store))
	}
}

// The source sends everything again, as after a crash: what is parked stays where it is, and what was stored is answered.
func TestParkedAndSentAgain(t *testing.T) {
	store, p := memory.New(), &poison{}
	cmds := doses("a", "a", 4, 1)
	newBelt(t, store, parking(2), p).feed(cmds...)
	before := letters(t, store)
	again := make([]*engine.Command, len(cmds))
	for i, cmd := range cmds {
		again[i] = fresh(cmd)
	}
	outcomes := newBelt(t, store, parking(2), p).feed(again...)
	require.True(t, outcomes[0].Repeated)
	require.Equal(t, before, letters(t, store))

	p.cured = true
	for i, cmd := range cmds {
		again[i] = fresh(cmd)
	}
	outcomes = newBelt(t, store, parking(2), p).feed(again...)
	require.Equal(t, 4, statuses(outcomes)[engine.Accepted])
	require.Empty(t, letters(t, store))
	require.Equal(t, 4, balanceOf(t, store, "a"))
}

// A policy can be given to one type of command.
func TestPolicyOfAType(t *testing.T) {
	store, p := memory.New(), &poison{}
	options := pipeline.Options{Policies: map[string]pipeline.Policy{"dose": pipeline.Park}}
	cmds := []*engine.Command{
		engine.NewCommand("a", note{Fault: handlerFails}), engine.NewCommand("a", note{}),
		engine.NewCommand("a", dose{Bad: true}), engine.NewCommand("a", note{}),
	}
	outcomes := newBelt(t, store, options, p).feed(cmds...)
	require.ErrorIs(t, outcomes[0].Err, errBroken)
	require.NoError(t, outcomes[1].Failure())
	require.ErrorIs(t, outcomes[2].Err, errBroken)
	require.ErrorIs(t, outcomes[3].Err, pipeline.ErrParked)
}

// What cannot be read becomes a letter too, and parks no aggregate that it does not name.
func TestUnreadableLetters(t *testing.T) {
	store := memory.New()
	broken := &engine.Command{Message: engine.Message{Data: engine.Raw("{")}, Defect: errBroken, Origin: "x.jsonl:3"}
	again, unnamed := *broken, engine.NewCommand("", note{})
	outcomes := newBelt(t, store, pipeline.Options{Policy: pipeline.Park}).feed(
		broken, unnamed, engine.NewCommand("a", note{}), &again)
	require.Equal(t, map[engine.Status]int{engine.DeadLettered: 3, engine.Accepted: 1}, statuses(outcomes))
	n, parked := store.CountDeadLetters()
	require.Equal(t, 2, n, "the same line again is the same letter")
	require.Zero(t, parked)
}

// A letter that the store does not take is no reason to lose the command, or to go on.
func TestLettersAreFull(t *testing.T) {
	inner := memory.New()
	store := letterless{inner}
	var got []engine.ID
	cmds := doses("a", "a", 2, 0)
	options := parking(1)
	options.DeadLetters = sinks.Func(func(letter *engine.DeadLetter) error {
		got = append(got, letter.Command.ID)
		return nil
	})
	b := newBelt(t, store, options, &poison{})
	outcomes := watch(cmds...)
	_, err := b.Run(t.Context(), sources.Slice(cmds))
	require.ErrorIs(t, err, engine.ErrLimit)
	require.ErrorContains(t, err, "a dead letter cannot be kept")
	require.ErrorIs(t, outcomes()[0].Err, errBroken)
	require.Contains(t, got, cmds[0].ID)
}

// letterless is a store that is full of letters.
type letterless struct{ *memory.Store }

func (s letterless) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	results := s.Store.Append(ctx, batch)
	for i := range batch {
		if batch[i].Letter != nil {
			results[i] = engine.Result{Err: &engine.LimitError{What: "dead letters", Why: "are too many"}}
		}
	}
	return results
}

func TestPolicyFaults(t *testing.T) {
	_, err := pipeline.New(engine.NewRegistry(account{}), newBelt(t, storeFuncs{Store: memory.New()}, pipeline.Options{}).sink,
		pipeline.Options{Policy: pipeline.Park, Policies: map[string]pipeline.Policy{"nope": 7}})
	for _, want := range []string{
		`Options.Policy is Park, and the store "memory" keeps no dead letters`, `Options.Policies["nope"] is 7`, `"nope"`,
	} {
		require.ErrorContains(t, err, want)
	}
}
