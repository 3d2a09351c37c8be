package pipeline_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// A command without a decider that the store will not take parks its aggregate: those of its batch wait behind it as those
// of any other do.
func TestRefusedWithoutADeciderIsNotOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		handles := module(func(r *engine.Registry) {
			engine.OnCommand(r, "visit", "sees", func(context.Context, *engine.Command, visit) ([]any, error) { return []any{seen{"x"}}, nil })
		})
		var cmds []*engine.Command
		for range 4 {
			cmds = append(cmds, engine.NewCommand("a", visit{}))
		}
		store := &picky{memory.New(), func(a *engine.Append) error {
			if a.CommandID == cmds[1].ID && a.Letter == nil {
				return &engine.LimitError{What: "append", Why: "is too large"}
			}
			return nil
		}}
		outcomes := newBelt(t, store, parking(256), handles).feed(cmds...)
		require.NoError(t, outcomes[0].Failure())
		require.ErrorIs(t, outcomes[1].Err, engine.ErrLimit)
		require.ErrorIs(t, outcomes[2].Err, pipeline.ErrParked)
		require.ErrorIs(t, outcomes[3].Err, pipeline.ErrParked)
	})
}

// A decider that is attempted again takes a place as it did the first time.
func TestConcurrencyLimitOfRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		m := module(func(r *engine.Registry) {
			d := engine.NewDecider(r, "slow", func() int { return 0 })
			engine.Decide(d, "visit", func(ctx context.Context, _ int, c visit) ([]any, error) {
				n := now.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				time.Sleep(time.Second)
				now.Add(-1)
				return nil, errPasses
			})
		})
		var cmds []*engine.Command
		for i := range 8 {
			cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", i), visit{}))
		}
		b := newBelt(t, memory.New(), pipeline.Options{Retry: quickly, Limits: []pipeline.Limit{{Concurrency: 2}}}, m)
		b.feed(cmds...)
		require.Equal(t, int64(2), most.Load())
	})
}

// A store that answers every append as if it were a dead letter is not believed.
func TestAnswersThatAreNone(t *testing.T) {
	store := storeFuncs{Store: memory.New(), append: func(_ context.Context, batch []engine.Append) []engine.Result {
		rs := make([]engine.Result, len(batch))
		for i := range rs {
			rs[i].Letter = 7
		}
		return rs
	}}
	outcomes := newBelt(t, store, pipeline.Options{Retry: once}, module(func(r *engine.Registry) {
		engine.OnCommand(r, "visit", "sees", func(context.Context, *engine.Command, visit) ([]any, error) { return []any{seen{"x"}}, nil })
	})).feed(engine.NewCommand("a", visit{}))
	require.Equal(t, engine.Unknown, outcomes[0].Status)
}
