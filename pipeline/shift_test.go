package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reugn/go-streams/flow"
	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// runCancelled runs a belt over the commands and cancels it after a while. It gives the outcomes.
func (b *belt) runCancelled(after time.Duration, cmds []*engine.Command) []engine.Outcome {
	ctx := cancelledAfter(after)
	outcomes := watch(cmds...)
	b.report, b.err = b.Run(ctx, sources.Slice(cmds))
	return outcomes()
}

// After the cancel nothing new is read; what was read gets its regular outcome.
func TestCancelDrains(t *testing.T) {
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var cmds []*engine.Command
			for range 1000 {
				cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", rng.IntN(5)),
					mix{Amounts: []int{1}, Waits: []time.Duration{time.Duration(rng.IntN(1_000_000))}}))
			}
			b := newBelt(t, memory.New(), pipeline.Options{Window: 1 + rng.IntN(50), Batch: 1 + rng.IntN(5), Workers: 1 + rng.IntN(8)})
			outcomes := b.runCancelled(time.Duration(rng.IntN(20_000_000)), cmds)
			require.NoError(t, b.err, "seed %d", seed)
			read := 0
			for read < len(outcomes) && outcomes[read].Status != 0 {
				require.Equal(t, engine.Accepted, outcomes[read].Status)
				read++
			}
			for _, o := range outcomes[read:] {
				require.Zero(t, o.Status, "seed %d: a gap in what was read", seed)
			}
			require.Equal(t, read, b.report.Commands)
			require.Zero(t, b.report.InFlight)
		})
	}
}

// The drain timeout cancels handlers; everything that was read gets an outcome still, and no event is half there.
func TestDrainTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, window := range []int{1, 7, 4096} {
			store := memory.New()
			cmds := puts("a", 1)
			for i := range 99 {
				cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", i%10), note{Waits: []time.Duration{time.Hour}}))
			}
			letters := 0
			b := newBelt(t, store, pipeline.Options{
				Window: window, DrainTimeout: time.Minute, HandlerTimeout: -1, Workers: 3, Batch: 2,
				DeadLetters: sinks.Func(func(*engine.DeadLetter) error { letters++; return nil }),
			})
			begin := time.Now()
			outcomes := b.runCancelled(time.Second, cmds)
			require.Equal(t, time.Minute+time.Second, time.Since(begin))
			require.ErrorIs(t, b.err, pipeline.ErrStopped)
			require.ErrorContains(t, b.err, "drain timeout of 1m0s")
			require.Equal(t, engine.Accepted, outcomes[0].Status)
			for i, o := range outcomes[1:] {
				require.Equal(t, engine.DeadLettered, o.Status, "window %d, command %d", window, i)
				require.ErrorIs(t, o.Err, pipeline.ErrStopped, "also of those whose handlers were cancelled")
			}
			require.Equal(t, 99, letters)
			require.Equal(t, 100, b.report.Commands)
			require.Zero(t, b.report.InFlight)
			require.Len(t, wholeLog(t, store), 1)
		}
	})
}

// The same with stages between source and belt: none of them stays blocked. The bubble would see it.
func TestDrainTimeoutWithStages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := cancelledAfter(time.Second)
		b := newBelt(t, memory.New(), pipeline.Options{Window: 1, DrainTimeout: time.Second})
		var cmds []*engine.Command
		for range 10 {
			cmds = append(cmds, engine.NewCommand("a", note{Waits: []time.Duration{time.Hour}}))
		}
		outcomes := watch(cmds...)
		report, err := b.Run(ctx, sources.Slice(cmds).Via(flow.NewPassThrough()).Via(flow.NewPassThrough()))
		require.ErrorIs(t, err, pipeline.ErrStopped)
		read := 10 - statuses(outcomes())[0]
		require.Equal(t, read, report.Commands)
		require.GreaterOrEqual(t, read, 3, "the stages held some")
	})
}

// A handler that does not listen is left behind: Run returns in bounded time and says so.
func TestHandlerThatIgnoresCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{}) // the test closes it, the handler receives; nobody sends
		deaf := module(func(r *engine.Registry) {
			engine.OnCommand(r, "ping", "deaf", func(context.Context, *engine.Command, ping) ([]any, error) {
				<-release
				return []any{seen{"deaf"}}, nil
			})
		})
		store := memory.New()
		letters := 0
		b := newBelt(t, store, pipeline.Options{
			DrainTimeout: time.Second, Workers: 2,
			DeadLetters: sinks.Func(func(*engine.DeadLetter) error { letters++; return nil }),
		}, deaf).start()
		var receipts []*pipeline.Receipt
		for _, data := range []any{ping{}, ping{}, put{}} {
			r, err := b.Send(t.Context(), engine.NewCommand("a", data))
			require.NoError(t, err)
			receipts = append(receipts, r)
		}
		synctest.Wait()
		begin := time.Now()
		b.stop()
		<-b.ended
		require.Less(t, time.Since(begin), 3*time.Second)
		require.ErrorIs(t, b.err, pipeline.ErrStopped)
		require.ErrorContains(t, b.err, "3 commands are still in handlers")
		require.Equal(t, 3, b.report.InFlight)
		require.Equal(t, 3, b.report.Sequence.Lost)
		for _, r := range receipts {
			_, err := r.Wait(t.Context())
			require.ErrorIs(t, err, pipeline.ErrStopped)
		}
		close(release)
		synctest.Wait() // the late result changes nothing
		require.Empty(t, wholeLog(t, store))
		require.Zero(t, letters)
	})
}

// A store that does not listen is left behind too.
func TestStoreThatIgnoresCancellation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{}) // the test closes it, the store receives; nobody sends
		inner := memory.New()
		b := newBelt(t, storeFuncs{inner, func(ctx context.Context, batch []engine.Append) []engine.Result {
			<-release
			return inner.Append(ctx, batch)
		}}, pipeline.Options{DrainTimeout: time.Second})
		begin := time.Now()
		b.runCancelled(time.Second, puts("a", 10))
		require.Less(t, time.Since(begin), 4*time.Second)
		require.ErrorIs(t, b.err, pipeline.ErrStopped)
		close(release)
	})
}

// The sinks behind the store get every event before Run returns, however slow they are.
func TestRunWaitsForTheSinksBehindTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{})
		var positions []engine.Position
		b.sink.Then(sinks.Func(func(e *engine.Event) error {
			time.Sleep(time.Millisecond)
			positions = append(positions, e.Position)
			return nil
		}))
		b.feed(puts("a", 500)...)
		require.Len(t, positions, 500)
		for i, p := range positions {
			require.EqualValues(t, i+1, p)
		}
	})
}

// A sink behind the store that takes too long is cut off by the drain timeout.
func TestSinkBehindTheStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{DrainTimeout: time.Second})
		b.sink.Then(sinks.Func(func(*engine.Event) error { time.Sleep(time.Minute); return nil }))
		begin := time.Now()
		b.runCancelled(time.Second, puts("a", 500))
		require.ErrorIs(t, b.err, pipeline.ErrStopped)
		require.Equal(t, 500, b.report.Accepted)
		require.Less(t, time.Since(begin), 4*time.Second)
		time.Sleep(2 * time.Hour) // the sink comes to its end by itself
	})
}
