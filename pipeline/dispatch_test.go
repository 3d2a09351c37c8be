package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
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

// A plain chain with a stock filter ahead of the stage and the store sink behind it.
func TestDispatchInAPlainChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.New()
		letters := 0
		b := newBelt(t, store, pipeline.Options{
			DeadLetters: sinks.Func(func(*engine.DeadLetter) error { letters++; return nil }),
		})
		ch := make(chan any) // the goroutine below sends and closes, the source receives
		go func() {
			defer close(ch)
			for i := range 1000 {
				ch <- engine.NewCommand(fmt.Sprint("a", i%10), put{Amounts: []int{i}})
			}
			ch <- engine.NewCommand("a0", put{Fault: deciderFails})
		}()
		odd := flow.NewFilter(func(e any) bool {
			j := e.(*engine.Command).Data.(put)
			return j.Fault != "" || j.Amounts[0]%2 == 1
		}, 1)
		sources.Chan(ch).Via(odd).Via(b.Dispatch(t.Context())).To(b.sink)
		require.NoError(t, b.sink.Err())
		require.Equal(t, pipeline.Counts{Commands: 501, Accepted: 500, DeadLettered: 1, Events: 500}, b.Report().Counts)
		require.Equal(t, 1, letters, "dead letters are complete when the chain is")
		for i := 1; i < 10; i += 2 {
			amounts := payloads(stream(t, store, fmt.Sprint("a", i)))
			for n, e := range amounts {
				require.Equal(t, n*10+i, e.(added).Amount, "in sequence")
			}
		}
	})
}

// A stage that shuffles batches changes nothing for an aggregate.
func TestDispatchWithAStageThatShuffles(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			naps := make(chan time.Duration, 2000) // filled here, the stage receives; room for all
			for range cap(naps) {
				naps <- time.Duration(rng.IntN(1_000_000))
			}
			var cmds []*engine.Command
			for i := range 300 {
				cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", rng.IntN(8)), pick[any](rng, put{Amounts: []int{i}}, note{})))
			}
			outcomes := watch(cmds...)
			store := memory.New()
			b := newBelt(t, store, pipeline.Options{Batch: 4, Window: 64})
			sources.Slice(cmds).Via(b.Dispatch(t.Context())).
				Via(flow.NewMap(func(e any) any { time.Sleep(<-naps); return e }, 8)).To(b.sink)
			last := map[string]engine.Version{}
			for i, o := range outcomes() {
				require.Equal(t, engine.Accepted, o.Status, "seed %d", seed)
				require.Equal(t, last[cmds[i].Subject]+1, o.First, "seed %d", seed)
				last[cmds[i].Subject] = o.Last
			}
			require.True(t, b.Report().Sequence.OK())
		})
	}
}

// Cancelled in mid-stream: what was admitted is finished, what comes later is refused, and when upstream closes nothing
// is left. The bubble would see a goroutine that stays.
func TestDispatchCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := cancelledAfter(50 * time.Millisecond)
		cmds := puts("a", 100)
		outcomes := watch(cmds...)
		ch := make(chan any) // the goroutine below sends and closes, the source receives
		go func() {
			defer close(ch)
			for _, cmd := range cmds {
				ch <- cmd
				time.Sleep(time.Millisecond + 1)
			}
		}()
		b := newBelt(t, memory.New(), pipeline.Options{})
		sources.Chan(ch).Via(flow.NewPassThrough()).Via(b.Dispatch(ctx)).To(b.sink)
		require.NoError(t, b.sink.Err())
		_, err := b.Do(t.Context(), engine.NewCommand("a", put{}))
		require.ErrorIs(t, err, engine.ErrClosed)
		time.Sleep(time.Second)
		synctest.Wait()
		for i, o := range outcomes() {
			if i < 50 {
				require.Equal(t, engine.Accepted, o.Status, i)
			} else {
				require.ErrorIs(t, o.Err, pipeline.ErrStopped, i)
			}
		}
		require.Equal(t, 50, b.Report().Commands)
	})
}

// The stage runs before its source has anything: who calls Do is served, and let go when the context is done.
func TestDispatchBeforeItsFirstElement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := newBelt(t, memory.New(), pipeline.Options{})
		silent := make(chan any) // nobody sends; closed at the end, the source receives
		var chain sync.WaitGroup
		chain.Go(func() { sources.Chan(silent).Via(b.Dispatch(ctx)).To(b.sink) })
		o, err := b.Do(t.Context(), engine.NewCommand("a", put{Amounts: []int{1}}))
		require.NoError(t, err)
		require.EqualValues(t, 1, o.Last)
		cancel()
		chain.Wait()
		_, err = b.Do(t.Context(), engine.NewCommand("a", put{}))
		require.ErrorIs(t, err, engine.ErrClosed)
		close(silent)
	})
}

// Downstream does not read: the drain timeout answers what is on its way.
func TestDispatchThatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := cancelledAfter(time.Second)
		b := newBelt(t, memory.New(), pipeline.Options{DrainTimeout: time.Second, Workers: 2})
		var cmds []*engine.Command
		for i := range 10 {
			cmds = append(cmds, engine.NewCommand(fmt.Sprint("a", i), put{}))
		}
		outcomes := watch(cmds...)
		stage := b.Dispatch(ctx)
		in := stage.In()
		for _, cmd := range cmds {
			in <- cmd
		}
		close(in)
		time.Sleep(time.Minute)
		synctest.Wait()
		for i, o := range outcomes() {
			if o.Status != 0 { // two batches wait in the outlet
				require.ErrorIs(t, o.Err, pipeline.ErrStopped, i)
			}
		}
		require.Equal(t, 2, statuses(outcomes())[0])
		n := 0
		for range stage.Out() {
			n++
		}
		require.Equal(t, 2, n)
	})
}

// The stage of a pipeline that was used before passes nothing on and blocks nobody.
func TestDispatchOfAUsedPipeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{})
		b.feed(puts("a", 1)...)
		sources.Slice(puts("a", 100)).Via(b.Dispatch(t.Context())).To(sinks.NewStore(b.store))
		require.Len(t, wholeLog(t, b.store), 1)
	})
}
