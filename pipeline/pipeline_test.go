package pipeline_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orchestrix-go/orchestrix/engine"
	"github.com/orchestrix-go/orchestrix/pipeline"
	"github.com/orchestrix-go/orchestrix/sinks"
	"github.com/orchestrix-go/orchestrix/sinks/memory"
	"github.com/orchestrix-go/orchestrix/sources"
)

// Command -> handlers -> decider -> persistence, and the answer.
func TestFullFlow(t *testing.T) {
	store := memory.New()
	b := newBelt(t, store, pipeline.Options{})
	cmd := engine.NewCommand("a", mix{Amounts: []int{5, -2}})
	cmd.Source, cmd.TraceParent = "shop", "00-trace"
	o := b.feed(cmd)[0]

	require.Equal(t, engine.Outcome{
		CommandID: cmd.ID, Status: engine.Accepted, First: 1, Last: 5, Position: 5,
	}, o)
	require.NoError(t, o.Failure())
	events := stream(t, store, "a")
	require.Equal(t, []any{
		seen{"h0"}, added{5, 5}, added{-2, 3}, seen{"h1"}, seen{"h2"},
	}, payloads(events), "in registration sequence, the decider between its neighbours")
	for i, e := range events {
		require.EqualValues(t, i+1, e.Version)
		require.Equal(t, "a", e.Subject)
		require.Equal(t, cmd.ID, e.CausationID)
		require.Equal(t, cmd.ID, e.CorrelationID)
		require.Equal(t, "shop", e.Source)
		require.Equal(t, "00-trace", e.TraceParent)
	}
	require.Equal(t, "added", events[1].Type)
	require.Equal(t, pipeline.Counts{Commands: 1, Accepted: 1, Events: 5}, b.report.Counts)
}

// 2000 commands of 50 accounts from 20 goroutines, interleaved as it comes.
func TestInterleavedPublishes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const senders, each, aggregates = 20, 100, 50
		store := memory.New()
		b := newBelt(t, store, pipeline.Options{Window: 100, Batch: 8}).start()
		var mu sync.Mutex
		type line struct { // what has a sequence of arrival
			sender    int
			aggregate string
		}
		type place struct {
			line
			number int
		}
		sent := map[engine.ID]place{}
		engine.FanOut(senders, func(sender int) {
			rng := rand.New(rand.NewPCG(uint64(sender), 1))
			for number := range each {
				aggregate := fmt.Sprintf("a%d", rng.IntN(aggregates))
				wait := []time.Duration{time.Duration(rng.IntN(1_000_000))}
				cmd := engine.NewCommand(aggregate, pick[any](rng, put{Amounts: []int{1}},
					note{Waits: wait}, mix{Waits: wait, Amounts: []int{1}}))
				mu.Lock()
				sent[cmd.ID] = place{line{sender, aggregate}, number}
				mu.Unlock()
				_, err := b.Send(t.Context(), cmd)
				require.NoError(t, err)
			}
		})
		report := b.end()
		require.Equal(t, senders*each, report.Accepted)

		last := map[line]int{} // a sender's commands for one aggregate stand as they were sent
		versions := map[string]engine.Version{}
		for _, e := range wholeLog(t, store) {
			versions[e.Subject]++
			require.Equal(t, versions[e.Subject], e.Version)
			p, ok := sent[e.CausationID]
			require.True(t, ok)
			require.LessOrEqual(t, last[p.line], p.number)
			last[p.line] = p.number
		}
	})
}

// One hot aggregate: nothing is refused because it was concurrent.
func TestHotAggregate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		store := memory.New()
		b := newBelt(t, store, pipeline.Options{}).start()
		outcomes := make([]engine.Outcome, n)
		engine.FanOut(n, func(i int) {
			var err error
			outcomes[i], err = b.Do(t.Context(), engine.NewCommand("hot", put{Amounts: []int{1}}))
			require.NoError(t, err)
		})
		report := b.end()
		require.Equal(t, pipeline.Counts{Commands: n, Accepted: n, Events: n}, report.Counts)
		require.Equal(t, n, balanceOf(t, store, "hot"))
		found := map[engine.Version]bool{}
		for _, o := range outcomes {
			require.Equal(t, o.First, o.Last)
			found[o.First] = true
		}
		require.Len(t, found, n, "each has a version of its own, 1 to 1000")
	})
}

// While one writes, others load: each load is a prefix.
func TestConcurrentSaveAndLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{Store: memory.New(), rng: rand.New(rand.NewPCG(1, 1)), slow: time.Millisecond}
		b := newBelt(t, store, pipeline.Options{Batch: 4}).start()
		engine.FanOut(4, func(i int) {
			if i > 0 {
				for range 100 {
					require.LessOrEqual(t, balanceOf(t, store, "a"), 200)
				}
				return
			}
			for _, cmd := range puts("a", 200) {
				o, err := b.Do(t.Context(), cmd)
				require.NoError(t, err)
				require.Len(t, stream(t, store, "a"), int(o.Last), "what is acknowledged can be loaded")
			}
		})
		b.end()
	})
}

// Done one after another or all at once: the same log.
func TestSyncAgainstAsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trial := func(submit func(b *belt, cmds []*engine.Command)) map[string][]any {
			store := memory.New()
			b := newBelt(t, store, pipeline.Options{Workers: 8, Batch: 4}).start()
			rng := rand.New(rand.NewPCG(3, 3))
			var cmds []*engine.Command
			for range 300 {
				cmds = append(cmds, engine.NewCommand(fmt.Sprintf("a%d", rng.IntN(7)), randomCommand(rng)))
			}
			submit(b, cmds)
			b.end()
			logs := map[string][]any{}
			for _, e := range wholeLog(t, store) {
				logs[e.Subject] = append(logs[e.Subject], e.Data)
			}
			return logs
		}
		sync := trial(func(b *belt, cmds []*engine.Command) {
			for _, cmd := range cmds {
				_, _ = b.Do(t.Context(), cmd)
			}
		})
		async := trial(func(b *belt, cmds []*engine.Command) {
			for _, cmd := range cmds {
				_, err := b.Send(t.Context(), cmd)
				require.NoError(t, err)
			}
		})
		require.Len(t, sync, 7)
		require.Equal(t, sync, async)
	})
}

// A handler that hangs costs its own aggregate and nobody else.
func TestIsolation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBelt(t, memory.New(), pipeline.Options{DrainTimeout: time.Second}).start()
		hangs, err := b.Send(t.Context(), engine.NewCommand("hangs", note{Waits: []time.Duration{time.Hour}}))
		require.NoError(t, err)
		begin := time.Now()
		engine.FanOut(63, func(i int) {
			for range 10 {
				_, err := b.Do(t.Context(), engine.NewCommand(fmt.Sprint("a", i), note{Waits: []time.Duration{1000, 1000}}))
				require.NoError(t, err)
			}
		})
		require.Equal(t, 10*time.Microsecond, time.Since(begin))
		b.stop()
		<-b.ended
		require.ErrorIs(t, b.err, pipeline.ErrStopped)
		o, err := hangs.Wait(t.Context())
		require.NoError(t, err)
		require.Equal(t, engine.DeadLettered, o.Status)
		require.ErrorIs(t, o.Err, context.Canceled)
	})
}

// A pipeline is used once.
func TestRunTwice(t *testing.T) {
	b := newBelt(t, memory.New(), pipeline.Options{})
	b.feed(puts("a", 3)...)
	report, err := b.Run(t.Context(), sources.Slice(puts("a", 3)))
	require.ErrorIs(t, err, engine.ErrClosed)
	require.Equal(t, b.report, report)
	require.Equal(t, 3, report.Commands)
}

// What New is not given, or is given wrongly, is reported at once.
func TestNewReportsEveryFault(t *testing.T) {
	_, err := pipeline.New(nil, nil, pipeline.Options{Workers: -1})
	require.ErrorContains(t, err, "registry is nil")
	require.ErrorContains(t, err, "sink is nil")
	require.ErrorContains(t, err, "Options.Workers is -1")

	broken := engine.NewRegistry(account{}, account{})
	_, err = pipeline.New(broken, sinks.NewStore(memory.New()), pipeline.Options{})
	require.ErrorContains(t, err, "two deciders")

	_, err = pipeline.New(engine.NewRegistry(account{}), sinks.NewStore(nil), pipeline.Options{})
	require.ErrorContains(t, err, "store is nil")
}

// The cache of states changes nothing but the number of loads.
func TestCacheEviction(t *testing.T) {
	for cache, loads := range map[int]int{-1: 300, 1: 300, 0: 100} {
		t.Run(fmt.Sprint("cache=", cache), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := &counting{Store: memory.New()}
				b := newBelt(t, store, pipeline.Options{Cache: cache}).start()
				for range 3 {
					for i := range 100 {
						_, err := b.Do(t.Context(), engine.NewCommand(fmt.Sprint("a", i), put{Amounts: []int{1}}))
						require.NoError(t, err)
					}
					synctest.Wait()
				}
				b.end()
				require.Equal(t, loads, store.loads)
				for i := range 100 {
					require.Equal(t, 3, balanceOf(t, store.Store, fmt.Sprint("a", i)))
				}
			})
		})
	}
}
