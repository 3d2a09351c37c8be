package pipeline_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// The same command in one batch, later, and after a restart: one effect, one answer.
func TestSameCommandAgain(t *testing.T) {
	for _, data := range []any{put{Amounts: []int{1, 2}}, note{}, mix{Amounts: []int{3}}} {
		t.Run(fmt.Sprintf("%T", data), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := memory.New()
				cmd := engine.NewCommand("a", data)
				b := newBelt(t, store, pipeline.Options{}).start()
				first, err := b.Do(t.Context(), fresh(cmd))
				require.NoError(t, err)
				later, err := b.Do(t.Context(), fresh(cmd))
				require.NoError(t, err)
				b.end()
				// More in one batch, behind each other, with other commands between.
				cmds := []*engine.Command{fresh(cmd), fresh(cmd), engine.NewCommand("a", put{Amounts: []int{1}}), fresh(cmd)}
				outcomes := newBelt(t, store, pipeline.Options{}).feed(cmds...)
				first.Repeated = true
				require.Equal(t, first, later)
				for _, i := range []int{0, 1, 3} {
					require.Equal(t, first, outcomes[i])
				}
				require.False(t, outcomes[2].Repeated)
				require.Equal(t, first.Last+1, outcomes[2].First)
				require.Len(t, stream(t, store, "a"), int(first.Last)+1)
				balanceOf(t, store, "a")
			})
		})
	}
}

// Duplicates in a batch spoil the state that the commands behind them were decided on: those are decided again.
func TestDuplicatesInABatchFollowedByNewCommands(t *testing.T) {
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 2))
		store := memory.New()
		var cmds []*engine.Command
		unique := 0
		for range 100 {
			if n := len(cmds); n > 0 && rng.IntN(3) == 0 {
				cmds = append(cmds, fresh(cmds[rng.IntN(n)]))
				continue
			}
			unique++
			cmds = append(cmds, engine.NewCommand("a", put{Amounts: []int{1}}))
		}
		b := newBelt(t, store, pipeline.Options{Batch: 1 + rng.IntN(100)})
		require.Equal(t, 100, statuses(b.feed(cmds...))[engine.Accepted], "seed %d", seed)
		require.Equal(t, unique, balanceOf(t, store, "a"), "seed %d", seed)
		require.Equal(t, unique, b.report.Events)
		require.Equal(t, 100-unique, b.report.Repeated)
	}
}

// One id for two aggregates is a mistake of the sender: the second is refused, and the belt goes on. Each has its outcome
// before the next one comes, for between aggregates no sequence is promised.
func TestOneIDForTwoAggregates(t *testing.T) {
	cmds := append(puts("a", 1), puts("b", 3)...)
	cmds[1].ID = cmds[0].ID
	b := newBelt(t, memory.New(), pipeline.Options{}).start()
	for i, cmd := range cmds {
		_, err := b.Do(t.Context(), cmd)
		if i == 1 {
			require.ErrorIs(t, err, engine.ErrReused)
		} else {
			require.NoError(t, err)
		}
	}
	require.Equal(t, 3, b.end().Accepted)
}

// A command that was accepted and comes again is told so, even when its handler would fail now.
func TestSameCommandAgainWhileItsHandlerFails(t *testing.T) {
	store := memory.New()
	cmd := engine.NewCommand("a", note{})
	newBelt(t, store, pipeline.Options{}).feed(cmd)
	again := fresh(cmd)
	again.Data = note{Fault: handlerFails} // what the handler calls is down now
	o := newBelt(t, store, pipeline.Options{}).feed(again)[0]
	require.True(t, o.Repeated)
}
