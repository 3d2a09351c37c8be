package pipeline_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// picky is a store that keeps dead letters, and refuses appends as a test wants it, nothing stored.
type picky struct {
	*memory.Store
	refuse func(a *engine.Append) error
}

func (p *picky) Append(ctx context.Context, batch []engine.Append) []engine.Result {
	results := make([]engine.Result, len(batch))
	for i := range batch {
		a := batch[i]
		broken := i > 0 && a.Broken(&results[i-1])
		if a.Chained = false; broken {
			results[i].Err = &engine.ConflictError{Aggregate: a.Aggregate, Expected: a.Expected}
		} else if results[i].Err = p.refuse(&a); results[i].Err == nil {
			results[i] = p.Store.Append(ctx, []engine.Append{a})[0]
		}
	}
	return results
}

// refuseOnce refuses the first append for a command.
func refuseOnce(id engine.ID, err error) func(a *engine.Append) error {
	refused := false
	return func(a *engine.Append) error {
		if refused || a.CommandID != id {
			return nil
		}
		refused = true
		return err
	}
}

// quickly is a policy with short pauses.
var quickly = pipeline.RetryPolicy{Attempts: 5, First: time.Millisecond, Most: time.Millisecond, Seed: 1}

// What stands ahead of a poisoned command is not stored at first: the letter must not park the aggregate before it is.
func TestParkedOnlyBehindWhatIsStored(t *testing.T) {
	virtually(t, func(t *testing.T) {
		cmds := doses("a", "a", 4, 2)
		store := &picky{memory.New(), refuseOnce(cmds[1].ID, errPasses)}
		options := parking(256)
		options.Retry = quickly
		outcomes := newBelt(t, store, options, &poison{}).feed(cmds...)
		require.NoError(t, outcomes[0].Failure())
		require.NoError(t, outcomes[1].Failure())
		require.Equal(t, []string{"parked a2", "waiting a3"}, letters(t, store))
	})
}

// A letter that the store refuses at first is not overtaken by the one that waits behind it.
func TestLettersAreNotOvertaken(t *testing.T) {
	virtually(t, func(t *testing.T) {
		cmds := doses("a", "a", 5, 0)
		store := &picky{memory.New(), refuseOnce(cmds[2].ID, errPasses)}
		options := parking(256)
		options.Retry = quickly
		newBelt(t, store, options, &poison{}).feed(cmds...)
		require.Equal(t, []string{"parked a0", "waiting a1", "waiting a2", "waiting a3", "waiting a4"}, letters(t, store))
	})
}

// Of two stateless commands the store loses the first, and the reply for the second. The first is attempted again, and must
// not come behind the second.
func TestLostAppendsAreNotOvertaken(t *testing.T) {
	virtually(t, func(t *testing.T) {
		cmds := []*engine.Command{engine.NewCommand("a", note{}), engine.NewCommand("a", note{})}
		store := &picky{Store: memory.New()}
		lost := map[engine.ID]bool{}
		store.refuse = func(a *engine.Append) error {
			if lost[a.CommandID] {
				return nil
			}
			lost[a.CommandID] = true
			if a.CommandID == cmds[1].ID {
				store.Store.Append(t.Context(), []engine.Append{*a})
			}
			return engine.ErrUnknown
		}
		outcomes := newBelt(t, store, pipeline.Options{Retry: quickly}).feed(cmds...)
		require.EqualValues(t, 1, outcomes[0].First)
		require.EqualValues(t, 3, outcomes[1].First)
	})
}

// A command that failed stands behind the others in its batch, and in its own place again when the batch meets a conflict.
func TestConflictsKeepTheLaneInSequence(t *testing.T) {
	virtually(t, func(t *testing.T) {
		fails := module(func(r *engine.Registry) {
			engine.OnCommand(r, "visit", "fails", func(context.Context, *engine.Command, visit) ([]any, error) { return nil, errBroken })
		})
		cmds := doses("a", "a", 4, 1)
		failing := engine.NewCommand("a", visit{})
		p := &poison{cured: true}
		conflict := refuseOnce(cmds[0].ID, &engine.ConflictError{Aggregate: "a"})
		store := &picky{memory.New(), func(a *engine.Append) error {
			err := conflict(a)
			p.cured = p.cured && err == nil // the second time the poison works
			return err
		}}
		options := parking(256)
		options.Retry, options.Policies = quickly, map[string]pipeline.Policy{"visit": pipeline.Skip}
		newBelt(t, store, options, p, fails).feed(cmds[0], cmds[1], failing, cmds[2], cmds[3])
		var kept []engine.ID
		for letter, err := range store.DeadLetters(t.Context(), 0) {
			require.NoError(t, err)
			kept = append(kept, letter.ID)
		}
		require.Equal(t, []engine.ID{cmds[1].ID, failing.ID, cmds[2].ID, cmds[3].ID}, kept)
	})
}

// What the store will not take for good is a dead letter like any other, and parks its aggregate if that is the policy.
func TestRefusedCommandsAreKept(t *testing.T) {
	always := func(id engine.ID, err error) func(a *engine.Append) error {
		return func(a *engine.Append) error {
			if a.CommandID == id && a.Letter == nil {
				return err
			}
			return nil
		}
	}
	for name, why := range map[string]error{
		"for good":    &engine.LimitError{What: "append", Why: "is too large"},
		"by conflict": &engine.ConflictError{Aggregate: "a"},
	} {
		t.Run(name, func(t *testing.T) {
			virtually(t, func(t *testing.T) {
				cmds := doses("a", "a", 3)
				store := &picky{memory.New(), always(cmds[1].ID, why)}
				options := parking(1)
				options.Conflicts = 1
				outcomes := newBelt(t, store, options, &poison{}).feed(cmds...)
				require.Equal(t, engine.DeadLettered, outcomes[1].Status)
				require.True(t, errors.Is(outcomes[1].Err, engine.ErrLimit) || errors.Is(outcomes[1].Err, engine.ErrConflict), outcomes[1].Err)
				require.ErrorIs(t, outcomes[2].Err, pipeline.ErrParked)
				require.Equal(t, []string{"parked a1", "waiting a2"}, letters(t, store))
			})
		})
	}
}

// An id that was used for another command can be no letter of this one. That is no reason to read no more.
func TestReusedIDsEndNothing(t *testing.T) {
	store := memory.New()
	first := doses("a", "a", 1)
	require.NoError(t, newBelt(t, store, pipeline.Options{}, &poison{}).feed(first...)[0].Failure())
	cmds := doses("b", "b", 2, 0)
	cmds[0].ID = first[0].ID
	outcomes := newBelt(t, store, pipeline.Options{}, &poison{}).feed(cmds...) // and it ends without an error
	require.ErrorIs(t, outcomes[0].Err, engine.ErrReused)
	require.ErrorIs(t, outcomes[0].Err, errBroken)
	require.NoError(t, outcomes[1].Failure())
	require.Empty(t, letters(t, store))
}
