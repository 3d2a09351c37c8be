package pipeline_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
)

// freed is how long code that waits unforeseen may hold up others: twice the time after which the lookout calls it stalled.
const freed = 10 * time.Millisecond

// step is a command whose handlers do what the test says, when Go is set, and otherwise nothing that takes time.
type step struct{ Go bool }

// steps registers n handlers for step. Do is what handler i does in a command that has Go.
func steps(n int, do func(ctx context.Context, i int) error) module {
	return func(r *engine.Registry) {
		for i := range n {
			name := fmt.Sprint("step", i)
			engine.OnCommand(r, "step", name, func(ctx context.Context, _ *engine.Command, s step) ([]any, error) {
				var err error
				if s.Go {
					err = do(ctx, i)
				}
				return []any{seen{name}}, err
			})
		}
	}
}

// many makes n commands with one payload, spread over so many aggregates in turn.
func many(n, aggregates int, data any) []*engine.Command {
	cmds := make([]*engine.Command, n)
	for i := range cmds {
		cmds[i] = engine.NewCommand(fmt.Sprint("a", i%aggregates), data)
	}
	return cmds
}

// inWaves runs the belt, in a bubble, over waves of commands. Each is admitted as a whole, when all before it have their
// outcomes. It tells how long each command of the last wave took.
func (b *belt) inWaves(waves ...[]*engine.Command) (took []time.Duration) {
	b.t.Helper()
	took = b.tryWaves(waves...)
	require.NoError(b.t, b.err)
	return took
}

// tryWaves is inWaves for a run that may end with an error.
func (b *belt) tryWaves(waves ...[]*engine.Command) (took []time.Duration) {
	source := feeder{feed: func(_ context.Context, emit func([]*engine.Command) error) error {
		for _, wave := range waves {
			var settled sync.WaitGroup
			settled.Add(len(wave))
			times, begin := make([]time.Duration, len(wave)), time.Now()
			for i, cmd := range wave {
				watched := cmd.Settled
				cmd.Settled = func(o engine.Outcome) {
					times[i] = time.Since(begin)
					if watched != nil {
						watched(o)
					}
					settled.Done()
				}
			}
			if err := emit(wave); err != nil {
				return err
			}
			settled.Wait()
			synctest.Wait() // the lanes are let go too
			took = times
		}
		return nil
	}}
	b.report, b.err = b.Run(context.Background(), source)
	return took
}

// Handlers that were quick run one after another; when they begin to wait they overlap all the same.
func TestQuickHandlersThatBeginToWait(t *testing.T) {
	aSecond := func(ctx context.Context, _ int) error { return wait(ctx, time.Second) }
	for _, workers := range []int{1, 64} {
		synctest.Test(t, func(t *testing.T) {
			b := newBelt(t, memory.New(), pipeline.Options{Workers: workers}, steps(5, aSecond))
			took := b.inWaves(many(1000, 10, step{}), many(1, 1, step{Go: true}))
			require.Greater(t, took[0], time.Second, "not learned as quick: this test shows nothing")
			require.LessOrEqual(t, took[0], time.Second+freed)
		})
		synctest.Test(t, func(t *testing.T) {
			b := newBelt(t, memory.New(), pipeline.Options{Workers: workers}, steps(5, aSecond))
			took := b.inWaves(many(1000, 10, step{}), many(1, 1, step{Go: true}), many(1, 1, step{Go: true}))
			require.Equal(t, time.Second, took[0], "what has waited once is known to wait")
		})
	}
}

// The same for a whole batch of one aggregate's commands: none stands behind another.
func TestQuickBatchThatBeginsToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{}, steps(2, func(ctx context.Context, _ int) error {
			return wait(ctx, time.Second)
		}))
		for _, took := range b.inWaves(many(1000, 10, step{}), many(256, 1, step{Go: true})) {
			require.Greater(t, took, time.Second, "not learned as quick: this test shows nothing")
			require.LessOrEqual(t, took, time.Second+freed)
		}
		require.Equal(t, 1256, b.report.Accepted)
	})
}

// Waits that are each too short for the lookout to see add up: they must not stand one behind another either, whether in one
// batch or in many lanes.
func TestQuickHandlersThatBeginToWaitABit(t *testing.T) {
	for name, lanes := range map[string]int{"one lane": 1, "many lanes": 250} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBelt(t, memory.New(), pipeline.Options{Workers: 250}, steps(5, func(ctx context.Context, _ int) error {
					return wait(ctx, time.Millisecond)
				}))
				for _, took := range b.inWaves(many(1000, 10, step{}), many(1000, 10, step{}), many(250, lanes, step{Go: true})) {
					require.LessOrEqual(t, took, 2*freed)
				}
				require.Equal(t, 2250, b.report.Accepted)
			})
		})
	}
}

// Handlers of one command may wait for each other, also when they were quick before: all of them run at once.
func TestQuickHandlersThatBeginToMeet(t *testing.T) {
	for _, workers := range []int{1, 2, 64} {
		synctest.Test(t, func(t *testing.T) {
			b := newBelt(t, memory.New(), pipeline.Options{Workers: workers}, steps(5, meeting(5)))
			took := b.inWaves(many(1000, 10, step{}), many(1, 1, step{Go: true}))
			require.Equal(t, 1001, b.report.Accepted)
			require.Positive(t, took[0], "not learned as quick: this test shows nothing")
			require.LessOrEqual(t, took[0], freed)
		})
	}
}

// meeting gives what a handler does that waits until n have come, an hour at most.
func meeting(n int) func(ctx context.Context, i int) error {
	var all sync.WaitGroup
	all.Add(n)
	return func(ctx context.Context, _ int) error {
		met := make(chan struct{}) // the goroutine below closes it; nobody sends
		all.Done()
		go func() { // ends when all have come; when they do not, the bubble tells
			all.Wait()
			close(met)
		}()
		select {
		case <-met:
			return nil
		case <-time.After(time.Hour):
			return errBroken
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A route learns anew: handlers that wait no longer run inline again, and those that wait again are found out again.
func TestHandlersAreLearnedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{}, steps(3, func(ctx context.Context, _ int) error {
			return wait(ctx, time.Second)
		}))
		quick, slow := func() []*engine.Command { return many(1000, 10, step{}) }, func() []*engine.Command { return many(20, 20, step{Go: true}) }
		took := b.inWaves(quick(), slow(), quick(), slow(), quick(), many(1, 1, step{Go: true}))
		require.Greater(t, took[0], time.Second, "not learned as quick again")
		require.LessOrEqual(t, took[0], time.Second+freed)
		require.Equal(t, 3041, b.report.Accepted)
	})
}
