package pipeline_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// What an attempt takes counts too: none begins when the time is over.
func TestSlowAttemptsSpendTheTime(t *testing.T) {
	virtually(t, func(t *testing.T) {
		calls := 0
		slow := module(func(r *engine.Registry) {
			engine.OnCommand(r, "visit", "slow", func(context.Context, *engine.Command, visit) ([]any, error) {
				calls++
				time.Sleep(20 * time.Millisecond)
				return nil, errPasses
			})
		})
		retry := pipeline.RetryPolicy{Attempts: 1000, First: time.Nanosecond, Most: time.Nanosecond, Total: 50 * time.Millisecond}
		outcomes := newBelt(t, memory.New(), pipeline.Options{Retry: retry}, slow).feed(engine.NewCommand("a", visit{"x"}))
		require.Equal(t, engine.DeadLettered, outcomes[0].Status)
		require.LessOrEqual(t, calls, 3, "begun at 0, 20 and 40 ms")
		require.Positive(t, calls)
	})
}

// Another attempt whose time has passed while a decider held the only worker up is none.
func TestAttemptsThatHaveToWaitSpendTheTime(t *testing.T) {
	if raceDetector {
		t.Skip("lanes rest: see raceDetector")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // workers that run at once
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		failing := module(func(r *engine.Registry) {
			engine.OnCommand(r, "visit", "slow", func(context.Context, *engine.Command, visit) ([]any, error) {
				calls++
				return nil, errPasses
			})
		})
		retry := pipeline.RetryPolicy{First: 2 * time.Millisecond, Total: 5 * time.Millisecond, Seed: 1}
		b := newBelt(t, memory.New(), pipeline.Options{Retry: retry}, failing, lingering(&crowd{in: map[string]int{}})).start()
		cmd := engine.NewCommand("a", visit{"x"})
		cmd.ID = engine.ID{1} // so that it rests for more than the microsecond below
		receipt, err := b.Send(t.Context(), cmd)
		require.NoError(t, err)
		time.Sleep(time.Microsecond)
		_, err = b.Send(t.Context(), engine.NewCommand("b", linger{Lane: "b", Decide: time.Second}))
		require.NoError(t, err)
		o, err := receipt.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, engine.DeadLettered, o.Status)
		require.ErrorIs(t, o.Err, errPasses)
		require.Equal(t, 1, calls)
		b.end()
	})
}
